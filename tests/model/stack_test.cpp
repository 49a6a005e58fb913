#include "carousel/model/stack.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/layer_norm.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/train/check_gradients.hpp"

#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

TEST_CASE("stack: as many layers as it is told, static or not, with the same numbers") {
    const auto make = [](Index k) {
        return Residual{
            Sequential{LayerNorm<double>{3}, GRU<double>{3, 3, {.seed = static_cast<std::uint64_t>(k + 1)}}}};
    };
    auto fixed = stack<4>(make);
    CHECK(fixed.size == 4);
    auto decided = stack(4, make);
    CHECK(decided.size() == 4);
    Random random(120);
    const auto x = random_sequence<double>(3, 5, 2, random, {5, 2});
    CHECK(fixed(x).values() == decided(x).values());
    CHECK(fixed(x).values() != stack(3, make)(x).values());
    std::string names;
    decided.each_parameter([&](const std::string& name, auto&) { names += name + " "; });
    CHECK(names.find("3.Residual.1.GRU.U ") != names.npos);
    const auto check = check_gradients(decided, x, random_sequence<double>(3, 5, 2, random), MeanSquaredError{});
    INFO(check.name);
    CHECK(check.worst < 1e-6);
}

TEST_CASE("stack: layers that differ, and what doesn't fit") {
    const Model<float> narrowing = stack(3, [](Index k) { return Dense<float>{8 - 2 * k, 6 - 2 * k}; });
    CHECK((narrowing.input_size() == 8 && narrowing.output_size(8) == 2));
    const auto row = stack<1>([] { return Sequential{Dense<float>{3, 2}, Dense<float>{2, 3}}; });
    CHECK((row.size == 1 && decltype(stack<2>([] { return Sequential{Dense<float>{3, 3}}; }))::size == 2));
    CHECK(stack(2, [] { return Dense<float>{3, 3}; }).size() == 2);
    const auto make = [] { return Dense<float>{3, 2}; };
    REQUIRE_THROWS_AS(stack(0, make), std::invalid_argument);
    REQUIRE_THROWS_WITH(stack(0, make), "stack: n is 0, expected at least 1");
    REQUIRE_THROWS_WITH(stack(2, make), "Model::add: layer 1 (Dense): x has 2 features, expected 3");
    REQUIRE_THROWS_WITH(stack<2>(make), "Sequential: layer 1 (Dense): x has 2 features, expected 3");
}
