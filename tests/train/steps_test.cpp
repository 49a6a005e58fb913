// What fit makes of steps: several batches in one, moving averages of the parameters, early stopping by a metric.
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/loss/weighted.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/optim/freeze.hpp"
#include "carousel/optim/sgd.hpp"
#include "carousel/train/fit.hpp"

#include "catch.hpp"
#include "train/going_on.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

auto plain_model() {
    return Sequential{SimpleRNN<double>{2, 3, {}, {.seed = 4}}, Dense<double>{3, 1, {.seed = 5}}};
}

double largest_difference(const std::vector<Matrix<double>>& a, const std::vector<Matrix<double>>& b) {
    double largest = 0;
    for (std::size_t k = 0; k < a.size(); ++k)
        largest = std::max(largest, (a[k] - b[k]).cwiseAbs().maxCoeff());
    return largest;
}

/// Tokens of five kinds, of which an epoch's batches have some each.
Dataset<double> tokens() {
    Random random(9);
    Dataset<double> data{random_sequence<double>(1, 3, 8, random), random_sequence<double>(1, 3, 8, random)};
    for (Index k = 0; k < 24; ++k)
        data.x.values()(k) = static_cast<double>((k * k + k / 5) % 7);
    return data;
}
auto token_model() {
    return Sequential{Embedding<double>{9, 2, {.seed = 6}}, Dense<double>{2, 1, {.seed = 7}}};
}

/// The values of the parameters after each step of a run without averages.
template <class Model>
std::vector<std::vector<Matrix<double>>> path(Model& model, Index epochs) {
    std::vector<std::vector<Matrix<double>>> all{values(model)};
    const auto keep = [&](Progress& p) {
        if (!p.epoch_end)
            all.push_back(values(model));
    };
    fit(model, training_data(), MeanSquaredError{}, SGD{.learning_rate = 0.1},
        {.epochs = epochs, .batch_size = 4, .callbacks = {keep}});
    return all;
}

/// A loss of one's own that says what its targets weigh.
struct Weighing {
    double weight_of_targets;

    template <class S>
    double operator()(SequenceView<S> y, SequenceView<S> target, Sequence<S>* dy = nullptr) const {
        return MeanSquaredError{}(y, target, dy);
    }
    template <class S>
    double weight(SequenceView<S>, SequenceView<S>) const {
        return weight_of_targets;
    }
};

} // namespace

TEST_CASE("fit: a loss whose targets weigh less than nothing, or what is no number, is refused") {
    auto model = plain_model();
    const auto before = values(model);
    for (const double weight : {-1.0, std::numeric_limits<double>::infinity(), std::nan("")})
        CHECK_THROWS_WITH(fit(model, training_data(), Weighing{weight}, SGD{}, {.epochs = 1}),
                          "fit, evaluate: weight() of the loss gives " + detail::message_of(weight) +
                              ", expected what the targets weigh, finite and >= 0");
    CHECK(values(model) == before);
}

TEST_CASE("accumulate: several batches are a step of one large batch, whatever their targets weigh") {
    for (const double clip : {0.0, 1e-3}) {
        auto small = plain_model(), large = plain_model();
        const auto data = training_data(); // 12 sequences of several lengths
        const FitOptions options{.epochs = 3, .batch_size = 6, .shuffle = false, .clip_norm = clip};
        FitOptions accumulated = options;
        accumulated.batch_size = 2;
        accumulated.accumulate = 3;
        Training first{large, Adam{.learning_rate = 0.1, .epsilon = 1e-3}};
        Training second{small, Adam{.learning_rate = 0.1, .epsilon = 1e-3}};
        fit(first, data, MeanSquaredError{}, options);
        fit(second, data, MeanSquaredError{}, accumulated);
        CHECK(first.optimizer().steps() == second.optimizer().steps());
        CHECK(largest_difference(values(large), values(small)) < 1e-12);
        CHECK(std::abs(first.history().epochs[2].gradient_norm - second.history().epochs[2].gradient_norm) < 1e-12);
        CHECK(std::abs(first.history().epochs[2].loss - second.history().epochs[2].loss) < 1e-12);
    }
}

