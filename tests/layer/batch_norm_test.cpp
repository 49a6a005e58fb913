#include "carousel/layer/batch_norm.hpp"

#include "catch.hpp"
#include "golden.hpp"
#include "support.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/train/check_gradients.hpp"

#include <limits>
#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

/// With parameters as a training leaves them.
template <class S>
BatchNorm<S> trained(Index features, Random& random) {
    BatchNorm<S> layer(features, {.epsilon = 0.01});
    layer.gamma().value = random_matrix<S>(features, 1, random);
    layer.beta().value = random_matrix<S>(features, 1, random);
    layer.mean().value = random_matrix<S>(features, 1, random);
    layer.variance().value = random_matrix<S>(features, 1, random).cwiseAbs();
    return layer;
}

} // namespace

TEMPLATE_TEST_CASE("BatchNorm: y = gamma (x - mean) / sqrt(variance + epsilon) + beta for every feature", "", float,
                   double) {
    using S = TestType;
    Random random(80);
    for (const Index features : {1, 3, 20}) {
        const auto layer = trained<S>(features, random);
        const auto x = random_sequence<S>(features, 4, 3, random, {4, 0, 2});
        typename BatchNorm<S>::Tape tape;
        const auto y = layer.forward(x, tape);
        Matrix<S> expected(features, 12);
        for (Index k = 0; k < expected.cols(); ++k)
            for (Index i = 0; i < features; ++i)
                expected(i, k) = layer.gamma().value(i) * (x.values()(i, k) - layer.mean().value(i)) /
                                     std::sqrt(layer.variance().value(i) + S(0.01)) +
                                 layer.beta().value(i);
        CHECK(difference(y.values(), expected) < (std::is_same_v<S, float> ? 1e-6 : 1e-14));
        CHECK(std::vector<Index>(y.lengths().begin(), y.lengths().end()) == std::vector<Index>{4, 0, 2});
        const Matrix<S> recorded = y.values();
        CHECK(layer.infer(x, tape).values() == recorded);
    }
}

TEST_CASE("BatchNorm: a new one divides by the root of 1 + epsilon alone") {
    const BatchNorm<double> layer(2);
    BatchNorm<double>::Tape tape;
    const Sequence<double> x(Matrix<double>{{1, 2}, {-3, 0}});
    CHECK(difference(layer.infer(x, tape).values(), x.values() / std::sqrt(1.00001)) < 1e-15);
    CHECK((layer.name() == "BatchNorm" && layer.input_size() == 2 && layer.output_size(2) == 2));
}

TEST_CASE("BatchNorm: backward matches central differences of gamma, beta and x, and leaves the statistics") {
    Random random(81);
    Sequential model{Dense<double>{2, 3}, trained<double>(3, random)};
    const auto check = check_gradients(model, random_sequence<double>(2, 4, 3, random, {4, 0, 2}),
                                       random_sequence<double>(3, 4, 3, random), MeanSquaredError{});
    INFO(check.name);
    CHECK(check.worst < 1e-6);
    CHECK(check.all.size() == 5); // W, b, gamma, beta, x
    const auto& layer = model.layer<1>();
    CHECK((layer.mean().is_fixed() && layer.variance().is_fixed() && layer.mean().grad.size() == 0));
}

TEST_CASE("BatchNorm: outputs and gradients are PyTorch's in eval mode") {
    const Golden golden("batch_norm.txt");
    BatchNorm<double> layer(3, {.epsilon = 0.01});
    layer.gamma().value = golden.vector("gamma");
    layer.beta().value = golden.vector("beta");
    layer.mean().value = golden.vector("mean");
    layer.variance().value = golden.vector("variance");
    const Sequence<double> x(golden.sequence("x"), 2), dy(golden.sequence("dy"), 2);
    BatchNorm<double>::Tape tape;
    CHECK(difference(layer.forward(x, tape).values(), golden.sequence("y")) < 1e-14);
    CHECK(difference(layer.backward(dy, tape).values(), golden.sequence("dx")) < 1e-14);
    CHECK(difference(layer.gamma().grad, golden.vector("dgamma")) < 1e-14);
    CHECK(difference(layer.beta().grad, golden.vector("dbeta")) < 1e-14);
    layer.forward(x, tape);
    CHECK(layer.backward(dy, tape, {.input_gradient = false}).columns() == 0);
    CHECK(difference(layer.gamma().grad, 2 * golden.vector("dgamma")) < 1e-14);
}

