#include "carousel/stream/stream.hpp"

#include "catch.hpp"
#include "layer/any_recurrent.hpp"
#include "stream/streams.hpp"
#include "support.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

static_assert(noexcept(std::declval<Stream<Small>&>()(1.0F)));
static_assert(noexcept(std::declval<Stream<Small>&>()(std::span<const float>{})));
static_assert(noexcept(std::declval<Stream<Small>&>()(std::declval<Vector<float>>())));
static_assert(noexcept(std::declval<Stream<Small>&>().reset()));
static_assert(noexcept(std::declval<Stream<Small>&>().finite()));

/// How many numbers of the stream's state are denormal.
template <class Model>
int denormals(const Stream<Model>& stream) {
    int count = 0;
    const auto state = stream.state();
    each_state(state, [&](const auto& matrix) {
        for (const auto number : matrix.reshaped())
            count += std::fpclassify(number) == FP_SUBNORMAL;
    });
    return count;
}

/// Feeds a signal, then silence for long enough that every state that decays is denormal or zero. The model's biases keep it in
/// motion if they aren't zero.
template <class Model>
auto after_silence(const Model& model) {
    using S = typename Model::Scalar;
    Stream stream{model};
    Random random(76);
    for (int t = 0; t < 50; ++t)
        feed(stream, static_cast<S>(random.uniform(-1, 1)));
    for (int t = 0; t < 20'000; ++t)
        feed(stream, S(0));
    return stream;
}

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
        y(t) = feed(stream, x(t));
    stream.reset();
    for (Index t = 0; t < 20; ++t)
        again(t) = feed(stream, x(t));
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
    const float y = feed(stream, 0.5F);
    CHECK(feed(same, 0.5F) == y);
    CHECK(feed(changed, 0.5F) != y);
}

