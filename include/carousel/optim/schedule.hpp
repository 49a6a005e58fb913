// Schedules: how the learning rate changes from epoch to epoch, or from step to step.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <functional>
#include <limits>
#include <span>

#ifdef CAROUSEL_BODIES
#    include <algorithm>
#    include <cmath>
#    include <numbers>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// What a schedule is told.
struct ScheduleInput {
    Index epoch = 0;         ///< epochs trained so far, which is also the number, from 0, of the epoch to come
    Index epochs = 0;        ///< epochs planned, with those trained so far
    double initial_rate = 0; ///< the rate the optimizer was given, which no schedule changes
    double rate = 0;         ///< the rate of the epoch that has ended
    double loss = std::numeric_limits<double>::quiet_NaN(); ///< the monitored loss of that epoch
    std::span<const double> losses = {};                    ///< of every epoch trained so far, `loss` the last
    Index step = 0;  ///< asked before every step: the number, from 0, of the step to come in this epoch
    Index steps = 1; ///< how often it is asked in an epoch; 1 before every epoch

    /// Epochs trained so far, with the part of the running one.
    double time() const { return static_cast<double>(epoch) + static_cast<double>(step) / static_cast<double>(steps); }
};

/// Returns the learning rate of the epoch to come, or, with FitOptions::schedule_steps, of the step to come. Called once before
/// every epoch, or before every step; before the first epoch there is no loss, and before the first step rate is initial_rate.
/// For a schedule that is asked before every step, epochs have parts: its time is ScheduleInput::time(). So
///
///     [](const ScheduleInput& in) {                          // Vaswani et al. 2017, eq. 3, 4000 steps of warm-up
///         const double step = static_cast<double>(in.epoch * in.steps + in.step + 1);
///         return in.initial_rate * std::min(1 / std::sqrt(step), step * std::pow(4000, -1.5));
///     }
///
/// A schedule of one's own should be a function of its input alone, as all of this library's are: what it would remember
/// from epoch to epoch it can make again from `losses`. Then a training that goes on in another call of fit, or from a
/// file in another program, has the rates of one that never stopped. A function that keeps a memory in itself has that
/// memory only as long as the program calls fit with the same FitOptions.
using Schedule = std::function<double(const ScheduleInput&)>;

/// initial_rate · factor^⌊epoch / every⌋ (PyTorch: StepLR). Throws std::invalid_argument unless every >= 1, factor > 0.
struct StepDecay {
    /// Epochs between two steps down, and the factor of each.
    Index every = 10;
    double factor = 0.1;

    CAROUSEL_INLINE double operator()(const ScheduleInput& input) const;
};

/// initial_rate · factor^time (PyTorch: ExponentialLR). Throws std::invalid_argument unless factor > 0.
struct ExponentialDecay {
    /// Of each epoch.
    double factor = 0.95;

    CAROUSEL_INLINE double operator()(const ScheduleInput& input) const;
};

/// minimum + ½ (initial_rate − minimum) (1 + cos(π · time / epochs)): Loshchilov and Hutter, "SGDR: stochastic
/// gradient descent with warm restarts", 2017, eq. 5, without restarts; after `epochs` the rate rises again along the
/// cosine (PyTorch: CosineAnnealingLR). Throws std::invalid_argument unless epochs, minimum >= 0.
struct CosineAnnealing {
    Index epochs = 0; ///< how long it falls; 0: as long as the training is planned
    double minimum = 0;

    CAROUSEL_INLINE double operator()(const ScheduleInput& input) const;
};

/// Multiplies the rate by factor, down to minimum, when the loss has not fallen below best · (1 − threshold) for more
/// than `patience` epochs, then does not count for `cooldown` epochs (PyTorch: ReduceLROnPlateau, min and rel). A loss
/// that is NaN has not fallen. Asked before every step, it changes the rate at the first one of an epoch alone. Throws
/// std::invalid_argument unless 0 < factor < 1 and the others are >= 0.
///
/// Where its input has the losses of all epochs, as that of fit has, it is a function of them. Where the input has only
/// the last loss, it counts in `memory`.
struct ReduceOnPlateau {
    /// The factor of a reduction, the epochs it waits, how much lower is lower, the least rate, the epochs of rest.
    double factor = 0.1;
    Index patience = 10;
    double threshold = 1e-4;
    double minimum = 0;
    Index cooldown = 0;

    /// What it knows of the epochs so far; begins anew at epoch 0.
    struct Memory {
        double best = std::numeric_limits<double>::infinity();
        Index bad_epochs = 0;
        Index cooling = 0;
    } memory = {}; ///< used only where the input has not the losses of all epochs

    CAROUSEL_INLINE double operator()(const ScheduleInput& input);

  private:
    /// Counts an epoch; true if the rate is to be reduced after it.
    CAROUSEL_INLINE bool due_after(double loss);
};

/// The rate rises in a straight line from start · initial_rate at time 0 to initial_rate in epoch number
/// `epochs`, counted from 0 (PyTorch: LinearLR); from there on `then`, for which that epoch is epoch 0, or the initial
/// rate. Throws std::invalid_argument unless epochs >= 0 and 0 < start <= 1.
struct Warmup {
    /// How long it warms up, the part of the rate it starts from, and what follows.
    Index epochs = 5;
    double start = 0.1;
    Schedule then = {};

    CAROUSEL_INLINE double operator()(const ScheduleInput& input) const;
};

