// Streams of models with a Residual.
#include "catch.hpp"
#include "stream/streams.hpp"
#include "support.hpp"

#include "carousel/layer/activate.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/gain.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/layer/softmax.hpp"
#include "carousel/model/model.hpp"
#include "carousel/stream/stream.hpp"

using namespace carousel;
using namespace carousel::test;

namespace {

/// A guitar amplifier's net: a signal and a knob in, the signal added to what it makes.
template <class S>
auto amplifier(Index hidden = 9) {
    return Residual{Sequential{LSTM<S>{2, hidden, {.seed = 1}}, Dense<S>{hidden, 1, {.seed = 2}}}};
}

} // namespace

TEMPLATE_TEST_CASE("Stream: a Residual gives the numbers of its inference", "", float, double) {
    using S = TestType;
    const Sequential model{amplifier<S>(), Residual{Sequential{Activate{Activation::tanh}, Dense<S>{1, 1}}}};
    Random random(55);
    const auto x = random_sequence<S>(2, 30, 1, random);
    Stream stream{model};
    CHECK(difference(run(stream, x.values()), model(x).values()) < rounding<S>);
    Stream alone{amplifier<S>()};
    CHECK((alone.input_size() == 2 && alone.output_size() == 1));
}

TEST_CASE("Stream: a Residual of a model that was put together at run time, inside another") {
    Model<float> inner{Activate{Activation::tanh}, LSTM<float>{2, 5}, Gain{0.5}, Dense<float>{5, 1}};
    const Model<float> model{Conv1D<float>{3, 2, 4}, Softmax{}, Residual<Model<float>>{inner},
                             Activate{Activation::elu()}};
    Random random(57);
    const auto x = random_sequence<float>(3, 30, 1, random);
    Stream stream{model}, fork{model};
    CHECK(difference(run(stream, x.values()), model(x).values()) < 3e-6);
    fork.set_state(stream.state());
    CHECK(run(fork, x.values()) == run(stream, x.values()));
    CHECK(stream.state().size() == 2);
    REQUIRE_THROWS_WITH(Stream(Model<float>{Residual{Bidirectional{LSTM<float>{2, 1}}}}),
                        "Stream: layer 0 (Residual): the layer Residual can't be streamed: its first output needs the "
                        "last sample");
}

TEST_CASE("Stream: a Residual's state can be taken, put back and reset, and a NaN in it is noticed") {
    const auto model = amplifier<float>();
    Random random(56);
    const Matrix<float> x = random_matrix<float>(2, 20, random), rest = x.rightCols(10);
    Stream stream{model}, other{model};
    const Matrix<float> y = run(stream, x);
    stream.reset();
    CHECK(run(stream, x) == y);
    stream.reset();
    run(stream, Matrix<float>(x.leftCols(10)));
    other.set_state(stream.state());
    CHECK(run(other, rest) == y.rightCols(10));
    CHECK(other.finite());
    feed(other, Vector<float>(Vector<float>::Constant(2, std::numeric_limits<float>::quiet_NaN())));
    CHECK_FALSE(other.finite());
    auto state = stream.state();
    std::get<0>(state).resize(3, 1);
    REQUIRE_THROWS_WITH(stream.set_state(state), "Stream::set_state: the state of LSTM is 3 x 1, expected 18 x 1");
}

TEST_CASE("Stream: a Residual takes new weights, and refuses those of another size") {
    auto model = amplifier<float>();
    Stream stream{model};
    const Vector<float> x = Vector<float>::Ones(2);
    model.layer().initialize(7);
    stream.set_weights(model);
    Stream fresh{model};
    CHECK(feed(stream, x)[0] == feed(fresh, x)[0]);
    REQUIRE_THROWS_WITH(
        stream.set_weights(amplifier<float>(8)),
        "Stream::set_weights: the LSTM layer is 2 -> 8, the stream's is 2 -> 9; make a new Stream of this model");
}
