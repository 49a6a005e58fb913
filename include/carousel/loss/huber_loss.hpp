// HuberLoss: squared differences where they are small, absolute ones where they are large.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"

#include <cmath>
#include <concepts>
#include <type_traits>

#ifdef CAROUSEL_BODIES
#    include "carousel/loss/term_loss.hpp"
#endif

namespace carousel::inline CAROUSEL_ABI {

/// Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 1964; as PyTorch's HuberLoss and Keras'
/// Huber. With F features, N real columns and e = y − target:
///
///     l = ½e² where |e| <= delta, else delta (|e| − ½ delta)
///     Reduction::mean   loss = 1/(F·N) Σ l    dy = 1/(F·N) max(−delta, min(e, delta))
///     Reduction::sum    loss = Σ l            dy = max(−delta, min(e, delta))
///
/// Padding adds nothing and has the gradient zero. With weights, each summand is multiplied by its column's and F·N is the sum of
/// the weights that count. Where all errors are small it is half the MeanSquaredError.
struct HuberLoss {
    double delta = 1; ///< up to which errors are squared, in the targets' unit; > 0
    Reduction reduction = Reduction::mean;
    bool skip_nan = false; ///< targets that are NaN don't count, and F·N is how many do; otherwise they are refused

    /// y, target: F × steps × batch; which columns are real is said by y's lengths. dy takes y's shape and lengths, keeps its
    /// memory if it has that size already, and may be what y is a view of. Throws std::invalid_argument, before dy is touched,
    /// unless target has y's shape and, if it has lengths, y's lengths, a column is real and their targets are finite, and unless
    /// delta is finite and > 0.
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
    static constexpr const char* name = "HuberLoss";
    /// Throws std::invalid_argument unless the options are in their ranges.
    void check_options() const {
        require(std::isfinite(delta) && delta > 0, name, "delta is ", delta, ", expected a finite number > 0");
    }
    /// Of one number.
    Term term(double y, double target) const {
        const double error = y - target, size = std::abs(error);
        if (size > delta)
            return {delta * (size - delta / 2), error > 0 ? delta : -delta};
        return {error * error / 2, error};
    }
};

static_assert(Loss<HuberLoss>);

#ifdef CAROUSEL_BODIES

CAROUSEL_TERM_LOSS_BODIES(HuberLoss)

#endif

} // namespace carousel
