// What a call of evaluate does, and fit where it validates. Compiled once for a scalar.
#pragma once

#include "carousel/train/data_checks.hpp"
#include "carousel/train/evaluate.hpp"
#include "carousel/train/team.hpp"
#include "carousel/train/totals.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

inline void require_target(bool there_is_one) {
    require(there_is_one, "evaluate", "there is no target to compare with in the whole data set");
}

/// Without the checks. If the state is carried, it goes from batch to batch.
template <class S>
Evaluation evaluate(Evaluated<S>& model, const SampleSource<S>& data, const std::vector<Metric>& metrics,
                    Index batch_size, bool carried, Team<S>& team) {
    Sequence<S> x, y;
    std::vector<Index> samples;
    Totals totals(metrics);
    const Index here = team.batch_size(batch_size);
    const Index batches = team.plan({.samples = data.size(), .batch_size = batch_size}).batches();
    for (Index k = 0; k < batches; ++k) {
        const Index first = std::min(k * here, data.size());
        samples.resize(static_cast<std::size_t>(std::min(here, data.size() - first)));
        std::iota(samples.begin(), samples.end(), first);
        std::optional<SequenceView<S>> output;
        if (const std::span<const Index> share = team.share(samples); !share.empty()) {
            batch(model, data, share, x, y);
            output = model.infer(x, carried);
        }
        team.measure(model, output, y.view(), nullptr, totals);
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
    Team<S> alone;
    return evaluate(model, data, options.metrics, options.batch_size, false, alone);
}

} // namespace carousel::detail