TEST_CASE("accumulate: the smallest and the largest weights come to the same bits as others") {
    const auto trained = [](double weight) {
        auto model = plain_model();
        Dataset<double> data = training_data(); // 60 targets
        data.y = with_weights(data.y, std::vector<double>(12, weight));
        fit(model, data, Weighted{MeanSquaredError{}}, SGD{}, {.epochs = 2, .batch_size = 4, .accumulate = 3});
        return values(model);
    };
    CHECK(trained(std::ldexp(1, -900)) == trained(1));
    CHECK(trained(std::ldexp(1, -1000)) == trained(1));
    CHECK(trained(std::ldexp(1, 1000)) == trained(1));

    const auto trained_in_float = [](double weight) {
        Sequential model{LSTM<float>{1, 3, {.seed = 1}}, Dense<float>{3, 1, {.seed = 2}}};
        Sequence<float> x(1, 4, 8);
        x.values().setConstant(0.5F);
        const History history =
            fit(model, Dataset<float>{x, with_weights(x, std::vector<double>(8, weight))}, Weighted{MeanSquaredError{}},
                SGD{}, {.epochs = 2, .batch_size = 2, .accumulate = 2});
        CHECK(history.epochs.back().skipped_steps == 0);
        return Matrix<float>(parameters(model)[0].parameter->value);
    };
    CHECK(trained_in_float(std::ldexp(1, -140)) == trained_in_float(1)); // whose inverse is infinite
    CHECK(trained_in_float(std::ldexp(1, 126)) == trained_in_float(1));  // whose sum is
}

TEST_CASE("accumulate: what is left at the end of an epoch makes a step, and batches without targets make none") {
    auto model = plain_model(), same = plain_model();
    Training training{model, SGD{}};
    fit(training, training_data(), MeanSquaredError{}, {.epochs = 2, .batch_size = 5, .accumulate = 2}); // 5 + 5, 2
    CHECK(training.optimizer().steps() == 4);
    CHECK(training.state().begun == std::nullopt);
    Training all{same, SGD{}};
    fit(all, training_data(), MeanSquaredError{}, {.batch_size = 1, .accumulate = 100});
    CHECK(all.optimizer().steps() == 1);
}

TEST_CASE(
    "accumulate: an epoch whose batches wait for a step isn't gone on with fewer batches a step, but begun anew") {
    auto model = LSTM<double>{1, 2, {}, {.seed = 1}};
    const Dataset<double> data{Sequence<double>(Matrix<double>::Random(1, 24), 8),
                               Sequence<double>(Matrix<double>::Random(2, 24), 8)};
    Training training{model, Adam{}};
    fit(training, data, MeanSquaredError{},
        {.batch_size = 1, .accumulate = 4, .callbacks = {[](Progress& p) { p.stop = p.batch == 6; }}});
    REQUIRE(training.state().begun->accumulated.batches == 2);
    fit(training, data, MeanSquaredError{}, {.batch_size = 1});
    CHECK(training.optimizer().steps() == 1 + 8);
    CHECK((training.epochs() == 1 && !training.state().begun));
}

TEST_CASE("accumulate: of an embedding the columns of all batches, and the same after a break in between") {
    const FitOptions options{.epochs = 3, .batch_size = 2, .accumulate = 3};
    auto small = token_model(), large = token_model(), broken = token_model();
    FitOptions ordered = options, whole = options;
    ordered.shuffle = whole.shuffle = false;
    whole.batch_size = 6;
    whole.accumulate = 1;
    fit(small, tokens(), MeanSquaredError{}, Adam{.learning_rate = 0.1, .epsilon = 1e-3}, ordered);
    fit(large, tokens(), MeanSquaredError{}, Adam{.learning_rate = 0.1, .epsilon = 1e-3}, whole);
    CHECK(largest_difference(values(small), values(large)) < 1e-12);

    auto once_model = token_model();
    Training once{once_model, Adam{.learning_rate = 0.1}};
    fit(once, tokens(), MeanSquaredError{}, options);
    Training runs{broken, Adam{.learning_rate = 0.1}};
    while (runs.epochs() < 3) {
        FitOptions one = options;
        one.epochs = 3 - runs.epochs();
        one.callbacks = {[](Progress& p) { p.stop = true; }};
        fit(runs, tokens(), MeanSquaredError{}, one);
        for (const auto& named : parameters(broken)) // what others do meanwhile with the gradients
            named.parameter->zero_grad();
        runs.set_state(runs.state(), runs.optimizer().state());
    }
    CHECK(values(once_model) == values(broken));
    CHECK(once.optimizer().state().moments == runs.optimizer().state().moments);
}

