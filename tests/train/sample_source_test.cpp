// SampleSource: training, evaluation and prediction are the same, bit for bit, wherever the samples come from.
#include "carousel/train/sample_source.hpp"

#include "carousel/train/iterable_dataset.hpp"
#include "carousel/train/map_dataset.hpp"
#include "carousel/train/order.hpp"
#include "carousel/train/predict.hpp"

#include "catch.hpp"
#include "support.hpp"
#include "train/going_on.hpp"

#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"

#include <memory>
#include <numeric>
#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

/// Sample k of a batch, its real steps alone.
Matrix<double> sample(const Sequence<double>& from, Index k) {
    Matrix<double> one(from.features(), from.view().length(k));
    for (Index t = 0; t < one.cols(); ++t)
        one.col(t) = from.step(t).col(k);
    return one;
}

MapDataset<double> map_of(const Dataset<double>& data, int* calls = nullptr) {
    return {data.size(),
            [&data, calls](Index k, Matrix<double>& x, Matrix<double>& y) {
                if (calls)
                    ++*calls;
                x = sample(data.x, k);
                y = sample(data.y, k);
            },
            {.x = data.x.lengths(), .y = data.y.lengths()}};
}

IterableDataset<double> iterable_of(const Dataset<double>& data, Index buffer, int* starts = nullptr) {
    return IterableDataset<double>(
        [&data, starts] {
            if (starts)
                ++*starts;
            return [&data, k = Index(0)](Matrix<double>& x, Matrix<double>& y) mutable {
                if (k == data.size())
                    return false;
                x = sample(data.x, k);
                y = sample(data.y, k++);
                return true;
            };
        },
        {.buffer = buffer});
}

/// A source of one's own, which makes a whole batch: of sample k, all is k.
struct Numbers {
    using Scalar = double;
    Index size() const { return 12; }
    SampleShape shape() const { return {2, 5, 1, 1}; }
    void fill(std::span<const Index> samples, Sequence<double>& x, Sequence<double>& y) const {
        for (std::size_t b = 0; b < samples.size(); ++b)
            for (Index t = 0; t < x.steps(); ++t) {
                x.step(t).col(static_cast<Index>(b)).setConstant(static_cast<double>(samples[b]));
                y.step(0)(0, static_cast<Index>(b)) = static_cast<double>(samples[b]);
            }
    }
};

/// One that has forgotten some lengths.
struct Forgetful : Numbers {
    std::vector<Index> lengths = std::vector<Index>(11, 5);
    std::span<const Index> x_lengths() const { return lengths; }
};

/// Trains six epochs in calls of two, the first of which is stopped within its second epoch.
Trained train(const SampleSource<double>& data, const SampleSource<double>* validation, FitOptions options) {
    auto model = noisy_model();
    Training training{model, Adam{.learning_rate = 0.05}};
    options.planned_epochs = all_epochs;
    for (bool stops = true; training.epochs() < all_epochs; stops = false) {
        options.epochs = std::min<Index>(2, all_epochs - training.epochs());
        options.callbacks = {[=](Progress& p) { p.stop = stops && p.epoch == 2 && p.batch == 2; }};
        const Index before = training.epochs();
        if (validation)
            fit(training, data, *validation, MeanSquaredError{}, options);
        else
            fit(training, data, MeanSquaredError{}, options);
        if (!stops && training.epochs() == before) // early stopping
            break;
    }
    return outcome(training);
}

} // namespace

TEST_CASE("SampleSource: fit is the same with samples that are made when they are needed, whatever the options") {
    const auto data = training_data(), validation = validation_data();
    const SampleSource<double> held_out(validation);
    for (const OptionSet& set : option_sets()) {
        INFO(set.name);
        const FitOptions options = set.make();
        const auto expected = train(data, &held_out, options);
        CHECK(train(map_of(data), &held_out, options) == expected);
        const SampleSource<double> made(map_of(validation));
        CHECK(train(map_of(data), &made, options) == expected);
        CHECK(train(iterable_of(data, 12), &made, options) == expected); // in a buffer as large as all of it
        if (!options.shuffle)
            CHECK(train(iterable_of(data, 3), &made, options) == expected);
    }
}

