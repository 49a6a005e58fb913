// Dataset: samples and their targets; batches.
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/layer/layer.hpp"
#include "carousel/train/sample_shape.hpp"

#include <span>
#include <type_traits>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include "carousel/core/finite.hpp"

#    include <algorithm>
#    include <limits>
#    include <numeric>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// `size()` samples: x holds one sequence for each, y its target. Sequences of different lengths are padded to the
/// longest of all, which costs memory alone: a batch is padded to its own longest.
template <std::floating_point S>
struct Dataset {
    using Scalar = S;

    Sequence<S> x, y; ///< the inputs, and the targets

    Index size() const { return x.batch(); } ///< how many samples there are
    SampleShape shape() const { return {x.features(), x.steps(), y.features(), y.steps()}; }

    /// x_batch, y_batch become these samples, without the steps that are padding in all of them; they keep their
    /// memory. A y that has as many steps as x, and no lengths of its own, is cut as x. Throws std::invalid_argument,
    /// before anything is changed, if there is no sample, or one that isn't there, or y has more or fewer than x.
    void batch(std::span<const Index> samples, Sequence<S>& x_batch, Sequence<S>& y_batch) const;

    /// The same for this model: x keeps as many steps as the model needs, and targets of all that it makes of x are cut
    /// to what it makes of x_batch.
    template <class Model>
    void batch(const Model& model, std::span<const Index> samples, Sequence<S>& x_batch, Sequence<S>& y_batch) const {
        batch(samples, x_batch, y_batch, detail::least_steps(model),
              [&](Index steps) { return detail::output_length(model, steps); });
    }
    /// The same for a model that needs so many steps and makes output_length(steps) of them.
    void batch(std::span<const Index> samples, Sequence<S>& x_batch, Sequence<S>& y_batch, Index least_steps,
               detail::FunctionRef<Index(Index)> output_length) const;

    /// Samples first … first + count − 1. Throws std::invalid_argument unless there are these, at least one, and y has as
    /// many samples as x.
    Dataset slice(AnyIndex first, AnyIndex count) const;

    /// out becomes the first `steps` steps of these samples of `from`, padding zero whatever it was; keeps its memory.
    /// Throws std::invalid_argument,
    /// before anything is changed, if there is no sample, or one that isn't there, or `from` has fewer steps.
    static void gather(SequenceView<S> from, std::span<const Index> samples, Sequence<S>& out, Index steps);
    static void gather(SequenceView<S> from, std::span<const Index> samples, Sequence<S>& out) {
        gather(from, samples, out, from.steps());
    }

  private:
    void check(const char* where, std::span<const Index> samples) const;
};

/// A data set of sequences of any lengths, each features × its steps, with targets that are sequences too: one as long
/// as its sequence has a target for every step. Throws std::invalid_argument if the lists are empty or of different
/// sizes, features differ within one, or a number of x is NaN or infinite (whether a target may be is the loss' affair).
template <std::floating_point S>
Dataset<S> sequences(const std::vector<Matrix<S>>& x, const std::type_identity_t<std::vector<Matrix<S>>>& targets);

/// One target for each sequence as a whole: column k of `targets` (features × sequences) is that of x[k].
template <std::floating_point S>
Dataset<S> sequences(const std::vector<Matrix<S>>& x, const std::type_identity_t<Matrix<S>>& targets);

#ifdef CAROUSEL_BODIES

template <std::floating_point S>
void Dataset<S>::batch(std::span<const Index> samples, Sequence<S>& x_batch, Sequence<S>& y_batch) const {
    check("Dataset::batch", samples);
    const auto steps = detail::steps_of_batch(shape(), {x.lengths(), y.lengths()}, samples);
    gather(x, samples, x_batch, steps.x);
    gather(y, samples, y_batch, steps.y);
}

template <std::floating_point S>
void Dataset<S>::batch(std::span<const Index> samples, Sequence<S>& x_batch, Sequence<S>& y_batch, Index least_steps,
                       detail::FunctionRef<Index(Index)> output_length) const {
    check("Dataset::batch", samples);
    const auto steps = detail::steps_of_batch(shape(), {x.lengths(), y.lengths()}, samples, least_steps, output_length);
    gather(x, samples, x_batch, steps.x);
    gather(y, samples, y_batch, steps.y);
}

template <std::floating_point S>
Dataset<S> Dataset<S>::slice(AnyIndex first, AnyIndex count) const {
    constexpr Index most = std::numeric_limits<Index>::max() / 2;
    const Index last = std::clamp<Index>(first, -most, most) + std::clamp<Index>(count, -most, most) - 1;
    require(first >= 0 && count >= 1 && first <= size() && count <= size() - first, "Dataset::slice", "samples ",
            Index(first), " … ", last, " were asked for, there are ", size());
    require(y.batch() == size(), "Dataset::slice", "x has ", size(), " samples and y ", y.batch());
    std::vector<Index> samples(static_cast<std::size_t>(count));
    std::iota(samples.begin(), samples.end(), Index(first));
    Dataset part;
    gather(x, samples, part.x);
    gather(y, samples, part.y);
    return part;
}

