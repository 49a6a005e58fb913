#include "carousel/loss/error_to_signal.hpp"

#include "catch.hpp"
#include "golden.hpp"
#include "support.hpp"

#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// The worst of (central difference − dy), beside the largest of dy.
double gradient_error(const ErrorToSignal& loss, Sequence<double> y, const Sequence<double>& target) {
    Sequence<double> dy;
    loss(y, target, &dy);
    double worst = 0;
    for (Index k = 0; k < y.values().size(); ++k) {
        const double kept = y.values()(k), step = 1e-5;
        y.values()(k) = kept + step;
        const double above = loss(y, target);
        y.values()(k) = kept - step;
        const double below = loss(y, target);
        y.values()(k) = kept;
        worst = std::max(worst, std::abs(dy.values()(k) - (above - below) / (2 * step)));
    }
    return worst / dy.values().cwiseAbs().maxCoeff();
}

} // namespace

TEMPLATE_TEST_CASE("ErrorToSignal: losses and gradients are PyTorch's", "", float, double) {
    const Golden golden("error_to_signal.txt");
    const Sequence<TestType> y(Matrix<TestType>(golden.sequence("y").cast<TestType>()), 3);
    const Sequence<TestType> target(Matrix<TestType>(golden.sequence("target").cast<TestType>()), 3);
    const double tolerance = std::is_same_v<TestType, float> ? 1e-6 : 1e-13;
    const std::vector<std::pair<std::string, ErrorToSignal>> cases{
        {"ratio", {.dc = 0, .pre_emphasis = {}}},
        {"offset", {.esr = 0, .pre_emphasis = {1}}},
        {"emphasised", {.dc = 0}},
        {"trainers", {.esr = 0.75, .dc = 0.25}},
        {"three", {.pre_emphasis = {0.85, 0.2775, -0.7225}}},
    };
    for (auto [name, loss] : cases)
        for (const Index warm_up : {0, 7}) {
            const std::string key = name + "_" + std::to_string(warm_up);
            INFO(key);
            loss.warm_up = warm_up;
            Sequence<TestType> dy;
            CHECK(loss(y, target, &dy) == Catch::Approx(golden.scalar(key)).epsilon(tolerance));
            CHECK(difference(dy.values(), golden.sequence("d_" + key), 1e-3) < tolerance);
            CHECK(loss(y, target) == loss(y, target, &dy));
            CHECK(loss.check(target.view(), 1) == loss.weight(y.view(), target));
        }
}

TEST_CASE("ErrorToSignal: the gradient matches central differences, of ragged sequences, gaps and warm-up, too") {
    Random random(1);
    const Sequence<double> y = random_sequence<double>(2, 9, 3, random, {9, 0, 5});
    Sequence<double> target = random_sequence<double>(2, 9, 3, random);
    const std::vector<std::vector<double>> filters{{}, {1, -0.85}, {0.5, 0, -1, 2}};
    for (const auto& filter : filters)
        for (const Index warm_up : {0, 2})
            for (const double dc : {0.0, 0.7}) {
                const ErrorToSignal loss{.dc = dc, .pre_emphasis = filter, .warm_up = warm_up};
                CHECK(gradient_error(loss, y, target) < 1e-6);
            }
    target.step(3)(1, 0) = not_a_number;
    target.step(4)(0, 2) = not_a_number;
    const ErrorToSignal loss{.skip_nan = true};
    CHECK(gradient_error(loss, y, target) < 1e-6);
    Sequence<double> dy;
    loss(y, target, &dy);
    CHECK(dy.step(3)(1, 0) == 0);
    CHECK(dy.step(4)(0, 2) == 0);
    CHECK(dy.step(5).col(2).isZero(0));
}

TEST_CASE("ErrorToSignal: 0 for the target itself, 1 for silence, and the square of the error's factor") {
    Random random(2);
    const Sequence<float> target = random_sequence<float>(1, 50, 2, random);
    const ErrorToSignal plain{.dc = 0, .pre_emphasis = {}, .epsilon = 0};
    CHECK(ErrorToSignal{}(target, target) == 0);
    CHECK(plain(Sequence<float>(1, 50, 2), target) == Catch::Approx(1));
    CHECK(plain(Sequence<float>(Matrix<float>(0.75F * target.values()), 2), target) == Catch::Approx(1.0 / 16));
    CHECK(plain.weight(target.view(), target) ==
          Catch::Approx(static_cast<double>(target.values().squaredNorm())).epsilon(1e-5));
}

