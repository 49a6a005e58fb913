#include "carousel/optim/schedule.hpp"

#include "catch.hpp"
#include "golden.hpp"

#include <cmath>
#include <limits>

using namespace carousel;

namespace {

/// The rates of the epochs 0, 1, …, as a training loop would ask for them.
Eigen::VectorXd rates(Schedule schedule, Index epochs, double initial_rate = 0.1, Index planned = 0) {
    Eigen::VectorXd result(epochs);
    ScheduleInput input{.epochs = planned > 0 ? planned : epochs, .initial_rate = initial_rate, .rate = initial_rate};
    for (; input.epoch < epochs; ++input.epoch) {
        input.rate = schedule(input);
        input.loss = 1;
        result(input.epoch) = input.rate;
    }
    return result;
}

/// The rates of all steps of so many epochs.
Eigen::VectorXd step_rates(Schedule schedule, Index epochs, Index steps, double initial_rate = 0.1) {
    Eigen::VectorXd result(epochs * steps);
    ScheduleInput input{.epochs = epochs, .initial_rate = initial_rate, .rate = initial_rate, .steps = steps};
    for (; input.epoch < epochs; ++input.epoch)
        for (input.step = 0; input.step < steps; ++input.step)
            result(input.epoch * steps + input.step) = input.rate = schedule(input);
    return result;
}

void check_same(const Eigen::VectorXd& rates, const Eigen::VectorXd& expected) {
    REQUIRE(rates.size() == expected.size());
    CHECK((rates - expected).cwiseAbs().maxCoeff() < 1e-15);
}

} // namespace

TEST_CASE("StepDecay, ExponentialDecay, CosineAnnealing: the rates agree with PyTorch") {
    const test::Golden golden("schedules.txt");
    check_same(rates(StepDecay{.every = 4, .factor = 0.1}, 13), golden.vector("step"));
    check_same(rates(ExponentialDecay{.factor = 0.9}, 13), golden.vector("exponential"));
    check_same(rates(CosineAnnealing{.epochs = 20, .minimum = 0.001}, 21), golden.vector("cosine"));
}

TEST_CASE("CosineAnnealing: without a length it falls for as long as the training is planned") {
    check_same(rates(CosineAnnealing{.minimum = 0.001}, 13, 0.1, 20),
               rates(CosineAnnealing{.epochs = 20, .minimum = 0.001}, 13));
}

TEST_CASE("ReduceOnPlateau: the rates agree with PyTorch") {
    const test::Golden golden("schedules.txt");
    const Eigen::VectorXd losses = golden.vector("plateau_metrics");
    Schedule schedule = ReduceOnPlateau{.factor = 0.5, .patience = 2, .minimum = 0.02, .cooldown = 1};
    Eigen::VectorXd rates(losses.size());
    for (int run = 0; run < 2; ++run) { // epoch 0 begins anew
        ScheduleInput input{.epochs = losses.size(), .initial_rate = 0.1, .rate = 0.1};
        CHECK(schedule(input) == 0.1);
        for (Index k = 0; k < losses.size(); ++k) {
            input.epoch = k + 1;
            input.loss = losses(k);
            input.rate = schedule(input);
            rates(k) = input.rate;
        }
        check_same(rates, golden.vector("plateau_rates"));
    }
}

TEST_CASE("ReduceOnPlateau, Warmup: from the losses so far a fresh one has the rates of one that remembers") {
    const test::Golden golden("schedules.txt");
    const Eigen::VectorXd losses = golden.vector("plateau_metrics");
    const ReduceOnPlateau plateau{.factor = 0.5, .patience = 2, .minimum = 0.02, .cooldown = 1};
    Eigen::VectorXd rates(losses.size());
    double rate = 0.1;
    for (Index k = 0; k < losses.size(); ++k) {
        Schedule fresh = plateau;
        rate = fresh({.epoch = k + 1,
                      .initial_rate = 0.1,
                      .rate = rate,
                      .loss = losses(k),
                      .losses = {losses.data(), static_cast<std::size_t>(k) + 1}});
        rates(k) = rate;
    }
    check_same(rates, golden.vector("plateau_rates"));

    const std::vector<double> flat(9, 1.0); // the losses of the warm-up's epochs don't count
    Schedule remembers = Warmup{.epochs = 3, .then = ReduceOnPlateau{.factor = 0.5, .patience = 1}};
    double first = 1, second = 1;
    for (std::size_t epoch = 0; epoch < 9; ++epoch) {
        Schedule fresh = Warmup{.epochs = 3, .then = ReduceOnPlateau{.factor = 0.5, .patience = 1}};
        ScheduleInput input{.epoch = static_cast<Index>(epoch), .initial_rate = 1, .rate = first, .loss = 1};
        first = remembers(input);
        input.rate = second;
        input.losses = std::span(flat).first(epoch);
        second = fresh(input);
        CHECK(first == second);
    }
    CHECK(first == 0.25);
}

TEST_CASE("ReduceOnPlateau: a loss that is NaN counts as no improvement") {
    ReduceOnPlateau schedule{.factor = 0.5, .patience = 1};
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(schedule({.epoch = 1, .rate = 1, .loss = nan}) == 1);
    CHECK(schedule({.epoch = 2, .rate = 1, .loss = nan}) == 0.5);
}

