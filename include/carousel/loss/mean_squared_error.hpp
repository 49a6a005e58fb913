// MeanSquaredError: the mean, or the sum, of squared differences.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"

#include <concepts>
#include <type_traits>

#ifdef CAROUSEL_BODIES
#    include "carousel/kernel/vectors.hpp"
#    include "carousel/loss/term_loss.hpp"
#endif

namespace carousel::inline CAROUSEL_ABI {

/// With F features and N real columns (steps · batch, or the sum of the lengths):
///
///     Reduction::mean   loss = 1/(F·N) Σ (y − target)²    dy = 2/(F·N) (y − target)
///     Reduction::sum    loss = Σ (y − target)²            dy = 2 (y − target)
///
/// Padding, whatever it holds, adds nothing and has the gradient zero. With weights, each summand is multiplied by its
/// column's and F·N is the sum of the weights that count.
struct MeanSquaredError {
    Reduction reduction = Reduction::mean;
    bool skip_nan = false; ///< targets that are NaN don't count, and F·N is how many do; otherwise check() refuses them

    /// y, target: features × steps × batch; which columns are real is said by y's lengths. dy takes y's
    /// shape and lengths and keeps its memory if it has that size already. Sums of 128 squares are added up in double. Throws
    /// std::invalid_argument unless target has y's shape and, if it has lengths, y's lengths, and a column is real.
    template <std::floating_point S>
    double operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr, ColumnWeights weights = {}) const;

    template <std::floating_point S>
    double operator()(const Sequence<S>& y, const Sequence<S>& target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const {
        return (*this)(y.view(), target.view(), dy);
    }

    /// What the sum is divided by: F·N for a mean, 1 for a sum, 0 without real columns. Batches are averaged by it:
    /// Σ weight·loss / Σ weight.
    template <std::floating_point S>
    double weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target, ColumnWeights weights = {}) const;

    /// The weight() of outputs with these targets, of their lengths. Throws std::invalid_argument unless they have as many
    /// features and every real one is finite, or NaN with skip_nan.
    template <std::floating_point S>
    double check(SequenceView<S> target, Index features, ColumnWeights weights = {}) const;

    /// Stands in messages.
    static constexpr const char* name = "MeanSquaredError";
    /// Of one number, and of `size` of them, with their derivatives · scale.
    Term term(double y, double target) const { return {(y - target) * (y - target), 2 * (y - target)}; }
    template <std::floating_point S>
    double run(const S* y, const S* target, Index size, double scale, S* dy) const;
};

static_assert(Loss<MeanSquaredError>);

#ifdef CAROUSEL_BODIES

template <std::floating_point S>
double MeanSquaredError::run(const S* y, const S* target, Index size, double scale, S* dy) const {
    const auto& vectors = kernel::vector_functions<S>();
    const double sum = vectors.squared_difference(y, target, size);
    if (dy)
        vectors.scaled_difference(static_cast<S>(2 * scale), y, target, dy, size);
    return sum;
}

CAROUSEL_TERM_LOSS_BODIES(MeanSquaredError)

#endif

} // namespace carousel
