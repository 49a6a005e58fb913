// fit: the training loop. Shuffled batches, truncated BPTT, clipping, schedules, validation, early stopping, callbacks.
#pragma once

#include "carousel/layer/layer.hpp"
#include "carousel/loss/loss.hpp"
#include "carousel/optim/clip.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/optim/schedule.hpp"
#include "carousel/train/dataset.hpp"
#include "carousel/train/metrics.hpp"

#include <chrono>
#include <functional>
#include <limits>

namespace carousel {

/// What an epoch came to. Losses are means over all samples, as the loss' weight defines them (of Reduction::sum the
/// mean of what was summed for a step); NaN where there is none.
/// Loss and metrics of training are those of the batches as they were trained on, each before its step.
struct EpochReport {
    Index epoch = 0; ///< from 1
    double loss = 0, validation_loss = std::numeric_limits<double>::quiet_NaN();
    std::vector<double> metrics = {}, validation_metrics = {}; ///< in the order of FitOptions; none where there is none
    double learning_rate = 0;
    double gradient_norm = 0;    ///< the largest global norm of a step, before clipping
    Index skipped_steps = 0;     ///< steps not taken because a gradient was NaN or infinite
    std::string non_finite = {}; ///< the first parameter such a gradient had
    double seconds = 0;
};

struct History {
    std::vector<EpochReport> epochs;
    std::vector<std::string> metrics = {}; ///< the names of the reports' metrics
    Index best_epoch = 0;                  ///< from 1: that with the lowest monitored loss (validation if there is any)
    bool stopped = false;                  ///< before all epochs were trained: by early stopping or a callback

    double best_loss() const {
        if (epochs.empty())
            return std::numeric_limits<double>::quiet_NaN();
        const auto& best = epochs[static_cast<std::size_t>(std::max<Index>(best_epoch, 1) - 1)];
        return std::isnan(best.validation_loss) ? best.loss : best.validation_loss;
    }
};

/// What a callback sees, after every batch and at the end of every epoch; set `stop` to end the training there.
struct Progress {
    Index epoch = 0, epochs = 0; ///< the running one, from 1, of how many
    Index batch = 0, batches = 0;
    bool epoch_end = false;
    const EpochReport& report; ///< so far; complete, with the validation loss, at epoch_end
    double seconds = 0;        ///< since the training began
    bool stop = false;
    std::span<const std::string> metrics = {}; ///< the names of the report's
};
using Callback = std::function<void(Progress&)>;

/// f(report) at the end of every `every`-th epoch.
inline Callback every_epoch(std::function<void(const EpochReport&)> f, Index every = 1) {
    return [f = std::move(f), every](Progress& p) {
        if (p.epoch_end && p.epoch % every == 0)
            f(p.report);
    };
}

/// Ends the training when the monitored loss (validation if there is any) hasn't fallen by more than min_delta for
/// `patience` epochs; the parameters of the best epoch are put back.
struct EarlyStopping {
    Index patience = 10;
    double min_delta = 0;
    bool restore_best = true;
};

struct FitOptions {
    Index epochs = 1, batch_size = 32;
    double validation_split = 0; ///< this part of the samples, taken from the end before shuffling, as Keras does
    bool shuffle = true;
    std::uint64_t seed = 0; ///< of shuffling
    /// Batches of sequences of like length, so that little is padding: the samples of every `bucket` batches, shuffled
    /// or not, are sorted by length before they are cut into batches, which are then shuffled themselves. 0: off.
    Index bucket = 0;
    std::vector<Metric> metrics = {}; ///< {Accuracy{}, …}; reported for training and validation
    double clip_value = 0;            ///< 0: off, as the others
    double clip_parameter_norm = 0;   ///< of each parameter's gradient
    double clip_norm = 0;             ///< of all gradients together
    /// Truncated BPTT (Williams & Peng 1990): sequences are cut into chunks of so many steps with an optimizer step
    /// after each; the state goes from chunk to chunk, the gradient doesn't. 0: whole sequences. Targets need as many
    /// steps as x.
    Index truncate = 0;
    /// The state goes from each batch to the next: sample i of a batch goes on where sample i of the last one ended.
    /// Not with shuffle or bucket, and only with batches of equal size. Every epoch starts from zero, and validation
    /// where its training has ended.
    bool stateful = false;
    Schedule schedule = {};
    std::optional<EarlyStopping> early_stopping = std::nullopt;
    std::vector<Callback> callbacks = {};
};

/// What a model comes to on a data set: its loss and the metrics that were asked for, in that order.
struct Evaluation {
    double loss = 0;
    std::vector<double> metrics;
};

namespace detail {

/// Losses and metrics of batches, added up.
class Totals {
  public:
    explicit Totals(const std::vector<Metric>& metrics) : metrics_(metrics), sums_(metrics.size()) {}

