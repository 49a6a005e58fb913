// Streams of models with a Conv1D.
#include "catch.hpp"
#include "stream/streams.hpp"
#include "support.hpp"

#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/stream/stream.hpp"

#include <limits>

using namespace carousel;
using namespace carousel::test;

TEMPLATE_TEST_CASE("Stream: a Conv1D gives the numbers of its inference, from any state", "", float, double) {
    using S = TestType;
    Random random(70);
    for (const Index kernel : {1, 2, 4})
        for (const Index dilation : {1, 3})
            for (const Index output : {1, 5, 40}) {
                const Conv1D<S> layer(
                    3, output, kernel,
                    {.dilation = dilation, .activation = Activation::tanh, .b = initializer::normal(0, 1)});
                const auto x = random_sequence<S>(3, 30, 1, random);
                const Matrix<S> initial = random_matrix<S>(layer.carried_steps() * 3, 1, random);
                typename Conv1D<S>::Tape tape;
                Matrix<S> state;
                Stream stream{layer};
                INFO("kernel " << kernel << ", dilation " << dilation << ", output " << output);
                CHECK(difference(run(stream, x.values()), layer.infer(x, tape).values()) < rounding<S>);
                layer.final_state(tape, state);
                CHECK(stream.state() == state);
                stream.set_state(initial);
                CHECK(stream.state() == initial);
                CHECK(difference(run(stream, x.values()), layer.infer(x, tape, initial).values()) < rounding<S>);
                stream.reset();
                CHECK(difference(run(stream, x.values()), layer.infer(x, tape).values()) < rounding<S>);
            }
}

TEST_CASE("Stream: dilated convolutions with skips around them, and a recurrent layer") {
    const Sequential model{Conv1D<float>{1, 6, 1}, Residual{Conv1D<float>{6, 6, 3, {.activation = Activation::tanh}}},
                           Residual{Conv1D<float>{6, 6, 3, {.dilation = 4, .activation = Activation::tanh}}},
                           GRU<float>{6, 5}, Conv1D<float>{5, 1, 1, {.padding = Padding::valid}}};
    Random random(71);
    const auto x = random_sequence<float>(1, 40, 1, random);
    Stream stream{model};
    CHECK(difference(run(stream, x.values()), model(x).values()) < 3e-6);
    Stream fork{model};
    fork.set_state(stream.state());
    CHECK(run(fork, x.values()) == run(stream, x.values()));
}

TEST_CASE("Stream: a NaN in what a Conv1D carries is noticed until it has left") {
    const Conv1D<float> layer(1, 1, 3);
    Stream stream{layer};
    feed(stream, std::numeric_limits<float>::quiet_NaN());
    CHECK_FALSE(stream.finite());
    feed(stream, 1.0F);
    CHECK_FALSE(stream.finite());
    feed(stream, 1.0F);
    CHECK(stream.finite());
}

TEST_CASE("Stream: a Conv1D takes new weights and goes on from its state") {
    Conv1D<float> layer(2, 3, 3, {.seed = 1});
    const Conv1D<float> other(2, 3, 3, {.activation = Activation::relu, .seed = 2});
    Random random(72);
    const Matrix<float> x = random_matrix<float>(2, 10, random);
    Stream stream{layer}, fresh{other};
    run(stream, x);
    fresh.set_state(stream.state());
    stream.set_weights(other);
    CHECK(run(stream, x) == run(fresh, x));
}

TEST_CASE("Stream: a Conv1D that can't be streamed, another's state and another's weights are refused") {
    REQUIRE_THROWS_WITH((Stream{Conv1D<float>{1, 2, 3, {.stride = 2}}}),
                        "Stream: the Conv1D layer has stride 2 and can't be streamed, for it gives no output for most "
                        "samples; run whole sequences through the model");
    REQUIRE_THROWS_WITH((Stream{Conv1D<float>{1, 2, 3, {.dilation = 2, .padding = Padding::valid}}}),
                        "Stream: the Conv1D layer has padding valid and can't be streamed, for it gives no output for "
                        "the first 4 samples; make it with Padding::causal and the same weights, whose outputs are the "
                        "same from then on");
    Conv1D<float> layer(2, 3, 3);
    Stream stream{layer};
    REQUIRE_THROWS_WITH(stream.set_state({}), "Stream::set_state: the state of Conv1D is 0 x 0, expected 4 x 1");
    REQUIRE_THROWS_WITH(stream.set_weights(Conv1D<float>(2, 3, 3, {.dilation = 2})),
                        "Stream::set_weights: the Conv1D layer is 2 -> 3 with kernel 3 and dilation 2, the stream's is "
                        "2 -> 3 with kernel 3 and dilation 1; make a new Stream of this model");
    layer.W().value.resize(2, 2);
    REQUIRE_THROWS_WITH(Stream{layer},
                        "Stream: W of the Conv1D layer is 2 x 2, expected 3 x 6; give it a value of that shape");
}
