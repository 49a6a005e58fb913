// TrainingState: what goes on from call to call of fit, as a value.
#pragma once

#include "carousel/core/random.hpp"
#include "carousel/train/history.hpp"
#include "carousel/train/metrics.hpp"

#include <concepts>
#include <limits>
#include <optional>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// How an epoch is cut into batches. An epoch that has begun goes on only where this is the same.
struct BatchPlan {
    /// Of the data and of FitOptions.
    Index samples = 0, batch_size = 0, bucket = 0;
    bool shuffle = false; ///< whether an order is drawn for each epoch

    /// How many batches an epoch has.
    Index batches() const { return batch_size > 0 ? samples / batch_size + (samples % batch_size > 0 ? 1 : 0) : 0; }
    bool operator==(const BatchPlan&) const = default;
};

/// Gradients of batches that have had no step yet: FitOptions::accumulate.
template <std::floating_point S>
struct AccumulatedGradient {
    Index batches = 0; ///< whose gradients these are
    double weight = 0; ///< of their targets
    /// For every parameter the mean gradient, or of a sparse one that of some columns; empty if it isn't trained.
    std::vector<Matrix<S>> gradients;
    std::vector<std::vector<Index>> columns; ///< of every sparse one; of a dense one none
};

/// An epoch that has begun and not ended.
template <std::floating_point S>
struct BegunEpoch {
    /// How the epoch was cut when it began.
    BatchPlan plan;
    Index batches = 0;              ///< of them that are trained
    std::vector<MetricSum> sums;    ///< over these, of the loss and then of every metric
    std::vector<Matrix<S>> carried; ///< stateful training: the matrices of the model's state after them
    AccumulatedGradient<S> accumulated = {};
};

/// All that a training is, beside the parameters' values and the optimizer's moments: a value, which can be copied, saved
/// and put back.
template <std::floating_point S>
struct TrainingState {
    Index epochs = 0; ///< that have ended
    std::optional<BegunEpoch<S>> begun = std::nullopt;
    /// Draws the order of the samples: as it was before the epoch that has begun or comes next. None before the first.
    std::optional<Random> order = std::nullopt;
    std::vector<Random> masks; ///< the generators of the layers' masks
    double initial_rate = 0;   ///< which schedules start from
    double rate = 0;           ///< of the epoch that has begun or ended last
    History history;           ///< a report for every epoch that has ended, and one for that which has begun
    std::vector<double>
        monitored; ///< of every epoch that has ended, its validation loss, or that of the training; schedules see it
    /// Of history.best_epoch; if early stopping looks at a metric, that, and negative if it is to be large.
    double best_loss = std::numeric_limits<double>::infinity();
    std::vector<Matrix<S>> best;    ///< the parameters of that epoch, if early stopping is to put them back
    std::vector<Matrix<S>> last;    ///< the parameters to go on from, if the model has the best ones, or averages
    std::vector<Matrix<S>> average; ///< the parameters' moving averages, if FitOptions asks for them
};

} // namespace carousel
