#include "carousel/data/relative_to_last.hpp"
#include "carousel/data/scaler.hpp"
#include "carousel/data/split.hpp"
#include "carousel/train/iterable_dataset.hpp"
#include "carousel/train/sample_source.hpp"
#include "carousel/train/windows.hpp"

#include "catch.hpp"

#include <limits>

using namespace carousel;

namespace {

const double none = std::numeric_limits<double>::quiet_NaN();

Matrix<double> rows(std::initializer_list<std::initializer_list<double>> list) {
    Matrix<double> m(static_cast<Index>(list.size()), static_cast<Index>(list.begin()->size()));
    Index r = 0;
    for (const auto& row : list) {
        Index c = 0;
        for (const double value : row)
            m(r, c++) = value;
        ++r;
    }
    return m;
}

void check_scaler(const Scaler& scaler, std::vector<double> center, std::vector<double> scale) {
    REQUIRE(scaler.center.size() == static_cast<Index>(center.size()));
    REQUIRE(scaler.scale.size() == static_cast<Index>(scale.size()));
    for (std::size_t k = 0; k < center.size(); ++k) {
        CHECK(scaler.center[static_cast<Index>(k)] == Catch::Approx(center[k]));
        CHECK(scaler.scale[static_cast<Index>(k)] == Catch::Approx(scale[k]));
    }
}

} // namespace

TEST_CASE("scaler: what each kind learns, missing values skipped and constant rows left as wide as they are") {
    const Matrix<double> x = rows({{1, 2, none, 3, 6}, {5, 5, 5, none, 5}, {.1, .1, .1, .1, .1}});
    check_scaler(StandardScaler{}.fit(x), {3, 5, .1}, {std::sqrt(3.5), 1, 1});
    check_scaler(MinMaxScaler{}.fit(x), {1, 5, .1}, {5, 1, 1});
    check_scaler(MinMaxScaler{.low = -1}.fit(x), {3.5, 6, 1.1}, {2.5, 1, 1});
    check_scaler(RobustScaler{}.fit(x), {2.5, 5, .1}, {3.75 - 1.75, 1, 1}); // NumPy's quantiles of 1 2 3 6
    check_scaler(StandardScaler{.scope = ScalerScope::all_rows}.fit(rows({{1, none}, {3, 5}})), {3},
                 {std::sqrt(8. / 3)});
    check_scaler(StandardScaler{}.fit({rows({{1, 2}}), rows({{3, 6, none}})}), {3}, {std::sqrt(3.5)});
    CHECK(StandardScaler{}.fit(x).transformed(x)(2, 3) == 0);
    CHECK(MinMaxScaler{.low = -1}.fit(x).transformed(x)(0, 4) == 1);
    CHECK(MinMaxScaler{.low = -1}.fit(x).transformed(x)(1, 0) == -1);
}

TEST_CASE("scaler: applied in place or to a copy, and undone for all rows or for the rows of a forecast") {
    const Matrix<float> x = rows({{1, 2, none, 3}, {50, 70, 20, 10}}).cast<float>();
    const Scaler scaler = StandardScaler{}.fit(x.leftCols(2));
    Matrix<float> scaled = x;
    scaler.transform(scaled);
    CHECK(scaled(1, 0) == -1);
    CHECK(std::isnan(scaled(0, 2)));
    CHECK(scaler.transformed(x.rightCols(1)) == scaled.rightCols(1));
    CHECK(scaler.inverse_transformed(scaled.rightCols(1)) == x.rightCols(1));
    Sequence<float> sequence(x.rightCols(1), 1);
    scaler.transform(sequence);
    CHECK(sequence.values() == scaled.rightCols(1));
    scaler.inverse_transform(sequence);
    CHECK(sequence.values() == x.rightCols(1));

    Matrix<float> forecast = Matrix<float>::Constant(4, 1, 2); // two steps of two targets
    scaler.inverse_transform(forecast, {1, 0});
    CHECK(forecast(0, 0) == 80);
    CHECK(forecast(1, 0) == 2.5f);
    CHECK(forecast(2, 0) == 80);
    scaler.transform(forecast, {1, 0});
    CHECK(forecast == Matrix<float>::Constant(4, 1, 2));
    scaler.select({1}).inverse_transform(forecast.setConstant(2), {0});
    CHECK(forecast(3, 0) == 80);
}

