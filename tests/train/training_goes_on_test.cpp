// Training: n calls of fit with k epochs are one call with n·k, bit for bit, however a call ends.
#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/encoder_decoder.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/train/fit.hpp"

#include "catch.hpp"
#include "support.hpp"
#include "train/going_on.hpp"

#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

FitOptions with(FitOptions options, Index epochs, const Callback& callback = {}) {
    options.epochs = epochs;
    options.planned_epochs = all_epochs;
    if (callback)
        options.callbacks.push_back(callback);
    return options;
}

/// Calls fit until all epochs are trained or it trains nothing more.
template <class F>
Trained train(F&& call) {
    auto model = noisy_model();
    Training training{model, Adam{.learning_rate = 0.05}};
    for (int calls = 0; calls < 40; ++calls)
        call(training);
    return outcome(training);
}

struct Enough {};

} // namespace

TEST_CASE("Training: calls of any number of epochs are one call, whatever the options") {
    for (const OptionSet& set : option_sets()) {
        INFO(set.name);
        const auto left = [](const auto& training) { return all_epochs - training.epochs(); };
        const auto data = training_data(), validation = validation_data();
        const auto once =
            train([&](auto& t) { fit(t, data, validation, MeanSquaredError{}, with(set.make(), left(t))); });
        if (set.make().schedule)
            CHECK(once.history.epochs[5].learning_rate != 0.05);
        if (set.make().early_stopping)
            CHECK((once.history.epochs.size() < 6 || !once.last.empty()));
        for (const Index epochs : {1, 2, 4}) {
            INFO("calls of " << epochs << " epochs");
            CHECK(once == train([&](auto& t) {
                      fit(t, data, validation, MeanSquaredError{}, with(set.make(), std::min(epochs, left(t))));
                  }));
        }
        // A callback ends the call after every batch, by its word or by an exception.
        CHECK(once == train([&](auto& t) {
                  fit(t, data, validation, MeanSquaredError{},
                      with(set.make(), left(t), [](Progress& p) { p.stop = true; }));
              }));
        CHECK(once == train([&](auto& t) {
                  const auto enough = [](Progress&) { throw Enough(); };
                  try {
                      fit(t, data, validation, MeanSquaredError{}, with(set.make(), left(t), enough));
                  } catch (const Enough&) {
                  }
              }));
    }
}

TEST_CASE("Training: a call is what fit with a rule is, and differs from one that begins anew") {
    const auto data = training_data();
    auto model = noisy_model(), same = noisy_model();
    const FitOptions options{.epochs = 3, .batch_size = 4, .schedule = CosineAnnealing{}};
    Training training{model, Adam{}};
    const History& history = fit(training, data, MeanSquaredError{}, options);
    const History expected = fit(same, data, MeanSquaredError{}, Adam{}, options);
    CHECK(values(model) == values(same));
    CHECK(history.epochs[2].loss == expected.epochs[2].loss);
    CHECK(&history == &training.history());
    CHECK(training.epochs() == 3);

    fit(training, data, MeanSquaredError{}, options);
    fit(same, data, MeanSquaredError{}, Adam{}, options);
    CHECK(values(model) != values(same));
    CHECK(history.epochs.size() == 6);
}

TEST_CASE("Training: put back into another of an equal model, it goes on there") {
    const auto data = training_data(), validation = validation_data();
    for (const OptionSet& set : option_sets()) {
        INFO(set.name);
        auto model = noisy_model();
        Training training{model, Adam{.learning_rate = 0.05}};
        fit(training, data, validation, MeanSquaredError{}, with(set.make(), all_epochs));

        auto first = noisy_model();
        Training begun{first, Adam{.learning_rate = 0.05}};
        Index batches = 0;
        fit(begun, data, validation, MeanSquaredError{},
            with(set.make(), all_epochs, [&](Progress& p) { p.stop = ++batches == 7; }));
        auto second = noisy_model(99);
        copy_values(first, second);
        Training other{second, Adam{.learning_rate = 1}};
        other.set_state(begun.state(), begun.optimizer().state());
        fit(other, data, validation, MeanSquaredError{}, with(set.make(), all_epochs - other.epochs()));
        CHECK(outcome(training) == outcome(other));
    }
}

