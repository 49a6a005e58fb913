#include "carousel/loss/weighted.hpp"
#include "carousel/train/classification_metrics.hpp"
#include "carousel/train/interval_metrics.hpp"
#include "carousel/train/label_error_rate.hpp"
#include "carousel/train/regression_metrics.hpp"

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace carousel;

namespace {

const double gap = std::numeric_limits<double>::quiet_NaN();

template <class M>
double value_of(const M& metric, const Sequence<double>& y, const Sequence<double>& target) {
    const Metric any = metric;
    MetricSum all;
    any.merge(all, any(y, target));
    return any.value(all);
}

} // namespace

TEST_CASE("RootMeanSquaredError, MAPE and SMAPE: a small example, padding and missing targets left out") {
    const Sequence<double> y(Matrix<double>{{1, -1, 3, 9, 5, 0}}, 2, {3, 1}),
        target(Matrix<double>{{2, 9, 4, 9, 0, 9}}, 2); // of sequence 0: 1, 3, 5 and 2, 4, 0
    const Sequence<double> one(Matrix<double>{{1, -1, 3, 5, 0, gap}}), its(Matrix<double>{{2, -4, gap, 0, 0, gap}});
    CHECK(value_of(RootMeanSquaredError{}, y, target) == Catch::Approx(std::sqrt((1 + 100 + 1 + 25) / 4.0)));
    CHECK(value_of(RootMeanSquaredError{}, one, its) == Catch::Approx(std::sqrt((1 + 9 + 25 + 0) / 4.0)));
    CHECK(value_of(MeanAbsolutePercentageError{}, one, its) == Catch::Approx(100 * (0.5 + 0.75) / 2));
    CHECK(value_of(SymmetricMeanAbsolutePercentageError{}, one, its) ==
          Catch::Approx(200 * (1.0 / 3 + 3.0 / 5 + 1 + 0) / 4));
    CHECK(value_of(MeanAbsoluteError{}, one, its) == Catch::Approx((1 + 3 + 5 + 0) / 4.0));
    CHECK(std::isnan(value_of(RootMeanSquaredError{}, one, Sequence<double>(Matrix<double>::Constant(1, 6, gap)))));
    CHECK(RootMeanSquaredError{}.name() == "rmse");
    CHECK(MeanAbsolutePercentageError{}.name() == "mape");
    CHECK(SymmetricMeanAbsolutePercentageError{}.name() == "smape");
    REQUIRE_THROWS_WITH(RootMeanSquaredError{}(y.view(), its),
                        "RootMeanSquaredError: y is features 1 × steps 3 × batch 2 and target 1 × 6 × 1, expected the "
                        "same shape");
}

TEST_CASE("R2Score: each row about its own mean over all batches, whatever the batches and however large the mean") {
    Random random(1);
    const Index columns = 60;
    Sequence<double> y(2, columns), target(2, columns);
    for (Index k = 0; k < columns; ++k) {
        target.values().col(k) << 1e8 + random.normal(), 5 * random.normal();
        y.values().col(k) << target.values()(0, k) + 0.3 * random.normal(), 0.5 * target.values()(1, k);
    }
    double expected = 0;
    for (const Index row : {0, 1}) {
        const auto t = target.values().row(row).array();
        expected += 1 - (y.values().row(row).array() - t).square().sum() / (t - t.mean()).square().sum();
    }
    const Metric r2 = R2Score{};
    for (const Index size : {1, 7, 60}) {
        MetricSum all;
        for (Index first = 0; first < columns; first += size) {
            const Index count = std::min(size, columns - first);
            const SequenceView<double> part(y.values().col(first).data(), 2, count, 1);
            r2.merge(all, r2(part, SequenceView<double>(target.values().col(first).data(), 2, count, 1)));
        }
        CHECK(r2.value(all) == Catch::Approx(expected / 2).epsilon(1e-9));
    }
    CHECK(value_of(R2Score{}, target, target) == 1);
    const Sequence<double> same(Matrix<double>{{2, 2}}), other(Matrix<double>{{2, 3}}),
        missing(Matrix<double>{{gap, gap}});
    CHECK(value_of(R2Score{}, same, same) == 1);
    CHECK(value_of(R2Score{}, other, same) == 0);
    CHECK(value_of(R2Score{}, same, other) == -1);
    CHECK(std::isnan(value_of(R2Score{}, same, missing)));
}

