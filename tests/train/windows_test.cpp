#include "carousel/train/windows.hpp"

#include "carousel/train/sample_source.hpp"

#include "catch.hpp"
#include "support.hpp"
#include "train/going_on.hpp"

#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"

#include <limits>

using namespace carousel;
using namespace carousel::test;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// Column t of row r is 100·r + t.
Matrix<double> table(Index rows, Index length) {
    Matrix<double> series(rows, length);
    for (Index t = 0; t < length; ++t)
        for (Index r = 0; r < rows; ++r)
            series(r, t) = static_cast<double>(100 * r + t);
    return series;
}

/// Window k of a data set at step t.
Matrix<double> at(const Sequence<double>& all, Index t, Index k) {
    return all.step(t).col(k);
}

} // namespace

TEST_CASE("Windows: cut when they are needed they are those that are made at once") {
    Random random(8);
    const Matrix<double> series = random_matrix<double>(3, 40, random);
    for (const WindowOptions& options :
         {WindowOptions{.steps = 5}, WindowOptions{.steps = 4, .horizon = 3, .stride = 2},
          WindowOptions{.steps = 4, .horizon = 2, .every_step = true, .gap = 3},
          WindowOptions{.steps = 6, .horizon = 2, .gap = 1, .inputs = {2, 0}, .targets = {0, 2}, .known = {1}},
          WindowOptions{.steps = 2, .horizon = 4, .known = {2, 1}, .known_layout = KnownLayout::stacked}}) {
        const Windows lazy(series, options);
        const auto made = windows(series, options);
        REQUIRE((lazy.size() == made.size() && lazy.shape() == made.shape()));
        const SampleSource<double> source(lazy), data(made);
        Sequence<double> x, y, expected_x, expected_y;
        const std::vector<Index> samples{3, 0, lazy.size() - 1, 3};
        source.batch(samples, x, y);
        data.batch(samples, expected_x, expected_y);
        CHECK((x.values() == expected_x.values() && y.values() == expected_y.values()));
        CHECK((source.dataset().x.values() == made.x.values() && source.dataset().y.values() == made.y.values()));
    }
}

TEST_CASE("Windows: fit is the same, bit for bit, as with all of them in memory") {
    Random random(9);
    const Matrix<double> series = random_matrix<double>(3, 30, random);
    const WindowOptions options{.steps = 5, .every_step = true, .inputs = {0, 1}, .targets = {2}};
    const auto train = [&](const SampleSource<double>& data, FitOptions with) {
        auto model = noisy_model();
        Training training{model, Adam{.learning_rate = 0.05}};
        with.batch_size = 4;
        for (const Index epochs : {1, 2}) {
            with.epochs = epochs;
            fit(training, data, MeanSquaredError{}, with);
        }
        return outcome(training);
    };
    for (const FitOptions& with : {FitOptions{.validation_split = 0.3, .metrics = {MeanAbsoluteError{}}},
                                   FitOptions{.bucket = 2}, FitOptions{.truncate = 2}})
        CHECK(train(Windows(series, options), with) == train(windows(series, options), with));
    const FitOptions stateful{.shuffle = false, .truncate = 2, .stateful = true};
    CHECK(train(SampleSource<double>(Windows(series, options)).part(0, 24), stateful) ==
          train(windows(series, options).slice(0, 24), stateful));
}

TEST_CASE("Windows: inputs and targets are the rows that were chosen, in their order, past the gap") {
    const auto data =
        windows(table(3, 10), {.steps = 2, .horizon = 2, .stride = 3, .gap = 1, .inputs = {2, 1}, .targets = {0, 2}});
    REQUIRE(data.shape() == SampleShape{2, 2, 4, 1});
    REQUIRE(data.size() == 2); // 0 1 | 2 | 3 4 and 3 4 | 5 | 6 7
    CHECK(at(data.x, 0, 1) == Matrix<double>{{203}, {103}});
    CHECK(at(data.x, 1, 1) == Matrix<double>{{204}, {104}});
    CHECK(at(data.y, 0, 1) == Matrix<double>{{6}, {206}, {7}, {207}});
    const Windows same(table(3, 10),
                       {.steps = 2, .horizon = 2, .stride = 3, .gap = 1, .inputs = {2, 1}, .targets = {0, 2}});
    CHECK((same.target_row(1, 0) == 0 && same.target_row(1, 1) == 1 && same.target_row(2, 0) == 2));
    CHECK(target_row(24, 0) == 23);
    CHECK(same.place(1).column == 3);
    REQUIRE_THROWS_WITH(same.target_row(3, 0),
                        "Windows::target_row: target 0 of 3 steps ahead was asked for, expected 0 "
                        "… 1 of 1 … 2");
    REQUIRE_THROWS_WITH(same.place(2), "Windows::place: window 2 was asked for, expected 0 … 1");
}

