#include "carousel/decode/sample.hpp"

#include "catch.hpp"

#include <limits>
#include <stdexcept>
#include <vector>

using namespace carousel;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

template <class S>
Index greedily(const std::vector<S>& logits) {
    return greedy(std::span<const S>(logits));
}
template <class S>
Index draw(const std::vector<S>& logits, double temperature, Random& random) {
    return sample(std::span<const S>(logits), temperature, random);
}

} // namespace

TEST_CASE("greedy: the largest logit, of equals the first") {
    CHECK(greedily<float>({0.5F, 2, -1, 1.5F}) == 1);
    CHECK(greedily<double>({-3, -2, -2}) == 1);
    CHECK(greedily<double>({-infinity, -1e300}) == 1);
    CHECK(greedily<float>({7}) == 0);
}

TEMPLATE_TEST_CASE("sample: frequencies are those of softmax at every temperature", "", float, double) {
    const std::vector<TestType> logits{1, -0.5F, 2.25F, static_cast<TestType>(-infinity), 0};
    const double n = 1e5;
    for (const double temperature : {0.25, 0.7, 1.0, 3.0, 1e6}) {
        Random random(110);
        std::vector<double> count(logits.size());
        for (int k = 0; k < static_cast<int>(n); ++k)
            ++count[static_cast<std::size_t>(draw(logits, temperature, random))];
        double sum = 0;
        for (const auto logit : logits)
            sum += std::exp(static_cast<double>(logit) / temperature);
        for (std::size_t k = 0; k < logits.size(); ++k) {
            const double p = std::exp(static_cast<double>(logits[k]) / temperature) / sum;
            INFO("temperature " << temperature << ", class " << k);
            CHECK(std::abs(count[k] - n * p) <= 4 * std::sqrt(n * p * (1 - p))); // four deviations
        }
    }
}

TEST_CASE("sample: towards temperature 0 it is greedy, at 0 without a draw") {
    Random random(111);
    const std::vector<double> logits{1, 1.001, -4};
    for (const double temperature : {1e-5, 1e-200, 0.0})
        for (int k = 0; k < 20; ++k)
            CHECK(draw(logits, temperature, random) == 1);
    Random same = random;
    draw(logits, 0, random);
    CHECK(random == same);
}

TEST_CASE("sample: one seed, the same classes, and no logit is too large") {
    Random random(112), again(112);
    const std::vector<double> logits{1e300, 1e300, -1e300};
    int seconds = 0;
    for (int k = 0; k < 100; ++k) {
        const Index first = draw(logits, 1, random);
        CHECK(first == draw(logits, 1, again));
        CHECK(first < 2);
        seconds += first == 1;
    }
    CHECK((seconds > 20 && seconds < 80));
}

TEST_CASE("greedy, sample: logits and temperatures that are none are refused") {
    Random random(113);
    const Random before = random;
    REQUIRE_THROWS_AS(greedily<float>({}), std::invalid_argument);
    REQUIRE_THROWS_WITH(greedily<float>({}), "greedy: there are no logits");
    REQUIRE_THROWS_WITH(greedily<double>({1, no_number}), "greedy: logit 1 is nan, expected a number below infinity");
    REQUIRE_THROWS_WITH(greedily<double>({infinity, 1}), "greedy: logit 0 is inf, expected a number below infinity");
    REQUIRE_THROWS_WITH(greedily<double>({-infinity, -infinity}),
                        "greedy: every logit is -inf, expected one that is finite");
    REQUIRE_THROWS_WITH(draw<double>({no_number}, 1, random),
                        "sample: logit 0 is nan, expected a number below infinity");
    REQUIRE_THROWS_WITH(draw<double>({}, 0, random), "sample: there are no logits");
    REQUIRE_THROWS_WITH(draw<double>({1}, -0.5, random), "sample: temperature is -0.5, expected a finite number >= 0");
    REQUIRE_THROWS_WITH(draw<double>({1}, no_number, random),
                        "sample: temperature is nan, expected a finite number >= 0");
    REQUIRE_THROWS_WITH(draw<double>({1}, infinity, random),
                        "sample: temperature is inf, expected a finite number >= 0");
    CHECK(random == before);
}
