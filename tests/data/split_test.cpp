#include "carousel/data/gaps.hpp"
#include "carousel/data/relative_to_last.hpp"
#include "carousel/data/split.hpp"

#include "catch.hpp"

using namespace carousel;

namespace {

constexpr Index most = std::numeric_limits<Index>::max(), least = std::numeric_limits<Index>::min();

} // namespace

TEST_CASE("split: a history that isn't one and ranges that aren't any are refused") {
    CHECK(RowRange{5, 2}.with_history(0) == RowRange{5, 2});
    CHECK(RowRange{5, 2}.with_history(most) == RowRange{0, 7});
    for (const Index steps : {Index(-1), least})
        CHECK_THROWS_WITH((RowRange{5, 2}.with_history(steps)),
                          "RowRange::with_history: steps is " + std::to_string(steps) + ", expected steps >= 0");
    CHECK(RowRange{most - 2, 2}.end() == most);
    for (const RowRange& range : {RowRange{-1, 2}, RowRange{1, -2}, RowRange{most - 1, 2}, RowRange{least, least}}) {
        const std::string what = ": the range begins at " + std::to_string(range.first) + " and has " +
                                 std::to_string(range.count) +
                                 " rows, expected both >= 0, and an end that an Index holds";
        CHECK_THROWS_WITH(range.end(), "RowRange::end" + what);
        CHECK_THROWS_WITH(range.with_history(1), "RowRange::with_history" + what);
    }
}

TEST_CASE("split: negative and huge numbers of rows") {
    using Parts = std::vector<RowRange>;
    for (const Index rows : {Index(-1), least}) {
        const std::string what = ": rows is " + std::to_string(rows) + ", expected rows >= 0";
        CHECK_THROWS_WITH(split_by_counts(rows, {1}), "split_by_counts" + what);
        CHECK_THROWS_WITH(split_by_fractions(rows, {1}), "split_by_fractions" + what);
    }
    CHECK(split_by_counts(most, {most}) == Parts{{0, most}});
    CHECK_THROWS_WITH(split_by_counts(9, {most, most}),
                      "split_by_counts: parts of 0 and " + std::to_string(most) + " rows, but there are 9");
    CHECK_THROWS_WITH(split_by_counts(9, {8, least}),
                      "split_by_counts: a part of " + std::to_string(least) + " rows, expected at least 1");
    CHECK(split_by_fractions(most, {1}) == Parts{{0, most}});
    CHECK(split_by_fractions(most, {.25, .75}).back().end() == most);
    CHECK(split_by_fractions(10, {.1, .2, .3, .4}).back().end() == 10);
    const double none = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_WITH(split_by_fractions(9, {none}), "split_by_fractions: a fraction is nan, expected > 0");
    CHECK_THROWS_WITH(split_by_fractions(0, {1}),
                      "split_by_fractions: a fraction of 1 of 0 rows has none, expected at least 1");
}

TEST_CASE("split: cuts that don't grow are named") {
    const auto day = [](int n) { return *parse_date("2021-03-01") + std::chrono::days(n); };
    const std::vector<DateTime> dates{day(0), day(1), day(2)};
    for (const int second : {0, 1})
        CHECK_THROWS_WITH(split_by_dates(dates, {day(1), day(second)}),
                          "split_by_dates: cut 1, 2021-03-0" + std::to_string(second + 1) +
                              ", isn't after cut 0, 2021-03-02: expected cuts that grow");
    CHECK_THROWS_WITH(split_by_dates(std::vector<DateTime>(), {}),
                      "split_by_dates: there is no row from the first on and before the end: cuts must grow within the "
                      "dates");
}

TEST_CASE("gaps: a line between huge numbers, and NaN isn't a number to fill with") {
    const double none = std::numeric_limits<double>::quiet_NaN(), huge = std::numeric_limits<double>::max();
    std::vector<double> series{-huge, none, huge};
    CHECK(fill_gaps(series, Fill::linear) == 1);
    CHECK(series[1] == 0);
    series[1] = none;
    CHECK_THROWS_WITH(fill_gaps(series, none), "fill_gaps: value is nan, expected a number to put where there is none");
    CHECK_THROWS_WITH(fill_gaps(series, Fill::forward, {.limit = least}),
                      "fill_gaps: limit is " + std::to_string(least) + ", expected limit >= 1");
}

TEST_CASE("relative to last: forecasts with absurd outputs or without targets are refused") {
    Sequence<float> x(Matrix<float>::Ones(1, 2), 1);
    RelativeToLast relative{.targets = {0}};
    const WindowBase<float> base = relative.apply(x);
    Matrix<float> forecast = Matrix<float>::Ones(2, 1);
    for (const Index outputs : {Index(0), Index(3), most, least})
        CHECK_THROWS_WITH(relative.invert(forecast, base, outputs),
                          "RelativeToLast::invert: outputs is " + std::to_string(outputs) +
                              ", expected 1 <= outputs <= 2, the rows of the forecast");
    relative.targets.clear();
    CHECK_THROWS_WITH(relative.invert(forecast, WindowBase<float>{Matrix<float>(0, 1), Matrix<float>(0, 1)}),
                      "RelativeToLast::invert: no targets, expected the rows of x that y's are the future of");
}
