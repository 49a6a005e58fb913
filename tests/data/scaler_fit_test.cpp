#include "carousel/data/relative_to_last.hpp"
#include "carousel/data/scaler.hpp"

#include "catch.hpp"

#include <limits>

using namespace carousel;

namespace {

const double none = std::numeric_limits<double>::quiet_NaN(), huge = std::numeric_limits<double>::max();

Matrix<double> row(const std::vector<double>& list) {
    return Eigen::Map<const Matrix<double>>(list.data(), 1, static_cast<Index>(list.size()));
}

} // namespace

TEST_CASE("scaler: huge and tiny numbers are scaled as others are") {
    const Matrix<double> plain = row({1, 2, none, 3, 6});
    const Scaler scaler = StandardScaler{}.fit(plain);
    for (const int exponent : {-1060, -600, 600, 1020}) {
        const double unit = std::ldexp(1., exponent);
        const Matrix<double> x = plain * unit;
        const Scaler other = StandardScaler{}.fit(x);
        CHECK(other.center[0] == scaler.center[0] * unit);
        CHECK(other.scale[0] == Catch::Approx(scaler.scale[0] * unit).epsilon(exponent < -1000 ? 1e-3 : 1e-15));
        CHECK(MinMaxScaler{}.fit(x).scale[0] == 5 * unit);
        CHECK(RobustScaler{}.fit(x).scale[0] == 2 * unit);
        CHECK(other.transformed(x)(0, 4) == Catch::Approx(3 / std::sqrt(3.5)).epsilon(1e-3));
    }
    Matrix<float> x = row({-1e38, 1e38, 3e38, 3e38}).cast<float>();
    const Scaler of_floats = StandardScaler{}.fit(x);
    of_floats.transform(x);
    CHECK(x.mean() == Catch::Approx(0).margin(1e-6));
    CHECK(x.squaredNorm() == Catch::Approx(4));
    CHECK(StandardScaler{}.fit(row({huge, huge, huge / 2})).center[0] <= huge);
    CHECK(StandardScaler{}.fit(row({huge, huge})).scale[0] == 1);
}

TEST_CASE("scaler: numbers too far apart for a double are refused") {
    const std::string what =
        ": row 0 reaches from -1.7976931348623157e+308 to 1.7976931348623157e+308, a distance that no "
        "double holds: divide it first";
    const Matrix<double> x = row({-huge, huge});
    CHECK_THROWS_WITH(StandardScaler{}.fit(x), "StandardScaler::fit" + what);
    CHECK_THROWS_WITH(MinMaxScaler{}.fit(x), "MinMaxScaler::fit" + what);
    CHECK_THROWS_WITH(RobustScaler{}.fit(x), "RobustScaler::fit" + what);
    CHECK_THROWS_WITH(
        (MinMaxScaler{.low = 0, .high = 1e-10}.fit(row({0, 1e300}))),
        "MinMaxScaler::fit: row 0 reaches from 0 to 1e+300, whose center or scale no double holds: divide it first");
    CHECK_THROWS_WITH(
        StandardScaler{.scope = ScalerScope::all_rows}.fit(row({none, none})),
        "StandardScaler::fit: the series has no number to learn from, only missing ones: fit on a part that "
        "has some, or leave the row out");
}