/// One cycle: Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2018,
/// in the form of PyTorch's OneCycleLR with two phases. In the first `warmup` of the training the rate rises along a cosine
/// from initial_rate / start_divisor to initial_rate, its largest, and then falls to initial_rate / (start_divisor ·
/// final_divisor) in the last step. For FitOptions::schedule_steps, though it can be asked before every epoch. After its
/// end the rate stays. The momentum doesn't change. Throws std::invalid_argument unless epochs >= 0, 0 <= warmup < 1 and the
/// divisors are >= 1.
struct OneCycle {
    Index epochs = 0;    ///< its length; 0: as long as the training is planned
    double warmup = 0.3; ///< the part of it in which the rate rises
    double start_divisor = 25;
    double final_divisor = 1e4;
    bool linear = false; ///< straight lines, not cosines

    CAROUSEL_INLINE double operator()(const ScheduleInput& input) const;
};

#ifdef CAROUSEL_BODIES

CAROUSEL_INLINE double StepDecay::operator()(const ScheduleInput& input) const {
    require(every >= 1, "StepDecay", "every is ", every, ", expected every >= 1");
    require(factor > 0, "StepDecay", "factor is ", factor, ", expected factor > 0");
    return input.initial_rate * std::pow(factor, static_cast<double>(input.epoch / every));
}

CAROUSEL_INLINE double ExponentialDecay::operator()(const ScheduleInput& input) const {
    require(factor > 0, "ExponentialDecay", "factor is ", factor, ", expected factor > 0");
    return input.initial_rate * std::pow(factor, input.time());
}

CAROUSEL_INLINE double CosineAnnealing::operator()(const ScheduleInput& input) const {
    require(epochs >= 0, "CosineAnnealing", "epochs is ", epochs, ", expected epochs >= 0");
    require(minimum >= 0, "CosineAnnealing", "minimum is ", minimum, ", expected minimum >= 0");
    const auto length = static_cast<double>(std::max<Index>(1, epochs > 0 ? epochs : input.epochs));
    const double angle = std::numbers::pi * input.time() / length;
    return minimum + (input.initial_rate - minimum) * (1 + std::cos(angle)) / 2;
}

CAROUSEL_INLINE double ReduceOnPlateau::operator()(const ScheduleInput& input) {
    require(factor > 0 && factor < 1, "ReduceOnPlateau", "factor is ", factor, ", expected 0 < factor < 1");
    require(patience >= 0, "ReduceOnPlateau", "patience is ", patience, ", expected patience >= 0");
    require(threshold >= 0, "ReduceOnPlateau", "threshold is ", threshold, ", expected threshold >= 0");
    require(minimum >= 0, "ReduceOnPlateau", "minimum is ", minimum, ", expected minimum >= 0");
    require(cooldown >= 0, "ReduceOnPlateau", "cooldown is ", cooldown, ", expected cooldown >= 0");
    if (input.step > 0)
        return input.rate;
    if (input.epoch == 0 || !input.losses.empty())
        memory = {};
    if (input.epoch == 0)
        return input.initial_rate;
    if (!input.losses.empty())
        for (const double loss : input.losses.first(input.losses.size() - 1))
            due_after(loss);
    if (!due_after(input.loss))
        return input.rate;
    const double reduced = std::max(input.rate * factor, minimum);
    return input.rate - reduced > 1e-8 ? reduced : input.rate; // PyTorch ignores smaller steps, too
}

CAROUSEL_INLINE bool ReduceOnPlateau::due_after(double loss) {
    if (loss < memory.best * (1 - threshold)) {
        memory.best = loss;
        memory.bad_epochs = 0;
    } else {
        ++memory.bad_epochs;
    }
    if (memory.cooling > 0) {
        --memory.cooling;
        memory.bad_epochs = 0;
    }
    if (memory.bad_epochs <= patience)
        return false;
    memory.bad_epochs = 0;
    memory.cooling = cooldown;
    return true;
}

CAROUSEL_INLINE double Warmup::operator()(const ScheduleInput& input) const {
    require(epochs >= 0, "Warmup", "epochs is ", epochs, ", expected epochs >= 0");
    require(start > 0 && start <= 1, "Warmup", "start is ", start, ", expected 0 < start <= 1");
    if (input.epoch < epochs) {
        const double done = input.time() / static_cast<double>(epochs);
        return input.initial_rate * (start + (1 - start) * done);
    }
    if (!then)
        return input.initial_rate;
    ScheduleInput later = input;
    later.epoch -= epochs;
    later.epochs = std::max<Index>(0, input.epochs - epochs);
    later.losses = input.losses.subspan(std::min(static_cast<std::size_t>(epochs), input.losses.size()));
    return then(later);
}

CAROUSEL_INLINE double OneCycle::operator()(const ScheduleInput& input) const {
    require(epochs >= 0, "OneCycle", "epochs is ", epochs, ", expected epochs >= 0");
    require(warmup >= 0 && warmup < 1, "OneCycle", "warmup is ", warmup, ", expected 0 <= warmup < 1");
    require(start_divisor >= 1, "OneCycle", "start_divisor is ", start_divisor, ", expected start_divisor >= 1");
    require(final_divisor >= 1, "OneCycle", "final_divisor is ", final_divisor, ", expected final_divisor >= 1");
    const auto steps = static_cast<double>(input.steps);
    // Of the steps 0 … last, that number `top` has the largest rate; it need not be a whole number.
    const double last = std::max(0.0, static_cast<double>(epochs > 0 ? epochs : input.epochs) * steps - 1);
    const double top = std::max(0.0, warmup * (last + 1) - 1);
    const double step = std::min(static_cast<double>(input.epoch) * steps + static_cast<double>(input.step), last);
    const double start = input.initial_rate / start_divisor, end = start / final_divisor;
    const auto between = [&](double from, double to, double part) {
        return linear ? from + (to - from) * part : to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * part));
    };
    if (step < top)
        return between(start, input.initial_rate, step / top);
    return between(input.initial_rate, end, last > top ? (step - top) / (last - top) : 0);
}

#endif

} // namespace carousel
