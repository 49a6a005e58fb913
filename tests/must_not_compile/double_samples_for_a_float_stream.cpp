// Stream: the sample and the model have different scalar types
#include <carousel/stream/stream.hpp>

using namespace carousel;

void run(Stream<GRU<float>>& stream, const std::vector<double>& sample) {
    stream(sample);
}
