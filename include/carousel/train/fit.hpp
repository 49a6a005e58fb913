// fit: the training loop. Shuffled batches, truncated BPTT, clipping, schedules, validation, early stopping, callbacks.
#pragma once

#include "carousel/layer/layer.hpp"
#include "carousel/loss/loss.hpp"
#include "carousel/optim/clip.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/train/evaluate.hpp"
#include "carousel/train/fit_options.hpp"

#include <chrono>
#include <limits>
#include <optional>

namespace carousel {

namespace detail {

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
