#include "carousel/layer/prelu.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/train/check_gradients.hpp"

#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

TEMPLATE_TEST_CASE("PReLU: numbers above zero stay, others are multiplied by their feature's slope", "", float,
                   double) {
    using S = TestType;
    PReLU<S> layer(2);
    CHECK(layer.slope().value == Matrix<S>{{S(0.25)}, {S(0.25)}});
    layer.slope().value << S(0.5), S(-2);
    typename PReLU<S>::Tape tape;
    const Sequence<S> x(Matrix<S>{{1, -2, 0}, {-3, 4, 0}});
    const Matrix<S> expected{{1, -1, 0}, {6, 4, 0}};
    CHECK(layer.forward(x, tape).values() == expected);
    CHECK(layer.infer(x, tape).values() == expected);
    CHECK((layer.name() == "PReLU" && layer.input_size() == 2 && layer.output_size(2) == 2));
    Random random(1);
    layer.initialize(random);
    CHECK(layer.slope().value == Matrix<S>{{S(0.25)}, {S(0.25)}});
}

TEST_CASE("PReLU: backward matches central differences of the slopes and x") {
    Random random(83);
    PReLU<double> layer(3);
    layer.slope().value = random_matrix<double>(3, 1, random);
    Sequential model{Dense<double>{2, 3}, layer};
    const auto check = check_gradients(model, random_sequence<double>(2, 4, 3, random, {4, 0, 2}),
                                       random_sequence<double>(3, 4, 3, random), MeanSquaredError{});
    INFO(check.name);
    CHECK(check.worst < 1e-6);
    CHECK(check.all.size() == 4); // W, b, slope, x
}

TEST_CASE("PReLU: gradients of the slopes are added up, and that of x is left out if nobody wants it") {
    PReLU<double> layer(1);
    PReLU<double>::Tape tape;
    const Sequence<double> x(Matrix<double>{{-2, 3}}), dy(Matrix<double>{{5, 7}});
    layer.forward(x, tape);
    CHECK(layer.backward(dy, tape).values() == Matrix<double>{{1.25, 7}});
    layer.forward(x, tape);
    CHECK(layer.backward(dy, tape, {.input_gradient = false}).columns() == 0);
    CHECK(layer.slope().grad(0) == -20);
}

TEST_CASE("PReLU: what doesn't fit is refused") {
    REQUIRE_THROWS_AS(PReLU<float>(0), std::invalid_argument);
    REQUIRE_THROWS_WITH(PReLU<float>(0), "PReLU: features is 0, expected at least 1");
    PReLU<float> layer(3);
    PReLU<float>::Tape tape;
    const Sequence<float> x(3, 4, 2), wrong(2, 4, 2), short_dy(3, 3, 2);
    REQUIRE_THROWS_WITH(layer.output_size(2), "PReLU: x has 2 features, expected 3");
    REQUIRE_THROWS_WITH(layer.forward(wrong, tape), "PReLU::forward: x has 2 features, expected 3");
    REQUIRE_THROWS_AS(layer.backward(x, tape), std::logic_error);
    layer.forward(x, tape);
    REQUIRE_THROWS_WITH(layer.backward(short_dy, tape), "PReLU::backward: dy is 3 x 6, expected 3 x 8");
    layer.slope().grad.resize(2, 1);
    REQUIRE_THROWS_WITH(layer.backward(x, tape), "PReLU::backward: slope.grad is 2 x 1, expected 3 x 1");
    layer.slope().grad.setZero(3, 1);
    REQUIRE_NOTHROW(layer.backward(x, tape));
    layer.slope().value.resize(4, 1);
    REQUIRE_THROWS_WITH(layer.forward(x, tape), "PReLU::forward: slope.value is 4 x 1, expected 3 x 1");
}
