// RTNeural's LSTM and Dense layer of sizes known at compile time, sample by sample. It is compiled apart, because of its options.
#pragma once

#include <functional>
#include <vector>

namespace benchmarks {

/// The weights of an LSTM 1 → H and a Dense layer H → 1 in Carousel's shapes and order of gates, column-major.
struct StreamWeights {
    int hidden;
    std::vector<float> W, U, b, dense_W, dense_b;
};

/// What gives an output for a sample; empty if it hasn't an LSTM of this size.
std::function<float(float)> rtneural_stream(const StreamWeights& weights);

} // namespace benchmarks
