// What a recurrent layer promises besides its numbers.
#include "carousel/layer/recurrent.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/embedding.hpp"

#include "catch.hpp"
#include "layer/any_recurrent.hpp"

#include <limits>
#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

/// For every cell of doubles and every variant, f(layer, pass); 3 features, 5 units, 6 steps, a batch of 4.
constexpr Index I = 3, H = 5, T = 6, B = 4;
template <class F>
void for_every_cell(const std::vector<Variant>& variants, F&& f) {
    for (const auto& cell : every_cell<double>())
        for (const Variant variant : variants) {
            Random random(7);
            const auto layer = cell.make(I, H, {.reverse = variant.reverse});
            layer->randomize(random);
            INFO(cell.name << ", " << to_string(variant));
            f(*layer, random_pass(*layer, I, H, T, B, variant, random));
        }
}

const std::vector<Variant> forward_and_reverse{{false, false, true}, {true, false, true}};

/// Steps first … first + count − 1 of a whole batch.
template <class S>
Sequence<S> steps_of(const Sequence<S>& x, Index first, Index count) {
    return Sequence<S>(x.values().middleCols(first * x.batch(), count * x.batch()), x.batch());
}

template <class S>
Matrix<S> flip(const Matrix<S>& values, Index batch) {
    Matrix<S> flipped(values.rows(), values.cols());
    for (Index t = 0; t < values.cols() / batch; ++t)
        flipped.middleCols(t * batch, batch) = values.middleCols(values.cols() - (t + 1) * batch, batch);
    return flipped;
}

const std::string no_pass = "Recurrent::backward: the tape holds no forward pass (none was made, it was inference, or "
                            "backward has consumed it)";

} // namespace

TEST_CASE("every cell: inference gives forward's output and final state") {
    for_every_cell(every_variant, [](auto& layer, const auto& pass) {
        const Matrix<double> y = layer.forward(pass.x, pass.initial).values();
        const Matrix<double> final_state = layer.final_state();
        CHECK(layer.infer(pass.x, pass.initial).values() == y);
        CHECK(layer.final_state() == final_state);
    });
}

TEST_CASE("every cell: reverse is forward on the flipped input") {
    for (const auto& cell : every_cell<double>()) {
        Random random(8);
        const auto forward = cell.make(I, H, {}), reverse = cell.make(I, H, {.reverse = true});
        forward->randomize(random);
        for (const auto& [name, p] : forward->parameters())
            (*reverse)[name].value = p->value;
        auto pass = random_pass(*forward, I, H, T, B, {false, false, true}, random);
        const auto expected = (*forward)(pass);
        pass.x.values() = flip(pass.x.values(), B);
        pass.dy = flip(pass.dy, B);
        auto outcome = (*reverse)(pass);
        outcome.y = flip(outcome.y, B);
        outcome.dx = flip(outcome.dx, B);
        INFO(cell.name);
        CHECK(difference(outcome, expected) < 1e-14);
    }
}

TEST_CASE("every cell: a ragged batch is each sequence alone") {
    for_every_cell({{false, true, true}, {true, true, true}}, [](auto& layer, const auto& pass) {
        const Outcome<double> together = layer(pass);
        Outcome<double> sum = together;
        for (auto* gradient : {&sum.dW, &sum.dU, &sum.db, &sum.dP})
            gradient->setZero();
        for (Index b = 0; b < B; ++b) {
            const Index length = pass.x.lengths()[static_cast<std::size_t>(b)];
            // every B-th column, from b
            const auto column_of = [&](const Matrix<double>& m) -> Matrix<double> {
                return m(Eigen::all, Eigen::seqN(b, length, B));
            };
            const Pass<double> own{Sequence<double>(column_of(pass.x.values())), pass.initial.col(b),
                                   column_of(pass.dy), pass.d_final.col(b)};
            const auto alone = layer(own);
            CHECK(difference(column_of(together.y), alone.y) < 1e-14);
            CHECK(difference(column_of(together.dx), alone.dx) < 1e-14);
            CHECK(difference(together.final_state.col(b), alone.final_state) < 1e-14);
            CHECK(difference(together.d_initial.col(b), alone.d_initial) < 1e-14);
            sum.dW += alone.dW, sum.dU += alone.dU, sum.db += alone.db, sum.dP += alone.dP;
        }
        CHECK(difference(together, sum) < 1e-14);
    });
}

