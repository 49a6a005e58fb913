#include "carousel/loss/softmax_cross_entropy.hpp"

#include "catch.hpp"
#include "golden.hpp"
#include "support.hpp"

#include <limits>
#include <string>

using namespace carousel;
using namespace carousel::test;

namespace {

/// Class numbers, 0 … classes − 1, padding among them.
Sequence<double> random_classes(Index classes, Index steps, Index batch, Random& random) {
    Sequence<double> target(1, steps, batch);
    for (double& k : target.values().reshaped())
        k = static_cast<double>(random.below(classes));
    return target;
}

} // namespace

TEMPLATE_TEST_CASE("SoftmaxCrossEntropy: losses and gradients are PyTorch's", "", float, double) {
    const Golden golden("softmax_cross_entropy.txt");
    const Sequence<TestType> y(Matrix<TestType>(golden.sequence("y").cast<TestType>()), 3);
    const Sequence<TestType> target(Matrix<TestType>(golden.sequence("target").cast<TestType>()), 3);
    const auto weights = golden.vector("weights");
    const double tolerance = std::is_same_v<TestType, float> ? 5e-7 : 1e-14;
    for (const std::string options : {"plain", "weighted", "ignored", "both"})
        for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
            const std::string name = options + (reduction == Reduction::mean ? "_mean" : "_sum");
            INFO(name);
            SoftmaxCrossEntropy loss{.reduction = reduction};
            if (options == "weighted" || options == "both")
                loss.class_weights.assign(weights.begin(), weights.end());
            if (options == "ignored" || options == "both")
                loss.ignore = 2;
            Sequence<TestType> dy;
            CHECK(loss(y, target, &dy) == Catch::Approx(golden.scalar(name)).epsilon(tolerance));
            CHECK(difference(dy.values(), golden.sequence("d_" + name), 1e-3) < tolerance);
            CHECK(loss(y, target) == loss(y, target, &dy));
        }
}

TEST_CASE("SoftmaxCrossEntropy: the gradient matches central differences, whatever the number of classes") {
    Random random(1);
    const SoftmaxCrossEntropy plain;
    for (const Index classes : {1, 3, 8, 19}) { // less than a lane, one, and some with a rest
        Sequence<double> y = random_sequence<double>(classes, 3, 2, random, {3, 1});
        const Sequence<double> target = random_classes(classes, 3, 2, random);
        SoftmaxCrossEntropy loss;
        for (Index k = 0; k < classes; ++k)
            loss.class_weights.push_back(random.uniform(0.5, 2));
        Sequence<double> dy;
        loss(y, target, &dy);
        CHECK(plain.weight(y.view(), target) == 4);
        for (Index k = 0; k < y.values().size(); ++k) {
            const double kept = y.values()(k), step = 1e-5;
            y.values()(k) = kept + step;
            const double above = loss(y, target);
            y.values()(k) = kept - step;
            const double below = loss(y, target);
            y.values()(k) = kept;
            CHECK(dy.data()[k] == Catch::Approx((above - below) / (2 * step)).margin(1e-10));
        }
    }
}

TEMPLATE_TEST_CASE("SoftmaxCrossEntropy: no logit is too large", "", float, double) {
    const SoftmaxCrossEntropy loss{.reduction = Reduction::sum};
    const Sequence<TestType> y(
        Matrix<TestType>{{1e4, 1e4, -1e4, -1e4, 1e4}, {-1e4, 1e4, -1e4, 1e4, -1e4}, {-1e4, 1e4, -1e4, -1e4, 1e4}});
    const Sequence<TestType> target(Matrix<TestType>{{0, 1, 2, 0, 1}});
    Sequence<TestType> dy;
    CHECK(loss(y, target, &dy) == Catch::Approx(4e4 + 2 * std::log(3.0) + std::log(2.0)).epsilon(1e-7));
    const double third = 1.0 / 3;
    const Matrix<double> expected{
        {0, third, third, -1, 0.5}, {0, third - 1, third, 1, -1}, {0, third, third - 1, 0, 0.5}};
    CHECK(difference(dy.values(), expected) < 1e-7);
    // the wide path: more classes than a lane holds
    Sequence<TestType> wide(37, 1);
    wide.values().setConstant(-1e4);
    wide.values()(36) = 1e4;
    CHECK(loss(wide, Sequence<TestType>(1, 1), &dy) == 2e4);
    CHECK(dy.data()[0] == -1);
    CHECK(dy.data()[36] == 1);
    CHECK(dy.values().middleRows(1, 35).cwiseAbs().maxCoeff() < 1e-37);
}

