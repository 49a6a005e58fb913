#include "carousel/train/cross_validation.hpp"
#include "carousel/train/iterable_dataset.hpp"
#include "carousel/train/map_dataset.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

using namespace carousel;
using namespace carousel::test;

namespace {

using List = std::vector<Index>;

/// Twelve sequences of several lengths with a target for every step.
Dataset<double> data_of_all() {
    Random random(40);
    const List lengths{7, 3, 5, 7, 2, 6, 4, 7, 1, 5, 7, 6};
    return {random_sequence<double>(2, 7, 12, random, lengths), random_sequence<double>(1, 7, 12, random, lengths)};
}
Dense<double> model_of(Index k) {
    return {2, 1, {.seed = static_cast<std::uint64_t>(k + 3)}};
}

/// All that folds came to.
template <class Results>
std::vector<double> numbers(const Results& results) {
    std::vector<double> all;
    for (const auto& result : results) {
        all.push_back(result.history.epochs.back().loss);
        all.push_back(result.test.loss);
        all.push_back(result.test.metrics[0]);
    }
    return all;
}

} // namespace

TEST_CASE("k_fold: every sample is tested once, by a model that hasn't seen it") {
    const auto folds = k_fold(7, {.folds = 3});
    REQUIRE(folds.size() == 3);
    CHECK((folds[0].test == List{0, 1, 2} && folds[0].training == List{3, 4, 5, 6}));
    CHECK((folds[1].test == List{3, 4} && folds[1].training == List{0, 1, 2, 5, 6}));
    CHECK((folds[2].test == List{5, 6} && folds[2].training == List{0, 1, 2, 3, 4}));
    const auto shuffled = k_fold(7, {.folds = 3, .shuffle = true, .seed = 4});
    List all;
    for (const Fold& fold : shuffled) {
        all.insert(all.end(), fold.test.begin(), fold.test.end());
        CHECK(fold.test.size() + fold.training.size() == 7);
    }
    CHECK(all != List{0, 1, 2, 3, 4, 5, 6});
    std::sort(all.begin(), all.end());
    CHECK(all == List{0, 1, 2, 3, 4, 5, 6});
    REQUIRE_THROWS_WITH(k_fold(7, {.folds = 8}), "k_fold: folds is 8, expected 2 <= folds <= samples, 7");
    REQUIRE_THROWS_WITH(k_fold(7, {.folds = 1}), "k_fold: folds is 1, expected 2 <= folds <= samples, 7");
}

TEST_CASE("rolling_origin: tests follow each other to the end, after what they are trained with and a gap") {
    const auto folds = rolling_origin(10, {.folds = 2, .test = 3, .gap = 1});
    REQUIRE(folds.size() == 2);
    CHECK((folds[0].training == List{0, 1, 2} && folds[0].test == List{4, 5, 6}));
    CHECK((folds[1].training == List{0, 1, 2, 3, 4, 5} && folds[1].test == List{7, 8, 9}));
    const auto sliding = rolling_origin(10, {.folds = 4, .training = 2});
    REQUIRE(sliding.size() == 4); // 10 / 5 each
    CHECK((sliding[3].training == List{6, 7} && sliding[3].test == List{8, 9}));
    REQUIRE_THROWS_WITH(rolling_origin(10, {.folds = 2, .test = 4, .gap = 2}),
                        "rolling_origin: 10 samples are too few for 2 folds with 4 to test and a gap of 2, expected at "
                        "least one to train with before");
    REQUIRE_THROWS_WITH(rolling_origin(3, {.folds = 3}),
                        Catch::Matchers::StartsWith("rolling_origin: 3 samples are too few"));
    for (const Index samples : {0, -1, -2})
        REQUIRE_THROWS_WITH(rolling_origin(samples),
                            "rolling_origin: there are " + std::to_string(samples) + " samples, expected at least 1");
    REQUIRE_THROWS_WITH(
        rolling_origin(10, {.folds = 0}),
        "rolling_origin: folds is 0, test 0, gap 0 and training 0, expected folds >= 1 and the others >= 0");
}