TEST_CASE("every cell: past a sequence's end the output and dx are zero, and what stands there doesn't matter") {
    for_every_cell({{false, true, true}, {true, true, true}}, [](auto& layer, auto pass) {
        const Outcome<double> outcome = layer(pass);
        for (Index t = 0; t < T; ++t)
            for (Index b = 0; b < B; ++b)
                if (!pass.x.view().real(t, b)) {
                    CHECK(outcome.y.col(t * B + b).isZero(0));
                    CHECK(outcome.dx.col(t * B + b).isZero(0));
                    pass.x.values().col(t * B + b).setConstant(1e6);
                    pass.dy.col(t * B + b).setConstant(-1e6);
                }
        CHECK(difference(layer(pass), outcome) == 0);
    });
}

TEST_CASE("every cell: a sequence of length 0 hands its state and its gradient on") {
    for_every_cell({{false, true, true}, {true, true, true}}, [](auto& layer, auto pass) {
        const std::vector<Index> empty(static_cast<std::size_t>(B), 0);
        pass.x.set_lengths(empty);
        const Outcome<double> outcome = layer(pass);
        CHECK(outcome.final_state == pass.initial);
        CHECK(outcome.d_initial == pass.d_final);
        CHECK(outcome.y.isZero(0));
        for (const auto* gradient : {&outcome.dW, &outcome.dU, &outcome.db, &outcome.dP, &outcome.dx})
            CHECK(gradient->isZero(0));
    });
}

TEST_CASE("every cell: a pass of no steps hands its state and its gradient on") {
    for_every_cell(forward_and_reverse, [](auto& layer, const auto& pass) {
        const Pass<double> none{Sequence<double>(I, 0, B), pass.initial, {}, pass.d_final};
        const Outcome<double> outcome = layer(none);
        CHECK(outcome.y.cols() == 0);
        CHECK(outcome.final_state == pass.initial);
        CHECK(outcome.d_initial == pass.d_final);
        CHECK(outcome.dU.isZero(0));
        CHECK(layer.infer(none.x, none.initial).columns() == 0);
        CHECK(layer.final_state() == pass.initial);
    });
}

TEST_CASE("every cell: a sequence in chunks, state and gradient handed on, is the whole one") {
    for_every_cell({{false, false, true}}, [](auto& layer, const auto& pass) {
        const Outcome<double> whole = layer(pass);
        const Index cut = 2;
        Pass<double> first{steps_of(pass.x, 0, cut), pass.initial, pass.dy.leftCols(cut * B), {}};
        Pass<double> second{steps_of(pass.x, cut, T - cut), {}, pass.dy.rightCols((T - cut) * B), pass.d_final};

        layer.forward(first.x, first.initial);
        second.initial = layer.final_state();
        const Outcome<double> end = layer(second);
        first.d_final = end.d_initial;
        const Outcome<double> start = layer(first);

        CHECK(difference(end.y, whole.y.rightCols((T - cut) * B)) < 1e-14);
        CHECK(difference(start.y, whole.y.leftCols(cut * B)) < 1e-14);
        CHECK(difference(end.final_state, whole.final_state) < 1e-14);
        CHECK(difference(start.dW + end.dW, whole.dW) < 1e-14);
        CHECK(difference(start.dU + end.dU, whole.dU) < 1e-14);
        CHECK(difference(start.db + end.db, whole.db) < 1e-14);
        CHECK(difference(start.dP + end.dP, whole.dP) < 1e-14);
        CHECK(difference(start.dx, whole.dx.leftCols(cut * B)) < 1e-14);
        CHECK(difference(start.d_initial, whole.d_initial) < 1e-14);
    });
}

TEST_CASE("every cell: the final state's h is the last output, in processing order") {
    for_every_cell(forward_and_reverse, [](auto& layer, const auto& pass) {
        const Matrix<double> y = layer.forward(pass.x, pass.initial).values();
        const Matrix<double> h = layer.final_state().topRows(H);
        CHECK((h == y.leftCols(B) || h == y.rightCols(B)));
    });
}