TEST_CASE("Training: a callback's exception loses neither history nor rate") {
    const auto data = training_data();
    auto model = noisy_model();
    Training training{model, Adam{.learning_rate = 0.5}};
    const FitOptions options{
        .epochs = 4, .batch_size = 4, .schedule = ExponentialDecay{.factor = 0.5}, .callbacks = {[](Progress& p) {
                                                                                       if (p.epoch == 3 && p.batch == 2)
                                                                                           throw Enough();
                                                                                   }}};
    CHECK_THROWS_AS(fit(training, data, MeanSquaredError{}, options), Enough);
    REQUIRE(training.history().epochs.size() == 3);
    CHECK(training.epochs() == 2);
    CHECK(training.learning_rate() == 0.125);
    CHECK(std::isfinite(training.history().epochs[2].loss));
    CHECK(training.optimizer().steps() == 3 + 3 + 2);
    training.set_learning_rate(0.25); // now it is this that the schedule starts from
    fit(training, data, MeanSquaredError{},
        {.epochs = 2, .batch_size = 4, .schedule = ExponentialDecay{.factor = 0.5}});
    CHECK(training.history().epochs[3].learning_rate == 0.03125);
    fit(training, data, MeanSquaredError{}, {.batch_size = 4}); // and without a schedule it is the rate
    CHECK(training.history().epochs[4].learning_rate == 0.25);
}

TEST_CASE("Training: early stopping shows the best epoch and goes on from the last") {
    const auto data = training_data(), validation = validation_data();
    auto model = noisy_model();
    Training training{model, Adam{.learning_rate = 0.3}};
    const FitOptions options{
        .epochs = 4, .batch_size = 4, .early_stopping = EarlyStopping{.patience = 50, .min_delta = 0}};
    Index best = 4;
    while (best == training.epochs() || training.epochs() == 0) // until the last isn't the best
        best = fit(training, data, validation, MeanSquaredError{}, options).best_epoch;
    CHECK(values(model) == training.state().best);
    CHECK(values(model) != training.state().last);

    // Who changes the parameters goes on from what they are now.
    auto changed = values(model);
    changed[0](0, 0) += 1;
    parameters(model)[0].parameter->value = changed[0];
    fit(training, data, validation, MeanSquaredError{},
        {.epochs = 1, .batch_size = 4, .callbacks = {[&](Progress& p) {
                                           CHECK((values(model)[0] - changed[0]).cwiseAbs().maxCoeff() <
                                                 0.5 * static_cast<double>(p.batch));
                                       }}});

    // Patience that has ended stays so, and longer patience goes on.
    auto other = noisy_model();
    Training patient{other, Adam{.learning_rate = 0}};
    const auto call = [&](Index patience) {
        fit(patient, data, validation, MeanSquaredError{},
            {.epochs = 20, .early_stopping = EarlyStopping{.patience = patience}});
        CHECK(patient.history().stopped);
        return patient.epochs();
    };
    CHECK(call(2) == 3);
    CHECK(call(2) == 3);
    CHECK(call(4) == 5);
}

TEST_CASE("Training: an epoch that has begun is begun anew where its batches are others") {
    auto model = noisy_model();
    Training training{model, Adam{}};
    const auto stop = [](Progress& p) { p.stop = p.batch == 2; };
    fit(training, training_data(), MeanSquaredError{}, {.batch_size = 4, .callbacks = {stop}});
    CHECK(training.state().begun->batches == 2);
    CHECK(training.history().epochs.size() == 1);
    fit(training, training_data(), MeanSquaredError{}, {.batch_size = 6});
    CHECK(training.history().epochs.size() == 1);
    CHECK(training.optimizer().steps() == 2 + 2);
    CHECK_FALSE(training.state().begun);
}

