#include "carousel/decode/scheduled_sampling.hpp"

#include "catch.hpp"
#include "support.hpp"
#include "train/going_on.hpp"

#include "carousel/decode/generate.hpp"
#include "carousel/layer/attention.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/encoder_decoder.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/loss/softmax_cross_entropy.hpp"
#include "carousel/model/layer_description.hpp"
#include "carousel/model/model.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/train/classification_metrics.hpp"
#include "carousel/train/evaluate.hpp"
#include "carousel/train/fit.hpp"
#include "carousel/train/sampling_schedule.hpp"

#include <limits>
#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

/// Of three features the next two.
auto forecaster() {
    return Sequential{GRU<double>{3, 5, {.seed = 1}}, Dense<double>{5, 2, {.seed = 2}}};
}

/// A model that answers with tokens, and the same one with ScheduledSampling.
auto answers() {
    return Sequential{Embedding<double>{9, 3, {.seed = 3}}, LSTM<double>{3, 4, {.seed = 4}},
                      Attention<double>{4, 4, {.seed = 5}}, Dropout{0.2, {.seed = 6}},
                      Dense<double>{8, 9, {.seed = 7}}};
}
auto answerer() {
    return EncoderDecoder{Sequential{Embedding<double>{9, 3, {.seed = 1}}, LSTM<double>{3, 4, {.seed = 2}}},
                          answers(),
                          {.encoder_steps = 3}};
}
auto answerer(const ScheduledSamplingOptions& options) {
    return EncoderDecoder{Sequential{Embedding<double>{9, 3, {.seed = 1}}, LSTM<double>{3, 4, {.seed = 2}}},
                          ScheduledSampling{answers(), options},
                          {.encoder_steps = 3}};
}
/// Sequences of tokens below 9.
Sequence<double> tokens(Index steps, Index batch, std::uint64_t seed, std::vector<Index> lengths = {}) {
    Random random(seed);
    Sequence<double> all(1, steps, batch, std::move(lengths));
    for (Index k = 0; k < steps * batch; ++k)
        all.data()[k] = static_cast<double>(random.below(9));
    return all;
}
template <class Model>
std::vector<Matrix<double>> gradients(const Model& model) {
    std::vector<Matrix<double>> all;
    for (const auto& named : parameters(model))
        all.push_back(named.parameter->grad);
    return all;
}

} // namespace

TEST_CASE("ScheduledSampling: with ratio 0 a training is one with teacher forcing, bit for bit") {
    const Dataset<double> data{tokens(7, 20, 1), tokens(4, 20, 2)};
    const FitOptions options{.epochs = 3, .batch_size = 8, .validation_split = 0.2};
    auto expected = answerer();
    auto model = answerer({.fed = FedBack::greedy_tokens});
    REQUIRE(values(model) == values(expected));
    const History teacher = fit(expected, data, SoftmaxCrossEntropy{}, Adam{.learning_rate = 0.05}, options);
    const History history = fit(model, data, SoftmaxCrossEntropy{}, Adam{.learning_rate = 0.05}, options);
    CHECK(values(model) == values(expected));
    for (std::size_t k = 0; k < 3; ++k)
        CHECK((history.epochs[k].loss == teacher.epochs[k].loss &&
               history.epochs[k].validation_loss == teacher.epochs[k].validation_loss));
    auto other = answerer({.ratio = 0.5, .fed = FedBack::greedy_tokens});
    fit(other, data, SoftmaxCrossEntropy{}, Adam{.learning_rate = 0.05}, options);
    CHECK(values(other) != values(expected));
}

