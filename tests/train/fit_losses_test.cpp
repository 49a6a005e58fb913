// What the losses come to in fit and evaluate: one small model under all of them.
#include "carousel/layer/dense.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/ctc_loss.hpp"
#include "carousel/loss/elementwise.hpp"
#include "carousel/loss/gaussian_nll_loss.hpp"
#include "carousel/loss/huber_loss.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/loss/quantile_loss.hpp"
#include "carousel/loss/weighted.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/train/check_gradients.hpp"
#include "carousel/train/classification_metrics.hpp"
#include "carousel/train/fit.hpp"
#include "carousel/train/interval_metrics.hpp"
#include "carousel/train/label_error_rate.hpp"
#include "carousel/train/regression_metrics.hpp"

#include "catch.hpp"
#include "support.hpp"

#include <limits>
#include <string>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

constexpr double gap = std::numeric_limits<double>::quiet_NaN();

auto net(Index inputs, Index units, Index outputs) {
    return Sequential{SimpleRNN<double>{inputs, units, {}, {.seed = 1}}, Dense<double>{units, outputs, {.seed = 2}}};
}

/// All parameters, one after the other.
template <class Model>
std::vector<double> numbers(Model& model) {
    std::vector<double> result;
    for (const auto& [name, parameter] : parameters(model))
        result.insert(result.end(), parameter->value.data(), parameter->value.data() + parameter->value.size());
    return result;
}

/// Those that training with this loss comes to.
template <class L>
std::vector<double> trained(const Dataset<double>& data, const L& loss, FitOptions options = {}) {
    auto model = net(1, 3, 1);
    options.epochs = 3;
    fit(model, data, loss, Adam{.learning_rate = 1e-2}, options);
    return numbers(model);
}

double apart(const std::vector<double>& a, const std::vector<double>& b) {
    double most = a.size() == b.size() ? 0 : 1;
    for (std::size_t k = 0; k < std::min(a.size(), b.size()); ++k)
        most = std::max(most, std::abs(a[k] - b[k]));
    return most;
}

Dataset<double> ragged_data() {
    Random random(5);
    const std::vector<Index> lengths{4, 2, 4, 3};
    return {random_sequence<double>(1, 4, 4, random, lengths), random_sequence<double>(1, 4, 4, random, lengths)};
}

/// 2x + noise that grows with |x|.
Dataset<double> noisy(Index count, std::uint64_t seed) {
    Random random(seed);
    Dataset<double> data{Sequence<double>(1, 1, count), Sequence<double>(1, 1, count)};
    for (Index k = 0; k < count; ++k) {
        const double x = random.uniform(-1, 1);
        data.x.data()[k] = x;
        data.y.data()[k] = 2 * x + (0.2 + std::abs(x)) * random.normal();
    }
    return data;
}

} // namespace

TEST_CASE("QuantileLoss: 80 % intervals contain 80 % of what hasn't been seen, where the noise is small as where it is "
          "large") {
    auto model = net(1, 8, 3);
    fit(model, noisy(1000, 1), QuantileLoss{{.1, .5, .9}}, Adam{.learning_rate = 2e-2}, {.epochs = 30});
    const Dataset<double> test = noisy(4000, 2);
    const auto evaluation =
        evaluate(model, test, QuantileLoss{{.1, .5, .9}},
                 {.metrics = {IntervalCoverage{}, OfOutput{R2Score{}, 1, 3}, MeanPinballLoss{{.1, .5, .9}}}});
    CHECK(evaluation.metrics[0] == Catch::Approx(0.8).margin(0.04));
    CHECK(evaluation.metrics[1] > 0.6); // of 0.68, as far as the noise allows
    CHECK(evaluation.metrics[2] == Catch::Approx(evaluation.loss));
    Dataset<double> quiet = noisy(4000, 3), loud = quiet;
    for (Index k = 0; k < 4000; ++k)
        (std::abs(quiet.x.data()[k]) < 0.5 ? loud : quiet).y.data()[k] = gap;
    for (const auto& part : {quiet, loud})
        CHECK(evaluate(model, part, QuantileLoss{.quantiles = {.1, .5, .9}, .skip_nan = true},
                       {.metrics = {IntervalCoverage{}}})
                  .metrics[0] == Catch::Approx(0.8).margin(0.06));
}

