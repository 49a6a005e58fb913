#include "support/linear_forecast.hpp"
#include "support/mean_and_quantiles.hpp"
#include "support/series.hpp"

#include "catch.hpp"

#include <limits>
#include <numbers>
#include <numeric>

using namespace carousel;
using namespace example;

TEST_CASE("linear forecast: a noiseless recursion is foretold, also behind a gap") {
    Eigen::VectorXd series(200);
    series.head(2) << 1, 2;
    for (Index k = 2; k < 200; ++k)
        series[k] = 1.8 * std::cos(.3) * series[k - 1] - .81 * series[k - 2] +
                    std::sin(static_cast<double>(k) * 1.7) * 1e-9 + .5;
    Eigen::VectorXd truth = series;
    truth[20] = std::numeric_limits<double>::quiet_NaN();
    const LinearForecast forecast(series, truth, 3, 2, 150, 180);
    CHECK((forecast(series, 190) - series.segment(190, 2)).norm() < 1e-3);
}

TEST_CASE("mean and quantiles: the gradient is that of central differences, missing targets have none") {
    const MeanAndQuantiles loss{{.1, .9}};
    Sequence<double> y(Matrix<double>(6, 2), 2), dy;
    for (Index k = 0; k < 12; ++k)
        y.data()[k] = std::sin(3.0 * static_cast<double>(k));
    Sequence<double> target(Matrix<double>{{.2, -.3}, {std::numeric_limits<double>::quiet_NaN(), .4}}, 2);
    const double value = loss(y.view(), target.view(), &dy);
    CHECK(std::isfinite(value));
    CHECK(loss.weight(y.view(), target.view()) == 3);
    for (Index k = 0; k < 12; ++k) {
        const double before = y.data()[k], step = 1e-6;
        y.data()[k] = before + step;
        const double above = loss(y.view(), target.view());
        y.data()[k] = before - step;
        const double below = loss(y.view(), target.view());
        y.data()[k] = before;
        CHECK(dy.data()[k] == Catch::Approx((above - below) / (2 * step)).margin(1e-8));
    }
}

TEST_CASE("find_season: also where a slow wave hides it") {
    TimeSeries series{"", {}, {}, 900};
    for (int k = 0; k < 900; ++k)
        series.values.push_back(std::sin(k * 2 * std::numbers::pi / 24) + 20 * std::sin(k / 300.));
    CHECK(find_season(series) % 24 == 0);
    CHECK(find_season(series) > 0);
    std::iota(series.values.begin(), series.values.end(), 0.);
    CHECK(find_season(series) == 0);
}
