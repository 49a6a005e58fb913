// NeuralAudio, sizes known at compile time, with its fast tanh.
#include "peers/streams.hpp"

#include <NeuralAudio/LSTM.h>

#include <memory>

namespace benchmarks {
namespace {

template <int layers, int H>
void add(const StreamNet& net, std::vector<StreamPeer>& peers) {
    if (net.gru || net.hidden != H || net.layers.size() != layers)
        return;
    std::vector<float> weights;
    for (std::size_t k = 0; k < net.layers.size(); ++k)
        append_nam_weights(net, k, weights);
    weights.insert(weights.end(), net.dense_W.begin(), net.dense_W.end());
    weights.insert(weights.end(), net.dense_b.begin(), net.dense_b.end());
    auto model = std::make_shared<NeuralAudio::LSTMModelT<layers, H>>();
    model->SetNAMWeights(weights);
    peers.push_back({"NeuralAudio, fast tanh", true, [model](const float* x, float* y, std::size_t count) {
                         for (std::size_t t = 0; t < count; ++t)
                             model->Process(x + t, y + t, 1);
                     }});
}

template <int... H>
void add_sizes(const StreamNet& net, std::vector<StreamPeer>& peers) {
    (add<1, H>(net, peers), ...);
}

} // namespace

void add_neural_audio(const StreamNet& net, std::vector<StreamPeer>& peers) {
    add_sizes<8, 12, 16, 20, 24, 32, 40, 64, 128>(net, peers);
    add<2, 8>(net, peers);
    add<2, 12>(net, peers);
    add<2, 16>(net, peers);
}

} // namespace benchmarks
