// FitLoop: what a call of fit does, once its options and data are checked.
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/optim/clip.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/train/best_epoch.hpp"
#include "carousel/train/evaluate_loop.hpp"
#include "carousel/train/fit_options.hpp"
#include "carousel/train/learner.hpp"
#include "carousel/train/order.hpp"
#include "carousel/train/training_state.hpp"

#include <chrono>
#include <limits>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

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

/// One call of fit. What goes on after it is in `state` whenever a callback is called, and when an exception leaves run().
template <class S>
class FitLoop {
    using Clock = std::chrono::steady_clock;

  public:
    /// Trains with the first `samples` samples of data. The monitored loss is that of `validation`, or, if that is null,
    /// of the training.
    FitLoop(Learner<S>& learner, const SampleSource<S>& data, Index samples, const SampleSource<S>* validation,
            OptimizerOfAnyRule<S>& optimizer, TrainingState<S>& state, const FitOptions& options)
        : learner_(learner), data_(data), validation_(validation), optimizer_(optimizer),
          options_(options), plan_{samples, options.batch_size, options.bucket, options.shuffle}, training_(state),
          best_(options.early_stopping, optimizer.parameters(), state), earlier_(state.epochs),
          end_(state.epochs + std::min(options.epochs, std::numeric_limits<Index>::max() - state.epochs)) {}

    void run() {
        const Groups groups(optimizer_, options_.groups);
        training_.history.stopped = false;
        go_on();
        if (!(best_.exhausted() && training_.history.best_epoch > 0)) // else early stopping has ended it for good
            while (training_.epochs < end_ && !stop_) {
                epoch();
                stop_ = stop_ || best_.exhausted();
            }
        training_.history.stopped = training_.epochs < end_;
        if (training_.epochs > earlier_)
            best_.require_one(validation_ != nullptr);
        best_.put_back();
    }

  private:
    /// The optimizer has the options' groups as long as the call runs.
    struct Groups {
        OptimizerOfAnyRule<S>& optimizer;
        ParameterSettings before;
        Groups(OptimizerOfAnyRule<S>& o, const std::vector<ParameterGroup>& groups)
            : optimizer(o), before(o.settings()) {
            if (!groups.empty())
                optimizer.set_groups(groups);
        }
        ~Groups() { optimizer.exchange_settings(std::move(before)); }
        Groups(const Groups&) = delete;
        Groups& operator=(const Groups&) = delete;
    };

    /// Takes up what the last call left: parameters, rate, and the generators of masks.
    void go_on() {
        if (!training_.order)
            training_.order.emplace(options_.seed);
        if (training_.history.epochs.empty()) {
            training_.history.metrics.clear();
            for (const Metric& metric : options_.metrics)
                training_.history.metrics.push_back(metric.name());
        }
        best_.go_on();
        if (!options_.schedule)
            optimizer_.set_learning_rate(training_.initial_rate);
        auto saved = training_.masks.begin();
        learner_.each_random([&](Random& random) { random = *saved++; });
        if (training_.begun && training_.begun->plan != plan_)
            drop_begun();
    }

    void epoch() {
        const auto start = Clock::now();
        if (!training_.begun)
            begin();
        const double before = report().seconds;
        Random order_random = *training_.order; // which goes on only when the epoch has ended
        train(order_random, [&] { report().seconds = before + seconds_since(start); });
        if (stop_)
            return;
        if (validation_)
            validate();
        report().seconds = before + seconds_since(start);
        const double monitored = validation_ ? report().validation_loss : report().loss;
        training_.monitored.push_back(monitored);
        training_.order = order_random;
        training_.begun.reset();
        ++training_.epochs;
        best_.watch(monitored);
        tell(plan_.batches(), true);
    }

    void begin() {
        const double nan = std::numeric_limits<double>::quiet_NaN();
        ask_schedule(0);
        EpochReport report{.epoch = training_.epochs + 1, .learning_rate = optimizer_.learning_rate()};
        report.metrics.assign(options_.metrics.size(), nan);
        report.validation_metrics.assign(validation_ ? options_.metrics.size() : 0, nan);
        BegunEpoch<S> begun{plan_, 0, std::vector<MetricSum>(options_.metrics.size() + 1), {}};
        training_.history.epochs.push_back(std::move(report));
        training_.begun = std::move(begun);
        training_.rate = optimizer_.learning_rate();
    }
    /// The rate becomes that of the epoch to come, or of the step that the batch after so many begins.
    void ask_schedule(Index batches) {
        if (!options_.schedule)
            return;
        const Index steps = options_.schedule_steps ? plan_.batches() : 1;
        optimizer_.set_learning_rate(options_.schedule(
            {training_.epochs, planned(), training_.initial_rate, optimizer_.learning_rate(),
             training_.monitored.empty() ? std::numeric_limits<double>::quiet_NaN() : training_.monitored.back(),
             training_.monitored, batches, steps}));
    }
    void drop_begun() {
        auto& reports = training_.history.epochs;
        reports.pop_back();
        training_.begun.reset();
        training_.rate = reports.empty() ? training_.initial_rate : reports.back().learning_rate;
        optimizer_.set_learning_rate(training_.rate); // a schedule asks for that of the epoch before
    }

