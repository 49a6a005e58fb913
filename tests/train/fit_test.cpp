#include "carousel/train/fit.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/binary_cross_entropy.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/loss/softmax_cross_entropy.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/optim/sgd.hpp"

#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>

using namespace carousel;
using namespace carousel::test;

namespace {

auto small_model() {
    return Sequential{SimpleRNN<double>{2, 4, {}, {.seed = 1}}, Dense<double>{4, 1, {.seed = 2}}};
}
using Net = decltype(small_model());
using State = Net::State;

/// Random numbers with a target for every step.
Dataset<double> noise(Index samples, Index steps = 6, std::vector<Index> lengths = {}) {
    Random random(40);
    return {random_sequence<double>(2, steps, samples, random, lengths),
            random_sequence<double>(1, steps, samples, random, lengths)};
}

template <class Model>
std::vector<Matrix<double>> values(Model& model) {
    std::vector<Matrix<double>> all;
    for (const auto& named : parameters(model))
        all.push_back(named.parameter->value);
    return all;
}

std::vector<double> losses(const History& history) {
    std::vector<double> all;
    for (const auto& epoch : history.epochs)
        all.push_back(epoch.loss);
    return all;
}

/// One optimizer step as fit makes it; returns the loss.
double step(Net& model, Optimizer<Adam, double>& optimizer, SequenceView<double> x, SequenceView<double> y,
            State& state) {
    Net::Tape tape;
    Sequence<double> dy;
    zero_gradients(optimizer.parameters());
    const auto output = model.forward(x, tape, state);
    const double loss = MeanSquaredError{}(output, y, &dy);
    model.backward(dy, tape);
    model.final_state(tape, state);
    optimizer.step();
    return loss;
}

/// Steps first … first + count − 1 of samples begin … begin + size − 1.
Sequence<double> part(const Sequence<double>& s, Index begin, Index size, Index first, Index count) {
    Sequence<double> out(s.features(), count, size);
    for (Index t = 0; t < count; ++t)
        out.step(t) = s.step(first + t).middleCols(begin, size);
    return out;
}

} // namespace

TEST_CASE("fit: without shuffling it is the loop one would write") {
    const auto data = noise(5);
    auto model = small_model(), by_hand = small_model();
    const auto history = fit(model, data, MeanSquaredError{}, Adam{.learning_rate = 0.01},
                             {.epochs = 2, .batch_size = 2, .shuffle = false});

    Optimizer optimizer{parameters(by_hand), Adam{.learning_rate = 0.01}};
    std::vector<double> expected;
    for (int epoch = 0; epoch < 2; ++epoch) {
        double sum = 0;
        for (const auto& [begin, size] : {std::pair<Index, Index>{0, 2}, {2, 2}, {4, 1}}) {
            State state;
            const auto x = part(data.x, begin, size, 0, 6), y = part(data.y, begin, size, 0, 6);
            sum += static_cast<double>(size) * step(by_hand, optimizer, x, y, state); // the last batch counts half
        }
        expected.push_back(sum / 5);
    }
    CHECK(values(model) == values(by_hand));
    REQUIRE(history.epochs.size() == 2);
    CHECK(history.epochs[0].loss == Catch::Approx(expected[0]).epsilon(1e-14));
    CHECK(history.epochs[1].loss == Catch::Approx(expected[1]).epsilon(1e-14));
    CHECK((history.epochs[0].epoch == 1 && history.epochs[1].epoch == 2));
    CHECK(history.epochs[0].learning_rate == 0.01);
    CHECK(std::isnan(history.epochs[0].validation_loss));
    CHECK(history.best_epoch == 2);
    CHECK(history.best_loss() == history.epochs[1].loss);
    CHECK_FALSE(history.stopped);
}

TEST_CASE("fit: truncated BPTT steps after every chunk, hands the state on and cuts the gradient") {
    const auto data = noise(4, 7);
    auto model = small_model(), by_hand = small_model();
    const auto history =
        fit(model, data, MeanSquaredError{}, Adam{}, {.epochs = 1, .batch_size = 2, .shuffle = false, .truncate = 3});
    Optimizer optimizer{parameters(by_hand), Adam{}};
    double sum = 0;
    for (const Index begin : {0, 2}) {
        State state; // every batch starts from zero
        for (const auto& [first, count] : {std::pair<Index, Index>{0, 3}, {3, 3}, {6, 1}}) {
            const auto x = part(data.x, begin, 2, first, count), y = part(data.y, begin, 2, first, count);
            sum += static_cast<double>(count) * step(by_hand, optimizer, x, y, state);
        }
    }
    CHECK(values(model) == values(by_hand));
    CHECK(history.epochs[0].loss == Catch::Approx(sum / 14).epsilon(1e-14));
}

TEST_CASE("fit: stateful batches go on where the last ones ended, every epoch from zero") {
    const auto data = noise(6, 3);
    auto model = small_model(), by_hand = small_model();
    fit(model, data, MeanSquaredError{}, Adam{}, {.epochs = 2, .batch_size = 2, .shuffle = false, .stateful = true});
    Optimizer optimizer{parameters(by_hand), Adam{}};
    for (int epoch = 0; epoch < 2; ++epoch) {
        State state;
        for (const Index begin : {0, 2, 4}) {
            const auto x = part(data.x, begin, 2, 0, 3), y = part(data.y, begin, 2, 0, 3);
            step(by_hand, optimizer, x, y, state);
        }
    }
    CHECK(values(model) == values(by_hand));
}

