// Data, settings, gradients and optimizers that no training can begin or go on with.
#include "catch.hpp"
#include "support.hpp"

#include "carousel/decode/generate.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/encoder_decoder.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/binary_cross_entropy.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/loss/softmax_cross_entropy.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/optim/rmsprop.hpp"
#include "carousel/optim/sgd.hpp"
#include "carousel/train/check_gradients.hpp"
#include "carousel/train/fit.hpp"

#include <cmath>
#include <limits>

using namespace carousel;
using namespace carousel::test;

namespace {

constexpr Index huge = std::numeric_limits<Index>::max();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN(),
                infinity = std::numeric_limits<float>::infinity();

auto every_step() {
    return Sequential{SimpleRNN<float>{2, 3, {}, {.seed = 1}}, Dense<float>{3, 1, {.seed = 2}}};
}
auto one_step() {
    return Sequential{SimpleRNN<float>{2, 3, {}, {.seed = 1}}, LastStep{}, Dense<float>{3, 1, {.seed = 2}}};
}
auto translator() {
    return EncoderDecoder{Sequential{GRU<float>{3, 4, {}, {.seed = 1}}},
                          Sequential{GRU<float>{3, 4, {}, {.seed = 2}}, Dense<float>{4, 2, {.seed = 3}}},
                          {.encoder_steps = 4}};
}

std::vector<Matrix<float>> values(const auto& model) {
    std::vector<Matrix<float>> all;
    for (const auto& named : parameters(model))
        all.push_back(named.parameter->value);
    return all;
}

Dataset<float> noise(Index features, Index steps, Index samples, Index target_features, Index target_steps,
                     std::vector<Index> lengths = {}, std::vector<Index> target_lengths = {}) {
    Random random(7);
    return {random_sequence<float>(features, steps, samples, random, std::move(lengths)),
            random_sequence<float>(target_features, target_steps, samples, random, std::move(target_lengths))};
}

} // namespace

TEST_CASE("data: a number that is NaN or infinite is found before the training, with its place") {
    auto model = one_step();
    const auto before = values(model);
    auto data = noise(2, 5, 6, 1, 1, {5, 5, 3, 5, 5, 5});
    const auto refused = [&](const std::string& message, const FitOptions& options = {}) {
        REQUIRE_THROWS_WITH(fit(model, data, MeanSquaredError{}, Adam{}, options), "fit: " + message);
        REQUIRE_THROWS_WITH(evaluate(model, data, MeanSquaredError{}), "evaluate: " + message);
        const auto good = data.slice(0, 2);
        REQUIRE_THROWS_WITH(fit(model, good, data, MeanSquaredError{}, Adam{}), "fit: " + message);
    };
    const std::string advice = ", expected finite numbers: leave the sample out, or fill the gap";
    data.x.step(3)(1, 4) = not_a_number;
    refused("x is nan in sample 4 at step 3, feature 1" + advice);
    refused("x is nan in sample 4 at step 3, feature 1" + advice, {.validation_split = 0.5});
    data.x.step(3)(1, 4) = 0;
    data.x.step(0)(0, 3) = -infinity;
    refused("x is -inf in sample 3 at step 0, feature 0" + advice);
    data.x.step(0)(0, 3) = 0;
    data.x.step(4)(0, 2) = not_a_number; // padding
    data.x.step(3)(1, 2) = infinity;
    const auto report = fit(model, data, MeanSquaredError{}, Adam{}, {.batch_size = 6}).epochs[0];
    CHECK(std::isfinite(evaluate(model, data, MeanSquaredError{}).loss));
    CHECK(report.skipped_steps == 0);
    CHECK(values(model) != before);

    data.y.step(0)(0, 5) = not_a_number;
    REQUIRE_THROWS_WITH(fit(model, data, MeanSquaredError{}, Adam{}),
                        "MeanSquaredError: the target at feature 0, step 0 "
                        "of sequence 5 is nan, expected a finite number; skip_nan passes over NaN");
    REQUIRE_THROWS_WITH(evaluate(model, data, BinaryCrossEntropy{}),
                        Catch::Matchers::StartsWith("BinaryCrossEntropy: the target at feature 0"));
}

