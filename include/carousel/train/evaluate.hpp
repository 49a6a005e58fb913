// evaluate: loss and metrics of a model on a data set.
#pragma once

#include "carousel/loss/loss.hpp"
#include "carousel/train/data_checks.hpp"
#include "carousel/train/dataset.hpp"
#include "carousel/train/metrics.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What a model comes to on a data set: its loss and the metrics that were asked for, in that order.
struct Evaluation {
    double loss = 0;
    std::vector<double> metrics;
};

namespace detail {

/// Losses and metrics of batches, added up.
class Totals {
  public:
    explicit Totals(const std::vector<Metric>& metrics) : metrics_(metrics), sums_(metrics.size() + 1) {}
    /// Goes on from the sums() of another one, of the same metrics.
    Totals(const std::vector<Metric>& metrics, std::vector<MetricSum> sums)
        : metrics_(metrics), sums_(std::move(sums)) {}

    template <class S>
    void add(double loss, double weight, const SequenceView<S>& output, const SequenceView<S>& target) {
        sums_[0] += {loss * weight, weight};
        for (std::size_t k = 0; k < metrics_.size(); ++k)
            sums_[k + 1] += metrics_[k](output, target);
    }
    bool empty() const { return sums_[0].weight == 0; }
    double loss() const { return sums_[0].mean(); }
    void metrics(std::vector<double>& out) const {
        out.resize(metrics_.size());
        for (std::size_t k = 0; k < metrics_.size(); ++k)
            out[k] = metrics_[k].value(sums_[k + 1]);
    }
    /// Of the loss, then of every metric.
    const std::vector<MetricSum>& sums() const { return sums_; }

  private:
    const std::vector<Metric>& metrics_;
    std::vector<MetricSum> sums_;
};

inline void require_target(bool there_is_one) {
    require(there_is_one, "evaluate", "there is no target to compare with in the whole data set");
}

/// From `state`, which, if it is carried, goes from batch to batch.
template <class Model, Loss LossType>
Evaluation evaluate(const Model& model, const Dataset<typename Model::Scalar>& data, const LossType& loss,
                    const std::vector<Metric>& metrics, Index batch_size, typename Model::State state, bool carried) {
    using S = typename Model::Scalar;
    typename Model::Tape tape;
    Sequence<S> x, y;
    std::vector<Index> samples;
    Totals totals(metrics);
    for (Index first = 0; first < data.size(); first += batch_size) {
        samples.resize(static_cast<std::size_t>(std::min(batch_size, data.size() - first)));
        std::iota(samples.begin(), samples.end(), first);
        data.batch(model, samples, x, y);
        const auto output = model.infer(x, tape, state);
        if (const double weight = loss.weight(output, y.view()); weight > 0)
            totals.add(loss(output, y.view(), static_cast<Sequence<S>*>(nullptr)), weight, output, y.view());
        if (carried)
            model.final_state(tape, state);
    }
    require_target(!totals.empty()); // of a loss that can't tell before
    Evaluation result{totals.loss(), {}};
    totals.metrics(result.metrics);
    return result;
}

} // namespace detail

struct EvaluateOptions {
    Index batch_size = 256;
    std::vector<Metric> metrics = {}; ///< {Accuracy{}, …}
};

/// Loss and metrics of the model's inference over a data set, `batch_size` samples at a time:
///
///     evaluate(model, test, SoftmaxCrossEntropy{}, {.metrics = {Accuracy{}}}).metrics[0]
///
/// Throws std::invalid_argument, before it begins, if batch_size is below 1, x and y have different numbers of samples, a
/// real number of x is NaN or infinite, a target is none for the loss, the targets have other steps than the model's
/// output or there is nothing to compare with, as all are padding or ignored. A loss of one's own without check() meets
/// its targets batch by batch instead.
template <class Model, Loss LossType>
Evaluation evaluate(const Model& model, const Dataset<typename Model::Scalar>& data, const LossType& loss,
                    const EvaluateOptions& options = {}) {
    require(options.batch_size >= 1, "evaluate", "batch_size is ", options.batch_size, ", expected batch_size >= 1");
    detail::check_shape("evaluate", data);
    detail::require_target(detail::check_samples("evaluate", model, loss, data, 0, data.size()) > 0);
    return detail::evaluate(model, data, loss, options.metrics, options.batch_size, {}, false);
}

} // namespace carousel
