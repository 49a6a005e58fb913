// Stream: a Bidirectional layer can't be streamed: its first output needs the last sample
#include <carousel/layer/bidirectional.hpp>
#include <carousel/stream/stream.hpp>

using namespace carousel;

void run(const Sequential<Bidirectional<SimpleRNN<float>>>& model) {
    Stream stream{model};
}
