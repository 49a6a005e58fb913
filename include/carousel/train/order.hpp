// Order: which samples make which batch of an epoch. Shuffling, and batches of sequences of like length.
#pragma once

#include "carousel/core/random.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/train/training_state.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// The samples of an epoch in the order of its batches, and where each batch begins.
struct Order {
    std::vector<Index> samples, firsts;

    /// `lengths`: of the sequences, of all of x; empty if they are equal. `block`: how many neighbours are shuffled; 0: all.
    CAROUSEL_INLINE Order(std::span<const Index> lengths, const BatchPlan& plan, Random& random, Index block = 0);

    /// Those of batch k; none after the last.
    std::span<const Index> batch(Index k, Index batch_size) const {
        if (k >= static_cast<Index>(firsts.size()))
            return {};
        const auto first = static_cast<std::size_t>(firsts[static_cast<std::size_t>(k)]);
        return std::span(samples).subspan(first,
                                          std::min(static_cast<std::size_t>(batch_size), samples.size() - first));
    }

  private:
    /// Sorts every `count` samples by length; those of equal length stay in their order.
    CAROUSEL_INLINE void sort_by_length(std::span<const Index> lengths, Index count);
};

#ifdef CAROUSEL_BODIES

CAROUSEL_INLINE Order::Order(std::span<const Index> lengths, const BatchPlan& plan, Random& random, Index block)
    : samples(static_cast<std::size_t>(plan.samples)) {
    const Index count = plan.samples;
    std::iota(samples.begin(), samples.end(), Index(0));
    const Index together = block > 0 ? std::min(block, count) : count;
    for (Index first = 0; plan.shuffle && first < count; first += together)
        random.shuffle(std::span(samples).subspan(static_cast<std::size_t>(first),
                                                  static_cast<std::size_t>(std::min(together, count - first))));
    for (Index first = 0; first < count; first += plan.batch_size)
        firsts.push_back(first);
    if (plan.bucket == 0)
        return;
    const Index sorted = plan.bucket < static_cast<Index>(firsts.size()) ? plan.bucket * plan.batch_size : count;
    sort_by_length(lengths, sorted);
    if (plan.shuffle)
        random.shuffle(firsts);
}

CAROUSEL_INLINE void Order::sort_by_length(std::span<const Index> lengths, Index count) {
    struct Key {
        Index length, place, sample;
    };
    std::vector<Key> keys;
    keys.reserve(samples.size());
    for (const Index sample : samples)
        keys.push_back(
            {lengths.empty() ? 0 : lengths[static_cast<std::size_t>(sample)], static_cast<Index>(keys.size()), sample});
    const auto compare = [](const void* one, const void* other) {
        const Key &a = *static_cast<const Key*>(one), &b = *static_cast<const Key*>(other);
        const auto [x, y] = a.length != b.length ? std::pair(a.length, b.length) : std::pair(a.place, b.place);
        return x < y ? -1 : x > y ? 1 : 0;
    };
    const auto all = static_cast<Index>(keys.size());
    for (Index first = 0; first < all; first += count) // qsort, as std::sort is a lot to compile in every program
        std::qsort(keys.data() + first, static_cast<std::size_t>(std::min(count, all - first)), sizeof(Key), compare);
    std::transform(keys.begin(), keys.end(), samples.begin(), [](const Key& key) { return key.sample; });
}

#endif

} // namespace carousel::detail
