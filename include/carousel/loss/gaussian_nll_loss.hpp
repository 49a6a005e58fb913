// GaussianNLLLoss: mean and standard deviation, where errors are normally distributed.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <numbers>
#include <span>
#include <type_traits>

#ifdef CAROUSEL_BODIES
#    include "carousel/loss/term_loss.hpp"
#endif

namespace carousel::inline CAROUSEL_ABI {

/// The negative log-likelihood, in nats, of targets under normal distributions: for each of F targets the model has two outputs,
/// which stand together: row 2f of y is the mean μ of row f of the target, and row 2f + 1 the raw scale s, any number:
///
///     σ = min_scale + log(1 + e^s)      standard_deviation(s)
///     l = ½ log 2π + log σ + ½ z²       z = (target − μ)/σ
///     dl/dμ = −z/σ                      dl/ds = (1 − z²)/σ · 1/(1 + e^−s)
///     Reduction::mean   loss = 1/(F·N) Σ l, of N real columns    Reduction::sum   loss = Σ l
///
/// which is PyTorch's GaussianNLLLoss(full=True) of μ and σ². The softplus, rather than the logarithm of the variance, as a large s
/// then makes a large σ and not one of e to that; min_scale keeps the loss of a target that is met exactly from falling without end.
/// Padding adds nothing and has the gradient zero. With weights, each summand is multiplied by its column's and F·N is the sum of
/// the weights that count.
struct GaussianNLLLoss {
    Reduction reduction = Reduction::mean;
    bool skip_nan = false;   ///< targets that are NaN don't count, and F·N is how many do; otherwise they are refused
    double min_scale = 1e-3; ///< the least σ, in the targets' unit; > 0

    /// y: 2F × steps × batch, target: F × steps × batch; which columns are real is said by y's lengths. dy takes y's shape and
    /// lengths, keeps its memory if it has that size already, and may be what y is a view of. Throws std::invalid_argument, before
    /// dy is touched, unless target has F rows, y's steps, batch and, if it has lengths, y's lengths, a column is real and their
    /// targets are finite, and min_scale is finite and > 0.
    template <std::floating_point S>
    double operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr, ColumnWeights weights = {}) const;

    template <std::floating_point S>
    double operator()(const Sequence<S>& y, const Sequence<S>& target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const {
        return (*this)(y.view(), target.view(), dy);
    }

    /// What the sum is divided by: F·N for a mean, 1 for a sum, 0 if nothing counts. Batches are averaged by it.
    template <std::floating_point S>
    double weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target, ColumnWeights weights = {}) const;

    /// The weight() of outputs with these targets, of their lengths. Throws std::invalid_argument as the loss itself.
    template <std::floating_point S>
    double check(SequenceView<S> target, Index features, ColumnWeights weights = {}) const;

    /// Stands in messages.
    static constexpr const char* name = "GaussianNLLLoss";
    /// Throws std::invalid_argument unless the options are in their ranges.
    void check_options() const {
        require(std::isfinite(min_scale) && min_scale > 0, name, "min_scale is ", min_scale,
                ", expected a finite number > 0");
    }
    /// How many outputs a target has.
    Index outputs() const { return 2; }
    /// σ of an output s.
    double standard_deviation(double s) const {
        return min_scale + std::max(s, 0.0) + std::log1p(std::exp(-std::abs(s)));
    }
    /// Of one target.
    double terms(std::span<const double> y, double target, std::span<double> dy) const {
        const double sigma = standard_deviation(y[1]), z = (target - y[0]) / sigma;
        dy[0] = -z / sigma;
        dy[1] = (1 - z * z) / sigma / (1 + std::exp(-y[1]));
        return std::log(2 * std::numbers::pi) / 2 + std::log(sigma) + z * z / 2;
    }
};

static_assert(Loss<GaussianNLLLoss>);

#ifdef CAROUSEL_BODIES

CAROUSEL_TERM_LOSS_BODIES(GaussianNLLLoss)

#endif

} // namespace carousel
