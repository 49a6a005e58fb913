// Neural Amp Modeler Core, sizes known at run time.
#include "peers/streams.hpp"

#include "NAM/activations.h"
#include "NAM/lstm.h"

#include <memory>

namespace benchmarks {

void add_nam_core(const StreamNet& net, std::vector<StreamPeer>& peers) {
    if (net.gru)
        return;
    std::vector<float> weights;
    for (std::size_t k = 0; k < net.layers.size(); ++k)
        append_nam_weights(net, k, weights);
    weights.insert(weights.end(), net.dense_W.begin(), net.dense_W.end());
    weights.insert(weights.end(), net.dense_b.begin(), net.dense_b.end());
    for (const bool fast : {false, true}) {
        auto model =
            std::make_shared<nam::lstm::LSTM>(1, 1, static_cast<int>(net.layers.size()), 1, net.hidden, weights);
        peers.push_back({fast ? "NAM Core, fast tanh" : "NAM Core", fast,
                         [model, fast](const float* x, float* y, std::size_t count) {
                             using nam::activations::Activation;
                             fast ? Activation::enable_fast_tanh()
                                  : Activation::disable_fast_tanh(); // for the whole program
                             for (std::size_t t = 0; t < count; ++t) {
                                 float in = x[t];
                                 float *inputs = &in, *outputs = y + t;
                                 model->process(&inputs, &outputs, 1);
                             }
                         }});
    }
}

} // namespace benchmarks
