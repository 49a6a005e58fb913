#include "carousel/layer/parallel.hpp"

#include "catch.hpp"
#include "stream/streams.hpp"
#include "support.hpp"

#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/slice.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/model/any_parallel.hpp"
#include "carousel/model/model.hpp"
#include "carousel/stream/voices.hpp"
#include "carousel/train/check_gradients.hpp"

#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

/// Two branches with states, and one that looks at a part of x.
template <class S>
auto branches() {
    return Parallel{GRU<S>{3, 4, {.seed = 1}}, Dense<S>{3, 2, {.activation = Activation::tanh, .seed = 2}},
                    Sequential{Slice{3, {.first = 1, .count = 2}}, LSTM<S>{2, 3, {.seed = 3}}}};
}
template <class S>
AnyParallel<S> any_branches() {
    const auto layer = branches<S>();
    return AnyParallel<S>({AnyLayer<S>{layer.template layer<0>()}, AnyLayer<S>{layer.template layer<1>()},
                           AnyLayer<S>{Model<S>{layer.template layer<2>().template layer<0>(),
                                                layer.template layer<2>().template layer<1>()}}});
}

} // namespace

TEST_CASE("Slice: of each step it gives some features, and their gradients go back to these") {
    Slice slice{4, {.first = 1, .count = 2}};
    Slice::Tape<double> tape;
    const Sequence<double> x(Matrix<double>{{1, 2}, {3, 4}, {5, 6}, {7, 8}}), dy(Matrix<double>{{1, 2}, {3, 4}});
    CHECK(slice.forward(x.view(), tape).values() == Matrix<double>{{3, 4}, {5, 6}});
    CHECK(slice.backward(dy.view(), tape).values() == Matrix<double>{{0, 0}, {1, 2}, {3, 4}, {0, 0}});
    REQUIRE_THROWS_WITH((Slice{4, {.first = 3, .count = 2}}),
                        "Slice: first 3 and count 2 of 4 features must satisfy first >= 0, count >= 1, first + count "
                        "<= features");
    REQUIRE_THROWS_AS((Slice{4, {.first = -1, .count = 2}}), std::invalid_argument);
    REQUIRE_THROWS_WITH(slice.forward(dy.view(), tape), "Slice::forward: x has 2 features, expected 4");
    slice.forward(x.view(), tape);
    REQUIRE_THROWS_WITH(slice.backward(x.view(), tape), "Slice::backward: dy is 4 x 2, expected 2 x 2");
    Stream stream{Model<double>{slice, Dense<double>{2, 1}}};
    REQUIRE_THROWS_WITH(stream.set_weights(Model<double>{Slice{4, {.first = 0, .count = 2}}, Dense<double>{2, 1}}),
                        "Stream::set_weights: layer 0 (Slice): the Slice layer takes 2 features from 0 on, of 4, the "
                        "stream's 2 from 1 on, of 4; make a new Stream of this model");
}

TEST_CASE("Parallel: the outputs of its branches stand one under the other, static or not") {
    const auto layer = branches<float>();
    const auto any = any_branches<float>();
    Random random(60);
    const auto x = random_sequence<float>(3, 5, 3, random, {5, 0, 2});
    const auto y = layer(x);
    CHECK((y.features() == 9 && y.lengths() == std::vector<Index>{5, 0, 2}));
    CHECK((layer.input_size() == 3 && layer.output_size(3) == 9 && layer.name() == "Parallel"));
    GRU<float>::Tape gru;
    Dense<float>::Tape dense;
    CHECK(y.values().topRows(4) == layer.layer<0>().infer(x, gru).values());
    CHECK(y.values().middleRows(4, 2) == layer.layer<1>().infer(x, dense).values());
    CHECK(y.values().bottomRows(3) == layer.layer<2>()(x).values());
    CHECK(any(x).values() == y.values());
    const auto names = [](const auto& of) {
        std::string text;
        of.each_parameter([&](const std::string& name, const auto&) { text += name + " "; });
        return text;
    };
    CHECK(names(layer) == "0.GRU.W 0.GRU.U 0.GRU.b 1.Dense.W 1.Dense.b 2.Sequential.1.LSTM.W 2.Sequential.1.LSTM.U "
                          "2.Sequential.1.LSTM.b ");
    CHECK(names(any) == names(layer));
    CHECK(describe(any) == describe(layer));
}