TEST_CASE("fit: padding counts for nothing, cut into chunks or not") {
    const std::vector<Index> lengths{6, 1, 4};
    auto ragged = noise(3, 6, lengths), other = ragged;
    for (Index t = 0; t < 6; ++t)
        for (Index b = 0; b < 3; ++b)
            if (!other.x.view().real(t, b)) {
                other.x.step(t).col(b).setConstant(7);
                other.y.step(t).col(b).setConstant(-7);
            }
    for (const Index truncate : {0, 4}) {
        auto model = small_model(), same = small_model();
        const FitOptions options{.epochs = 2, .batch_size = 3, .shuffle = false, .truncate = truncate};
        CHECK(losses(fit(model, ragged, MeanSquaredError{}, Adam{}, options)) ==
              losses(fit(same, other, MeanSquaredError{}, Adam{}, options)));
        CHECK(values(model) == values(same));
    }
}

TEST_CASE("fit: chunks of ragged sequences have the loss of whole ones, and a single chunk their gradient") {
    const std::vector<Index> lengths{6, 1, 4, 3};
    for (const bool own_lengths : {true, false}) { // targets in step have x's lengths, too
        auto data = noise(4, 6, lengths);
        if (!own_lengths)
            data.y.set_lengths({});
        const auto run = [&](Index truncate, double rate, Index batch_size) {
            auto model = small_model();
            const auto history = fit(model, data, MeanSquaredError{}, SGD{.learning_rate = rate},
                                     {.batch_size = batch_size, .shuffle = false, .truncate = truncate});
            return std::pair(history.epochs[0].loss, values(model));
        };
        for (const Index batch_size : {4, 2, 1}) {
            const double whole = run(0, 0, batch_size).first;
            for (const Index truncate : {1, 2, 3, 4, 5})
                CHECK(run(truncate, 0, batch_size).first == Catch::Approx(whole).epsilon(1e-13));
            for (const Index truncate : {6, 7})
                CHECK(run(truncate, 0.1, batch_size) == run(0, 0.1, batch_size));
        }
    }
}

TEST_CASE("fit: chunks of targets that are shorter or longer than their sequences are refused before any is learnt") {
    auto model = small_model();
    const auto before = values(model);
    const auto refused = [&](std::vector<Index> x_lengths, std::vector<Index> y_lengths, const std::string& message) {
        auto data = noise(3, 6);
        data.x.set_lengths(x_lengths);
        data.y.set_lengths(y_lengths);
        for (const Index truncate : {1, 2, 3, 6}) {
            const FitOptions options{.batch_size = 1, .shuffle = false, .truncate = truncate};
            INFO("truncate " << truncate);
            REQUIRE_THROWS_AS(fit(model, data, MeanSquaredError{}, SGD{}, options), std::invalid_argument);
            REQUIRE_THROWS_WITH(fit(model, data, MeanSquaredError{}, SGD{}, options), message);
            CHECK(values(model) == before);
        }
    };
    const std::string at = "fit: truncate needs a target for every step: sequence ";
    refused({6, 6, 6}, {6, 4, 6}, at + "1 has 6 steps and its targets have 4");
    refused({}, {6, 4, 6}, at + "1 has 6 steps and its targets have 4");
    refused({}, {4, 4, 4}, at + "0 has 6 steps and its targets have 4");
    refused({6, 4, 5}, {6, 4, 3}, at + "2 has 5 steps and its targets have 3");
    refused({6, 3, 6}, {6, 6, 6}, at + "1 has 3 steps and its targets have 6");
    refused({4, 2, 2}, {6, 2, 2}, at + "0 has 4 steps and its targets have 6");
}

TEST_CASE("fit: one seed shuffles alike, bit for bit, another otherwise") {
    const auto data = noise(20);
    const auto run = [&](FitOptions options) {
        auto model = small_model();
        options.epochs = 3;
        options.batch_size = 4;
        const auto history = fit(model, data, MeanSquaredError{}, Adam{.learning_rate = 0.01}, options);
        return std::pair(losses(history), values(model));
    };
    const auto first = run({.seed = 1});
    CHECK(run({.seed = 1}) == first);
    CHECK(run({.seed = 2}) != first);
    CHECK(run({.shuffle = false}) != first);
}

TEST_CASE("fit: the validation part is taken from the end, before shuffling, as Keras does") {
    const auto data = noise(10);
    // A rate of 0: nothing is learnt, so the losses are those of the parts.
    for (const auto& [split, training] : {std::pair<double, Index>{0.2, 8}, {0.25, 7}, {0.01, 9}, {0.85, 1}}) {
        auto model = small_model();
        const auto history =
            fit(model, data, MeanSquaredError{}, SGD{.learning_rate = 0}, {.batch_size = 3, .validation_split = split});
        INFO("split " << split);
        CHECK(history.epochs[0].loss ==
              Catch::Approx(evaluate(model, data.slice(0, training), MeanSquaredError{}).loss).epsilon(1e-13));
        CHECK(history.epochs[0].validation_loss ==
              Catch::Approx(evaluate(model, data.slice(training, 10 - training), MeanSquaredError{}).loss)
                  .epsilon(1e-13));
        CHECK(history.best_loss() == history.epochs[0].validation_loss);
    }
}

namespace {

std::vector<double> validation_losses(const History& history) {
    std::vector<double> all;
    for (const auto& epoch : history.epochs)
        all.push_back(epoch.validation_loss);
    return all;
}

} // namespace

