#include "carousel/layer/bidirectional.hpp"

#include "catch.hpp"
#include "golden.hpp"
#include "support.hpp"

#include "carousel/layer/last_step.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/train/check_gradients.hpp"
#include "carousel/train/summary.hpp"

#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

using Lstm = LSTM<double>;
using Both = Bidirectional<Lstm>;

const std::vector<Index> with_an_empty_one{4, 0, 2};

/// Weights large enough for every gradient to matter.
Lstm lstm(Index input, Index hidden, bool reverse = false) {
    return {input,
            hidden,
            {.peephole = true},
            {.reverse = reverse, .b = initializer::normal(0, 0.5), .P = initializer::normal(0, 0.5), .seed = 3}};
}

} // namespace

TEST_CASE("Bidirectional: is its two layers, concatenated, summed or averaged") {
    Random random(90);
    const auto x = random_sequence<double>(3, 4, 3, random, with_an_empty_one);
    const Both::State initial{random_matrix<double>(10, 3, random), random_matrix<double>(10, 3, random)};
    for (const Merge merge : {Merge::concatenate, Merge::sum, Merge::average}) {
        Both both(lstm(3, 5), merge);
        const bool concatenates = merge == Merge::concatenate;
        const auto dy = random_sequence<double>(concatenates ? 10 : 5, 4, 3, random, with_an_empty_one);
        const Both::State d_final{random_matrix<double>(10, 3, random), random_matrix<double>(10, 3, random)};
        Lstm forward = both.forward_layer(), reverse = both.reverse_layer();
        Lstm::Tape forward_tape, reverse_tape;
        const Matrix<double> y_forward = forward.forward(x.view(), forward_tape, initial[0]).values();
        const Matrix<double> y_reverse = reverse.forward(x.view(), reverse_tape, initial[1]).values();
        Matrix<double> expected(dy.features(), 12);
        if (concatenates)
            expected << y_forward, y_reverse;
        else
            expected = (y_forward + y_reverse) * (merge == Merge::sum ? 1 : 0.5);

        Both::Tape tape;
        Both::State state, d_initial;
        const auto y = both.forward(x.view(), tape, initial);
        CHECK(difference(y.values(), expected) < 1e-15);
        CHECK((y.steps() == 4 && y.batch() == 3 && y.length(1) == 0 && both.output_size(3) == y.features()));
        both.final_state(tape, state);
        Matrix<double> forward_state, reverse_state;
        forward.final_state(forward_tape, forward_state);
        reverse.final_state(reverse_tape, reverse_state);
        CHECK((state[0] == forward_state && state[1] == reverse_state));

        Sequence<double> dy_forward(5, 4, 3), dy_reverse = dy_forward;
        dy_forward.values() = dy.values().topRows(5) * (merge == Merge::average ? 0.5 : 1);
        dy_reverse.values() = dy.values().bottomRows(5) * (merge == Merge::average ? 0.5 : 1);
        Matrix<double> d_forward, d_reverse, dx;
        dx = forward.backward(dy_forward, forward_tape, {&d_final[0], &d_forward}).values() +
             reverse.backward(dy_reverse, reverse_tape, {&d_final[1], &d_reverse}).values();
        CHECK(both.backward(dy.view(), tape, {&d_final, &d_initial}).values() == dx);
        CHECK((d_initial[0] == d_forward && d_initial[1] == d_reverse));
        CHECK(both.forward_layer().W().grad == forward.W().grad);
        CHECK(both.reverse_layer().U().grad == reverse.U().grad);

        CHECK(both.infer(x.view(), tape, initial).values() == expected);
    }
}

TEST_CASE("Bidirectional: backward matches central differences for every merge, ragged or not, with an initial state "
          "or without") {
    Random random(91);
    for (const Merge merge : {Merge::concatenate, Merge::sum, Merge::average})
        for (const std::vector<Index>& lengths : {std::vector<Index>{}, with_an_empty_one})
            for (const bool initial : {false, true}) {
                Both both(lstm(2, 3), merge);
                const auto x = random_sequence<double>(2, 4, 3, random, lengths);
                const Index features = both.output_size(2);
                Both::State state;
                if (initial)
                    state = {random_matrix<double>(6, 3, random), random_matrix<double>(6, 3, random)};
                const auto check = check_gradients(both, x, random_sequence<double>(features, 4, 3, random, lengths),
                                                   MeanSquaredError{}, state);
                INFO("merge " << static_cast<int>(merge) << (lengths.empty() ? ", full" : ", ragged") << ", "
                              << check.name);
                CHECK(check.worst < 1e-6);
                CHECK(check.all.size() == (initial ? 11 : 9)); // 8 parameters, x, 2 states
            }
}

