#include "allocation/allocator.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/train/check_gradients.hpp"
#include "carousel/train/fit.hpp"
#include "train/going_on.hpp"

#include <optional>

using namespace carousel;
using namespace carousel::test;

namespace {

template <class Model>
void set_values(Model& model, const std::vector<Matrix<double>>& values) {
    std::size_t k = 0;
    for (const auto& named : parameters(model))
        named.parameter->value = values[k++];
}

} // namespace

TEST_CASE("allocation: an optimizer takes all memory when it is made, and another can be made after a failed one") {
    auto model = noisy_model();
    const auto before = values(model);
    for (const auto& named : parameters(model))
        named.parameter->grad.setOnes();
    const auto run = [&] {
        Optimizer optimizer{parameters(model), Adam{}};
        optimizer.step();
    };
    run();
    const auto after = values(model);
    CHECK(fail_each_allocation([&] { set_values(model, before); }, run,
                               [&](CallEnd outcome) {
                                   REQUIRE(outcome == CallEnd::bad_alloc);
                                   REQUIRE(values(model) == before);
                               }) > 3);
    CHECK(values(model) == after);
}

TEST_CASE("allocation: a failed one within fit is thrown, and the same call trains then as ever") {
    auto model = noisy_model();
    const auto before = values(model);
    const auto data = training_data(), validation = validation_data();
    const auto train = [&] {
        fit(model, data, validation, MeanSquaredError{}, Adam{},
            {.epochs = 2,
             .batch_size = 4,
             .bucket = 2,
             .metrics = {MeanAbsoluteError{}, R2Score{}},
             .clip_norm = 0.5,
             .truncate = 4});
    };
    train();
    const auto trained = values(model);
    const auto restore = [&] { set_values(model, before); };
    CHECK(fail_each_allocation(restore, train, [&](CallEnd outcome) {
              REQUIRE(outcome == CallEnd::bad_alloc);
              restore();
              train();
              REQUIRE(values(model) == trained);
          }) > 20);
}

TEST_CASE("allocation: a training goes on after a failed one, and puts its best epoch back") {
    auto model = noisy_model();
    const auto before = values(model);
    const auto data = training_data(), validation = validation_data();
    constexpr Index epochs = 4;
    std::optional<Training<decltype(model), Adam>> training;
    const auto restore = [&] {
        set_values(model, before);
        training.emplace(model, Adam{.learning_rate = 0.05});
    };
    const auto train = [&] {
        fit(*training, data, validation, MeanSquaredError{},
            {.epochs = epochs - training->epochs(),
             .batch_size = 4,
             .metrics = {MeanAbsoluteError{}, R2Score{}},
             .schedule = ReduceOnPlateau{.patience = 0},
             .early_stopping = EarlyStopping{.patience = epochs}});
    };
    const auto check_history = [&] {
        REQUIRE(training->epochs() == epochs);
        REQUIRE(training->history().epochs.size() == epochs);
        REQUIRE(evaluate(model, validation, MeanSquaredError{}).loss == training->history().best_loss());
    };
    CHECK(fail_each_allocation(restore, train, [&](CallEnd outcome) {
              REQUIRE(outcome == CallEnd::bad_alloc);
              train();
              check_history();
          }) > 20);
    check_history();
}

TEST_CASE(
    "allocation: a training whose steps are of two batches, with averages, goes on bit for bit after a failed one") {
    auto model = noisy_model();
    const auto before = values(model);
    const auto data = training_data(), validation = validation_data();
    constexpr Index epochs = 2;
    std::optional<Training<decltype(model), Adam>> training;
    const auto restore = [&] {
        set_values(model, before);
        training.emplace(model, Adam{.learning_rate = 0.05});
    };
    const auto train = [&] {
        fit(*training, data, validation, MeanSquaredError{},
            {.epochs = epochs - training->epochs(),
             .batch_size = 4,
             .accumulate = 2,
             .planned_epochs = epochs,
             .groups = {{.names = "*.b", .weight_decay = 0.0}},
             .schedule = OneCycle{},
             .schedule_steps = true,
             .moving_average = MovingAverage{.decay = 0.5}});
    };
    restore();
    train();
    const auto trained = values(model), averages = training->state().average;
    CHECK(fail_each_allocation(restore, train, [&](CallEnd outcome) {
              REQUIRE(outcome == CallEnd::bad_alloc);
              train();
              REQUIRE(values(model) == trained);
              REQUIRE(training->state().average == averages);
          }) > 20);
}

TEST_CASE("allocation: a failed one within check_gradients is thrown, and the model is as it was") {
    const Sequential original{SimpleRNN<double>{1, 2}, LastStep{}, Dense<double>{2, 1}};
    auto model = original;
    Random random(4);
    const auto x = random_sequence<double>(1, 3, 2, random), target = random_sequence<double>(1, 1, 2, random);
    double worst = 1;
    const auto check = [&] { worst = check_gradients(model, x, target, MeanSquaredError{}).worst; };
    CHECK(fail_each_allocation([] {}, check,
                               [&](CallEnd outcome) {
                                   REQUIRE(outcome == CallEnd::bad_alloc);
                                   REQUIRE(values(model) == values(original));
                               }) > 20);
    CHECK(worst < 1e-6);
}