TEST_CASE("data: windows and sequences look at their numbers") {
    std::vector<float> series(20, 1);
    series[13] = not_a_number;
    REQUIRE_THROWS_WITH(
        windows(series, {.steps = 3}),
        "windows: the series is nan at step 13, feature 0, expected finite inputs: fill the gap, or leave "
        "out the windows that have it, {.skip_missing = true}");
    series[13] = 1;
    const std::string least = "expected at least ";
    REQUIRE_THROWS_WITH(
        windows(series, {.steps = huge, .horizon = huge}),
        Catch::Matchers::ContainsSubstring("the series has 20 values, " + least + std::to_string(huge)));
    CHECK(windows(series, {.steps = 3, .stride = huge}).size() == 1);
    std::vector<Matrix<float>> list(3, Matrix<float>::Ones(2, 4));
    list[1](1, 2) = infinity;
    REQUIRE_THROWS_WITH(sequences(list, Matrix<float>(1, 3)),
                        "sequences: sequence 1 is inf at step 2, feature 1, expected "
                        "finite numbers: fill the gap or leave the sequence out");
}

TEST_CASE("data: ignored targets of a class loss may be any number") {
    auto model = Sequential{SimpleRNN<float>{2, 3}, Dense<float>{3, 4}};
    auto data = noise(2, 5, 6, 1, 5);
    data.y.values().setConstant(2);
    data.y.step(1).setConstant(-1);
    fit(model, data, SoftmaxCrossEntropy{.ignore = -1}, Adam{});
    CHECK(std::isfinite(evaluate(model, data, SoftmaxCrossEntropy{.ignore = -1}).loss));
}

TEST_CASE("Dataset: samples that aren't there, none at all and missing targets are refused") {
    auto data = noise(2, 5, 6, 1, 1);
    Sequence<float> x(1, 1, 1), y(1, 1, 1);
    const auto asked = [&](std::vector<Index> samples) { data.batch(samples, x, y); };
    REQUIRE_THROWS_WITH(asked({}), "Dataset::batch: no samples were asked for, expected at least 1");
    REQUIRE_THROWS_WITH(asked({0, 6}), "Dataset::batch: sample 6 was asked for, expected 0 … 5");
    REQUIRE_THROWS_WITH(asked({-1}), "Dataset::batch: sample -1 was asked for, expected 0 … 5");
    const std::vector<Index> last{6}, first{0};
    REQUIRE_THROWS_WITH(Dataset<float>::gather(data.x, last, x),
                        "Dataset::gather: sample 6 was asked for, expected 0 … 5");
    REQUIRE_THROWS_WITH(Dataset<float>::gather(data.x, first, x, 6), "Dataset::gather: steps is 6, expected 0 … 5");
    REQUIRE_THROWS_WITH(data.slice(1, huge), Catch::Matchers::StartsWith("Dataset::slice: samples 1 … "));
    REQUIRE_THROWS_WITH(data.slice(huge, huge), Catch::Matchers::StartsWith("Dataset::slice: samples "));
    data.y = Sequence<float>(1, 1, 3);
    REQUIRE_THROWS_WITH(asked({5}), "Dataset::batch: x has 6 samples and y 3");
    REQUIRE_THROWS_WITH(data.slice(4, 2), "Dataset::slice: x has 6 samples and y 3");
    REQUIRE_THROWS_WITH(evaluate(one_step(), data, MeanSquaredError{}), "evaluate: x has 6 samples and y 3");
    CHECK(x.batch() == 1);
    CHECK(y.batch() == 1);
}

TEST_CASE("fit: options near the largest number train as the whole data set would") {
    const auto data = noise(2, 5, 6, 1, 1, {5, 4, 3, 2, 1, 0});
    auto model = one_step(), same = one_step();
    fit(model, data, MeanSquaredError{}, Adam{}, {.epochs = 2, .batch_size = huge, .bucket = huge});
    fit(same, data, MeanSquaredError{}, Adam{}, {.epochs = 2, .batch_size = 6, .bucket = 1});
    CHECK(values(model) == values(same));
    fit(model, data, MeanSquaredError{}, Adam{}, {.batch_size = 4, .bucket = huge / 2});
    CHECK(evaluate(model, data, MeanSquaredError{}, {.batch_size = huge}).loss ==
          evaluate(model, data, MeanSquaredError{}, {.batch_size = 6}).loss);
}