TEST_CASE("scaler: read back from metadata to the last bit") {
    const Scaler scaler = StandardScaler{}.fit(rows({{1. / 3, 1e-9, 7}, {-2e30, 4, 0.1}}));
    Metadata metadata{{"units", "kW"}};
    scaler.save(metadata, "x");
    const Scaler same = Scaler::load(metadata, "x");
    CHECK(same.center == scaler.center);
    CHECK(same.scale == scaler.scale);
    CHECK_THROWS_WITH(Scaler::load(metadata),
                      "Scaler::load: the metadata has no \"scaler.center\": it was saved without a "
                      "scaler, or with one of another name");
    for (const char* const wrong : {"", "x", "1,", "1,,2", "1 2", "nan", "1,inf", ",1"}) {
        metadata["x.scale"] = wrong;
        CHECK_THROWS_WITH(Scaler::load(metadata, "x"), "Scaler::load: \"x.scale\" is \"" + std::string(wrong) +
                                                           "\", expected finite numbers with commas between them");
    }
    for (const char* const wrong : {"1", "1,0"}) {
        metadata["x.scale"] = wrong;
        CHECK_THROWS_WITH(Scaler::load(metadata, "x"),
                          "Scaler::load: \"x\" isn't as many centers as scales that aren't 0");
    }
}

TEST_CASE("scaler: mistakes are named") {
    CHECK_THROWS_WITH(
        StandardScaler{}.fit(rows({{1, 2}, {none, none}})),
        "StandardScaler::fit: row 1 has no number to learn from, only missing ones: fit on a part that has some, "
        "or leave the row out");
    CHECK_THROWS_WITH(RobustScaler{}.fit(rows({{1, std::numeric_limits<double>::infinity()}})),
                      "RobustScaler::fit: row 0 is inf at step 1, expected finite numbers, or NaN where there is none");
    CHECK_THROWS_WITH(MinMaxScaler{.low = 1}.fit(rows({{1}})),
                      "MinMaxScaler::fit: low 1 and high 1, expected low < high, both finite");
    CHECK_THROWS_WITH((RobustScaler{.lower = .5, .upper = .5}.fit(rows({{1}}))),
                      "RobustScaler::fit: lower 0.5 and upper 0.5, expected 0 <= lower < upper <= 1");
    CHECK_THROWS_WITH(StandardScaler{}.fit(std::vector<Matrix<double>>{}),
                      "StandardScaler::fit: no series, expected at least one");
    CHECK_THROWS_WITH(StandardScaler{}.fit({rows({{1}}), rows({{1}, {2}})}),
                      "StandardScaler::fit: a series has 2 rows and another 1, expected the same features");
    const Scaler scaler = StandardScaler{}.fit(rows({{1, 2}, {3, 4}}));
    Matrix<double> x(3, 1);
    x.setZero();
    CHECK_THROWS_WITH(scaler.transform(x),
                      "Scaler::transform: x has 3 rows, expected 2 as were fitted: name the columns "
                      "that its rows are");
    CHECK_THROWS_WITH(scaler.inverse_transform(x, {0, 1}),
                      "Scaler::inverse_transform: y has 3 rows, expected a multiple of its 2 columns");
    CHECK_THROWS_WITH(scaler.inverse_transform(x, {2}),
                      "Scaler::inverse_transform: column 2, expected 0 <= column < 2");
    CHECK_THROWS_WITH(scaler.transform(x, {}), "Scaler::transform: no columns, expected those that the rows are");
    CHECK_THROWS_WITH(Scaler{}.transform(x),
                      "Scaler::transform: 0 centers and 0 scales, expected one of each for a row: "
                      "fit it first, StandardScaler{}.fit(series)");
}

