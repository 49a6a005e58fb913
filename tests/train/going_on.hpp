// What the tests of trainings that go on share: a model that draws all kinds of masks, options of every kind, and all
// that a training comes to.
#pragma once

#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/train/fit.hpp"
#include "carousel/train/regression_metrics.hpp"

#include "support.hpp"

#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace carousel::test {

constexpr Index all_epochs = 6;

inline auto noisy_model(std::uint64_t seed = 3) {
    const RecurrentOptions noise{.seed = seed, .recurrent_dropout = 0.2, .zoneout = 0.1};
    return Sequential{Bidirectional{SimpleRNN<double>{2, 3, {}, noise}}, Dropout{0.2, {.seed = seed}},
                      Dense<double>{6, 1, {.seed = seed}}};
}

/// Sequences of several lengths with a target for every step: three batches of four.
inline Dataset<double> training_data() {
    Random random(40);
    const std::vector<Index> lengths{7, 3, 5, 7, 2, 6, 4, 7, 1, 5, 7, 6};
    return {random_sequence<double>(2, 7, 12, random, lengths), random_sequence<double>(1, 7, 12, random, lengths)};
}
inline Dataset<double> validation_data() {
    Random random(41);
    return {random_sequence<double>(2, 7, 4, random), random_sequence<double>(1, 7, 4, random)};
}

/// Options, made anew at each call, as a program that is started again makes them.
struct OptionSet {
    std::string name;
    std::function<FitOptions()> make;
};

inline std::vector<OptionSet> option_sets() {
    const auto set = [](FitOptions options) {
        options.batch_size = 4;
        options.clip_norm = 0.5;
        return options;
    };
    return {
        {"shuffled",
         [=] {
             return set({.metrics = {MeanAbsoluteError{}, R2Score{}}});
         }},
        {"not shuffled", [=] { return set({.shuffle = false, .schedule = StepDecay{.every = 2}}); }},
        {"in buckets", [=] { return set({.seed = 5, .bucket = 2, .schedule = ExponentialDecay{}}); }},
        {"truncated", [=] { return set({.truncate = 3, .schedule = CosineAnnealing{}}); }},
        {"stateful, truncated", [=] { return set({.shuffle = false, .truncate = 3, .stateful = true}); }},
        {"stateful",
         [=] { return set({.shuffle = false, .stateful = true, .schedule = CosineAnnealing{.epochs = 4}}); }},
        {"reduced on a plateau, after a warm-up",
         [=] { return set({.schedule = Warmup{.epochs = 2, .then = ReduceOnPlateau{.factor = 0.5, .patience = 0}}}); }},
        {"annealed after a warm-up",
         [=] { return set({.schedule = Warmup{.epochs = 2, .then = CosineAnnealing{.minimum = 1e-3}}}); }},
        {"one cycle, step by step", [=] { return set({.schedule = OneCycle{}, .schedule_steps = true}); }},
        {"no decay of some, other rates", [=] { return set({.groups = {{.names = "*.W", .rate_factor = 0.5}}}); }},
        {"two batches a step", [=] { return set({.accumulate = 2, .schedule = OneCycle{}, .schedule_steps = true}); }},
        {"averaged", [=] { return set({.moving_average = MovingAverage{.decay = 0.8}}); }},
        {"averaged, the best epoch put back",
         [=] {
             return set({.metrics = {MeanAbsoluteError{}},
                         .moving_average = MovingAverage{.decay = 0.8},
                         .early_stopping = EarlyStopping{.patience = 3, .metric = "mae", .maximize = true}});
         }},
        {"averages kept", [=] { return set({.moving_average = MovingAverage{.decay = 0.8, .assign_at_end = false}}); }},
        {"stopped early", [=] { return set({.early_stopping = EarlyStopping{.patience = 2, .min_delta = 0.01}}); }},
        {"the best epoch put back",
         [=] { return set({.metrics = {MeanAbsoluteError{}}, .early_stopping = EarlyStopping{.patience = 6}}); }},
        {"the best epoch not put back",
         [=] { return set({.early_stopping = EarlyStopping{.patience = 2, .restore_best = false}}); }},
    };
}

template <class Model>
std::vector<Matrix<double>> values(const Model& model) {
    std::vector<Matrix<double>> all;
    for (const auto& named : parameters(model))
        all.push_back(named.parameter->value);
    return all;
}

template <class Model>
void copy_values(const Model& from, Model& to) {
    const auto source = parameters(from);
    const auto target = parameters(to);
    for (std::size_t k = 0; k < source.size(); ++k)
        target[k].parameter->value = source[k].parameter->value;
}

/// All that a training has come to but its time; equal if every number is, bit for bit, the same.
struct Trained {
    std::vector<Matrix<double>> values, moments, best, last, average;
    std::vector<Random> generators;
    std::vector<double> numbers; ///< of the history and of what else is a number
    History history;

    bool operator==(const Trained& other) const {
        return values == other.values && moments == other.moments && best == other.best && last == other.last &&
               average == other.average && generators == other.generators && numbers.size() == other.numbers.size() &&
               std::memcmp(numbers.data(), other.numbers.data(), numbers.size() * sizeof(double)) == 0;
    }
};

template <class Model, class Rule>
Trained outcome(const Training<Model, Rule>& training) {
    const auto& state = training.state();
    Trained all{values(training.model()),
                training.optimizer().state().moments,
                state.best,
                state.last,
                state.average,
                state.masks,
                {},
                state.history};
    all.generators.push_back(state.order.value_or(Random()));
    const auto add = [&](const std::vector<double>& list) {
        all.numbers.insert(all.numbers.end(), list.begin(), list.end());
        all.numbers.push_back(static_cast<double>(list.size()));
    };
    for (const EpochReport& report : state.history.epochs) {
        add({static_cast<double>(report.epoch), report.loss, report.validation_loss, report.learning_rate,
             report.gradient_norm, static_cast<double>(report.skipped_steps)});
        add(report.metrics);
        add(report.validation_metrics);
    }
    add(state.monitored);
    add({state.best_loss, state.initial_rate, state.rate, training.learning_rate(),
         static_cast<double>(training.optimizer().steps()), static_cast<double>(state.history.best_epoch),
         state.history.stopped ? 1.0 : 0.0, static_cast<double>(state.epochs), state.begun ? 1.0 : 0.0});
    return all;
}

} // namespace carousel::test