TEST_CASE("fit: targets of other steps than the model's output are refused, with what to do") {
    auto all = every_step();
    auto one = one_step();
    REQUIRE_THROWS_WITH(fit(all, noise(2, 5, 6, 1, 1), MeanSquaredError{}, Adam{}),
                        "fit: the model outputs 5 steps and the targets have 1: add LastStep{} to the model or give a "
                        "target for every step");
    REQUIRE_THROWS_WITH(fit(one, noise(2, 5, 6, 1, 5), MeanSquaredError{}, Adam{}),
                        "fit: the model outputs 1 step and the targets have 5: leave LastStep out of the model or give "
                        "one target for each sequence");
    REQUIRE_THROWS_WITH(evaluate(all, noise(2, 5, 6, 1, 4), MeanSquaredError{}),
                        "evaluate: the model outputs 5 steps and the targets have 4: expected as many");
    REQUIRE_THROWS_WITH(fit(all, noise(2, 5, 3, 1, 5, {5, 4, 3}, {5, 4, 4}), MeanSquaredError{}, Adam{}),
                        "fit: sequence 2 has targets for 4 steps and the model outputs 3, expected as many");
}

TEST_CASE("LastStep: an empty sequence's target counts, so it must be one") {
    auto model = Sequential{SimpleRNN<float>{2, 3}, LastStep{}, Dense<float>{3, 4}};
    Dataset<float> data{Sequence<float>(2, 1, 4, {1, 1, 1, 0}), Sequence<float>(1, 1, 4)};
    data.y.values() << 0, 1, 2, 99;
    REQUIRE_THROWS_WITH(fit(model, data, SoftmaxCrossEntropy{}, Adam{}, {.batch_size = 3}),
                        "SoftmaxCrossEntropy: the target at step 0 of sequence 3 is 99, expected a class, 0 … 3");
    data.y.values()(0, 3) = 3;
    CHECK(std::isfinite(fit(model, data, SoftmaxCrossEntropy{}, Adam{}, {.batch_size = 3}).epochs[0].loss));
}

TEST_CASE("EncoderDecoder: batches of any of its ragged sequences can be trained with") {
    for (const std::vector<Index>& lengths :
         {std::vector<Index>{9, 9, 8, 7, 6, 6}, {9, 9, 8, 7, 3, 2}, {4, 4, 4, 9, 0, 5}})
        for (const bool target_lengths : {false, true}) {
            std::vector<Index> answers;
            for (const Index length : lengths)
                answers.push_back(std::max<Index>(0, length - 4));
            const auto data = noise(3, 9, 6, 2, 5, lengths, target_lengths ? answers : std::vector<Index>());
            auto model = translator(), one_batch = translator();
            const auto loss = evaluate(model, data, MeanSquaredError{}, {.batch_size = 6}).loss;
            for (const Index batch_size : {1, 2, 3, 5})
                CHECK(evaluate(model, data, MeanSquaredError{}, {.batch_size = batch_size}).loss ==
                      Catch::Approx(loss).epsilon(1e-5));
            for (std::uint64_t seed = 0; seed < 4; ++seed)
                fit(model, data, MeanSquaredError{}, Adam{}, {.epochs = 2, .batch_size = 2, .seed = seed});
            CHECK(fit(one_batch, data, MeanSquaredError{}, Adam{}, {.batch_size = 6}).epochs[0].loss ==
                  Catch::Approx(loss).epsilon(1e-5));
        }
    auto model = translator();
    REQUIRE_THROWS_WITH(fit(model, noise(3, 3, 6, 2, 1), MeanSquaredError{}, Adam{}),
                        "fit: x has 3 steps, expected at least 4, which the model needs");
    REQUIRE_THROWS_WITH(fit(model, noise(3, 9, 6, 2, 9), MeanSquaredError{}, Adam{}),
                        "fit: the model outputs 5 steps and the targets have 9: expected as many");
}

