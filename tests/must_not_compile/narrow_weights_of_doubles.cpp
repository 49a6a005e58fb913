// narrow weights and fast gates are less exact than a float; they are for models of floats
#include "carousel/stream/stream.hpp"

int main() {
    const carousel::LSTM<double> model{1, 8};
    carousel::Stream stream{model, carousel::WeightType::int8};
}