TEST_CASE("SampleSource: a training whose samples failed goes on as if they hadn't") {
    const auto data = training_data();
    struct Unreadable {};
    Index calls = 0, fails_at = 0;
    const auto read = [&](Index k, Matrix<double>& x, Matrix<double>& y) {
        if (++calls == fails_at)
            throw Unreadable();
        x = sample(data.x, k);
        y = sample(data.y, k);
    };
    const FitOptions options{.epochs = 2, .batch_size = 4, .planned_epochs = 2};
    const auto train = [&] {
        const MapDataset<double> map(12, read, {.x = data.x.lengths(), .y = data.y.lengths()});
        auto model = noisy_model();
        Training training{model, Adam{.learning_rate = 0.05}};
        try {
            fit(training, map, MeanSquaredError{}, options);
        } catch (const Unreadable&) {
            FitOptions rest = options;
            rest.epochs = 2 - training.epochs();
            fit(training, map, MeanSquaredError{}, rest);
        }
        return outcome(training);
    };
    const auto expected = train();
    for (const Index at :
         {13 + 6,
          13 + 12 + 9}) { // after one to know the shape and all to check: within the first epoch, and the second
        calls = 0;
        fails_at = at;
        CHECK(train() == expected);
        CHECK(calls > fails_at);
    }
}

TEST_CASE("SampleSource: a part that is held out is a view of any samples, and fit is the same") {
    const auto data = training_data();
    FitOptions options{.batch_size = 4, .validation_split = 1. / 3, .metrics = {MeanAbsoluteError{}}};
    const auto expected = train(data, nullptr, options);
    CHECK(train(map_of(data), nullptr, options) == expected);
    CHECK(train(iterable_of(data, 12), nullptr, options) == expected);
    const SampleSource<double> all(data);
    const auto last = all.part(8, 4), copied = SampleSource<double>(data.slice(8, 4));
    options.validation_split = 0;
    const auto parts = train(all.part(0, 8), &last, options);
    CHECK(parts == train(data.slice(0, 8), &copied, options));
    CHECK(parts.values == expected.values);
}

TEST_CASE("SampleSource: evaluate and predict are the same wherever the samples come from") {
    const auto model = noisy_model();
    const auto data = training_data();
    const auto loss = evaluate(model, data, MeanSquaredError{}, {.batch_size = 5}).loss;
    CHECK(evaluate(model, map_of(data), MeanSquaredError{}, {.batch_size = 5}).loss == loss);
    CHECK(evaluate(model, iterable_of(data, 2), MeanSquaredError{}, {.batch_size = 5}).loss == loss);
    const Sequence<double> whole = model(data.x);
    const auto check = [&](const Sequence<double>& outputs) {
        CHECK(outputs.lengths() == whole.lengths());
        CHECK(difference(outputs.values(), whole.values()) < 1e-14);
    };
    for (const Index batch_size : {1, 5, 12, 100}) {
        check(predict(model, data, {.batch_size = batch_size}));
        check(predict(model, map_of(data), {.batch_size = batch_size}));
        check(predict(model, data.x, {.batch_size = batch_size}));
    }
    Index next = 0;
    predict(model, iterable_of(data, 2),
            [&](Index first, SequenceView<double> output) {
                CHECK(first == next);
                next += output.batch();
            },
            {.batch_size = 5});
    CHECK(next == 12);
    REQUIRE_THROWS_WITH(predict(model, data, {.batch_size = 0}), "predict: batch_size is 0, expected batch_size >= 1");
    REQUIRE_THROWS_WITH(predict(model, Dataset<double>{}), "predict: the data set is empty");
}

