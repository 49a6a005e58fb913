// FitLoop: what a call of fit does, once its options and data are checked.
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/train/batch_steps.hpp"
#include "carousel/train/best_epoch.hpp"
#include "carousel/train/evaluate_loop.hpp"
#include "carousel/train/fit_options.hpp"
#include "carousel/train/learner.hpp"
#include "carousel/train/moving_average.hpp"
#include "carousel/train/order.hpp"
#include "carousel/train/team.hpp"
#include "carousel/train/training_state.hpp"

#include <chrono>
#include <limits>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// One call of fit. What goes on after it is in `state` whenever a callback is called, and when an exception leaves run().
template <class S>
class FitLoop {
    using Clock = std::chrono::steady_clock;

  public:
    /// Trains with the first `samples` samples of the data. The monitored loss is that of the validation or, without one, of the training.
    FitLoop(const FitCall<S>& call, Index samples)
        : team_(call.team), learner_(call.learner), data_(call.data), validation_(call.validation),
          optimizer_(call.optimizer), options_(call.options), own_{samples, team_.batch_size(options_.batch_size),
                                                                   options_.bucket, options_.shuffle},
          plan_(team_.plan({samples, options_.batch_size, options_.bucket, options_.shuffle})), training_(call.state),
          average_(options_.moving_average, optimizer_.parameters(), training_), steps_(call, average_),
          best_(options_.early_stopping, validation_ != nullptr, optimizer_.parameters(), training_),
          earlier_(training_.epochs),
          end_(earlier_ + std::min(options_.epochs, std::numeric_limits<Index>::max() - earlier_)) {}

    void run() {
        const GroupsOfACall groups(optimizer_, options_.groups);
        training_.history.stopped = false;
        go_on();
        if (!(best_.exhausted() && training_.history.best_epoch > 0)) // else early stopping has ended it for good
            while (training_.epochs < end_ && !stop_) {
                epoch();
                stop_ = stop_ || best_.exhausted();
            }
        training_.history.stopped = training_.epochs < end_;
        if (training_.epochs > earlier_)
            best_.require_one();
        best_.put_back();
        average_.put_back();
        team_.agree(optimizer_.parameters(), training_.history);
    }

  private:
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
        average_.go_on();
        if (!options_.schedule)
            optimizer_.set_learning_rate(training_.initial_rate);
        auto saved = training_.masks.begin();
        learner_.each_random([&](Random& random) { random = *saved++; });
        if (training_.begun && (training_.begun->plan != plan_ ||
                                training_.begun->accumulated.batches >= std::max<Index>(options_.accumulate, 1)))
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
        end_epoch(order_random, [&] { report().seconds = before + seconds_since(start); });
        team_.agree(optimizer_.parameters(), training_.history);
        tell(plan_.batches(), true);
    }
    /// With the averages, if there are any.
    void end_epoch(const Random& order_random, FunctionRef<void()> timed) {
        const typename AveragedParameters<S>::Shown shown(average_);
        if (validation_)
            validate();
        timed();
        const double monitored = validation_ ? report().validation_loss : report().loss;
        training_.monitored.push_back(monitored);
        training_.order = order_random;
        training_.begun.reset();
        ++training_.epochs;
        best_.watch();
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
        const Index n = options_.accumulate;
        const Index steps = options_.schedule_steps ? plan_.batches() / n + (plan_.batches() % n > 0 ? 1 : 0) : 1;
        optimizer_.set_learning_rate(options_.schedule(
            {training_.epochs, planned(), training_.initial_rate, optimizer_.learning_rate(),
             training_.monitored.empty() ? std::numeric_limits<double>::quiet_NaN() : training_.monitored.back(),
             training_.monitored, batches / n, steps}));
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
        const Order order(data_.x_lengths(), own_, team_.order(order_random), data_.block());
        Totals totals(options_.metrics, training_.begun->sums);
        learner_.empty_state();
        carry(training_.begun->carried, false);
        steps_.go_on(*training_.begun);
        while (training_.begun->batches < plan_.batches() && !stop_) {
            const bool first = training_.begun->accumulated.batches == 0; // of those that make a step
            if (options_.schedule_steps && first && training_.begun->batches > 0) {
                ask_schedule(training_.begun->batches);
                report().learning_rate = training_.rate = optimizer_.learning_rate();
            }
            team_.begin_masks(learner_, training_.masks);
            fetch(order);
            if (!options_.stateful && options_.truncate > 0)
                learner_.empty_state();
            steps_.learn({x_, y_, totals, *training_.begun, report()});
            totals.make_room(training_.begun->sums);
            carry(training_.begun->carried, true); // takes memory the first time; nothing below does
            ++training_.begun->batches;
            training_.begun->sums = totals.sums();
            team_.end_masks(learner_, training_.masks);
            timed();
            tell(training_.begun->batches, false);
        }
        if (totals.empty() && !stop_) {
            drop_begun();
            require(false, "fit", "there is no target to compare with in the whole data set");
        }
    }

    /// The epoch's next batch, or the share of it.
    void fetch(const Order& order) {
        const auto samples = team_.share(order.batch(training_.begun->batches, own_.batch_size));
        if (samples.empty())
            x_ = y_ = Sequence<S>();
        else
            batch(learner_.evaluated(), data_, samples, x_, y_);
    }

    /// In stateful training, the state after a batch to `saved`, or back from there; an empty list stands for zero.
    void carry(std::vector<Matrix<S>>& saved, bool to_saved) {
        if (!options_.stateful || (!to_saved && saved.empty()))
            return;
        std::size_t count = 0;
        learner_.each_carried([&](Matrix<S>&) { ++count; });
        saved.resize(count);
        auto next = saved.begin();
        learner_.each_carried([&](Matrix<S>& matrix) {
            if (to_saved)
                *next++ = matrix;
            else
                matrix = team_.part(*next++);
        });
        if (to_saved)
            team_.join(saved, plan_.batch_size);
    }

    void validate() {
        learner_.begin_validation(options_.stateful);
        auto [loss, metrics] = evaluate(learner_.evaluated(), *validation_, options_.metrics, options_.batch_size,
                                        options_.stateful, team_);
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
        if (team_.is_first())
            for (const auto& callback : options_.callbacks) {
                progress.stop = stop;
                callback(progress);
                stop = stop || progress.stop;
            }
        stop_ = team_.decided(stop);
    }

    EpochReport& report() { return training_.history.epochs.back(); }
    Index planned() const { return options_.planned_epochs > 0 ? options_.planned_epochs : end_; }
    static double seconds_since(Clock::time_point start) {
        return std::chrono::duration<double>(Clock::now() - start).count();
    }

    Team<S>& team_;
    Learner<S>& learner_;
    const SampleSource<S>& data_;
    const SampleSource<S>* const validation_;
    OptimizerOfAnyRule<S>& optimizer_;
    const FitOptions& options_;
    const BatchPlan own_, plan_; ///< of this process' data, and of the team's
    TrainingState<S>& training_; ///< what goes on
    AveragedParameters<S> average_;
    BatchSteps<S> steps_;
    BestEpoch<S> best_;
    const Index earlier_, end_; ///< epochs trained before this call, and when it has trained its own

    Sequence<S> x_, y_; ///< a batch
    bool stop_ = false;
    const Clock::time_point start_ = Clock::now();
};

} // namespace carousel::detail
