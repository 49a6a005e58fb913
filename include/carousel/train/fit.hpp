// fit: the training loop. Shuffled batches, truncated BPTT, clipping, schedules, validation, early stopping, callbacks.
#pragma once

#include "carousel/layer/layer.hpp"
#include "carousel/loss/loss.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/train/dataset.hpp"
#include "carousel/train/evaluate.hpp"
#include "carousel/train/fit_mistakes.hpp"
#include "carousel/train/fit_options.hpp"
#include "carousel/train/learner.hpp"
#include "carousel/train/sample_source.hpp"
#include "carousel/train/training.hpp"

#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

template <class S>
class Team;

/// What fit trains with, and what it validates on; null: on a part of the former, if the options say so.
template <class S>
struct FitData {
    const SampleSource<S>& training;
    const SampleSource<S>* validation = nullptr;
};

/// Trains a model of these parameters; what goes on is in `state`. `team`: the processes that train it together; null: this one alone.
template <class S>
void fit(Learner<S>& learner, const std::vector<NamedParameter<S>>& parameters, const FitData<S>& data,
         OptimizerOfAnyRule<S>& optimizer, TrainingState<S>& state, const FitOptions& options, Team<S>* team);

/// The same with a state of this call alone, and with the rate as it was when that has ended. An optimizer that has made steps
/// draws another order of the samples and other masks than it did before them.
template <class S>
History fit_once(Learner<S>& learner, const std::vector<NamedParameter<S>>& parameters, const FitData<S>& data,
                 OptimizerOfAnyRule<S>& optimizer, const FitOptions& options, Team<S>* team);

template <class Model, class LossType, class Rule, class S>
const History& fit(Training<Model, Rule>& training, const FitData<S>& data, const LossType& loss,
                   const FitOptions& options, Team<S>* team = nullptr) {
    training.run([&](OptimizerOfAnyRule<S>& optimizer, TrainingState<S>& state) {
        LearnerOf<Model, LossType> learner(training.model(), loss);
        fit(learner, parameters(training.model()), data, optimizer, state, options, team);
    });
    return training.history();
}

template <class Model, class LossType, class S>
History fit_once(Model& model, const FitData<S>& data, const LossType& loss, OptimizerOfAnyRule<S>& optimizer,
                 const FitOptions& options, Team<S>* team = nullptr) {
    LearnerOf<Model, LossType> learner(model, loss);
    return fit_once(learner, parameters(model), data, optimizer, options, team);
}

} // namespace detail

/// Trains for options.epochs more epochs, going on where the last call with this Training ended; see there. Returns its history, of
/// all calls. The data are a Dataset or anything else that a SampleSource takes: Windows, a MapDataset, a part of one …
/// Throws std::invalid_argument, before anything is changed, if an option is out of range, a target is none for the
/// loss (a class that isn't there), or none counts, of those trained with or of those held out: all are padding or
/// ignored. A loss of one's own without check() meets its targets batch by batch instead. Batches without a target to
/// compare with are no step. What the data throw where samples are made when they are needed leaves the training as it was after the
/// last batch.
/// Throws std::runtime_error if early stopping has waited for its patience and every epoch's loss was NaN. What a callback
/// throws leaves the training as it was after the batch.
template <class Model, OptimizerRule Rule, Loss LossType>
const History& fit(Training<Model, Rule>& training, const SampleSource<typename Model::Scalar>& data,
                   const LossType& loss, const FitOptions& options = {}) {
    return detail::fit(training, detail::FitData<typename Model::Scalar>{data}, loss, options);
}

/// The same, with a validation set of one's own: Keras' validation_data. Its sequences may have other lengths than those
/// trained with. Throws std::invalid_argument, before anything is changed, also if it is empty or has not the training
/// set's features, or options.validation_split isn't 0.
template <class Model, OptimizerRule Rule, Loss LossType>
const History& fit(Training<Model, Rule>& training, const SampleSource<typename Model::Scalar>& data,
                   const SampleSource<typename Model::Scalar>& validation, const LossType& loss,
                   const FitOptions& options = {}) {
    return detail::fit(training, detail::FitData<typename Model::Scalar>{data, &validation}, loss, options);
}

/// Trains with an optimizer the caller keeps. Its moments and its number of steps go on from call to call, and each call
/// draws another order of the samples and other masks; epochs, schedule, early stopping and history are of this call
/// alone, and the rate that a schedule has changed is the old one again at the end. For a training that goes on in all
/// there is Training. Throws as fit with a Training does.
template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar>
    History fit(Model& model, const SampleSource<typename Model::Scalar>& data, const LossType& loss,
                Optimizer<Rule, typename Model::Scalar>& optimizer, const FitOptions& options = {}) {
    return detail::fit_once(model, detail::FitData<typename Model::Scalar>{data}, loss, optimizer, options);
}

/// The same, with a validation set of one's own.
template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar>
    History fit(Model& model, const SampleSource<typename Model::Scalar>& training,
                const SampleSource<typename Model::Scalar>& validation, const LossType& loss,
                Optimizer<Rule, typename Model::Scalar>& optimizer, const FitOptions& options = {}) {
    return detail::fit_once(model, detail::FitData<typename Model::Scalar>{training, &validation}, loss, optimizer,
                            options);
}

/// Trains with a fresh optimizer of this rule: fit(model, data, MeanSquaredError{}, Adam{.learning_rate = 1e-3},
/// {.epochs = 15}).
template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar> History fit(Model& model,
                                                          const SampleSource<typename Model::Scalar>& data,
                                                          const LossType& loss, Rule rule,
                                                          const FitOptions& options = {}) {
    Optimizer<Rule, typename Model::Scalar> optimizer(parameters(model), std::move(rule));
    return fit(model, data, loss, optimizer, options);
}

/// fit(model, training, validation, MeanSquaredError{}, Adam{}, {.epochs = 15}).
template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar> History fit(Model& model,
                                                          const SampleSource<typename Model::Scalar>& training,
                                                          const SampleSource<typename Model::Scalar>& validation,
                                                          const LossType& loss, Rule rule,
                                                          const FitOptions& options = {}) {
    Optimizer<Rule, typename Model::Scalar> optimizer(parameters(model), std::move(rule));
    return fit(model, training, validation, loss, optimizer, options);
}

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_FIT(S)                                                                         \
    template void carousel::detail::fit(                                                                    \
        carousel::detail::Learner<S>&, const std::vector<carousel::NamedParameter<S>>&,                     \
        const carousel::detail::FitData<S>&, carousel::OptimizerOfAnyRule<S>&, carousel::TrainingState<S>&, \
        const carousel::FitOptions&, carousel::detail::Team<S>*);                                           \
    template carousel::History carousel::detail::fit_once(                                                  \
        carousel::detail::Learner<S>&, const std::vector<carousel::NamedParameter<S>>&,                     \
        const carousel::detail::FitData<S>&, carousel::OptimizerOfAnyRule<S>&, const carousel::FitOptions&, \
        carousel::detail::Team<S>*)

#ifdef CAROUSEL_BODIES
#    include "carousel/train/fit_call.hpp"
#endif
