#include "carousel/loss/quantile_loss.hpp"

#include "catch.hpp"
#include "golden.hpp"
#include "loss/loss_suite.hpp"

#include <cmath>
#include <limits>
#include <string>

using namespace carousel;
using namespace carousel::test;

TEST_CASE("QuantileLoss: differences, ragged batches, missing targets and weights") {
    check_loss_of_terms(
        6,
        [](Reduction reduction, bool skip_nan) {
            return QuantileLoss{.quantiles = {.1, .5, .9}, .reduction = reduction, .skip_nan = skip_nan};
        },
        NormalTargets{});
}

TEST_CASE("QuantileLoss: a small example, by hand") {
    const Sequence<float> y(Matrix<float>{{0}, {2}, {3}}), target(Matrix<float>{{2}});
    Sequence<float> dy;
    const QuantileLoss loss{{.25, .5, .75}, Reduction::sum};
    CHECK(loss(y, target, &dy) == .25 * 2 + 0 + .25 * 1);
    CHECK(dy.values() == Matrix<float>{{-.25F}, {0}, {.25F}});
    CHECK(QuantileLoss{{.25, .5, .75}}(y, target, &dy) == .75 / 3);
    CHECK(QuantileLoss{{.25, .5, .75}}.weight(y.view(), target) == 3);
}

TEMPLATE_TEST_CASE("QuantileLoss: the median's is half the absolute error", "", float, double) {
    Random random(1);
    const auto y = random_sequence<TestType>(3, 4, 2, random), target = random_sequence<TestType>(3, 4, 2, random);
    const double expected = static_cast<double>((y.values() - target.values()).cwiseAbs().mean()) / 2;
    CHECK(QuantileLoss{{.5}}(y, target) == Catch::Approx(expected).epsilon(1e-6));
}

TEST_CASE("QuantileLoss: its least value is at the quantiles of the targets") {
    // 1 … 100 as targets: nothing between 10 and 11 is worse or better.
    Sequence<double> target(1, 100), y(3, 100);
    for (Index k = 0; k < 100; ++k)
        target.data()[k] = static_cast<double>(k + 1);
    const auto gradient = [&](double low, double middle, double high) {
        for (Index k = 0; k < 100; ++k)
            y.values().col(k) << low, middle, high;
        Sequence<double> dy;
        QuantileLoss{{.1, .5, .9}}(y, target, &dy);
        return Vector<double>(dy.values().rowwise().sum());
    };
    CHECK(gradient(10.5, 50.5, 90.5).cwiseAbs().maxCoeff() < 1e-15);
    CHECK(gradient(8.5, 48.5, 88.5).maxCoeff() < 0);
    CHECK(gradient(12.5, 52.5, 92.5).minCoeff() > 0);
}

TEST_CASE("QuantileLoss: mistakes are named before anything is written") {
    const Sequence<float> y(6, 3, 2);
    Sequence<float> target(2, 3, 2), dy(Matrix<float>::Ones(1, 1));
    REQUIRE_THROWS_WITH(QuantileLoss{{}}(y, target, &dy),
                        "QuantileLoss: there are no quantiles, expected one or more, as {.1, .5, .9}");
    REQUIRE_THROWS_WITH((QuantileLoss{{.1, 1}}.check(target.view(), 4)),
                        "QuantileLoss: a quantile is 1, expected a number above 0 and below 1");
    REQUIRE_THROWS_WITH((QuantileLoss{{.1, .9}}(y, target, &dy)),
                        "QuantileLoss: y has 6 features and target 2, expected 2 outputs for each target");
    REQUIRE_THROWS_WITH(
        (QuantileLoss{{.1, .9}}.check(target.view(), 6)),
        "QuantileLoss: the targets have 2 features and the model 6 outputs, expected 2 outputs for each "
        "target");
    REQUIRE_THROWS_WITH(QuantileLoss{}(y, Sequence<float>(2, 2, 2), &dy),
                        "QuantileLoss: y is features 6 × steps 3 × batch 2 and target 2 × 2 × 2, expected the same "
                        "steps and batch");
    target.step(1)(1, 0) = std::numeric_limits<float>::quiet_NaN();
    REQUIRE_THROWS_WITH(QuantileLoss{}(y, target, &dy),
                        "QuantileLoss: the target at feature 1, step 1 of sequence 0 is "
                        "nan, expected a finite number; skip_nan passes over NaN");
    target.step(1)(1, 0) = std::numeric_limits<float>::infinity();
    REQUIRE_THROWS_WITH((QuantileLoss{.skip_nan = true}(y, target, &dy)),
                        "QuantileLoss: the target at feature 1, step 1 of sequence 0 is inf, expected a finite number");
    target.values().setZero();
    const std::vector<double> weights{1, 1, -1, 1, 1, 1}, few{1};
    REQUIRE_THROWS_WITH(QuantileLoss{}(y.view(), target.view(), &dy, weights),
                        "QuantileLoss: the weight at step 1 of sequence 0 is -1, expected a finite number >= 0");
    REQUIRE_THROWS_WITH(QuantileLoss{}.weight(y.view(), target.view(), few),
                        "QuantileLoss: 1 weights were given for 6 columns");
    CHECK(dy.values().size() == 1);
}

TEST_CASE("QuantileLoss: outputs that are their targets have no gradient, missing targets none, and outputs that are "
          "NaN have NaN") {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    Sequence<double> y(Matrix<double>{{2, 5, nan}, {2, nan, 1}}), dy;
    const Sequence<double> target(Matrix<double>{{2, nan, 1}});
    const double loss = QuantileLoss{{.25, .75}, Reduction::sum, true}(y, target, &dy);
    CHECK(std::isnan(loss));
    CHECK(dy.values().leftCols(2) == Matrix<double>::Zero(2, 2));
    CHECK(std::isnan(dy.values()(0, 2)));
    CHECK(dy.values()(1, 2) == 0);
}
