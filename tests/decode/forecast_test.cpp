#include "carousel/decode/forecast.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/model/model.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/train/fit.hpp"

#include <numbers>
#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

/// The same forecast of sequence b, the whole window run again for each step.
template <class M>
Matrix<double> run_again(const M& model, const Sequence<double>& x, Index b, Index steps,
                         const Sequence<double>& covariates, const ForecastOptions& rows) {
    const Index B = x.batch(), length = x.view().length(b);
    Matrix<double> window = x.values()(Eigen::all, Eigen::seqN(b, length, B)), result;
    for (Index t = 0; t < steps; ++t) {
        const Matrix<double> y = model(Sequence<double>(window)).values().rightCols(1);
        result.conservativeResize(y.rows(), t + 1);
        result.col(t) = y;
        window.conservativeResize(window.rows(), window.cols() + 1);
        Index known = 0;
        for (Index row = 0; row < window.rows(); ++row) {
            const auto target = std::find(rows.targets.begin(), rows.targets.end(), row);
            window(row, window.cols() - 1) =
                target != rows.targets.end() ? y(rows.outputs[static_cast<std::size_t>(target - rows.targets.begin())])
                : t + 1 < steps              ? covariates.values()(known++, t * B + b)
                                             : 0;
        }
    }
    return result;
}

} // namespace

TEST_CASE("forecast: goes on from its state as if the window were run again, ragged or not") {
    Random random(140);
    const auto check = [&](const auto& model, const ForecastOptions& given, const ForecastOptions& rows) {
        for (const std::vector<Index>& lengths : {std::vector<Index>{}, {6, 1, 4}}) {
            const auto x = random_sequence<double>(3, 6, 3, random, lengths);
            const auto covariates = random_sequence<double>(3 - static_cast<Index>(rows.targets.size()), 4, 3, random);
            const auto y = forecast(model, x, 5, covariates, given);
            REQUIRE((y.steps() == 5 && y.batch() == 3));
            for (Index b = 0; b < 3; ++b)
                CHECK(difference(Matrix<double>(y.values()(Eigen::all, Eigen::seqN(b, 5, 3))),
                                 run_again(model, x, b, 5, covariates, rows)) < 1e-13);
        }
    };
    check(Sequential{GRU<double>{3, 4}, LastStep{}, Dense<double>{4, 1}}, {}, {{0}, {0}});
    check(Sequential{LSTM<double>{3, 4}, Dense<double>{4, 2}}, {.targets = {2, 0}}, {{2, 0}, {0, 1}});
    check(Sequential{GRU<double>{3, 4}, LastStep{}, Dense<double>{4, 3}}, {.outputs = {1}}, {{0}, {1}}); // a median
    check(Model<double>{Conv1D<double>{3, 4, 3}, GRU<double>{4, 4}, LastStep{}, Dense<double>{4, 1}}, {.targets = {1}},
          {{1}, {0}});
}

TEST_CASE("forecast: of every row, without covariates, a trained net goes on with a sine") {
    constexpr Index length = 400;
    Dataset<float> data{Sequence<float>(1, length), Sequence<float>(1, length)};
    const auto wave = [](Index t) {
        return static_cast<float>(std::sin(2 * std::numbers::pi * static_cast<double>(t) / 20));
    };
    for (Index t = 0; t < length; ++t) {
        data.x.values()(t) = wave(t);
        data.y.values()(t) = wave(t + 1);
    }
    Model<float> model{GRU<float>{1, 12, {.seed = 1}}, Dense<float>{12, 1, {.seed = 2}}};
    fit(model, data, MeanSquaredError{}, Adam{.learning_rate = 1e-2}, {.epochs = 300});
    const auto y = forecast(model, data.x, 30);
    float worst = 0;
    for (Index t = 0; t < 30; ++t)
        worst = std::max(worst, std::abs(y.values()(t) - wave(length + t)));
    CHECK(worst < 0.1F);
}

TEST_CASE("forecast: what doesn't fit is refused") {
    const Sequential model{GRU<double>{3, 4}, LastStep{}, Dense<double>{4, 1}};
    const Sequence<double> x(3, 6, 2), covariates(2, 3, 2), few(2, 2, 2), empty(3, 6, 2, {6, 0});
    REQUIRE_NOTHROW(forecast(model, x, 4, covariates));
    REQUIRE_NOTHROW(forecast(model, x, 1));
    REQUIRE_THROWS_AS(forecast(model, x, 0, covariates), std::invalid_argument);
    REQUIRE_THROWS_WITH(forecast(model, x, 0, covariates), "forecast: steps is 0, expected at least 1");
    REQUIRE_THROWS_WITH(forecast(model, x, 4, few),
                        "forecast: covariates are 2 x (2 steps of 2), expected 2 rows, those of x that aren't "
                        "forecast, at least 3 steps after x, of 2");
    const Sequence<double> ragged(2, 3, 2, {3, 2}), seven(7, 1, 2);
    REQUIRE_NOTHROW(forecast(model, x, 3, ragged));
    REQUIRE_THROWS_WITH(forecast(model, x, 4, ragged),
                        "forecast: the covariates of sequence 1 have 2 steps, expected at least 3");
    REQUIRE_THROWS_WITH(forecast(model, x, 1, seven),
                        "forecast: covariates are 7 x (1 steps of 2), expected 2 rows, those of x that aren't "
                        "forecast, at least 0 steps after x, of 2");
    REQUIRE_THROWS_WITH(forecast(Sequential{Dense<double>{3, 5}}, x, 4),
                        "forecast: 5 of the model's outputs are fed back, and x has 3 rows; say in outputs which are "
                        "to be fed, as the median of quantiles");
    REQUIRE_THROWS_WITH(forecast(model, x, 4, covariates, {.targets = {3}}),
                        "forecast: targets has row 3 of x, expected 0 … 2");
    REQUIRE_THROWS_WITH(forecast(model, x, 4, covariates, {.targets = {0, 1}}),
                        "forecast: 2 rows of x are forecast, but 1 of the model's outputs are fed back; give targets "
                        "and outputs of one length");
    REQUIRE_THROWS_WITH(forecast(model, x, 4, covariates, {.targets = {0, 0}, .outputs = {0, 0}}),
                        "forecast: targets has row 0 of x twice");
    REQUIRE_THROWS_WITH(forecast(model, x, 4, covariates, {.outputs = {1}}),
                        "forecast: outputs has row 1 of the model's output, expected 0 … 0");
    REQUIRE_THROWS_WITH(forecast(model, empty, 4, covariates),
                        "forecast: sequence 1 of x has no step, expected at least one");
    REQUIRE_THROWS_WITH(forecast(Sequential{Dense<double>{3, 3}}, x, 4, covariates),
                        "forecast: covariates have 2 rows, but every row of x is forecast");
    REQUIRE_THROWS_WITH(
        forecast(Sequential{Bidirectional{GRU<double>{3, 4}}, LastStep{}, Dense<double>{8, 1}}, x, 4, covariates),
        "forecast: the model reads from the end (its setting 0.Bidirectional.reverse.reverse), so that "
        "a step more changes what it said before; take one that a Stream runs");
    REQUIRE_THROWS_WITH(
        forecast(Sequential{Conv1D<double>{3, 1, 3, {.padding = Padding::valid}}, LastStep{}}, x, 4, covariates),
        "forecast: the model needs 3 steps to give one, expected 1; take one that a Stream runs");
}