TEST_CASE("F1Score: macro, micro and binary") {
    // Taken for 0, 0, 1, 1, 1, 2 and 2; of class 3 there is none.
    const Sequence<double> y(Matrix<double>{
        {3, 2, 0, 0, 0, 0, 0}, {1, 1, 5, 5, 5, 1, 1}, {0, 0, 1, 1, 1, 4, 4}, {-1, -1, -1, -1, -1, -1, -1}});
    const Sequence<double> target(Matrix<double>{{0, 1, 1, 1, 2, 2, gap}});
    // Class 0: TP 1, FP 1, FN 0; 1: TP 2, FP 1, FN 1; 2: TP 1, FP 0, FN 1.
    CHECK(value_of(F1Score{}, y, target) == Catch::Approx((2.0 / 3 + 4.0 / 6 + 2.0 / 3) / 3));
    CHECK(value_of(F1Score{.average = Average::micro}, y, target) == Catch::Approx(4.0 / 6));
    CHECK(value_of(F1Score{.average = Average::micro}, y, target) == Catch::Approx(value_of(Accuracy{}, y, target)));
    CHECK(value_of(F1Score{.ignore = 1}, y, target) ==
          Catch::Approx((1 + 0 + 2.0 / 3) / 3)); // 1: a false positive alone
    const Sequence<double> logits(Matrix<double>{{1, 2, -1, -2, 3}}), yes(Matrix<double>{{1, 0, 1, 0, gap}});
    CHECK(value_of(F1Score{.average = Average::binary}, logits, yes) == Catch::Approx(2.0 / (2 + 1 + 1)));
    const Sequence<double> none(Matrix<double>{{-1, -1}}), no(Matrix<double>{{0, 0}});
    CHECK(value_of(F1Score{.average = Average::binary}, none, no) == 0);
    CHECK(std::isnan(value_of(F1Score{}, y, Sequence<double>(Matrix<double>::Constant(1, 7, gap)))));
    const Sequence<double> wrong(Matrix<double>::Constant(1, 7, 4));
    REQUIRE_THROWS_WITH(F1Score{}(y.view(), wrong),
                        "F1Score: the target at step 0 of sequence 0 is 4, expected a class, 0 … 3");
}

TEST_CASE("ConfusionMatrix: rows are what it is, columns what it is taken for") {
    const Sequence<float> y(Matrix<float>{{3, 2, 0, 0}, {1, 1, 5, 5}, {0, 0, 1, 1}}, 2, {2, 2});
    const Sequence<float> target(Matrix<float>{{0, 2, 1, 2}}, 2);
    MetricSum sum = ConfusionMatrix{}(y.view(), target);
    CHECK(ConfusionMatrix{}.table(sum) == Matrix<double>{{1, 0, 0}, {0, 1, 0}, {1, 1, 0}});
    CHECK(sum.mean() == 0.5);
    sum += sum;
    CHECK(ConfusionMatrix{}.table(sum)(2, 1) == 2);
    CHECK(ConfusionMatrix{}.table({}).size() == 0);
    REQUIRE_THROWS_WITH(ConfusionMatrix{}.table({0, 0, {1, 2}}),
                        "ConfusionMatrix::table: the sum has 2 parts, expected those of a ConfusionMatrix");
}

TEST_CASE("IntervalCoverage, MeanPinballLoss and OfOutput: metrics of several outputs for a target") {
    // Two targets, three outputs for each.
    const Sequence<double> y(Matrix<double>{{0, 0}, {1, 1}, {2, 2}, {5, 5}, {6, 6}, {7, 7}});
    const Sequence<double> target(Matrix<double>{{2, 3}, {gap, 4}});
    CHECK(value_of(IntervalCoverage{}, y, target) == Catch::Approx(1.0 / 3));
    CHECK(value_of(IntervalCoverage{.lower = 1, .upper = 1}, y, target) == 0);
    CHECK(Metric(OfOutput{MeanAbsoluteError{}, 1, 3}).name() == "mae of output 1");
    CHECK(value_of(OfOutput{MeanAbsoluteError{}, 1, 3}, y, target) == Catch::Approx((1 + 2 + 2) / 3.0));
    CHECK(value_of(OfOutput{R2Score{}, 1, 3}, y, target) == Catch::Approx((1 - 5 / 0.5 + 0) / 2));
    const double low = .1 * (2 + 3) + .9 * 1, middle = .5 * (1 + 2 + 2), high = .9 * 1 + .1 * 3;
    CHECK(value_of(MeanPinballLoss{}, y, target) == Catch::Approx((low + middle + high) / 9));
    REQUIRE_THROWS_WITH(
        IntervalCoverage{}(target.view(), target),
        "IntervalCoverage: y has 2 features and target 2, expected two or more outputs for each target");
    REQUIRE_THROWS_WITH(IntervalCoverage{.upper = 3}(y.view(), target),
                        "IntervalCoverage: outputs 0 and 3 were asked for, there are 3 for each target");
    REQUIRE_THROWS_WITH((OfOutput{MeanAbsoluteError{}, 3, 3}(y.view(), target)),
                        "OfOutput: output 3 of 3 for each target was asked for, expected 0 <= output < outputs");
    REQUIRE_THROWS_WITH((OfOutput{MeanAbsoluteError{}, 3, 4}(y.view(), target)),
                        "OfOutput: y has 6 features, expected a multiple of 4, the outputs of each target");
}