    template <class S>
    void add(double loss, double weight, const SequenceView<S>& output, const SequenceView<S>& target) {
        loss_ += {loss * weight, weight};
        for (std::size_t k = 0; k < sums_.size(); ++k)
            sums_[k] += metrics_[k](output, target);
    }
    bool empty() const { return loss_.weight == 0; }
    double loss() const { return loss_.mean(); }
    void metrics(std::vector<double>& out) const {
        out.resize(sums_.size());
        for (std::size_t k = 0; k < sums_.size(); ++k)
            out[k] = metrics_[k].value(sums_[k]);
    }

  private:
    const std::vector<Metric>& metrics_;
    MetricSum loss_;
    std::vector<MetricSum> sums_;
};

/// From `state`, which, if it is carried, goes from batch to batch.
template <class Model, Loss LossType>
Evaluation evaluate(const Model& model, const Dataset<typename Model::Scalar>& data, const LossType& loss,
                    const std::vector<Metric>& metrics, Index batch_size,
                    typename Model::template State<typename Model::Scalar> state, bool carried) {
    using S = typename Model::Scalar;
    typename Model::template Tape<S> tape;
    Sequence<S> x, y;
    std::vector<Index> samples;
    Totals totals(metrics);
    for (Index first = 0; first < data.size(); first += batch_size) {
        samples.resize(static_cast<std::size_t>(std::min(batch_size, data.size() - first)));
        std::iota(samples.begin(), samples.end(), first);
        data.batch(samples, x, y);
        const auto output = model.infer(x, tape, state);
        if (const double weight = loss.weight(output, y.view()); weight > 0)
            totals.add(loss(output, y.view(), static_cast<Matrix<S>*>(nullptr)), weight, output, y.view());
        if (carried)
            model.final_state(tape, state);
    }
    require(!totals.empty(), "evaluate", "there is no target to compare with in the whole data set");
    Evaluation result{totals.loss(), {}};
    totals.metrics(result.metrics);
    return result;
}

} // namespace detail

/// Loss and metrics of the model's inference over a data set, `batch_size` samples at a time. Throws
/// std::invalid_argument if batch_size is below 1 or there is nothing to compare with, as all targets are padding or
/// ignored.
template <class Model, Loss LossType>
Evaluation evaluate(const Model& model, const Dataset<typename Model::Scalar>& data, const LossType& loss,
                    const std::vector<Metric>& metrics, Index batch_size = 256) {
    require(batch_size >= 1, "evaluate", "batch_size is ", batch_size, ", expected batch_size >= 1");
    return detail::evaluate(model, data, loss, metrics, batch_size, {}, false);
}

/// The loss alone.
template <class Model, Loss LossType>
double evaluate(const Model& model, const Dataset<typename Model::Scalar>& data, const LossType& loss,
                Index batch_size = 256) {
    return evaluate(model, data, loss, std::vector<Metric>(), batch_size).loss;
}

namespace detail {

inline void check(const FitOptions& o, Index samples, Index steps, Index target_steps) {
    const char* const where = "fit";
    require(samples >= 1, where, "the data set is empty");
    require(o.epochs >= 0, where, "epochs is ", o.epochs, ", expected epochs >= 0");
    require(o.batch_size >= 1, where, "batch_size is ", o.batch_size, ", expected batch_size >= 1");
    require(o.validation_split >= 0 && o.validation_split < 1, where, "validation_split is ", o.validation_split,
            ", expected 0 <= validation_split < 1");
    require(o.truncate >= 0, where, "truncate is ", o.truncate, ", expected truncate >= 0");
    require(o.truncate == 0 || steps == target_steps, where, "truncate needs a target for every step: x has ", steps,
            " steps and the targets have ", target_steps);
    require(o.bucket >= 0, where, "bucket is ", o.bucket, ", expected bucket >= 0");
    require(!o.stateful || (!o.shuffle && o.bucket == 0), where, "stateful needs shuffle = false and bucket = 0");
    require(o.clip_value >= 0 && o.clip_parameter_norm >= 0 && o.clip_norm >= 0, where, "clip_value ", o.clip_value,
            ", clip_parameter_norm ", o.clip_parameter_norm, " and clip_norm ", o.clip_norm, " must all be >= 0");
}

/// Asks the loss, if it can tell, whether every target is one. A target has x's lengths where it has none of its own
/// and as many steps.
template <class S, class LossType>
void check_targets(const LossType& loss, const Dataset<S>& data, Index outputs) {
    if constexpr (requires { loss.check(data.y.view(), outputs); }) {
        const auto y = data.y.view();
        const bool in_step = !y.ragged() && y.steps() == data.x.steps();
        loss.check(in_step ? SequenceView<S>(y.data(), y.features(), y.steps(), y.batch(), data.x.lengths()) : y,
                   outputs);
    }
}

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

/// The samples of an epoch in the order of its batches, and where each batch begins.
struct Order {
    std::vector<Index> samples, firsts;

