// fit: the training loop. Shuffled batches, truncated BPTT, clipping, schedules, validation, early stopping, callbacks.
#pragma once

#include "carousel/layer/layer.hpp"
#include "carousel/loss/loss.hpp"
#include "carousel/optim/clip.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/train/evaluate.hpp"
#include "carousel/train/fit_checks.hpp"
#include "carousel/train/fit_mistakes.hpp"
#include "carousel/train/order.hpp"

#include <chrono>
#include <limits>
#include <optional>
#include <vector>

namespace carousel {

namespace detail {

/// Clips as the options say; returns the global norm before.
template <class Scalar>
double clip(const std::vector<NamedParameter<Scalar>>& list, const FitOptions& o) {
    const double norm = o.clip_value > 0 ? clip_by_value(list, o.clip_value) : global_norm(list);
    if (o.clip_parameter_norm > 0)
        clip_by_norm(list, o.clip_parameter_norm);
    if (o.clip_norm > 0)
        clip_by_global_norm(list, o.clip_norm);
    return norm;
}

/// One call of fit: what it was given, and what goes on from step to step and from epoch to epoch.
template <class Model, class LossType, class Rule>
class Training {
    using S = typename Model::Scalar;
    using State = typename Model::State;
    using Clock = std::chrono::steady_clock;

  public:
    /// Trains with the first `samples` samples of data. The monitored loss is that of `validation`, or, if that is null,
    /// of the training.
    Training(Model& model, const Dataset<S>& data, Index samples, const Dataset<S>* validation, const LossType& loss,
             Optimizer<Rule, S>& optimizer, const FitOptions& options)
        : model_(model), data_(data), samples_(samples), validation_(validation), loss_(loss), optimizer_(optimizer),
          options_(options), random_(options.seed) {
        for (const Metric& metric : options.metrics)
            history_.metrics.push_back(metric.name());
    }

    History run() {
        const double initial_rate = optimizer_.learning_rate();
        double monitored = std::numeric_limits<double>::quiet_NaN();
        for (Index epoch = 0; epoch < options_.epochs && !stop_; ++epoch) {
            const auto start = Clock::now();
            if (options_.schedule)
                optimizer_.set_learning_rate(
                    options_.schedule({epoch, options_.epochs, initial_rate, optimizer_.learning_rate(), monitored}));
            history_.epochs.push_back({.epoch = epoch + 1, .learning_rate = optimizer_.learning_rate()});
            train();
            if (validation_)
                validate();
            report().seconds = seconds_since(start);
            monitored = validation_ ? report().validation_loss : report().loss;
            watch(monitored);
            tell(batches(), true);
        }
        history_.stopped = stop_ && static_cast<Index>(history_.epochs.size()) < options_.epochs;
        for (std::size_t k = 0; k < best_.size(); ++k)
            optimizer_.parameters()[k].parameter->value = best_[k];
        return std::move(history_);
    }

  private:
    /// An epoch's batches.
    void train() {
        const Order order(data_.x.view(), samples_, options_, random_);
        Totals totals(options_.metrics);
        state_ = {};
        for (Index k = 0; k < batches() && !stop_; ++k) {
            data_.batch(order.batch(k, options_.batch_size), x_, y_);
            if (!options_.stateful)
                state_ = {};
            learn(totals);
            tell(k + 1, false);
        }
        require(!totals.empty() || stop_, "fit", "there is no target to compare with in the whole data set");
    }

    /// A batch: one step, or under truncated BPTT one for every chunk.
    void learn(Totals& totals) {
        if (options_.truncate == 0)
            return step(x_, y_, totals);
        for (Index t = 0; t < x_.steps(); t += options_.truncate) {
            const Index steps = std::min(options_.truncate, x_.steps() - t);
            step(chunk(x_.view(), t, steps, x_lengths_), chunk(y_.view(), t, steps, y_lengths_), totals);
        }
    }

    /// Forward, loss, backward and a step of the optimizer; the state goes on to the next.
    void step(const SequenceView<S>& x, const SequenceView<S>& y, Totals& totals) {
        if (x.real_columns() == 0)
            return; // past the end of every sequence there is nothing to learn
        const auto output = model_.forward(x, tape_, state_);
        if (options_.truncate > 0 || options_.stateful)
            model_.final_state(tape_, state_);
        const double weight = loss_.weight(output, y);
        if (weight == 0)
            return; // nothing to learn from, but the state goes on
        totals.add(loss_(output, y, &dy_), weight, output, y);
        report().loss = totals.loss();
        totals.metrics(report().metrics);

        const auto& list = optimizer_.parameters();
        zero_gradients(list);
        model_.backward(dy_, tape_, {.input_gradient = false});
        const double norm = clip(list, options_);
        if (std::isfinite(norm)) {
            optimizer_.step();
            report().gradient_norm = std::max(report().gradient_norm, norm);
        } else if (report().skipped_steps++ == 0)
            report().non_finite = first_non_finite(list);
    }