TEST_CASE("Training: gradients of batches without a step, and averages, that don't fit are refused") {
    auto model = token_model();
    Training training{model, SGD{}};
    fit(training, tokens(), MeanSquaredError{},
        {.batch_size = 2, .accumulate = 3, .moving_average = MovingAverage{}, .callbacks = {[](Progress& p) {
                                                                                  p.stop = true;
                                                                              }}});
    const auto good = training.state();
    REQUIRE(good.begun->accumulated.batches == 1);
    REQUIRE(good.begun->accumulated.columns[0].size() > 1);
    const auto refused = [&](auto&& change, const std::string& message) {
        CAPTURE(message);
        auto state = good;
        change(state, state.begun->accumulated);
        REQUIRE_THROWS_WITH(training.set_state(state, training.optimizer().state()), "Training::set_state: " + message);
    };
    refused([](auto&, auto& sums) { sums.batches = -1; }, "gradients of -1 batches of weight " +
                                                              detail::shortest(good.begun->accumulated.weight) +
                                                              " are added up, expected both >= 0");
    refused([](auto&, auto& sums) { sums.gradients.pop_back(); }, "added up are gradients of 2 parameters, expected 3");
    refused([](auto&, auto& sums) { sums.columns[0][0] = 9; },
            "the gradient added up of 0.Embedding.table has column 9, expected 0 <= column < 9");
    refused([](auto&, auto& sums) { sums.columns[0] = {1}; },
            "the gradient added up of 0.Embedding.table is 2 × " +
                std::to_string(good.begun->accumulated.columns[0].size()) + ", expected 2 × 1");
    refused([](auto&, auto& sums) { sums.columns[1] = {0}; },
            "the gradient added up of 1.Dense.W has columns of its own, expected none of a dense parameter");
    refused([](auto& state, auto&) { state.average[1].resize(1, 1); },
            "the averaged values of 1.Dense.W are 1 × 1, expected 1 × 2");
    training.set_state(good, training.optimizer().state());
}

TEST_CASE("MovingAverage: decay·average + (1 − decay)·w after each step, at the end the model's") {
    auto plain = plain_model(), averaged = plain_model(), kept = plain_model();
    const auto w = path(plain, 2);
    auto expected = w.front();
    for (std::size_t t = 1; t < w.size(); ++t)
        for (std::size_t k = 0; k < expected.size(); ++k)
            expected[k] = 0.7 * expected[k] + 0.3 * w[t][k];
    const FitOptions options{.epochs = 2, .batch_size = 4, .moving_average = MovingAverage{.decay = 0.7}};
    fit(averaged, training_data(), MeanSquaredError{}, SGD{.learning_rate = 0.1}, options);
    CHECK(largest_difference(values(averaged), expected) < 1e-14);

    FitOptions keep = options;
    keep.moving_average->assign_at_end = false;
    Training training{kept, SGD{.learning_rate = 0.1}};
    fit(training, training_data(), MeanSquaredError{}, keep);
    CHECK(values(kept) == w.back());
    CHECK(largest_difference(training.state().average, expected) < 1e-14);
    fit(training, training_data(), MeanSquaredError{}, {.batch_size = 4}); // without
    CHECK(training.state().average.empty());
}

TEST_CASE("MovingAverage: validation and the best epoch are of the averages") {
    auto model = plain_model();
    Training training{model, SGD{.learning_rate = 0.1}};
    const auto validation = validation_data();
    fit(training, training_data(), validation, MeanSquaredError{},
        {.epochs = 3, .batch_size = 4, .moving_average = MovingAverage{.decay = 0.9}});
    CHECK(evaluate(model, validation, MeanSquaredError{}).loss ==
          Approx(training.history().epochs.back().validation_loss).epsilon(1e-14));
    fit(training, training_data(), validation, MeanSquaredError{},
        {.epochs = 9,
         .batch_size = 4,
         .moving_average = MovingAverage{.decay = 0.9},
         .early_stopping = EarlyStopping{.patience = 50}});
    CHECK(evaluate(model, validation, MeanSquaredError{}).loss ==
          Approx(training.history().best_loss()).epsilon(1e-14));
}