TEST_CASE("fit: a validation set of one's own is what a validation part would be") {
    const auto data = noise(10);
    const auto agree = [&](FitOptions options) {
        auto model = small_model(), same = small_model(), by_optimizer = small_model();
        options.epochs = 3;
        options.batch_size = 2;
        options.metrics = {MeanAbsoluteError{}};
        const Adam rule{.learning_rate = 0.05};
        const auto history = fit(model, data.slice(0, 6), data.slice(6, 4), MeanSquaredError{}, rule, options);
        Optimizer optimizer{parameters(by_optimizer), rule};
        fit(by_optimizer, data.slice(0, 6), data.slice(6, 4), MeanSquaredError{}, optimizer, options);
        options.validation_split = 0.4;
        const auto expected = fit(same, data, MeanSquaredError{}, rule, options);
        CHECK(values(model) == values(same));
        CHECK(values(by_optimizer) == values(same));
        CHECK(losses(history) == losses(expected));
        CHECK(validation_losses(history) == validation_losses(expected));
        CHECK(history.epochs[2].validation_metrics == expected.epochs[2].validation_metrics);
        CHECK(history.best_epoch == expected.best_epoch);
        CHECK(history.best_loss() == expected.best_loss());
    };
    agree({});
    agree({.truncate = 4, .early_stopping = EarlyStopping{.patience = 1}});
    agree({.shuffle = false, .stateful = true});
}

TEST_CASE("fit: the sequences of a validation set may be longer than those trained with") {
    const auto data = noise(4), longer = noise(3, 9, {9, 1, 7});
    auto model = small_model();
    const auto history = fit(model, data, longer, MeanSquaredError{}, SGD{.learning_rate = 0});
    CHECK(history.epochs[0].validation_loss == evaluate(model, longer, MeanSquaredError{}).loss);
    CHECK(history.best_loss() == history.epochs[0].validation_loss);
}

TEST_CASE("fit: gradients are clipped as the options say, and the report has the norm before") {
    const auto data = noise(4);
    const auto change = [&](FitOptions options) { // of a step of plain descent at a rate of 1: the gradient
        auto model = small_model();
        const auto before = values(model);
        options.batch_size = 4;
        const auto history = fit(model, data, MeanSquaredError{}, SGD{.learning_rate = 1}, options);
        std::vector<Matrix<double>> gradients;
        for (std::size_t k = 0; k < before.size(); ++k)
            gradients.push_back(before[k] - values(model)[k]);
        return std::pair(gradients, history.epochs[0].gradient_norm);
    };
    const auto norm = [](const std::vector<Matrix<double>>& all) {
        double sum = 0;
        for (const auto& m : all)
            sum += m.squaredNorm();
        return std::sqrt(sum);
    };
    const auto [plain, plain_norm] = change({});
    CHECK(plain_norm == Catch::Approx(norm(plain)));

    const auto [globally, global_norm_before] = change({.clip_norm = 0.1});
    CHECK(norm(globally) == Catch::Approx(0.1));
    CHECK(global_norm_before == plain_norm);
    const auto [by_value, value_norm_before] = change({.clip_value = 0.01});
    const auto [by_parameter, parameter_norm_before] = change({.clip_parameter_norm = 0.02});
    CHECK(value_norm_before == plain_norm);
    CHECK(parameter_norm_before == plain_norm);
    for (std::size_t k = 0; k < plain.size(); ++k) {
        CHECK(difference(globally[k], plain[k] * (0.1 / plain_norm)) < 1e-13);
        CHECK(difference(by_value[k], plain[k].cwiseMin(0.01).cwiseMax(-0.01)) < 1e-13);
        CHECK(difference(by_parameter[k], plain[k] * std::min(1.0, 0.02 / plain[k].norm())) < 1e-13);
    }
}

namespace {

/// A loss of one's own that doesn't look at its targets before the training.
struct Unchecked {
    template <class S>
    double operator()(SequenceView<S> y, SequenceView<S> target, Sequence<S>* dy) const {
        return MeanSquaredError{}(y, target, dy);
    }
    template <class S>
    double weight(SequenceView<S> y, SequenceView<S> target) const {
        return MeanSquaredError{}.weight(y, target);
    }
};

} // namespace

TEST_CASE("fit: a step with a gradient that isn't finite is not taken, and reported with its parameter") {
    auto data = noise(6);
    auto model = small_model();
    const auto before = values(model);
    data.y.step(2)(0, 1) = std::numeric_limits<double>::quiet_NaN(); // of the first batch
    const FitOptions options{.batch_size = 2, .shuffle = false, .clip_value = 1, .clip_norm = 1};
    const auto history = fit(model, data, Unchecked{}, Adam{}, options);
    CHECK(history.epochs[0].skipped_steps == 1);
    CHECK(history.epochs[0].non_finite == "0.SimpleRNN.W");
    CHECK(!history.epochs[0].too_large);
    CHECK(std::isnan(history.epochs[0].loss));
    CHECK(std::isfinite(history.epochs[0].gradient_norm));
    for (const auto& value : values(model))
        CHECK(value.allFinite());

    auto without = small_model(); // the other batches were trained on as if there were no first
    fit(without, data.slice(2, 4), Unchecked{}, Adam{}, options);
    CHECK(values(model) == values(without));

    auto untouched = small_model();
    const auto bad = fit(untouched, data.slice(0, 2), Unchecked{}, Adam{}, {.epochs = 3});
    CHECK(bad.epochs[2].skipped_steps == 1);
    CHECK(bad.best_epoch == 0);
    CHECK(values(untouched) == before);
}

