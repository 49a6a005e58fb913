// Team: what a training over several processes does otherwise than one alone. fit asks at these places, and knows nothing else of
// them; who they are and how they talk is the room mpi's.
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/core/parameter.hpp"
#include "carousel/core/random.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/train/training_state.hpp"

#include <span>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

struct Evaluation;
struct FitOptions;
class Metric;
template <std::floating_point S>
class OptimizerOfAnyRule;
template <std::floating_point S>
class SampleSource;

namespace detail {

struct Order;
class Totals;
template <class S>
class Evaluated;
template <class S>
class Learner;

/// A call of fit that is about to begin on each process of a team.
template <class S>
struct TeamCall {
    Learner<S>& learner;
    const std::vector<NamedParameter<S>>& parameters; ///< of the model
    const SampleSource<S>& data;
    const SampleSource<S>* validation;
    const OptimizerOfAnyRule<S>& optimizer;
    const TrainingState<S>& state;
    const FitOptions& options;
};

/// This process' share of a batch, or of a chunk of one, and what comes of all shares.
template <class S>
struct TeamBatch {
    Learner<S>& learner;
    const std::vector<NamedParameter<S>>& parameters; ///< those of the optimizer
    SequenceView<S> x, y;
    Totals& totals;  ///< to which the losses and metrics of all shares are added
    Sequence<S>& dy; ///< room for the gradient of the loss
    bool carried;    ///< whether the state goes on from chunk to chunk
    bool added_up;   ///< whether the gradients are those of the batches before and of this one, each times its weight
};

/// The processes of one training, as each of them sees them. All of them make the same calls in the same order, in each of which
/// they meet, and have the same numbers after it.
template <class S>
class Team {
  public:
    /// f(), a call of fit. What it throws on one process ends it on all.
    virtual void run(FunctionRef<void()> f) = 0;
    /// Throws unless all processes are about to do the same.
    virtual void compare(const TeamCall<S>& call) = 0;

    /// How the team cuts an epoch, of processes that would each cut theirs so.
    virtual BatchPlan plan(const BatchPlan& own) = 0;
    /// How many samples of a batch of so many are taken from this process' data.
    virtual Index batch_size(Index all) const = 0;
    /// What draws the order of this process' data, where `all` draws that of a process alone.
    virtual Random& order(Random& all) = 0;
    /// Which samples of batch k this process trains with.
    virtual std::span<const Index> share(const Order& order, Index k, Index batch_size) const = 0;

    /// Lets the learner's generators draw this process' masks of the next batch; returns the team's after it.
    virtual std::vector<Random> masks(Learner<S>& learner, const std::vector<Random>& all) = 0;
    /// The largest number that a process gives.
    virtual Index most(Index number) = 0;
    /// Forward, loss and backward of all shares. Returns what the targets of all weigh; 0: there is nothing to learn.
    virtual double gradients(const TeamBatch<S>& batch) = 0;
    /// The state's matrices after a batch of so many samples, of which each process has the columns of its share, become those of all;
    /// and back.
    virtual void join(std::vector<Matrix<S>>& matrices, Index samples) = 0;
    virtual Matrix<S> part(const Matrix<S>& all) const = 0;

    /// evaluate() without the checks.
    virtual Evaluation evaluate(Evaluated<S>& model, const SampleSource<S>& data, const std::vector<Metric>& metrics,
                                Index batch_size, bool carried) = 0;
    /// Whether callbacks are called here: by one process, for all.
    virtual bool calls_back() const = 0;
    /// What that one has come to.
    virtual bool decided(bool stop) = 0;
    /// At the end of an epoch, and of the call: throws unless all have the same parameters. The last report tells the time of one.
    virtual void agree(const std::vector<NamedParameter<S>>& parameters, History& history) = 0;

  protected:
    Team() = default;
    ~Team() = default;
};

} // namespace detail

} // namespace carousel
