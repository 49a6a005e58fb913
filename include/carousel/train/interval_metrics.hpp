// Metrics of intervals: how many targets they contain, the pinball loss, and any metric of one of several outputs.
#pragma once

#include "carousel/core/number_text.hpp"
#include "carousel/loss/loss.hpp"
#include "carousel/loss/quantile_loss.hpp"
#include "carousel/train/metrics.hpp"

#include <string>
#include <utility>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include "carousel/core/finite.hpp"
#endif

namespace carousel::inline CAROUSEL_ABI {

/// The part of the targets within an interval of two outputs, its ends included: with QuantileLoss{{.1, .5, .9}} it should be 0.8.
/// A target has several outputs, which stand together, as those of a QuantileLoss. Throws std::invalid_argument unless y has a
/// whole number of outputs, two or more, for each target, and these two are among them.
struct IntervalCoverage {
    Index lower = 0;  ///< which output is the lower end
    Index upper = -1; ///< and which the upper; −1: the last

    std::string name() const { return "coverage"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                         ColumnWeights weights = {}) const;
};

/// The QuantileLoss of these quantiles, as scikit-learn's mean_pinball_loss for each, and the mean of them. Throws what that throws,
/// but not for a batch without targets.
struct MeanPinballLoss {
    std::vector<double> quantiles = {0.1, 0.5, 0.9}; ///< those of the loss

    std::string name() const { return "pinball"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                         ColumnWeights weights = {}) const;
};

namespace detail {

/// Output k of so many for each target, of y. Throws std::invalid_argument unless there are these.
template <class S>
Sequence<S> output_of(const char* where, const SequenceView<S>& y, Index k, Index outputs) {
    require(outputs >= 1 && k >= 0 && k < outputs, where, "output ", k, " of ", outputs,
            " for each target was asked for, expected 0 <= output < outputs");
    require(y.features() % outputs == 0, where, "y has ", y.features(), " features, expected a multiple of ", outputs,
            ", the outputs of each target");
    Sequence<S> result;
    result.resize(y.features() / outputs, y.steps(), y.batch(), y.lengths());
    for (Index to = 0; to < result.values().size(); ++to)
        result.data()[to] = y.data()[to * outputs + k];
    return result;
}

} // namespace detail

/// A metric of one of several outputs for each target: OfOutput{MeanAbsoluteError{}, 1, 3} is the error of the median of
/// QuantileLoss{{.1, .5, .9}}. Throws what the metric throws, and std::invalid_argument unless there is such an output,
/// or if weights are given and the metric takes none.
template <class Inner>
struct OfOutput {
    Inner inner; ///< the metric
    /// Which output, from 0, of how many for each target.
    Index output = 0, outputs = 1;

    /// "mae of output 1": of several outputs each has a name.
    std::string name() const { return inner.name() + " of output " + detail::decimal(output); }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                         ColumnWeights weights = {}) const {
        const Sequence<S> its = detail::output_of("OfOutput", y, output, outputs);
        if constexpr (requires { inner(its.view(), target, weights); }) {
            return inner(its.view(), target, weights);
        } else {
            require(weights.empty(), "OfOutput", "weights were given, and the metric ", inner.name(),
                    " takes none, expected none");
            return inner(its.view(), target);
        }
    }
    /// The metric's own.
    double value(const MetricSum& sum) const { return Metric(inner).value(sum); }
    void merge(MetricSum& all, const MetricSum& batch) const { Metric(inner).merge(all, batch); }
};

template <class Inner>
OfOutput(Inner, AnyIndex, AnyIndex) -> OfOutput<Inner>;

#ifdef CAROUSEL_BODIES

template <std::floating_point S>
MetricSum IntervalCoverage::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                       ColumnWeights weights) const {
    const char* const where = "IntervalCoverage";
    const Index rows = target.features(), outputs = rows > 0 ? y.features() / rows : 0;
    const Index high = upper == -1 ? outputs - 1 : upper;
    require(outputs >= 2 && y.features() == outputs * rows, where, "y has ", y.features(), " features and target ",
            rows, ", expected two or more outputs for each target");
    require(lower >= 0 && lower < outputs && high >= 0 && high < outputs, where, "outputs ", lower, " and ", high,
            " were asked for, there are ", outputs, " for each target");
    detail::require_target(where, y, target, rows);
    detail::require_weights(where, y, weights);
    MetricSum result;
    detail::each_weighted_run(y, weights, [&](Index column, Index count, double w) {
        for (Index k = column * rows; w > 0 && k < (column + count) * rows; ++k) {
            const S t = target.data()[k];
            if (detail::is_nan(t))
                continue;
            const S* const ends = y.data() + k * outputs;
            result.sum += ends[lower] <= t && t <= ends[high] ? w : 0;
            result.weight += w;
        }
    });
    return result;
}

template <std::floating_point S>
MetricSum MeanPinballLoss::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                      ColumnWeights weights) const {
    const QuantileLoss loss{.quantiles = quantiles, .skip_nan = true};
    const double weight = loss.weight(y, target, weights);
    return {weight > 0 ? weight * loss(y, target, nullptr, weights) : 0, weight};
}

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_INTERVAL_METRICS(S)      \
    CAROUSEL_INSTANTIATE_METRIC(S, IntervalCoverage); \
    CAROUSEL_INSTANTIATE_METRIC(S, MeanPinballLoss)