TEST_CASE(
    "Bidirectional: gradients from the final states match central differences, without a gradient of the output too") {
    Random random(92);
    auto x = random_sequence<double>(2, 4, 3, random, with_an_empty_one);
    Both both(lstm(2, 3));
    Both::Tape tape;
    const Both::State d_final{random_matrix<double>(6, 3, random), random_matrix<double>(6, 3, random)};
    Both::State initial{random_matrix<double>(6, 3, random), random_matrix<double>(6, 3, random)}, d_initial;
    const auto value = [&] {
        Both::State state;
        both.infer(x.view(), tape, initial);
        both.final_state(tape, state);
        return state[0].cwiseProduct(d_final[0]).sum() + state[1].cwiseProduct(d_final[1]).sum();
    };
    both.forward(x.view(), tape, initial);
    const Matrix<double> dx = both.backward({}, tape, {&d_final, &d_initial}).values();
    const auto numeric = [&](Matrix<double>& values) {
        Matrix<double> result(values.rows(), values.cols());
        for (Index k = 0; k < values.size(); ++k) {
            const double kept = values.data()[k], h = 1e-5;
            values.data()[k] = kept + h;
            const double above = value();
            values.data()[k] = kept - h;
            result.data()[k] = (above - value()) / (2 * h);
            values.data()[k] = kept;
        }
        return result;
    };
    CHECK(difference(dx, numeric(x.values())) < 1e-6);
    CHECK(difference(d_initial[0], numeric(initial[0])) < 1e-6);
    CHECK(difference(d_initial[1], numeric(initial[1])) < 1e-6);
    for (const auto& [name, parameter] : parameters(both)) {
        INFO(name);
        CHECK(difference(parameter->grad, numeric(parameter->value)) < 1e-6);
    }
}

TEST_CASE("Bidirectional: dropout and zoneout inside the recurrence are the twin's, too, with their gradients") {
    Random random(95);
    Both both(Lstm(2, 3, {}, {.seed = 4, .recurrent_dropout = 0.3, .zoneout = 0.2, .zoneout_cell = 0.4}));
    CHECK(both.reverse_layer().options().recurrent_dropout == 0.3);
    const auto check = check_gradients(both, random_sequence<double>(2, 4, 3, random, with_an_empty_one),
                                       random_sequence<double>(6, 4, 3, random), MeanSquaredError{});
    INFO(check.name);
    CHECK(check.worst < 1e-6);
}

