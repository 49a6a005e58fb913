// Where the time of a training step goes: GFLOP/s of an LSTM, of a cell with the same products and next to no equations, and
// of the products for the weights' gradients alone, on the shapes of the tables. Built with the benchmarks:
//
//     build/benchmark/benchmarks/carousel_ablation
#include <carousel/layer/recurrent.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace benchmarks {
namespace {

using namespace carousel;

/// An LSTM's blocks and states, its functions left out.
struct BareCell {
    using Scalar = float;
    static constexpr const char* name = "Bare";
    static constexpr int states = 2, blocks = 4, vectors = 0;
    static constexpr BlockRange input{0, 4}, recurrent{0, 4};

    template <class V>
    void forward(V (&a)[4], const V (&prev)[2], V (&next)[2], const V*) const {
        next[0] = a[0] * a[1];
        next[1] = a[2] + a[3] + prev[1];
    }
    template <class V>
    void backward(V (&a)[4], const V (&)[2], const V (&)[2], V (&d)[2], const V*, V*) const {
        a[0] *= d[0], a[1] *= d[1], a[2] = d[0] - a[2], a[3] = d[1];
        d[0] = V{};
    }
};

/// The median of seven runs, in seconds.
template <class F>
double seconds(F&& f) {
    f();
    std::vector<double> times;
    for (int run = 0; run < 7; ++run) {
        const auto start = std::chrono::steady_clock::now();
        f();
        times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    std::nth_element(times.begin(), times.begin() + 3, times.end());
    return times[3];
}

struct Rates {
    double infer, forward, train;
};

template <class Layer>
Rates rates(Index T, Index N, Index I, Index H, double flops) {
    Layer layer(I, H);
    layer.U().value *= 0.1F; // the bare cell's products must not explode
    Random random(1);
    Sequence<float> x(I, T, N);
    for (Index k = 0; k < x.values().size(); ++k)
        x.values().data()[k] = static_cast<float>(random.normal());
    const Matrix<float> dy = Matrix<float>::Constant(H, T * N, 1e-3F);
    typename Layer::Tape tape;
    return {flops / seconds([&] { layer.infer(x, tape); }), flops / seconds([&] { layer.forward(x, tape); }),
            3 * flops / seconds([&] {
                layer.forward(x, tape);
                layer.backward({dy.data(), H, T, N}, tape);
            })};
}

/// dU += da·h₋ᵀ of all steps at once, da as the tape keeps it.
double product_rate(Index T, Index N, Index H) {
    constexpr Index units = kernel::Step<LSTM<float>::CellType>::units;
    const kernel::Panels<float, units> layout{4, N, H};
    Vector<float> da = Vector<float>::Random(T * layout.size() + simd::lanes<float>);
    const Matrix<float> h = Matrix<float>::Random(H, T * N);
    Matrix<float> dU = Matrix<float>::Zero(4 * H, H);
    Buffer<float> scratch;
    scratch.get(kernel::outer_product_scratch<float>(H, T * N));
    const double time = seconds([&] {
        kernel::add_outer_product<0, 4>(dU.data(), 4 * H, H,
                                        kernel::StepPanels<float, units>{da.data(), layout, T, layout.size()}, h.data(),
                                        1, scratch.data());
    });
    return 2e-9 * static_cast<double>(4 * H * H * T * N) / time;
}

} // namespace
} // namespace benchmarks

int main() {
    using namespace benchmarks;
    std::printf(
        "T, N, I, H          | infer: LSTM bare | forward: LSTM bare | train: LSTM bare | dU alone   GFLOP/s\n");
    const Index shapes[][4] = {{30, 600, 1, 300},  {10, 64, 1, 300},  {100, 32, 64, 128}, {50, 64, 256, 512},
                               {500, 128, 32, 32}, {100, 1, 64, 128}, {30, 1, 1, 100},    {100, 1, 1, 20}};
    for (const auto& [T, N, I, H] : shapes) {
        const double flops = 2e-9 * static_cast<double>(T * N * 4 * H * (I + H));
        const Rates lstm = rates<LSTM<float>>(T, N, I, H, flops), bare = rates<Recurrent<BareCell>>(T, N, I, H, flops);
        std::printf("%3td, %3td, %3td, %3td  |  %6.1f %6.1f   |   %6.1f %6.1f    |  %6.1f %6.1f   | %6.1f\n", T, N, I,
                    H, lstm.infer, bare.infer, lstm.forward, bare.forward, lstm.train, bare.train,
                    product_rate(T, N, H));
    }
}
