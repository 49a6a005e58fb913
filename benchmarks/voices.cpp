// Voices beside as many Streams: an LSTM 1 → H and a Dense layer H → 1.
//
//     build/benchmark/benchmarks/carousel_voices
//
// Both take turns on one CPU; a ratio is the median over rounds of the Streams' time over the Voices'. Outputs are compared first.
#include "voices.hpp"

#include <cstdio>

namespace benchmarks {
namespace {

/// The ratio; negative if the outputs differ.
double compare(carousel::Index hidden, std::size_t count) {
    const VoicesBesideStreams both(hidden, count);
    if (!both.same())
        return -1;
    const Samples samples = alternate(both.runners(), {2, 15, 201});
    std::printf("%6ld %6zu %12.2f %12.2f %8.2f\n", static_cast<long>(hidden), count, samples.typical(1) * 1e6,
                samples.typical(0) * 1e6, samples.ratio(1));
    return samples.ratio(1);
}

} // namespace
} // namespace benchmarks

int main(int, char** arguments) {
    benchmarks::restart_on_one_cpu(arguments);
    std::printf("%6s %6s %12s %12s %8s\n", "H", "voices", "Streams, us", "Voices, us", "ratio");
    double headline = 0;
    for (const long hidden : {16, 32, 64, 128})
        for (const std::size_t count : {1U, 8U, 16U, 64U}) {
            const double ratio = benchmarks::compare(hidden, count);
            if (ratio < 0)
                return std::printf("H = %ld, %zu voices: the outputs differ\n", hidden, count), 1;
            if (hidden == 32 && count == 64)
                headline = ratio;
        }
    std::printf("voices64=%.2f\n", headline);
}
