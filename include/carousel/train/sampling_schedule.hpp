// sampling_schedule: a ScheduledSampling's ratio changes while it is trained. Bengio et al. (2015), "Scheduled Sampling
// for Sequence Prediction with Recurrent Neural Networks", section 2.4.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/core/require.hpp"
#include "carousel/train/history.hpp"
#include "carousel/train/training.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

/// The probability that an input is the net's own output, after so many epochs of training (1.5: in the middle of the
/// second one). The paper's ε is that of the true input, 1 − this, and its i counts batches. A function of one's own is
/// one, too; it is told all that it may depend on.
using SamplingSchedule = std::function<double(double epochs)>;

/// From one ratio to another along a line, so many epochs long; then that one.
struct LinearSampling {
    /// In which it gets there; above 0.
    double epochs;
    double from = 0, to = 1; ///< both in [0, 1]

    /// Throws std::invalid_argument if a member is out of its range.
    double operator()(double time) const {
        require(epochs > 0 && std::isfinite(epochs), "LinearSampling", "epochs is ", epochs,
                ", expected a finite number > 0");
        require(from >= 0 && from <= 1 && to >= 0 && to <= 1, "LinearSampling", "from is ", from, " and to ", to,
                ", expected both in [0, 1]");
        return from + (to - from) * std::min(time / epochs, 1.0);
    }
};

/// 1 − kᵗ, at most `most`.
struct ExponentialSampling {
    /// The part of the true inputs that is left by each epoch: 0 < k < 1.
    double k;
    double most = 1; ///< in [0, 1]

    /// Throws std::invalid_argument if a member is out of its range.
    double operator()(double time) const {
        require(k > 0 && k < 1, "ExponentialSampling", "k is ", k, ", expected 0 < k < 1");
        require(most >= 0 && most <= 1, "ExponentialSampling", "most is ", most, ", expected 0 <= most <= 1");
        return std::min(1 - std::pow(k, time), most);
    }
};

/// 1 − k / (k + exp(t / k)), at most `most`: low at first, steepest after k·ln k epochs, where it is a half.
struct InverseSigmoidSampling {
    /// At least 1.
    double k;
    double most = 1; ///< in [0, 1]

    /// Throws std::invalid_argument if a member is out of its range.
    double operator()(double time) const {
        require(k >= 1 && std::isfinite(k), "InverseSigmoidSampling", "k is ", k, ", expected a finite number >= 1");
        require(most >= 0 && most <= 1, "InverseSigmoidSampling", "most is ", most, ", expected 0 <= most <= 1");
        return std::min(1 - k / (k + std::exp(time / k)), most);
    }
};

namespace detail {

/// The layer has the ratio of `now`, and after every batch that of `before` and the epochs that Progress has counted.
template <class L>
Callback sampling_schedule(L& layer, SamplingSchedule ratio, double now, double before) {
    require(static_cast<bool>(ratio), "sampling_schedule", "the schedule is empty, expected a function of the epochs");
    require(now >= 0 && is_finite(now), "sampling_schedule", "epochs is ", now, ", expected a finite number >= 0");
    layer.set_ratio(ratio(now));
    return [&layer, ratio = std::move(ratio), before](Progress& p) {
        layer.set_ratio(ratio(before + static_cast<double>(p.epoch - 1) +
                              static_cast<double>(p.batch) / static_cast<double>(p.batches)));
    };
}

} // namespace detail

/// For FitOptions::callbacks: sets the ratio of `layer`, a ScheduledSampling, which must stay where it is, now and
/// after every batch. `epochs` is how long the training has gone on before; made with the Training, as one that goes on
/// needs it, it knows that itself:
///
///     fit(training, data, SoftmaxCrossEntropy{},
///         {.epochs = 30, .callbacks = {sampling_schedule(model.decoder(), LinearSampling{.epochs = 20}, training)}});
///
/// With the same schedule the calls of one training are one call, bit for bit, as ever, if it is made anew for each.
/// (Where a call goes on within an epoch with batches of another size, the first of them has the ratio of where the
/// last call ended.) Callbacks are called by one of several processes: over MPI the ratio must stay as it is. Throws
/// std::invalid_argument if there is no schedule or it says a ratio that isn't in [0, 1].
template <class L>
requires requires(L& layer) {
    layer.set_ratio(0.0);
}
Callback sampling_schedule(L& layer, SamplingSchedule ratio, double epochs = 0) {
    return detail::sampling_schedule(layer, std::move(ratio), epochs, epochs);
}
template <class L, class Model, class Rule>
requires requires(L& layer) {
    layer.set_ratio(0.0);
}
Callback sampling_schedule(L& layer, SamplingSchedule ratio, const Training<Model, Rule>& training) {
    double epochs = static_cast<double>(training.epochs());
    if (const auto& begun = training.state().begun)
        epochs += static_cast<double>(begun->batches) / static_cast<double>(begun->plan.batches());
    return detail::sampling_schedule(layer, std::move(ratio), epochs, 0); // Progress counts its earlier epochs
}

} // namespace carousel