TEST_CASE("fit: early stopping waits for its patience and puts the best epoch back") {
    // The targets of the validation part are the negatives of those trained on: after the first it only gets worse.
    auto data = noise(8);
    data.x.values().setOnes();
    data.y.values().setOnes();
    for (Index t = 0; t < 6; ++t)
        data.y.step(t).rightCols(4).setConstant(-1);
    const auto run = [&](Net& model, Index epochs, std::optional<EarlyStopping> early_stopping) {
        return fit(model, data, MeanSquaredError{}, SGD{.learning_rate = 0.01},
                   {.epochs = epochs, .validation_split = 0.5, .early_stopping = early_stopping});
    };
    auto best = small_model(), model = small_model(), last = small_model(), fourth = small_model();
    run(best, 1, {});
    run(fourth, 4, {});
    const auto history = run(model, 100, EarlyStopping{.patience = 3});
    CHECK(history.epochs.size() == 4);
    CHECK(history.stopped);
    CHECK(history.best_epoch == 1);
    CHECK(history.best_loss() == history.epochs[0].validation_loss);
    CHECK(values(model) == values(best));

    run(last, 100, EarlyStopping{.patience = 3, .restore_best = false});
    CHECK(values(last) == values(fourth));

    // Without a validation part the training loss is monitored, which falls: by less than min_delta.
    auto falling = small_model();
    const auto impatient = fit(falling, data.slice(0, 4), MeanSquaredError{}, SGD{.learning_rate = 1e-6},
                               {.epochs = 100, .early_stopping = EarlyStopping{.patience = 2, .min_delta = 0.1}});
    CHECK(impatient.epochs.size() == 3);
    CHECK(impatient.epochs[2].loss < impatient.epochs[0].loss);
}

TEST_CASE("fit: the schedule sets the rate of every epoch and is told the monitored loss") {
    auto model = small_model();
    const auto data = noise(4);
    const auto decayed = fit(model, data, MeanSquaredError{}, SGD{.learning_rate = 0.5},
                             {.epochs = 5, .schedule = StepDecay{.every = 2, .factor = 0.1}});
    std::vector<double> rates;
    for (const auto& epoch : decayed.epochs)
        rates.push_back(epoch.learning_rate);
    CHECK(rates[0] == 0.5);
    CHECK(rates[1] == 0.5);
    CHECK(rates[2] == Catch::Approx(0.05));
    CHECK(rates[4] == Catch::Approx(0.005));

    std::vector<ScheduleInput> inputs;
    const auto history = fit(model, data, MeanSquaredError{}, SGD{.learning_rate = 0.25},
                             {.epochs = 2, .validation_split = 0.5, .schedule = [&](const ScheduleInput& input) {
                                  inputs.push_back(input);
                                  return 0.125;
                              }});
    REQUIRE(inputs.size() == 2);
    CHECK((inputs[0].epoch == 0 && inputs[0].epochs == 2 && inputs[0].rate == 0.25 && std::isnan(inputs[0].loss)));
    CHECK((inputs[1].epoch == 1 && inputs[1].initial_rate == 0.25 && inputs[1].rate == 0.125));
    CHECK(inputs[1].loss == history.epochs[0].validation_loss);
}

TEST_CASE("fit: callbacks see every batch and epoch, and can stop the training at either") {
    const auto data = noise(5);
    auto model = small_model();
    std::string seen;
    const auto watch = [&](Progress& p) {
        seen += std::to_string(p.epoch) + "/" + std::to_string(p.epochs) + ":" + std::to_string(p.batch) + "/" +
                std::to_string(p.batches) + (p.epoch_end ? "! " : " ");
    };
    const auto run = [&](const Callback& callback) {
        seen.clear();
        return fit(model, data, MeanSquaredError{}, SGD{},
                   {.epochs = 2, .batch_size = 2, .validation_split = 0.2, .callbacks = {watch, callback}});
    };
    std::vector<double> reported;
    auto history = run(every_epoch([&](const EpochReport& report) { reported.push_back(report.validation_loss); }));
    CHECK(seen == "1/2:1/2 1/2:2/2 1/2:2/2! 2/2:1/2 2/2:2/2 2/2:2/2! ");
    CHECK(reported == std::vector<double>{history.epochs[0].validation_loss, history.epochs[1].validation_loss});
    CHECK_FALSE(history.stopped);

    history = run([](Progress& p) { p.stop = p.batch == 1; });
    CHECK(seen == "1/2:1/2 "); // nothing more is waited for: no validation, no end of the epoch
    CHECK((history.stopped && history.epochs.size() == 1));
    CHECK(std::isfinite(history.epochs[0].loss));
    CHECK(std::isnan(history.epochs[0].validation_loss));
    CHECK(history.best_epoch == 0);

    history = run([](Progress& p) { p.stop = p.epoch_end; });
    CHECK(seen == "1/2:1/2 1/2:2/2 1/2:2/2! ");
    CHECK((history.stopped && history.epochs.size() == 1));
}

