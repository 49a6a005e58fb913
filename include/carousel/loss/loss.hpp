// Loss: how far an output is from its target, and the gradient of that. The division by the number of summands is here
// and nowhere else in the library.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"
#include "carousel/core/sequence.hpp"

#include <concepts>

namespace carousel {

/// What a loss makes of the summands of a batch: their mean over all real numbers (padding of ragged sequences is
/// none), or their sum.
enum class Reduction { mean, sum };

/// A loss of one's own needs
///   loss(y, target, dy)  the loss as double; writes its gradient with respect to y (features × columns, zero where
///                        y is padding) to *dy, unless dy is null;
///   loss.weight(y)       what the sum was divided by: the mean over batches is Σ weight·loss / Σ weight.
template <class Type>
concept Loss = std::copyable<Type> && requires(const Type& loss, SequenceView<float> y, Matrix<float>* dy) {
    { loss(y, y, dy) } -> std::same_as<double>;
    { loss.weight(y) } -> std::same_as<double>;
};

namespace detail {

/// Throws std::invalid_argument unless target has y's shape and, if it has lengths, y's lengths.
template <class S>
void require_same_shape(const char* where, const SequenceView<S>& y, const SequenceView<S>& target) {
    require(y.features() == target.features() && y.steps() == target.steps() && y.batch() == target.batch(), where,
            "y is features ", y.features(), " × steps ", y.steps(), " × batch ", y.batch(), " and target ",
            target.features(), " × ", target.steps(), " × ", target.batch(), ", expected the same shape");
    if (target.ragged())
        for (Index b = 0; b < y.batch(); ++b)
            require(y.length(b) == target.length(b), where, "sequence ", b, " of y has length ", y.length(b),
                    " and of target ", target.length(b), ", expected the same length");
}

/// Calls visit(first, count, real) for runs of columns that cover y from first to last, each all real or all padding.
template <class S, class Visit>
void each_run(const SequenceView<S>& y, const Visit& visit) {
    if (!y.ragged()) {
        visit(Index(0), y.columns(), true);
        return;
    }
    Index first = 0;
    Index column = 0;
    bool real = y.real(0, 0);
    for (Index t = 0; t < y.steps(); ++t)
        for (Index b = 0; b < y.batch(); ++b, ++column)
            if (y.real(t, b) != real) {
                visit(first, column - first, real);
                first = column;
                real = !real;
            }
    visit(first, column - first, real);
}

/// features × real columns for a mean, 1 for a sum.
template <class S>
double loss_weight(Reduction reduction, const SequenceView<S>& y) {
    return reduction == Reduction::mean ? static_cast<double>(y.features() * y.real_columns()) : 1;
}

} // namespace detail

} // namespace carousel
