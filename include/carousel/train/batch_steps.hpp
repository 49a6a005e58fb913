// BatchSteps: what fit does with a batch: gradients, clipping, and steps of the optimizer.
#pragma once

#include "carousel/optim/clip.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/train/accumulation.hpp"
#include "carousel/train/fit_options.hpp"
#include "carousel/train/learner.hpp"
#include "carousel/train/moving_average.hpp"
#include "carousel/train/team.hpp"
#include "carousel/train/totals.hpp"
#include "carousel/train/training_state.hpp"

#include <algorithm>
#include <optional>
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

/// While it lives, the optimizer has these groups, if there are any.
template <class S>
class GroupsOfACall {
  public:
    GroupsOfACall(OptimizerOfAnyRule<S>& optimizer, const std::vector<ParameterGroup>& groups)
        : optimizer_(optimizer), before_(optimizer.settings()) {
        if (!groups.empty())
            optimizer_.set_groups(groups);
    }
    ~GroupsOfACall() { optimizer_.exchange_settings(std::move(before_)); }
    GroupsOfACall(const GroupsOfACall&) = delete;
    GroupsOfACall& operator=(const GroupsOfACall&) = delete;

  private:
    OptimizerOfAnyRule<S>& optimizer_;
    ParameterSettings before_;
};

/// The steps of one call of fit.
template <class S>
class BatchSteps {
  public:
    /// A batch, or a chunk of one, of an epoch that has begun, and where its loss and metrics go.
    struct Batch {
        SequenceView<S> x, y;
        Totals& totals;
        BegunEpoch<S>& begun;
        EpochReport& report;
    };

    BatchSteps(const FitCall<S>& call, AveragedParameters<S>& average)
        : team_(call.team), learner_(call.learner), optimizer_(call.optimizer), options_(call.options),
          average_(average), accumulation_(optimizer_.parameters()) {}

    /// Takes up the gradients that an epoch was left with.
    void go_on(const BegunEpoch<S>& begun) const {
        if (begun.accumulated.batches > 0)
            accumulation_.go_on(begun.accumulated);
    }

    /// A batch: one step, or under truncated BPTT one for every chunk, or one for several batches.
    void learn(const Batch& batch) {
        if (options_.accumulate > 1)
            return accumulate(batch);
        if (options_.truncate == 0)
            return step(batch);
        for (Index t = 0, all = team_.most(batch.x.steps()); t < all; t += options_.truncate) {
            const Index steps = std::min(options_.truncate, batch.x.steps() - t);
            if (steps <= 0) { // longer sequences are another process' share
                step({{}, {}, batch.totals, batch.begun, batch.report});
                continue;
            }
            step({chunk(batch.x, t, steps, x_lengths_), chunk(batch.y, t, steps, y_lengths_), batch.totals, batch.begun,
                  batch.report});
        }
    }

  private:
    void accumulate(const Batch& batch) {
        AccumulatedGradient<S>& so_far = batch.begun.accumulated;
        if (so_far.batches == 0)
            zero_gradients(optimizer_.parameters());
        const double weight = so_far.weight + gradients(batch, so_far.weight);
        const Index batches = so_far.batches + 1;
        if (batches < options_.accumulate && batch.begun.batches + 1 < batch.begun.plan.batches()) {
            so_far = accumulation_.kept(batches, weight); // all of it, or nothing if memory runs out
            return;
        }
        so_far = {};
        if (weight > 0)
            take_step(batch.report);
    }

    void step(const Batch& batch) {
        if (gradients(batch, 0) > 0)
            take_step(batch.report);
    }

    /// Forward, loss and backward; the state goes on to the next. Returns what the targets weigh; 0: there is nothing to learn.
    /// The parameters' gradients become those of the batch, added up with what they are if targets of this `earlier` weight made it. Of
    /// a batch's mean over targets that weigh w₀, w₁ … in its shares, Σ wᵣ·meanᵣ / Σ wᵣ, the gradient is the sum of those of the
    /// shares, each times wᵣ / Σ wᵣ.
    double gradients(const Batch& batch, double earlier) {
        const auto& [x, y, totals, begun, report] = batch;
        std::optional<SequenceView<S>> output;
        if (x.real_columns() > 0) // else there is no share, or each of its sequences has ended
            output = learner_.forward(x, options_.truncate > 0 || options_.stateful);
        const BatchWeight weight = team_.measure(learner_.evaluated(), output, y, &dy_, totals);
        if (!(weight.all > 0))
            return 0; // nothing to learn from, but the state goes on
        report.loss = totals.loss();
        totals.metrics(report.metrics);

        team_.sum_gradients([&](GradientWatch* watch) {
            if (earlier > 0 && team_.is_first())
                accumulation_.weigh(earlier / (earlier + weight.all));
            else
                zero_gradients(optimizer_.parameters());
            if (!(weight.own > 0))
                return;
            if (const double part = weight.own / (earlier + weight.all); part != 1)
                Accumulation<S>::weigh(dy_.values(), part);
            learner_.backward(dy_, watch);
        });
        return weight.all;
    }

    /// A step of the optimizer.
    void take_step(EpochReport& report) {
        const auto& list = optimizer_.parameters();
        const double norm = clip(list, options_);
        // What was too large may have been clipped: then step() looks again.
        if (norm <= optimizer_.largest_gradient_norm ? optimizer_.step(norm) : optimizer_.step()) {
            report.gradient_norm = std::max(report.gradient_norm, norm);
            average_.watch();
        } else if (report.skipped_steps++ == 0) {
            report.non_finite = optimizer_.refused();
            report.too_large = first_non_finite(list).empty();
        }
    }

    Team<S>& team_;
    Learner<S>& learner_;
    OptimizerOfAnyRule<S>& optimizer_;
    const FitOptions& options_;
    AveragedParameters<S>& average_;
    const Accumulation<S> accumulation_;
    Sequence<S> dy_;                           ///< the gradient of the loss
    std::vector<Index> x_lengths_, y_lengths_; ///< of a chunk
};

} // namespace carousel::detail
