#include "carousel/stream/stream.hpp"

#include "catch.hpp"
#include "layer/any_recurrent.hpp"
#include "layer/own_cells.hpp"
#include "support.hpp"

#include <span>
#include <stdexcept>
#include <string>

using namespace carousel;
using namespace carousel::test;

namespace {

/// What the stream gives for every column of x.
template <class Model, class S>
Matrix<S> run(Stream<Model>& stream, const Matrix<S>& x) {
    Matrix<S> y(stream.output_size(), x.cols());
    for (Index t = 0; t < x.cols(); ++t) {
        const std::span<const S> out = stream(std::span(x.col(t).data(), static_cast<std::size_t>(x.rows())));
        REQUIRE(static_cast<Index>(out.size()) == y.rows());
        std::copy(out.begin(), out.end(), y.col(t).data());
    }
    return y;
}

template <class S>
constexpr double rounding = std::is_same_v<S, float> ? 3e-6 : 1e-14;

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

auto small_model() {
    return Sequential{LSTM<float>{1, 5}, Dropout{0.5}, LSTM<float>{5, 3}, LastStep{},
                      Dense<float>{3, 1, {.activation = Activation::tanh}}};
}
using Small = decltype(small_model());

static_assert(noexcept(std::declval<Stream<Small>&>()(1.0F)));
static_assert(noexcept(std::declval<Stream<Small>&>()(std::span<const float>{})));
static_assert(noexcept(std::declval<Stream<Small>&>().reset()));

} // namespace

TEMPLATE_TEST_CASE("Stream: every cell gives the numbers of the whole-sequence pass, from any state", "", float,
                   double) {
    using S = TestType;
    struct Size {
        Index input, hidden;
    };
    for (const auto& cell : every_cell<S>())
        for (const Size size : {Size{1, 1}, {2, 3}, {1, 16}, {9, 17}, {3, 40}, {40, 70}})
            for (const bool initial : {false, true}) {
                Random random(71);
                const auto layer = cell.make(size.input, size.hidden, {});
                layer->randomize(random);
                const auto pass = random_pass(*layer, size.input, size.hidden, 12, 1, {false, false, initial}, random);
                Matrix<S> state = pass.initial;
                const Matrix<S> y = layer->stream(pass.x.values(), state);
                INFO(cell.name << ", input " << size.input << ", hidden " << size.hidden);
                CHECK(difference(y, layer->forward(pass.x, pass.initial).values()) < rounding<S>);
                CHECK(difference(state, layer->final_state()) < rounding<S>);
            }
}

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
    check_fixed<GruCell<float>, 8>();
    check_fixed<LstmCell<float>, 40>();
    check_fixed<LstmCell<float>, 70>(); // weights that don't fit L1
}

TEST_CASE("Stream: a model gives the numbers of its inference, sample by sample") {
    const Sequential model{Dense<float>{3, 20, {.activation = Activation::relu}},
                           LSTM<float>{20, 7, {.peephole = true}}, Sequential{Dropout{0.2}, Dense<float, 7, 4>{}}};
    Random random(72);
    const auto x = random_sequence<float>(3, 30, 1, random);
    Stream stream{model};
    CHECK(stream.input_size() == 3);
    CHECK(stream.output_size() == 4);
    CHECK(difference(run(stream, x.values()), model(x).values()) < 3e-6);
}

TEST_CASE("Stream: one number in, one number out, and reset starts anew") {
    const auto model = small_model();
    Random random(73);
    const Matrix<float> x = random_matrix<float>(1, 20, random);
    Stream stream{model};
    Matrix<float> y(1, 20), again(1, 20);
    for (Index t = 0; t < 20; ++t)
        y(t) = stream(x(t));
    stream.reset();
    for (Index t = 0; t < 20; ++t)
        again(t) = stream(x(t));
    CHECK(again == y);
    // the model's last step, of a sequence that ends here
    CHECK(difference(y.rightCols(1), model(Sequence<float>(x)).values()) < 3e-6);
}

TEST_CASE("Stream: its state can be taken, put back and forked") {
    const auto model = small_model();
    Random random(74);
    const Matrix<float> x = random_matrix<float>(1, 20, random);
    Stream stream{model};
    run(stream, Matrix<float>(x.leftCols(10)));
    const auto state = stream.state();
    CHECK((std::get<0>(state).rows() == 10 && std::get<2>(state).rows() == 6));
    Stream fork = stream;
    Stream other{model};
    other.set_state(state);
    const Matrix<float> y = run(stream, Matrix<float>(x.rightCols(10)));
    CHECK(run(fork, Matrix<float>(x.rightCols(10))) == y);
    CHECK(run(other, Matrix<float>(x.rightCols(10))) == y);
    CHECK(std::get<0>(fork.state()) == std::get<0>(stream.state()));
    CHECK(std::get<0>(stream.state()) != std::get<0>(state));
}

TEST_CASE("Stream: goes on from the final state of a pass") {
    const auto model = small_model();
    Random random(75);
    const auto x = random_sequence<float>(1, 20, 1, random);
    Small::Tape tape;
    Small::State state;
    model.infer({x.values().data(), 1, 12, 1}, tape);
    model.final_state(tape, state);
    Stream stream{model}, from_start{model};
    stream.set_state(state);
    const Matrix<float> rest = run(stream, Matrix<float>(x.values().rightCols(8)));
    CHECK(difference(rest, run(from_start, x.values()).rightCols(8)) < 3e-6);
}

TEST_CASE("Stream: keeps the weights it was made with") {
    auto model = small_model();
    Stream stream{model}, same{model};
    model.initialize(99);
    Stream changed{model};
    const float y = stream(0.5F);
    CHECK(same(0.5F) == y);
    CHECK(changed(0.5F) != y);
}

TEST_CASE("Stream: a reverse layer and a state of another shape are refused, and nothing has changed") {
    REQUIRE_THROWS_AS((Stream{LSTM<float>{1, 2, {}, {.reverse = true}}}), std::invalid_argument);
    REQUIRE_THROWS_WITH((Stream{LSTM<float>{1, 2, {}, {.reverse = true}}}),
                        "Stream: the LSTM layer runs in reverse and can't be streamed");
    REQUIRE_THROWS_WITH((Stream{Sequential{Dense<float>{1, 1}, GRU<float>{1, 2, {}, {.reverse = true}}}}),
                        "Stream: the GRU layer runs in reverse and can't be streamed");

    const auto model = small_model();
    Stream stream{model};
    stream(0.5F);
    const auto state = stream.state();
    auto wrong = state;
    std::get<0>(wrong).setOnes();
    std::get<2>(wrong).resize(4, 1);
    REQUIRE_THROWS_AS(stream.set_state(wrong), std::invalid_argument);
    REQUIRE_THROWS_WITH(stream.set_state(wrong), "Stream::set_state: the state of LSTM is 4 x 1, expected 6 x 1");
    CHECK(std::get<0>(stream.state()) == std::get<0>(state));
    std::get<0>(wrong).resize(10, 2);
    REQUIRE_THROWS_WITH(stream.set_state(wrong), "Stream::set_state: the state of LSTM is 10 x 2, expected 10 x 1");
    REQUIRE_THROWS_WITH(stream.set_state({}), "Stream::set_state: the state of LSTM is 0 x 0, expected 10 x 1");
}
