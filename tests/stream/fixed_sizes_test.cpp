// Streams of sizes fixed at compile time, in a file of their own: each size is compiled apart, and takes long.
#include "carousel/stream/stream.hpp"

#include "catch.hpp"
#include "layer/own_cells.hpp"
#include "stream/streams.hpp"
#include "support.hpp"

using namespace carousel;
using namespace carousel::test;

namespace {

template <class C, Index hidden = 19>
void check_fixed(C cell = {}) {
    using S = typename C::Scalar;
    Recurrent<C, 3, hidden> fixed(cell, {.b = initializer::normal(0, 1), .P = initializer::normal(0, 1), .seed = 1});
    Recurrent<C> sized(3, hidden, cell);
    sized.W() = fixed.W(), sized.U() = fixed.U(), sized.b() = fixed.b(), sized.P() = fixed.P();
    Random random(70);
    const Matrix<S> x = random_matrix<S>(3, 20, random);
    Stream fixed_stream{fixed};
    Stream sized_stream{sized};
    INFO(C::name);
    CHECK(difference(run(fixed_stream, x), run(sized_stream, x)) < rounding<S>);
    CHECK(difference(fixed_stream.state(), sized_stream.state()) < rounding<S>);
}

} // namespace

TEST_CASE("Stream: sizes fixed at compile time give the numbers of those given at run time") {
    check_fixed<SimpleRnnCell<float>>();
    check_fixed<LstmCell<float>>();
    check_fixed<LstmCell<float>>({.peephole = true});
    check_fixed<LstmCell<double, true>>({.peephole = true});
    check_fixed<GruCell<float>>();
    check_fixed<GruCell<float, Reset::before>>();
    check_fixed<LeakyCell<double>>();
    check_fixed<MinimalGatedCell<float>>();
    check_fixed<LstmCell<float>, 3>(); // lanes no wider than they need
    check_fixed<GruCell<float, Reset::before>,
                7>(); // places without a unit in the only lane, and in the last of several
    check_fixed<LstmCell<float, false, FastGates>, 15>();
    check_fixed<GruCell<float>, 8>();
    check_fixed<LstmCell<float>, 40>();
    check_fixed<LstmCell<float>, 70>(); // weights that don't fit L1
}

TEST_CASE("Stream: takes other weights and keeps its state") {
    const auto check = [](auto model, auto trained) {
        for (const auto& [name, parameter] : parameters(trained)) {
            Random random(78);
            parameter->value = random_matrix<float>(parameter->value.rows(), parameter->value.cols(), random);
        }
        Stream stream{model}, expected{trained};
        for (const float x : {1.0F, 0.0F, 2.0F})
            feed(stream, x);
        expected.set_state(stream.state());
        stream.set_weights(trained);
        CHECK(same(stream.state(), expected.state()));
        for (const float x : {0.0F, 2.0F, 1.0F})
            CHECK(feed(stream, x) == feed(expected, x));
        CHECK(same(stream.state(), expected.state()));
    };
    check(small_model(), Small{LSTM<float>{1, 5, {.peephole = true}, {.zoneout = 0.1}}, Dropout{0.1},
                               LSTM<float>{5, 3, {.peephole = true}}, LastStep{}, Dense<float>{3, 1}});
    check(Sequential{Embedding<float>{3, 4}, GRU<float, 4, 19>{}, Dense<float, 19, 33>{}, Dense<float>{33, 2}},
          Sequential{Embedding<float>{3, 4, {.padding = 1}}, GRU<float, 4, 19>{}, Dense<float, 19, 33>{},
                     Dense<float>{33, 2, {.activation = Activation::tanh}}});
    check(Sequential{GRU<float, 1, 40, Reset::before>{}, SimpleRNN<float>{40, 70}},
          Sequential{GRU<float, 1, 40, Reset::before>{},
                     SimpleRNN<float>{40, 70, SimpleRnnCell<float>{Activation::relu}}});
}
