#include "carousel/layer/dense.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/train/check_gradients.hpp"

#include <cmath>
#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

TEMPLATE_TEST_CASE("Dense: y = f(W·x + b) at every step", "", float, double) {
    using S = TestType;
    Random random(20);
    for (const Index steps : {1, 7}) {
        Dense<S> dense(5, 19, {.activation = Activation::sigmoid, .b = initializer::normal(0, 1)});
        const auto x = random_sequence<S>(5, steps, 3, random);
        typename Dense<S>::Tape tape;
        const Matrix<S> a = dense.W().value.lazyProduct(x.values()).colwise() + dense.b().value.col(0);
        const Matrix<S> expected = a.unaryExpr([](S v) { return 1 / (1 + std::exp(-v)); });
        const double bound = std::is_same_v<S, float> ? 1e-6 : 1e-14;
        CHECK(difference(dense.forward(x, tape).values(), expected) < bound);
        CHECK(difference(dense.infer(x, tape).values(), expected) < bound);
    }
}

TEST_CASE("Dense: backward matches central differences with every activation") {
    Random random(21);
    for (const Activation f : {Activation::linear, Activation::tanh, Activation::sigmoid, Activation::relu}) {
        Dense<double> dense(3, 9, {.activation = f, .b = initializer::normal(0, 1), .seed = 1});
        const auto check = check_gradients(dense, random_sequence<double>(3, 4, 2, random),
                                           random_sequence<double>(9, 4, 2, random), MeanSquaredError{});
        INFO(name(f) << ", " << check.name);
        CHECK(check.worst < 1e-6);
        CHECK(check.all.size() == 3);
    }
}

TEST_CASE("Dense: the lengths of x are y's, and dx's") {
    Dense<float> dense(2, 3);
    Dense<float>::Tape tape;
    Random random(22);
    const std::vector<Index> lengths{4, 0, 2};
    const auto x = random_sequence<float>(2, 4, 3, random, lengths);
    const auto y = dense.forward(x, tape);
    CHECK(std::vector<Index>(y.lengths().begin(), y.lengths().end()) == lengths);
    const auto dx = dense.backward(y, tape);
    CHECK(std::vector<Index>(dx.lengths().begin(), dx.lengths().end()) == lengths);
}

TEST_CASE("Dense: gradients are added, and dx is only computed where it is asked for") {
    Dense<double> dense(2, 3);
    Dense<double>::Tape tape;
    Random random(23);
    const auto x = random_sequence<double>(2, 4, 3, random), dy = random_sequence<double>(3, 4, 3, random);
    dense.forward(x, tape);
    const Matrix<double> dx = dense.backward(dy, tape).values(), dW = dense.W().grad, db = dense.b().grad;
    CHECK(difference(dW, dy.values().lazyProduct(x.values().transpose())) < 1e-14);
    CHECK(difference(db, dy.values().rowwise().sum()) < 1e-14);
    CHECK(difference(dx, dense.W().value.transpose().lazyProduct(dy.values())) < 1e-14);
    dense.forward(x, tape);
    CHECK(dense.backward(dy, tape, {.input_gradient = false}).columns() == 0);
    CHECK(difference(dense.W().grad, 2 * dW) < 1e-14);
    CHECK(difference(dense.b().grad, 2 * db) < 1e-14);
}

TEST_CASE("Dense: starts with Glorot's numbers, the same for the same seed") {
    const Dense<double> a(40, 20, {.seed = 3}), b(40, 20, {.seed = 3}), first(40, 20), second(40, 20);
    CHECK(a.W().value == b.W().value);
    CHECK(a.W().value.cwiseAbs().maxCoeff() < std::sqrt(6.0 / 60));
    CHECK(a.W().value.cwiseAbs().maxCoeff() > 0.9 * std::sqrt(6.0 / 60));
    CHECK(a.b().value.isZero(0));
    CHECK(first.W().value != second.W().value);
    CHECK(Dense<double, 40, 20>({.seed = 3}).W().value == a.W().value);
}

TEST_CASE("Dense: what doesn't fit is refused") {
    REQUIRE_THROWS_AS(Dense<float>(0, 1), std::invalid_argument);
    REQUIRE_THROWS_WITH(Dense<float>(0, 1), "Dense: input size is 0, expected at least 1");
    REQUIRE_THROWS_WITH(Dense<float>(1, -2), "Dense: output size is -2, expected at least 1");
    REQUIRE_THROWS_WITH((Dense<float, 4, 2>(5, 2)), "Dense: input size is 5, expected 4");
    REQUIRE_THROWS_WITH((Dense<float, 4, 2>(4, 3)), "Dense: output size is 3, expected 2");

    Dense<float> dense(4, 2);
    Dense<float>::Tape tape;
    const Sequence<float> x(4, 3, 2), wrong(5, 3, 2), dy(2, 3, 2), short_dy(2, 2, 2);
    REQUIRE_THROWS_WITH(dense.output_size(5), "Dense: x has 5 features, expected 4");
    REQUIRE_THROWS_WITH(dense.forward(wrong, tape), "Dense::forward: x has 5 features, expected 4");
    REQUIRE_THROWS_WITH(dense.infer(wrong, tape), "Dense::forward: x has 5 features, expected 4");

    const std::string no_pass = "Dense::backward: the tape holds no forward pass (none was made, it was inference, or "
                                "backward has consumed it)";
    REQUIRE_THROWS_AS(dense.backward(dy, tape), std::logic_error);
    REQUIRE_THROWS_WITH(dense.backward(dy, tape), no_pass);
    dense.forward(x, tape);
    REQUIRE_THROWS_WITH(dense.backward(short_dy, tape), "Dense::backward: dy is 2 x 4, expected 2 x 6");
    REQUIRE_NOTHROW(dense.backward(dy, tape));
    REQUIRE_THROWS_WITH(dense.backward(dy, tape), no_pass);
    dense.infer(x, tape);
    REQUIRE_THROWS_WITH(dense.backward(dy, tape), no_pass);
}
