// History: what a training came to, epoch by epoch, and what its callbacks see and may stop.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include <algorithm>
#    include <cmath>
#    include <utility>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// What an epoch came to. Losses are means over all samples, as the loss' weight defines them (of Reduction::sum the
/// mean of what was summed for a step); NaN where there is none.
/// Loss and metrics of training are those of the batches as they were trained on, each before its step.
struct EpochReport {
    Index epoch = 0; ///< from 1
    double loss = 0, validation_loss = std::numeric_limits<double>::quiet_NaN();
    /// In the order of FitOptions, NaN where nothing was measured yet; of validation none where there is no validation.
    std::vector<double> metrics = {}, validation_metrics = {};
    double learning_rate = 0; ///< of its last step, if a schedule changes it within the epoch
    double gradient_norm = 0; ///< the largest global norm of a step, before clipping
    Index skipped_steps = 0;  ///< steps not taken, see Optimizer::step: a gradient was NaN, infinite or too large
    /// The parameter with such a gradient, of the first such step.
    std::string non_finite = {};
    bool too_large = false; ///< whether that gradient is finite, but too large to square
    double seconds = 0;     ///< 0 if a file brought this report
};

/// Of one call of fit, or of all calls with one Training.
struct History {
    std::vector<EpochReport> epochs;       ///< the last one may have begun only, if a callback ended the training in it
    std::vector<std::string> metrics = {}; ///< the names of the reports' metrics
    /// From 1: that with the lowest monitored loss (validation if there is any); 0 if no epoch's loss was finite.
    Index best_epoch = 0;
    bool stopped = false; ///< the last call of fit, before all its epochs were trained: by early stopping or a callback

    /// The monitored loss of the best epoch; NaN if there is none.
    CAROUSEL_INLINE double best_loss() const;
};

/// What a callback sees, after every batch and at the end of every epoch; set `stop` to end the training there. One that
/// ends within an epoch is at once at its end: the epoch isn't validated and no callback sees epoch_end.
///
/// A callback may throw: the training is then as it was after the batch, and the exception reaches the caller of fit.
struct Progress {
    Index epoch = 0, epochs = 0; ///< the running one, from 1, of how many, with those of earlier calls
    /// The batch that has ended, from 1, of how many in the epoch.
    Index batch = 0, batches = 0;
    /// Whether the epoch has ended, with its validation.
    bool epoch_end = false;
    const EpochReport& report; ///< so far; complete, with the validation loss, at epoch_end
    double seconds = 0;        ///< since this call of fit began
    bool stop = false;         ///< true if the training ends here anyway; to set it to false changes nothing
    std::span<const std::string> metrics = {}; ///< the names of the report's
    Index earlier = 0;                         ///< epochs trained by earlier calls with the same Training
    Index last = 0; ///< the last epoch of this call of fit; less than `epochs` if FitOptions::planned_epochs says more
};
/// A function of yours that fit calls: {.callbacks = {[](Progress& p) { p.stop = p.report.loss < 0.01; }}}.
using Callback = std::function<void(Progress&)>;

namespace detail {

/// What is wrong with the gradient that a report names.
inline const char* gradient_mistake(const EpochReport& report) {
    return report.too_large ? "too large to square" : "not finite";
}

} // namespace detail

/// f(report) at the end of every `every`-th epoch. Throws std::invalid_argument unless every >= 1.
CAROUSEL_INLINE Callback every_epoch(std::function<void(const EpochReport&)> f, Index every = 1);

#ifdef CAROUSEL_BODIES

CAROUSEL_INLINE double History::best_loss() const {
    if (epochs.empty())
        return std::numeric_limits<double>::quiet_NaN();
    const auto& best = epochs[static_cast<std::size_t>(std::max<Index>(best_epoch, 1) - 1)];
    return std::isnan(best.validation_loss) ? best.loss : best.validation_loss;
}

CAROUSEL_INLINE Callback every_epoch(std::function<void(const EpochReport&)> f, Index every) {
    require(every >= 1, "every_epoch", "every is ", every, ", expected every >= 1");
    require(static_cast<bool>(f), "every_epoch", "f is empty, expected a function of an EpochReport");
    return [f = std::move(f), every](Progress& p) {
        if (p.epoch_end && p.epoch % every == 0)
            f(p.report);
    };
}

#endif

} // namespace carousel
