#include "carousel/layer/residual.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/layer/activate.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/model/model.hpp"
#include "carousel/train/check_gradients.hpp"

#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

/// A layer that says of itself nothing but what every layer must: it halves x.
struct Half {
    using Scalar = double;
    using State = NoState;
    struct Tape {
        Sequence<double> y, dx;
    };
    SequenceView<double> forward(SequenceView<double> x, Tape& tape, NoState = {}) const {
        tape.y = Sequence<double>(Matrix<double>(x.values() / 2), x.batch(), {x.lengths().begin(), x.lengths().end()});
        return tape.y;
    }
    SequenceView<double> infer(SequenceView<double> x, Tape& tape, NoState = {}) const { return forward(x, tape); }
    SequenceView<double> backward(SequenceView<double> dy, Tape& tape, const BackwardOptions<NoState>& = {}) {
        tape.dx = Sequence<double>(Matrix<double>(dy.values() / 2), dy.batch());
        return tape.dx;
    }
    void final_state(const Tape&, NoState&) const {}
    template <class F>
    void each_parameter(F&&) const {}
    void initialize(Random&) {}
    Index output_size(Index input) const { return input; }
    std::string name() const { return "Half"; }
};

} // namespace

TEMPLATE_TEST_CASE("Residual: y = f(x) + x", "", float, double) {
    using S = TestType;
    const Dense<S> f(3, 3, {.activation = Activation::tanh, .seed = 1});
    const Residual layer{f};
    Random random(50);
    const auto x = random_sequence<S>(3, 4, 2, random);
    typename Dense<S>::Tape f_tape;
    typename Residual<Dense<S>>::Tape tape;
    const Matrix<S> expected = f.infer(x, f_tape).values() + x.values();
    CHECK(layer.forward(x, tape).values() == expected);
    CHECK(layer.infer(x, tape).values() == expected);
    CHECK(layer.name() == "Residual");
    CHECK((layer.input_size() == 3 && layer.output_size(3) == 3));
}

TEST_CASE("Residual: the first features of x are added where f gives fewer") {
    const Residual layer{Dense<double>{3, 2, {.seed = 1}}};
    Random random(51);
    const auto x = random_sequence<double>(3, 4, 2, random);
    Residual<Dense<double>>::Tape tape;
    Dense<double>::Tape f_tape;
    CHECK(layer.infer(x, tape).values() == layer.layer().infer(x, f_tape).values() + x.values().topRows(2));
    CHECK(layer.output_size(3) == 2);
}

TEST_CASE("Residual: backward matches central differences around a layer, a state and a model, ragged or not") {
    Random random(52);
    for (const std::vector<Index>& lengths : {std::vector<Index>{}, {4, 0, 2}}) {
        const auto x = random_sequence<double>(3, 4, 3, random, lengths);
        const auto check = [&](auto layer, Index output, const auto& initial) {
            const auto result =
                check_gradients(layer, x, random_sequence<double>(output, 4, 3, random), MeanSquaredError{}, initial);
            INFO(result.name);
            CHECK(result.worst < 1e-6);
        };
        check(Residual{Dense<double>{3, 3, {.activation = Activation::sigmoid}}}, 3, NoState{});
        check(Residual{LSTM<double>{3, 2}}, 2, Matrix<double>(random_matrix<double>(4, 3, random)));
        const Residual model{
            Sequential{GRU<double>{3, 5}, Activate{Activation::tanh}, Dropout{0.5}, Dense<double>{5, 1}}};
        check(model, 1, std::tuple(random_matrix<double>(5, 3, random), NoState{}, NoState{}, NoState{}));
        check(Sequential{Dense<double>{3, 3}, Residual{Residual{model}}, Dense<double>{1, 2}}, 2,
              decltype(Sequential{Dense<double>{3, 3}, Residual{Residual{model}}, Dense<double>{1, 2}})::State{});
        check(Residual{Half{}}, 3, NoState{});
        check(Residual{Model<double>{LSTM<double>{3, 2}, Activate{Activation::tanh}, Dense<double>{2, 1}}}, 1,
              std::vector{random_matrix<double>(4, 3, random)});
    }
}

