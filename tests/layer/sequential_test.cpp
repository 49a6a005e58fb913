#include "carousel/layer/sequential.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/train/check_gradients.hpp"

#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

/// Recurrent, dense and recurrent again: state on both sides of a layer without.
auto three_layers() {
    return Sequential{SimpleRNN<double>{2, 3}, Dense<double>{3, 4, {.activation = Activation::tanh}},
                      LSTM<double>{4, 3}};
}
using Three = decltype(three_layers());

/// y = s·x, of one number that stands where the layer does.
struct Scale {
    using Scalar = double;
    using State = NoState;
    struct Tape {
        Sequence<double> x, y, dx;
    };
    Parameter<double> s{1, 1};

    SequenceView<double> forward(SequenceView<double> x, Tape& tape, const State& = {}) const {
        tape.x = copy_of(x);
        return infer(x, tape);
    }
    SequenceView<double> infer(SequenceView<double> x, Tape& tape, const State& = {}) const {
        tape.y = copy_of(x);
        tape.y.values() *= s.value(0, 0);
        return tape.y.view();
    }
    void final_state(const Tape&, State&) const {}
    SequenceView<double> backward(SequenceView<double> dy, Tape& tape, const BackwardOptions<State>&) {
        s.grad(0, 0) += tape.x.values().cwiseProduct(dy.values()).sum();
        tape.dx = copy_of(dy);
        tape.dx.values() *= s.value(0, 0);
        return tape.dx.view();
    }
    template <class F>
    void each_parameter(F&& f) {
        f(std::string("s"), s);
    }
    template <class F>
    void each_parameter(F&& f) const {
        f(std::string("s"), s);
    }
    void initialize(Random&) { s.value.setConstant(2); }
    Index output_size(Index features) const { return features; }
    std::string name() const { return "Scale"; }

  private:
    static Sequence<double> copy_of(const SequenceView<double>& from) {
        Sequence<double> to(from.features(), from.steps(), from.batch());
        to.values() = from.values();
        return to;
    }
};

} // namespace

TEST_CASE("Sequential: a layer of no bytes doesn't say that the gradients of the one at its address are complete") {
    Sequential model{Scale{}, LastStep{}};
    Random random(3);
    model.initialize(random);
    struct Watch final : GradientWatch {
        const Parameter<double>& parameter;
        std::vector<double> gradients; // whenever they are said to be complete

        explicit Watch(const Parameter<double>& p) : parameter(p) {}
        void done(const void* first, std::size_t bytes) override {
            if (const auto* const place = reinterpret_cast<const char*>(&parameter);
                place >= first && place < static_cast<const char*>(first) + bytes)
                gradients.push_back(parameter.grad(0, 0));
        }
    } watch(model.layer<0>().s);
    const auto x = random_sequence<double>(1, 1, 3, random), dy = random_sequence<double>(1, 1, 3, random);
    decltype(model)::Tape tape;
    model.forward(x, tape);
    model.backward(dy, tape, {.watch = &watch});
    CHECK(watch.gradients == std::vector<double>{x.values().cwiseProduct(dy.values()).sum()});
}

TEST_CASE("Sequential: is its layers one after the other") {
    Random random(30);
    auto model = three_layers();
    const auto x = random_sequence<double>(2, 5, 3, random), dy = random_sequence<double>(3, 5, 3, random);
    Three::Tape tape;
    const Matrix<double> y = model.forward(x, tape).values();
    const Matrix<double> dx = model.backward(dy, tape).values();

    auto rnn = model.layer<0>();
    auto dense = model.layer<1>();
    auto lstm = model.layer<2>();
    for (auto* p : {&rnn.W(), &rnn.U(), &rnn.b(), &dense.W(), &dense.b(), &lstm.W(), &lstm.U(), &lstm.b()})
        p->grad.setZero();
    SimpleRNN<double>::Tape rnn_tape;
    Dense<double>::Tape dense_tape;
    LSTM<double>::Tape lstm_tape;
    CHECK(lstm.forward(dense.forward(rnn.forward(x, rnn_tape), dense_tape), lstm_tape).values() == y);
    CHECK(rnn.backward(dense.backward(lstm.backward(dy, lstm_tape), dense_tape), rnn_tape).values() == dx);
    CHECK(rnn.W().grad == model.layer<0>().W().grad);
    CHECK(dense.W().grad == model.layer<1>().W().grad);
    CHECK(lstm.U().grad == model.layer<2>().U().grad);

    CHECK(model.infer(x, tape).values() == y);
    CHECK(model(x).values() == y);
    REQUIRE_THROWS_AS(model.backward(dy, tape), std::logic_error);
}