TEST_CASE("Warmup: rises in a line and hands over to the next schedule") {
    Eigen::VectorXd expected(7);
    expected << 0.25, 0.4375, 0.625, 0.8125, 1, 0.5, 0.25;
    check_same(rates(Warmup{.epochs = 4, .start = 0.25, .then = ExponentialDecay{.factor = 0.5}}, 7, 1), expected);
    expected << 0.25, 0.4375, 0.625, 0.8125, 1, 1, 1;
    check_same(rates(Warmup{.epochs = 4, .start = 0.25}, 7, 1), expected);
    expected << 0.5, 1, 1, 0.5, 0.5, 0.5, 0.25;
    check_same(rates(Warmup{.epochs = 1, .start = 0.5, .then = ReduceOnPlateau{.factor = 0.5, .patience = 0}}, 3, 1),
               expected.head(3));
    // cosine: what is left of the training after the warm-up
    check_same(rates(Warmup{.epochs = 2, .then = CosineAnnealing{}}, 6, 1).tail(4), rates(CosineAnnealing{}, 4, 1));
}

TEST_CASE("OneCycle: the rates agree with PyTorch, asked before every step or every epoch") {
    const test::Golden golden("schedules.txt");
    const OneCycle linear{.warmup = 0.25, .start_divisor = 10, .final_divisor = 100, .linear = true};
    check_same(rates(OneCycle{}, 20), golden.vector("one_cycle"));
    check_same(rates(linear, 20), golden.vector("one_cycle_linear"));
    check_same(step_rates(OneCycle{}, 5, 4), golden.vector("one_cycle"));
    check_same(step_rates(linear, 2, 10), golden.vector("one_cycle_linear"));
    CHECK(OneCycle{.epochs = 5}({.epoch = 9, .epochs = 10, .initial_rate = 1}) == 1 / 25.0 / 1e4); // after its end
    CHECK(OneCycle{.warmup = 0}({.epochs = 10, .initial_rate = 1}) == 1);
    CHECK(OneCycle{}({.epochs = 0, .initial_rate = 1}) == 1);
}

TEST_CASE("Schedule: asked before every step, an epoch has parts") {
    const test::Golden golden("schedules.txt");
    const auto close = [](const Eigen::VectorXd& rates, const Eigen::VectorXd& expected) {
        CHECK((rates - expected).cwiseAbs().maxCoeff() < 1e-15);
    };
    close(step_rates(CosineAnnealing{.epochs = 5, .minimum = 0.001}, 5, 4), golden.vector("cosine").head(20));
    close(step_rates(ExponentialDecay{.factor = std::pow(0.9, 4)}, 3, 4), golden.vector("exponential").head(12));
    close(step_rates(StepDecay{.every = 1}, 2, 4).head(5), golden.vector("step").head(5));
    Eigen::VectorXd expected(8);
    expected << 0.25, 0.4375, 0.625, 0.8125, 1, 1, 1, 1;
    close(step_rates(Warmup{.epochs = 1, .start = 0.25}, 2, 4, 1), expected);
    expected << 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5; // NaN hasn't fallen
    close(step_rates(ReduceOnPlateau{.factor = 0.5, .patience = 0}, 2, 4, 1), expected);
}

TEST_CASE("Schedule: settings out of their range are named") {
    const ScheduleInput input{.epoch = 1, .epochs = 2, .initial_rate = 1, .rate = 1, .loss = 1};
    REQUIRE_THROWS_WITH(StepDecay{.every = 0}(input), "StepDecay: every is 0, expected every >= 1");
    REQUIRE_THROWS_WITH(StepDecay{.factor = 0}(input), "StepDecay: factor is 0, expected factor > 0");
    REQUIRE_THROWS_WITH(ExponentialDecay{.factor = -1}(input), "ExponentialDecay: factor is -1, expected factor > 0");
    REQUIRE_THROWS_WITH(CosineAnnealing{.epochs = -1}(input), "CosineAnnealing: epochs is -1, expected epochs >= 0");
    REQUIRE_THROWS_WITH(CosineAnnealing{.minimum = -1}(input), "CosineAnnealing: minimum is -1, expected minimum >= 0");
    REQUIRE_THROWS_WITH(ReduceOnPlateau{.factor = 1}(input), "ReduceOnPlateau: factor is 1, expected 0 < factor < 1");
    REQUIRE_THROWS_WITH(ReduceOnPlateau{.patience = -1}(input),
                        "ReduceOnPlateau: patience is -1, expected patience >= 0");
    REQUIRE_THROWS_WITH(ReduceOnPlateau{.threshold = -1}(input),
                        "ReduceOnPlateau: threshold is -1, expected threshold >= 0");
    REQUIRE_THROWS_WITH(ReduceOnPlateau{.minimum = -1}(input), "ReduceOnPlateau: minimum is -1, expected minimum >= 0");
    REQUIRE_THROWS_WITH(ReduceOnPlateau{.cooldown = -1}(input),
                        "ReduceOnPlateau: cooldown is -1, expected cooldown >= 0");
    REQUIRE_THROWS_WITH(Warmup{.epochs = -1}(input), "Warmup: epochs is -1, expected epochs >= 0");
    REQUIRE_THROWS_WITH(Warmup{.start = 0}(input), "Warmup: start is 0, expected 0 < start <= 1");
    REQUIRE_THROWS_WITH(OneCycle{.epochs = -1}(input), "OneCycle: epochs is -1, expected epochs >= 0");
    REQUIRE_THROWS_WITH(OneCycle{.warmup = 1}(input), "OneCycle: warmup is 1, expected 0 <= warmup < 1");
    REQUIRE_THROWS_WITH(OneCycle{.start_divisor = 0.5}(input),
                        "OneCycle: start_divisor is 0.5, expected start_divisor >= 1");
    REQUIRE_THROWS_WITH(OneCycle{.final_divisor = 0}(input),
                        "OneCycle: final_divisor is 0, expected final_divisor >= 1");
}