    template <class S>
    Order(SequenceView<S> x, Index count, const FitOptions& o, Random& random)
        : samples(static_cast<std::size_t>(count)) {
        std::iota(samples.begin(), samples.end(), Index(0));
        if (o.shuffle)
            random.shuffle(samples);
        for (Index first = 0; first < count; first += o.batch_size)
            firsts.push_back(first);
        if (o.bucket == 0)
            return;
        for (Index first = 0; first < count; first += o.bucket * o.batch_size)
            std::stable_sort(samples.begin() + first,
                             samples.begin() + std::min(first + o.bucket * o.batch_size, count),
                             [&](Index a, Index b) { return x.length(a) < x.length(b); });
        if (o.shuffle)
            random.shuffle(firsts);
    }

    std::span<const Index> batch(Index k, Index batch_size) const {
        const auto first = static_cast<std::size_t>(firsts[static_cast<std::size_t>(k)]);
        return std::span(samples).subspan(first,
                                          std::min(static_cast<std::size_t>(batch_size), samples.size() - first));
    }
};

} // namespace detail

/// Trains with an optimizer the caller keeps: calling it again goes on where the last call ended.
/// Throws std::invalid_argument, before anything is changed, if an option is out of range, a target is none for the
/// loss (a class that isn't there) or all are padding or ignored. Batches without a target to compare with are no step.
template <class Model, Loss LossType, OptimizerRule Rule>
requires Layer<Model, typename Model::Scalar> History fit(Model& model, const Dataset<typename Model::Scalar>& data,
                                                          const LossType& loss,
                                                          Optimizer<Rule, typename Model::Scalar>& optimizer,
                                                          const FitOptions& options = {}) {
    using S = typename Model::Scalar;
    using Clock = std::chrono::steady_clock;
    const auto seconds_since = [](Clock::time_point start) {
        return std::chrono::duration<double>(Clock::now() - start).count();
    };
    require(data.y.batch() == data.size(), "fit", "x has ", data.size(), " samples and y ", data.y.batch());
    detail::check(options, data.size(), data.x.steps(), data.y.steps());
    detail::check_targets(loss, data, model.output_size(data.x.features()));
    // as Keras splits: floor(n · (1 − split)) samples to train on
    const auto training = static_cast<Index>(static_cast<double>(data.size()) * (1 - options.validation_split));
    require(training >= 1, "fit", "validation_split ", options.validation_split, " leaves none of ", data.size(),
            " samples to train on");
    require(!options.stateful || training % options.batch_size == 0, "fit",
            "stateful needs batches of equal size: ", training, " samples are no multiple of batch_size ",
            options.batch_size);
    const bool validates = training < data.size();
    require(!options.stateful || data.size() % options.batch_size == 0, "fit",
            "stateful needs batches of equal size: ", data.size() - training,
            " validation samples are no multiple of batch_size ", options.batch_size);
    const Dataset<S> validation = validates ? data.slice(training, data.size() - training) : Dataset<S>{};

    const auto& list = optimizer.parameters();
    typename Model::template Tape<S> tape;
    typename Model::template State<S> state;
    Sequence<S> x, y;
    Matrix<S> dy;
    std::vector<Index> x_lengths, y_lengths;
    std::vector<Matrix<S>> best;
    Random random(options.seed);
    History history;
    for (const Metric& metric : options.metrics)
        history.metrics.push_back(metric.name());
    const double initial_rate = optimizer.learning_rate();
    double best_loss = std::numeric_limits<double>::infinity(), monitored = std::numeric_limits<double>::quiet_NaN();
    Index waited = 0;
    bool stop = false;
    const auto start = Clock::now();

    for (Index epoch = 0; epoch < options.epochs && !stop; ++epoch) {
        const auto epoch_start = Clock::now();
        if (options.schedule)
            optimizer.set_learning_rate(
                options.schedule({epoch, options.epochs, initial_rate, optimizer.learning_rate(), monitored}));
        const detail::Order order(data.x.view(), training, options, random);
        state = {};
        EpochReport report{.epoch = epoch + 1, .learning_rate = optimizer.learning_rate()};
        detail::Totals totals(options.metrics);
        const auto batches = static_cast<Index>(order.firsts.size());

        for (Index batch = 0; batch < batches && !stop; ++batch) {
            data.batch(order.batch(batch, options.batch_size), x, y);
            if (!options.stateful)
                state = {};

            const Index chunk_steps = options.truncate > 0 ? options.truncate : std::max<Index>(x.steps(), 1);
            for (Index t = 0; t < std::max<Index>(x.steps(), 1); t += chunk_steps) {
                const bool whole = chunk_steps >= x.steps();
                const Index steps = std::min(chunk_steps, x.steps() - t);
                const auto x_chunk = whole ? x.view() : detail::chunk(x.view(), t, steps, x_lengths);
                const auto y_chunk = whole ? y.view() : detail::chunk(y.view(), t, steps, y_lengths);

                if (x_chunk.real_columns() == 0)
                    break; // past the end of every sequence there is nothing to learn
                const auto output = model.forward(x_chunk, tape, state);
                const double weight = loss.weight(output, y_chunk);
                if (weight > 0) {
                    totals.add(loss(output, y_chunk, &dy), weight, output, y_chunk);
                    report.loss = totals.loss();
                    totals.metrics(report.metrics);
                    zero_gradients(list);
                    model.backward({dy.data(), output.features(), output.steps(), output.batch()}, tape,
                                   {.input_gradient = false});
                }
                if (options.truncate > 0 || options.stateful)
                    model.final_state(tape, state);
                if (weight == 0)
                    continue; // nothing to learn from, but the state goes on

                const double norm = detail::clip(list, options);
                if (std::isfinite(norm)) {
                    optimizer.step();
                    report.gradient_norm = std::max(report.gradient_norm, norm);
                } else if (report.skipped_steps++ == 0)
                    report.non_finite = first_non_finite(list);
            }
            Progress progress{epoch + 1, options.epochs,       batch + 1, batches,        false,
                              report,    seconds_since(start), false,     history.metrics};
            for (const auto& callback : options.callbacks)
                callback(progress);
            stop = stop || progress.stop;
        }

        require(!totals.empty() || stop, "fit", "there is no target to compare with in the whole data set");
        if (validates) {
            auto [validation_loss, metrics] =
                detail::evaluate(model, validation, loss, options.metrics, options.batch_size,
                                 options.stateful ? state : decltype(state){}, options.stateful);
            report.validation_loss = validation_loss;
            report.validation_metrics = std::move(metrics);
        }
        report.seconds = seconds_since(epoch_start);
        monitored = validates ? report.validation_loss : report.loss;
        const double min_delta = options.early_stopping ? options.early_stopping->min_delta : 0;
        if (monitored < best_loss - min_delta) {
            best_loss = monitored;
            history.best_epoch = epoch + 1;
            waited = 0;
            if (options.early_stopping && options.early_stopping->restore_best) {
                best.resize(list.size());
                for (std::size_t k = 0; k < list.size(); ++k)
                    best[k] = list[k].parameter->value;
            }
        } else
            ++waited;
        history.epochs.push_back(report);

        Progress progress{
            epoch + 1, options.epochs, batches, batches, true, history.epochs.back(), seconds_since(start),
            false,     history.metrics};
        for (const auto& callback : options.callbacks)
            callback(progress);
        stop = stop || progress.stop || (options.early_stopping && waited >= options.early_stopping->patience);
    }
    history.stopped = stop && static_cast<Index>(history.epochs.size()) < options.epochs;
    for (std::size_t k = 0; k < best.size(); ++k)
        list[k].parameter->value = best[k];
    return history;
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

} // namespace carousel
