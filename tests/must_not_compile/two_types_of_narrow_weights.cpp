// an option is given twice; give one type of weights and one fast_gates at most
#include "carousel/stream/stream.hpp"

int main() {
    const carousel::LSTM<float> model{1, 8};
    carousel::Stream stream{model, carousel::WeightType::int8, carousel::WeightType::int16};
}
