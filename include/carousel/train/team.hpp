// Team: the processes that make a call of fit together, as each of them sees them. A Team as it stands here is one process alone; what
// several do otherwise, and how they talk, is the room mpi's.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/core/function_ref.hpp"
#include "carousel/core/parameter.hpp"
#include "carousel/core/random.hpp"
#include "carousel/core/require.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/layer/layer.hpp"
#include "carousel/train/learner.hpp"
#include "carousel/train/totals.hpp"
#include "carousel/train/training_state.hpp"

#include <optional>
#include <span>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

struct FitOptions;
template <std::floating_point S>
class OptimizerOfAnyRule;
template <std::floating_point S>
class SampleSource;

namespace detail {

template <class S>
class Team;

/// A call of fit.
template <class S>
struct FitCall {
    Team<S>& team;
    Learner<S>& learner;
    const std::vector<NamedParameter<S>>& parameters; ///< of the model
    const SampleSource<S>& data;
    const SampleSource<S>* validation; ///< null: none
    OptimizerOfAnyRule<S>& optimizer;
    TrainingState<S>& state; ///< what goes on after it
    const FitOptions& options;
};

/// What the targets of a batch weigh.
struct BatchWeight {
    double own = 0; ///< of this process' share
    double all = 0; ///< of all shares
};

/// What the loss says that the targets weigh. Throws std::invalid_argument if it isn't finite and >= 0.
template <class S>
double weight_of(const Evaluated<S>& model, const SequenceView<S>& output, const SequenceView<S>& target) {
    const double weight = model.weight(output, target);
    require(weight >= 0 && is_finite(weight), "fit, evaluate", "weight() of the loss gives ", weight,
            ", expected what the targets weigh, finite and >= 0");
    return weight;
}

/// All processes make the same calls in the same order, so that they can meet in each, and have the same numbers after it.
template <class S>
class Team {
  public:
    virtual ~Team() = default;

    /// f(), a call of fit. What it throws on one process ends it on all.
    virtual void run(FunctionRef<void()> f) { f(); }
    /// Throws unless all processes are about to do the same.
    virtual void compare(const FitCall<S>&) {}

    /// How the team cuts an epoch, of processes that would each cut theirs so.
    virtual BatchPlan plan(const BatchPlan& own) { return own; }
    /// How many samples of a batch of so many are taken from this process' data.
    virtual Index batch_size(Index all) const { return all; }
    /// What draws the order of this process' data, where `all` draws that of a process alone.
    virtual Random& order(Random& all) { return all; }
    /// Which samples of a batch from this process' data are its share.
    virtual std::span<const Index> share(std::span<const Index> batch) const { return batch; }

    /// Lets the learner's generators draw this process' masks of the next batch.
    virtual void begin_masks(Learner<S>&, const std::vector<Random>& /*all*/) {}
    /// `all` become the team's generators after that batch.
    virtual void end_masks(Learner<S>& learner, std::vector<Random>& all) {
        auto random = all.begin();
        learner.each_random([&](Random& mask) { *random++ = mask; });
    }
    /// The largest number that a process gives.
    virtual Index most(Index number) { return number; }
    /// Adds loss and metrics of all shares to `totals`, if their targets weigh something. `output`: none of a process without a share;
    /// `dy`: becomes the gradient of the loss of this share, which sum_gradients takes up next; null in inference.
    virtual BatchWeight measure(const Evaluated<S>& model, const std::optional<SequenceView<S>>& output,
                                const SequenceView<S>& target, Sequence<S>* dy, Totals& totals) {
        const double weight = output ? weight_of(model, *output, target) : 0;
        if (weight > 0)
            totals.add(model.loss(*output, target, dy), weight, *output, target);
        return {weight, weight};
    }
    /// backward(watch), which makes the gradients of this share; they become the sums of those of all shares.
    virtual void sum_gradients(FunctionRef<void(GradientWatch*)> backward) { backward(nullptr); }
    /// The state's matrices after a batch of so many samples, of which each process has the columns of its share, become those of all;
    /// and back.
    virtual void join(std::vector<Matrix<S>>& /*matrices*/, Index /*samples*/) {}
    virtual Matrix<S> part(const Matrix<S>& all) const { return all; }

    /// Whether this is the process that does for all what is done once: it calls callbacks and keeps gradients that are added up.
    virtual bool is_first() const { return true; }
    /// What the callbacks have come to.
    virtual bool decided(bool stop) { return stop; }
    /// At the end of an epoch, and of the call: throws unless all have the same parameters. The last report tells the time of one.
    virtual void agree(const std::vector<NamedParameter<S>>&, History&) {}
};

} // namespace detail

} // namespace carousel
