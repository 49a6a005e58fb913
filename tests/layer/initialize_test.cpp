#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/recurrent.hpp"

#include "catch.hpp"

using namespace carousel;

namespace {

bool is_zero(auto layer) {
    bool zero = true;
    for (const auto& [name, parameter] : parameters(layer))
        zero = zero && parameter->value.isZero(0);
    return zero;
}

} // namespace

TEST_CASE("layers: with initialize = false every parameter is zero until initialize() draws it") {
    CHECK(is_zero(LSTM<float>{3, 4, {.peephole = true}, {.initialize = false}}));
    CHECK(is_zero(GRU<float>{3, 4, {}, {.zoneout = 0.1, .initialize = false}}));
    CHECK(is_zero(Dense<float>{3, 4, {.b = initializer::constant(1), .initialize = false}}));
    CHECK(is_zero(Embedding<float>{3, 4, {.initialize = false}}));
    const LSTM<float> drawn{3, 4, {}, {.seed = 7}};
    LSTM<float> late{3, 4, {}, {.initialize = false}};
    Random random(7);
    late.initialize(random);
    CHECK(late.W().value == drawn.W().value);
    CHECK(late.U().value == drawn.U().value);
    CHECK(late.b().value == drawn.b().value);
}

TEST_CASE("layers: an uninitialized one is zero until initialize() draws it") {
    CHECK(is_zero(LSTM<float>{uninitialized, 3, 4, {.peephole = true}}));
    CHECK(is_zero(LSTM<float, 3, 4>{uninitialized}));
    CHECK(is_zero(GRU<float>{uninitialized, 3, 4, {}, {.zoneout = 0.1}}));
    CHECK(is_zero(Dense<float>{uninitialized, 3, 4, {.b = initializer::constant(1)}}));
    CHECK(is_zero(Dense<float, 3, 4>{uninitialized}));
    CHECK(is_zero(Embedding<float>{uninitialized, 3, 4}));
    CHECK(is_zero(Conv1D<float>{uninitialized, 3, 4, 2}));
    Dense<float> late{uninitialized, 3, 4};
    Random random(7);
    late.initialize(random);
    CHECK(late.W().value == Dense<float>{3, 4, {.seed = 7}}.W().value);
}
