// History: what a training came to, epoch by epoch, and what its callbacks see and may stop.
#pragma once

#include "carousel/core/matrix.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

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

} // namespace carousel