TEST_CASE("Residual: the gradient of the final state reaches x, with a gradient of the output or without one") {
    Residual layer{LSTM<double>{2, 2, {.seed = 1}}};
    auto plain = layer.layer();
    Random random(53);
    const auto x = random_sequence<double>(2, 4, 3, random);
    const Matrix<double> d_final = random_matrix<double>(4, 3, random), dy = random_matrix<double>(2, 12, random);
    Residual<LSTM<double>>::Tape tape;
    LSTM<double>::Tape plain_tape;
    for (const bool has_dy : {true, false}) {
        const SequenceView<double> given = has_dy ? SequenceView<double>(dy.data(), 2, 4, 3) : SequenceView<double>();
        plain.forward(x, plain_tape);
        layer.forward(x, tape);
        Matrix<double> expected = plain.backward(given, plain_tape, {.d_final = &d_final}).values();
        if (has_dy)
            expected += dy;
        CHECK(difference(layer.backward(given, tape, {.d_final = &d_final}).values(), expected) < 1e-14);
    }
    Matrix<double> state, expected;
    layer.final_state(tape, state);
    plain.final_state(plain_tape, expected);
    CHECK(state == expected);
    layer.forward(x, tape);
    CHECK(layer.backward({dy.data(), 2, 4, 3}, tape, {.input_gradient = false}).columns() == 0);
}

TEST_CASE("Residual: parameters, settings, masks and sizes are those of what it wraps") {
    Residual layer{Sequential{LSTM<float>{2, 4}, Dropout{0.5}, Dense<float>{4, 1, {.activation = Activation::tanh}}}};
    std::string names, settings;
    layer.each_parameter([&](const std::string& name, auto&) { names += name + " "; });
    CHECK(names == "0.LSTM.W 0.LSTM.U 0.LSTM.b 2.Dense.W 2.Dense.b ");
    layer.each_setting([&](const std::string& name, const auto&) { settings += name + " "; });
    CHECK(settings == "0.LSTM.cell 0.LSTM.reverse 0.LSTM.zoneout 0.LSTM.zoneout_cell 0.LSTM.peephole 0.LSTM.gate "
                      "0.LSTM.candidate 0.LSTM.output 2.Dense.activation ");
    decltype(layer)::Tape tape;
    int generators = 0;
    layer.each_random(tape, [&](Random&) { ++generators; });
    CHECK(generators == 1);
    CHECK((layer.input_size() == 2 && layer.output_size(2) == 1 && layer.least_steps() == 0));
    Random one(1), two(1);
    layer.initialize(one);
    const auto W = layer.layer().layer<0>().W().value;
    layer.layer().initialize(two);
    CHECK(layer.layer().layer<0>().W().value == W);
}

TEST_CASE("Residual: what can't be added to its input is refused") {
    REQUIRE_THROWS_AS((Residual{Dense<float>{2, 3}}), std::invalid_argument);
    REQUIRE_THROWS_WITH((Residual{Dense<float>{2, 3}}),
                        "Residual: the Dense layer gives 3 features for 2, expected no more than it is given, for its "
                        "input is added to its output");
    REQUIRE_THROWS_WITH((Residual{Sequential{LSTM<float>{2, 2}, LastStep{}}}),
                        "Residual: the Sequential layer gives 1 steps for 2, expected one for each; it can't be added "
                        "to its input");

    REQUIRE_THROWS_WITH((Residual<Model<float>>{Model<float>{Embedding<float>{5, 1}}}),
                        "Residual: the Sequential layer takes tokens, which can't be added to its output");

    Residual layer{Sequential{Dense<float>{2, 2}}};
    decltype(layer)::Tape tape;
    const Sequence<float> x(2, 3, 2), wrong(3, 3, 2), dy(2, 3, 2), short_dy(2, 2, 2);
    REQUIRE_THROWS_WITH(layer.forward(wrong, tape), "Sequential: layer 0 (Dense): x has 3 features, expected 2");
    REQUIRE_THROWS_WITH(layer.infer(wrong, tape), "Sequential: layer 0 (Dense): x has 3 features, expected 2");
    decltype(layer)::State state;
    REQUIRE_THROWS_WITH(layer.final_state(tape, state),
                        "Residual::final_state: the tape holds no pass (none was made, or one threw)");
    layer.forward(x, tape);
    REQUIRE_THROWS_WITH(layer.backward(short_dy, tape), "Residual::backward: dy is 2 x 4, expected 2 x 6");
    REQUIRE_NOTHROW(layer.backward(dy, tape));
    layer.layer() = Sequential{Dense<float>{2, 5}};
    REQUIRE_THROWS_WITH(layer.forward(x, tape),
                        "Residual: the Sequential layer gives 5 features for 2, expected no more than it is given, for "
                        "its input is added to its output");
}