TEST_CASE("cross_validate: each fold is a fit and an evaluation of its own, in threads, too") {
    const auto data = data_of_all();
    const auto folds = k_fold(12, {.folds = 3, .shuffle = true});
    const FitOptions options{.epochs = 2, .batch_size = 4, .metrics = {MeanAbsoluteError{}}};
    const auto results = cross_validate(data, folds, model_of, MeanSquaredError{}, Adam{}, options);
    REQUIRE(results.size() == 3);
    for (std::size_t k = 0; k < 3; ++k) {
        Dataset<double> training, test;
        data.batch(folds[k].training, training.x, training.y);
        data.batch(folds[k].test, test.x, test.y);
        auto model = model_of(static_cast<Index>(k));
        const auto history = fit(model, training, MeanSquaredError{}, Adam{}, options);
        CHECK(results[k].history.epochs.back().loss == history.epochs.back().loss);
        CHECK(results[k].model.W().value == model.W().value);
        CHECK(results[k].test.loss == evaluate(model, test, MeanSquaredError{}, {.batch_size = 4}).loss);
    }
    std::vector<double> parallel;
    {
        const Threads two(2);
        parallel = numbers(cross_validate(data, folds, model_of, MeanSquaredError{}, Adam{}, options));
    }
    CHECK(parallel == numbers(results)); // batches of four aren't cut into shards
}

TEST_CASE("cross_validate: what a fold refuses is thrown, and so are folds that aren't there") {
    const auto data = data_of_all();
    const auto run = [&](const std::vector<Fold>& folds, const FitOptions& options = {}) {
        return cross_validate(data, folds, model_of, MeanSquaredError{}, Adam{}, options);
    };
    REQUIRE_THROWS_WITH(run({}), "cross_validate: there are no folds, expected at least 1");
    REQUIRE_THROWS_WITH(run({{{0, 1}, {12}}}), "SampleSource::subset: sample 12 was asked for, expected 0 … 11");
    REQUIRE_THROWS_WITH(run({{{}, {1}}}), "SampleSource::subset: no samples were asked for, expected at least 1");
    const Threads two(2);
    REQUIRE_THROWS_WITH(run(k_fold(12), {.batch_size = 0}), "fit: batch_size is 0, expected batch_size >= 1");
}

TEST_CASE("cross_validate: data that one thread at a time may read are read by one at a time") {
    const auto data = data_of_all();
    const auto folds = k_fold(12, {.folds = 4});
    std::atomic<int> readers = 0, most = 0;
    std::atomic<bool> meet = false; // a reader waits for a second one
    const auto read = [&](Index k, Matrix<double>& x, Matrix<double>& y) {
        const int now = ++readers;
        for (int before = most; before < now && !most.compare_exchange_weak(before, now);) {
        }
        for (int waits = 0; waits < (meet && most < 2 ? 5000 : 1); ++waits)
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        const Index n = data.x.lengths()[static_cast<std::size_t>(k)];
        x.resize(2, n);
        y.resize(1, n);
        for (Index t = 0; t < n; ++t) {
            x.col(t) = data.x.step(t).col(k);
            y.col(t) = data.y.step(t).col(k);
        }
        --readers;
    };
    const MapLengths lengths{data.x.lengths(), data.y.lengths()};
    const FitOptions options{.epochs = 2, .batch_size = 4, .metrics = {MeanAbsoluteError{}}};
    const auto run = [&](const auto& source) {
        most = 0;
        return numbers(cross_validate(source, folds, model_of, MeanSquaredError{}, Adam{}, options));
    };
    const auto expected = run(data);
    const Threads two(2);
    const MapDataset<double> map(12, read, lengths), safe(12, read, lengths, {.thread_safe = true});
    CHECK(run(map) == expected);
    CHECK(most == 1);
    meet = true;
    CHECK(run(safe) == expected);
    CHECK(most == 2);
    meet = false;
    const IterableDataset<double> iterable([&] {
        return [&, k = Index(0)](Matrix<double>& x, Matrix<double>& y) mutable {
            if (k == 12)
                return false;
            read(k++, x, y);
            return true;
        };
    });
    CHECK(run(iterable) == expected);
    CHECK(most == 1);
    CHECK(SampleSource<double>(iterable).part(1, 3).one_reader());
    CHECK_FALSE(SampleSource<double>(data).one_reader());
}