TEST_CASE("MovingAverage: what is frozen has itself as its average, and changed parameters begin anew") {
    auto model = plain_model();
    freeze(model, "0.*");
    const auto before = values(model);
    Training training{model, SGD{.learning_rate = 0.1}};
    const FitOptions options{.epochs = 1, .batch_size = 4, .moving_average = MovingAverage{.decay = 0.5}};
    fit(training, training_data(), MeanSquaredError{}, options);
    CHECK(values(model)[0] == before[0]);
    for (const auto& named : parameters(model))
        named.parameter->value.setConstant(100);
    training.set_learning_rate(1e-6);
    fit(training, training_data(), MeanSquaredError{}, options);
    CHECK(values(model)[0](0) == 100);
    CHECK(std::abs(training.state().average[3](0) - 100) < 0.1); // and not near what it was
}

TEST_CASE("EarlyStopping: by a metric, as large or as small as can be") {
    const auto by = [](EarlyStopping stopping) {
        auto model = plain_model();
        Training training{model, Adam{.learning_rate = 0.02}};
        fit(training, training_data(), validation_data(), MeanSquaredError{},
            {.epochs = 30, .batch_size = 4, .metrics = {MeanAbsoluteError{}}, .early_stopping = stopping});
        std::vector<double> metric;
        for (const EpochReport& report : training.history().epochs)
            metric.push_back(report.validation_metrics[0]);
        const auto best = stopping.maximize ? std::max_element(metric.begin(), metric.end())
                                            : std::min_element(metric.begin(), metric.end());
        CHECK(training.history().best_epoch == best - metric.begin() + 1);
        CHECK(evaluate(model, validation_data(), MeanSquaredError{}, {.metrics = {MeanAbsoluteError{}}}).metrics[0] ==
              Approx(*best).epsilon(1e-12));
        CHECK(training.state().best_loss == (stopping.maximize ? -*best : *best));
        return training.history().epochs.size();
    };
    by({.patience = 100, .metric = "mae"});
    CHECK(by({.patience = 3, .metric = "mae", .maximize = true}) < 30);
}

TEST_CASE("EarlyStopping: a call that judges by something else than the one before it compares like with like") {
    auto model = plain_model();
    Training training{model, Adam{.learning_rate = 0.02}};
    FitOptions options{.epochs = 2, .batch_size = 4, .metrics = {MeanAbsoluteError{}}};
    options.early_stopping = EarlyStopping{.patience = 50, .metric = "mae", .maximize = true};
    fit(training, training_data(), validation_data(), MeanSquaredError{}, options);
    REQUIRE(training.state().best_loss < 0); // below any loss
    options.epochs = 10;
    options.early_stopping = EarlyStopping{.patience = 50};
    fit(training, training_data(), validation_data(), MeanSquaredError{}, options);
    const auto& reports = training.history().epochs;
    const auto best = static_cast<std::size_t>(training.history().best_epoch) - 1;
    CHECK(best >= 2);
    for (std::size_t k = 2; k < reports.size(); ++k)
        CHECK(reports[best].validation_loss <= reports[k].validation_loss);
    CHECK(training.state().best_loss == reports[best].validation_loss);
    options.validation_split = 0;
    options.epochs = 1; // and without a validation set by the training loss
    fit(training, training_data(), MeanSquaredError{}, options);
    CHECK(training.state().best_loss == reports[static_cast<std::size_t>(training.history().best_epoch) - 1].loss);
}

TEST_CASE("fit: options of steps, averages and metrics that can't be are named") {
    auto model = plain_model();
    const auto refused = [&](const FitOptions& options, const std::string& message) {
        CAPTURE(message);
        REQUIRE_THROWS_WITH(fit(model, training_data(), MeanSquaredError{}, SGD{}, options), message);
    };
    refused({.accumulate = 0}, "fit: accumulate is 0, expected accumulate >= 1");
    refused({.accumulate = 2, .truncate = 3},
            "fit: accumulate is 2 and truncate 3, expected accumulate = 1 or truncate "
            "= 0: each chunk makes a step");
    refused({.moving_average = MovingAverage{.decay = 1}},
            "fit: the moving average's decay is 1, expected 0 <= decay < 1");
    refused({.early_stopping = EarlyStopping{.metric = "mae"}},
            "fit: early stopping's metric is mae, which is not among the metrics");
    refused({.metrics = {MeanAbsoluteError{}, MeanAbsoluteError{}}, .early_stopping = EarlyStopping{.metric = "mae"}},
            "fit: early stopping's metric is mae, which is the name of 2 metrics, expected of one");
    refused({.early_stopping = EarlyStopping{.maximize = true}},
            "fit: early stopping is to maximize the loss, expected a metric to maximize");
}
