// Training: a training that goes on from call to call of fit, and over a file in another program, as one that never
// stopped.
#pragma once

#include "carousel/layer/layer.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/train/training_state.hpp"

#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// The state of a training that hasn't begun: its masks are those which the model's layers would draw.
template <class Model, class S>
TrainingState<S> initial_state(const Model& model, const OptimizerOfAnyRule<S>& optimizer) {
    TrainingState<S> state;
    TapeOf<Model, S> tape;
    each_random(model, tape, [&](const Random& random) { state.masks.push_back(random); });
    state.initial_rate = state.rate = optimizer.learning_rate();
    return state;
}

/// How many matrices a model's State has that can be saved: all, or none if one is of a type of its own.
template <class S, class Model>
std::size_t count_carried(const Model& model) {
    const StateOf<Model, S> state = empty_state<Model, S>(model);
    std::size_t count = 0;
    each_state(state, [&]<class M>(const M&) { count += std::is_same_v<M, Matrix<S>> ? 1 : 0; });
    return count;
}

/// Throws std::invalid_argument unless this may be the state of a training of these parameters, of a model with so many generators of
/// masks and matrices of state.
template <class S>
void check_state(const TrainingState<S>& state, const std::vector<NamedParameter<S>>& list, std::size_t masks,
                 std::size_t carried);

} // namespace detail

/// A model in training, and all that goes on from one call of fit to the next:
///
///     Training training{model, Adam{.learning_rate = 1e-3}};
///     fit(training, data, MeanSquaredError{}, {.epochs = 10});
///     fit(training, data, MeanSquaredError{}, {.epochs = 10});      // the epochs 11 … 20
///
/// Calls with the same data, loss and options make, bit for bit, what one call with all their epochs makes: the order of
/// the batches and the masks go on, the optimizer keeps its moments, schedules see all losses so far and start from
/// the rate the rule was given, early stopping remembers its best epoch. (A schedule that asks how long the training
/// is planned needs FitOptions::planned_epochs.) A training that a callback ended within an epoch, by `stop` or by an
/// exception, goes on within it; if its data has another size then, or the options make other batches, the epoch is
/// begun anew.
/// save_training and load_training (carousel/io/training_file.hpp) keep it in a file.
///
/// Points to the model, which has to stay where it is. Its parameters may be changed between two calls; the next one
/// goes on from what they are.
template <class Model, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar>
class Training {
  public:
    using Scalar = typename Model::Scalar;

    /// Throws std::invalid_argument if a setting of the rule is out of its range.
    Training(Model& model, Rule rule)
        : model_(model), optimizer_(parameters(model), std::move(rule)),
          state_(detail::initial_state(model, optimizer_)) {}
    Training(const Training&) = delete;
    Training& operator=(const Training&) = delete;

    /// What is trained, what trains it, and what goes on from call to call.
    Model& model() { return model_; }
    const Model& model() const { return model_; }
    const Optimizer<Rule, Scalar>& optimizer() const { return optimizer_; }
    const TrainingState<Scalar>& state() const { return state_; }

    /// Of all calls of fit; also where one of them ended with an exception.
    const History& history() const { return state_.history; }
    /// Epochs that have ended.
    Index epochs() const { return state_.epochs; }

    /// The rate of the optimizer now.
    double learning_rate() const { return optimizer_.learning_rate(); }
    /// From now on the rate, and that which schedules start from. Throws std::invalid_argument, changing nothing, if the
    /// rule refuses it.
    void set_learning_rate(double rate) {
        optimizer_.set_learning_rate(rate);
        state_.initial_rate = state_.rate = rate;
    }

    /// Puts back what state() and optimizer().state() gave, of this training or of one of an equal model and rule; the
    /// parameters' values are the model's. Throws, changing nothing, std::invalid_argument if they don't fit the model or
    /// contradict themselves, std::logic_error if fit is running, as in a callback.
    void set_state(TrainingState<Scalar> state, OptimizerState<Scalar> moments) {
        if (running_)
            detail::fail<std::logic_error>(
                "Training::set_state: fit is running, expected a call after it has returned");
        detail::check_state(state, optimizer_.parameters(), state_.masks.size(), detail::count_carried<Scalar>(model_));
        Optimizer<Rule, Scalar> changed = optimizer_; // which throws before anything is changed
        changed.set_state(std::move(moments));
        changed.set_learning_rate(state.initial_rate);
        changed.set_learning_rate(state.rate);
        optimizer_ = std::move(changed);
        state_ = std::move(state);
    }

    /// f(optimizer, state) may change both: how fit trains. Throws std::logic_error if another f is running, as in a callback.
    template <class F>
    void run(F&& f) {
        if (running_)
            detail::fail<std::logic_error>("fit: this Training is running, expected a call after fit has returned");
        struct Guard {
            bool& running;
            explicit Guard(bool& r) : running(r) { running = true; }
            ~Guard() { running = false; }
        } const guard(running_);
        f(optimizer_, state_);
    }

  private:
    Model& model_;
    Optimizer<Rule, Scalar> optimizer_;
    TrainingState<Scalar> state_;
    bool running_ = false;
};

#ifdef CAROUSEL_BODIES