TEST_CASE("every cell: gradients are added, and only what is asked for is computed") {
    for_every_cell(forward_and_reverse, [](auto& layer, const auto& pass) {
        const Outcome<double> once = layer(pass);
        const SequenceView<double> dy(pass.dy.data(), H, T, B);
        layer.forward(pass.x, pass.initial);
        CHECK(layer.backward(dy, {.d_final = &pass.d_final, .input_gradient = false}).columns() == 0);
        CHECK(difference(layer["W"].grad, 2 * once.dW) < 1e-14);
        CHECK(difference(layer["U"].grad, 2 * once.dU) < 1e-14);
        CHECK(difference(layer["b"].grad, 2 * once.db) < 1e-14);
    });
}

TEST_CASE("every cell: a gradient that isn't given is zero") {
    for_every_cell(forward_and_reverse, [](auto& layer, auto pass) {
        pass.dy.setZero();
        const Outcome<double> expected = layer(pass);
        auto without = pass;
        without.dy.resize(0, 0);
        CHECK(difference(layer(without), expected) == 0);

        pass.dy = Matrix<double>::Ones(H, T * B);
        pass.d_final.setZero();
        const Outcome<double> from_outputs = layer(pass);
        pass.d_final.resize(0, 0);
        CHECK(difference(layer(pass), from_outputs) == 0);
        zero_gradients(layer.parameters());
        layer.forward(pass.x, pass.initial);
        layer.backward({pass.dy.data(), H, T, B});
        CHECK(layer["U"].grad == from_outputs.dU);
    });
}

TEST_CASE("every cell: a tape that held other shapes gives what a fresh one gives") {
    struct Shape {
        Index steps, batch;
        bool ragged;
    };
    for (const auto& cell : every_cell<double>())
        for (const bool reverse : {false, true}) {
            Random random(9);
            const auto used = cell.make(7, 5, {.reverse = reverse});
            used->randomize(random);
            for (const Shape shape : {Shape{4, 3, true}, Shape{9, 16, false}, Shape{1, 1, false}, Shape{3, 40, true},
                                      Shape{9, 1, false}, Shape{2, 3, false}}) {
                const auto pass =
                    random_pass(*used, 7, 5, shape.steps, shape.batch, {reverse, shape.ragged, true}, random);
                const auto fresh = used->copy();
                const Outcome<double> expected = (*fresh)(pass);
                INFO(cell.name << ", steps " << shape.steps << ", batch " << shape.batch);
                CHECK(difference((*used)(pass), expected) == 0);
                CHECK(used->infer(pass.x, pass.initial).values() == expected.y);
            }
        }
}

TEST_CASE(
    "every cell: threads share a pass and change nothing but roundings, and one number of them gives one result") {
    for (const auto& cell : every_cell<double>())
        for (const Variant variant : {Variant{false, false, true}, {true, true, true}})
            for (const Index hidden : {3, 40}) {
                Random random(15);
                const auto layer = cell.make(40, hidden, {.reverse = variant.reverse});
                layer->randomize(random);
                const auto pass = random_pass(*layer, 40, hidden, 3, 50, variant, random);
                const Outcome<double> alone = (*layer)(pass);
                for (const int n : {2, 3}) {
                    const Threads threads(n);
                    const Outcome<double> shared = (*layer)(pass);
                    INFO(cell.name << ", " << to_string(variant) << ", " << n << " threads");
                    CHECK(difference(shared, alone) < 1e-14);
                    CHECK(difference((*layer)(pass), shared) == 0);
                    CHECK(layer->infer(pass.x, pass.initial).values() == shared.y);
                }
            }
}

TEST_CASE("every cell: NaN in a sequence reaches its state, and no other sequence's") {
    for (const auto& cell : every_cell<float>()) {
        Random random(10);
        const auto layer = cell.make(I, H, {});
        layer->randomize(random);
        auto x = random_sequence<float>(I, T, B, random);
        x.values()(0, 2 * B + 1) = std::numeric_limits<float>::quiet_NaN(); // step 2 of sequence 1
        layer->infer(x);
        const Matrix<float> h = layer->final_state().topRows(H);
        INFO(cell.name);
        CHECK(h.col(1).array().isNaN().all());
        CHECK(h(Eigen::all, std::vector<Index>{0, 2, 3}).allFinite());
    }
}

