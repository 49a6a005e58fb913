// Recordings of what went into an amplifier and what came out, as a net learns them: cut into segments that each have a warm-up.
#pragma once

#include <carousel/core/require.hpp>
#include <carousel/train/dataset.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace example {

using carousel::Index;

/// What went in, what came out, sample by sample, and, if the net has a second input, what that was: a knob that stayed where
/// it was, or a signal.
struct Recording {
    std::vector<float> dry, wet;
    std::vector<float> control = {}; ///< empty, or one for each sample
    std::string name = "the recording";

    Index size() const { return static_cast<Index>(dry.size()); }
};

struct SegmentOptions {
    Index length = 8192;  ///< samples that count, of each segment
    Index warm_up = 1024; ///< samples before them, which the net hears and is not judged by
};

/// The samples first … last − 1 of each recording, each once, in segments. Sample k of the data set is `warm_up` steps whose
/// target is NaN (ErrorToSignal::skip_nan) and `length` steps that count. Before the recording there is silence, and after
/// `last` there are steps that don't count. `span(recording)` says first and last. Throws std::invalid_argument unless there is a
/// sample, all recordings have as many inputs, and dry, wet and control are of one length.
template <class Span>
carousel::Dataset<float> segments(std::span<const Recording> recordings, const SegmentOptions& options,
                                  const Span& span) {
    using carousel::require;
    require(options.length >= 1 && options.warm_up >= 0, "segments", "length ", options.length, " and warm_up ",
            options.warm_up, " must satisfy length >= 1, warm_up >= 0");
    struct Segment {
        const Recording* recording;
        Index first, last; ///< that count
    };
    std::vector<Segment> list;
    for (const Recording& recording : recordings) {
        require(recording.wet.size() == recording.dry.size() &&
                    (recording.control.empty() || recording.control.size() == recording.dry.size()),
                "segments", recording.name, " has ", recording.dry.size(), " samples dry, ", recording.wet.size(),
                " wet and ", recording.control.size(), " of the control, expected as many");
        require(recording.control.empty() == recordings.front().control.empty(), "segments", recording.name,
                recording.control.empty() ? " has no control, but " : " has a control, but not ",
                recordings.front().name);
        const auto [first, last] = span(recording);
        require(first >= 0 && last <= recording.size(), "segments", "samples ", first, " … ", last - 1, " of ",
                recording.name, " were asked for, there are ", recording.size());
        for (Index at = first; at < last; at += options.length)
            list.push_back({&recording, at, std::min(at + options.length, last)});
    }
    require(!list.empty(), "segments", "there is no sample, expected at least 1");

    const bool controlled = !recordings.front().control.empty();
    const Index steps = options.warm_up + options.length, count = static_cast<Index>(list.size());
    carousel::Dataset<float> data{carousel::Sequence<float>(controlled ? 2 : 1, steps, count),
                                  carousel::Sequence<float>(1, steps, count)};
    for (Index t = 0; t < steps; ++t) {
        auto x = data.x.step(t), y = data.y.step(t);
        for (Index k = 0; k < count; ++k) {
            const auto& [recording, first, last] = list[static_cast<std::size_t>(k)];
            const Index at = first - options.warm_up + t;
            const bool there = at >= 0 && at < last;
            const auto sample = static_cast<std::size_t>(std::clamp<Index>(at, 0, last - 1));
            x(0, k) = there ? recording->dry[sample] : 0.0F;
            if (controlled)
                x(1, k) = recording->control[sample]; // silence has no knob: it stays where it was
            y(0, k) = there && at >= first ? recording->wet[sample] : std::numeric_limits<float>::quiet_NaN();
        }
    }
    return data;
}

/// Σ (target − output)² / Σ target²: 0 for a perfect model, 1 for a silent one. NaN if the target is silent.
inline double error_to_signal(std::span<const float> output, std::span<const float> target) {
    double error = 0, energy = 0;
    for (std::size_t k = 0; k < std::min(output.size(), target.size()); ++k) {
        const auto d = static_cast<double>(target[k]) - static_cast<double>(output[k]);
        error += d * d;
        energy += static_cast<double>(target[k]) * static_cast<double>(target[k]);
    }
    return error / energy;
}

} // namespace example