TEST_CASE("Parallel: backward matches central differences, ragged or not, with initial states or without") {
    Random random(61);
    for (const std::vector<Index>& lengths : {std::vector<Index>{}, {4, 0, 2}})
        for (const bool initial : {false, true}) {
            const auto x = random_sequence<double>(3, 4, 3, random, lengths);
            const auto target = random_sequence<double>(2, 4, 3, random);
            Sequential model{branches<double>(), Dense<double>{9, 2}};
            decltype(model)::State state;
            Model<double> any{any_branches<double>(), Dense<double>{9, 2}};
            Model<double>::State any_state;
            if (initial) {
                auto& [gru, none, inner] = std::get<0>(state);
                gru = random_matrix<double>(4, 3, random);
                std::get<1>(inner) = random_matrix<double>(6, 3, random);
                any_state = {gru, std::get<1>(inner)};
            }
            const auto check = check_gradients(model, x, target, MeanSquaredError{}, state);
            INFO(check.name);
            CHECK(check.worst < 1e-6);
            const auto any_check = check_gradients(any, x, target, MeanSquaredError{}, any_state);
            INFO(any_check.name);
            CHECK(any_check.worst < 1e-6);
        }
}

TEST_CASE("Parallel: final states and their gradients are the branches'") {
    auto layer = branches<double>();
    auto gru = layer.layer<0>();
    Random random(62);
    const auto x = random_sequence<double>(3, 4, 2, random);
    decltype(layer)::Tape tape;
    GRU<double>::Tape gru_tape;
    layer.forward(x, tape);
    gru.forward(x, gru_tape);
    decltype(layer)::State end, d_end, d_start;
    Matrix<double> gru_end, d_gru_start;
    layer.final_state(tape, end);
    gru.final_state(gru_tape, gru_end);
    CHECK(std::get<0>(end) == gru_end);
    std::get<0>(d_end) = random_matrix<double>(4, 2, random);
    const Sequence<double> dy(9, 4, 2);
    const auto dx = layer.backward(dy, tape, {.d_final = &d_end, .d_initial = &d_start, .input_gradient = false});
    CHECK(dx.columns() == 0);
    gru.backward({}, gru_tape, {.d_final = &std::get<0>(d_end), .d_initial = &d_gru_start});
    CHECK(std::get<0>(d_start) == d_gru_start);
}

TEST_CASE("Parallel: a Stream and Voices give the numbers of the pass, and have its states") {
    Random random(63);
    const auto x = random_sequence<float>(3, 12, 1, random);
    const auto check = [&](const auto& model) {
        using M = std::remove_cvref_t<decltype(model)>;
        Stream stream{model};
        const Matrix<float> y = model(x).values();
        CHECK(difference(run(stream, x.values()), y) < rounding<float>);
        typename M::Tape tape;
        typename M::State end = detail::empty_state<M, float>(model);
        model.infer(x, tape);
        model.final_state(tape, end);
        std::vector<Matrix<float>> expected;
        each_state(end, [&](const auto& part) { expected.push_back(part); });
        std::size_t k = 0;
        auto state = stream.state();
        each_state(state, [&](const auto& part) { CHECK(difference(part, expected[k++]) < rounding<float>); });
        CHECK(k == expected.size());
        stream.set_state(state);
        stream.set_weights(model);
        stream.reset();
        CHECK((stream.finite() && stream.memory() > 0));
        CHECK(difference(run(stream, x.values()), y) < rounding<float>);
        Voices<M> voices{model, 3};
        REQUIRE((voices.join() == 0 && voices.join() == 1));
        Matrix<float> samples = Matrix<float>::Zero(3, 3);
        for (Index t = 0; t < 12; ++t) {
            samples.col(0) = -x.values().col(t);
            samples.col(1) = x.values().col(t);
            const auto out = voices(std::span<const float>(samples.data(), 9));
            CHECK(difference(Eigen::Map<const Matrix<float>>(out.data() + y.rows(), y.rows(), 1), y.col(t)) <
                  rounding<float>);
            voices.state(1, state);
        }
        k = 0;
        each_state(state, [&](const auto& part) { CHECK(difference(part, expected[k++]) < rounding<float>); });
    };
    check(Sequential{branches<float>(), Dense<float>{9, 2, {.seed = 4}}});
    check(Model<float>{any_branches<float>(), Dense<float>{9, 2, {.seed = 4}}});
}