TEST_CASE("ErrorToSignal: batches weighted by their energy give the ratio of them all") {
    Random random(3);
    const Sequence<double> y = random_sequence<double>(1, 12, 1, random);
    const Sequence<double> target = random_sequence<double>(1, 12, 1, random);
    const ErrorToSignal loss{.dc = 0, .pre_emphasis = {}};
    double sum = 0, weights = 0;
    for (const auto& [first, count] : {std::pair<Index, Index>{0, 5}, {5, 7}}) {
        const SequenceView<double> part{y.step(first).data(), 1, count, 1};
        const SequenceView<double> aim{target.step(first).data(), 1, count, 1};
        sum += loss.weight(part, aim) * loss(part, aim);
        weights += loss.weight(part, aim);
    }
    CHECK(weights == Catch::Approx(loss.weight(y.view(), target)).epsilon(1e-14));
    CHECK(sum / weights == Catch::Approx(loss(y, target)).epsilon(1e-14));
}

TEST_CASE(
    "ErrorToSignal: warm-up steps marked with NaN are warm-up steps, and what stands in the padding does not matter") {
    Random random(4);
    Sequence<double> y = random_sequence<double>(1, 8, 2, random, {8, 6});
    Sequence<double> target = random_sequence<double>(1, 8, 2, random);
    Sequence<double> dy, marked_dy;
    const double expected = ErrorToSignal{.warm_up = 3}(y, target, &dy);
    target.values().leftCols(6).setConstant(not_a_number);
    target.values()(0, 15) = not_a_number;
    y.values()(0, 15) = not_a_number;
    const ErrorToSignal marked{.skip_nan = true};
    CHECK(marked(y, target, &marked_dy) == expected);
    CHECK(marked_dy.values() == dy.values());
    CHECK(dy.values().leftCols(6).isZero(0));
    CHECK(dy.values()(0, 15) == 0);
    CHECK(marked(y, target, &y) == expected); // dy may be where y is
    CHECK(y.values() == dy.values());
}

TEST_CASE("ErrorToSignal: where nothing counts there is no loss") {
    const Sequence<float> y(1, 4, 2), silent(1, 4, 2), padding(1, 4, 2, {0, 0});
    Sequence<float> dy(Matrix<float>::Ones(1, 1));
    const std::string message =
        "ErrorToSignal: there is no target to compare with, every one is padding, warm-up or NaN, "
        "or all are silent and epsilon is 0";
    const auto nothing = [&](const ErrorToSignal& loss, const Sequence<float>& output) {
        CHECK(loss.weight(output.view(), silent) == 0);
        REQUIRE_THROWS_WITH(loss(output, silent, &dy), message);
    };
    nothing({}, padding);
    nothing({.warm_up = 4}, y);
    nothing({.epsilon = 0}, y);
    CHECK(dy.values().size() == 1);
    CHECK(ErrorToSignal{}(y, silent, &dy) == 0);
}

TEST_CASE("ErrorToSignal: mistakes are named before anything is written") {
    const Sequence<float> y(2, 3, 2, {3, 2});
    Sequence<float> target(2, 3, 2);
    Sequence<float> dy(Matrix<float>::Ones(1, 1));
    const ErrorToSignal loss;
    REQUIRE_THROWS_WITH(
        loss(y, Sequence<float>(1, 3, 2), &dy),
        "ErrorToSignal: y is features 2 × steps 3 × batch 2 and target 1 × 3 × 2, expected the same shape");
    REQUIRE_THROWS_WITH(loss(y, Sequence<float>(2, 3, 2, {3, 3}), &dy),
                        "ErrorToSignal: sequence 1 of y has length 2 and of target 3, expected the same length");
    REQUIRE_THROWS_WITH(loss.check(target.view(), 1), "ErrorToSignal: the targets have 2 features, expected 1");
    target.step(1)(0, 1) = static_cast<float>(not_a_number);
    REQUIRE_THROWS_WITH(loss(y, target, &dy), "ErrorToSignal: the target at feature 0, step 1 of sequence 1 is nan, "
                                              "expected a finite number; skip_nan passes over NaN");
    target.step(1)(0, 1) = std::numeric_limits<float>::infinity();
    REQUIRE_THROWS_WITH(
        (ErrorToSignal{.skip_nan = true}(y, target, &dy)),
        "ErrorToSignal: the target at feature 0, step 1 of sequence 1 is inf, expected a finite number");
    const auto refused = [&](const ErrorToSignal& wrong, const std::string& what) {
        const Sequence<float> silent(2, 3, 2);
        REQUIRE_THROWS_WITH(wrong(y, silent, &dy), "ErrorToSignal: " + what);
        REQUIRE_THROWS_WITH(wrong.weight(y.view(), silent), "ErrorToSignal: " + what);
    };
    refused({.esr = -1}, "esr is -1, expected a finite number >= 0");
    refused({.dc = not_a_number}, "dc is nan, expected a finite number >= 0");
    refused({.epsilon = -1}, "epsilon is -1, expected a finite number >= 0");
    refused({.warm_up = -1}, "warm_up is -1, expected warm_up >= 0");
    refused({.pre_emphasis = {1, not_a_number}}, "tap 1 of pre_emphasis is nan, expected a finite number");
    CHECK(dy.values().size() == 1);
}
