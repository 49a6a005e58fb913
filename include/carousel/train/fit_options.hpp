// FitOptions: how fit trains.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/optim/parameter_group.hpp"
#include "carousel/optim/schedule.hpp"
#include "carousel/train/history.hpp"
#include "carousel/train/metrics.hpp"
#include "carousel/train/moving_average.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include <algorithm>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// Ends the training when the monitored loss or metric (validation if there is any) hasn't become better by more than min_delta for
/// `patience` epochs. When fit ends, for this or another reason, the parameters of the best epoch are put back; a Training
/// keeps those of the last epoch as well, and the next call goes on from them.
///
///     EarlyStopping{.patience = 5, .metric = "accuracy", .maximize = true}
///
/// One that is NaN or infinite is no best one. If every epoch had such a one until patience ends, fit throws std::runtime_error. A
/// call that judges by something else than the one before it, with the same Training, judges that one's best epoch so, too.
struct EarlyStopping {
    /// Epochs without a better one before it ends, by how much it is better, and whether the best epoch's parameters are put back.
    Index patience = 10;
    double min_delta = 0;
    bool restore_best = true;
    std::string metric = ""; ///< one of FitOptions::metrics, the only one of this name; empty: the loss
    bool maximize = false;   ///< the metric is better if it is larger
};

/// How fit trains. All defaults are here.
struct FitOptions {
    /// How long.
    Index epochs =
        1; ///< to train in this call; one that an earlier call with the same Training left unfinished is the first
    /// Samples a batch; the last of an epoch may be smaller.
    Index batch_size = 32;
    /// So many batches make a step (at the end of an epoch what is left), with the gradient of one batch of all their samples: each
    /// batch counts as its targets weigh. (A loss by Reduction::sum is averaged over the batches.) Not with truncate.
    Index accumulate = 1;
    /// What schedules and progress bars are told of the training's length, earlier calls with the same Training included.
    /// 0: what is trained when this call ends. Ten calls of 5 epochs are one call of 50 if each says 50 here.
    Index planned_epochs = 0;
    /// This part of the samples, taken from the end before shuffling, as Keras does; 0 with a validation set of one's own.
    double validation_split = 0;
    bool shuffle = true;
    std::uint64_t seed = 0; ///< of shuffling; where a Training goes on, of its first call
    /// Batches of sequences of like length, so that little is padding: the samples of every `bucket` batches, shuffled
    /// or not, are sorted by length before they are cut into batches, which are then shuffled themselves. 0: off.
    Index bucket = 0;
    std::vector<Metric> metrics = {}; ///< {Accuracy{}, …}; reported for training and validation
    /// Other learning rates and weight decays for some of the parameters, by their names; none: those that the optimizer has.
    std::vector<ParameterGroup> groups = {};
    double clip_value = 0;          ///< 0: off, as the others
    double clip_parameter_norm = 0; ///< of each parameter's gradient
    double clip_norm = 0;           ///< of all gradients together
    /// Truncated BPTT (Williams & Peng 1990): sequences are cut into chunks of so many steps with an optimizer step
    /// after each; the state goes from chunk to chunk, the gradient doesn't. 0: whole sequences. Targets need as many
    /// steps as x and, if they have lengths, x's. Not with a loss over a whole sequence, as CTCLoss.
    Index truncate = 0;
    /// The state goes from each batch to the next: sample i of a batch goes on where sample i of the last one ended.
    /// Not with shuffle or bucket, and only with batches of equal size. Every epoch starts from zero, and validation
    /// where its training has ended.
    bool stateful = false;
    Schedule schedule = {};
    /// The schedule is asked before every step, not before every epoch; with truncate before every batch, whose chunks are steps.
    bool schedule_steps = false;
    std::optional<MovingAverage> moving_average =
        std::nullopt; ///< of the parameters: validated, and at the end the model's
    std::optional<EarlyStopping> early_stopping = std::nullopt;
    std::vector<Callback> callbacks = {};
};

namespace detail {

/// What can be told from the options alone.
CAROUSEL_INLINE void check(const FitOptions& o);

#ifdef CAROUSEL_BODIES
CAROUSEL_INLINE void check(const FitOptions& o) {
    const char* const where = "fit";
    require(o.epochs >= 0, where, "epochs is ", o.epochs, ", expected epochs >= 0");
    require(o.batch_size >= 1, where, "batch_size is ", o.batch_size, ", expected batch_size >= 1");
    require(o.validation_split >= 0 && o.validation_split < 1, where, "validation_split is ", o.validation_split,
            ", expected 0 <= validation_split < 1");
    require(o.accumulate >= 1, where, "accumulate is ", o.accumulate, ", expected accumulate >= 1");
    require(o.accumulate == 1 || o.truncate == 0, where, "accumulate is ", o.accumulate, " and truncate ", o.truncate,
            ", expected accumulate = 1 or truncate = 0: each chunk makes a step");
    if (o.moving_average)
        require(o.moving_average->decay >= 0 && o.moving_average->decay < 1, where, "the moving average's decay is ",
                o.moving_average->decay, ", expected 0 <= decay < 1");
    require(o.truncate >= 0, where, "truncate is ", o.truncate, ", expected truncate >= 0");
    require(o.bucket >= 0, where, "bucket is ", o.bucket, ", expected bucket >= 0");
    require(o.planned_epochs >= 0, where, "planned_epochs is ", o.planned_epochs, ", expected planned_epochs >= 0");
    if (o.early_stopping) {
        require(o.early_stopping->patience >= 0, where, "early stopping's patience is ", o.early_stopping->patience,
                ", expected patience >= 0");
        require(o.early_stopping->min_delta >= 0, where, "early stopping's min_delta is ", o.early_stopping->min_delta,
                ", expected min_delta >= 0");
        const std::string& metric = o.early_stopping->metric;
        const auto named =
            std::count_if(o.metrics.begin(), o.metrics.end(), [&](const Metric& m) { return m.name() == metric; });
        require(metric.empty() || named > 0, where, "early stopping's metric is ", metric,
                ", which is not among the metrics");
        require(metric.empty() || named == 1, where, "early stopping's metric is ", metric, ", which is the name of ",
                named, " metrics, expected of one");
        require(!metric.empty() || !o.early_stopping->maximize, where,
                "early stopping is to maximize the loss, expected a metric to maximize");
    }
    for (const Callback& callback : o.callbacks)
        require(static_cast<bool>(callback), where, "a callback is empty, expected a function of Progress");
    require(!o.stateful || (!o.shuffle && o.bucket == 0), where, "stateful needs shuffle = false and bucket = 0");
    require(o.clip_value >= 0 && o.clip_parameter_norm >= 0 && o.clip_norm >= 0, where, "clip_value ", o.clip_value,
            ", clip_parameter_norm ", o.clip_parameter_norm, " and clip_norm ", o.clip_norm, " must all be >= 0");
}
#endif

} // namespace detail

} // namespace carousel