TEST_CASE("every cell: backward needs a recorded pass, once") {
    for_every_cell(forward_and_reverse, [](auto& layer, const auto& pass) {
        const SequenceView<double> dy(pass.dy.data(), H, T, B);
        REQUIRE_THROWS_AS(layer.backward(dy), std::logic_error);
        REQUIRE_THROWS_WITH(layer.backward(dy), no_pass);
        layer.forward(pass.x);
        layer.backward(dy);
        const Matrix<double> dW = layer["W"].grad;
        REQUIRE_THROWS_WITH(layer.backward(dy), no_pass);
        layer.infer(pass.x);
        REQUIRE_THROWS_AS(layer.backward(dy), std::logic_error);
        REQUIRE_THROWS_WITH(layer.backward(dy), no_pass);
        CHECK(layer["W"].grad == dW);
    });
}

TEST_CASE("Recurrent: what doesn't fit is refused, and nothing has changed") {
    Random random(11);
    const auto lstm = make<float>("LSTM", 2, 3);
    const auto x = random_sequence<float>(2, 4, 5, random), wrong = random_sequence<float>(3, 4, 5, random);
    const Matrix<float> state = random_matrix<float>(6, 5, random), h_only = state.topRows(3);
    REQUIRE_THROWS_AS(lstm->forward(wrong), std::invalid_argument);
    REQUIRE_THROWS_WITH(lstm->forward(wrong), "Recurrent::forward: x has 3 features, expected 2");
    REQUIRE_THROWS_WITH(lstm->infer(wrong), "Recurrent::forward: x has 3 features, expected 2");
    REQUIRE_THROWS_WITH(lstm->forward(x, h_only), "Recurrent::forward: initial: state is 3 x 5, expected 6 x 5");
    REQUIRE_THROWS_WITH(lstm->forward(x, state.leftCols(4)),
                        "Recurrent::forward: initial: state is 6 x 4, expected 6 x 5");

    const Matrix<float> dy = random_matrix<float>(3, 20, random);
    lstm->forward(x, state);
    REQUIRE_THROWS_AS(lstm->backward({dy.data(), 3, 3, 5}), std::invalid_argument);
    REQUIRE_THROWS_WITH(lstm->backward({dy.data(), 3, 3, 5}),
                        "Recurrent::backward: dy is 3 x (3 steps of 5), expected 3 x (4 steps of 5)");
    REQUIRE_THROWS_WITH(lstm->backward({dy.data(), 3, 5, 4}),
                        "Recurrent::backward: dy is 3 x (5 steps of 4), expected 3 x (4 steps of 5)");
    REQUIRE_THROWS_WITH(lstm->backward({dy.data(), 2, 4, 5}),
                        "Recurrent::backward: dy is 2 x (4 steps of 5), expected 3 x (4 steps of 5)");
    REQUIRE_THROWS_WITH(lstm->backward({dy.data(), 3, 4, 5}, {.d_final = &h_only}),
                        "Recurrent::backward: d_final: state is 3 x 5, expected 6 x 5");
    for (const auto& [name, p] : lstm->parameters())
        CHECK(p->grad.isZero(0));
    REQUIRE_NOTHROW(lstm->backward({dy.data(), 3, 4, 5}, {.d_final = &state})); // the tape is still full
}

TEST_CASE("Recurrent: sizes are checked at construction") {
    REQUIRE_THROWS_AS(LSTM<float>(0, 3), std::invalid_argument);
    REQUIRE_THROWS_WITH(LSTM<float>(0, 3), "LSTM: input size is 0, expected at least 1");
    REQUIRE_THROWS_WITH(GRU<float>(2, -1), "GRU: hidden size is -1, expected at least 1");
    REQUIRE_THROWS_WITH((CoupledLSTM<float, 2, 3>(4, 3)), "CoupledLSTM: input size is 4, expected 2");
    REQUIRE_THROWS_WITH((SimpleRNN<float, 2, 3>(2, 4)), "SimpleRNN: hidden size is 4, expected 3");
    REQUIRE_THROWS_WITH(LSTM<float>(2, 3).output_size(4), "LSTM: x has 4 features, expected 2");
    CHECK(LSTM<float>(2, 3).output_size(2) == 3);
}

