// fit over several processes, whatever they talk by: data-parallel training.
#pragma once

#include "carousel/mpi/meeting.hpp"
#include "carousel/mpi/ranks.hpp"
#include "carousel/mpi/ranks_team.hpp"
#include "carousel/train/fit.hpp"

#include <optional>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// f(team) with the team of a call of fit; null: of one rank alone.
template <class Rule, class S, class F>
decltype(auto) with_team(const Ranks& ranks, const Optimizer<Rule, S>& optimizer, F&& f) {
    if (ranks.size() == 1)
        return f(static_cast<Team<S>*>(nullptr));
    const auto rule = [&] { return fingerprint(optimizer); };
    RanksTeam<S> team(ranks, optimizer.parameters(), rule);
    return f(static_cast<Team<S>*>(&team));
}

/// The optimizer of a call of fit; a rule that is refused on one rank is told on all.
template <class Model, class Rule>
auto optimizer_of(Model& model, const Rule& rule, const Ranks& ranks) {
    std::optional<Optimizer<Rule, typename Model::Scalar>> optimizer;
    const auto make = [&] { optimizer.emplace(parameters(model), rule); };
    if (ranks.size() == 1)
        make();
    else
        RankMeeting(ranks).run(make); // where it throws, the others are about to compare what they do
    return *std::move(optimizer);
}

} // namespace detail

/// fit(training, data, loss, options) on all ranks together. Each calls it with an equal model, rule, loss and options,
/// and with the same data, or with a part of them of its own (RankData). options.batch_size is that of all ranks
/// together: of each batch of the whole data rank r trains with its contiguous share, so that n ranks come to the
/// weights of one process, to rounding; the same number of ranks to the same bits. Losses and metrics are those of all
/// samples, so that schedule, early stopping and history are the same on all ranks. Callbacks are called on rank 0
/// alone; whether they stop the training, or throw, holds for all; they may not change the model or the optimizer.
///
/// One rank alone does what fit does without ranks, bit for bit. With several, masks (dropout, zoneout) depend on their
/// number; losses that are no mean or sum over targets (ErrorToSignal with its dc term) are the mean of the ranks'
/// shares; the training's state is the same on all ranks, so that what rank 0 saves can be loaded by any number of
/// ranks.
///
/// Throws RankFailure on all ranks, with one message, where fit would throw on one of them; also, before the first
/// step, if options, model, rule, data (their features, if each rank has a part) or training differ from rank 0's, or
/// if batch_size is below the number of ranks that have a part each; and if parameters differ after an epoch, or other
/// ones are trained than on rank 0.
template <class Model, OptimizerRule Rule, Loss LossType>
const History& fit(Training<Model, Rule>& training, const SampleSource<typename Model::Scalar>& data,
                   const LossType& loss, const FitOptions& options, const Ranks& ranks) {
    using S = typename Model::Scalar;
    return detail::with_team(ranks, training.optimizer(), [&](detail::Team<S>* team) -> decltype(auto) {
        return detail::fit(training, detail::FitData<S>{data}, loss, options, team);
    });
}

/// The same, with a validation set of one's own: the same on all ranks, or a part on each, as the data.
template <class Model, OptimizerRule Rule, Loss LossType>
const History& fit(Training<Model, Rule>& training, const SampleSource<typename Model::Scalar>& data,
                   const SampleSource<typename Model::Scalar>& validation, const LossType& loss,
                   const FitOptions& options, const Ranks& ranks) {
    using S = typename Model::Scalar;
    return detail::with_team(ranks, training.optimizer(), [&](detail::Team<S>* team) -> decltype(auto) {
        return detail::fit(training, detail::FitData<S>{data, &validation}, loss, options, team);
    });
}

/// The same with an optimizer the caller keeps.
template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar>
    History fit(Model& model, const SampleSource<typename Model::Scalar>& data, const LossType& loss,
                Optimizer<Rule, typename Model::Scalar>& optimizer, const FitOptions& options, const Ranks& ranks) {
    using S = typename Model::Scalar;
    return detail::with_team(ranks, optimizer, [&](detail::Team<S>* team) -> decltype(auto) {
        return detail::fit_once(model, detail::FitData<S>{data}, loss, optimizer, options, team);
    });
}

template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar>
    History fit(Model& model, const SampleSource<typename Model::Scalar>& data,
                const SampleSource<typename Model::Scalar>& validation, const LossType& loss,
                Optimizer<Rule, typename Model::Scalar>& optimizer, const FitOptions& options, const Ranks& ranks) {
    using S = typename Model::Scalar;
    return detail::with_team(ranks, optimizer, [&](detail::Team<S>* team) -> decltype(auto) {
        return detail::fit_once(model, detail::FitData<S>{data, &validation}, loss, optimizer, options, team);
    });
}

/// The same with a fresh optimizer of this rule: fit(model, data, MeanSquaredError{}, Adam{}, {.epochs = 15},
/// Communicator{MPI_COMM_WORLD}).
template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar> History fit(Model& model,
                                                          const SampleSource<typename Model::Scalar>& data,
                                                          const LossType& loss, const Rule& rule,
                                                          const FitOptions& options, const Ranks& ranks) {
    auto optimizer = detail::optimizer_of(model, rule, ranks);
    return fit(model, data, loss, optimizer, options, ranks);
}

template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar> History fit(Model& model,
                                                          const SampleSource<typename Model::Scalar>& data,
                                                          const SampleSource<typename Model::Scalar>& validation,
                                                          const LossType& loss, const Rule& rule,
                                                          const FitOptions& options, const Ranks& ranks) {
    auto optimizer = detail::optimizer_of(model, rule, ranks);
    return fit(model, data, validation, loss, optimizer, options, ranks);
}

} // namespace carousel
