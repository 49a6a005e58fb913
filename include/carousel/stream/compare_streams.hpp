// compare_streams: what narrow weights or fast gates change of a model's output, measured on a signal of one's own.
#pragma once

#include "carousel/stream/stream.hpp"

#include <algorithm>
#include <cmath>

namespace carousel::inline CAROUSEL_ABI {

/// Of all outputs at all steps. They are NaN if an output of one of the streams is.
struct StreamDifference {
    double max = 0;    ///< the greatest |difference|
    double rms = 0;    ///< the root of the mean square of the difference
    double output = 0; ///< that of the exact output itself: rms / output is the error against the signal
};

/// Runs the signal through Stream{model} and Stream{model, options…}, both from the zero state, and compares their outputs:
///
///     const auto [max, rms, output] = compare_streams(model, signal, WeightType::int8);
///
/// signal: the samples one after the other, each of model.input_size() numbers (a std::vector, or the memory of a matrix with a column
/// for each). Throws std::invalid_argument if it isn't a whole number of samples or has none, and as Stream does.
template <class Model, StreamOption... Options>
requires(sizeof...(Options) > 0) StreamDifference
    compare_streams(const Model& model, std::span<const typename Model::Scalar> signal, Options... options) {
    Stream exact{model};
    Stream other{model, options...};
    const auto features = static_cast<std::size_t>(exact.input_size());
    require(!signal.empty() && signal.size() % features == 0, "compare_streams", "signal has ", signal.size(),
            " numbers, expected samples of ", features, " each");
    StreamDifference sum;
    for (std::size_t t = 0; t < signal.size(); t += features) {
        const auto y = exact(signal.subspan(t, features)), z = other(signal.subspan(t, features));
        for (std::size_t k = 0; k < y.size(); ++k) {
            const double value = static_cast<double>(y[k]), difference = std::abs(static_cast<double>(z[k]) - value);
            if (!(difference <= sum.max)) // NaN, too, which no number is greater than
                sum.max = std::isnan(sum.max) ? sum.max : difference;
            sum.rms += difference * difference;
            sum.output += value * value;
        }
    }
    const auto count = static_cast<double>(signal.size() / features) * static_cast<double>(exact.output_size());
    return {sum.max, std::sqrt(sum.rms / count), std::sqrt(sum.output / count)};
}

} // namespace carousel