TEST_CASE("SoftmaxCrossEntropy: batches weighted by their weight give the mean of them all") {
    Random random(3);
    const Sequence<double> y = random_sequence<double>(3, 6, 1, random);
    const Sequence<double> target = random_classes(3, 6, 1, random);
    const SoftmaxCrossEntropy loss{.class_weights = {1, 2, 4}, .ignore = 1};
    double sum = 0, weights = 0;
    for (const auto& [first, count] : {std::pair<Index, Index>{0, 4}, {4, 2}}) {
        const SequenceView<double> part{y.step(first).data(), 3, count, 1};
        const SequenceView<double> target_part{target.step(first).data(), 1, count, 1};
        sum += loss.weight(part, target_part) * loss(part, target_part);
        weights += loss.weight(part, target_part);
    }
    CHECK(weights == loss.weight(y.view(), target));
    CHECK(weights == loss.check(target.view(), 3));
    CHECK(sum / weights == Catch::Approx(loss(y, target)));
}

TEST_CASE("SoftmaxCrossEntropy: padding and ignored targets do not matter, and dy may be where y is") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    Sequence<float> y(Matrix<float>{{0, 0, nan, nan}, {0, 0, nan, 0}}, 2, {1, 2});
    const Sequence<float> target(Matrix<float>{{1, 0, 7, -100}}, 2);
    const SoftmaxCrossEntropy loss{.ignore = -100};
    CHECK(loss(y, target, &y) == Catch::Approx(std::log(2.0)));
    CHECK(y.values() == Matrix<float>{{0.25F, -0.25F, 0, 0}, {-0.25F, 0.25F, 0, 0}});
}

TEST_CASE("SoftmaxCrossEntropy: weights of columns multiply those of classes, and missing targets don't count") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    Random random(4);
    const Sequence<double> y = random_sequence<double>(3, 2, 2, random);
    const Sequence<double> target(Matrix<double>{{0, 1, 2, nan}}, 2), masked(Matrix<double>{{0, nan, 2, 1}}, 2);
    const std::vector<double> weights{2, 0, 0.5, 1};
    const SoftmaxCrossEntropy by_sum{.reduction = Reduction::sum, .class_weights = {1, 2, 4}};
    Sequence<double> dy, d_one;
    const SoftmaxCrossEntropy loss{.class_weights = {1, 2, 4}}, skipping{.class_weights = {1, 2, 4}, .skip_nan = true};
    CHECK(loss.weight(y.view(), masked.view(), weights) == 2 + 2 + 2);
    double expected = 0;
    const double value = loss(y.view(), masked.view(), &dy, weights);
    for (const Index k : {0, 1, 2, 3}) {
        const double w = weights[static_cast<std::size_t>(k)];
        const SequenceView<double> one(y.values().col(k).data(), 3, 1, 1), aim(masked.data() + k, 1, 1, 1);
        if (w > 0)
            expected += w * by_sum(one, aim, &d_one) / 6;
        CHECK(difference(dy.values().col(k),
                         w > 0 ? Matrix<double>(w / 6 * d_one.values()) : Matrix<double>::Zero(3, 1)) < 1e-15);
    }
    CHECK(value == Catch::Approx(expected).epsilon(1e-14));
    CHECK(skipping.weight(y.view(), target) == 1 + 2 + 4);
    CHECK(skipping.check(target.view(), 3) == 7);
    CHECK(std::isfinite(skipping(y, target, &dy)));
    CHECK(dy.values().col(3).isZero(0));
    REQUIRE_THROWS_WITH(loss(y, target),
                        "SoftmaxCrossEntropy: the target at step 1 of sequence 1 is nan, expected a class, "
                        "0 … 2; skip_nan passes over NaN");
}