TEST_CASE("Windows: what is known in advance stands below the inputs, shifted by the horizon or stacked") {
    const auto series = table(3, 10);
    const auto shifted =
        windows(series, {.steps = 3, .horizon = 2, .gap = 1, .inputs = {0}, .targets = {1}, .known = {2}});
    REQUIRE(shifted.shape() == SampleShape{2, 3, 2, 1}); // window 1: 1 2 3 | 4 | 5 6
    CHECK(at(shifted.x, 0, 1) == Matrix<double>{{1}, {204}});
    CHECK(at(shifted.x, 1, 1) == Matrix<double>{{2}, {205}}); // the last two steps have those of the targets
    CHECK(at(shifted.x, 2, 1) == Matrix<double>{{3}, {206}});
    CHECK(at(shifted.y, 0, 1) == Matrix<double>{{105}, {106}});

    const auto stacked =
        windows(series, {.steps = 1, .horizon = 2, .gap = 1, .known = {2, 0}, .known_layout = KnownLayout::stacked});
    REQUIRE(stacked.shape() ==
            SampleShape{7, 1, 2, 1}); // window 1: 1 | 2 | 3 4; all rows are inputs, the other one is a target
    CHECK(at(stacked.x, 0, 1) == Matrix<double>{{1}, {101}, {201}, {203}, {3}, {204}, {4}});
    CHECK(at(stacked.y, 0, 1) == Matrix<double>{{103}, {104}});
}

TEST_CASE("Windows: none reaches from one series into the next") {
    const std::vector<Matrix<double>> list{table(1, 5), table(1, 4).array() + 1000};
    const Windows lazy(list, {.steps = 2, .horizon = 1, .stride = 2});
    CHECK(lazy.size() == 3);
    const auto data = lazy.dataset();
    CHECK(data.x.values() == Matrix<double>{{0, 2, 1000, 1, 3, 1001}});
    CHECK(data.y.values() == Matrix<double>{{2, 4, 1002}});
    CHECK((lazy.place(2).series == 1 && lazy.place(2).column == 0));
    CHECK(windows(list, {.steps = 2, .horizon = 1, .stride = 2}).y.values() == data.y.values());
    const Windows copy = lazy; // shares the series
    CHECK(copy.dataset().y.values() == data.y.values());
    REQUIRE_THROWS_WITH(Windows(list, {.steps = 4}),
                        "windows: series 1 has 4 values, expected at least 5 (steps 4 + horizon 1)");
    REQUIRE_THROWS_WITH(Windows(std::vector<Matrix<double>>{table(1, 5), table(2, 5)}, {}),
                        "windows: series 1 has 2 rows, expected 1 as the first has");
    REQUIRE_THROWS_WITH(Windows(std::vector<Matrix<double>>{}, {}), "windows: the list of series is empty");
    const std::vector<float> numbers{1, 2, 3};
    const std::vector<SequenceView<float>> pairs{{numbers.data(), 1, 1, 3}};
    REQUIRE_THROWS_WITH(Windows(pairs, {}), "windows: series 0 is a batch of 3, expected one sequence without lengths");
}

