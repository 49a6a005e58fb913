// Whole trainings: ten steps as PyTorch makes them, and small tasks that are learnt.
#include "carousel/layer/dense.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/optim/rmsprop.hpp"
#include "carousel/optim/sgd.hpp"
#include "carousel/train/fit.hpp"

#include "catch.hpp"
#include "golden.hpp"
#include "support.hpp"

#include <cmath>
#include <numbers>
#include <string>

using namespace carousel;
using namespace carousel::test;

namespace {

constexpr double bound = 1e-12;

/// Ten full-batch steps of LSTM, last step, Dense, from the file's start; its losses and parameters are expected.
template <class Rule>
void check(const std::string& file, Rule rule, FitOptions options = {}, const std::string& prefix = "") {
    const Golden golden(file);
    Sequential model{LSTM<double>{2, 4}, LastStep{}, Dense<double>{4, 1}};
    auto& lstm = model.template layer<0>();
    auto& dense = model.template layer<2>();
    lstm.W().value = golden.matrix("W");
    lstm.U().value = golden.matrix("U");
    lstm.b().value = golden.vector("b");
    dense.W().value = golden.matrix("W_dense");
    dense.b().value = golden.vector("b_dense");

    const Dataset<double> data{Sequence<double>(golden.sequence("x"), 4), Sequence<double>(golden.state("target"), 4)};
    options.epochs = 10; // of one step
    options.batch_size = 4;
    options.shuffle = false;
    const History history = fit(model, data, MeanSquaredError{}, rule, options);

    INFO(file);
    const auto column = [&](double EpochReport::*member) {
        Vector<double> numbers(10);
        for (std::size_t k = 0; k < 10; ++k)
            numbers(static_cast<Index>(k)) = history.epochs[k].*member;
        return numbers;
    };
    CHECK(difference(column(&EpochReport::loss), golden.vector(prefix + "loss")) < bound);
    CHECK(difference(lstm.W().value, golden.matrix(prefix + "final_W")) < bound);
    CHECK(difference(lstm.U().value, golden.matrix(prefix + "final_U")) < bound);
    CHECK(difference(lstm.b().value, golden.vector(prefix + "final_b")) < bound);
    CHECK(difference(dense.W().value, golden.matrix(prefix + "final_W_dense")) < bound);
    CHECK(difference(dense.b().value, golden.vector(prefix + "final_b_dense")) < bound);
    if (options.clip_norm > 0)
        CHECK(difference(column(&EpochReport::gradient_norm), golden.vector(prefix + "norm")) < bound);
    if (options.schedule)
        CHECK(difference(column(&EpochReport::learning_rate), golden.vector("learning_rates")) < bound);
}

} // namespace

TEST_CASE("fit: ten steps of every optimizer agree with PyTorch") {
    check("training_sgd.txt", SGD{.learning_rate = 0.1});
    check("training_sgd_momentum.txt", SGD{.learning_rate = 0.1, .momentum = 0.9});
    check("training_sgd_nesterov.txt", SGD{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true});
    check("training_rmsprop.txt", RMSprop{.learning_rate = 0.01, .rho = 0.9, .epsilon = 1e-7});
    check("training_rmsprop_centered_momentum.txt",
          RMSprop{.learning_rate = 0.01, .rho = 0.9, .epsilon = 1e-7, .momentum = 0.5, .centered = true});
    check("training_adam.txt", Adam{.learning_rate = 0.01});
    check("training_adamw.txt", AdamW{.learning_rate = 0.01, .weight_decay = 0.01});
    check("training_adam_l2.txt", Adam{.learning_rate = 0.01, .weight_decay = 0.01});
}

TEST_CASE("fit: ten steps with a clipped norm agree with PyTorch's, without what it adds to the norm") {
    check("training_clip_norm.txt", SGD{.learning_rate = 0.5}, {.clip_norm = 0.25}, "plain_");
}

TEST_CASE("fit: ten steps with a schedule agree with PyTorch") {
    check("training_step_lr.txt", SGD{.learning_rate = 0.5}, {.schedule = StepDecay{.every = 3, .factor = 0.5}});
    check("training_cosine_lr.txt", SGD{.learning_rate = 0.5},
          {.schedule = CosineAnnealing{.epochs = 10, .minimum = 0.01}});
}

TEST_CASE("Sequential: stacked LSTMs agree with PyTorch in loss and all gradients") {
    const Golden golden("stacked.txt");
    Sequential model{LSTM<double>{2, 3}, LSTM<double>{3, 3}, LastStep{}, Dense<double>{3, 2}};
    const std::vector<std::string> names{"W_0", "U_0", "b_0", "W_1", "U_1", "b_1", "W_dense", "b_dense"};
    const auto numbers = [&](const std::string& name) -> Matrix<double> {
        return golden.shape(name).size() == 1 ? Matrix<double>(golden.vector(name))
                                              : Matrix<double>(golden.matrix(name));
    };
    const auto list = parameters(model);
    REQUIRE(list.size() == names.size());
    for (std::size_t k = 0; k < list.size(); ++k)
        list[k].parameter->value = numbers(names[k]);

    const Sequence<double> x(golden.sequence("x"), 3), target(golden.state("target"), 3);
    decltype(model)::Tape tape;
    Sequence<double> dy;
    const auto y = model.forward(x, tape);
    CHECK(difference(y.values(), golden.state("prediction")) < bound);
    CHECK(MeanSquaredError{}(y, target, &dy) == Catch::Approx(golden.scalar("loss")).epsilon(bound));
    const auto dx = model.backward(dy, tape);
    CHECK(difference(dx.values(), golden.sequence("grad_x")) < bound);
    for (std::size_t k = 0; k < list.size(); ++k)
        CHECK(difference(list[k].parameter->grad, numbers("grad_" + names[k])) < bound);
}

TEST_CASE("LSTM: learns to recall the first of 20 symbols") {
    const Index samples = 512, steps = 20;
    Random random(50);
    Dataset<float> data{Sequence<float>(2, steps, samples), Sequence<float>(1, 1, samples)};
    for (Index b = 0; b < samples; ++b)
        for (Index t = 0; t < steps; ++t) {
            const float symbol = random.uniform() < 0.5 ? -1.0F : 1.0F;
            data.x.step(t)(0, b) = symbol;
            data.x.step(t)(1, b) = t == 0 ? 1.0F : 0.0F; // the mark of the one to keep
            if (t == 0)
                data.y.values()(0, b) = symbol;
        }
    Sequential model{LSTM<float>{2, 8}, LastStep{}, Dense<float>{8, 1}};
    model.initialize(1);
    const History history = fit(model, data, MeanSquaredError{}, Adam{.learning_rate = 0.02},
                                {.epochs = 40, .batch_size = 32, .validation_split = 0.25, .clip_norm = 1});
    CHECK(history.epochs.front().validation_loss > 0.5); // guessing: 1
    CHECK(history.best_loss() < 0.01);
}

TEST_CASE("LSTM: learns to continue a noisy sine") {
    Random random(51);
    std::vector<float> series;
    for (int t = 0; t < 400; ++t)
        series.push_back(static_cast<float>(std::sin(2 * std::numbers::pi * t / 25) + 0.05 * random.normal()));
    Sequential model{LSTM<float>{1, 12}, LastStep{}, Dense<float>{12, 1}};
    model.initialize(1);
    const History history = fit(model, windows(series, {.steps = 20}), MeanSquaredError{}, Adam{.learning_rate = 0.01},
                                {.epochs = 25, .batch_size = 32, .validation_split = 0.1});
    CHECK(history.best_loss() < 0.01); // the variance is 0.5, of the noise 0.0025
}
