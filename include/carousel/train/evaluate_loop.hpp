// What a call of evaluate does, and fit where it validates. Compiled once for a scalar.
#pragma once

#include "carousel/train/data_checks.hpp"
#include "carousel/train/evaluate.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

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
            metrics_[k].merge(sums_[k + 1], metrics_[k](output, target));
    }
    /// Adds what another one has come to, of the same metrics.
    void add(const std::vector<MetricSum>& sums) {
        sums_[0] += sums[0];
        for (std::size_t k = 0; k < metrics_.size(); ++k)
            metrics_[k].merge(sums_[k + 1], sums[k + 1]);
    }
    bool empty() const { return sums_[0].weight == 0; }
    double loss() const { return sums_[0].mean(); }
    void metrics(std::vector<double>& out) const {
        out.resize(metrics_.size());
        for (std::size_t k = 0; k < metrics_.size(); ++k)
            out[k] = metrics_[k].value(sums_[k + 1]);
    }
    /// Takes the memory of `sums`, so that they become sums() without an allocation.
    void make_room(std::vector<MetricSum>& sums) const {
        for (std::size_t k = 0; k < sums.size(); ++k)
            sums[k].parts.reserve(sums_[k].parts.size());
    }
    /// Of the loss, then of every metric.
    const std::vector<MetricSum>& sums() const { return sums_; }
    /// The metrics.
    const std::vector<Metric>& of() const { return metrics_; }

  private:
    const std::vector<Metric>& metrics_;
    std::vector<MetricSum> sums_;
};

inline void require_target(bool there_is_one) {
    require(there_is_one, "evaluate", "there is no target to compare with in the whole data set");
}

/// Without the checks. If the state is carried, it goes from batch to batch.
template <class S>
Evaluation evaluate(Evaluated<S>& model, const SampleSource<S>& data, const std::vector<Metric>& metrics,
                    Index batch_size, bool carried) {
    Sequence<S> x, y;
    std::vector<Index> samples;
    Totals totals(metrics);
    for (Index first = 0; first < data.size(); first += batch_size) {
        samples.resize(static_cast<std::size_t>(std::min(batch_size, data.size() - first)));
        std::iota(samples.begin(), samples.end(), first);
        batch(model, data, samples, x, y);
        const auto output = model.infer(x, carried);
        if (const double weight = model.weight(output, y.view()); weight > 0)
            totals.add(model.loss(output, y.view(), nullptr), weight, output, y.view());
    }
    require_target(!totals.empty()); // of a loss that can't tell before
    Evaluation result{totals.loss(), {}};
    totals.metrics(result.metrics);
    return result;
}

template <class S>
Evaluation evaluate(Evaluated<S>& model, const SampleSource<S>& data, const EvaluateOptions& options) {
    require(options.batch_size >= 1, "evaluate", "batch_size is ", options.batch_size, ", expected batch_size >= 1");
    check_shape("evaluate", data);
    require_target(check_samples("evaluate", model, data, 0, data.size()) > 0);
    return evaluate(model, data, options.metrics, options.batch_size, false);
}

} // namespace carousel::detail