TEST_CASE("ScheduledSampling: with ratio 1 a decoder hears exactly the tokens that generate picks") {
    auto net = answerer();
    ScheduledSampling decoder{net.decoder(), {.ratio = 1, .fed = FedBack::greedy_tokens}};
    const auto questions = tokens(3, 6, 3);
    const auto state = net.read(questions);
    auto x = tokens(8, 6, 4);
    x.step(0).setConstant(8);
    const auto said = generate(net.decoder(), state, 8, 8, greedy);
    decltype(decoder)::Tape tape;
    decoder.forward(x, tape, state);
    const auto heard = decoder.heard(tape);
    REQUIRE(heard.columns() == 48);
    CHECK(heard.values().leftCols(6) == x.values().leftCols(6));
    CHECK(heard.values().rightCols(42) == said.values().leftCols(42));

    // Where tokens are drawn, they are drawn with the probabilities of the logits: those of −∞ never.
    Sequential constant{Dense<double>{3, 3}};
    constant.layer<0>().W().value.setZero();
    constant.layer<0>().b().value << 1, -std::numeric_limits<double>::infinity(), 1;
    ScheduledSampling sampled{constant, {.ratio = 1, .fed = FedBack::sampled_tokens, .seed = 1}};
    decltype(sampled)::Tape draws;
    const Sequence<double> zeros(3, 201, 1);
    sampled.forward(zeros, draws);
    const Vector<double> count = sampled.heard(draws).values().rowwise().sum();
    CHECK((count(0) + count(2) == 200 && count(1) == 0));
    CHECK(std::abs(count(0) - 100) < 30);
}

TEST_CASE("ScheduledSampling: with ratio 1 a net hears what forecast says, in the chosen rows, ragged or not") {
    Random random(5);
    const auto net = forecaster();
    ScheduledSampling model{net, {.ratio = 1, .given = 4, .rows = {.targets = {2, 0}}}};
    for (const std::vector<Index>& lengths : {std::vector<Index>{}, {9, 6, 3}}) {
        const auto x = random_sequence<double>(3, 9, 3, random, lengths);
        decltype(model)::Tape tape;
        model.forward(x, tape);
        Matrix<double> expected = x.values();
        for (Index b = 0; b < 3; ++b) {
            const Index length = x.view().length(b), steps = length - 4;
            if (steps < 1)
                continue;
            const Matrix<double> own = x.values()(Eigen::all, Eigen::seqN(b, length, 3));
            const Sequence<double> known(Matrix<double>(own.row(1).rightCols(steps))),
                window(Matrix<double>(own.leftCols(4)));
            const auto y = forecast(net, window, steps, known, {.targets = {2, 0}});
            for (Index t = 0; t < steps; ++t)
                for (const auto& [row, output] : {std::pair{2, 0}, std::pair{0, 1}})
                    expected(row, (4 + t) * 3 + b) = y.values()(output, t);
        }
        CHECK(difference(model.heard(tape).values(), expected) < 1e-14);
    }
}

TEST_CASE("ScheduledSampling: gradients are those of the net at what was heard, none goes through an output") {
    Random random(6);
    const auto x = random_sequence<double>(3, 6, 4, random), dy = random_sequence<double>(2, 6, 4, random);
    ScheduledSampling model{forecaster(), {.ratio = 0.5, .seed = 3}};
    decltype(model)::Tape tape;
    const Matrix<double> y = model.forward(x, tape).values();
    const Matrix<double> heard = model.heard(tape).values();
    zero_gradients(parameters(model));
    const Matrix<double> dx = model.backward(dy, tape).values();

    auto net = forecaster();
    decltype(net)::Tape plain_tape;
    zero_gradients(parameters(net));
    const Sequence<double> same(heard, 4);
    CHECK(net.forward(same, plain_tape).values() == y);
    Matrix<double> expected = net.backward(dy, plain_tape).values();
    Index fed = 0;
    for (Index column = 0; column < 24; ++column) {
        CHECK(heard(2, column) == x.values()(2, column)); // a covariate
        if (heard(0, column) == x.values()(0, column))
            continue;
        ++fed;
        CHECK(column >= 4);
        expected.col(column).topRows(2).setZero();
    }
    CHECK((fed > 4 && fed < 16));
    CHECK(dx == expected);
    CHECK(gradients(model) == gradients(net));
}

