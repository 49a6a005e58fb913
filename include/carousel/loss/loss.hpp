// Loss: how far an output is from its target, and the gradient of that. The division by the number of summands is here
// and nowhere else in the library.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"
#include "carousel/core/sequence.hpp"

#include <concepts>
#include <span>

namespace carousel::inline CAROUSEL_ABI {

/// What a loss makes of the summands of a batch: their mean over all real numbers (padding of ragged sequences is
/// none), or their sum.
enum class Reduction { mean, sum };

/// A loss of one's own needs
///   loss(y, target, dy)       the loss as double; writes its gradient with respect to y (y's shape and lengths, zero
///                             where y is padding) to the Sequence *dy, unless dy is null;
///   loss.weight(y, target)    what the sum is divided by: the mean over batches is Σ weight·loss / Σ weight. 0 says
///                             that there is nothing to learn from, as in a batch of padding alone.
/// and may have
///   loss.check(target, features)   throws if outputs of so many features can't have these targets, and returns what
///                                  they weigh, as weight() does; fit asks before it begins;
///   loss.own_steps                 static, true if targets needn't have the steps of the output, as the labels of CTC; then
///                                  fit refuses FitOptions::truncate, for such a sequence can't be cut into chunks;
///   loss.reduction                 if it is Reduction::sum, ranks (fit over MPI) add up the losses of their shares of a batch; else
///                                  they average them by their weights;
///   a last argument, ColumnWeights, in each of the three, for Weighted (weighted.hpp).
/// A loss that is a sum over the targets needs none of this: see Elementwise (elementwise.hpp).
template <class Type>
concept Loss = std::copy_constructible<Type> && requires(const Type& loss, SequenceView<float> y, Sequence<float>* dy) {
    { loss(y, y, dy) } -> std::same_as<double>;
    { loss.weight(y, y) } -> std::same_as<double>;
};

/// What an output adds to a loss, and the derivative of that with respect to the output.
struct Term {
    /// The summand, and d summand/dy.
    double loss = 0, derivative = 0;
};

/// Weights of the columns of a batch, each >= 0; empty: all 1. A column of weight 0 counts as little as padding.
using ColumnWeights = std::span<const double>;

namespace detail {

/// Throws std::invalid_argument unless target has y's steps, batch and, if it has lengths, y's lengths, and so many
/// features.
template <class S>
void require_target(const char* where, const SequenceView<S>& y, const SequenceView<S>& target, Index features) {
    require(target.features() == features && y.steps() == target.steps() && y.batch() == target.batch(), where,
            "y is features ", y.features(), " × steps ", y.steps(), " × batch ", y.batch(), " and target ",
            target.features(), " × ", target.steps(), " × ", target.batch(), ", expected ",
            features == y.features() ? "the same shape"
            : features == 1          ? "1 feature and the same steps and batch"
                                     : "the same steps and batch");
    if (target.ragged())
        for (Index b = 0; b < y.batch(); ++b)
            require(y.length(b) == target.length(b), where, "sequence ", b, " of y has length ", y.length(b),
                    " and of target ", target.length(b), ", expected the same length");
}

/// Throws std::invalid_argument unless there is none, or one for each column, finite and >= 0 where it is real.
template <class S>
void require_weights(const char* where, const SequenceView<S>& columns, ColumnWeights weights) {
    if (weights.empty())
        return;
    require(static_cast<Index>(weights.size()) == columns.columns(), where, weights.size(), " weights were given for ",
            columns.columns(), " columns");
    for (Index t = 0, k = 0; t < columns.steps(); ++t)
        for (Index b = 0; b < columns.batch(); ++b, ++k) {
            const double w = weights[static_cast<std::size_t>(k)];
            require(!columns.real(t, b) || (w >= 0 && is_finite(w)), where, "the weight at step ", t, " of sequence ",
                    b, " is ", w, ", expected a finite number >= 0");
        }
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

/// each_run, of columns that count with the same weight; 0 is that of padding. visit(first, count, weight).
template <class S, class Visit>
void each_weighted_run(const SequenceView<S>& y, ColumnWeights weights, const Visit& visit) {
    each_run(y, [&](Index first, Index count, bool real) {
        if (!real || weights.empty())
            return visit(first, count, real ? 1.0 : 0.0);
        for (Index k = first; k < first + count; ++k)
            visit(k, Index(1), weights[static_cast<std::size_t>(k)]);
    });
}

/// What a loss divides its sum by, for summands that weigh `summands` in total (without weights: their number).
inline double loss_weight(Reduction reduction, double summands) {
    return reduction == Reduction::mean || summands == 0 ? summands : 1;
}

/// Throws std::invalid_argument if a batch has nothing to take a loss of.
inline void require_summands(const char* where, double weight, const char* otherwise = "padding") {
    require(weight > 0, where, "there is no target to compare with, every one is ", otherwise);
}

} // namespace detail

} // namespace carousel

/// What carousel::compiled holds of a loss.
#define CAROUSEL_INSTANTIATE_LOSS(Type, S)                                                              \
    template double carousel::Type::operator()(carousel::SequenceView<S>, carousel::SequenceView<S>,    \
                                               carousel::Sequence<S>*) const;                           \
    template double carousel::Type::weight(carousel::SequenceView<S>, carousel::SequenceView<S>) const; \
    template double carousel::Type::check(carousel::SequenceView<S>, carousel::Index) const
/// The same of a loss that takes weights of columns.
#define CAROUSEL_INSTANTIATE_WEIGHTED_LOSS(Type, S)                                                    \
    template double carousel::Type::operator()(carousel::SequenceView<S>, carousel::SequenceView<S>,   \
                                               carousel::Sequence<S>*, carousel::ColumnWeights) const; \
    template double carousel::Type::weight(carousel::SequenceView<S>, carousel::SequenceView<S>,       \
                                           carousel::ColumnWeights) const;                             \
    template double carousel::Type::check(carousel::SequenceView<S>, carousel::Index, carousel::ColumnWeights) const
