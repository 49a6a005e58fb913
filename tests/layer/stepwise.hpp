// What holds for every layer that maps each step's features by itself, whatever the function.
#pragma once

#include "catch.hpp"
#include "stream/streams.hpp"
#include "support.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/stream/stream.hpp"
#include "carousel/train/check_gradients.hpp"

#include <string>
#include <vector>

namespace carousel::test {

/// Gradients, lengths, float beside double, and streams of `layer`, behind a Dense layer and alone.
template <class L>
void check_stepwise(L layer) {
    Random random(31);
    const std::vector<Index> lengths{4, 0, 2};
    const auto x = random_sequence<double>(5, 4, 3, random, lengths), target = random_sequence<double>(5, 4, 3, random);

    Sequential model{Dense<double>{5, 5, {.seed = 1}}, layer};
    const auto check = check_gradients(model, x, target, MeanSquaredError{});
    INFO(check.name);
    CHECK(check.worst < 1e-6);

    typename L::template Tape<double> tape;
    typename L::template Tape<float> float_tape;
    const auto y = layer.forward(x.view(), tape);
    CHECK(std::vector<Index>(y.lengths().begin(), y.lengths().end()) == lengths);
    const Sequence<float> narrow(x.values().template cast<float>(), 3, lengths);
    CHECK(difference(layer.infer(narrow.view(), float_tape).values(), y.values()) < 1e-6);
    const auto dx = layer.backward(target.view(), tape);
    CHECK(std::vector<Index>(dx.lengths().begin(), dx.lengths().end()) == lengths);
    layer.forward(x.view(), tape);
    CHECK(layer.backward(target.view(), tape, {.input_gradient = false}).columns() == 0);
    CHECK(layer.output_size(5) == 5);

    const Sequential first{layer, Dense<float>{5, 19, {.seed = 1}}, Sequential{layer, Dense<float>{19, 20}}, layer};
    Stream stream{first};
    const auto live = random_sequence<float>(5, 7, 1, random);
    CHECK(difference(run(stream, live.values()), first(live).values()) < 3e-6);
}

/// Wrong shapes and tapes without a pass.
template <class L>
void check_refusals(L layer, const std::string& type) {
    typename L::template Tape<float> tape;
    const Sequence<float> x(3, 4, 2), wrong(3, 3, 2);
    const std::string no_pass = type + "::backward: the tape holds no forward pass (none was made, it was inference, "
                                       "or backward has consumed it)";
    REQUIRE_THROWS_AS(layer.backward(x.view(), tape), std::logic_error);
    REQUIRE_THROWS_WITH(layer.backward(x.view(), tape), no_pass);
    layer.forward(x.view(), tape);
    REQUIRE_THROWS_WITH(layer.backward(wrong.view(), tape), type + "::backward: dy is 3 x 6, expected 3 x 8");
    REQUIRE_NOTHROW(layer.backward(x.view(), tape));
    REQUIRE_THROWS_WITH(layer.backward(x.view(), tape), no_pass);
    layer.infer(x.view(), tape);
    REQUIRE_THROWS_WITH(layer.backward(x.view(), tape), no_pass);
}

} // namespace carousel::test