TEST_CASE("fit: a callback cannot undo that another ends the training, and sees it") {
    auto model = small_model();
    for (const bool at_end : {false, true}) {
        std::vector<bool> seen;
        const auto stop = [&](Progress& p) { p.stop = p.epoch_end == at_end; };
        const auto undo = [&](Progress& p) {
            seen.push_back(p.stop);
            p.stop = false;
        };
        const auto history = fit(model, noise(4), MeanSquaredError{}, SGD{},
                                 {.epochs = 3, .batch_size = 2, .callbacks = {undo, stop, undo}});
        CHECK((history.stopped && history.epochs.size() == 1));
        CHECK(seen[seen.size() - 2] == false);
        CHECK(seen.back() == true);
    }
    // Nor that early stopping does.
    bool told = false;
    const auto history =
        fit(model, noise(4), MeanSquaredError{}, SGD{.learning_rate = 0},
            {.epochs = 9, .early_stopping = EarlyStopping{.patience = 2}, .callbacks = {[&](Progress& p) {
                                                                              told = p.stop;
                                                                              p.stop = false;
                                                                          }}});
    CHECK((told && history.stopped && history.epochs.size() == 3));
}

TEST_CASE("fit: after a schedule the optimizer has the rate it was given, after an exception as well") {
    const auto data = noise(6);
    auto model = small_model();
    Optimizer optimizer{parameters(model), SGD{.learning_rate = 0.5}};
    const FitOptions options{.epochs = 3, .schedule = ExponentialDecay{.factor = 0.5}};
    for (int call = 0; call < 2; ++call) {
        CHECK(fit(model, data, MeanSquaredError{}, optimizer, options).epochs[2].learning_rate == 0.125);
        CHECK(optimizer.learning_rate() == 0.5);
    }
    FitOptions throwing = options;
    throwing.callbacks = {[](Progress& p) {
        if (p.epoch == 2)
            throw std::runtime_error("enough");
    }};
    CHECK_THROWS_WITH(fit(model, data, MeanSquaredError{}, optimizer, throwing), "enough");
    CHECK(optimizer.learning_rate() == 0.5);
}

TEST_CASE("fit: with an optimizer of the caller's every call draws another order of the samples") {
    // At a rate of 0 the gradient's norm of a batch says which samples are in it.
    const auto data = noise(8);
    auto model = small_model();
    Optimizer optimizer{parameters(model), SGD{.learning_rate = 0}};
    std::set<double> norms;
    for (int call = 0; call < 5; ++call)
        norms.insert(fit(model, data, MeanSquaredError{}, optimizer, {.batch_size = 4}).epochs[0].gradient_norm);
    CHECK(norms.size() >= 4);
}

TEST_CASE("fit: early stopping without a loss that is a number says so, and does not call epoch 0 the best") {
    const auto data = noise(4);
    auto model = small_model();
    const SGD wild{.learning_rate = 1e100};
    const auto run = [&](FitOptions options) { return fit(model, data, MeanSquaredError{}, wild, options); };
    model.layer<1>().b().value.setConstant(std::numeric_limits<double>::infinity());
    CHECK_THROWS_AS(run({.epochs = 9, .early_stopping = EarlyStopping{.patience = 2}}), std::runtime_error);
    CHECK_THROWS_WITH(
        run({.epochs = 9, .early_stopping = EarlyStopping{.patience = 2}}),
        "fit: early stopping has no best epoch: the loss it monitors, that of training, is NaN or infinite in the last "
        "2 epochs, and in the last of them 1 steps were not taken, as the gradient of 0.SimpleRNN.W was not finite. "
        "Lower the learning rate, clip gradients, or look for large numbers in the data");
    const auto history = run({.epochs = 2});
    CHECK((history.best_epoch == 0 && history.epochs.size() == 2));
}

TEST_CASE("fit: with an optimizer of the caller's it goes on where it ended") {
    const auto data = noise(6);
    auto model = small_model(), at_once = small_model();
    const FitOptions two{.epochs = 2, .batch_size = 3, .shuffle = false};
    Optimizer optimizer{parameters(model), Adam{.learning_rate = 0.01}};
    fit(model, data, MeanSquaredError{}, optimizer, two);
    fit(model, data, MeanSquaredError{}, optimizer, two);
    auto four = two;
    four.epochs = 4;
    fit(at_once, data, MeanSquaredError{}, Adam{.learning_rate = 0.01}, four);
    CHECK(values(model) == values(at_once));
    CHECK(optimizer.steps() == 8);
}

TEST_CASE("fit: no epochs, no training") {
    auto model = small_model();
    const auto before = values(model);
    const auto history = fit(model, noise(3), MeanSquaredError{}, SGD{}, {.epochs = 0});
    CHECK(history.epochs.empty());
    CHECK(std::isnan(history.best_loss()));
    CHECK(values(model) == before);
}

