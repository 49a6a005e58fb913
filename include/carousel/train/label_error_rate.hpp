// LabelErrorRate: how many of CTC's labels are wrong.
#pragma once

#include "carousel/loss/loss.hpp"
#include "carousel/train/metrics.hpp"

#include <string>

#ifdef CAROUSEL_BODIES
#    include "carousel/core/finite.hpp"
#    include "carousel/loss/ctc_greedy.hpp"

#    include <algorithm>
#    include <cstddef>
#    include <numeric>
#    include <vector>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// The labels that must be put in, taken out or replaced for what ctc_greedy reads to become the target (the edit distance), over
/// the number of all labels in the targets. y: logits, classes × steps, target: labels of their own lengths, as CTCLoss'; sequences
/// without a step or with a label that is NaN don't count. Throws std::invalid_argument unless target has one feature and y's batch,
/// and blank is a feature of y.
struct LabelErrorRate {
    Index blank = 0; ///< which feature of y is the blank

    std::string name() const { return "label error rate"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const;
};

#ifdef CAROUSEL_BODIES

template <std::floating_point S>
MetricSum LabelErrorRate::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const {
    require(target.features() == 1 && target.batch() == y.batch(), "LabelErrorRate", "target has ", target.features(),
            " features and ", target.batch(), " sequences, expected 1 and ", y.batch());
    const auto said = ctc_greedy(y, blank);
    MetricSum result;
    for (Index b = 0; b < y.batch(); ++b) {
        std::vector<S> labels;
        for (Index k = 0; k < target.length(b); ++k)
            labels.push_back(target.data()[k * target.batch() + b]);
        if (y.length(b) == 0 ||
            std::any_of(labels.begin(), labels.end(), [](S label) { return detail::is_nan(label); }))
            continue;
        // distances[j]: from what has been read so far to the first j labels
        std::vector<Index> distances(labels.size() + 1);
        std::iota(distances.begin(), distances.end(), Index(0));
        for (const Index read : said[static_cast<std::size_t>(b)]) {
            Index diagonal = distances[0]++;
            for (std::size_t j = 1; j <= labels.size(); ++j) {
                const Index replaced = diagonal + (static_cast<S>(read) == labels[j - 1] ? 0 : 1);
                diagonal = distances[j];
                distances[j] = std::min({replaced, distances[j] + 1, distances[j - 1] + 1});
            }
        }
        result.sum += static_cast<double>(distances.back());
        result.weight += static_cast<double>(labels.size());
    }
    return result;
}

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_LABEL_ERROR_RATE(S)                                                 \
    template carousel::MetricSum carousel::LabelErrorRate::operator()(carousel::SequenceView<S>, \
                                                                      carousel::SequenceView<S>) const