TEST_CASE("scaler: a column vector, a list and a span are a series of one feature") {
    std::vector<float> list{1, 2, 3, 6};
    const Eigen::VectorXf column = Eigen::Map<const Eigen::VectorXf>(list.data(), 4);
    const Vector<double> doubles = column.cast<double>();
    const std::span<const float> view = list;
    for (const Scaler& scaler :
         {StandardScaler{}.fit(column), StandardScaler{}.fit(doubles), StandardScaler{}.fit(list),
          StandardScaler{}.fit(view), StandardScaler{}.fit(std::span<float>(list)),
          StandardScaler{}.fit(column.transpose()), StandardScaler{}.fit(column.head(4))}) {
        REQUIRE(scaler.center.size() == 1);
        CHECK(scaler.center[0] == 3);
        CHECK(scaler.scale[0] == Catch::Approx(std::sqrt(3.5)));
    }
    CHECK(MinMaxScaler{}.fit(column).scale[0] == 5);
    CHECK(MinMaxScaler{}.fit(list).scale[0] == 5);
    CHECK(RobustScaler{}.fit(column).scale[0] == 2);
    CHECK(RobustScaler{}.fit(view).scale[0] == 2);

    const Scaler scaler = MinMaxScaler{}.fit(list);
    scaler.transform(list);
    CHECK(list == std::vector<float>{0, .2f, .4f, 1});
    scaler.inverse_transform(std::span<float>(list).first(2));
    CHECK(list == std::vector<float>{1, 2, .4f, 1});
    Eigen::VectorXf copy = column;
    scaler.transform(copy);
    CHECK(copy == scaler.transformed(column));
    CHECK(copy[3] == 1);
    scaler.inverse_transform(copy);
    CHECK(copy.isApprox(column));
    Matrix<double> two(2, 2);
    two << 0, 1, 0, 1;
    CHECK_THROWS_WITH(MinMaxScaler{}.fit(two).transform(list),
                      "Scaler::transform: x has 1 rows, expected 2 as were fitted: name the columns that its rows are");
}

TEST_CASE("scaler: several rows of one step each can't be fitted, but a scale for all of them can") {
    const Matrix<double> column = row({1, 2, 3, 6}).transpose();
    CHECK_THROWS_WITH(
        StandardScaler{}.fit(column),
        "StandardScaler::fit: the series has 4 rows of one step each, which no row can learn its scale from: "
        "a series of one feature is 1 × steps, fit(series.transpose())");
    CHECK(StandardScaler{.scope = ScalerScope::all_rows}.fit(column).center[0] == 3);
    CHECK(StandardScaler{}.fit({column, column}).center[3] == 6);
    CHECK(StandardScaler{}.fit(row({5})).scale[0] == 1);
}

TEST_CASE("relative to last: missing values stay missing and have no part in the deviation of a window") {
    const RelativeToLast relative{.least_deviation = 3};
    Sequence<double> x(row({1, none, none, 9, 9, 1}), 2); // windows 1, none, 9 and none, 9, 1
    const WindowBase<double> base = relative.apply(x);
    for (const Index w : {0, 1}) {
        CHECK(base.deviation(0, w) == 5); // √(4² + 3²)
        CHECK(std::isnan(x.step(w == 0 ? 1 : 0)(0, w)));
    }
    CHECK(x.step(0)(0, 0) == -1.6);
    CHECK(x.step(2)(0, 0) == 0);
    CHECK(x.step(1)(0, 1) == 1.6);

    Sequence<double> all(row({none, none, 1, none}), 2); // windows none, 1 and none, none
    const WindowBase<double> of_all = relative.apply(all);
    CHECK(of_all.deviation(0, 0) == 3);
    CHECK(all.step(1)(0, 0) == 0);
    CHECK(of_all.deviation(0, 1) == 3);
    CHECK(std::isnan(of_all.last(0, 1)));
    CHECK(std::isnan(all.step(0)(0, 1)));
}

TEST_CASE("relative to last: deviations of huge numbers, and a least deviation that an S holds") {
    Sequence<double> x(row({1e300, 3e300}), 1);
    CHECK(RelativeToLast{.least_deviation = 1e-200}.apply(x).deviation(0, 0) == 1e300);
    CHECK(x.step(0)(0, 0) == -2);
    Sequence<double> still(row({5, 5}), 1);
    CHECK(RelativeToLast{.least_deviation = 1e-200}.apply(still).deviation(0, 0) == 1e-200);
    CHECK(still.step(0)(0, 0) == 0);
    Sequence<float> floats(Matrix<float>::Ones(1, 2), 1);
    for (const auto& [deviation, text] : {std::pair(1e-50, "1e-50"), std::pair(1e50, "1e+50")})
        CHECK_THROWS_WITH((RelativeToLast{.least_deviation = deviation}.apply(floats)),
                          "RelativeToLast::apply: least_deviation is " + std::string(text) +
                              ", which the windows' numbers can't hold, expected 0 or 1e-45 to 3.4028235e+38");
}