TEST_CASE("GaussianNLLLoss: learns the spread") {
    auto model = net(1, 8, 2);
    const GaussianNLLLoss loss;
    fit(model, noisy(1000, 1), loss, Adam{.learning_rate = 2e-2}, {.epochs = 30});
    const Sequence<double> x(Matrix<double>{{0, 0.5, -0.5}}, 3);
    const Sequence<double> y = model(x);
    CHECK(loss.standard_deviation(y.values()(1, 0)) == Catch::Approx(0.25).margin(0.12));
    CHECK(loss.standard_deviation(y.values()(1, 1)) == Catch::Approx(0.7).margin(0.2));
    CHECK(y.values()(0, 1) == Catch::Approx(1).margin(0.2));
}

TEST_CASE("fit: missing targets are refused unless the loss skips them, and then it is as if they weren't there") {
    Dataset<double> data = ragged_data();
    data.y.step(1)(0, 2) = gap;
    data.y.step(3)(0, 0) = gap;
    auto model = net(1, 3, 1);
    REQUIRE_THROWS_WITH(fit(model, data, HuberLoss{}, Adam{}),
                        "HuberLoss: the target at feature 0, step 1 of sequence 2 is nan, expected a finite number; "
                        "skip_nan passes over NaN");
    const HuberLoss skipping{.skip_nan = true};
    std::vector<double> ones(16, 1.0);
    ones[1 * 4 + 2] = ones[3 * 4 + 0] = 0;
    Dataset<double> masked = data;
    masked.y = with_weights(data.y, ones);
    for (const FitOptions& options :
         {FitOptions{.batch_size = 2, .metrics = {R2Score{}}}, FitOptions{.batch_size = 3, .bucket = 1},
          FitOptions{.batch_size = 4, .truncate = 2}}) {
        const auto expected = trained(data, skipping, options);
        FitOptions others = options;
        if (!others.metrics.empty())
            others.metrics = {Weighted{R2Score{}}};
        CHECK(apart(trained(masked, Weighted{HuberLoss{}}, others), expected) < 1e-14);
    }
    const Evaluation with_gaps = evaluate(model, data, skipping, {.metrics = {MeanAbsoluteError{}}});
    CHECK(std::isfinite(with_gaps.metrics[0]));
    data.y.values().setConstant(gap);
    REQUIRE_THROWS_WITH(
        fit(model, data, skipping, Adam{}),
        "fit: there is no target to compare with in 4 samples to train with, every one is padding, ignored or of "
        "weight 0");
}

TEST_CASE("Weighted: a sequence of weight 2 is one that is there twice, one of weight 0 isn't there") {
    const Dataset<double> data = ragged_data();
    Dataset<double> weighted{data.x, with_weights(data.y, std::vector<double>{1, 2, 0, 1})};
    Dataset<double> twice;
    const std::vector<Index> samples{0, 1, 1, 3};
    data.batch(samples, twice.x, twice.y);
    CHECK(apart(trained(weighted, Weighted{HuberLoss{}}), trained(twice, HuberLoss{})) < 1e-12);
    CHECK(apart(trained(weighted, Weighted{Elementwise{[](double y, double t) {
                            return Term{(y - t) * (y - t), 2 * (y - t)};
                        }}}),
                trained(twice, MeanSquaredError{})) < 1e-12);
    auto model = net(1, 3, 1);
    CHECK(evaluate(model, weighted, Weighted{HuberLoss{}}).loss ==
          Catch::Approx(evaluate(model, twice, HuberLoss{}, {.batch_size = 3}).loss));
    CHECK(check_gradients(model, weighted.x, weighted.y, Weighted{HuberLoss{}}).worst < 1e-6);
    REQUIRE_THROWS_WITH(fit(model, weighted, HuberLoss{}, Adam{}),
                        "HuberLoss: the targets have 2 features, expected 1");
    REQUIRE_THROWS_WITH(with_weights(data.y, std::vector<double>{1, 2}),
                        "with_weights: 2 weights were given, expected one for each of 4 sequences, or of 16 columns");
    REQUIRE_THROWS_WITH(
        fit(model, Dataset<double>{data.x, Sequence<double>(0, 4, 4, data.x.lengths())}, Weighted{HuberLoss{}}, Adam{}),
        "Weighted: the targets have 0 features, expected the weight as the last; with_weights adds it");
    weighted.y.step(0)(1, 3) = -1;
    REQUIRE_THROWS_WITH(fit(model, weighted, Weighted{HuberLoss{}}, Adam{}),
                        "HuberLoss: the weight at step 0 of sequence 3 is -1, expected a finite number >= 0");
}