    void validate() {
        auto [loss, metrics] = detail::evaluate(model_, *validation_, loss_, options_.metrics, options_.batch_size,
                                                options_.stateful ? state_ : State{}, options_.stateful);
        report().validation_loss = loss;
        report().validation_metrics = std::move(metrics);
    }

    /// Early stopping: keeps the best epoch, and stops when none has been better for too long.
    void watch(double monitored) {
        const auto& stopping = options_.early_stopping;
        if (monitored < best_loss_ - (stopping ? stopping->min_delta : 0)) {
            best_loss_ = monitored;
            history_.best_epoch = report().epoch;
            if (stopping && stopping->restore_best) {
                const auto& list = optimizer_.parameters();
                best_.resize(list.size());
                for (std::size_t k = 0; k < list.size(); ++k)
                    best_[k] = list[k].parameter->value;
            }
        }
        stop_ = stop_ || (stopping && report().epoch - history_.best_epoch >= stopping->patience);
    }

    /// Asks the callbacks whether to go on.
    void tell(Index batch, bool epoch_end) {
        Progress progress{report().epoch, options_.epochs,       batch, batches(),       epoch_end,
                          report(),       seconds_since(start_), false, history_.metrics};
        for (const auto& callback : options_.callbacks)
            callback(progress);
        stop_ = stop_ || progress.stop;
    }

    EpochReport& report() { return history_.epochs.back(); }
    Index batches() const { return (samples_ + options_.batch_size - 1) / options_.batch_size; }
    static double seconds_since(Clock::time_point start) {
        return std::chrono::duration<double>(Clock::now() - start).count();
    }

    Model& model_;
    const Dataset<S>& data_;
    const Index samples_;
    const Dataset<S>* const validation_;
    const LossType& loss_;
    Optimizer<Rule, S>& optimizer_;
    const FitOptions& options_;

    Random random_; ///< shuffles
    typename Model::Tape tape_;
    State state_;
    Sequence<S> x_, y_, dy_;                   ///< a batch, and the gradient of its loss
    std::vector<Index> x_lengths_, y_lengths_; ///< of a chunk of it
    History history_;
    double best_loss_ = std::numeric_limits<double>::infinity();
    std::vector<Matrix<S>> best_; ///< the parameters of the best epoch, if they are to be put back
    bool stop_ = false;
    const Clock::time_point start_ = Clock::now();
};

} // namespace detail

/// Trains with an optimizer the caller keeps: calling it again goes on where the last call ended.
/// Throws std::invalid_argument, before anything is changed, if an option is out of range, a target is none for the
/// loss (a class that isn't there), or none counts, of those trained with or of those held out: all are padding or
/// ignored. A loss of one's own without check() meets its targets batch by batch instead. Batches without a target to
/// compare with are no step.
template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar> History fit(Model& model, const Dataset<typename Model::Scalar>& data,
                                                          const LossType& loss,
                                                          Optimizer<Rule, typename Model::Scalar>& optimizer,
                                                          const FitOptions& options = {}) {
    detail::check(options, data);
    // as Keras splits: floor(n · (1 − split)) samples to train on
    const auto training = static_cast<Index>(static_cast<double>(data.size()) * (1 - options.validation_split));
    const Index held_out = data.size() - training;
    require(training >= 1, "fit", "validation_split ", options.validation_split, " leaves none of ", data.size(),
            " samples to train on");
    detail::check_stateful(options, training, held_out);
    const Index outputs = model.output_size(data.x.features());
    detail::check_samples(loss, data, 0, training, outputs, " samples to train with");
    std::optional<Dataset<typename Model::Scalar>> validation;
    if (held_out > 0) {
        detail::check_samples(loss, data, training, held_out, outputs, " validation samples");
        validation = data.slice(training, held_out);
    }
    return detail::Training(model, data, training, validation ? &*validation : nullptr, loss, optimizer, options).run();
}

/// The same, with a validation set of one's own: Keras' validation_data. Its sequences may have other lengths than those
/// trained with. Throws std::invalid_argument, before anything is changed, also if it is empty or has not the training
/// set's features, or options.validation_split isn't 0.
template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar> History fit(Model& model, const Dataset<typename Model::Scalar>& training,
                                                          const Dataset<typename Model::Scalar>& validation,
                                                          const LossType& loss,
                                                          Optimizer<Rule, typename Model::Scalar>& optimizer,
                                                          const FitOptions& options = {}) {
    detail::check(options, training);
    require(options.validation_split == 0, "fit", "validation_split is ", options.validation_split,
            ", expected 0 beside a validation set");
    detail::check_validation(validation, training);
    detail::check_stateful(options, training.size(), validation.size());
    const Index outputs = model.output_size(training.x.features());
    detail::check_samples(loss, training, 0, training.size(), outputs, " samples to train with");
    detail::check_samples(loss, validation, 0, validation.size(), outputs, " validation samples");
    return detail::Training(model, training, training.size(), &validation, loss, optimizer, options).run();
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