TEST_CASE("fit: what is out of range is refused before anything is changed") {
    auto model = small_model();
    const auto before = values(model);
    const auto data = noise(7, 5);
    const auto refused = [&](const Dataset<double>& with, const FitOptions& options, const std::string& message) {
        REQUIRE_THROWS_AS(fit(model, with, MeanSquaredError{}, SGD{}, options), std::invalid_argument);
        REQUIRE_THROWS_WITH(fit(model, with, MeanSquaredError{}, SGD{}, options), message);
    };
    refused(data, {.epochs = -1}, "fit: epochs is -1, expected epochs >= 0");
    refused(data, {.batch_size = 0}, "fit: batch_size is 0, expected batch_size >= 1");
    refused(data, {.validation_split = 1}, "fit: validation_split is 1, expected 0 <= validation_split < 1");
    refused(data, {.validation_split = -0.5}, "fit: validation_split is -0.5, expected 0 <= validation_split < 1");
    refused(data, {.validation_split = 0.9}, "fit: validation_split 0.9 leaves none of 7 samples to train on");
    refused(data, {.truncate = -2}, "fit: truncate is -2, expected truncate >= 0");
    refused({data.x, part(data.y, 0, 7, 0, 1)}, {.truncate = 2},
            "fit: truncate needs a target for every step: x has 5 steps and the targets have 1");
    refused(data, {.stateful = true}, "fit: stateful needs shuffle = false and bucket = 0");
    refused(data, {.shuffle = false, .bucket = 2, .stateful = true},
            "fit: stateful needs shuffle = false and bucket = 0");
    refused(data, {.bucket = -1}, "fit: bucket is -1, expected bucket >= 0");
    refused(data, {.batch_size = 2, .shuffle = false, .stateful = true},
            "fit: stateful needs batches of equal size: 7 samples are no multiple of batch_size 2");
    refused(data, {.batch_size = 4, .validation_split = 0.4, .shuffle = false, .stateful = true},
            "fit: stateful needs batches of equal size: 3 validation samples are no multiple of batch_size 4");
    refused(data, {.planned_epochs = -1}, "fit: planned_epochs is -1, expected planned_epochs >= 0");
    refused(data, {.epochs = 3, .planned_epochs = 2},
            "fit: planned_epochs is 2 with 0 epochs trained and 3 to train, expected at least their sum, or 0");
    refused(data, {.early_stopping = EarlyStopping{.patience = -1}},
            "fit: early stopping's patience is -1, expected patience >= 0");
    refused(data, {.early_stopping = EarlyStopping{.min_delta = std::numeric_limits<double>::quiet_NaN()}},
            "fit: early stopping's min_delta is nan, expected min_delta >= 0");
    refused(data, {.callbacks = {Callback()}}, "fit: a callback is empty, expected a function of Progress");
    refused(data, {.clip_value = -1}, "fit: clip_value -1, clip_parameter_norm 0 and clip_norm 0 must all be >= 0");
    refused({data.x, part(data.y, 0, 6, 0, 5)}, {}, "fit: x has 7 samples and y 6");
    refused({data.y, data.y}, {}, "Sequential: layer 0 (SimpleRNN): x has 1 features, expected 2");
    refused({data.x, data.x}, {}, "MeanSquaredError: the targets have 2 features, expected 1");
    REQUIRE_THROWS_WITH(fit(model, data, MeanSquaredError{}, SGD{.learning_rate = -1}),
                        "SGD: learning_rate is -1, expected a finite number >= 0");
    CHECK(values(model) == before);
}

TEST_CASE("fit: a validation set that doesn't fit is refused before anything is changed") {
    auto model = small_model();
    const auto before = values(model);
    const auto data = noise(6, 5);
    const auto refused = [&](const Dataset<double>& validation, const FitOptions& options, const std::string& message) {
        REQUIRE_THROWS_AS(fit(model, data, validation, MeanSquaredError{}, SGD{}, options), std::invalid_argument);
        REQUIRE_THROWS_WITH(fit(model, data, validation, MeanSquaredError{}, SGD{}, options), message);
    };
    refused(data, {.validation_split = 0.25}, "fit: validation_split is 0.25, expected 0 beside a validation set");
    refused({}, {}, "fit: the validation set is empty");
    refused({data.x, part(data.y, 0, 4, 0, 5)}, {}, "fit: x of the validation set has 6 samples and y 4");
    refused({data.y, data.y}, {}, "fit: x of the validation set has 1 features, expected 2 as in the training set");
    refused({data.x, data.x}, {}, "fit: y of the validation set has 2 features, expected 1 as in the training set");
    refused(noise(4), {.batch_size = 3, .shuffle = false, .stateful = true},
            "fit: stateful needs batches of equal size: 4 validation samples are no multiple of batch_size 3");
    refused(noise(4), {.batch_size = 4, .shuffle = false, .stateful = true},
            "fit: stateful needs batches of equal size: 6 samples are no multiple of batch_size 4");
    refused(data, {.batch_size = 0}, "fit: batch_size is 0, expected batch_size >= 1");
    CHECK(values(model) == before);
}

namespace {

/// Random numbers, every target the class `first`.
Dataset<double> classes(Index samples, Index steps, double first) {
    Random random(41);
    Dataset<double> data{random_sequence<double>(2, steps, samples, random), Sequence<double>(1, steps, samples)};
    data.y.values().setConstant(first);
    return data;
}

auto classifier() {
    return Sequential{SimpleRNN<double>{2, 4, {}, {.seed = 1}}, Dense<double>{4, 3, {.seed = 2}}};
}

} // namespace

TEST_CASE("fit: a batch or chunk without a target to compare with is no step, but its state goes on") {
    auto data = classes(4, 6, 0);
    data.y.values()(0, 0) = 1; // one target in the first batch, none in the second
    auto model = classifier(), same = classifier();
    const SoftmaxCrossEntropy loss{.ignore = 0};
    const FitOptions options{.epochs = 2, .batch_size = 2, .shuffle = false};
    const auto history = fit(model, data, loss, Adam{}, options);
    CHECK(history.epochs[0].loss == fit(same, data.slice(0, 2), loss, Adam{}, options).epochs[0].loss);
    CHECK(values(model) == values(same));
    CHECK(evaluate(model, data, loss, {.batch_size = 2}).loss == evaluate(model, data, loss).loss);

    // A target at the end alone, in the second chunk: only there is a step, and from the state of the first.
    data = classes(1, 6, 0);
    data.y.step(5)(0, 0) = 2;
    auto cut = classifier(), by_hand = classifier();
    const auto cut_history = fit(cut, data, loss, SGD{}, {.truncate = 3});
    decltype(by_hand)::State state;
    decltype(by_hand)::Tape tape;
    by_hand.forward({data.x.step(0).data(), 2, 3, 1}, tape, state);
    by_hand.final_state(tape, state);
    const auto output = by_hand.forward({data.x.step(3).data(), 2, 3, 1}, tape, state);
    CHECK(cut_history.epochs[0].loss == loss(output, {data.y.step(3).data(), 1, 3, 1}));
}

