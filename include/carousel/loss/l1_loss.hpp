// L1Loss: the mean, or the sum, of absolute differences.
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

/// As PyTorch's L1Loss and Keras' MeanAbsoluteError: with F features and N real columns
///
///     Reduction::mean   loss = 1/(F·N) Σ |y − target|    dy = 1/(F·N) sign(y − target)
///     Reduction::sum    loss = Σ |y − target|            dy = sign(y − target), 0 where they are equal
///
/// Padding adds nothing and has the gradient zero. With weights, each summand is multiplied by its column's and F·N is the sum of
/// the weights that count. It leads to the median of what is possible, where the squared error leads to the mean.
struct L1Loss {
    Reduction reduction = Reduction::mean;
    bool skip_nan = false; ///< targets that are NaN don't count, and F·N is how many do; otherwise they are refused

    /// y, target: F × steps × batch; which columns are real is said by y's lengths. dy takes y's shape and lengths, keeps its
    /// memory if it has that size already, and may be what y is a view of. Throws std::invalid_argument, before dy is touched,
    /// unless target has y's shape and, if it has lengths, y's lengths, a column is real and their targets are finite.
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
    static constexpr const char* name = "L1Loss";
    /// Of one number.
    Term term(double y, double target) const {
        const double error = y - target;
        return {std::abs(error), error > 0 ? 1.0 : error < 0 ? -1.0 : 0 * error};
    }
};

static_assert(Loss<L1Loss>);

#ifdef CAROUSEL_BODIES

CAROUSEL_TERM_LOSS_BODIES(L1Loss)

#endif

} // namespace carousel