TEST_CASE("SampleSource: a type of one's own that makes batches is one, and a part of a part counts from its first") {
    const SampleSource<double> all{Numbers{}};
    CHECK((all.size() == 12 && all.shape() == SampleShape{2, 5, 1, 1}));
    const auto part = all.part(4, 6).part(1, 3);
    Sequence<double> x, y;
    part.batch(std::vector<Index>{2, 0}, x, y);
    CHECK(y.values() == Matrix<double>{{7, 5}});
    CHECK((x.steps() == 5 && x.step(4) == Matrix<double>{{7, 5}, {7, 5}} && x.lengths().empty()));
    const Dataset<double> copy = part.dataset();
    CHECK(copy.y.values() == Matrix<double>{{5, 6, 7}});
    REQUIRE_THROWS_WITH(part.batch(std::vector<Index>{3}, x, y),
                        "SampleSource::batch: sample 3 was asked for, expected 0 … 2");
    REQUIRE_THROWS_WITH(all.part(4, 9), "SampleSource::part: samples 4 … 12 were asked for, there are 12");
    REQUIRE_THROWS_WITH(all.x_length(12), "SampleSource: the length of sample 12 was asked for, expected 0 … 11");
    REQUIRE_THROWS_WITH(SampleSource<double>(Forgetful{}),
                        "SampleSource: there are 11 x_lengths of 12 samples, expected as many, or none");
    Forgetful wrong;
    wrong.lengths = {5, 5, 5, 6, 5, 5, 5, 5, 5, 5, 5, 5};
    REQUIRE_THROWS_WITH(SampleSource<double>(wrong),
                        "SampleSource: x_lengths of sample 3 is 6, expected 0 … 5, the steps of the shape");
    wrong.lengths[3] = -1;
    REQUIRE_THROWS_WITH(SampleSource<double>(wrong),
                        "SampleSource: x_lengths of sample 3 is -1, expected 0 … 5, the steps of the shape");
    const SampleSource<double> pair{Sequence<double>(Matrix<double>{{1, 2}}, 2),
                                    Sequence<double>(Matrix<double>{{3, 4}}, 2)};
    CHECK((pair.size() == 2 && pair.whole_dataset()->y.values()(0, 1) == 4));
}

TEST_CASE("SampleSource: what doesn't fit is refused before the training, with the sample's number") {
    auto data = training_data();
    const auto before = values(noisy_model());
    const auto refused = [&](const SampleSource<double>& source, const FitOptions& options,
                             const std::string& message) {
        auto model = noisy_model();
        REQUIRE_THROWS_WITH(fit(model, source, MeanSquaredError{}, Adam{}, options), message);
        CHECK(values(model) == before);
    };
    refused(iterable_of(data, 3), {.bucket = 2},
            "fit: bucket is 2, expected 0 for samples that come in an order of their own, 3 of 12 at a time");
    data.y.step(1)(0, 9) = std::numeric_limits<double>::infinity();
    refused(
        SampleSource<double>(map_of(data)).part(8, 4), {},
        "MeanSquaredError: the target at feature 0, step 1 of sequence 1 is inf, expected a finite number; sequence "
        "1 is sample 9");
    refused(
        SampleSource<double>(data).subset(std::vector<Index>{2, 11, 0, 9}).part(1, 3), {},
        "MeanSquaredError: the target at feature 0, step 1 of sequence 2 is inf, expected a finite number; sequence "
        "2 is sample 9");
    data.x.step(2)(1, 9) = std::numeric_limits<double>::quiet_NaN();
    const std::string message = "fit: x is nan in sample 9 at step 2, feature 1, expected finite numbers: leave the "
                                "sample out, or fill the gap";
    refused(map_of(data), {}, message);
    refused(data, {}, message);
    refused(SampleSource<double>(map_of(data)).part(8, 4), {}, message);
    refused(SampleSource<double>(data).subset(std::vector<Index>{2, 11, 0, 9}), {}, message);
    const std::vector<Index> lengths(12, 7);
    const Dataset<double> uneven{data.x, Sequence<double>(1, 7, 12, lengths)};
    refused(map_of(uneven), {}, "fit: sequence 1 has targets for 7 steps and the model outputs 3, expected as many");
    const auto chosen = SampleSource<double>(uneven).part(2, 9).subset(std::vector<Index>{6, 1});
    refused(chosen, {}, "fit: sequence 8 has targets for 7 steps and the model outputs 1, expected as many");
    refused(map_of(uneven), {.truncate = 3},
            "fit: truncate needs a target for every step: sequence 1 has 3 steps and its targets have 7");
}