    /// The epoch's batches that are left; timed() before each is told.
    void train(Random& order_random, FunctionRef<void()> timed) {
        const Order order(data_.x_lengths(), plan_.samples, options_, order_random, data_.block());
        Totals totals(options_.metrics, training_.begun->sums);
        learner_.empty_state();
        carry(training_.begun->carried, false);
        while (training_.begun->batches < plan_.batches() && !stop_) {
            if (options_.schedule_steps && training_.begun->batches > 0) {
                ask_schedule(training_.begun->batches);
                report().learning_rate = training_.rate = optimizer_.learning_rate();
            }
            batch(learner_.evaluated(), data_, order.batch(training_.begun->batches, plan_.batch_size), x_, y_);
            if (!options_.stateful && options_.truncate > 0)
                learner_.empty_state();
            learn(totals);
            totals.make_room(training_.begun->sums);
            carry(training_.begun->carried, true); // takes memory the first time; nothing below does
            ++training_.begun->batches;
            training_.begun->sums = totals.sums();
            auto saved = training_.masks.begin();
            learner_.each_random([&](Random& random) { *saved++ = random; });
            timed();
            tell(training_.begun->batches, false);
        }
        if (totals.empty() && !stop_) {
            drop_begun();
            require(false, "fit", "there is no target to compare with in the whole data set");
        }
    }

    /// In stateful training, the state after a batch to `saved`, or back from there; an empty list stands for zero.
    void carry(std::vector<Matrix<S>>& saved, bool to_saved) {
        if (!options_.stateful || (!to_saved && saved.empty()))
            return;
        std::size_t count = 0;
        learner_.each_carried([&](Matrix<S>&) { ++count; });
        saved.resize(count);
        auto next = saved.begin();
        learner_.each_carried([&](Matrix<S>& matrix) { to_saved ? * next++ = matrix : matrix = *next++; });
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
        const auto output = learner_.forward(x, options_.truncate > 0 || options_.stateful);
        const double weight = learner_.evaluated().weight(output, y);
        if (weight == 0)
            return; // nothing to learn from, but the state goes on
        totals.add(learner_.evaluated().loss(output, y, &dy_), weight, output, y);
        report().loss = totals.loss();
        totals.metrics(report().metrics);

        const auto& list = optimizer_.parameters();
        zero_gradients(list);
        learner_.backward(dy_);
        const double norm = clip(list, options_);
        // What was too large may have been clipped: then step() looks again.
        if (norm <= optimizer_.largest_gradient_norm ? optimizer_.step(norm) : optimizer_.step()) {
            report().gradient_norm = std::max(report().gradient_norm, norm);
        } else if (report().skipped_steps++ == 0) {
            report().non_finite = optimizer_.refused();
            report().too_large = first_non_finite(list).empty();
        }
    }

    void validate() {
        learner_.begin_validation(options_.stateful);
        auto [loss, metrics] =
            evaluate(learner_.evaluated(), *validation_, options_.metrics, options_.batch_size, options_.stateful);
        report().validation_loss = loss;
        report().validation_metrics = std::move(metrics);
    }

    /// Asks the callbacks whether to go on.
    void tell(Index batch, bool epoch_end) {
        bool stop = stop_ || (epoch_end && best_.exhausted());
        Progress progress{report().epoch,
                          planned(),
                          batch,
                          plan_.batches(),
                          epoch_end,
                          report(),
                          seconds_since(start_),
                          stop,
                          training_.history.metrics,
                          earlier_,
                          end_};
        for (const auto& callback : options_.callbacks) {
            progress.stop = stop;
            callback(progress);
            stop = stop || progress.stop;
        }
        stop_ = stop;
    }

    EpochReport& report() { return training_.history.epochs.back(); }
    Index planned() const { return options_.planned_epochs > 0 ? options_.planned_epochs : end_; }
    static double seconds_since(Clock::time_point start) {
        return std::chrono::duration<double>(Clock::now() - start).count();
    }

    Learner<S>& learner_;
    const SampleSource<S>& data_;
    const SampleSource<S>* const validation_;
    OptimizerOfAnyRule<S>& optimizer_;
    const FitOptions& options_;
    const BatchPlan plan_;
    TrainingState<S>& training_; ///< what goes on
    BestEpoch<S> best_;
    const Index earlier_, end_; ///< epochs trained before this call, and when it has trained its own

    Sequence<S> x_, y_, dy_;                   ///< a batch, and the gradient of its loss
    std::vector<Index> x_lengths_, y_lengths_; ///< of a chunk of it
    bool stop_ = false;
    const Clock::time_point start_ = Clock::now();
};

} // namespace carousel::detail