TEST_CASE("Parallel: branches that end in LastStep, with masks, and with tokens") {
    Random random(64);
    Sequential heads{GRU<double>{2, 3}, Dropout{0.3},
                     Parallel{LastStep{}, Sequential{Dense<double>{3, 2}, LastStep{}}}};
    CHECK((heads.output_length(9) == 1 && heads.least_steps() == 1));
    decltype(heads)::Tape tape;
    int generators = 0;
    heads.each_random(tape, [&](Random&) { ++generators; });
    CHECK(generators == 1);
    const auto check = check_gradients(heads, random_sequence<double>(2, 4, 3, random, {4, 1, 2}),
                                       random_sequence<double>(5, 1, 3, random), MeanSquaredError{});
    INFO(check.name);
    CHECK(check.worst < 1e-6);

    auto x = random_sequence<double>(2, 4, 3, random);
    x.values().row(1) << 0, 1, 2, 0, 2, 2, 1, 1, 0, 0, 1, 2;
    const auto tokens = [&](auto model) {
        CHECK(detail::takes_tokens(model));
        const auto result = check_gradients(model, x, random_sequence<double>(1, 4, 3, random), MeanSquaredError{});
        INFO(result.name);
        CHECK(result.worst < 1e-6);
    };
    const Sequential number{Slice{2, {.first = 0, .count = 1}}, Dense<double>{1, 2}};
    const Sequential token{Slice{2, {.first = 1, .count = 1}}, Embedding<double>{3, 2}};
    tokens(Sequential{Parallel{number, token}, Dense<double>{4, 1}});
    tokens(
        Model<double>{AnyParallel<double>({AnyLayer<double>{number}, AnyLayer<double>{token}}), Dense<double>{4, 1}});
    Model<double> model{Slice{2, {.first = 1, .count = 1}}, Embedding<double>{3, 1}};
    tokens(model);
    REQUIRE_THROWS_WITH(model.add(Embedding<double>{3, 1}),
                        "Model::add: layer 2 (Embedding): the layer takes tokens, so it must be the first: no gradient "
                        "goes through it");
}

TEST_CASE("Parallel: what doesn't fit is refused, and the branch is named") {
    REQUIRE_THROWS_AS((Parallel{Dense<float>{2, 3}, GRU<float>{4, 1}}), std::invalid_argument);
    REQUIRE_THROWS_WITH((Parallel{Dense<float>{2, 3}, GRU<float>{4, 1}}),
                        "Parallel: layer 1 (GRU): x has 2 features, expected 4");
    REQUIRE_THROWS_WITH(
        (Parallel{Dense<float>{2, 3}, LastStep{}}),
        "Parallel: layer 1 (LastStep): it gives 1 steps for 0, the first branch gives 0; their outputs can't stand one "
        "under the other");
    REQUIRE_THROWS_WITH(AnyParallel<float>({}), "Parallel: there is no branch, expected at least one");
    Parallel layer{Dense<float>{2, 3}, GRU<float>{2, 1}};
    decltype(layer)::Tape tape;
    decltype(layer)::State state;
    const Sequence<float> x(2, 3, 2), wrong(3, 3, 2), dy(3, 3, 2);
    REQUIRE_THROWS_WITH(layer.forward(wrong, tape), "Parallel::forward: layer 0 (Dense): x has 3 features, expected 2");
    REQUIRE_THROWS_AS(layer.backward(dy, tape), std::logic_error);
    REQUIRE_THROWS_WITH(layer.final_state(tape, state),
                        "Parallel::final_state: the tape holds no pass (none was made, or one threw)");
    layer.forward(x, tape);
    REQUIRE_THROWS_WITH(layer.backward(dy, tape), "Parallel::backward: dy is 3 x 6, expected 4 x 6");
    AnyParallel<float> any({AnyLayer<float>{layer.layer<0>()}, AnyLayer<float>{layer.layer<1>()}});
    AnyParallel<float>::Tape any_tape;
    REQUIRE_THROWS_WITH(any.forward(x, any_tape, std::vector<Matrix<float>>(2)),
                        "Parallel::forward: the state has 2 matrices, expected 1, or none for zero");
    REQUIRE_THROWS_WITH(any.layer(2), "AnyParallel::layer: k is 2, expected 0 <= k < 2");
}

TEST_CASE("AnyParallel: an assigned one of the same branches keeps the addresses of its parameters, copied or moved") {
    const auto net = [](std::uint64_t seed) {
        return Model<float>{AnyParallel<float>({AnyLayer<float>{Dense<float>{2, 3, {.seed = seed}}},
                                                AnyLayer<float>{Dense<float>{2, 1, {.seed = seed + 1}}}})};
    };
    auto model = net(1);
    const auto before = parameters(model);
    const auto kept = [&](const Model<float>& assigned) {
        const auto now = parameters(model);
        const auto other = parameters(assigned);
        for (std::size_t k = 0; k < before.size(); ++k) {
            CHECK(now[k].parameter == before[k].parameter);
            CHECK(now[k].parameter->value == other[k].parameter->value);
        }
    };
    model = net(5);
    kept(net(5));
    const auto third = net(7);
    model = third;
    kept(third);
}