TEST_CASE("MapDataset: samples are made when they are asked for, and must have the shape that was said") {
    const auto data = training_data();
    int calls = 0;
    const auto map = map_of(data, &calls);
    CHECK(calls == 1);
    Sequence<double> x, y;
    SampleSource<double>(map).batch(std::vector<Index>{8, 1}, x, y);
    CHECK((calls == 3 && x.steps() == 3 && x.lengths() == std::vector<Index>{1, 3}));
    CHECK(x.step(2).col(0).isZero());

    const auto growing = [](Index k, Matrix<double>& sample, Matrix<double>& target) {
        sample.setZero(2, 3 + k);
        target.setZero(1, 1);
    };
    const auto ask = [&](const MapDataset<double>& from) {
        SampleSource<double>(from).batch(std::vector<Index>{1}, x, y);
    };
    REQUIRE_THROWS_WITH(ask({2, growing}), "MapDataset: x of sample 1 is 2 x 4, expected 2 x 3");
    ask({2, growing, {.x = {3, 4}}});
    CHECK(x.steps() == 4);
    REQUIRE_THROWS_WITH(ask({2, growing, {.x = {3}}}), "MapDataset: 1 lengths of x were given for 2 samples");
    REQUIRE_THROWS_WITH(ask({2, growing, {.y = {3, -1}}}), "MapDataset: a length of y is -1, expected length >= 0");
    REQUIRE_THROWS_WITH(ask({0, growing}), "MapDataset: count is 0, expected count >= 1");
    REQUIRE_THROWS_WITH(ask({1, nullptr}), "MapDataset: the function is empty, expected one that makes a sample");
}

TEST_CASE("IterableDataset: an epoch reads once from the start, and shuffles within the buffer") {
    const auto data = training_data();
    int starts = 0;
    const auto iterable = iterable_of(data, 4, &starts);
    CHECK((starts == 1 && iterable.size() == 12 && iterable.shape().x_steps == 7));
    auto model = noisy_model();
    // One more to check, and one for each epoch: validation reads on.
    fit(model, iterable, MeanSquaredError{}, Adam{}, {.epochs = 3, .batch_size = 3, .validation_split = 0.25});
    CHECK(starts == 1 + 1 + 3);

    Random random(5);
    const detail::Order order({}, {.samples = 12, .batch_size = 32, .shuffle = true}, random, 4);
    auto sorted = order.samples;
    for (std::size_t first = 0; first < 12; first += 4)
        std::sort(sorted.begin() + static_cast<std::ptrdiff_t>(first),
                  sorted.begin() + static_cast<std::ptrdiff_t>(first) + 4);
    std::vector<Index> all(12);
    std::iota(all.begin(), all.end(), Index(0));
    CHECK((sorted == all && order.samples != all));
}

TEST_CASE("IterableDataset: what doesn't come again as it came is refused") {
    const auto data = training_data();
    const auto start = [](Index count, Index features = 2) {
        return [=] {
            return [=, k = Index(0)](Matrix<double>& x, Matrix<double>& y) mutable {
                x.setZero(k == 3 ? features : 2, 2);
                y.setZero(1, 2);
                return k++ < count;
            };
        };
    };
    using Iterable = IterableDataset<double>;
    REQUIRE_THROWS_WITH(Iterable(start(0)), "IterableDataset: no sample came, expected at least 1");
    REQUIRE_THROWS_WITH(Iterable(start(5, 3)),
                        "IterableDataset: x of sample 3 has 3 features, expected 2 as the first has");
    REQUIRE_THROWS_WITH(Iterable(start(5), {.buffer = 0}), "IterableDataset: buffer is 0, expected buffer >= 1");
    REQUIRE_THROWS_WITH(Iterable(nullptr), "IterableDataset: start is empty, expected a function that begins to read");
    REQUIRE_THROWS_WITH(Iterable([] { return Iterable::Next(); }),
                        "IterableDataset: start returned an empty function, expected the next sample's");
    Index count = 5;
    const Iterable shrinking([&] { return start(count)(); });
    count = 4;
    Sequence<double> x, y;
    const SampleSource<double> source(shrinking);
    source.batch(std::vector<Index>{3}, x, y);
    REQUIRE_THROWS_AS(source.batch(std::vector<Index>{4}, x, y), std::runtime_error);
    REQUIRE_THROWS_WITH(
        source.batch(std::vector<Index>{4}, x, y),
        "IterableDataset: 4 samples came, expected 5 as at first: each start must give the same samples");
    count = 5;
    source.batch(std::vector<Index>{4}, x, y); // it begins anew
    REQUIRE_THROWS_WITH(shrinking.fill(std::vector<Index>{0, 1}, x, y),
                        "IterableDataset::fill: x is features 2 x steps 2 x batch 1, expected 2 x 2 or fewer x 2");
}
