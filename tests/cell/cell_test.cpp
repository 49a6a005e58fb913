#include "catch.hpp"

#include "carousel/cell/activation.hpp"
#include "carousel/cell/gru.hpp"
#include "carousel/cell/lstm.hpp"
#include "carousel/cell/simple_rnn.hpp"
#include "layer/own_cells.hpp"

#include <cmath>
#include <limits>
#include <string>

using namespace carousel;

namespace {

/// Anything but a cell.
struct NoBackward {
    using Scalar = float;
    static constexpr int states = 1, blocks = 1, vectors = 0;
    static constexpr Blocks input{0, 1}, recurrent{0, 1};
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

constexpr Activation all[] = {Activation::linear, Activation::tanh, Activation::sigmoid, Activation::relu};

} // namespace

TEST_CASE("Activation: every function has a name") {
    CHECK(std::string(name(Activation::linear)) == "linear");
    CHECK(std::string(name(Activation::tanh)) == "tanh");
    CHECK(std::string(name(Activation::sigmoid)) == "sigmoid");
    CHECK(std::string(name(Activation::relu)) == "relu");
}

TEST_CASE("Activation: values, on a number and on a lane") {
    using V = simd::Lane<double>;
    for (const double x : {-2.0, -0.5, 0.0, 0.3, 3.0}) {
        const double expected[] = {x, std::tanh(x), 1 / (1 + std::exp(-x)), std::max(x, 0.0)};
        for (int k = 0; k < 4; ++k) {
            INFO(name(all[k]) << " of " << x);
            CHECK(activate(all[k], x) == Catch::Approx(expected[k]).epsilon(1e-14));
            CHECK(activate(all[k], simd::splat<V>(x))[0] == Catch::Approx(expected[k]).epsilon(1e-14));
        }
    }
}

TEST_CASE("Activation: the derivative, written from the output, matches central differences") {
    const double h = 1e-5;
    for (const Activation f : all)
        for (const double x : {-2.0, -0.5, 0.3, 3.0}) {
            INFO(name(f) << " at " << x);
            CHECK(derivative(f, activate(f, x)) ==
                  Catch::Approx((activate(f, x + h) - activate(f, x - h)) / (2 * h)).margin(1e-9));
        }
    CHECK(derivative(Activation::sigmoid, activate(Activation::sigmoid, 0.0)) == 0.25); // the most it can be
    CHECK(derivative(Activation::relu, 0.0) == 0);
}

TEST_CASE("Activation: NaN stays NaN") {
    for (const Activation f : all)
        CHECK(std::isnan(activate(f, std::numeric_limits<double>::quiet_NaN())));
}