TEST_CASE("relative to last: windows see the change alone, and a forecast gets the level back") {
    Matrix<float> series(3, 7);
    series << 1, 2, 4, 8, 16, 32, 64, 5, 5, 5, 5, 5, 5, 9, 0, 1, 2, 3, 4, 5, 6;
    const Windows<float> plain(series, {.steps = 3, .horizon = 2, .targets = {0, 1}});
    Dataset<float> data = plain.dataset();
    const Dataset<float> before = data;
    const RelativeToLast relative{.targets = {0, 1}};
    const WindowBase<float> base = relative.apply(data.x, data.y);
    REQUIRE(data.size() == 3);
    CHECK(base.last.row(0) == (Matrix<float>(1, 3) << 4, 8, 16).finished());
    CHECK(data.x.step(0).row(0) == (Matrix<float>(1, 3) << -3, -6, -12).finished());
    CHECK(data.x.step(2).row(1).isZero());
    CHECK(data.x.step(1).row(2) == before.x.step(1).row(2)); // no target, not asked for
    CHECK(data.y.values()(0, 0) == 4);                       // 8 − 4
    CHECK(data.y.values()(3, 2) == 4);                       // 9 − 5
    Matrix<float> forecast = data.y.values();
    relative.invert(forecast, base);
    CHECK(forecast == before.y.values());

    Matrix<float> quantiles(8, 3); // two of each target
    for (Index row = 0; row < 8; ++row)
        quantiles.row(row) = data.y.values().row(row / 2);
    relative.invert(quantiles, base, 2);
    CHECK(quantiles(2, 0) == before.y.values()(1, 0));
    CHECK(quantiles(7, 2) == before.y.values()(3, 2));

    const RelativeSamples lazy(plain, relative);
    Sequence<float> x, y;
    SampleSource<float>(lazy).batch(std::vector<Index>{2, 0}, x, y);
    CHECK(x.step(0).col(0) == data.x.step(0).col(2));
    CHECK(y.values().col(1) == data.y.values().col(0));
}

TEST_CASE("relative to last: of samples that come in their order, with lengths of their own, as of those in memory") {
    IterableDataset<float> stream(
        [] {
            return [k = 0](Matrix<float>& x, Matrix<float>& y) mutable {
                x = Matrix<float>::Constant(1, 2 + k % 2, static_cast<float>(k)); // 2 steps and 3
                x(0, 0) = 9;
                y = Matrix<float>::Constant(1, 1, 5);
                return k++ < 4;
            };
        },
        {.buffer = 2});
    const RelativeSamples relative(std::move(stream), RelativeToLast{});
    CHECK(relative.block() == 2);
    CHECK(relative.one_reader());
    Sequence<float> x, y;
    SampleSource<float>(relative).batch(std::vector<Index>{2, 3}, x, y);
    CHECK(x.view().length(0) == 2);
    CHECK(x.view().length(1) == 3);
    CHECK(x.step(0) == (Matrix<float>(1, 2) << 7, 6).finished());
    CHECK(y.values() == (Matrix<float>(1, 2) << 3, 2).finished());
}