TEST_CASE("Training: what contradicts it is refused before anything is changed") {
    const auto data = training_data();
    auto model = noisy_model();
    Training training{model, Adam{}};
    fit(training, data, MeanSquaredError{}, {.epochs = 2, .metrics = {MeanAbsoluteError{}}});
    const auto before = outcome(training);
    REQUIRE_THROWS_WITH(
        fit(training, data, MeanSquaredError{}),
        "fit: the metrics are not those of the training so far, of which the history has 1; ask for the "
        "same, or begin another Training");
    REQUIRE_THROWS_WITH(
        fit(training, data, MeanSquaredError{}, {.planned_epochs = 2, .metrics = {MeanAbsoluteError{}}}),
        "fit: planned_epochs is 2 with 2 epochs trained and 1 to train, expected at least their sum, or 0");
    REQUIRE_THROWS_WITH(training.set_learning_rate(-1), "Adam: learning_rate is -1, expected a finite number >= 0");

    const auto refused = [&](auto&& change, const std::string& message) {
        auto state = training.state();
        auto moments = training.optimizer().state();
        change(state, moments);
        REQUIRE_THROWS_AS(training.set_state(state, moments), std::invalid_argument);
        REQUIRE_THROWS_WITH(training.set_state(state, moments), message);
    };
    const std::string at = "Training::set_state: ";
    refused([](auto& s, auto&) { s.epochs = -1; }, at + "epochs is -1, expected epochs >= 0");
    refused([](auto& s, auto&) { s.epochs = 3; },
            at + "the history has 2 reports, expected one for each of 3 epochs that have ended");
    refused([](auto& s, auto&) { s.begun.emplace(); },
            at + "the history has 2 reports, expected one for each of 2 epochs that have ended and the one that has "
                 "begun");
    refused([](auto& s, auto&) { s.monitored.clear(); },
            at + "there are 0 monitored losses, expected one for each of 2 epochs");
    refused([](auto& s, auto&) { s.history.best_epoch = 3; }, at + "best_epoch is 3, expected 0 <= best_epoch <= 2");
    refused([](auto& s, auto&) { s.masks.pop_back(); },
            at + "there are generators for the masks of 2 layers, expected 3");
    refused([](auto& s, auto&) { s.order.reset(); },
            at + "the generator of the order is missing, expected one after 2 epochs");
    refused([](auto& s, auto&) { s.best.resize(1); }, at + "there are best values of 1 parameters, expected 8");
    refused([&](auto& s, auto&) { s.last = values(model); },
            at + "there are last values of the parameters and no best ones, expected both or no last ones");
    refused([&](auto& s, auto&) { s.best = values(model), s.best[1].resize(1, 2); },
            at + "the best values of 0.Bidirectional.forward.U are 1 × 2, expected 3 × 3");
    refused([](auto& s, auto&) { s.rate = -2; }, "Adam: learning_rate is -2, expected a finite number >= 0");
    refused([](auto&, auto& m) { m.moments.pop_back(); }, "Optimizer::set_state: moments of 7 parameters, expected 8");
    const auto begin = [](auto& s) {
        s.history.epochs.push_back({});
        s.begun = BegunEpoch<double>{{12, 4, 0, true}, 1, std::vector<MetricSum>(2), {}};
    };
    refused([&](auto& s, auto&) { begin(s), s.begun->batches = 4; },
            at + "the epoch that has begun has trained 4 batches of 4 of the 12 samples, expected at most all");
    refused([&](auto& s, auto&) { begin(s), s.begun->plan.batch_size = 0; },
            at + "the epoch that has begun has trained 1 batches of 0 of the 12 samples, expected at most all");
    refused([&](auto& s, auto&) { begin(s), s.begun->sums.pop_back(); },
            at + "the epoch that has begun has sums of 1 losses and metrics, expected 2");
    refused([&](auto& s, auto&) { begin(s), s.begun->carried.resize(1); },
            at + "the epoch that has begun carries a state of 1 matrices, expected 2");

    // Nor is it changed under a fit that runs.
    const auto within = [&](Progress&) { training.set_state(training.state(), training.optimizer().state()); };
    REQUIRE_THROWS_WITH(
        fit(training, data, MeanSquaredError{}, {.metrics = {MeanAbsoluteError{}}, .callbacks = {within}}),
        at + "fit is running, expected a call after it has returned");
    const auto again = [&](Progress&) { fit(training, data, MeanSquaredError{}, {.metrics = {MeanAbsoluteError{}}}); };
    REQUIRE_THROWS_AS(fit(training, data, MeanSquaredError{}, {.metrics = {MeanAbsoluteError{}}, .callbacks = {again}}),
                      std::logic_error);
    CHECK(training.history().epochs.size() == 3); // the epoch that the first began has ended in the second
    CHECK(before.history.epochs[1].loss == training.history().epochs[1].loss);
}

TEST_CASE("each_random: every generator of a model's masks is reached, and carries them to another tape") {
    const RecurrentOptions noisy{.seed = 1, .recurrent_dropout = 0.3, .zoneout = 0.2};
    EncoderDecoder model{Sequential{Bidirectional{SimpleRNN<double>{2, 3, {}, noisy}}, Dropout{0.5},
                                    SimpleRNN<double>{6, 4, {}, {.seed = 2}}},
                         Sequential{SimpleRNN<double>{2, 4, {}, noisy}, Dropout{0.25}},
                         {.encoder_steps = 2}};
    Random random(8);
    const auto x = random_sequence<double>(2, 5, 3, random);
    decltype(model)::Tape tape, other;
    std::vector<Random> generators;
    const auto keep = [&](const Random& r) { generators.push_back(r); };
    model.each_random(tape, keep);
    CHECK(generators.size() == 5);
    const Matrix<double> first = model.forward(x, tape).values();
    CHECK(Matrix<double>(model.forward(x, other).values()) == first); // seeded as a pass would seed them

    generators.clear();
    model.each_random(tape, keep);
    const Matrix<double> second = model.forward(x, tape).values();
    CHECK(second != first);
    decltype(model)::Tape fresh;
    auto next = generators.begin();
    model.each_random(fresh, [&](Random& r) { r = *next++; });
    CHECK(Matrix<double>(model.forward(x, fresh).values()) == second);
}
