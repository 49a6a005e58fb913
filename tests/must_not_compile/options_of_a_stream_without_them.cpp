// the options are part of the type; write Stream stream
#include "carousel/stream/stream.hpp"

int main() {
    const carousel::LSTM<float> model{1, 8};
    carousel::Stream<carousel::LSTM<float>> stream{model, carousel::WeightType::int8};
}
