#include "carousel/train/metrics.hpp"

#include "catch.hpp"

#include <cmath>
#include <string>
#include <vector>

using namespace carousel;

namespace {

/// Zeros.
template <class S>
SequenceView<S> zeros(Index features, Index steps) {
    static const std::vector<S> numbers(16);
    return {numbers.data(), features, steps, 1};
}

} // namespace

TEMPLATE_TEST_CASE("Accuracy: the largest output is at the target's class, where it is real and not ignored", "", float,
                   double) {
    const Sequence<TestType> y(Matrix<TestType>{{3, 0, 1, 5, 9, 9}, {1, 1, 1, 6, 9, 9}, {2, 0, 0, 7, 9, 9}}, 2, {3, 2});
    const Sequence<TestType> target(Matrix<TestType>{{0, 2, 0, 2, 1, 0}}, 2);
    const MetricSum all = Accuracy{}(y.view(), target);
    CHECK((all.sum == 3 && all.weight == 5));
    const MetricSum part = Accuracy{.ignore = 2}(y.view(), target);
    CHECK((part.sum == 2 && part.weight == 3));
    REQUIRE_THROWS_WITH(Accuracy{}(y.view(), y), "Accuracy: y is features 3 × steps 3 × batch 2 and target 3 × 3 × 2, "
                                                 "expected 1 feature and the same steps and batch");
}

TEST_CASE("BinaryAccuracy: a logit above 0 says yes, and so does a target of at least a half") {
    const Sequence<float> y(Matrix<float>{{1, -1, 0, 0, 5}, {-2, 3, 0, 0, 5}}, 1, {4});
    const Sequence<float> target(Matrix<float>{{1, 0.5F, 0.4F, 0.6F, 1}, {1, 1, 0, 0, 1}});
    const MetricSum sum = BinaryAccuracy{}(y.view(), target);
    CHECK((sum.sum == 5 && sum.weight == 8));
    REQUIRE_THROWS_WITH(BinaryAccuracy{}(y.view(), zeros<float>(1, 5)),
                        "BinaryAccuracy: y is features 2 × steps 5 × batch 1 and target 1 × 5 × 1, expected the same "
                        "shape");
}

TEST_CASE("MeanAbsoluteError: the mean distance of what is real") {
    const Sequence<double> y(Matrix<double>{{1, -1, 0, 9}}, 2, {2, 1});
    const Sequence<double> target(Matrix<double>{{0.5, 1, 0.25, 0}}, 2);
    const MetricSum sum = MeanAbsoluteError{}(y.view(), target);
    CHECK((sum.sum == 2.75 && sum.weight == 3));
    CHECK(Metric(MeanAbsoluteError{}).value(sum) == 2.75 / 3);
    REQUIRE_THROWS_WITH(
        MeanAbsoluteError{}(y.view(), zeros<double>(1, 4)),
        "MeanAbsoluteError: y is features 1 × steps 2 × batch 2 and target 1 × 4 × 1, expected the same "
        "shape");
}

TEST_CASE("Perplexity: the mean of all batches comes before the exponential") {
    const Sequence<double> even(4, 3), sure(Matrix<double>{{1e4}, {0}, {0}, {0}});
    const Metric perplexity = Perplexity{};
    MetricSum sum = perplexity(even.view(), zeros<double>(1, 3));
    CHECK(perplexity.value(sum) == Catch::Approx(4)); // all classes equally likely
    sum += perplexity(sure.view(), zeros<double>(1, 1));
    CHECK(perplexity.value(sum) == Catch::Approx(std::exp(std::log(4.0) * 3 / 4)));
    CHECK(Perplexity{.ignore = 0}(even.view(), zeros<double>(1, 3)).weight == 0);
    CHECK(std::isnan(perplexity.value({})));
    Sequence<double> wrong(1, 3);
    wrong.values()(2) = 4;
    REQUIRE_THROWS_WITH(Perplexity{}(even.view(), wrong),
                        "SoftmaxCrossEntropy: the target at step 2 of sequence 0 is 4, expected a class, 0 … 3");
}

namespace {

/// One's own, and not a mean.
struct Largest {
    std::string name() const { return "largest"; }
    template <class S>
    MetricSum operator()(SequenceView<S> y, SequenceView<S>) const {
        return {static_cast<double>(y.values().maxCoeff()), 1};
    }
    double value(MetricSum sum) const { return sum.sum * 10; }
};

} // namespace

TEST_CASE("Metric: a list holds metrics of all kinds, for float and double, one's own among them") {
    const std::vector<Metric> metrics{Accuracy{}, BinaryAccuracy{}, MeanAbsoluteError{}, Perplexity{}, Largest{}};
    std::vector<std::string> names;
    for (const Metric& metric : metrics)
        names.push_back(metric.name());
    CHECK(names == std::vector<std::string>{"accuracy", "accuracy", "mae", "perplexity", "largest"});
    const Sequence<float> f(Matrix<float>{{1, 2}});
    const Sequence<double> d(Matrix<double>{{1, 3}});
    CHECK(metrics[4].value(metrics[4](f, f)) == 20);
    CHECK(metrics[4].value(metrics[4](d, d)) == 30);
}