TEST_CASE("Sequential: backward matches central differences, ragged or not, with an initial state or without") {
    Random random(31);
    auto model = three_layers();
    for (const std::vector<Index>& lengths : {std::vector<Index>{}, std::vector<Index>{5, 0, 2}})
        for (const bool initial : {false, true}) {
            const auto x = random_sequence<double>(2, 5, 3, random, lengths);
            const auto target = random_sequence<double>(3, 5, 3, random);
            Three::State state;
            if (initial)
                state = {random_matrix<double>(3, 3, random), {}, random_matrix<double>(6, 3, random)};
            const auto check = check_gradients(model, x, target, MeanSquaredError{}, state);
            INFO((lengths.empty() ? "full" : "ragged") << (initial ? ", initial state, " : ", ") << check.name);
            CHECK(check.worst < 1e-6);
            CHECK(check.all.size() == (initial ? 11 : 9)); // 8 parameters, x, 2 states
        }
}

TEST_CASE("Sequential: many to one matches central differences") {
    Random random(32);
    Sequential model{LSTM<double>{2, 4, {.peephole = true}, {.P = initializer::normal(0, 1)}}, Dropout{0.3}, LastStep{},
                     Dense<double>{4, 2}};
    const auto check = check_gradients(model, random_sequence<double>(2, 5, 4, random, {5, 0, 1, 3}),
                                       random_sequence<double>(2, 1, 4, random), MeanSquaredError{});
    INFO(check.name);
    CHECK(check.worst < 1e-6);
}

TEST_CASE("Sequential: state and gradients of chunks, handed on, are the whole sequence's") {
    Random random(33);
    auto model = three_layers();
    const Index B = 2;
    const auto x = random_sequence<double>(2, 6, B, random), dy = random_sequence<double>(3, 6, B, random);
    const auto part = [](const Sequence<double>& s, Index first, Index count) {
        return Sequence<double>(s.values().middleCols(first * B, count * B), B);
    };
    const auto list = parameters(model);
    Three::Tape tape, first, second;
    const Matrix<double> y = model.forward(x, tape).values();
    model.backward(dy, tape);
    const Matrix<double> dU = model.layer<0>().U().grad;

    zero_gradients(list);
    const auto x1 = part(x, 0, 4), x2 = part(x, 4, 2), dy1 = part(dy, 0, 4), dy2 = part(dy, 4, 2);
    Three::State state, d_state;
    const Matrix<double> y1 = model.forward(x1, first).values();
    model.final_state(first, state);
    const Matrix<double> y2 = model.forward(x2, second, state).values();
    model.backward(dy2, second, {.d_initial = &d_state});
    model.backward(dy1, first, {.d_final = &d_state});
    CHECK(difference(y1, y.leftCols(4 * B)) < 1e-14);
    CHECK(difference(y2, y.rightCols(2 * B)) < 1e-14);
    CHECK(difference(model.layer<0>().U().grad, dU) < 1e-14);
}

TEST_CASE("Sequential: threads may share a model") {
    Random random(36);
    const auto model = three_layers();
    const auto x = random_sequence<double>(2, 5, 20, random);
    const Matrix<double> y = model(x).values();
    for (const int n : {1, 2}) { // each of which may use threads itself
        const Threads threads(n);
        Matrix<double> other_y;
        std::thread other([&] {
            for (int k = 0; k < 20; ++k)
                other_y = model(x).values();
        });
        for (int k = 0; k < 20; ++k)
            CHECK(model(x).values() == y);
        other.join();
        CHECK(other_y == y);
    }
}