TEST_CASE("ScheduledSampling: choices go on from call to call, by a schedule, bit for bit") {
    const Dataset<double> data{tokens(7, 20, 1), tokens(4, 20, 2)};
    const auto make = [] { return answerer({.fed = FedBack::sampled_tokens, .free_running = true, .seed = 4}); };
    const auto train = [&](Index epochs, bool stop, std::vector<double>& ratios) {
        auto model = make();
        Training training{model, Adam{.learning_rate = 0.05}};
        for (int calls = 0; calls < 40 && training.epochs() < 4; ++calls)
            fit(training, data, SoftmaxCrossEntropy{},
                {.epochs = std::min(epochs, 4 - training.epochs()),
                 .batch_size = 8,
                 .planned_epochs = 4,
                 .validation_split = 0.2,
                 .callbacks = {sampling_schedule(model.decoder(), LinearSampling{.epochs = 3}, training),
                               [&](Progress& p) {
                                   p.stop = stop;
                                   if (!p.epoch_end)
                                       ratios.push_back(model.decoder().ratio());
                               }}});
        return outcome(training);
    };
    std::vector<double> once_ratios, ratios;
    const auto once = train(4, false, once_ratios);
    REQUIRE(once_ratios.size() == 8);
    CHECK(once_ratios == std::vector<double>{0.5 / 3, 1.0 / 3, 1.5 / 3, 2.0 / 3, 2.5 / 3, 1, 1, 1});
    CHECK(once == train(1, false, ratios));
    CHECK(ratios == once_ratios);
    ratios.clear();
    CHECK(once == train(4, true, ratios)); // every call ends after a batch
    CHECK(ratios == once_ratios);
}

TEST_CASE("ScheduledSampling: its schedules are the paper's, and their ranges are checked") {
    const LinearSampling line{.epochs = 4, .from = 0.2, .to = 0.6};
    CHECK((line(0) == 0.2 && line(2) == 0.4 && line(9) == 0.6));
    const ExponentialSampling power{.k = 0.5};
    CHECK((power(0) == 0 && power(1) == 0.5 && power(3) == 0.875));
    CHECK(ExponentialSampling{.k = 0.5, .most = 0.25}(3) == 0.25);
    const InverseSigmoidSampling sigmoid{.k = 5};
    CHECK(std::abs(sigmoid(5 * std::log(5.0)) - 0.5) < 1e-15);
    CHECK((std::abs(sigmoid(0) - 1.0 / 6) < 1e-15 && sigmoid(1e6) == 1));
    REQUIRE_THROWS_WITH(LinearSampling{.epochs = 0}(1), "LinearSampling: epochs is 0, expected a finite number > 0");
    REQUIRE_THROWS_WITH((LinearSampling{.epochs = 1, .to = 2}(1)),
                        "LinearSampling: from is 0 and to 2, expected both in [0, 1]");
    REQUIRE_THROWS_WITH(ExponentialSampling{.k = 1}(1), "ExponentialSampling: k is 1, expected 0 < k < 1");
    REQUIRE_THROWS_WITH(InverseSigmoidSampling{.k = 0.5}(1),
                        "InverseSigmoidSampling: k is 0.5, expected a finite number >= 1");
    ScheduledSampling model{forecaster()};
    const Callback later =
        sampling_schedule(model, LinearSampling{.epochs = 10}, 5); // epochs of calls without a Training
    CHECK(model.ratio() == 0.5);
    const EpochReport report;
    Progress second{.epoch = 1, .epochs = 2, .batch = 2, .batches = 4, .report = report};
    later(second);
    CHECK(model.ratio() == 0.55);
    REQUIRE_THROWS_WITH(sampling_schedule(model, LinearSampling{.epochs = 10}, -1),
                        "sampling_schedule: epochs is -1, expected a finite number >= 0");
    REQUIRE_THROWS_WITH(sampling_schedule(model, {}),
                        "sampling_schedule: the schedule is empty, expected a function of the epochs");
    REQUIRE_THROWS_WITH(sampling_schedule(model, [](double) { return 1.5; }),
                        "ScheduledSampling: ratio is 1.5, expected 0 <= ratio <= 1");
}

