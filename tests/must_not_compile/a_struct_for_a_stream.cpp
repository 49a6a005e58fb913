// Stream: a sample is a number, a span, a container or an Eigen vector
#include <carousel/stream/stream.hpp>

using namespace carousel;

void run(Stream<GRU<float>>& stream) {
    struct Sample {
        float left, right;
    };
    stream(Sample{0, 0});
}