TEST_CASE("Windows: those with a missing input are left out and counted, and a target may be missing") {
    auto series = table(2, 12);
    series(0, 4) = missing;
    series(1, 9) = std::numeric_limits<double>::infinity(); // a target alone
    WindowOptions options{.steps = 3, .inputs = {0}, .targets = {1}, .skip_missing = true};
    const Windows lazy(series, options);
    CHECK((lazy.size() == 6 && lazy.left_out() == 3));
    const std::vector<Index> first{0, 1, 5, 6, 7, 8};
    for (Index k = 0; k < 6; ++k)
        CHECK(lazy.place(k).column == first[static_cast<std::size_t>(k)]);
    const auto data = lazy.dataset();
    CHECK(data.x.step(0) == Matrix<double>{{0, 1, 5, 6, 7, 8}});
    CHECK(data.x.values().allFinite());
    CHECK(data.y.values()(0, 3) == std::numeric_limits<double>::infinity());

    options.stride = 2; // 0 2 4 6 8, of which 2 and 4 have it
    CHECK(Windows(series, options).dataset().x.step(0) == Matrix<double>{{0, 6, 8}});
    options.skip_missing = false;
    REQUIRE_THROWS_WITH(
        Windows(series, options),
        "windows: the series is nan at step 4, feature 0, expected finite inputs: fill the gap, or leave "
        "out the windows that have it, {.skip_missing = true}");
    options.inputs = {1};
    options.targets = {1};
    options.known = {0};
    REQUIRE_THROWS_WITH(Windows(series, options), Catch::Matchers::StartsWith("windows: the series is nan at step 4"));
    options.skip_missing = true;
    options.stride = 1;
    CHECK(Windows(series, options).dataset().x.step(0) == Matrix<double>{{100, 104, 105, 106}, {1, 5, 6, 7}});

    series.row(0).setConstant(missing);
    REQUIRE_THROWS_WITH(Windows(series, options), "windows: each of 9 windows has an input that is NaN or infinite");
}

TEST_CASE("Windows: what can't be filled is refused") {
    Windows lazy(table(2, 10), {.steps = 3});
    Sequence<double> x(2, 3, 2), y(2, 1, 2);
    lazy.fill(std::vector<Index>{0, 6}, x, y);
    REQUIRE_THROWS_WITH(lazy.fill(std::vector<Index>{0, 7}, x, y),
                        "Windows::fill: sample 7 was asked for, expected 0 … 6");
    REQUIRE_THROWS_WITH(lazy.fill(std::vector<Index>{0}, x, y),
                        "Windows::fill: x is features 2 x steps 3 x batch 2, expected 2 x 3 or fewer x 1");
    REQUIRE_THROWS_WITH(lazy.fill(std::vector<Index>{0, 1}, x, x),
                        "Windows::fill: y is features 2 x steps 3 x batch 2, expected 2 x 1 or fewer x 2");
    const Windows moved = std::move(lazy);
    REQUIRE_THROWS_WITH(lazy.fill(std::vector<Index>{0, 6}, x, y), // NOLINT: what was moved away
                        "Windows::fill: sample 0 was asked for, expected 0 … -1");
}

TEST_CASE("Windows: options that don't fit are refused") {
    const auto series = table(3, 10);
    const auto refused = [&](const WindowOptions& options, const std::string& message) {
        REQUIRE_THROWS_WITH(Windows(series, options), "windows: " + message);
    };
    refused({.gap = -1}, "gap is -1, expected gap >= 0");
    refused({.steps = 8, .gap = 2}, "the series has 10 values, expected at least 11 (steps 8 + gap 2 + horizon 1)");
    refused({.inputs = {3}}, "row 3 is among inputs, expected 0 … 2");
    refused({.targets = {0, -1}}, "row -1 is among targets, expected 0 … 2");
    refused({.targets = {0, 1}, .known = {1}}, "row 1 is a target and known in advance, expected only one of both");
    refused({.known = {2, 1, 0}}, "every row is known in advance, expected one that is a target");
    refused({.steps = 2, .horizon = 3, .known = {1}},
            "steps 2 are fewer than horizon 3, so that known values wouldn't be seen: take at least as many, or "
            "KnownLayout::stacked");
}

TEST_CASE("Windows: those that were moved away have no places, and those they were moved to have all") {
    Windows<double> data(table(2, 10), {.steps = 3});
    const Windows<double> moved(std::move(data));
    CHECK(moved.place(6).column == 6);
    REQUIRE_THROWS_WITH(data.place(0),
                        "Windows::place: window 0 was asked for, these Windows were moved away"); // NOLINT
    REQUIRE_THROWS_WITH(moved.place(7), "Windows::place: window 7 was asked for, expected 0 … 6");
}
