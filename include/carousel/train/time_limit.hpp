// TimeLimit: a callback that ends a training after so many seconds.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/train/history.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// For FitOptions::callbacks: ends a call of fit that has run for so many seconds, after the batch, or at the end of the epoch.
///
///     fit(training, data, loss, {.epochs = 1000, .callbacks = {TimeLimit{.seconds = 3600}}});
///
/// A Training goes on from there, bit for bit. With others early stopping still puts the best epoch back. Throws
/// std::invalid_argument, after the first batch, unless seconds >= 0.
struct TimeLimit {
    /// Since the call of fit began; at least 0.
    double seconds;
    bool finish_epoch = false; ///< the epoch that is running is trained to its end, and validated

    void operator()(Progress& progress) const {
        require(seconds >= 0, "TimeLimit", "seconds is ", seconds, ", expected seconds >= 0");
        if (progress.seconds >= seconds && (progress.epoch_end || !finish_epoch))
            progress.stop = true;
    }
};

} // namespace carousel
