#include "carousel/train/order.hpp"

#include "carousel/train/fit_options.hpp"

#include "catch.hpp"

using namespace carousel;

TEST_CASE("Order: buckets make batches of like length, of every sample once, in an order of the seed") {
    std::vector<Index> lengths;
    for (Index k = 0; k < 20; ++k)
        lengths.push_back(1 + (7 * k) % 20);
    const Sequence<double> x(2, 20, 20, lengths);
    const auto batches = [&](const FitOptions& options) {
        Random random(options.seed);
        const detail::Order order(lengths, {20, options.batch_size, options.bucket, options.shuffle}, random);
        std::vector<std::vector<Index>> all;
        for (Index k = 0; k < static_cast<Index>(order.firsts.size()); ++k) {
            const auto samples = order.batch(k, options.batch_size);
            all.emplace_back(samples.begin(), samples.end());
        }
        return all;
    };
    const auto padding = [&](const std::vector<std::vector<Index>>& all) { // columns that aren't real
        Index columns = 0;
        for (const auto& batch : all) {
            Index longest = 0;
            for (const Index k : batch)
                longest = std::max(longest, x.view().length(k));
            for (const Index k : batch)
                columns += longest - x.view().length(k);
        }
        return columns;
    };
    const FitOptions whole{.batch_size = 3, .seed = 5, .bucket = 7};
    auto all = batches(whole);
    CHECK(all == batches(whole));
    CHECK(all != batches({.batch_size = 3, .seed = 6, .bucket = 7}));
    CHECK(padding(all) == 6 * 3 + 1); // neighbours: lengths 1 2 3, 4 5 6 … 19 20
    CHECK(padding(batches({.batch_size = 3, .seed = 5, .bucket = 2})) < padding(batches({.batch_size = 3, .seed = 5})));
    std::vector<Index> samples;
    for (const auto& batch : all) {
        CHECK((batch.size() == 3 || batch.size() == 2));
        samples.insert(samples.end(), batch.begin(), batch.end());
    }
    std::sort(samples.begin(), samples.end());
    for (Index k = 0; k < 20; ++k)
        CHECK(samples[static_cast<std::size_t>(k)] == k);
    CHECK(all[0][0] != 0);
    all = batches({.batch_size = 3, .shuffle = false, .bucket = 7});
    CHECK(all[0] == std::vector<Index>{0, 3, 6}); // lengths 1, 2, 3: the shortest of the first batch first
}
