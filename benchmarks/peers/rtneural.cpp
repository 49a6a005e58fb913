// RTNeural, sizes known at compile time. Compiled once for each of its backends: RTNEURAL_USE_EIGEN or RTNEURAL_USE_XSIMD, with a
// RTNEURAL_NAMESPACE of its own, so that both fit into one program.
#include "peers/streams.hpp"

#include <RTNeural/RTNeural.h>

#include <memory>
#include <utility>

namespace benchmarks {
namespace {

namespace rt = RTNEURAL_NAMESPACE;

/// The rational tanh of NAM and NeuralAudio, with which plugins run RTNeural faster.
struct FastMaths {
    template <class T>
    static auto rational(const T& x, const T& ax, const T& x2) {
        return x * (2.45550750702956F + 2.45550750702956F * ax + (0.893229853513558F + 0.821226666969744F * ax) * x2);
    }
#if RTNEURAL_USE_EIGEN
    template <class M>
    static auto tanh(const M& m) {
        const auto x = m.array().eval();
        const auto ax = x.abs().eval(), x2 = x.square().eval();
        return (rational(x, ax, x2) /
                (2.44506634652299F + (2.44506634652299F + x2) * (x + 0.814642734961073F * x * ax).abs()))
            .eval();
    }
    template <class M>
    static auto sigmoid(const M& m) {
        return (0.5F * (tanh(0.5F * m.array()) + 1.F)).eval();
    }
#else
    template <class T>
    static T tanh(T x) {
        using std::abs, xsimd::abs;
        const T ax = abs(x), x2 = x * x;
        return rational(x, ax, x2) /
               (T(2.44506634652299F) + (T(2.44506634652299F) + x2) * abs(x + 0.814642734961073F * x * ax));
    }
    template <class T>
    static T sigmoid(T x) {
        return T(0.5F) * (tanh(T(0.5F) * x) + T(1));
    }
#endif
};

using Rows = std::vector<std::vector<float>>;

/// The columns of a matrix whose blocks of H rows are put in another order.
Rows columns(const std::vector<float>& matrix, std::size_t hidden, const std::vector<std::size_t>& order) {
    const std::size_t height = hidden * order.size();
    Rows list;
    for (std::size_t first = 0; first < matrix.size(); first += height) {
        list.emplace_back();
        for (const std::size_t block : order) {
            const auto from = matrix.begin() + static_cast<std::ptrdiff_t>(first + block * hidden);
            list.back().insert(list.back().end(), from, from + static_cast<std::ptrdiff_t>(hidden));
        }
    }
    return list;
}

template <class Layer>
void set_weights(Layer& layer, const StreamNet& net, std::size_t k) {
    const auto& from = net.layers[k];
    const auto H = static_cast<std::size_t>(net.hidden);
    if constexpr (requires { layer.setBVals(Rows()); }) { // z, r, n
        layer.setWVals(columns(from.W, H, {2, 1, 0}));
        layer.setUVals(columns(from.U, H, {1, 0, 2}));
        Rows bias = columns(from.b, H, {2, 1, 0, 3}); // and what the reset gate multiplies
        bias.emplace_back(2 * H);
        bias[1].insert(bias[1].end(), bias[0].end() - static_cast<std::ptrdiff_t>(H), bias[0].end());
        bias[0].resize(3 * H);
        layer.setBVals(bias);
    } else {
        layer.setWVals(columns(from.W, H, {0, 1, 2, 3}));
        layer.setUVals(columns(from.U, H, {0, 1, 2, 3}));
        layer.setBVals(from.b);
    }
}

/// A Model of so many recurrent layers and a Dense one.
template <class Model, int layers = 1>
StreamPeer make(std::string name, bool fast, const StreamNet& net) {
    auto model = std::make_shared<Model>();
    set_weights(model->template get<0>(), net, 0);
    if constexpr (layers == 2)
        set_weights(model->template get<1>(), net, 1);
    auto& dense = model->template get<layers>();
    dense.setWeights(Rows{net.dense_W});
    dense.setBias(net.dense_b.data());
    model->reset();
    return {std::move(name), fast, [model](const float* x, float* y, std::size_t count) {
                for (std::size_t t = 0; t < count; ++t)
                    y[t] = model->forward(x + t);
            }};
}

constexpr auto none = rt::SampleRateCorrectionMode::None;

template <int H, class Maths>
void add(const StreamNet& net, const std::string& name, bool fast, std::vector<StreamPeer>& peers) {
    using rt::ModelT, rt::DenseT, rt::LSTMLayerT, rt::GRULayerT;
    using Dense = DenseT<float, H, 1>;
    if (net.hidden != H)
        return;
    using First = LSTMLayerT<float, 1, H, none, Maths>;
    if constexpr (H <= 16)
        if (!net.gru && net.layers.size() == 2)
            peers.push_back(
                make<ModelT<float, 1, 1, First, LSTMLayerT<float, H, H, none, Maths>, Dense>, 2>(name, fast, net));
    if (net.gru && net.layers.size() == 1)
        peers.push_back(make<ModelT<float, 1, 1, GRULayerT<float, 1, H, none, Maths>, Dense>>(name, fast, net));
    if (!net.gru && net.layers.size() == 1)
        peers.push_back(make<ModelT<float, 1, 1, First, Dense>>(name, fast, net));
}

template <int... H>
void add_sizes(const StreamNet& net, const std::string& name, std::vector<StreamPeer>& peers) {
    (add<H, rt::DefaultMathsProvider>(net, name, false, peers), ...);
    (add<H, FastMaths>(net, name + ", fast tanh", true, peers), ...);
}

} // namespace

#if RTNEURAL_USE_EIGEN
void add_rtneural_eigen(const StreamNet& net, std::vector<StreamPeer>& peers) {
    add_sizes<8, 12, 16, 20, 24, 32, 40, 64, 128>(net, "RTNeural (Eigen)", peers);
}
#else
void add_rtneural_xsimd(const StreamNet& net, std::vector<StreamPeer>& peers) {
    add_sizes<8, 12, 16, 20, 24, 32, 40, 64, 128>(net, "RTNeural (xsimd)", peers);
}
#endif

} // namespace benchmarks
