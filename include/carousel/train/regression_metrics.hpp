// Metrics of numbers: root mean squared error, percentage errors, R².
#pragma once

#include "carousel/loss/loss.hpp"
#include "carousel/train/metrics.hpp"

#include <cmath>
#include <string>

#ifdef CAROUSEL_BODIES
#    include <algorithm>
#    include <cstddef>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// The root of the mean (y − target)², over all batches. Throws std::invalid_argument if the shapes differ.
struct RootMeanSquaredError {
    std::string name() const { return "rmse"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                         ColumnWeights weights = {}) const;
    /// The root of the mean.
    double value(const MetricSum& sum) const { return std::sqrt(sum.mean()); }
};

/// Mean 100 |y − target| / |target|, in percent, as Keras' and darts'. Targets that are 0 don't count: no error is a percentage of
/// them. Throws std::invalid_argument if the shapes differ.
struct MeanAbsolutePercentageError {
    std::string name() const { return "mape"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                         ColumnWeights weights = {}) const;
};

/// Mean 200 |y − target| / (|y| + |target|), in percent, 0 … 200, as the M4 competition's and darts'; 0 where both are 0. Throws
/// std::invalid_argument if the shapes differ.
struct SymmetricMeanAbsolutePercentageError {
    std::string name() const { return "smape"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                         ColumnWeights weights = {}) const;
};

/// The coefficient of determination, R² = 1 − Σ (y − target)² / Σ (target − mean)², of each row of the target, with the row's mean
/// over all batches; its value is the mean over the rows, as scikit-learn's r2_score. A row whose targets are all equal has 1 if they
/// are met and 0 if not. Throws std::invalid_argument if the shapes differ.
///
/// A MetricSum's parts are, of each row, the sum of the weights, the targets' mean, Σ w (target − mean)² and Σ w (y − target)²: the
/// sums about the mean are merged as by Chan, Golub and LeVeque (1979), so a large mean costs no digits.
struct R2Score {
    std::string name() const { return "r2"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                         ColumnWeights weights = {}) const;
    /// Of all batches, which merge() has put together.
    CAROUSEL_INLINE double value(const MetricSum& sum) const;
    CAROUSEL_INLINE void merge(MetricSum& all, const MetricSum& batch) const;
};

#ifdef CAROUSEL_BODIES

template <std::floating_point S>
MetricSum RootMeanSquaredError::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                           ColumnWeights weights) const {
    return detail::mean_of_numbers("RootMeanSquaredError", y, target, weights,
                                   [](double a, double b) { return (a - b) * (a - b); });
}

template <std::floating_point S>
MetricSum MeanAbsolutePercentageError::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                                  ColumnWeights weights) const {
    MetricSum result;
    detail::each_counted_number("MeanAbsolutePercentageError", y, target, weights,
                                [&](Index, double a, double b, double w) {
                                    if (b == 0)
                                        return;
                                    result.sum += w * 100 * std::abs((a - b) / b);
                                    result.weight += w;
                                });
    return result;
}

template <std::floating_point S>
MetricSum SymmetricMeanAbsolutePercentageError::operator()(SequenceView<S> y,
                                                           std::type_identity_t<SequenceView<S>> target,
                                                           ColumnWeights weights) const {
    return detail::mean_of_numbers("SymmetricMeanAbsolutePercentageError", y, target, weights, [](double a, double b) {
        const double size = std::abs(a) + std::abs(b);
        return size == 0 ? 0 : 200 * std::abs(a - b) / size;
    });
}

template <std::floating_point S>
MetricSum R2Score::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                              ColumnWeights weights) const {
    MetricSum result;
    result.parts.resize(4 * static_cast<std::size_t>(y.features()));
    detail::each_counted_number("R2Score", y, target, weights, [&](Index k, double a, double b, double w) {
        double* const row = result.parts.data() + 4 * (k % y.features());
        row[0] += w;
        const double before = b - row[1];
        row[1] += w / row[0] * before;
        row[2] += w * before * (b - row[1]);
        row[3] += w * (a - b) * (a - b);
        result.weight += w;
    });
    return result;
}

CAROUSEL_INLINE void R2Score::merge(MetricSum& all, const MetricSum& batch) const {
    all.weight += batch.weight;
    if (all.parts.size() < batch.parts.size())
        all.parts.resize(batch.parts.size());
    for (std::size_t k = 0; k + 4 <= batch.parts.size(); k += 4) {
        double* const row = all.parts.data() + k;
        const double* const more = batch.parts.data() + k;
        if (more[0] <= 0)
            continue;
        const double weight = row[0] + more[0], apart = more[1] - row[1];
        row[2] += more[2] + apart * apart * row[0] * (more[0] / weight);
        row[1] += apart * (more[0] / weight);
        row[3] += more[3];
        row[0] = weight;
    }
}

CAROUSEL_INLINE double R2Score::value(const MetricSum& sum) const {
    double scores = 0, rows = 0;
    for (std::size_t k = 0; k + 4 <= sum.parts.size(); k += 4) {
        const double weight = sum.parts[k], about_mean = sum.parts[k + 2], errors = sum.parts[k + 3];
        if (weight > 0) {
            scores += about_mean > 0 ? 1 - errors / about_mean : errors == 0 ? 1 : errors > 0 ? 0 : errors;
            ++rows;
        }
    }
    return scores / rows; // NaN if nothing has been added
}

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_REGRESSION_METRICS(S)                        \
    CAROUSEL_INSTANTIATE_METRIC(S, RootMeanSquaredError);                 \
    CAROUSEL_INSTANTIATE_METRIC(S, MeanAbsolutePercentageError);          \
    CAROUSEL_INSTANTIATE_METRIC(S, SymmetricMeanAbsolutePercentageError); \
    CAROUSEL_INSTANTIATE_METRIC(S, R2Score)
