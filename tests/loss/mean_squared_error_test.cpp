#include "carousel/loss/mean_squared_error.hpp"

#include "catch.hpp"
#include "loss/loss_suite.hpp"

#include "carousel/core/random.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

using namespace carousel;

namespace {

template <class Scalar>
Sequence<Scalar> draw(Index features, Index steps, Index batch, Random& random, std::vector<Index> lengths = {}) {
    Sequence<Scalar> result(features, steps, batch, std::move(lengths));
    for (Scalar& number : result.values().reshaped())
        number = static_cast<Scalar>(random.normal());
    return result;
}

/// The definition, number by number.
template <class Scalar>
double sum_of_squares(SequenceView<Scalar> y, SequenceView<Scalar> target) {
    double sum = 0;
    for (Index t = 0; t < y.steps(); ++t)
        for (Index b = 0; b < y.batch(); ++b)
            for (Index f = 0; f < y.features() && y.real(t, b); ++f)
                sum += std::pow(static_cast<double>(y.step(t)(f, b)) - static_cast<double>(target.step(t)(f, b)), 2);
    return sum;
}

} // namespace

TEST_CASE("MeanSquaredError: mean and sum of a small example") {
    Sequence<double> y(Matrix<double>{{1, 2, 3}, {4, 5, 6}});
    Sequence<double> target(Matrix<double>{{1, 4, 3}, {3, 5, 9}});
    Sequence<double> dy;
    CHECK(MeanSquaredError{}(y, target, &dy) == Catch::Approx(14.0 / 6));
    CHECK(dy.values().isApprox(Matrix<double>{{0, -4, 0}, {2, 0, -6}} / 6, 1e-15));
    CHECK(MeanSquaredError{}.weight(y.view(), target) == 6);
    CHECK(MeanSquaredError{}.check(target.view(), y.features()) == 6);
    const MeanSquaredError sum{.reduction = Reduction::sum};
    CHECK(sum(y, target, &dy) == 14);
    CHECK(dy.values() == Matrix<double>{{0, -4, 0}, {2, 0, -6}});
    CHECK(sum.weight(y.view(), target) == 1);
    CHECK(sum.check(target.view(), y.features()) == 1);
    CHECK(sum(y, target) == 14);
}

TEMPLATE_TEST_CASE("MeanSquaredError: loss and gradient are the definition's, padding left out", "", float, double) {
    const double tolerance = std::is_same_v<TestType, float> ? 2e-7 : 1e-14;
    Random random{1};
    const std::vector<std::vector<Index>> all_lengths{{}, {7, 7, 7}, {7, 0, 3}, {1, 2, 3}, {0, 0, 5}};
    for (const Index features : {1, 5, 64})
        for (const auto& lengths : all_lengths) {
            const Sequence<TestType> y = draw<TestType>(features, 7, 3, random, lengths);
            const Sequence<TestType> target = draw<TestType>(features, 7, 3, random);
            const double expected = sum_of_squares(y.view(), target.view());
            for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
                const MeanSquaredError loss{.reduction = reduction};
                const double weight = loss.weight(y.view(), target);
                Sequence<TestType> dy;
                CHECK(loss(y, target, &dy) == Catch::Approx(expected / weight).epsilon(tolerance));
                Matrix<TestType> expected_dy = static_cast<TestType>(2 / weight) * (y.values() - target.values());
                for (Index t = 0; t < 7; ++t)
                    for (Index b = 0; b < 3; ++b)
                        if (!y.view().real(t, b))
                            expected_dy.col(3 * t + b).setZero();
                CHECK((dy.values() - expected_dy).cwiseAbs().maxCoeff() <= tolerance);
            }
        }
}

TEST_CASE("MeanSquaredError: the gradient matches central differences") {
    Random random{2};
    Sequence<double> y = draw<double>(3, 4, 2, random, {4, 2});
    const Sequence<double> target = draw<double>(3, 4, 2, random);
    Sequence<double> dy;
    MeanSquaredError{}(y, target, &dy);
    for (Index k = 0; k < y.values().size(); ++k) {
        const double kept = y.values()(k), step = 1e-5;
        y.values()(k) = kept + step;
        const double above = MeanSquaredError{}(y, target);
        y.values()(k) = kept - step;
        const double below = MeanSquaredError{}(y, target);
        y.values()(k) = kept;
        CHECK(dy.data()[k] == Catch::Approx((above - below) / (2 * step)).margin(1e-10));
    }
}