TEST_CASE("fit: targets that the loss cannot have are named before anything is changed") {
    auto data = classes(5, 6, 2);
    auto model = classifier();
    const auto before = values(model);
    data.y.step(4)(0, 3) = 3;
    REQUIRE_THROWS_WITH(fit(model, data, SoftmaxCrossEntropy{}, Adam{}, {.batch_size = 1}),
                        "SoftmaxCrossEntropy: the target at step 4 of sequence 3 is 3, expected a class, 0 … 2");
    REQUIRE_THROWS_WITH(fit(model, classes(5, 6, 2), data, SoftmaxCrossEntropy{}, Adam{}),
                        "SoftmaxCrossEntropy: the target at step 4 of sequence 3 is 3, expected a class, 0 … 2");
    data.x.set_lengths(std::vector<Index>{6, 6, 6, 4, 6}); // now it is padding
    fit(model, data, SoftmaxCrossEntropy{}, SGD{.learning_rate = 0});
    CHECK(values(model) == before);
}

TEST_CASE("fit: data without a target that counts is refused before anything is changed") {
    auto model = classifier();
    const auto before = values(model);
    Optimizer optimizer{parameters(model), SGD{.learning_rate = 0.5}};
    const std::string none = ", every one is padding, ignored or of weight 0";
    const auto refused = [&](const auto& loss, FitOptions options, const std::string& message, const auto&... data) {
        bool began = false;
        options.schedule = [](const ScheduleInput&) { return 0.25; };
        options.callbacks = {[&](Progress&) { began = true; }};
        REQUIRE_THROWS_AS(fit(model, data..., loss, optimizer, options), std::invalid_argument);
        REQUIRE_THROWS_WITH(fit(model, data..., loss, optimizer, options), message + none);
        CHECK_FALSE(began);
    };
    const SoftmaxCrossEntropy loss{.ignore = 2}, weightless{.class_weights = {1, 1, 0}};
    const auto ignored = classes(5, 6, 2);
    const std::string training = "fit: there is no target to compare with in 5 samples to train with";
    refused(loss, {}, training, ignored);
    refused(weightless, {}, training, ignored);
    refused(loss, {}, training, ignored, classes(5, 6, 1));
    const std::string validation = "fit: there is no target to compare with in 5 validation samples";
    refused(loss, {}, validation, classes(4, 6, 1), ignored);
    refused(weightless, {}, validation, classes(4, 6, 1), ignored);

    // The first three samples, or the last two, are ignored: together they have targets.
    auto halves = classes(5, 6, 1);
    for (Index t = 0; t < 6; ++t)
        halves.y.step(t).leftCols(3).setConstant(2);
    refused(loss, {.validation_split = 0.4}, "fit: there is no target to compare with in 3 samples to train with",
            halves);
    halves = classes(5, 6, 1);
    for (Index t = 0; t < 6; ++t)
        halves.y.step(t).rightCols(2).setConstant(2);
    refused(loss, {.validation_split = 0.4}, "fit: there is no target to compare with in 2 validation samples", halves);

    // Padding alone, for losses that don't look at classes.
    Dataset<double> padding{Sequence<double>(2, 6, 2, {0, 0}), Sequence<double>(3, 6, 2)};
    const Dataset<double> real{Sequence<double>(2, 6, 2), Sequence<double>(3, 6, 2)};
    const std::string of_two = "fit: there is no target to compare with in 2 validation samples";
    refused(MeanSquaredError{}, {}, of_two, real, padding);
    refused(BinaryCrossEntropy{}, {}, of_two, real, padding);
    refused(MeanSquaredError{}, {}, "fit: there is no target to compare with in 2 samples to train with", padding);

    // Sequences without a step, but a target each.
    Sequential last{LSTM<double>(2, 3), LastStep{}, Dense<double>(3, 1)};
    const auto start = values(last);
    const Dataset<double> half_empty{Sequence<double>(2, 6, 4, {0, 0, 6, 6}), Sequence<double>(1, 1, 4)};
    REQUIRE_THROWS_WITH(fit(last, half_empty, MeanSquaredError{}, SGD{}, {.validation_split = 0.5}),
                        "fit: no sequence of x has a step in 2 samples to train with");
    REQUIRE_THROWS_WITH(fit(last, half_empty.slice(2, 2), half_empty.slice(0, 2), MeanSquaredError{}, SGD{}),
                        "fit: no sequence of x has a step in 2 validation samples");
    REQUIRE_THROWS_WITH(fit(last, Dataset<double>{}, MeanSquaredError{}, SGD{}), "fit: the data set is empty");
    CHECK(values(last) == start);
    CHECK(values(model) == before);
    CHECK(optimizer.learning_rate() == 0.5);
    CHECK(optimizer.steps() == 0);
}