TEST_CASE("BatchNorm: training and initialize leave the statistics, weight decay or not") {
    Random random(82);
    auto layer = trained<float>(4, random);
    const auto before = layer;
    Optimizer optimizer{parameters(layer), AdamW{.learning_rate = 0.1, .weight_decay = 0.5}};
    BatchNorm<float>::Tape tape;
    for (int step = 0; step < 3; ++step) {
        zero_gradients(optimizer.parameters());
        const auto x = random_sequence<float>(4, 3, 2, random);
        layer.backward(layer.forward(x, tape), tape);
        CHECK(optimizer.step());
    }
    CHECK(layer.gamma().value != before.gamma().value);
    CHECK(layer.beta().value != before.beta().value);
    CHECK((layer.mean().value == before.mean().value && layer.variance().value == before.variance().value));
    layer.initialize(random);
    CHECK((layer.gamma().value.isOnes(0) && layer.beta().value.isZero(0)));
    CHECK((layer.mean().value == before.mean().value && layer.variance().value == before.variance().value));
}

TEST_CASE("BatchNorm: what doesn't fit is refused") {
    REQUIRE_THROWS_AS(BatchNorm<float>(0), std::invalid_argument);
    REQUIRE_THROWS_WITH(BatchNorm<float>(0), "BatchNorm: features is 0, expected at least 1");
    REQUIRE_THROWS_WITH(BatchNorm<float>(1, {.epsilon = -0.5}),
                        "BatchNorm: epsilon is -0.5, expected a finite number >= 0");
    REQUIRE_THROWS_WITH(BatchNorm<float>(1, {.epsilon = std::numeric_limits<double>::infinity()}),
                        "BatchNorm: epsilon is inf, expected a finite number >= 0");

    BatchNorm<float> layer(3);
    BatchNorm<float>::Tape tape;
    const Sequence<float> x(3, 4, 2), wrong(2, 4, 2), short_dy(3, 3, 2);
    REQUIRE_THROWS_WITH(layer.output_size(2), "BatchNorm: x has 2 features, expected 3");
    REQUIRE_THROWS_WITH(layer.forward(wrong, tape), "BatchNorm::forward: x has 2 features, expected 3");
    const std::string no_pass = "BatchNorm::backward: the tape holds no forward pass (none was made, it was inference, "
                                "or backward has consumed it)";
    REQUIRE_THROWS_AS(layer.backward(x, tape), std::logic_error);
    REQUIRE_THROWS_WITH(layer.backward(x, tape), no_pass);
    layer.forward(x, tape);
    REQUIRE_THROWS_WITH(layer.backward(short_dy, tape), "BatchNorm::backward: dy is 3 x 6, expected 3 x 8");
    layer.gamma().grad.resize(2, 1);
    REQUIRE_THROWS_WITH(layer.backward(x, tape), "BatchNorm::backward: gamma.grad is 2 x 1, expected 3 x 1");
    layer.gamma().grad.setZero(3, 1);
    REQUIRE_NOTHROW(layer.backward(x, tape));
    REQUIRE_THROWS_WITH(layer.backward(x, tape), no_pass);
    layer.infer(x, tape);
    REQUIRE_THROWS_WITH(layer.backward(x, tape), no_pass);

    layer.variance().value(1) = -2;
    REQUIRE_THROWS_WITH(layer.forward(x, tape),
                        "BatchNorm::forward: the variance of feature 1 is -2, expected variance "
                        "+ epsilon > 0; epsilon is 1e-05");
    layer.mean().value.resize(4, 1);
    REQUIRE_THROWS_WITH(layer.forward(x, tape), "BatchNorm::forward: mean.value is 4 x 1, expected 3 x 1");
}