TEST_CASE("Recurrent: shapes and names of the parameters") {
    const auto shapes = [](const std::string& cell) {
        std::string text;
        const auto layer = make<double>(cell, 2, 3);
        for (const auto& [name, p] : layer->parameters()) {
            REQUIRE((p->grad.rows() == p->value.rows() && p->grad.cols() == p->value.cols()));
            text += name + " " + std::to_string(p->value.rows()) + "x" + std::to_string(p->value.cols()) + " ";
        }
        return text;
    };
    CHECK(shapes("SimpleRNN tanh") == "W 3x2 U 3x3 b 3x1 ");
    CHECK(shapes("LSTM") == "W 12x2 U 12x3 b 12x1 ");
    CHECK(shapes("LSTM with peepholes") == "W 12x2 U 12x3 b 12x1 P 3x3 ");
    CHECK(shapes("coupled LSTM") == "W 9x2 U 9x3 b 9x1 ");
    CHECK(shapes("coupled LSTM with peepholes") == "W 9x2 U 9x3 b 9x1 P 3x2 ");
    CHECK(shapes("GRU, reset after") == "W 9x2 U 9x3 b 12x1 ");
    CHECK(shapes("GRU, reset before") == "W 9x2 U 9x3 b 9x1 ");
    CHECK(shapes("own cell: leaky RNN") == "W 3x2 U 3x3 b 3x1 P 3x1 ");
    CHECK(shapes("own cell: minimal gated unit") == "W 6x2 U 6x3 b 6x1 ");
}

TEST_CASE("Recurrent: the numbers a layer starts with") {
    const LSTM<double> lstm(5, 8, {.peephole = true});
    const double limit = std::sqrt(6.0 / (5 + 32)); // Glorot's, of the whole stack as in Keras
    CHECK(lstm.W().value.cwiseAbs().maxCoeff() < limit);
    CHECK(lstm.W().value.cwiseAbs().maxCoeff() > 0.9 * limit);
    CHECK(difference(lstm.U().value.transpose().lazyProduct(lstm.U().value), Matrix<double>::Identity(8, 8)) < 1e-14);
    CHECK(lstm.b().value.middleRows(8, 8) == Matrix<double>::Ones(8, 1)); // the forget gate starts open
    CHECK(lstm.b().value.topRows(8).isZero(0));
    CHECK(lstm.b().value.bottomRows(16).isZero(0));
    CHECK(lstm.P().value.isZero(0));
    CHECK(GRU<double>(5, 8).b().value.isZero(0));
    CHECK(CoupledLSTM<double>(5, 8).b().value.isZero(0));

    const LSTM<double> own(5, 8, {.peephole = true},
                           {.W = initializer::constant(2),
                            .U = initializer::constant(3),
                            .b = initializer::constant(4),
                            .P = initializer::constant(5)});
    CHECK((own.W().value.array() == 2).all());
    CHECK((own.U().value.array() == 3).all());
    CHECK((own.b().value.array() == 4).all());
    CHECK((own.P().value.array() == 5).all());
}

TEST_CASE("Recurrent: one seed, one layer, and without a seed every layer draws other numbers") {
    const LSTM<float> a(5, 8, {}, {.seed = 1}), b(5, 8, {}, {.seed = 1}), other(5, 8, {}, {.seed = 2});
    CHECK(a.W().value == b.W().value);
    CHECK(a.U().value == b.U().value);
    CHECK(a.W().value != other.W().value);
    const LSTM<float> first(5, 8), second(5, 8);
    CHECK(first.W().value != second.W().value);
    CHECK(first.U().value != second.U().value);

    LSTM<float> drawn(5, 8);
    Random random(1);
    drawn.initialize(random);
    CHECK(drawn.W().value == a.W().value);
    CHECK(drawn.U().value == a.U().value);
}

TEST_CASE("every cell: a copy is equal and independent") {
    for_every_cell(forward_and_reverse, [](auto& layer, const auto& pass) {
        const Outcome<double> before = layer(pass);
        const auto copy = layer.copy();
        CHECK(difference((*copy)(pass), before) == 0);
        for (const auto& [name, p] : copy->parameters())
            p->value.array() += 1;
        CHECK(difference(layer(pass), before) == 0);
        CHECK(difference((*copy)(pass), before) > 0.01);
    });
}