TEST_CASE("Weighted: metrics of what counts, by its weight") {
    const Sequence<double> y(Matrix<double>{{1, 2, 3}}), target(Matrix<double>{{2, 4, gap}});
    const std::vector<double> weights{3, 1, 0};
    const Sequence<double> weighted = with_weights(target, weights);
    CHECK(value_of(Weighted{MeanAbsoluteError{}}, y, weighted) == Catch::Approx((3 * 1 + 2) / 4.0));
    CHECK(value_of(Weighted{RootMeanSquaredError{}}, y, weighted) == Catch::Approx(std::sqrt((3 * 1 + 4) / 4.0)));
    const double mean = (3 * 2 + 4) / 4.0, about = 3 * (2 - mean) * (2 - mean) + (4 - mean) * (4 - mean);
    CHECK(value_of(Weighted{R2Score{}}, y, weighted) == Catch::Approx(1 - (3 * 1 + 4) / about));
    CHECK(Metric(Weighted{R2Score{}}).name() == "r2");
    static_assert(Loss<Weighted<SoftmaxCrossEntropy>> && !Loss<Weighted<Accuracy>>);
}

TEST_CASE("LabelErrorRate: labels to put in, take out and replace, over all labels") {
    // One sequence says 1 2 1, the other 2, a third has no step.
    Sequence<double> y(3, 4, 3, {4, 2, 0});
    const std::vector<Index> said{1, 0, 2, 1}, other{2, 2, 0, 0};
    for (Index t = 0; t < 4; ++t) {
        y.step(t)(said[static_cast<std::size_t>(t)], 0) = 1;
        y.step(t)(other[static_cast<std::size_t>(t)], 1) = 1;
    }
    const auto rate = [&](const std::vector<double>& first, const std::vector<double>& second) {
        Sequence<double> target(1, 4, 3, {static_cast<Index>(first.size()), static_cast<Index>(second.size()), 1});
        for (std::size_t k = 0; k < first.size(); ++k)
            target.step(static_cast<Index>(k))(0, 0) = first[k];
        for (std::size_t k = 0; k < second.size(); ++k)
            target.step(static_cast<Index>(k))(0, 1) = second[k];
        return value_of(LabelErrorRate{}, y, target);
    };
    CHECK(rate({1, 2, 1}, {2}) == 0);
    CHECK(rate({1, 2}, {2}) == 1.0 / 3);
    CHECK(rate({2, 1, 2, 1}, {1, 1}) == (1 + 2) / 6.0);
    CHECK(rate({1, gap}, {2, 2}) == 1.0 / 2);
    CHECK(rate({}, {}) == std::numeric_limits<double>::infinity());
    REQUIRE_THROWS_WITH(LabelErrorRate{}(y.view(), y),
                        "LabelErrorRate: target has 3 features and 3 sequences, expected 1 and 3");
}

namespace {

/// Of one's own, which takes no weights.
struct LargestOutput {
    std::string name() const { return "largest"; }
    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>>) const {
        return {static_cast<double>(*std::max_element(y.data(), y.data() + y.features() * y.columns())), 1};
    }
};

} // namespace

TEST_CASE("OfOutput: a metric that takes no weights is one of an output, too, and is refused with weights") {
    const Sequence<double> y(Matrix<double>{{1, 2}, {3, 4}, {5, 6}}), target(Matrix<double>{{0, 0}});
    CHECK(value_of(OfOutput{LargestOutput{}, 1, 3}, y, target) == 4);
    const std::vector<double> weights{1, 2};
    REQUIRE_THROWS_WITH((OfOutput{LargestOutput{}, 1, 3}(y.view(), target.view(), weights)),
                        "OfOutput: weights were given, and the metric largest takes none, expected none");
}
