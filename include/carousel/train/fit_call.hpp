// What a call of fit does: it checks, cuts off what is held out for validation, and runs the loop. Compiled once for a scalar.
#pragma once

#include "carousel/train/fit.hpp"
#include "carousel/train/fit_checks.hpp"
#include "carousel/train/fit_loop.hpp"
#include "carousel/train/team.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// The optimizer's parameters must be among those of the model.
template <class S>
void require_parameters(const OptimizerOfAnyRule<S>& optimizer, const std::vector<NamedParameter<S>>& parameters) {
    optimizer.require_each("fit", [&](const Parameter<S>* own) {
        return std::any_of(parameters.begin(), parameters.end(), [&](const auto& p) { return p.parameter == own; });
    });
}

/// What is checked is trained.
template <class S>
void train(Learner<S>& learner, const std::vector<NamedParameter<S>>& parameters, const SampleSource<S>& data,
           Index samples, const SampleSource<S>* validation, OptimizerOfAnyRule<S>& optimizer, TrainingState<S>& state,
           const FitOptions& options) {
    if (Team<S>* const team = learner.team())
        team->compare({learner, parameters, data, validation, optimizer, state, options});
    FitLoop<S>(learner, data, samples, validation, optimizer, state, options).run();
}

/// Validated on the part of the data that the options say.
template <class S>
void fit_split(Learner<S>& learner, const std::vector<NamedParameter<S>>& parameters, const SampleSource<S>& data,
               OptimizerOfAnyRule<S>& optimizer, TrainingState<S>& state, const FitOptions& options) {
    check_truncated(options, learner.evaluated());
    check(options, data);
    check_going_on(options, state);
    // as Keras splits: floor(n · (1 − split)) samples to train on
    const auto training = static_cast<Index>(static_cast<double>(data.size()) * (1 - options.validation_split));
    const Index held_out = data.size() - training;
    require(training >= 1, "fit", "validation_split ", options.validation_split, " leaves none of ", data.size(),
            " samples to train on");
    check_stateful(options, training, held_out);
    require_parameters(optimizer, parameters);
    check_samples(learner.evaluated(), data, 0, training, " samples to train with");
    std::optional<SampleSource<S>> validation;
    if (held_out > 0) {
        check_samples(learner.evaluated(), data, training, held_out, " validation samples");
        validation = data.part(training, held_out);
    }
    train(learner, parameters, data, training, validation ? &*validation : nullptr, optimizer, state, options);
}

/// Of one process.
template <class S>
void fit_here(Learner<S>& learner, const std::vector<NamedParameter<S>>& parameters, const FitData<S>& data,
              OptimizerOfAnyRule<S>& optimizer, TrainingState<S>& state, const FitOptions& options) {
    const SampleSource<S>& training = data.training;
    if (!data.validation)
        return fit_split(learner, parameters, training, optimizer, state, options);
    const SampleSource<S>& validation = *data.validation;
    check_truncated(options, learner.evaluated());
    check(options, training);
    check_going_on(options, state);
    require(options.validation_split == 0, "fit", "validation_split is ", options.validation_split,
            ", expected 0 beside a validation set");
    check_validation(validation, training);
    check_stateful(options, training.size(), validation.size());
    require_parameters(optimizer, parameters);
    check_samples(learner.evaluated(), training, 0, training.size(), " samples to train with");
    check_samples(learner.evaluated(), validation, 0, validation.size(), " validation samples");
    train(learner, parameters, training, training.size(), &validation, optimizer, state, options);
}

template <class S>
void fit(Learner<S>& learner, const std::vector<NamedParameter<S>>& parameters, const FitData<S>& data,
         OptimizerOfAnyRule<S>& optimizer, TrainingState<S>& state, const FitOptions& options) {
    const auto here = [&] { fit_here(learner, parameters, data, optimizer, state, options); };
    if (Team<S>* const team = learner.team())
        team->run(here);
    else
        here();
}

template <class S>
History fit_once(Learner<S>& learner, const std::vector<NamedParameter<S>>& parameters, const FitData<S>& data,
                 OptimizerOfAnyRule<S>& optimizer, const FitOptions& options) {
    struct RateKeeper {
        OptimizerOfAnyRule<S>& optimizer;
        const double rate = optimizer.learning_rate();
        const bool scheduled;
        RateKeeper(OptimizerOfAnyRule<S>& o, bool s) : optimizer(o), scheduled(s) {}
        ~RateKeeper() {
            if (scheduled)
                optimizer.set_learning_rate(rate);
        }
    } const keeper(optimizer, static_cast<bool>(options.schedule));
    TrainingState<S> state;
    learner.each_random([&](Random& random) { state.masks.push_back(random); });
    state.initial_rate = state.rate = optimizer.learning_rate();
    state.order.emplace(options.seed);
    if (optimizer.steps() > 0) {
        const auto draws_on = [&](Random& random) {
            random = Random(random() ^ static_cast<std::uint64_t>(optimizer.steps()));
        };
        draws_on(*state.order);
        for (Random& random : state.masks)
            draws_on(random);
    }
    fit(learner, parameters, data, optimizer, state, options);
    return std::move(state.history);
}

} // namespace carousel::detail