TEST_CASE("Recurrent: a layer of sizes fixed at compile time is small, and equals the one sized at run time") {
    using Wide = LSTM<float, 256, 1024>;
    static_assert(sizeof(Wide) < 4096 && sizeof(Wide::Tape) < 4096);
    static_assert(sizeof(Wide) == sizeof(LSTM<float>));
    CHECK(Wide({}, {.U = initializer::zeros()}).U().value.rows() == 4096);

    const LSTM<float, 3, 5> fixed({}, {.seed = 1});
    const auto sized = make<float>("LSTM", 3, 5, {.seed = 1});
    Random random(12);
    const auto x = random_sequence<float>(3, 4, 2, random);
    LSTM<float, 3, 5>::Tape tape;
    const auto y = fixed.infer(x, tape);
    CHECK(difference(y.values(), sized->infer(x).values()) < 1e-6);
    CHECK(tape.output().values() == y.values());
}

TEMPLATE_TEST_CASE("LSTM: with f = 1 and i = 0 the error goes round the carousel unchanged for 1,000 steps", "", float,
                   double) {
    using S = TestType;
    const Index steps = 1000, hidden = 4, batch = 3;
    for (const std::string cell : {"LSTM", "LSTM with peepholes"}) {
        Random random(13);
        const auto lstm = make<S>(cell, 2, hidden);
        lstm->randomize(random);
        auto& b = (*lstm)["b"].value;
        b.topRows(hidden).setConstant(S(-1e4));           // i
        b.middleRows(hidden, hidden).setConstant(S(1e4)); // f
        const auto x = random_sequence<S>(2, steps, batch, random);
        const Matrix<S> initial = random_matrix<S>(2 * hidden, batch, random);
        Matrix<S> d_final = random_matrix<S>(2 * hidden, batch, random), d_initial;
        d_final.topRows(hidden).setZero(); // the error of c alone

        lstm->forward(x, initial);
        CHECK(lstm->final_state().bottomRows(hidden) == initial.bottomRows(hidden));
        lstm->backward({}, {.d_final = &d_final, .d_initial = &d_initial});
        CHECK(d_initial.bottomRows(hidden) == d_final.bottomRows(hidden));
    }
}

TEST_CASE("SimpleRNN: the error vanishes or explodes with U's spectral radius to the power of the steps") {
    const Index steps = 200, hidden = 6;
    for (const double radius : {0.9, 1.0, 1.1}) {
        Random random(14);
        const auto rnn = make<double>("SimpleRNN tanh", 1, hidden, {.U = initializer::orthogonal(radius)});
        const Sequence<double> x(1, steps); // silence: h stays 0, where tanh' is 1
        const Matrix<double> d_final = random_matrix<double>(hidden, 1, random);
        Matrix<double> d_initial;
        rnn->forward(x);
        rnn->backward({}, {.d_final = &d_final, .d_initial = &d_initial});
        CHECK(d_initial.norm() / d_final.norm() == Catch::Approx(std::pow(radius, steps)).epsilon(1e-10));
    }
}

TEST_CASE("Recurrent: options may follow the sizes where there is nothing to say of the cell") {
    CHECK(LSTM<float>{1, 8, {.reverse = true}}.options().reverse);
    CHECK(GRU<double>{1, 8, {.zoneout = 0.25}}.options().zoneout == 0.25);
    CHECK(SimpleRNN<float, 1, 8>{{.reverse = true}}.options().reverse);
    CHECK(LSTM<float>{1, 8, {.peephole = true}}.cell().peephole);
    CHECK(LSTM<float, 1, 8>{{.peephole = true}, {.reverse = true}}.options().reverse);
    CHECK_FALSE(LSTM<float>{1, 8, {}}.options().reverse);
    CHECK_FALSE(LSTM<float>(1, 8, {}, {}).options().reverse);
    const std::size_t input = 3;
    CHECK(LSTM<float>{input, 64U}.input_size() == 3);
    CHECK(Dense<float>{input, 2}.input_size() == 3);
    CHECK(Embedding<float>{input, 2}.vocabulary() == 3);
}
