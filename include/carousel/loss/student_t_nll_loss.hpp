// StudentTNLLLoss: location, scale and heaviness of the tails, where some errors are very large.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <numbers>
#include <optional>
#include <span>
#include <type_traits>

#ifdef CAROUSEL_BODIES
#    include "carousel/loss/term_loss.hpp"
#endif

namespace carousel::inline CAROUSEL_ABI {

/// The negative log-likelihood, in nats, of targets under Student's t distribution: for each of F targets the model has three
/// outputs, which stand together: row 3f of y is the location μ of row f of the target, row 3f + 1 the raw scale s and row 3f + 2
/// the raw degrees of freedom r, any numbers. With softplus(x) = log(1 + e^x):
///
///     σ = min_scale + softplus(s)    ν = 2 + softplus(r)    z = (target − μ)/σ
///     l = log Γ(ν/2) − log Γ((ν + 1)/2) + ½ log πν + log σ + ½ (ν + 1) log(1 + z²/ν)
///     dl/dμ = −(ν + 1) z/(ν + z²)/σ
///     dl/dσ = (1 − (ν + 1) z²/(ν + z²))/σ
///     dl/dν = ½ (ψ(ν/2) − ψ((ν + 1)/2) + 1/ν + log(1 + z²/ν) − (ν + 1) z²/(ν (ν + z²)))
///     Reduction::mean   loss = 1/(F·N) Σ l, of N real columns    Reduction::sum   loss = Σ l
///
/// as −log_prob of PyTorch's StudentT(ν, μ, σ). Above 2 the variance, σ² ν/(ν − 2), is finite. Where degrees_of_freedom are given,
/// there are two outputs, μ and s. Padding adds nothing and has the gradient zero. With weights, each summand is multiplied by its
/// column's and F·N is the sum of the weights that count.
struct StudentTNLLLoss {
    Reduction reduction = Reduction::mean;
    bool skip_nan = false;   ///< targets that are NaN don't count, and F·N is how many do; otherwise they are refused
    double min_scale = 1e-3; ///< the least σ, in the targets' unit; > 0
    std::optional<double> degrees_of_freedom = std::nullopt; ///< ν, > 0, if the model doesn't say it

    /// y: 3F × steps × batch, target: F × steps × batch; which columns are real is said by y's lengths. dy takes y's shape and
    /// lengths, keeps its memory if it has that size already, and may be what y is a view of. Throws std::invalid_argument, before
    /// dy is touched, unless target has F rows, y's steps, batch and, if it has lengths, y's lengths, a column is real and their
    /// targets are finite, and the options are in their ranges.
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
    static constexpr const char* name = "StudentTNLLLoss";
    /// Throws std::invalid_argument unless the options are in their ranges.
    void check_options() const {
        require(std::isfinite(min_scale) && min_scale > 0, name, "min_scale is ", min_scale,
                ", expected a finite number > 0");
        require(!degrees_of_freedom || (std::isfinite(*degrees_of_freedom) && *degrees_of_freedom > 0), name,
                "degrees_of_freedom are ", degrees_of_freedom.value_or(0), ", expected a finite number > 0");
    }
    /// How many outputs a target has.
    Index outputs() const { return degrees_of_freedom ? 2 : 3; }
    /// σ of an output s, and ν of an output r.
    double scale(double s) const { return min_scale + softplus(s); }
    double freedom(double r) const { return degrees_of_freedom ? *degrees_of_freedom : 2 + softplus(r); }
    /// Of one target.
    double terms(std::span<const double> y, double target, std::span<double> dy) const {
        const double sigma = scale(y[1]), nu = freedom(y.back()), z = (target - y[0]) / sigma;
        const double share = z / (nu + z * z) * z, logarithm = std::log1p(z * z / nu);
        const auto [ratio, slope] = log_gamma_ratio(nu / 2);
        dy[0] = -(nu + 1) * (z / (nu + z * z)) / sigma;
        dy[1] = (1 - (nu + 1) * share) / sigma / (1 + std::exp(-y[1]));
        if (!degrees_of_freedom)
            dy[2] = (1 / nu + logarithm - (nu + 1) * share / nu - slope) / 2 / (1 + std::exp(-y[2]));
        return std::log(std::numbers::pi * nu) / 2 - ratio + std::log(sigma) + (nu + 1) / 2 * logarithm;
    }

  private:
    static double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

    /// log Γ(x + ½) − log Γ(x) and its derivative, for x > 0: the series in 1/x of large x, and below log Γ(x + 1) =
    /// log x + log Γ(x), so that no digits are lost to the difference.
    static Term log_gamma_ratio(double x) {
        Term result;
        for (; x < 20; ++x) {
            result.loss -= std::log1p(1 / (2 * x));
            result.derivative += 1 / (x * (2 * x + 1));
        }
        const double u = 1 / x, v = u * u;
        result.loss += std::log(x) / 2 -
                       u * (1.0 / 8 - v * (1.0 / 192 - v * (1.0 / 640 - v * (17.0 / 14336 - v * (31.0 / 18432)))));
        result.derivative +=
            u / 2 + v * (1.0 / 8 - v * (1.0 / 64 - v * (1.0 / 128 - v * (17.0 / 2048 - v * (31.0 / 2048)))));
        return result;
    }
};

static_assert(Loss<StudentTNLLLoss>);

#ifdef CAROUSEL_BODIES

CAROUSEL_TERM_LOSS_BODIES(StudentTNLLLoss)

#endif

} // namespace carousel