TEST_CASE("fit: an optimizer of another, a copied or a moved model is refused") {
    auto model = one_step();
    auto other = model;
    const auto data = noise(2, 5, 6, 1, 1);
    Optimizer optimizer{parameters(model), Adam{}};
    const std::string message = "fit: the optimizer's 0.SimpleRNN.W isn't a parameter of this model: it was made for "
                                "another, or the model was copied or moved since; make one of parameters(model)";
    REQUIRE_THROWS_WITH(fit(other, data, MeanSquaredError{}, optimizer), message);
    REQUIRE_THROWS_WITH(fit(other, data, data, MeanSquaredError{}, optimizer), message);
    auto moved = std::move(model);
    REQUIRE_THROWS_WITH(fit(moved, data, MeanSquaredError{}, optimizer), message);
    REQUIRE_THROWS_WITH(optimizer.step(),
                        "Optimizer::step: 0.SimpleRNN.W is empty: its model was moved to another place "
                        "since the optimizer was made; make one there");
    Optimizer<Adam, float> none{{}};
    REQUIRE_THROWS_WITH(fit(moved, data, MeanSquaredError{}, none),
                        "fit: the optimizer has no parameters, expected Optimizer{parameters(model), …}");

    Optimizer head{parameters(moved.layer<2>()), Adam{}}; // a part of the model is trained, the rest left as it is
    const auto before = values(moved);
    fit(moved, data, MeanSquaredError{}, head);
    CHECK(values(moved)[0] == before[0]);
    CHECK(values(moved)[3] != before[3]);
    moved.layer<2>().W().value = Matrix<float>::Zero(3, 1);
    REQUIRE_THROWS_WITH(head.step(), "Optimizer::step: W is 3 × 1, expected 1 × 3");
}

TEMPLATE_TEST_CASE("Optimizer: a gradient too large for the rule is no step, and named", "", float, double) {
    const auto check = [](auto rule) {
        CAPTURE(sizeof(TestType));
        Parameter<TestType> first(2, 2), second(1, 3);
        Optimizer optimizer{std::vector<NamedParameter<TestType>>{{"first", &first}, {"second", &second}}, rule};
        first.grad.setOnes();
        second.grad.setOnes();
        REQUIRE(optimizer.step());
        CHECK(optimizer.refused().empty());
        const auto value = first.value;
        const auto moments = optimizer.state().moments;
        const bool narrow = sizeof(TestType) == 4;
        for (const double bad : {narrow ? 1e20 : 1e160, narrow ? 3e38 : 1e308, std::numeric_limits<double>::infinity(),
                                 std::numeric_limits<double>::quiet_NaN()}) {
            second.grad(0, 1) = static_cast<TestType>(bad);
            CHECK_FALSE(optimizer.step());
            CHECK(optimizer.refused() == "second");
            first.grad(0, 0) = std::numeric_limits<TestType>::max(); // too large as well, but not the first to look for
            CHECK((optimizer.refused() == "second") != std::isfinite(bad));
            first.grad(0, 0) = 1;
            CHECK(optimizer.steps() == 1);
            CHECK(first.value == value);
            for (std::size_t k = 0; k < moments.size(); ++k)
                CHECK(optimizer.state().moments[k] == moments[k]);
        }
        for (int k = 0; k < 50; ++k) { // the largest that is taken
            second.grad.setConstant(static_cast<TestType>(narrow ? 5e17 : 5e149));
            REQUIRE(optimizer.step());
            REQUIRE(second.value.allFinite());
        }
        for (const auto& some : optimizer.state().moments)
            CHECK(some.allFinite());
    };
    check(Adam{});
    check(Adam{.formula = Formula::keras});
    check(AdamW{});
    check(RMSprop{.momentum = 0.9, .centered = true});
    check(RMSprop{.formula = Formula::keras});
    check(SGD{});
    check(SGD{.momentum = 0.99, .nesterov = true});
}

TEST_CASE("fit: a gradient too large for the rule is a step that is skipped and reported, unless clipping cuts it") {
    auto model = one_step();
    auto data = noise(2, 5, 6, 1, 1);
    data.y.values()(0, 0) = 1e25f;
    const auto before = values(model);
    const auto report = fit(model, data, MeanSquaredError{}, Adam{}, {.batch_size = 6}).epochs[0];
    CHECK(report.skipped_steps == 1);
    CHECK(report.non_finite == "0.SimpleRNN.U");
    CHECK(report.too_large);
    CHECK(values(model) == before);
    const auto clipped = fit(model, data, MeanSquaredError{}, Adam{}, {.batch_size = 6, .clip_norm = 1}).epochs[0];
    CHECK(clipped.skipped_steps == 0);
    CHECK(values(model) != before);
    for (const auto& value : values(model))
        CHECK(value.allFinite());
}

