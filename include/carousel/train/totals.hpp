// Totals: losses and metrics of batches, added up.
#pragma once

#include "carousel/core/sequence.hpp"
#include "carousel/train/metrics.hpp"

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

} // namespace carousel::detail
