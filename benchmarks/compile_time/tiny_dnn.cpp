// The least of tiny-dnn that trains an LSTM.
#include "tiny_dnn/tiny_dnn.h"
int main() {
    using namespace tiny_dnn;
    network<sequential> net;
    net << recurrent_layer(lstm(1, 16), 40) << fully_connected_layer(16, 1);
    adam optimizer;
    std::vector<vec_t> x(40, vec_t(1)), y(40, vec_t(1));
    net.fit<mse>(optimizer, x, y, 1, 1);
}