TEST_CASE("Bidirectional: two stacked ones over ragged sequences are PyTorch's") {
    const Golden golden("lstm_bidirectional.txt");
    const Index I = golden.shape("x")[2], B = golden.shape("x")[1], H = golden.shape("h0")[2];
    Sequential model{Bidirectional{Lstm{I, H}}, Bidirectional{Lstm{2 * H, H}}};
    const auto each_direction = [&](auto&& f) {
        f(model.layer<0>().forward_layer(), "_0");
        f(model.layer<0>().reverse_layer(), "_0_reverse");
        f(model.layer<1>().forward_layer(), "_1");
        f(model.layer<1>().reverse_layer(), "_1_reverse");
    };
    each_direction([&](Lstm& layer, const std::string& suffix) {
        layer.W().value = golden.matrix("W" + suffix);
        layer.U().value = golden.matrix("U" + suffix);
        layer.b().value = golden.vector("b_ih" + suffix) + golden.vector("b_hh" + suffix);
    });
    using Model = decltype(model);
    const auto states = [&](const std::string& h, const std::string& c) {
        const auto one = [&](Index k) {
            Matrix<double> state(2 * H, B);
            state << golden.sequence(h).middleCols(k * B, B), golden.sequence(c).middleCols(k * B, B);
            return state;
        };
        return Model::State{{one(0), one(1)}, {one(2), one(3)}};
    };
    const auto differ = [](const Model::State& a, const Model::State& b) {
        double worst = 0;
        for (const std::size_t k : {0U, 1U})
            worst = std::max({worst, difference(std::get<0>(a)[k], std::get<0>(b)[k]),
                              difference(std::get<1>(a)[k], std::get<1>(b)[k])});
        return worst;
    };
    std::vector<Index> lengths;
    for (const double length : golden.vector("lengths"))
        lengths.push_back(static_cast<Index>(length));
    const Sequence<double> x(golden.sequence("x"), B, lengths), dy(golden.sequence("dy"), B, lengths);

    Model::Tape tape;
    Model::State final_state, d_initial;
    const auto d_final = states("dhT", "dcT");
    CHECK(difference(model.forward(x, tape, states("h0", "c0")).values(), golden.sequence("y")) < 1e-13);
    model.final_state(tape, final_state);
    CHECK(differ(final_state, states("hT", "cT")) < 1e-13);
    CHECK(difference(model.backward(dy, tape, {&d_final, &d_initial}).values(), golden.sequence("grad_x")) < 1e-13);
    CHECK(differ(d_initial, states("grad_h0", "grad_c0")) < 1e-13);
    each_direction([&](Lstm& layer, const std::string& suffix) {
        INFO(suffix);
        CHECK(difference(layer.W().grad, golden.matrix("grad_W" + suffix)) < 1e-13);
        CHECK(difference(layer.U().grad, golden.matrix("grad_U" + suffix)) < 1e-13);
        CHECK(difference(layer.b().grad, golden.vector("grad_b_ih" + suffix)) < 1e-13);
    });
}

TEST_CASE("Bidirectional: BothEnds after it gives the final h of both directions, with its gradients") {
    Random random(93);
    Sequential model{Both(lstm(2, 3)), BothEnds{}};
    const auto x = random_sequence<double>(2, 4, 3, random, with_an_empty_one);
    decltype(model)::Tape tape;
    decltype(model)::State state;
    const Matrix<double> y = model.forward(x, tape).values();
    model.final_state(tape, state);
    CHECK(y.topRows(3) == std::get<0>(state)[0].topRows(3));
    CHECK(y.bottomRows(3) == std::get<0>(state)[1].topRows(3));
    const auto check = check_gradients(model, x, random_sequence<double>(6, 1, 3, random), MeanSquaredError{}, {});
    INFO(check.name);
    CHECK(check.worst < 1e-6);
}

TEST_CASE("Bidirectional: the reverse layer is a twin with parameters of its own") {
    const Lstm layer(3, 4, {.peephole = true}, {.P = initializer::constant(2), .seed = 5});
    Both both(layer), again(layer);
    CHECK(both.forward_layer().W().value == layer.W().value);
    CHECK(both.reverse_layer().options().reverse);
    CHECK(both.reverse_layer().W().value != layer.W().value);
    CHECK(both.reverse_layer().P().value == layer.P().value);
    CHECK(both.reverse_layer().W().value == again.reverse_layer().W().value); // from the seed

    std::string names;
    for (const auto& named : parameters(both))
        names += named.name + " ";
    CHECK(names == "forward.W forward.U forward.b forward.P reverse.W reverse.U reverse.b reverse.P ");

    const Lstm reverse(3, 4, {}, {.reverse = true});
    CHECK(Both(layer, reverse, Merge::sum).reverse_layer().W().value == reverse.W().value);
    const Bidirectional fixed{GRU<float, 3, 4>{}};
    CHECK((fixed.input_size() == 3 && fixed.output_size(3) == 8 && fixed.merge() == Merge::concatenate));
}

TEST_CASE("Bidirectional: a copy is equal and independent, one seed gives one layer") {
    Random random(94);
    const auto x = random_sequence<double>(3, 4, 2, random);
    const Sequential model{Both(lstm(3, 4), Merge::average)};
    auto copy = model;
    const Matrix<double> y = model(x).values();
    CHECK(copy(x).values() == y);
    copy.initialize(1);
    CHECK(copy(x).values() != y);
    CHECK(model(x).values() == y);
    auto other = model;
    other.initialize(1);
    CHECK(other(x).values() == copy(x).values());
}