TEST_CASE("Stream: a reverse layer and a state of another shape are refused, and nothing has changed") {
    REQUIRE_THROWS_AS((Stream{LSTM<float>{1, 2, {}, {.reverse = true}}}), std::invalid_argument);
    REQUIRE_THROWS_WITH((Stream{LSTM<float>{1, 2, {}, {.reverse = true}}}),
                        "Stream: the LSTM layer runs in reverse and can't be streamed");
    REQUIRE_THROWS_WITH((Stream{Sequential{Dense<float>{1, 1}, GRU<float>{1, 2, {}, {.reverse = true}}}}),
                        "Stream: the GRU layer runs in reverse and can't be streamed");

    const auto model = small_model();
    Stream stream{model};
    feed(stream, 0.5F);
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

TEMPLATE_TEST_CASE("Stream: a sample of another size changes nothing and gives no output", "", float, double) {
    using S = TestType;
    const Sequential three{GRU<S>{3, 5}, Dense<S>{5, 2}};
    const Sequential one{GRU<S>{1, 5}, Dense<S>{5, 2}};
    Stream stream{three}, narrow{one};
    const std::vector<S> x{S(0.1), S(0.2), S(0.3), S(0.4)};
    feed(stream, std::span(x.data(), 3));
    feed(narrow, S(0.5));
    const auto before = stream.state();
    const auto narrow_before = narrow.state();
    for (const std::size_t size : {0U, 1U, 2U, 4U}) {
        const std::vector<S> exact(x.begin(),
                                   x.begin() + static_cast<std::ptrdiff_t>(size)); // so that ASan sees its end
        CHECK(feed(stream, exact).empty());
        CHECK(feed(stream, std::span<const S>(exact)).empty());
        CHECK(feed(stream, Vector<S>(Vector<S>::Ones(static_cast<Index>(size)))).empty());
    }
    CHECK(feed(stream, std::span<const S>()).empty());
    CHECK(std::isnan(feed(stream, S(0.5))));
    CHECK(feed(narrow, std::span(x.data(), 3)).empty());
    CHECK(feed(narrow, std::span<const S>()).empty());
    CHECK(same(stream.state(), before));
    CHECK(same(narrow.state(), narrow_before));
    CHECK(feed(stream, std::span(x.data(), 3)).size() == 2);
}

TEST_CASE("Stream: a sample may stand in a container, an array or an Eigen vector") {
    const Sequential model{LSTM<float>{3, 5}, Dense<float>{5, 2}};
    Random random(77);
    const Matrix<float> x = random_matrix<float>(3, 1, random);
    const std::vector<float> list(x.data(), x.data() + 3);
    const auto first = [&](const auto& sample) {
        Stream stream{model};
        const auto y = feed(stream, sample);
        REQUIRE(y.size() == 2);
        return y[0];
    };
    const float expected = first(std::span<const float>(list));
    CHECK(first(list) == expected);
    CHECK(first(std::array<float, 3>{list[0], list[1], list[2]}) == expected);
    const float numbers[] = {list[0], list[1], list[2]};
    CHECK(first(numbers) == expected);
    CHECK(first(x.col(0)) == expected);
    CHECK(first(Vector<float>(x)) == expected);
    CHECK(first(Eigen::Vector3f(x)) == expected);
    CHECK(first(Eigen::RowVector3f(x.transpose())) == expected);
    CHECK(first(Eigen::Map<const Eigen::VectorXf>(list.data(), 3)) == expected);
    Vector<float> longer(8);
    longer << 0, x, 0, 0, 0, 0;
    CHECK(first(longer.segment(1, 3)) == expected);
}

TEMPLATE_TEST_CASE("Stream: after silence no state stays denormal", "", float, double) {
    using S = TestType;
    const auto silent = [](auto cell) { // no bias but the one that keeps the state
        auto model = Sequential{Recurrent<decltype(cell)>{1, 20, cell}, Dense<S>{20, 1}};
        auto& layer = model.template layer<0>();
        layer.U().value *= S(0.3);
        if constexpr (std::is_same_v<decltype(cell), GruCell<S>>)
            layer.b().value.middleRows(2 * 20, 20).setOnes(); // z: h = (1 - z)n + z h₋ keeps 0.73 of h
        return model;
    };
    const auto check = [](const auto& model) {
        const auto stream = after_silence(model);
        CHECK(denormals(stream) == 0);
        CHECK(stream.finite());
    };
    check(silent(LstmCell<S>{})); // its forget gate's bias is 1
    check(silent(LstmCell<S, true>{}));
    check(silent(GruCell<S>{}));
    check(silent(SimpleRnnCell<S>{}));
    check(Sequential{LSTM<S, 1, 5>{}, LSTM<S>{5, 7}, Dense<S>{7, 1}});

    auto slow = silent(SimpleRnnCell<S>{Activation::relu}); // h = 0.9 h₋
    slow.template layer<0>().U().value = Matrix<S>::Identity(20, 20) * S(0.9);
    check(slow);
    auto still = silent(GruCell<S>{});
    still.template layer<0>().b().value.middleRows(2 * 20, 20).setConstant(3);
    check(still);
}

TEST_CASE("Stream: a NaN is noticed in the state, and reset or a state from before recovers") {
    const auto model = small_model();
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    Stream stream{model}, fresh{model};
    CHECK(stream.finite());
    feed(stream, 0.5F);
    const auto rest = stream.state();
    CHECK(stream.finite());
    for (const float bad : {nan, -nan}) {
        CHECK(std::isnan(feed(stream, bad)));
        CHECK_FALSE(stream.finite());
        for (int t = 0; t < 200; ++t)
            feed(stream, 0.5F);
        CHECK_FALSE(stream.finite());
        stream.reset();
        CHECK(stream.finite());
        fresh.reset();
        CHECK(feed(stream, 0.25F) == feed(fresh, 0.25F));
    }
    feed(stream, nan);
    stream.set_state(rest);
    CHECK(stream.finite());
    Stream other{model};
    feed(other, 0.5F);
    CHECK(feed(stream, 0.25F) == feed(other, 0.25F));

    auto infinite = rest;
    std::get<2>(infinite)(5) = -std::numeric_limits<float>::infinity(); // an LSTM's last c
    stream.set_state(infinite);
    CHECK_FALSE(stream.finite());
    CHECK(Stream{Dense<float>{1, 1}}.finite());
}

TEST_CASE("Stream: its state can be written where a state was") {
    const auto model = small_model();
    Stream stream{model};
    feed(stream, 0.5F);
    Small::State state;
    stream.state(state);
    CHECK(same(state, stream.state()));
    const float* const memory = std::get<0>(state).data();
    feed(stream, -0.5F);
    stream.state(state);
    CHECK(same(state, stream.state()));
    CHECK(std::get<0>(state).data() == memory);
}

TEST_CASE("Stream: weights of other sizes are refused, and nothing has changed") {
    const auto refused = [](auto model, auto other, const std::string& message) {
        Stream stream{model}, same_stream{model};
        REQUIRE_THROWS_AS(stream.set_weights(other), std::invalid_argument);
        REQUIRE_THROWS_WITH(stream.set_weights(other), "Stream::set_weights: " + message);
        CHECK(feed(stream, 1.0F) == feed(same_stream, 1.0F));
        CHECK(same(stream.state(), same_stream.state()));
    };
    refused(Sequential{LSTM<float>{1, 5}, Dense<float>{5, 1}}, Sequential{LSTM<float>{1, 6}, Dense<float>{6, 1}},
            "the LSTM layer is 1 -> 6, the stream's is 1 -> 5; make a new Stream of this model");
    refused(Sequential{LSTM<float>{1, 5}, Dense<float>{5, 1}}, Sequential{LSTM<float>{1, 5}, Dense<float>{5, 2}},
            "the Dense layer is 5 -> 2, the stream's is 5 -> 1; make a new Stream of this model");
    refused(Sequential{Embedding<float>{5, 2}, GRU<float>{2, 3}}, Sequential{Embedding<float>{6, 2}, GRU<float>{2, 3}},
            "the Embedding layer is 6 -> 2, the stream's is 5 -> 2; make a new Stream of this model");
    refused(Sequential{SimpleRNN<float>{1, 5}, GRU<float>{5, 1}},
            Sequential{SimpleRNN<float>{1, 5}, GRU<float>{5, 1, {}, {.reverse = true}}},
            "the GRU layer runs in reverse and can't be streamed");
    Sequential broken{LSTM<float>{1, 5}, Dense<float>{5, 1}};
    const Sequential whole = broken;
    broken.layer<1>().b().value.resize(2, 1);
    refused(whole, broken, "b of the Dense layer is 2 x 1, expected 1 x 1; give it a value of that shape");
}

TEST_CASE("Stream: a parameter of another shape than its layer gave it is refused") {
    const auto refused = [](const auto& model, const std::string& message) {
        REQUIRE_THROWS_AS(Stream{model}, std::invalid_argument);
        REQUIRE_THROWS_WITH(Stream{model}, "Stream: " + message + "; give it a value of that shape");
    };
    const LSTM<float> layer{2, 3, {.peephole = true}};
    const auto changed = [&](auto which) {
        auto model = layer;
        which(model).value = Matrix<float>::Ones(3, 2);
        return model;
    };
    refused(changed([](auto& l) -> auto& { return l.W(); }), "W of the LSTM layer is 3 x 2, expected 12 x 2");
    refused(changed([](auto& l) -> auto& { return l.U(); }), "U of the LSTM layer is 3 x 2, expected 12 x 3");
    refused(changed([](auto& l) -> auto& { return l.b(); }), "b of the LSTM layer is 3 x 2, expected 12 x 1");
    refused(changed([](auto& l) -> auto& { return l.P(); }), "P of the LSTM layer is 3 x 2, expected 3 x 3");
    Dense<float, 2, 3> fixed;
    fixed.W().value.resize(1, 1);
    refused(fixed, "W of the Dense layer is 1 x 1, expected 3 x 2");
    Embedding<float> table{5, 2, {.padding = 4}};
    table.table().value = Matrix<float>::Ones(2, 3);
    refused(table, "table of the Embedding layer is 2 x 3, expected 2 x 5");
    table.table().value.resize(0, 5);
    refused(table, "table of the Embedding layer is 0 x 5, expected 2 x 5");
}

TEST_CASE("Stream: weights that narrow types have exactly give the numbers of floats, to the rounding of the column") {
    Recurrent<SimpleRnnCell<float>> layer(9, 21);
    Random random(77);
    const auto whole = [&](float) { return std::round(static_cast<float>(random.uniform(-127, 127))) / 1024; };
    for (Matrix<float>* const matrix : {&layer.W().value, &layer.U().value}) {
        *matrix = matrix->unaryExpr(whole).eval();
        matrix->col(4).setConstant(127.0F / 1024); // the largest, so that a row's scale is exact
    }
    const Matrix<float> x = random_matrix<float>(9, 20, random);
    // Numbers that bfloat16 has, too: processors with a dot product of it round the column to it.
    const Matrix<float> short_x = x.unaryExpr([](float v) { return std::round(v * 16) / 16; });
    for (const WeightType type : {WeightType::bfloat16, WeightType::int16, WeightType::int8}) {
        CAPTURE(name(type));
        const bool rounds = type == WeightType::bfloat16 && stream::narrow_functions().has_dot(type);
        Stream exact{layer};
        Stream narrow{layer, type};
        const auto error_of = [&](const Matrix<float>& samples) {
            double error = 0;
            for (Index t = 0; t < samples.cols(); ++t) {
                const auto y = feed(exact, samples.col(t)), z = narrow(samples.col(t));
                for (std::size_t k = 0; k < 21; ++k)
                    error = std::max(error, double(std::abs(y[k] - z[k])));
            }
            return error;
        };
        CHECK(error_of(x) < (rounds ? 6e-3 : 2e-4));
        exact.reset();
        narrow.reset();
        CHECK(error_of(short_x.leftCols(1)) < (type == WeightType::bfloat16 ? 2e-6 : 2e-4));
        CHECK(narrow.memory() < exact.memory());
    }
}
