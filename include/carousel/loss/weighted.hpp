// Weighted: a loss, or a metric, whose targets say what they weigh.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"

#include <algorithm>
#include <concepts>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// A loss or a metric that takes weights of columns: a last argument, ColumnWeights. All of the library do, but ErrorToSignal and
/// CTCLoss.
template <class Type>
concept TakesWeights = std::copy_constructible<Type> &&(
    requires(const Type& loss, SequenceView<float> y, Sequence<float>* dy, ColumnWeights w) {
        { loss(y, y, dy, w) } -> std::same_as<double>;
        { loss.weight(y, y, w) } -> std::same_as<double>;
    } ||
    requires(const Type& metric, SequenceView<float> y, ColumnWeights w) {
        metric(y, y, w);
        metric.name();
    });

/// Samples, or steps, that count more or less than others: the last row of the target is the weight of its column, >= 0.
///
///     data.y = with_weights(data.y, weights);      // one for each sequence, or one for each of its steps
///     fit(model, data, Weighted{HuberLoss{}}, Adam{}, {.metrics = {Weighted{MeanAbsoluteError{}}}});
///
///     Reduction::mean   loss = Σ w l / Σ w         Reduction::sum   loss = Σ w l
///
/// where both sums are over what counts. A weight of 0 is a mask: its column counts as little as padding, whatever its targets. As
/// the weights are a part of the targets, they go wherever these go: into batches, slices, chunks of truncated BPTT and trainings
/// that go on. A metric without Weighted refuses such targets, as they have a row too many.
template <TakesWeights Inner>
struct Weighted {
    Inner inner; ///< the loss, or the metric

    /// y, dy: as the loss' own, target: a row more, weights of real columns finite and >= 0. Throws std::invalid_argument, before dy is
    /// touched, where the loss itself does, and unless the last row has weights.
    template <std::floating_point S>
    double operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const requires Loss<Inner> {
        const Parts<S> parts(target);
        return inner(y, parts.target.view(), dy, parts.weights);
    }

    template <std::floating_point S>
    double operator()(const Sequence<S>& y, const Sequence<S>& target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const requires Loss<Inner> {
        return (*this)(y.view(), target.view(), dy);
    }

    /// What the sum is divided by: the sum of all weights that count for a mean, 1 for a sum, 0 if nothing counts.
    template <std::floating_point S>
    double weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const requires Loss<Inner> {
        const Parts<S> parts(target);
        return inner.weight(y, parts.target.view(), parts.weights);
    }

    /// The weight() of outputs with these targets. Throws std::invalid_argument as the loss itself.
    template <std::floating_point S>
    double check(SequenceView<S> target, Index features) const requires
        requires(const Inner& loss, SequenceView<S> t, ColumnWeights w) {
        loss.check(t, Index(1), w);
    }
    {
        const Parts<S> parts(target);
        return inner.check(parts.target.view(), features, parts.weights);
    }

    /// Of a metric.
    template <std::floating_point S>
    auto operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const requires(!Loss<Inner>) {
        const Parts<S> parts(target);
        return inner(y, parts.target.view(), parts.weights);
    }
    /// The metric's own.
    auto name() const requires(!Loss<Inner>) { return inner.name(); }
    template <class Sum>
    double value(const Sum& sum) const requires(!Loss<Inner>) {
        if constexpr (requires { inner.value(sum); })
            return inner.value(sum);
        else
            return sum.mean();
    }
    /// The metric's own.
    template <class Sum>
    void merge(Sum& all, const Sum& batch) const requires(!Loss<Inner>) {
        if constexpr (requires { inner.merge(all, batch); })
            inner.merge(all, batch);
        else
            all += batch;
    }

  private:
    /// A target without its last row, and that.
    template <class S>
    struct Parts {
        Sequence<S> target;
        std::vector<double> weights;

        explicit Parts(const SequenceView<S>& whole) {
            require(whole.features() >= 1, "Weighted",
                    "the targets have 0 features, expected the weight as the last; with_weights adds it");
            const Index rows = whole.features() - 1;
            target.resize(rows, whole.steps(), whole.batch(), whole.lengths());
            weights.resize(static_cast<std::size_t>(whole.columns()));
            for (Index k = 0; k < whole.columns(); ++k) {
                const S* const column = whole.data() + k * whole.features();
                std::copy_n(column, rows, target.data() + k * rows);
                weights[static_cast<std::size_t>(k)] = static_cast<double>(column[rows]);
            }
        }
    };
};

template <class Inner>
Weighted(Inner) -> Weighted<Inner>;

/// The target with a row more, the weights of its columns: one for each sequence, or one for each step of each, in the order of the
/// columns (all sequences at the first step, then at the second). Throws std::invalid_argument if there are more or fewer.
template <std::floating_point S>
Sequence<S> with_weights(const Sequence<S>& target, std::span<const double> weights) {
    const Index batch = target.batch(), columns = target.steps() * batch, rows = target.features();
    const auto count = static_cast<Index>(weights.size());
    require(count == batch || count == columns, "with_weights", count, " weights were given, expected one for each of ",
            batch, " sequences, or of ", columns, " columns");
    Sequence<S> result(rows + 1, target.steps(), batch, target.lengths());
    for (Index k = 0; k < columns; ++k) {
        std::copy_n(target.data() + k * rows, rows, result.data() + k * (rows + 1));
        result.data()[k * (rows + 1) + rows] = static_cast<S>(weights[static_cast<std::size_t>(k % count)]);
    }
    return result;
}

} // namespace carousel