namespace {

/// A loss of one's own that can't tell targets from padding before there are outputs.
struct Uncertain {
    template <std::floating_point S>
    double operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                      std::type_identity_t<Sequence<S>>* dy) const {
        return SoftmaxCrossEntropy{.ignore = 2}(y, target, dy);
    }
    template <std::floating_point S>
    double weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const {
        return SoftmaxCrossEntropy{.ignore = 2}.weight(y, target);
    }
};

} // namespace

TEST_CASE("fit: without check() a loss of one's own is asked for its weight batch by batch") {
    auto model = classifier(), same = classifier();
    const auto before = values(model);
    REQUIRE_THROWS_WITH(fit(model, classes(5, 6, 2), Uncertain{}, Adam{}),
                        "fit: there is no target to compare with in the whole data set");
    CHECK(values(model) == before);
    const auto history = fit(model, classes(5, 6, 1), Uncertain{}, Adam{});
    CHECK(losses(history) == losses(fit(same, classes(5, 6, 1), SoftmaxCrossEntropy{.ignore = 2}, Adam{})));
    REQUIRE_THROWS_WITH(fit(model, classes(5, 6, 1), classes(5, 6, 2), Uncertain{}, Adam{}),
                        "evaluate: there is no target to compare with in the whole data set");
}

TEST_CASE("fit: metrics are reported for training and validation, in the order of the options") {
    Random random(42);
    auto data = classes(10, 6, 0);
    for (double& k : data.y.values().reshaped())
        k = static_cast<double>(random.below(3));
    auto model = classifier();
    std::vector<std::vector<double>> seen;
    // A rate of 0: nothing is learnt, so the metrics are those of the parts.
    const auto history = fit(model, data, SoftmaxCrossEntropy{}, SGD{.learning_rate = 0},
                             {.epochs = 2,
                              .batch_size = 3,
                              .validation_split = 0.2,
                              .metrics = {Perplexity{}, Accuracy{}, Accuracy{.ignore = 1}},
                              .callbacks = {[&](Progress& p) {
                                  CHECK(p.metrics.size() == 3);
                                  seen.push_back(p.report.metrics);
                              }}});
    CHECK(history.metrics == std::vector<std::string>{"perplexity", "accuracy", "accuracy"});
    CHECK(seen.size() == 8); // three batches and the end, twice
    for (const auto& [values, part] : {std::pair(history.epochs[1].metrics, data.slice(0, 8)),
                                       {history.epochs[1].validation_metrics, data.slice(8, 2)}}) {
        const auto evaluation =
            evaluate(model, part, SoftmaxCrossEntropy{},
                     {.batch_size = 5, .metrics = {Perplexity{}, Accuracy{}, Accuracy{.ignore = 1}}});
        REQUIRE(values.size() == 3);
        CHECK(values[0] == Catch::Approx(std::exp(evaluation.loss)));
        CHECK(values[0] == Catch::Approx(evaluation.metrics[0]));
        CHECK(values[1] == Catch::Approx(evaluation.metrics[1]));
        CHECK(values[2] == Catch::Approx(evaluation.metrics[2]));
    }
    CHECK(seen.back() == history.epochs[1].metrics);
}

TEST_CASE("fit: samples and targets may be given in braces") {
    const auto data = noise(4);
    auto model = small_model(), same = small_model();
    fit(model, {data.x, data.y}, MeanSquaredError{}, Adam{});
    fit(same, data, MeanSquaredError{}, Adam{});
    CHECK(values(model) == values(same));
    fit(model, {data.x, data.y}, {data.x, data.y}, MeanSquaredError{}, Adam{});
    fit(same, data, MeanSquaredError{}, Adam{});
    CHECK(values(model) == values(same));
    CHECK(evaluate(model, {data.x, data.y}, MeanSquaredError{}).loss == evaluate(model, data, MeanSquaredError{}).loss);
}

TEST_CASE("fit: in buckets every sample is trained with once") {
    std::vector<Matrix<double>> list;
    for (Index k = 0; k < 20; ++k)
        list.emplace_back(Matrix<double>::Constant(2, 1 + (7 * k) % 20, static_cast<double>(k)));
    const auto data = sequences(list, Matrix<double>::Zero(1, 20));
    auto model = Sequential{SimpleRNN<double>{2, 4, {}, {.seed = 1}}, LastStep{}, Dense<double>{4, 1, {.seed = 2}}};
    const auto history =
        fit(model, data, MeanSquaredError{}, SGD{.learning_rate = 0}, {.batch_size = 3, .seed = 5, .bucket = 7});
    CHECK(history.epochs[0].loss == Catch::Approx(evaluate(model, data, MeanSquaredError{}).loss).epsilon(1e-13));
}

TEST_CASE("fit: stateful training is validated where it has ended") {
    const auto data = noise(6, 3);
    auto model = small_model();
    const auto history = fit(model, data, MeanSquaredError{}, SGD{.learning_rate = 0},
                             {.batch_size = 1, .validation_split = 0.5, .shuffle = false, .stateful = true});
    Sequence<double> x(2, 18, 1), y(1, 18, 1); // one after the other: one sequence of 18 steps
    for (Index b = 0; b < 6; ++b)
        for (Index t = 0; t < 3; ++t) {
            x.step(3 * b + t) = data.x.step(t).col(b);
            y.step(3 * b + t) = data.y.step(t).col(b);
        }
    const auto output = model(x);
    CHECK(history.epochs[0].validation_loss ==
          Catch::Approx((output.values() - y.values()).rightCols(9).squaredNorm() / 9).epsilon(1e-13));
}