TEST_CASE("Optimizer: settings that the parameters' type can't hold are refused") {
    Parameter<float> single(1, 1);
    Parameter<double> twice(1, 1);
    const std::vector<NamedParameter<float>> of_float{{"w", &single}};
    const std::vector<NamedParameter<double>> of_double{{"w", &twice}};
    REQUIRE_THROWS_WITH(Optimizer(of_float, Adam{.epsilon = 1e-50}),
                        "Adam: epsilon is 1e-50, expected 1e-36 … 1e+18 for parameters in float");
    REQUIRE_THROWS_WITH(Optimizer(of_float, RMSprop{.epsilon = 1e-50}),
                        "RMSprop: epsilon is 1e-50, expected 1e-36 … 1e+18 for parameters in float");
    REQUIRE_THROWS_WITH(Optimizer(of_float, SGD{.learning_rate = 1e39}),
                        "SGD: learning_rate is 1e+39, expected 0 … 1000000000000 for parameters in float");
    REQUIRE_THROWS_WITH(Optimizer(of_float, AdamW{.weight_decay = 1e39}),
                        "AdamW: weight_decay is 1e+39, expected 0 … 1000000000000 for parameters in float");
    REQUIRE_THROWS_WITH(Optimizer(of_double, Adam{.learning_rate = 1e200}),
                        "Adam: learning_rate is 1e+200, expected 0 … 1e+100 for parameters in double");
    Optimizer optimizer{of_float, Adam{}};
    REQUIRE_THROWS_WITH(optimizer.set_learning_rate(1e39),
                        "Adam: learning_rate is 1e+39, expected 0 … 1000000000000 for parameters in float");
    CHECK(optimizer.learning_rate() == 1e-3);
    Optimizer{of_double, Adam{.epsilon = 1e-50}};
    OptimizerState<float> state = optimizer.state();
    state.steps = huge;
    REQUIRE_THROWS_WITH(optimizer.set_state(state),
                        Catch::Matchers::StartsWith("Optimizer::set_state: steps is 9223372036"));
}

TEST_CASE("check_gradients: the model comes out as it went in, also when a pass throws") {
    Sequential model{Dense<double>{1, 1, {.seed = 1}}};
    struct Throws {
        mutable int calls = 0;
        double operator()(SequenceView<double> y, SequenceView<double> target, Sequence<double>* dy) const {
            if (++calls == 3)
                throw std::runtime_error("enough");
            return MeanSquaredError{}(y, target, dy);
        }
    };
    const double before = model.layer<0>().W().value(0, 0);
    const Sequence<double> x(1, 2, 1);
    REQUIRE_THROWS_WITH(check_gradients(model, x, x, Throws{}), "enough");
    CHECK(model.layer<0>().W().value(0, 0) == before);
    REQUIRE_THROWS_WITH(check_gradients(model, x, x, MeanSquaredError{}, {}, {.step = 0}),
                        "check_gradients: step is 0, expected a finite number > 0");
}

TEST_CASE("Sequential: what a layer inside a layer refuses is told with the way to it") {
    const Sequential inner{LSTM<float>{2, 16}, Dense<float>{16, 8}};
    REQUIRE_THROWS_WITH((Sequential{inner, LastStep{}, Dense<float>{16, 1}}),
                        "Sequential: layer 2 (Dense): x has 8 features, expected 16");
    const Sequential outer{Dense<float>{2, 2}, inner};
    REQUIRE_THROWS_WITH(outer.output_size(3), "Sequential: layer 0 (Dense): x has 3 features, expected 2");
    decltype(outer)::State state;
    std::get<0>(std::get<1>(state)) = Matrix<float>::Zero(1, 1);
    decltype(outer)::Tape tape;
    const Sequence<float> x(2, 1, 1);
    REQUIRE_THROWS_WITH(outer.forward(x, tape, state),
                        "Sequential::forward: layer 1 (Sequential): layer 0 (LSTM): initial: "
                        "state is 1 x 1, expected 32 x 1");
}