TEST_CASE("relative to last: divided by a window's deviation, also of ragged windows and of further inputs") {
    Sequence<double> x(rows({{1, 7, 3, 7}, {4, 0, 8, 0}}), 2, {2, 1}); // 1 3 and 7; 4 8 and 0
    const RelativeToLast relative{.targets = {0}, .inputs = {1}, .least_deviation = .75};
    Sequence<double> y(rows({{4, 7.75}}), 2);
    const WindowBase<double> base = relative.apply(x, y);
    CHECK(base.deviation(0, 0) == 1.25); // √(1² + .75²)
    CHECK(base.deviation(0, 1) == .75);
    CHECK(x.step(0)(0, 0) == -1.6);
    CHECK(x.step(0)(1, 0) == Catch::Approx(-4 / std::sqrt(4 + .5625)));
    CHECK(x.step(0)(0, 1) == 0);
    CHECK(y.values()(0, 1) == 1);
    Matrix<double> forecast = y.values();
    relative.invert(forecast, base);
    CHECK(forecast(0, 0) == Catch::Approx(4));

    CHECK_THROWS_WITH((RelativeToLast{.targets = {2}}.apply(x)),
                      "RelativeToLast::apply: row 2 of x, expected 0 <= row < 2");
    CHECK_THROWS_WITH((RelativeToLast{.targets = {1}, .inputs = {1}}.apply(x)),
                      "RelativeToLast::apply: row 1 of x is named twice, expected once");
    CHECK_THROWS_WITH((RelativeToLast{.targets = {}}.apply(x)),
                      "RelativeToLast::apply: no targets, expected the rows of x that y's are the future of");
    CHECK_THROWS_WITH((RelativeToLast{.least_deviation = -1}.apply(x)),
                      "RelativeToLast::apply: least_deviation is -1, expected least_deviation >= 0");
    Sequence<double> steps(rows({{1, 2, 3, 4}}), 2);
    CHECK_THROWS_WITH(relative.apply(x, steps),
                      "RelativeToLast::apply: y has 2 steps of 2 windows, expected one step of x's "
                      "2: a target at every step has no last value of its own");
    CHECK_THROWS_WITH((RelativeToLast{.targets = {0, 1}}.apply(x, y)),
                      "RelativeToLast::apply: y has 1 rows, expected a multiple of 2, one for each target and output");
    Matrix<double> other(1, 3);
    CHECK_THROWS_WITH(
        relative.invert(other, base),
        "RelativeToLast::invert: the base is of 1 targets and 2 windows, expected 1 and 3: that which apply() "
        "gave for these windows");
    Sequence<double> empty(rows({{1, 2}, {3, 4}}), 2, {1, 0});
    CHECK_THROWS_WITH(relative.apply(empty), "RelativeToLast::apply: window 1 has no steps, expected at least one");
}

TEST_CASE("split: by counts, fractions and dates") {
    using Parts = std::vector<RowRange>;
    CHECK(split_by_counts(10, {5, 3}) == Parts{{0, 5}, {5, 3}});
    CHECK(split_by_fractions(10, {.7, .1, .2}) == Parts{{0, 7}, {7, 1}, {8, 2}});
    CHECK(split_by_fractions(3, {.5, .5}) == Parts{{0, 2}, {2, 1}});
    CHECK(RowRange{7, 2}.with_history(3) == RowRange{4, 5});
    CHECK(RowRange{2, 2}.with_history(3) == RowRange{0, 4});
    const auto day = [](int n) { return *parse_date("2021-03-01") + std::chrono::days(n); };
    const std::vector<DateTime> dates{day(0), day(1), day(1), day(4)};
    CHECK(split_by_dates(dates, {day(1), day(2)}) == Parts{{0, 1}, {1, 2}, {3, 1}});
    CHECK_THROWS_WITH(split_by_counts(10, {5, 6}), "split_by_counts: parts of 5 and 6 rows, but there are 10");
    CHECK_THROWS_WITH(split_by_counts(10, {0}), "split_by_counts: a part of 0 rows, expected at least 1");
    CHECK_THROWS_WITH(split_by_fractions(10, {.7, .4}),
                      "split_by_fractions: the fractions sum up to 1.1, expected 1 at most");
    CHECK_THROWS_WITH(split_by_fractions(10, {-.1}), "split_by_fractions: a fraction is -0.1, expected > 0");
    CHECK_THROWS_WITH(split_by_fractions(10, {.01}),
                      "split_by_fractions: a fraction of 0.01 of 10 rows has none, expected at least 1");
    CHECK_THROWS_WITH(split_by_dates(dates, {day(9)}),
                      "split_by_dates: there is no row from 2021-03-10 on and before the "
                      "end: cuts must grow within the dates");
    CHECK_THROWS_WITH(
        split_by_dates(std::vector<DateTime>{day(1), day(0)}, {}),
        "split_by_dates: the date of row 2 is before that of the row above it, expected dates in order: sort the "
        "rows");
}
