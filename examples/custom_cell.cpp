// How do I write a cell of my own? A leaky RNN whose units learn how fast they forget, against a simple RNN.
//
// Jaeger et al. (2007), "Optimization and applications of echo state networks with leaky-integrator neurons", eq. 2,
// with the leaking rate a parameter of each unit.
//
// forward     n = tanh(a),  a = W·x + U·h₋ + b
//             α = σ(p)
//             h = h₋ + α∘(n − h₋)
// backward    da = dh∘α ∘ (1 − n²)
//             dp += dh∘(n − h₋) ∘ α(1 − α)
//             dh₋ = dh∘(1 − α)
#include <carousel/carousel.hpp>

#include <cstdio>
#include <numbers>

using namespace carousel;

template <std::floating_point S>
struct LeakyCell {
    using Scalar = S;
    static constexpr const char* name = "LeakyRNN";
    static constexpr int states = 1, blocks = 1, vectors = 1; // h; a; p
    static constexpr BlockRange input{0, 1}, recurrent{0, 1};

    template <class V>
    void forward(V (&a)[1], const V (&prev)[1], V (&next)[1], const V* p) const {
        a[0] = simd::tanh(a[0]);
        next[0] = prev[0] + simd::sigmoid(p[0]) * (a[0] - prev[0]);
    }

    template <class V>
    void backward(V (&a)[1], const V (&prev)[1], const V (&)[1], V (&d)[1], const V* p, V* dp) const {
        constexpr S one = 1;
        const V n = a[0], alpha = simd::sigmoid(p[0]);
        a[0] = d[0] * alpha * (one - n * n);
        dp[0] += d[0] * (n - prev[0]) * alpha * (one - alpha);
        d[0] *= one - alpha;
    }
};

// The task: a slow wave comes in under noise of its own size, the wave alone should come out.
template <class Layer>
double train(Layer layer) {
    const Index steps = 200, batch = 32;
    Dataset<float> data{Sequence<float>(1, steps, batch), Sequence<float>(1, steps, batch)};
    Random random(1);
    for (Index b = 0; b < batch; ++b) {
        const double phase = random.uniform(0, 2 * std::numbers::pi);
        for (Index t = 0; t < steps; ++t) {
            const double wave = std::sin(0.05 * static_cast<double>(t) + phase);
            data.x.step(t)(0, b) = static_cast<float>(wave + random.normal());
            data.y.step(t)(0, b) = static_cast<float>(wave);
        }
    }
    Sequential model{std::move(layer), Dense<float>{16, 1}};
    model.initialize(1);
    fit(model, data, MeanSquaredError{}, Adam{.learning_rate = 1e-2},
        {.epochs = 150, .batch_size = 8, .clip_norm = 1.0});
    return evaluate(model, data, MeanSquaredError{}).loss;
}

int main() {
    Sequential model{Recurrent<LeakyCell<double>>{2, 5}, Dense<double>{5, 1}};
    Sequence<double> x(2, 7, 3), target(1, 7, 3);
    Random random(1);
    initializer::normal(0, 1)(x.values(), 1, 1, random);
    initializer::normal(0, 1)(target.values(), 1, 1, random);
    const auto check = check_gradients(model, x, target, MeanSquaredError{});
    std::printf("worst relative error of the gradients: %.1e (%s)\n", check.worst, check.name.c_str());

    std::printf("mean squared error of a simple RNN: %.5f\n", train(SimpleRNN<float>{1, 16}));
    const double leaky = train(Recurrent<LeakyCell<float>>{1, 16, {}, {.P = initializer::uniform(-3, 1)}});
    std::printf("mean squared error of the leaky RNN: %.5f\n", leaky);
    std::printf("mse=%.6f\n", check.worst < 1e-6 ? leaky : INFINITY);
}