TEST_CASE("MeanSquaredError: batches weighted by their weight give the mean of them all") {
    Random random{3};
    const Sequence<double> y = draw<double>(2, 6, 1, random);
    const Sequence<double> target = draw<double>(2, 6, 1, random);
    const MeanSquaredError loss;
    double sum = 0, weights = 0;
    for (const auto& [first, count] : {std::pair<Index, Index>{0, 4}, {4, 2}}) {
        const SequenceView<double> part{y.step(first).data(), 2, count, 1};
        const SequenceView<double> target_part{target.step(first).data(), 2, count, 1};
        sum += loss.weight(part, target_part) * loss(part, target_part);
        weights += loss.weight(part, target_part);
    }
    CHECK(weights == loss.weight(y.view(), target));
    CHECK(sum / weights == Catch::Approx(loss(y, target)));
}

TEST_CASE("MeanSquaredError: what stands in the padding does not matter") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    Sequence<float> y(1, 2, 2, {1, 2}), target(1, 2, 2, {1, 2});
    y.values() << 1, 2, nan, 3;
    target.values() << 0, 0, nan, 0;
    Sequence<float> dy;
    CHECK(MeanSquaredError{.reduction = Reduction::sum}(y, target, &dy) == 14);
    CHECK(dy.values() == Matrix<float>{{2, 4, 0, 6}});
}

TEST_CASE("MeanSquaredError: without real columns there is no mean") {
    const Sequence<float> y(2, 3, 2, {0, 0}), target(2, 3, 2), none(2, 0);
    Sequence<float> dy(Matrix<float>::Ones(1, 1));
    const std::string message = "MeanSquaredError: there is no target to compare with, every one is padding";
    for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
        const MeanSquaredError loss{.reduction = reduction};
        CHECK(loss.weight(y.view(), target) == 0);
        CHECK(loss.check(y.view(), 2) == 0);
        REQUIRE_THROWS_WITH(loss(y, target, &dy), message);
        REQUIRE_THROWS_WITH(loss(none, none, &dy), message);
    }
    CHECK(dy.values().size() == 1);
}

TEST_CASE("MeanSquaredError: dy keeps its memory, and may be where y is") {
    Random random{4};
    Sequence<double> y = draw<double>(3, 200, 1, random);
    const Sequence<double> target = draw<double>(3, 200, 1, random);
    Sequence<double> dy(3, 200, 1);
    const double* before = dy.data();
    const double loss = MeanSquaredError{}(y, target, &dy);
    CHECK(dy.data() == before);
    CHECK(MeanSquaredError{}(y, target, &y) == loss);
    CHECK(y.values() == dy.values());
}

TEST_CASE("MeanSquaredError: float squares are added up in double") {
    Sequence<float> y(1, 1 << 20);
    const Sequence<float> target(1, 1 << 20);
    y.values().setConstant(0.1f);
    CHECK(MeanSquaredError{}(y, target) == Catch::Approx(static_cast<double>(0.1f * 0.1f)).epsilon(1e-6));
}

TEST_CASE("MeanSquaredError: shapes that differ are named") {
    const Sequence<float> y(2, 3, 4);
    Sequence<float> dy(Matrix<float>::Ones(1, 1));
    REQUIRE_THROWS_WITH(MeanSquaredError{}(y, Sequence<float>(1, 3, 4), &dy),
                        "MeanSquaredError: y is features 2 × steps 3 × batch 4 and target 1 × 3 × 4, expected the "
                        "same shape");
    REQUIRE_THROWS_WITH(MeanSquaredError{}(y, Sequence<float>(2, 4, 3)),
                        "MeanSquaredError: y is features 2 × steps 3 × batch 4 and target 2 × 4 × 3, expected the "
                        "same shape");
    REQUIRE_THROWS_WITH(MeanSquaredError{}(y, Sequence<float>(2, 3, 4, {3, 3, 2, 3})),
                        "MeanSquaredError: sequence 2 of y has length 3 and of target 2, expected the same length");
    CHECK(dy.values().size() == 1);
}

TEST_CASE("MeanSquaredError: differences, ragged batches, missing targets and weights") {
    test::check_loss_of_terms(
        2, [](Reduction r, bool skip) { return MeanSquaredError{.reduction = r, .skip_nan = skip}; },
        test::NormalTargets{});
    // in runs of more than a lane, too
    Random random(5);
    Sequence<float> y = draw<float>(1, 99, 1, random), target = draw<float>(1, 99, 1, random), dy;
    double expected = 0;
    for (Index k = 0; k < 99; ++k)
        if (k % 40 == 7)
            target.data()[k] = std::numeric_limits<float>::quiet_NaN();
        else
            expected += std::pow(static_cast<double>(y.data()[k] - target.data()[k]), 2);
    CHECK(MeanSquaredError{.skip_nan = true}(y, target, &dy) == Catch::Approx(expected / 96).epsilon(1e-6));
    CHECK((dy.values().array() == 0).count() == 3);
    REQUIRE_THROWS_WITH(MeanSquaredError{}.check(target.view(), 1),
                        "MeanSquaredError: the target at feature 0, step 7 of sequence 0 is nan, expected a finite "
                        "number; skip_nan passes over NaN");
}
