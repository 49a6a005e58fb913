#include "carousel/train/evaluate.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/loss/softmax_cross_entropy.hpp"

using namespace carousel;
using namespace carousel::test;

namespace {

/// Dense, which counts its passes.
struct CountedDense : Dense<double> {
    int* passes;
    CountedDense(Index input, Index output, int* count) : Dense<double>(input, output), passes(count) {}
    SequenceView<double> infer(SequenceView<double> x, Tape& tape, NoState = {}) const {
        ++*passes;
        return Dense<double>::infer(x, tape);
    }
};

auto small_model(Index outputs) {
    return Sequential{SimpleRNN<double>{2, 4, {}, {.seed = 1}}, Dense<double>{4, outputs, {.seed = 2}}};
}

} // namespace

TEST_CASE("evaluate: the mean over all real numbers, whatever the batch size") {
    const auto model = small_model(1);
    const std::vector<Index> lengths{6, 0, 3, 3, 1, 6, 5};
    Random random(40);
    const Dataset<double> data{random_sequence<double>(2, 6, 7, random, lengths),
                               random_sequence<double>(1, 6, 7, random, lengths)};
    const Sequence<double> output = model(data.x);
    const double loss = MeanSquaredError{}(output, data.y);
    const MetricSum mae = MeanAbsoluteError{}(output.view(), data.y);
    for (const Index batch_size : {1, 2, 7, 100}) {
        CHECK(evaluate(model, data, MeanSquaredError{}, {.batch_size = batch_size}).loss ==
              Catch::Approx(loss).epsilon(1e-13));
        const auto [same, metrics] =
            evaluate(model, data, MeanSquaredError{}, {.batch_size = batch_size, .metrics = {MeanAbsoluteError{}}});
        CHECK(same == Catch::Approx(loss).epsilon(1e-13));
        REQUIRE(metrics.size() == 1);
        CHECK(metrics[0] == Catch::Approx(mae.mean()).epsilon(1e-13));
    }
}

TEST_CASE("evaluate: a batch size below 1 and a data set without a target are refused") {
    const auto model = small_model(3);
    const Dataset<double> data{Sequence<double>(2, 6, 5), Sequence<double>(1, 6, 5)}; // every target is class 0
    REQUIRE_THROWS_WITH(evaluate(model, data, SoftmaxCrossEntropy{}, {.batch_size = 0}),
                        "evaluate: batch_size is 0, expected batch_size >= 1");
    REQUIRE_THROWS_WITH(evaluate(model, data, SoftmaxCrossEntropy{.ignore = 0}),
                        "evaluate: there is no target to compare with in the whole data set");
}

TEST_CASE("evaluate: a data set without a target is refused before the model has run") {
    int passes = 0;
    const CountedDense model(2, 3, &passes);
    const Dataset<double> data{Sequence<double>(2, 6, 5), Sequence<double>(1, 6, 5)};
    REQUIRE_THROWS_WITH(evaluate(model, data, SoftmaxCrossEntropy{.ignore = 0}, {.batch_size = 1}),
                        "evaluate: there is no target to compare with in the whole data set");
    CHECK(passes == 0);
    evaluate(model, data, SoftmaxCrossEntropy{}, {.batch_size = 1});
    CHECK(passes == 5);
}

TEST_CASE("evaluate: a sum is averaged over the batches, a mean doesn't depend on them") {
    const Dataset<double> data{Sequence<double>(Matrix<double>{{1, 2, 3, 4}}, 4),
                               Sequence<double>(Matrix<double>{{0, 0, 0, 0}}, 4)};
    Dense<double> model(1, 1);
    model.W().value(0, 0) = 1;
    const auto loss = [&](Reduction reduction, Index batch_size) {
        return evaluate(model, data, MeanSquaredError{.reduction = reduction}, {.batch_size = batch_size}).loss;
    };
    CHECK(loss(Reduction::sum, 4) == 30);
    CHECK(loss(Reduction::sum, 2) == 15);
    CHECK(loss(Reduction::sum, 3) == 15);
    CHECK(loss(Reduction::mean, 4) == 7.5);
    CHECK(loss(Reduction::mean, 3) == 7.5);
}
