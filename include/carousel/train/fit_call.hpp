// What a call of fit does: it checks, cuts off what is held out for validation, and runs the loop. Compiled once for a scalar.
#pragma once

#include "carousel/train/fit.hpp"
#include "carousel/train/fit_checks.hpp"
#include "carousel/train/fit_loop.hpp"
#include "carousel/train/team.hpp"

#include <algorithm>
#include <cstdint>
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

/// Trains with the first `samples` samples, which are checked.
template <class S>
void train(const FitCall<S>& call, Index samples) {
    call.team.compare(call);
    FitLoop<S>(call, samples).run();
}

/// Checks the call and trains, without a validation set on the part of the data that the options say.
template <class S>
void fit(const FitCall<S>& call) {
    const auto& [team, learner, parameters, data, validation, optimizer, state, options] = call;
    check_truncated(options, learner.evaluated());
    check(options, data);
    check_going_on(options, state);
    if (validation) {
        require(options.validation_split == 0, "fit", "validation_split is ", options.validation_split,
                ", expected 0 beside a validation set");
        check_validation(*validation, data);
    }
    // as Keras splits: floor(n · (1 − split)) samples to train on
    const auto training = static_cast<Index>(static_cast<double>(data.size()) * (1 - options.validation_split));
    const Index held_out = data.size() - training;
    require(training >= 1, "fit", "validation_split ", options.validation_split, " leaves none of ", data.size(),
            " samples to train on");
    check_stateful(options, training, validation ? validation->size() : held_out);
    require_parameters(optimizer, parameters);
    check_samples(learner.evaluated(), data, 0, training, " samples to train with");
    if (validation)
        check_samples(learner.evaluated(), *validation, 0, validation->size(), " validation samples");
    if (held_out == 0)
        return train(call, training);
    check_samples(learner.evaluated(), data, training, held_out, " validation samples");
    const SampleSource<S> part = data.part(training, held_out);
    train<S>({team, learner, parameters, data, &part, optimizer, state, options}, training);
}

template <class S>
void fit(Learner<S>& learner, const std::vector<NamedParameter<S>>& parameters, const FitData<S>& data,
         OptimizerOfAnyRule<S>& optimizer, TrainingState<S>& state, const FitOptions& options, Team<S>* team) {
    Team<S> alone;
    const FitCall<S> call{team ? *team : alone, learner,   parameters, data.training,
                          data.validation,      optimizer, state,      options};
    call.team.run([&] { fit(call); });
}

template <class S>
History fit_once(Learner<S>& learner, const std::vector<NamedParameter<S>>& parameters, const FitData<S>& data,
                 OptimizerOfAnyRule<S>& optimizer, const FitOptions& options, Team<S>* team) {
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
    fit(learner, parameters, data, optimizer, state, options, team);
    return std::move(state.history);
}

} // namespace carousel::detail