template <std::floating_point S>
void Dataset<S>::gather(SequenceView<S> from, std::span<const Index> samples, Sequence<S>& out, Index steps) {
    detail::require_samples("Dataset::gather", samples, from.batch());
    require(steps >= 0 && steps <= from.steps(), "Dataset::gather", "steps is ", steps, ", expected 0 … ",
            from.steps());
    const auto batch = static_cast<Index>(samples.size()), features = from.features();
    out.resize(features, steps, batch);
    for (Index t = 0; t < steps; ++t)
        for (Index b = 0; b < batch; ++b) {
            const Index sample = samples[static_cast<std::size_t>(b)];
            S* const to = out.data() + (t * batch + b) * features;
            if (!from.ragged() || from.real(t, sample))
                std::copy_n(from.data() + (t * from.batch() + sample) * features, features, to);
            else
                std::fill_n(to, features, S(0));
        }
    if (!from.ragged())
        return;
    std::vector<Index> lengths(samples.size());
    std::transform(samples.begin(), samples.end(), lengths.begin(),
                   [&](Index b) { return std::min(from.length(b), steps); });
    out.set_lengths(lengths);
}

template <std::floating_point S>
void Dataset<S>::check(const char* where, std::span<const Index> samples) const {
    require(y.batch() == size(), where, "x has ", size(), " samples and y ", y.batch());
    detail::require_samples(where, samples, size());
}

namespace detail {

/// The sequences side by side, each padded with zeros at its end.
template <class S>
Sequence<S> padded(const char* what, const std::vector<Matrix<S>>& list) {
    require(!list.empty(), "sequences", "the list of ", what, "s is empty");
    std::vector<Index> lengths;
    for (const Matrix<S>& sequence : list) {
        require(sequence.rows() == list.front().rows(), "sequences", what, " ", lengths.size(), " has ",
                sequence.rows(), " features, expected ", list.front().rows(), " as the first has");
        lengths.push_back(sequence.cols());
    }
    const Index steps = *std::max_element(lengths.begin(), lengths.end()), batch = static_cast<Index>(list.size());
    const bool ragged = std::count(lengths.begin(), lengths.end(), steps) < batch;
    Sequence<S> all(list.front().rows(), steps, batch, ragged ? lengths : std::vector<Index>());
    const Index features = all.features();
    for (Index b = 0; b < batch; ++b) {
        const Matrix<S>& sequence = list[static_cast<std::size_t>(b)];
        for (Index t = 0; t < sequence.cols(); ++t)
            std::copy_n(sequence.data() + t * features, features, all.data() + (t * batch + b) * features);
    }
    return all;
}

template <class S>
void check_finite(const std::vector<Matrix<S>>& list) {
    for (std::size_t number = 0; number < list.size(); ++number) {
        const Matrix<S>& sequence = list[number];
        if (const Index k = non_finite_at(sequence.data(), sequence.size()); k < sequence.size())
            require(false, "sequences", "sequence ", number, " is ", sequence.data()[k], " at step ",
                    k / sequence.rows(), ", feature ", k % sequence.rows(),
                    ", expected finite numbers: fill the gap or leave the sequence out");
    }
}

} // namespace detail

template <std::floating_point S>
Dataset<S> sequences(const std::vector<Matrix<S>>& x, const std::type_identity_t<std::vector<Matrix<S>>>& targets) {
    require(x.size() == targets.size(), "sequences", x.size(), " sequences and ", targets.size(),
            " targets, expected one for each");
    Dataset<S> data{detail::padded("sequence", x), detail::padded("target", targets)};
    detail::check_finite(x);
    return data;
}

template <std::floating_point S>
Dataset<S> sequences(const std::vector<Matrix<S>>& x, const std::type_identity_t<Matrix<S>>& targets) {
    require(static_cast<Index>(x.size()) == targets.cols(), "sequences", x.size(), " sequences and ", targets.cols(),
            " targets, expected one for each");
    Dataset<S> data{detail::padded("sequence", x), Sequence<S>(targets, std::max<Index>(targets.cols(), 1))};
    detail::check_finite(x);
    return data;
}

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_DATASET(S)                                                         \
    template struct carousel::Dataset<S>;                                                       \
    template carousel::Dataset<S> carousel::sequences(const std::vector<carousel::Matrix<S>>&,  \
                                                      const std::vector<carousel::Matrix<S>>&); \
    template carousel::Dataset<S> carousel::sequences(const std::vector<carousel::Matrix<S>>&,  \
                                                      const carousel::Matrix<S>&)

// Windows over series, which are a Dataset or make batches as one does.
#include "carousel/train/windows.hpp"
