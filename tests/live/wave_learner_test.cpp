// The net of the manual's live page, as it is compiled for this machine.
#include "catch.hpp"

#include "live/wave_learner.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

using namespace carousel;
using namespace carousel::live;

namespace {

/// 0.8·sin, 40 values a cycle.
std::vector<float> sine(int length, int from = 0) {
    std::vector<float> values;
    for (int t = from; t < from + length; ++t)
        values.push_back(static_cast<float>(0.8 * std::sin(2 * std::numbers::pi * t / 40)));
    return values;
}

std::string refusal(auto&& f) {
    try {
        f();
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "nothing is refused";
}

} // namespace

TEST_CASE("WaveLearner: thirty epochs teach each cell a sine, and it goes on alone") {
    const auto series = sine(320), after = sine(20, 320);
    for (const NetKind cell : {NetKind::simple_rnn, NetKind::lstm, NetKind::gru}) {
        CAPTURE(static_cast<int>(cell));
        WaveLearner learner(series, {.cell = cell});
        const double first = learner.epoch();
        double last = first;
        while (learner.epochs() < 30)
            last = learner.epoch();
        CHECK(first > 0.02);
        CHECK(last < 0.005);

        FreeRun run(learner);
        REQUIRE(run.heard().size() == series.size());
        double expected_well = 0, alone = 0;
        for (std::size_t t = 40; t < series.size(); ++t)
            expected_well += std::pow(static_cast<double>(run.heard()[t] - series[t]), 2) / 280;
        CHECK(expected_well < 0.005);
        std::vector<float> next(after.size());
        run.go_on(next);
        for (std::size_t t = 0; t < after.size(); ++t)
            alone += std::pow(static_cast<double>(next[t] - after[t]), 2) / 20;
        CHECK(alone < 0.1); // of a power of 0.32
    }
}

TEST_CASE("WaveLearner: the same options learn the same") {
    WaveLearner a(sine(200), {.cell = NetKind::gru, .units = 8, .seed = 3}),
        b(sine(200), {.cell = NetKind::gru, .units = 8, .seed = 3});
    for (int epoch = 0; epoch < 3; ++epoch)
        CHECK(a.epoch() == b.epoch());
    CHECK(a.weights() == 3 * 8 * (1 + 8) + 4 * 8 + 8 + 1);
}

TEST_CASE("WaveLearner: another series and another rate go on with the same net") {
    WaveLearner learner(sine(200), {.units = 8});
    for (int epoch = 0; epoch < 20; ++epoch)
        learner.epoch();
    std::vector<float> constant(300, 0.5f);
    learner.set_series(constant);
    learner.set_learning_rate(2e-2);
    CHECK(learner.series() == constant);
    const double before = learner.epoch();
    double after = before;
    for (int epoch = 0; epoch < 30; ++epoch)
        after = learner.epoch();
    CHECK(after < before / 3);
    CHECK(learner.epochs() == 51);
}

TEST_CASE("FreeRun: it goes on from where it is with what the net has learned since") {
    WaveLearner learner(sine(200), {.units = 8});
    FreeRun kept(learner), renewed(learner);
    std::vector<float> a(5), b(5);
    kept.go_on(a), renewed.go_on(b);
    CHECK(a == b);
    learner.epoch();
    renewed.set_weights(learner);
    kept.go_on(a), renewed.go_on(b);
    CHECK(a != b);

    FreeRun pieces(learner), whole(learner);
    std::vector<float> ten(10), five(5);
    whole.go_on(ten);
    pieces.go_on(five), pieces.go_on(five);
    CHECK(five == std::vector<float>(ten.begin() + 5, ten.end()));
}

TEST_CASE("WaveLearner: what makes no net or no series is refused, and the net stays as it was") {
    const auto series = sine(200);
    const auto begin = [&](const LearnerOptions& options) { return refusal([&] { WaveLearner(series, options); }); };
    for (const double units : {0.0, -3.0, 65.0, 2.5, 1e300, std::numeric_limits<double>::quiet_NaN()})
        CHECK_THAT(begin({.units = units}), Catch::Matchers::ContainsSubstring("expected a whole number from 1 to 64"));
    CHECK(begin({.units = 65}) == "WaveLearner: units is 65, expected a whole number from 1 to 64");
    CHECK(begin({.learning_rate = -0.1}) ==
          "WaveLearner: the learning rate is -0.1, expected a number above 0 and at most 1");
    CHECK(begin({.learning_rate = std::numeric_limits<double>::quiet_NaN()}) ==
          "WaveLearner: the learning rate is nan, expected a number above 0 and at most 1");
    CHECK(begin({.cell = static_cast<NetKind>(7)}) ==
          "WaveLearner: the cell is number 7, expected 0 (SimpleRNN), 1 (LSTM) or 2 (GRU)");

    WaveLearner learner(series, {.units = 4}), untouched(series, {.units = 4});
    CHECK(refusal([&] { learner.set_series(sine(64)); }) ==
          "WaveLearner: the series has 64 values, expected 65 … 4096");
    auto broken = series;
    broken[7] = std::numeric_limits<float>::quiet_NaN();
    CHECK(refusal([&] { learner.set_series(broken); }) ==
          "WaveLearner: value 7 of the series is nan, expected a number between -10 and 10");
    CHECK_THAT(refusal([&] { learner.set_learning_rate(2); }), Catch::Matchers::ContainsSubstring("is 2, expected"));
    CHECK(learner.epoch() == untouched.epoch());
}