TEST_CASE("Sequential: layers that don't fit each other are refused at construction") {
    REQUIRE_THROWS_AS((Sequential{LSTM<double>{1, 5}, Dense<double>{4, 1}}), std::invalid_argument);
    REQUIRE_THROWS_WITH((Sequential{LSTM<double>{1, 5}, Dense<double>{4, 1}}),
                        "Sequential: layer 1 (Dense): x has 5 features, expected 4");
    REQUIRE_THROWS_WITH((Sequential{LSTM<double>{1, 5}, LastStep{}, Dropout{0.1}, Dense<double>{4, 1}}),
                        "Sequential: layer 3 (Dense): x has 5 features, expected 4");
    REQUIRE_THROWS_WITH((Sequential{Dense<double>{1, 3}, LSTM<double>{2, 5}}),
                        "Sequential: layer 1 (LSTM): x has 3 features, expected 2");
    REQUIRE_THROWS_WITH((Sequential{LastStep{}, Dense<double>{1, 3}, Sequential{Dense<double>{2, 2}}}),
                        "Sequential: layer 2 (Sequential): layer 0 (Dense): x has 3 features, expected 2");
    REQUIRE_NOTHROW((Sequential{Dropout{0.1}, LastStep{}, Dense<double>{1, 3}, Sequential{Dense<double>{3, 2}}}));
}

TEST_CASE("Sequential: input that doesn't fit is refused by the layer it doesn't fit") {
    const auto model = three_layers();
    Three::Tape tape;
    const Sequence<double> x(3, 2, 1);
    REQUIRE_THROWS_WITH(model.forward(x, tape),
                        "Sequential::forward: layer 0 (SimpleRNN): x has 3 features, expected 2");
    REQUIRE_THROWS_WITH(model(x), "Sequential::infer: layer 0 (SimpleRNN): x has 3 features, expected 2");
    REQUIRE_THROWS_WITH(model.output_size(3), "Sequential: layer 0 (SimpleRNN): x has 3 features, expected 2");
}

TEST_CASE("Sequential: is a layer of another Sequential") {
    Random random(34);
    const LSTM<double> lstm{2, 3};
    const Dense<double> dense{3, 4}, head{4, 1};
    Sequential flat{lstm, dense, head};
    Sequential nested{Sequential{lstm, dense}, Sequential{head}};
    static_assert(Layer<decltype(nested), double>);
    const auto x = random_sequence<double>(2, 5, 3, random);
    CHECK(nested(x).values() == flat(x).values());
    CHECK(nested.input_size() == 2);
    CHECK(nested.output_size(2) == 1);

    std::string names;
    for (const auto& [name, p] : parameters(nested))
        names += name + " ";
    CHECK(names == "0.Sequential.0.LSTM.W 0.Sequential.0.LSTM.U 0.Sequential.0.LSTM.b 0.Sequential.1.Dense.W "
                   "0.Sequential.1.Dense.b 1.Sequential.0.Dense.W 1.Sequential.0.Dense.b ");
}

TEST_CASE("Sequential: parameters are named after their layer and its place") {
    Sequential model{SimpleRNN<double>{1, 2}, Dropout{0.5}, LSTM<double>{2, 3, {.peephole = true}}, LastStep{},
                     Dense<double>{3, 1}};
    std::string names;
    for (const auto& [name, p] : parameters(model))
        names += name + " ";
    CHECK(names ==
          "0.SimpleRNN.W 0.SimpleRNN.U 0.SimpleRNN.b 2.LSTM.W 2.LSTM.U 2.LSTM.b 2.LSTM.P 4.Dense.W 4.Dense.b ");
    CHECK(parameters(model).front().parameter == &model.layer<0>().W());
    CHECK(model.input_size() == 1);
    CHECK(model.output_size(1) == 1);
}

TEST_CASE("Sequential: initialize draws all parameters anew: one seed, one model") {
    auto a = three_layers(), b = three_layers();
    const auto values = [](auto& model) {
        std::vector<Matrix<double>> all;
        for (const auto& [name, p] : parameters(model))
            all.push_back(p->value);
        return all;
    };
    CHECK(values(a) != values(b));
    a.initialize(5);
    b.initialize(5);
    CHECK(values(a) == values(b));
    b.initialize(6);
    CHECK(values(a) != values(b));
}

TEST_CASE("Sequential: a copy is equal and independent") {
    Random random(35);
    const auto model = three_layers();
    auto copy = model;
    const auto x = random_sequence<double>(2, 3, 2, random);
    const Matrix<double> y = model(x).values();
    CHECK(copy(x).values() == y);
    copy.layer<0>().W().value.setZero();
    CHECK(copy(x).values() != y);
    CHECK(model(x).values() == y);
}