TEST_CASE("ScheduledSampling: inference is the net's, or hears itself after the given steps") {
    Random random(7);
    const auto net = forecaster();
    ScheduledSampling model{net, {.ratio = 0.5, .given = 3}};
    const auto x = random_sequence<double>(3, 8, 2, random);
    decltype(model)::Tape tape;
    CHECK(model.infer(x, tape).values() == net(x).values());
    CHECK(model.heard(tape).columns() == 0);

    model.set_free_running(true);
    const Sequence<double> known(Matrix<double>(x.values().row(2).rightCols(10)), 2),
        window(Matrix<double>(x.values().leftCols(6)), 2);
    const auto y = forecast(net, window, 6, known);
    CHECK(difference(model.infer(x, tape).values().rightCols(12), y.values()) < 1e-14);
}

TEST_CASE(
    "ScheduledSampling: a net that hears itself learns to rely on what it will have, not on what a teacher tells") {
    // A level that wanders, and a measurement of it with much noise. A teacher tells the level of the step before, beside which the
    // measurement is worth little; a net that is alone has no other guide.
    constexpr Index steps = 60, samples = 48;
    Random random(9);
    Dataset<float> data{Sequence<float>(2, steps, samples), Sequence<float>(1, steps, samples)};
    for (Index b = 0; b < samples; ++b) {
        double level = 0.7 * random.normal();
        for (Index t = 0; t < steps; ++t) {
            data.x.step(t)(0, b) = static_cast<float>(level);
            level = 0.99 * level + 0.1 * random.normal();
            data.x.step(t)(1, b) = static_cast<float>(level + random.normal());
            data.y.step(t)(0, b) = static_cast<float>(level);
        }
    }
    const auto error_alone = [&](double ratio) {
        ScheduledSampling model{Sequential{GRU<float>{2, 8, {.seed = 1}}, Dense<float>{8, 1, {.seed = 11}}},
                                {.free_running = true, .seed = 3}};
        const auto schedule = sampling_schedule(model, LinearSampling{.epochs = 20, .to = ratio});
        const History history = fit(model, data, MeanSquaredError{}, Adam{.learning_rate = 1e-2},
                                    {.epochs = 40, .batch_size = 8, .validation_split = 0.25, .callbacks = {schedule}});
        return history.epochs.back().validation_loss;
    };
    const double taught = error_alone(0), alone = error_alone(1);
    INFO("teacher forcing " << taught << ", scheduled sampling " << alone); // four seeds: 0.23 … 0.71, 0.095 … 0.12
    CHECK(alone < 0.13);
    CHECK(alone < 0.6 * taught);
}

TEST_CASE("ScheduledSampling: early stopping keeps the epoch whose free-running loss is the best") {
    constexpr Index steps = 30, samples = 16;
    Random random(9);
    const auto x = random_sequence<double>(3, steps, samples, random);
    const Dataset<double> data{x, Sequence<double>(Matrix<double>(x.values().topRows(2) * 0.5), samples)};
    ScheduledSampling model{forecaster(), {.given = 5, .free_running = true}};
    double best = std::numeric_limits<double>::infinity();
    fit(model, data, MeanSquaredError{}, Adam{.learning_rate = 0.02},
        {.epochs = 12,
         .batch_size = 4,
         .validation_split = 0.25,
         .early_stopping = EarlyStopping{.patience = 12},
         .callbacks = {every_epoch([&](const EpochReport& r) { best = std::min(best, r.validation_loss); })}});
    const SampleSource<double> all(data);
    const auto held_out = all.part(12, 4);
    CHECK(evaluate(model, held_out, MeanSquaredError{}).loss == best);
    CHECK(evaluate(model.net(), held_out, MeanSquaredError{}).loss != best);
}

