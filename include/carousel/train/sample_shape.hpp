// SampleShape: how large the samples of a data set are; and how many steps of them a batch needs.
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <algorithm>
#include <span>

namespace carousel::inline CAROUSEL_ABI {

/// Of the samples of a data set: their features, and the steps of the longest of all.
struct SampleShape {
    Index x_features = 0, x_steps = 0; ///< inputs
    Index y_features = 0, y_steps = 0; ///< targets

    bool operator==(const SampleShape&) const = default;
};

namespace detail {

/// The lengths of all samples; an empty list says that each has all steps of the shape.
struct SampleLengths {
    std::span<const Index> x, y;
};

/// How many steps of its samples a batch has.
struct StepsOfBatch {
    Index x, y;
};

/// Throws std::invalid_argument unless there is a sample, and each is one of `size`.
CAROUSEL_INLINE void require_samples(const char* where, std::span<const Index> samples, Index size);

/// Throws std::invalid_argument unless a batch of so many samples, x and y of this shape, can be filled from samples of `shape`.
CAROUSEL_INLINE void require_batch_of(const char* where, const SampleShape& shape, std::size_t samples,
                                      const SampleShape& batch, Index x_batch, Index y_batch);

/// The length of the longest of these samples; at least one step, if there is one.
CAROUSEL_INLINE Index longest(std::span<const Index> lengths, Index steps, std::span<const Index> samples);

/// Without the steps that are padding in all of these samples. Targets that have as many steps as x, and no lengths of their
/// own, are cut as x.
CAROUSEL_INLINE StepsOfBatch steps_of_batch(const SampleShape& shape, const SampleLengths& lengths,
                                            std::span<const Index> samples);

/// The same for a model that needs so many steps and makes output_length(steps) of them: targets of all that it makes
/// of x are cut to what it makes of the batch.
CAROUSEL_INLINE StepsOfBatch steps_of_batch(const SampleShape& shape, const SampleLengths& lengths,
                                            std::span<const Index> samples, Index least_steps,
                                            FunctionRef<Index(Index)> output_length);

#ifdef CAROUSEL_BODIES

CAROUSEL_INLINE void require_samples(const char* where, std::span<const Index> samples, Index size) {
    require(!samples.empty(), where, "no samples were asked for, expected at least 1");
    for (const Index sample : samples)
        require(sample >= 0 && sample < size, where, "sample ", sample, " was asked for, expected 0 … ", size - 1);
}

CAROUSEL_INLINE void require_batch_of(const char* where, const SampleShape& shape, std::size_t samples,
                                      const SampleShape& batch, Index x_batch, Index y_batch) {
    const auto check = [&](const char* what, Index features, Index steps, Index count, Index own, Index most) {
        require(features == own && steps <= most && count == static_cast<Index>(samples), where, what, " is features ",
                features, " x steps ", steps, " x batch ", count, ", expected ", own, " x ", most, " or fewer x ",
                samples);
    };
    check("x", batch.x_features, batch.x_steps, x_batch, shape.x_features, shape.x_steps);
    check("y", batch.y_features, batch.y_steps, y_batch, shape.y_features, shape.y_steps);
}

CAROUSEL_INLINE Index longest(std::span<const Index> lengths, Index steps, std::span<const Index> samples) {
    if (lengths.empty())
        return steps;
    Index most = std::min<Index>(steps, 1);
    for (const Index sample : samples)
        most = std::max(most, lengths[static_cast<std::size_t>(sample)]);
    return most;
}

CAROUSEL_INLINE StepsOfBatch steps_of_batch(const SampleShape& shape, const SampleLengths& lengths,
                                            std::span<const Index> samples) {
    const Index x = longest(lengths.x, shape.x_steps, samples);
    const bool in_step = lengths.y.empty() && shape.y_steps == shape.x_steps;
    return {x, in_step ? x : longest(lengths.y, shape.y_steps, samples)};
}

CAROUSEL_INLINE StepsOfBatch steps_of_batch(const SampleShape& shape, const SampleLengths& lengths,
                                            std::span<const Index> samples, Index least_steps,
                                            FunctionRef<Index(Index)> output_length) {
    const Index needed = std::min(shape.x_steps, least_steps);
    const Index x = std::max(longest(lengths.x, shape.x_steps, samples), needed);
    const bool in_step = shape.y_steps == output_length(shape.x_steps);
    return {x, in_step ? std::min(shape.y_steps, output_length(x)) : longest(lengths.y, shape.y_steps, samples)};
}

#endif

} // namespace detail

} // namespace carousel
