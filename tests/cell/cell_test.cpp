#include "catch.hpp"

#include "carousel/cell/activation.hpp"
#include "carousel/cell/gru.hpp"
#include "carousel/cell/lstm.hpp"
#include "carousel/cell/simple_rnn.hpp"
#include "layer/own_cells.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace carousel;

namespace {

/// Anything but a cell.
struct NoBackward {
    using Scalar = float;
    static constexpr int states = 1, blocks = 1, vectors = 0;
    static constexpr BlockRange input{0, 1}, recurrent{0, 1};
    template <class V>
    void forward(V (&)[1], const V (&)[1], V (&)[1], const V*) const {}
};

static_assert(Cell<SimpleRnnCell<float>> && Cell<LstmCell<double>> && Cell<LstmCell<float, true>>);
static_assert(Cell<GruCell<float>> && !TwoProductCell<GruCell<float>>);
static_assert(TwoProductCell<GruCell<double, Reset::before>>);
static_assert(Cell<test::LeakyCell<float>> && TwoProductCell<test::MinimalGatedCell<double>>);
static_assert(!Cell<int> && !Cell<NoBackward>);

// W and U feed different blocks of a GRU; the reset-before one's operand is fed by neither and has no bias.
static_assert(biased_blocks<LstmCell<float>>() == 4 && biased_blocks<LstmCell<float, true>>() == 3);
static_assert(biased_blocks<GruCell<float>>() == 4 && biased_blocks<GruCell<float, Reset::before>>() == 3);
static_assert(recurrent_blocks<GruCell<float, Reset::before>>().count == 3);

/// Every function, the formula that ONNX or Keras gives of it, and its name.
struct Named {
    Activation f;
    const char* name;
    double (*formula)(double);
};
const std::vector<Named> all{
    {Activation::linear, "linear", [](double x) { return x; }},
    {Activation::tanh, "tanh", [](double x) { return std::tanh(x); }},
    {Activation::sigmoid, "sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
    {Activation::relu, "relu", [](double x) { return std::max(0.0, x); }},
    {Activation::affine(1.5, -0.25), "affine", [](double x) { return 1.5 * x - 0.25; }},
    {Activation::leaky_relu(0.1), "leaky_relu", [](double x) { return x >= 0 ? x : 0.1 * x; }},
    {Activation::thresholded_relu(0.4), "thresholded_relu", [](double x) { return x >= 0.4 ? x : 0; }},
    {Activation::scaled_tanh(1.7, 0.6), "scaled_tanh", [](double x) { return 1.7 * std::tanh(0.6 * x); }},
    {Activation::hard_sigmoid(), "hard_sigmoid", [](double x) { return std::max(0.0, std::min(1.0, 0.2 * x + 0.5)); }},
    {Activation::elu(0.8), "elu", [](double x) { return x >= 0 ? x : 0.8 * (std::exp(x) - 1); }},
    {Activation::softsign, "softsign", [](double x) { return x / (1 + std::abs(x)); }},
    {Activation::softplus, "softplus", [](double x) { return std::log(1 + std::exp(x)); }},
    {Activation::selu, "selu",
     [](double x) { return 1.0507009873554805 * (x >= 0 ? x : 1.6732632423543772 * (std::exp(x) - 1)); }},
    {Activation::exponential, "exponential", [](double x) { return std::exp(x); }},
};
const double points[] = {-3.1, -0.5, -1e-3, 0.2, 0.6, 3.1};

} // namespace

TEST_CASE("Activation: values are the formulas', on a number and on a lane") {
    using V = simd::Lane<double>;
    using W = simd::Lane<float>;
    for (const auto& [f, its_name, formula] : all)
        for (const double x : points) {
            INFO(its_name << " of " << x);
            CHECK(name(f) == std::string(its_name));
            CHECK(f(x) == Catch::Approx(formula(x)).epsilon(1e-13));
            CHECK(f(simd::splat<V>(x))[0] == Catch::Approx(formula(x)).epsilon(1e-13));
            CHECK(static_cast<double>(f(simd::splat<W>(static_cast<float>(x)))[1]) ==
                  Catch::Approx(formula(x)).epsilon(2e-6));
        }
}

TEST_CASE("Activation: the derivative, written from the output, matches central differences, clipped or not") {
    const double h = 1e-6;
    for (const auto& [plain, its_name, formula] : all)
        for (const Activation& f : {plain, plain.clipped(1.1)})
            for (const double x : points) {
                INFO(its_name << " at " << x << ", clipped at " << f.clip());
                CHECK(f.derivative(f(x)) == Catch::Approx((f(x + h) - f(x - h)) / (2 * h)).margin(1e-8));
            }
    CHECK(Activation::sigmoid.derivative(Activation::sigmoid(0.0)) == 0.25); // the most it can be
    CHECK(Activation::relu.derivative(0.0) == 0);
}

TEST_CASE("Activation: clipped, it is the function of an argument cut to the limit") {
    using V = simd::Lane<double>;
    for (const auto& [f, its_name, formula] : all)
        for (const double x : {-7.0, -1.5, -0.3, 0.9, 1.5, 7.0}) {
            INFO(its_name << " of " << x);
            CHECK(f.clipped(1.5)(simd::splat<V>(x))[0] ==
                  Catch::Approx(formula(std::clamp(x, -1.5, 1.5))).epsilon(1e-13));
        }
}

TEST_CASE("Activation: NaN stays NaN") {
    for (const auto& named : all)
        CHECK(std::isnan(named.f(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("Activation: parameters under which the output doesn't tell the derivative are refused") {
    CHECK_THROWS_WITH(Activation::leaky_relu(-1), "Activation::leaky_relu: alpha is -1, expected alpha >= 0");
    CHECK_THROWS_WITH(Activation::elu(-2), "Activation::elu: alpha is -2, expected alpha >= 0");
    CHECK_THROWS_WITH(Activation::tanh.clipped(0), "Activation::clipped: limit is 0, expected limit > 0");
}