TEST_CASE("ScheduledSampling: to files it is the net, and a Model can be one") {
    const auto net = forecaster();
    const ScheduledSampling model{net};
    CHECK(describe(model) == describe(net));
    CHECK(parameters(model).front().name == parameters(net).front().name);
    Random random(10);
    ScheduledSampling dynamic{Model<double>{LSTM<double>{2, 3}, Dense<double>{3, 2}}, {.ratio = 1}};
    const auto x = random_sequence<double>(2, 5, 3, random);
    decltype(dynamic)::Tape tape;
    dynamic.forward(x, tape);
    const auto dy = random_sequence<double>(2, 5, 3, random);
    dynamic.backward(dy, tape);
    dynamic.forward(x, tape);
    const Sequence<double> first(Matrix<double>(x.values().leftCols(3)), 3);
    const auto y = forecast(dynamic.net(), first, 5);
    CHECK(difference(dynamic.heard(tape).values().rightCols(12), y.values().leftCols(12)) < 1e-14);
}

TEST_CASE("ScheduledSampling: what doesn't fit is refused, logits that are NaN leave the truth") {
    REQUIRE_THROWS_WITH((ScheduledSampling{forecaster(), {.ratio = -0.1}}),
                        "ScheduledSampling: ratio is -0.1, expected 0 <= ratio <= 1");
    REQUIRE_THROWS_WITH((ScheduledSampling{forecaster(), {.given = 0}}),
                        "ScheduledSampling: given is 0, expected at least 1: the first step has no output before it");
    REQUIRE_THROWS_WITH((ScheduledSampling{forecaster(), {.rows = {.targets = {3}}}}),
                        "ScheduledSampling: 1 rows of x are forecast, but 2 of the model's outputs are fed back; give "
                        "targets and outputs of one length");
    REQUIRE_THROWS_WITH((ScheduledSampling{forecaster(), {.fed = FedBack::greedy_tokens, .rows = {.targets = {1}}}}),
                        "ScheduledSampling: rows are given, expected none where tokens are fed");
    REQUIRE_THROWS_WITH((ScheduledSampling{Sequential{Dense<double>{2, 3}}, {.fed = FedBack::greedy_tokens}}),
                        "ScheduledSampling: the net has 3 logits and 2 inputs, expected no more logits than inputs, or "
                        "1 input, which a token's number is");
    REQUIRE_THROWS_WITH((ScheduledSampling{Sequential{GRU<double>{1, 1}, LastStep{}}}),
                        "ScheduledSampling: the net gives 1 steps for 2, expected one for each; leave out its LastStep "
                        "and give a target for each step");
    REQUIRE_THROWS_WITH(
        (ScheduledSampling{Model<double>{}}),
        "ScheduledSampling: the Sequential layer takes any number of features; begin with one that has an input size");
    REQUIRE_THROWS_WITH((ScheduledSampling{Sequential{GRU<double>{1, 1, {.reverse = true}}}}),
                        "ScheduledSampling: the model reads from the end (its setting 0.GRU.reverse), so that a step "
                        "more changes what it said before; take one that a Stream runs");

    Sequential blind{Dense<double>{3, 3}};
    blind.layer<0>().b().value.setConstant(std::numeric_limits<double>::quiet_NaN());
    ScheduledSampling model{blind, {.ratio = 1, .fed = FedBack::greedy_tokens}};
    Random random(11);
    const auto x = random_sequence<double>(3, 4, 2, random), wide = random_sequence<double>(4, 4, 2, random);
    decltype(model)::Tape tape;
    model.forward(x, tape);
    CHECK(model.heard(tape).values() == x.values());
    REQUIRE_THROWS_WITH(model.forward(wide, tape), "ScheduledSampling: x has 4 features, expected 3");
    REQUIRE_THROWS_AS(model.backward(x, tape), std::logic_error);
}