TEST_CASE("SoftmaxCrossEntropy: a logit that is no number makes the loss none") {
    for (const Index classes : {3, 40})
        for (const Index place : {Index(0), Index(1), classes - 1}) {
            Sequence<float> y(classes, 1);
            y.values()(place) = std::numeric_limits<float>::quiet_NaN();
            CHECK(std::isnan(SoftmaxCrossEntropy{}(y, Sequence<float>(1, 1))));
        }
}

TEST_CASE("SoftmaxCrossEntropy: mistakes are named before anything is written") {
    const Sequence<float> y(5, 3, 2, {3, 2});
    Sequence<float> target(1, 3, 2);
    Sequence<float> dy(Matrix<float>::Ones(1, 1));
    const SoftmaxCrossEntropy loss;
    const std::string at = "SoftmaxCrossEntropy: the target at step 1 of sequence 0 is ";
    for (const auto& [value, text] : {std::pair<double, std::string>{5, "5"}, {-1, "-1"}, {0.5, "0.5"}}) {
        target.step(1)(0) = static_cast<float>(value);
        REQUIRE_THROWS_WITH(loss(y, target, &dy), at + text + ", expected a class, 0 … 4");
        REQUIRE_THROWS_WITH(loss.weight(y.view(), target), at + text + ", expected a class, 0 … 4");
    }
    target.step(1)(0) = std::numeric_limits<float>::quiet_NaN();
    REQUIRE_THROWS_WITH(loss.check(target.view(), 3), at + "nan, expected a class, 0 … 2; skip_nan passes over NaN");
    target.values().setZero();
    REQUIRE_THROWS_WITH(loss(y, Sequence<float>(5, 3, 2), &dy),
                        "SoftmaxCrossEntropy: y is features 5 × steps 3 × batch 2 and target 5 × 3 × 2, expected 1 "
                        "feature and the same steps and batch");
    const Sequence<float> single_step(1, 1, 2);
    REQUIRE_THROWS_WITH(loss.weight(y.view(), single_step),
                        "SoftmaxCrossEntropy: y is features 5 × steps 3 × batch 2 and target 1 × 1 × 2, expected 1 "
                        "feature and the same steps and batch");
    REQUIRE_THROWS_WITH(loss.check(y.view(), 5),
                        "SoftmaxCrossEntropy: target has 5 features, expected 1: the number of the class");
    REQUIRE_THROWS_WITH(loss(y, Sequence<float>(1, 3, 2, {3, 3}), &dy),
                        "SoftmaxCrossEntropy: sequence 1 of y has length 2 and of target 3, expected the same length");
    REQUIRE_THROWS_WITH((SoftmaxCrossEntropy{.class_weights = {1, 2}}(y, target, &dy)),
                        "SoftmaxCrossEntropy: 2 class weights were given for 5 classes");
    REQUIRE_THROWS_WITH((SoftmaxCrossEntropy{.class_weights = {1, 2, -3, 4, 5}}(y, target, &dy)),
                        "SoftmaxCrossEntropy: the weight of class 2 is -3, expected a finite number >= 0");
    const std::string nothing =
        "SoftmaxCrossEntropy: there is no target to compare with, every one is padding, ignored "
        "or of weight 0";
    REQUIRE_THROWS_WITH(loss(Sequence<float>(5, 3, 2, {0, 0}), target, &dy), nothing);
    REQUIRE_THROWS_WITH((SoftmaxCrossEntropy{.ignore = 0}(y, target, &dy)), nothing);
    REQUIRE_THROWS_WITH((SoftmaxCrossEntropy{.class_weights = {0, 1, 1, 1, 1}}(y, target, &dy)), nothing);
    CHECK((SoftmaxCrossEntropy{.reduction = Reduction::sum, .ignore = 0}.weight(y.view(), target)) == 0);
    CHECK((SoftmaxCrossEntropy{.ignore = 0}.check(target.view(), 5)) == 0);
    CHECK((SoftmaxCrossEntropy{.reduction = Reduction::sum}.check(target.view(), 5)) == 1);
    CHECK(dy.values().size() == 1);
}
