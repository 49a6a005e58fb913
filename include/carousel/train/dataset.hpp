// Dataset: samples and their targets; windows over a series; batches.
#pragma once

#include "carousel/core/sequence.hpp"

#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

namespace carousel {

/// `size()` samples: x holds one sequence for each, y its target.
template <std::floating_point S>
struct Dataset {
    Sequence<S> x, y;

    Index size() const { return x.batch(); }

    /// Samples first … first + count − 1.
    Dataset slice(Index first, Index count) const {
        require(first >= 0 && count >= 1 && first + count <= size(), "Dataset::slice", "samples ", first, " … ",
                first + count - 1, " were asked for, there are ", size());
        std::vector<Index> samples(static_cast<std::size_t>(count));
        std::iota(samples.begin(), samples.end(), first);
        Dataset part;
        gather(x, samples, part.x);
        gather(y, samples, part.y);
        return part;
    }

    /// out becomes the batch of these samples of `from`; keeps its memory.
    static void gather(SequenceView<S> from, std::span<const Index> samples, Sequence<S>& out) {
        const auto batch = static_cast<Index>(samples.size());
        out.resize(from.features(), from.steps(), batch);
        for (Index t = 0; t < from.steps(); ++t)
            for (Index b = 0; b < batch; ++b)
                out.values().col(t * batch + b) =
                    from.values().col(t * from.batch() + samples[static_cast<std::size_t>(b)]);
        if (!from.ragged())
            return;
        std::vector<Index> lengths(samples.size());
        std::transform(samples.begin(), samples.end(), lengths.begin(), [&](Index b) { return from.length(b); });
        out.set_lengths(lengths);
    }
};

struct WindowOptions {
    Index steps = 1;   ///< values in
    Index horizon = 1; ///< values ahead: the target is all of them, stacked, the nearest first
    Index stride = 1;  ///< from the start of one window to that of the next
};

/// Every window of `steps` consecutive columns of `series` (features × length) with the `horizon` columns after it as
/// the target: x is features × steps × windows, y is (features · horizon) × 1 × windows. Throws std::invalid_argument
/// if an option is below 1 or the series is too short for one window.
template <std::floating_point S>
Dataset<S> windows(const Matrix<S>& series, WindowOptions options) {
    const auto [steps, horizon, stride] = options;
    require(steps >= 1 && horizon >= 1 && stride >= 1, "windows", "steps ", steps, ", horizon ", horizon,
            " and stride ", stride, " must all be at least 1");
    require(series.cols() >= steps + horizon, "windows", "the series has ", series.cols(),
            " values, expected at least ", steps + horizon, " (steps ", steps, " + horizon ", horizon, ")");
    const Index features = series.rows(), count = (series.cols() - steps - horizon) / stride + 1;
    Dataset<S> data{Sequence<S>(features, steps, count), Sequence<S>(features * horizon, 1, count)};
    for (Index w = 0; w < count; ++w) {
        for (Index t = 0; t < steps; ++t)
            data.x.values().col(t * count + w) = series.col(w * stride + t);
        data.y.values().col(w) = series.middleCols(w * stride + steps, horizon).reshaped();
    }
    return data;
}

/// A series of one feature.
template <std::floating_point S>
Dataset<S> windows(const std::vector<S>& series, WindowOptions options) {
    return windows<S>(Matrix<S>(Eigen::Map<const Matrix<S>>(series.data(), 1, static_cast<Index>(series.size()))),
                      options);
}

} // namespace carousel
