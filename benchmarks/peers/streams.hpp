// The libraries that run a recurrent net sample by sample, beside which Streams are measured. Each is compiled apart, because of its
// options and its Eigen.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace benchmarks {

/// Recurrent layers of one size, the first of one feature, and a Dense layer H → 1, in Carousel's shapes and order of gates,
/// column-major.
struct StreamNet {
    struct Layer {
        std::vector<float> W, U, b;
    };
    bool gru; ///< reset after; else an LSTM
    int hidden;
    std::vector<Layer> layers;
    std::vector<float> dense_W, dense_b;
};

struct StreamPeer {
    std::string name;
    bool fast; ///< its functions are approximations by choice
    std::function<void(const float* x, float* y, std::size_t count)> run; ///< a call of the library a sample
};

using AddPeers = void (*)(const StreamNet&, std::vector<StreamPeer>&);

// Each adds what the library has for this net, or nothing.
void add_rtneural_eigen(const StreamNet& net, std::vector<StreamPeer>& peers);
void add_rtneural_xsimd(const StreamNet& net, std::vector<StreamPeer>& peers);
void add_nam_core(const StreamNet& net, std::vector<StreamPeer>& peers);
void add_neural_audio(const StreamNet& net, std::vector<StreamPeer>& peers);

/// The peers that were found when the program was built.
inline std::vector<StreamPeer> stream_peers([[maybe_unused]] const StreamNet& net) {
    std::vector<StreamPeer> peers;
#ifdef CAROUSEL_BENCHMARK_RTNEURAL
    add_rtneural_eigen(net, peers);
#    ifdef CAROUSEL_BENCHMARK_RTNEURAL_XSIMD
    add_rtneural_xsimd(net, peers);
#    endif
#endif
#ifdef CAROUSEL_BENCHMARK_NAM
    add_nam_core(net, peers);
#endif
#ifdef CAROUSEL_BENCHMARK_NEURAL_AUDIO
    add_neural_audio(net, peers);
#endif
    return peers;
}

/// The weights of a layer 1 or H → H as NAM Core and NeuralAudio store them: the matrix [W U] by rows, the biases, and the state zero.
inline void append_nam_weights(const StreamNet& net, std::size_t k, std::vector<float>& to) {
    const auto& layer = net.layers[k];
    const std::size_t rows = layer.b.size();
    for (std::size_t row = 0; row < rows; ++row)
        for (const auto* matrix : {&layer.W, &layer.U})
            for (std::size_t at = row; at < matrix->size(); at += rows)
                to.push_back((*matrix)[at]);
    to.insert(to.end(), layer.b.begin(), layer.b.end());
    to.resize(to.size() + rows / 2);
}

} // namespace benchmarks