namespace detail {

CAROUSEL_HIDDEN inline void check_reports(const History& history) {
    const char* const where = "Training::set_state";
    for (const EpochReport& report : history.epochs)
        require(report.metrics.size() == history.metrics.size() &&
                    (report.validation_metrics.empty() || report.validation_metrics.size() == history.metrics.size()),
                where, "the report of epoch ", report.epoch, " has ", report.metrics.size(), " metrics and ",
                report.validation_metrics.size(), " of validation, expected ", history.metrics.size());
}

template <class S>
void check_values(const char* what, const std::vector<Matrix<S>>& values, const std::vector<NamedParameter<S>>& list) {
    const char* const where = "Training::set_state";
    require(values.empty() || values.size() == list.size(), where, "there are ", what, " values of ", values.size(),
            " parameters, expected ", list.size());
    for (std::size_t k = 0; k < values.size(); ++k) {
        const auto& own = list[k].parameter->value;
        require(values[k].rows() == own.rows() && values[k].cols() == own.cols(), where, "the ", what, " values of ",
                list[k].name, " are ", values[k].rows(), " × ", values[k].cols(), ", expected ", own.rows(), " × ",
                own.cols());
    }
}

template <class S>
void check_accumulated(const AccumulatedGradient<S>& sums, const std::vector<NamedParameter<S>>& list) {
    const char* const where = "Training::set_state";
    require(sums.batches >= 0 && sums.weight >= 0, where, "gradients of ", sums.batches, " batches of weight ",
            sums.weight, " are added up, expected both >= 0");
    if (sums.batches == 0)
        return;
    require(sums.gradients.size() == list.size() && sums.columns.size() == list.size(), where,
            "added up are gradients of ", sums.gradients.size(), " parameters, expected ", list.size());
    for (std::size_t k = 0; k < list.size(); ++k) {
        const auto& parameter = *list[k].parameter;
        const auto& columns = sums.columns[k];
        const Index rows = parameter.value.rows(), size = parameter.value.cols();
        const Index count = parameter.is_sparse() ? static_cast<Index>(columns.size()) : size;
        const auto& gradient = sums.gradients[k];
        require(gradient.size() == 0 || (gradient.rows() == rows && gradient.cols() == count), where,
                "the gradient added up of ", list[k].name, " is ", gradient.rows(), " × ", gradient.cols(),
                ", expected ", rows, " × ", count);
        require(parameter.is_sparse() || columns.empty(), where, "the gradient added up of ", list[k].name,
                " has columns of its own, expected none of a dense parameter");
        for (const Index column : columns)
            require(column >= 0 && column < size && gradient.size() > 0, where, "the gradient added up of ",
                    list[k].name, " has column ", column, ", expected 0 <= column < ", size);
    }
}

template <class S>
void check_state(const TrainingState<S>& state, const std::vector<NamedParameter<S>>& list, std::size_t masks,
                 std::size_t carried) {
    const char* const where = "Training::set_state";
    const auto size = [](const auto& of) { return static_cast<Index>(of.size()); };
    require(state.epochs >= 0, where, "epochs is ", state.epochs, ", expected epochs >= 0");
    const History& history = state.history;
    require(size(history.epochs) == state.epochs + (state.begun ? 1 : 0), where, "the history has ",
            size(history.epochs), " reports, expected one for each of ", state.epochs, " epochs that have ended",
            state.begun ? " and the one that has begun" : "");
    require(size(state.monitored) == state.epochs, where, "there are ", size(state.monitored),
            " monitored losses, expected one for each of ", state.epochs, " epochs");
    require(history.best_epoch >= 0 && history.best_epoch <= state.epochs, where, "best_epoch is ", history.best_epoch,
            ", expected 0 <= best_epoch <= ", state.epochs);
    require(state.masks.size() == masks, where, "there are generators for the masks of ", state.masks.size(),
            " layers, expected ", masks);
    require(state.order.has_value() || size(history.epochs) == 0, where,
            "the generator of the order is missing, expected one after ", state.epochs, " epochs");
    check_values("best", state.best, list);
    check_values("last", state.last, list);
    check_values("averaged", state.average, list);
    require(state.last.empty() || !state.best.empty() || !state.average.empty(), where,
            "there are last values of the parameters and no best ones, expected both or no last ones");
    if (!state.begun)
        return check_reports(history);
    const auto& begun = *state.begun;
    const BatchPlan& plan = begun.plan;
    require(plan.samples >= 1 && plan.batch_size >= 1 && plan.bucket >= 0 && begun.batches >= 0 &&
                begun.batches <= plan.batches(),
            where, "the epoch that has begun has trained ", begun.batches, " batches of ", plan.batch_size, " of the ",
            plan.samples, " samples, expected at most all");
    require(begun.sums.size() == history.metrics.size() + 1, where, "the epoch that has begun has sums of ",
            begun.sums.size(), " losses and metrics, expected ", history.metrics.size() + 1);
    require(begun.carried.empty() || begun.carried.size() == carried, where,
            "the epoch that has begun carries a state of ", begun.carried.size(), " matrices, expected ", carried);
    check_accumulated(begun.accumulated, list);
    check_reports(history);
}

} // namespace detail

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_TRAINING(S)         \
    template void carousel::detail::check_state( \
        const carousel::TrainingState<S>&, const std::vector<carousel::NamedParameter<S>>&, std::size_t, std::size_t)
