// Order: which samples make which batch of an epoch. Shuffling, and batches of sequences of like length.
#pragma once

#include "carousel/core/random.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/train/fit_options.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

namespace carousel::detail {

/// The samples of an epoch in the order of its batches, and where each batch begins.
struct Order {
    std::vector<Index> samples, firsts;

    template <class S>
    Order(SequenceView<S> x, Index count, const FitOptions& o, Random& random)
        : samples(static_cast<std::size_t>(count)) {
        std::iota(samples.begin(), samples.end(), Index(0));
        if (o.shuffle)
            random.shuffle(samples);
        for (Index first = 0; first < count; first += o.batch_size)
            firsts.push_back(first);
        if (o.bucket == 0)
            return;
        const Index sorted = o.bucket < static_cast<Index>(firsts.size()) ? o.bucket * o.batch_size : count;
        for (Index first = 0; first < count; first += sorted)
            std::stable_sort(samples.begin() + first, samples.begin() + std::min(first + sorted, count),
                             [&](Index a, Index b) { return x.length(a) < x.length(b); });
        if (o.shuffle)
            random.shuffle(firsts);
    }

    std::span<const Index> batch(Index k, Index batch_size) const {
        const auto first = static_cast<std::size_t>(firsts[static_cast<std::size_t>(k)]);
        return std::span(samples).subspan(first,
                                          std::min(static_cast<std::size_t>(batch_size), samples.size() - first));
    }
};

} // namespace carousel::detail