TEST_CASE("Bidirectional: summary counts both directions") {
    CHECK(summary(Sequential{Bidirectional{LSTM<float>{3, 64}}, Bidirectional{GRU<float>{128, 32}, Merge::sum},
                             LastStep{}}) == "___________________________________________\n"
                                             "Layer (type)    Output Shape        Param #\n"
                                             "===========================================\n"
                                             "Bidirectional   (None, None, 128)    34,816\n"
                                             "Bidirectional   (None, None, 32)     30,976\n"
                                             "LastStep        (None, 32)                0\n"
                                             "___________________________________________\n"
                                             "Total params: 65,792\n");
}

TEST_CASE("Bidirectional: layers that don't fit each other are refused") {
    const Lstm forward(3, 4), reverse(3, 4, {}, {.reverse = true});
    REQUIRE_THROWS_AS(Both(reverse), std::invalid_argument);
    REQUIRE_THROWS_WITH(Both(reverse),
                        "Bidirectional: the first layer runs in reverse, expected one that runs forward");
    REQUIRE_THROWS_WITH(Both(forward, forward),
                        "Bidirectional: the second layer runs forward, expected one that runs in reverse");
    REQUIRE_THROWS_WITH(Both(forward, Lstm(2, 4, {}, {.reverse = true})),
                        "Bidirectional: the first layer is 3 -> 4 and the second 2 -> 4, expected the same sizes");
    REQUIRE_THROWS_WITH(Both(forward, Lstm(3, 5, {}, {.reverse = true})),
                        "Bidirectional: the first layer is 3 -> 4 and the second 3 -> 5, expected the same sizes");
    REQUIRE_THROWS_WITH((Sequential{Both(forward), Lstm(4, 1)}),
                        "Sequential: layer 1 (LSTM): x has 8 features, expected 4");
}

TEST_CASE("Bidirectional: passes that don't fit are refused, and nothing has changed") {
    Both both(lstm(3, 4));
    Both::Tape tape;
    const Sequence<double> x(3, 2, 2), dy(8, 2, 2), wrong(4, 2, 2);
    const Both::State wrong_forward{Matrix<double>(8, 3), Matrix<double>()},
        wrong_reverse{Matrix<double>(), Matrix<double>(4, 2)};
    const std::string no_pass =
        "Bidirectional::backward: the tape holds no forward pass (none was made, it was inference, "
        "or backward has consumed it)";
    REQUIRE_THROWS_AS(both.backward(dy.view(), tape), std::logic_error);
    REQUIRE_THROWS_WITH(both.backward(dy.view(), tape), no_pass);
    REQUIRE_THROWS_WITH(both.forward(wrong.view(), tape), "Recurrent::forward: x has 4 features, expected 3");
    REQUIRE_THROWS_WITH(both.forward(x.view(), tape, wrong_reverse),
                        "Recurrent::forward: initial: state is 4 x 2, expected 8 x 2");
    REQUIRE_THROWS_WITH(both.backward(dy.view(), tape), no_pass);

    both.forward(x.view(), tape);
    REQUIRE_THROWS_AS(both.backward(wrong.view(), tape), std::invalid_argument);
    REQUIRE_THROWS_WITH(both.backward(wrong.view(), tape),
                        "Bidirectional::backward: dy is 4 x (2 steps of 2), expected 8 x (2 steps of 2)");
    REQUIRE_THROWS_WITH(both.backward(dy.view(), tape, {&wrong_forward}),
                        "Bidirectional::backward: d_final: the forward layer's state is 8 x 3, expected 8 x 2");
    REQUIRE_THROWS_WITH(both.backward(dy.view(), tape, {&wrong_reverse}),
                        "Bidirectional::backward: d_final: the reverse layer's state is 4 x 2, expected 8 x 2");
    REQUIRE_NOTHROW(both.backward(dy.view(), tape));
    REQUIRE_THROWS_WITH(both.backward(dy.view(), tape), no_pass);
    both.forward(x.view(), tape);
    CHECK(both.backward(dy.view(), tape, {.input_gradient = false}).columns() == 0);
    both.infer(x.view(), tape);
    REQUIRE_THROWS_WITH(both.backward(dy.view(), tape), no_pass);
}
