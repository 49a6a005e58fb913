#include "carousel/loss/binary_cross_entropy.hpp"

#include "catch.hpp"
#include "golden.hpp"
#include "loss/loss_suite.hpp"
#include "support.hpp"

#include <limits>
#include <string>

using namespace carousel;
using namespace carousel::test;

TEMPLATE_TEST_CASE("BinaryCrossEntropy: losses and gradients are PyTorch's", "", float, double) {
    const Golden golden("binary_cross_entropy.txt");
    const Sequence<TestType> y(Matrix<TestType>(golden.sequence("y").cast<TestType>()), 3);
    const Sequence<TestType> target(Matrix<TestType>(golden.sequence("target").cast<TestType>()), 3);
    const double tolerance = std::is_same_v<TestType, float> ? 3e-7 : 1e-14;
    for (const std::string weighted : {"plain", "weighted"})
        for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
            const std::string name = weighted + (reduction == Reduction::mean ? "_mean" : "_sum");
            INFO(name);
            const BinaryCrossEntropy loss{.reduction = reduction, .positive_weight = weighted == "plain" ? 1 : 2.5};
            Sequence<TestType> dy;
            CHECK(loss(y, target, &dy) == Catch::Approx(golden.scalar(name)).epsilon(tolerance));
            CHECK(difference(dy.values(), golden.sequence("d_" + name), 1e-3) < tolerance);
            CHECK(loss(y, target) == loss(y, target, &dy));
            CHECK(loss.weight(y.view(), target) == (reduction == Reduction::mean ? 60 : 1));
            CHECK(loss.check(target.view(), y.features()) == loss.weight(y.view(), target));
        }
}

TEST_CASE("BinaryCrossEntropy: the gradient matches central differences, padding left out") {
    Random random(1);
    Sequence<double> y = random_sequence<double>(2, 3, 3, random, {3, 0, 1});
    Sequence<double> target(2, 3, 3);
    for (double& q : target.values().reshaped())
        q = random.uniform();
    const BinaryCrossEntropy loss{.positive_weight = 3};
    Sequence<double> dy;
    loss(y, target, &dy);
    for (Index k = 0; k < y.values().size(); ++k) {
        const double kept = y.values()(k), step = 1e-5;
        y.values()(k) = kept + step;
        const double above = loss(y, target);
        y.values()(k) = kept - step;
        const double below = loss(y, target);
        y.values()(k) = kept;
        CHECK(dy.data()[k] == Catch::Approx((above - below) / (2 * step)).margin(1e-10));
    }
    CHECK(loss.weight(y.view(), target) == 8);
    target.set_lengths(y.lengths());
    CHECK(loss.check(target.view(), 2) == 8);
}

TEST_CASE("BinaryCrossEntropy: differences, ragged batches, missing targets and weights") {
    check_loss_of_terms(
        2,
        [](Reduction r, bool skip) {
            return BinaryCrossEntropy{.reduction = r, .positive_weight = 2, .skip_nan = skip};
        },
        [](Index steps) {
            Random random(3);
            Sequence<double> target(2, steps, 2);
            for (double& q : target.values().reshaped())
                q = random.uniform();
            return target;
        });
}

TEMPLATE_TEST_CASE("BinaryCrossEntropy: no logit is too large", "", float, double) {
    const BinaryCrossEntropy loss{.reduction = Reduction::sum};
    const Sequence<TestType> y(Matrix<TestType>{{1e4, -1e4, 1e4, -1e4, 1e4}});
    const Sequence<TestType> target(Matrix<TestType>{{0, 1, 1, 0, 0.25}});
    Sequence<TestType> dy;
    CHECK(loss(y, target, &dy) == 2.75e4);
    CHECK(dy.values() == Matrix<TestType>{{1, -1, 0, 0, 0.75}});
    // and of a small loss all digits are there
    const Sequence<TestType> sure(Matrix<TestType>{{30, -30}}), right(Matrix<TestType>{{1, 0}});
    CHECK(loss(sure, right, &dy) == Catch::Approx(2 * std::exp(-30.0)).epsilon(1e-6));
    CHECK(difference(dy.values(), Matrix<double>{{-1, 1}} * std::exp(-30.0), 1e-20) < 1e-6);
}

TEST_CASE("BinaryCrossEntropy: what stands in the padding does not matter, and dy may be where y is") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    Sequence<double> y(Matrix<double>{{0, 0, nan, 0}}, 2, {1, 2});
    const Sequence<double> target(Matrix<double>{{1, 0, 7, 1}}, 2);
    CHECK(BinaryCrossEntropy{}(y, target, &y) == Catch::Approx(std::log(2.0)).epsilon(1e-15));
    CHECK(y.values() == Matrix<double>{{-0.5, 0.5, 0, -0.5}} / 3);
}

TEST_CASE("BinaryCrossEntropy: mistakes are named before anything is written") {
    const Sequence<float> y(2, 3, 2, {3, 2});
    Sequence<float> target(2, 3, 2);
    Sequence<float> dy(Matrix<float>::Ones(1, 1));
    const BinaryCrossEntropy loss;
    REQUIRE_THROWS_WITH(loss(y, Sequence<float>(1, 3, 2), &dy),
                        "BinaryCrossEntropy: y is features 2 × steps 3 × batch 2 and target 1 × 3 × 2, expected the "
                        "same shape");
    REQUIRE_THROWS_WITH(loss(y, Sequence<float>(2, 3, 2, {3, 3}), &dy),
                        "BinaryCrossEntropy: sequence 1 of y has length 2 and of target 3, expected the same length");
    target.step(1)(0, 1) = 1.5F;
    REQUIRE_THROWS_WITH(loss(y, target, &dy), "BinaryCrossEntropy: the target at feature 0, step 1 of sequence 1 is "
                                              "1.5, expected 0 … 1");
    REQUIRE_THROWS_WITH(loss.check(target.view(), 2), "BinaryCrossEntropy: the target at feature 0, step 1 of sequence "
                                                      "1 is 1.5, expected 0 … 1");
    target.step(1)(0, 1) = std::numeric_limits<float>::quiet_NaN();
    REQUIRE_THROWS_WITH(loss(y, target, &dy), "BinaryCrossEntropy: the target at feature 0, step 1 of sequence 1 is "
                                              "nan, expected 0 … 1; skip_nan passes over NaN");
    target.values().setZero();
    REQUIRE_THROWS_WITH((BinaryCrossEntropy{.positive_weight = -1}(y, target, &dy)),
                        "BinaryCrossEntropy: positive_weight is -1, expected a finite number >= 0");
    REQUIRE_THROWS_WITH(loss(Sequence<float>(2, 3, 2, {0, 0}), target, &dy),
                        "BinaryCrossEntropy: there is no target to compare with, every one is padding");
    CHECK(dy.values().size() == 1);
}
