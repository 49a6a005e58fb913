// MeanSquaredError: the mean, or the sum, of squared differences.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"

#include <concepts>
#include <type_traits>

#ifdef CAROUSEL_BODIES
#    include "carousel/core/finite.hpp"
#    include "carousel/kernel/vectors.hpp"

#    include <algorithm>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// With F features and N real columns (steps · batch, or the sum of the lengths):
///
///     Reduction::mean   loss = 1/(F·N) Σ (y − target)²    dy = 2/(F·N) (y − target)
///     Reduction::sum    loss = Σ (y − target)²            dy = 2 (y − target)
///
/// Padding, whatever it holds, adds nothing and has the gradient zero.
struct MeanSquaredError {
    Reduction reduction = Reduction::mean;

    /// y, target: features × steps × batch; which columns are real is said by y's lengths. dy takes y's
    /// shape and lengths and keeps its memory if it has that size already. Sums of 128 squares are added up in double. Throws
    /// std::invalid_argument unless target has y's shape and, if it has lengths, y's lengths, and a column is real.
    template <std::floating_point S>
    double operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const;

    template <std::floating_point S>
    double operator()(const Sequence<S>& y, const Sequence<S>& target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const {
        return (*this)(y.view(), target.view(), dy);
    }

    /// What the sum is divided by: F·N for a mean, 1 for a sum, 0 without real columns. Batches are averaged by it:
    /// Σ weight·loss / Σ weight.
    template <std::floating_point S>
    double weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>>) const;

    /// The weight() of outputs with these targets, of their lengths. Throws std::invalid_argument unless they have as many
    /// features and every real one is finite.
    template <std::floating_point S>
    double check(SequenceView<S> target, Index features) const;
};

static_assert(Loss<MeanSquaredError>);

#ifdef CAROUSEL_BODIES

template <std::floating_point S>
double MeanSquaredError::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                    std::type_identity_t<Sequence<S>>* dy) const {
    detail::require_target("MeanSquaredError", y, target, y.features());
    const double divisor = weight(y, target);
    detail::require_summands("MeanSquaredError", divisor);
    if (dy)
        dy->resize(y.features(), y.steps(), y.batch(), y.lengths());
    const auto& vectors = kernel::vector_functions<S>();
    double sum = 0;
    detail::each_run(y, [&](Index column, Index count, bool real) {
        const Index first = column * y.features(), size = count * y.features();
        if (real)
            sum += vectors.squared_difference(y.data() + first, target.data() + first, size);
        if (dy && real)
            vectors.scaled_difference(static_cast<S>(2 / divisor), y.data() + first, target.data() + first,
                                      dy->data() + first, size);
        else if (dy)
            std::fill_n(dy->data() + first, size, S(0));
    });
    return sum / divisor;
}

template <std::floating_point S>
double MeanSquaredError::weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>>) const {
    return detail::loss_weight(reduction, y);
}

template <std::floating_point S>
double MeanSquaredError::check(SequenceView<S> target, Index features) const {
    require(target.features() == features, "MeanSquaredError", "the targets have ", target.features(),
            " features, expected ", features);
    detail::each_run(target, [&](Index column, Index count, bool real) {
        const Index first = column * features, size = real ? count * features : 0;
        const Index k = detail::non_finite_at(target.data() + (size > 0 ? first : 0), size);
        if (k == size)
            return;
        const Index at = (first + k) / features;
        require(false, "MeanSquaredError", "the target at feature ", (first + k) % features, ", step ",
                at / target.batch(), " of sequence ", at % target.batch(), " is ", target.data()[first + k],
                ", expected a finite number");
    });
    return detail::loss_weight(reduction, target);
}

#endif

} // namespace carousel
