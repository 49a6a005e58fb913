// fit: the training loop. Shuffled batches, truncated BPTT, clipping, schedules, validation, early stopping, callbacks.
#pragma once

#include "carousel/layer/layer.hpp"
#include "carousel/loss/loss.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/train/fit_checks.hpp"
#include "carousel/train/fit_loop.hpp"
#include "carousel/train/fit_mistakes.hpp"
#include "carousel/train/training.hpp"

#include <optional>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// Validated on the part of the data that the options say.
template <class Model, class LossType, class Rule, class S>
void fit(Model& model, const Dataset<S>& data, const LossType& loss, Optimizer<Rule, S>& optimizer,
         TrainingState<S>& state, const FitOptions& options) {
    check(options, data);
    check_going_on(options, state);
    // as Keras splits: floor(n · (1 − split)) samples to train on
    const auto training = static_cast<Index>(static_cast<double>(data.size()) * (1 - options.validation_split));
    const Index held_out = data.size() - training;
    require(training >= 1, "fit", "validation_split ", options.validation_split, " leaves none of ", data.size(),
            " samples to train on");
    check_stateful(options, training, held_out);
    optimizer.require_parameters_of(model, "fit");
    check_samples(model, loss, data, 0, training, " samples to train with");
    std::optional<Dataset<S>> validation;
    if (held_out > 0) {
        check_samples(model, loss, data, training, held_out, " validation samples");
        validation = data.slice(training, held_out);
    }
    FitLoop(model, data, training, validation ? &*validation : nullptr, loss, optimizer, state, options).run();
}

/// Validated on a set of its own.
template <class Model, class LossType, class Rule, class S>
void fit(Model& model, const Dataset<S>& training, const Dataset<S>& validation, const LossType& loss,
         Optimizer<Rule, S>& optimizer, TrainingState<S>& state, const FitOptions& options) {
    check(options, training);
    check_going_on(options, state);
    require(options.validation_split == 0, "fit", "validation_split is ", options.validation_split,
            ", expected 0 beside a validation set");
    check_validation(validation, training);
    check_stateful(options, training.size(), validation.size());
    optimizer.require_parameters_of(model, "fit");
    check_samples(model, loss, training, 0, training.size(), " samples to train with");
    check_samples(model, loss, validation, 0, validation.size(), " validation samples");
    FitLoop(model, training, training.size(), &validation, loss, optimizer, state, options).run();
}

/// train(state) with a state of this call alone, and with the rate as it was when that has ended. An optimizer that has
/// made steps draws another order of the samples and other masks than it did before them.
template <class Model, class Rule, class S, class F>
History fit_once(const Model& model, Optimizer<Rule, S>& optimizer, const FitOptions& options, F&& train) {
    struct RateKeeper {
        Optimizer<Rule, S>& optimizer;
        const double rate = optimizer.learning_rate();
        const bool scheduled;
        RateKeeper(Optimizer<Rule, S>& o, bool s) : optimizer(o), scheduled(s) {}
        ~RateKeeper() {
            if (scheduled)
                optimizer.set_learning_rate(rate);
        }
    } const keeper(optimizer, static_cast<bool>(options.schedule));
    TrainingState<S> state = initial_state(model, optimizer);
    state.order.emplace(options.seed);
    if (optimizer.steps() > 0) {
        const auto draws_on = [&](Random& random) {
            random = Random(random() ^ static_cast<std::uint64_t>(optimizer.steps()));
        };
        draws_on(*state.order);
        for (Random& random : state.masks)
            draws_on(random);
    }
    train(state);
    return std::move(state.history);
}

} // namespace detail

/// Trains for options.epochs more epochs, going on where the last call with this Training ended; see there. Returns its history, of
/// all calls.
/// Throws std::invalid_argument, before anything is changed, if an option is out of range, a target is none for the
/// loss (a class that isn't there), or none counts, of those trained with or of those held out: all are padding or
/// ignored. A loss of one's own without check() meets its targets batch by batch instead. Batches without a target to
/// compare with are no step.
/// Throws std::runtime_error if early stopping has waited for its patience and every epoch's loss was NaN. What a callback
/// throws leaves the training as it was after the batch.
template <class Model, OptimizerRule Rule, Loss LossType>
const History& fit(Training<Model, Rule>& training, const Dataset<typename Model::Scalar>& data, const LossType& loss,
                   const FitOptions& options = {}) {
    training.run(
        [&](auto& optimizer, auto& state) { detail::fit(training.model(), data, loss, optimizer, state, options); });
    return training.history();
}

/// The same, with a validation set of one's own: Keras' validation_data. Its sequences may have other lengths than those
/// trained with. Throws std::invalid_argument, before anything is changed, also if it is empty or has not the training
/// set's features, or options.validation_split isn't 0.
template <class Model, OptimizerRule Rule, Loss LossType>
const History& fit(Training<Model, Rule>& training, const Dataset<typename Model::Scalar>& data,
                   const Dataset<typename Model::Scalar>& validation, const LossType& loss,
                   const FitOptions& options = {}) {
    training.run([&](auto& optimizer, auto& state) {
        detail::fit(training.model(), data, validation, loss, optimizer, state, options);
    });
    return training.history();
}

/// Trains with an optimizer the caller keeps. Its moments and its number of steps go on from call to call, and each call
/// draws another order of the samples and other masks; epochs, schedule, early stopping and history are of this call
/// alone, and the rate that a schedule has changed is the old one again at the end. For a training that goes on in all
/// there is Training. Throws as fit with a Training does.
template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar> History fit(Model& model, const Dataset<typename Model::Scalar>& data,
                                                          const LossType& loss,
                                                          Optimizer<Rule, typename Model::Scalar>& optimizer,
                                                          const FitOptions& options = {}) {
    return detail::fit_once(model, optimizer, options,
                            [&](auto& state) { detail::fit(model, data, loss, optimizer, state, options); });
}

/// The same, with a validation set of one's own.
template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar> History fit(Model& model, const Dataset<typename Model::Scalar>& training,
                                                          const Dataset<typename Model::Scalar>& validation,
                                                          const LossType& loss,
                                                          Optimizer<Rule, typename Model::Scalar>& optimizer,
                                                          const FitOptions& options = {}) {
    return detail::fit_once(model, optimizer, options, [&](auto& state) {
        detail::fit(model, training, validation, loss, optimizer, state, options);
    });
}

/// Trains with a fresh optimizer of this rule: fit(model, data, MeanSquaredError{}, Adam{.learning_rate = 1e-3},
/// {.epochs = 15}).
template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar> History fit(Model& model, const Dataset<typename Model::Scalar>& data,
                                                          const LossType& loss, Rule rule,
                                                          const FitOptions& options = {}) {
    Optimizer<Rule, typename Model::Scalar> optimizer(parameters(model), std::move(rule));
    return fit(model, data, loss, optimizer, options);
}

/// fit(model, training, validation, MeanSquaredError{}, Adam{}, {.epochs = 15}).
template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar> History fit(Model& model, const Dataset<typename Model::Scalar>& training,
                                                          const Dataset<typename Model::Scalar>& validation,
                                                          const LossType& loss, Rule rule,
                                                          const FitOptions& options = {}) {
    Optimizer<Rule, typename Model::Scalar> optimizer(parameters(model), std::move(rule));
    return fit(model, training, validation, loss, optimizer, options);
}

} // namespace carousel
