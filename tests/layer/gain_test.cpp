#include "carousel/layer/gain.hpp"

#include "layer/stepwise.hpp"

#include <limits>
#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

TEST_CASE("Gain: every number times the factor, gradients, streams, and float beside double") {
    const Gain layer{-2.5};
    Gain::Tape<float> tape;
    const Sequence<float> x(Matrix<float>{{1, 0}, {-4, 3}});
    CHECK(layer.forward(x.view(), tape).values() == Matrix<float>{{-2.5, 0}, {10, -7.5}});
    CHECK(layer.name() == "Gain");
    CHECK(layer.factor() == -2.5);
    check_stepwise(layer);
    check_stepwise(Gain{0});
}

TEST_CASE("Gain: what doesn't fit is refused") {
    check_refusals(Gain{2}, "Gain");
    constexpr double infinity = std::numeric_limits<double>::infinity();
    REQUIRE_THROWS_AS(Gain(infinity), std::invalid_argument);
    REQUIRE_THROWS_WITH(Gain(infinity), "Gain: factor is inf, expected a finite number that a float can hold");
    REQUIRE_THROWS_WITH(Gain(-1e39), "Gain: factor is -1e+39, expected a finite number that a float can hold");
    REQUIRE_THROWS_WITH(Gain(std::numeric_limits<double>::quiet_NaN()),
                        "Gain: factor is nan, expected a finite number that a float can hold");
}
