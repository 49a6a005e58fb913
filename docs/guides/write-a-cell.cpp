// The program of write-a-cell.md.
#include <carousel/carousel.hpp>

#include <cstdio>

using namespace carousel;

// JANET, an LSTM with nothing but its forget gate: van der Westhuizen & Lasenby (2018), "The unreasonable effectiveness
// of the forget gate".
//
// forward     f = σ(a_f)
//             g = tanh(a_g)
//             h = f∘h₋ + (1 − f)∘g
// backward    da_f = dh∘(h₋ − g) ∘ f(1−f)
//             da_g = dh∘(1 − f) ∘ (1−g²)
//             dh₋ = dh∘f
template <std::floating_point S>
struct JanetCell {
    using Scalar = S;
    static constexpr const char* name = "JANET";
    static constexpr int states = 1, blocks = 2, vectors = 0;                 // h; f and g; no peepholes
    static constexpr BlockRange input{0, 2}, recurrent{0, 2};                 // W·x and U·h₋ feed both
    static constexpr S initial_bias(int block) { return block == 0 ? 3 : 0; } // it begins by remembering

    template <class V>
    void forward(V (&a)[2], const V (&prev)[1], V (&next)[1], const V*) const {
        const V f = simd::sigmoid(a[0]), g = simd::tanh(a[1]);
        next[0] = f * prev[0] + (Scalar(1) - f) * g;
        a[0] = f, a[1] = g; // what backward needs
    }

    template <class V>
    void backward(V (&a)[2], const V (&prev)[1], const V (&)[1], V (&d)[1], const V*, V*) const {
        const V f = a[0], g = a[1], dh = d[0];
        a[0] = dh * (prev[0] - g) * f * (Scalar(1) - f);
        a[1] = dh * (Scalar(1) - f) * (Scalar(1) - g * g);
        d[0] = dh * f;
    }
};

// The first of 100 numbers is to be told after the last; the others are noise.
Dataset<float> memory_task(Index samples, std::uint64_t seed) {
    Dataset<float> data{Sequence<float>(1, 100, samples), Sequence<float>(1, 1, samples)};
    Random random(seed);
    for (Index b = 0; b < samples; ++b) {
        for (Index t = 0; t < 100; ++t)
            data.x.step(t)(0, b) = static_cast<float>((t == 0 ? 1.0 : 0.1) * random.uniform(-1, 1));
        data.y.step(0)(0, b) = data.x.step(0)(0, b);
    }
    return data;
}

template <class Layer>
double error_of(Layer layer) {
    Sequential model{std::move(layer), LastStep{}, Dense<float>{16, 1, {.seed = 2}}};
    fit(model, memory_task(400, 1), MeanSquaredError{}, Adam{.learning_rate = 5e-3},
        {.epochs = 30, .batch_size = 20, .seed = 1, .clip_norm = 1.0});
    return evaluate(model, memory_task(200, 2), MeanSquaredError{}).loss;
}

int main() {
    Sequential model{Recurrent<JanetCell<double>>{2, 5}, Dense<double>{5, 1}};
    Sequence<double> x(2, 7, 3), target(1, 7, 3);
    Random random(1);
    initializer::normal(0, 1)(x.values(), 1, 1, random);
    initializer::normal(0, 1)(target.values(), 1, 1, random);
    const GradientCheck check = check_gradients(model, x, target, MeanSquaredError{});
    std::printf("gradients are right to 1e-7: %s\n", check.worst < 1e-7 ? "yes" : "no");

    const double simple = error_of(SimpleRNN<float>{1, 16, {.seed = 1}});
    const double janet = error_of(Recurrent<JanetCell<float>>{1, 16, {}, {.seed = 1}});
    std::printf("JANET's error is below SimpleRNN's: %s\n", janet < simple ? "yes" : "no");

    Stream stream{Sequential{Recurrent<JanetCell<float>>{1, 16}, Dense<float>{16, 1}}}; // with no word more
    std::printf("it streams: %s\n", std::isfinite(stream(0.5f)) ? "yes" : "no");
}