TEST_CASE("confusion_matrix: of a model on a data set, padding and missing targets left out") {
    auto model = net(1, 2, 2);
    for (const auto& [name, parameter] : parameters(model))
        parameter->value.setZero();
    auto& bias = *parameters(model).back().parameter;
    bias.value(1) = 1; // all are taken for 1
    Dataset<double> data = ragged_data();
    data.y.values().setZero();
    data.y.step(1)(0, 0) = 1;
    data.y.step(1)(0, 2) = gap;
    CHECK(confusion_matrix(model, data) == Matrix<double>{{0, 11}, {0, 1}});
    CHECK(confusion_matrix(model, data, {.ignore = 1}, 2) == Matrix<double>{{0, 11}, {0, 0}});
}

TEST_CASE("CTCLoss: a net finds the labels of sequences whose places it isn't told") {
    // Labels 1 to 3, each held for two to four steps with a rest of one or two behind it.
    Random random(6);
    std::vector<Matrix<double>> x, labels;
    for (Index k = 0; k < 40; ++k) {
        const Index count = 2 + random.below(3);
        Matrix<double> input(3, 0), label(1, count);
        for (Index j = 0; j < count; ++j) {
            const Index which = random.below(3), held = 2 + random.below(3), rest = 1 + random.below(2);
            const Index before = input.cols();
            input.conservativeResize(3, before + held + rest);
            input.rightCols(held + rest).setZero();
            input.row(which).segment(before, held).setOnes();
            label(j) = static_cast<double>(which + 1);
        }
        x.push_back(input);
        labels.push_back(label);
    }
    const Dataset<double> data = sequences(x, labels);
    auto model = net(3, 8, 4);
    const History history = fit(model, data, CTCLoss{}, Adam{.learning_rate = 2e-2}, {.epochs = 40, .batch_size = 8});
    CHECK(history.epochs.back().loss < 0.05 * history.epochs.front().loss);
    const Evaluation evaluation = evaluate(model, data, CTCLoss{}, {.metrics = {LabelErrorRate{}}});
    CHECK(evaluation.loss < 0.1);
    CHECK(evaluation.metrics[0] < 0.05);
    Dataset<double> wrong = data;
    wrong.y.data()[3] = 0;
    REQUIRE_THROWS_WITH(
        fit(model, wrong, CTCLoss{}, Adam{}),
        "CTCLoss: the target at step 0 of sequence 3 is 0, expected a label, 0 … 3 but not the blank, 0");
    CHECK(check_gradients(model, data.slice(0, 2).x, data.slice(0, 2).y, CTCLoss{}).worst < 1e-6);
}

TEST_CASE("CTCLoss: isn't cut into chunks") {
    const Dataset<double> data{Sequence<double>(3, 6, 2), Sequence<double>(Matrix<double>::Ones(1, 12), 2)};
    auto model = net(3, 4, 4);
    const Matrix<double> before = std::as_const(model).template layer<1>().W().value;
    const std::string message = "fit: truncate is 3, expected 0 with a loss over a whole sequence, as CTCLoss, which "
                                "has no part for each chunk";
    REQUIRE_THROWS_WITH(fit(model, data, CTCLoss{.zero_infinity = true}, Adam{}, {.truncate = 3}), message);
    REQUIRE_THROWS_WITH(fit(model, data, data, CTCLoss{.zero_infinity = true}, Adam{}, {.truncate = 3}), message);
    CHECK(std::as_const(model).template layer<1>().W().value == before);
}
