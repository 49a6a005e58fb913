#include "peers/rtneural.hpp"

#include <RTNeural/RTNeural.h>

#include <memory>

namespace benchmarks {
namespace {

template <int H>
std::function<float(float)> make(const StreamWeights& weights) {
    using Model = RTNeural::ModelT<float, 1, 1, RTNeural::LSTMLayerT<float, 1, H>, RTNeural::DenseT<float, H, 1>>;
    using Rows = std::vector<std::vector<float>>;
    auto model = std::make_shared<Model>();
    constexpr int rows = 4 * H; // i, f, g, o here and there; its matrices are transposed
    const auto columns = [](const std::vector<float>& matrix, int count, int height) {
        Rows list;
        for (int k = 0; k < count; ++k)
            list.emplace_back(matrix.begin() + k * height, matrix.begin() + (k + 1) * height);
        return list;
    };
    auto& lstm = model->template get<0>();
    lstm.setWVals(columns(weights.W, 1, rows));
    lstm.setUVals(columns(weights.U, H, rows));
    lstm.setBVals(weights.b);
    auto& dense = model->template get<1>();
    dense.setWeights(Rows{weights.dense_W});
    dense.setBias(weights.dense_b.data());
    model->reset();
    return [model](float x) { return model->forward(&x); };
}

} // namespace

std::function<float(float)> rtneural_stream(const StreamWeights& weights) {
    switch (weights.hidden) {
    case 8:
        return make<8>(weights);
    case 16:
        return make<16>(weights);
    case 32:
        return make<32>(weights);
    default:
        return {};
    }
}

} // namespace benchmarks
