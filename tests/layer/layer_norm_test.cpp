#include "carousel/layer/layer_norm.hpp"

#include "catch.hpp"
#include "golden.hpp"
#include "support.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/model/model.hpp"
#include "carousel/stream/stream.hpp"
#include "carousel/stream/voices.hpp"
#include "carousel/train/check_gradients.hpp"
#include "stream/streams.hpp"

#include <limits>
#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

template <class S>
LayerNorm<S> trained(Index features, Random& random) {
    LayerNorm<S> layer(features, {.epsilon = 0.01});
    layer.gamma().value = random_matrix<S>(features, 1, random);
    layer.beta().value = random_matrix<S>(features, 1, random);
    return layer;
}

} // namespace

TEMPLATE_TEST_CASE("LayerNorm: a new one gives every step mean 0 and variance 1, far from zero, too", "", float,
                   double) {
    using S = TestType;
    Random random(80);
    for (const Index features : {2, 3, 20, 200}) {
        const LayerNorm<S> layer(features);
        auto x = random_sequence<S>(features, 4, 3, random, {4, 0, 2});
        x.values() = (100 * x.values().array() + 1000).matrix().eval();
        typename LayerNorm<S>::Tape tape;
        const auto y = layer.forward(x, tape);
        for (Index k = 0; k < y.columns(); ++k) {
            CHECK(std::abs(y.values().col(k).mean()) < (std::is_same_v<S, float> ? 1e-3 : 1e-12));
            CHECK(std::abs(y.values().col(k).squaredNorm() / static_cast<S>(features) - 1) < 1e-3);
        }
        CHECK(std::vector<Index>(y.lengths().begin(), y.lengths().end()) == std::vector<Index>{4, 0, 2});
        const Matrix<S> recorded = y.values();
        CHECK(layer.infer(x, tape).values() == recorded);
    }
}

TEST_CASE("LayerNorm: equal features, and a single one, give beta") {
    for (const Index features : {1, 3}) {
        LayerNorm<float> layer(features);
        layer.beta().value.setConstant(2);
        LayerNorm<float>::Tape tape;
        const Sequence<float> x(Matrix<float>(Matrix<float>::Constant(features, 2, 7)));
        CHECK(layer.infer(x, tape).values() == Matrix<float>(Matrix<float>::Constant(features, 2, 2)));
    }
}

TEST_CASE("LayerNorm: outputs and gradients are PyTorch's") {
    const Golden golden("layer_norm.txt");
    LayerNorm<double> layer(5, {.epsilon = 0.01});
    layer.gamma().value = golden.vector("gamma");
    layer.beta().value = golden.vector("beta");
    const Sequence<double> x(golden.sequence("x"), 2), dy(golden.sequence("dy"), 2);
    LayerNorm<double>::Tape tape;
    CHECK(difference(layer.forward(x, tape).values(), golden.sequence("y")) < 1e-14);
    CHECK(difference(layer.backward(dy, tape).values(), golden.sequence("dx")) < 1e-14);
    CHECK(difference(layer.gamma().grad, golden.vector("dgamma")) < 1e-14);
    CHECK(difference(layer.beta().grad, golden.vector("dbeta")) < 1e-14);
    layer.forward(x, tape);
    CHECK(layer.backward(dy, tape, {.input_gradient = false}).columns() == 0);
    CHECK(difference(layer.gamma().grad, 2 * golden.vector("dgamma")) < 1e-14);
}

TEST_CASE("LayerNorm: backward matches central differences of gamma, beta and x") {
    Random random(81);
    Sequential model{Dense<double>{2, 3}, trained<double>(3, random)};
    const auto check = check_gradients(model, random_sequence<double>(2, 4, 3, random, {4, 0, 2}),
                                       random_sequence<double>(3, 4, 3, random), MeanSquaredError{});
    INFO(check.name);
    CHECK(check.worst < 1e-6);
    CHECK(check.all.size() == 5); // W, b, gamma, beta, x
    Random other(1);
    model.initialize(other);
    CHECK((model.layer<1>().gamma().value.isOnes(0) && model.layer<1>().beta().value.isZero(0)));
}

TEST_CASE(
    "LayerNorm: a Stream and Voices give the numbers of its inference, with the weights it has, in a Model, too") {
    Random random(85);
    Sequential model{Dense<float>{2, 3, {.seed = 1}}, trained<float>(3, random), GRU<float>{3, 2, {.seed = 2}}};
    const auto x = random_sequence<float>(2, 20, 1, random);
    Stream stream{model};
    CHECK(difference(run(stream, x.values()), model(x).values()) < rounding<float>);
    model.layer<1>() = trained<float>(3, random);
    model.layer<1>() = LayerNorm<float>(3, {.epsilon = 1});
    stream.reset();
    stream.set_weights(model);
    const auto y = model(x);
    CHECK(difference(run(stream, x.values()), y.values()) < rounding<float>);

    const Model<float> any{model.layer<0>(), model.layer<1>(), model.layer<2>()};
    Stream any_stream{any};
    CHECK(difference(run(any_stream, x.values()), y.values()) < rounding<float>);
    Voices voices{any, 2};
    REQUIRE((voices.join() == 0 && voices.join() == 1));
    Matrix<float> both(2, 2);
    for (Index t = 0; t < 20; ++t) {
        both.col(0) = both.col(1) = x.values().col(t);
        const auto out = voices({both.data(), 4});
        CHECK(difference(Eigen::Map<const Matrix<float>>(out.data() + 2, 2, 1), y.values().col(t)) < rounding<float>);
    }
}

TEST_CASE("LayerNorm: what doesn't fit is refused") {
    REQUIRE_THROWS_AS(LayerNorm<float>(0), std::invalid_argument);
    REQUIRE_THROWS_WITH(LayerNorm<float>(0), "LayerNorm: features is 0, expected at least 1");
    REQUIRE_THROWS_WITH(LayerNorm<float>(1, {.epsilon = 0}), "LayerNorm: epsilon is 0, expected a finite number > 0");
    REQUIRE_THROWS_WITH(LayerNorm<float>(1, {.epsilon = std::numeric_limits<double>::infinity()}),
                        "LayerNorm: epsilon is inf, expected a finite number > 0");
    LayerNorm<float> layer(3);
    LayerNorm<float>::Tape tape;
    const Sequence<float> x(3, 4, 2), wrong(2, 4, 2), short_dy(3, 3, 2);
    REQUIRE_THROWS_WITH(layer.output_size(2), "LayerNorm: x has 2 features, expected 3");
    REQUIRE_THROWS_WITH(layer.forward(wrong, tape), "LayerNorm::forward: x has 2 features, expected 3");
    REQUIRE_THROWS_AS(layer.backward(x, tape), std::logic_error);
    layer.forward(x, tape);
    REQUIRE_THROWS_WITH(layer.backward(short_dy, tape), "LayerNorm::backward: dy is 3 x 6, expected 3 x 8");
    layer.gamma().grad.resize(2, 1);
    REQUIRE_THROWS_WITH(layer.backward(x, tape), "LayerNorm::backward: gamma.grad is 2 x 1, expected 3 x 1");
    layer.gamma().grad.setZero(3, 1);
    REQUIRE_NOTHROW(layer.backward(x, tape));
    Stream stream{layer};
    REQUIRE_THROWS_WITH(stream.set_weights(LayerNorm<float>(4)),
                        "Stream::set_weights: the LayerNorm layer has 4 features, the stream's has 3; make a new "
                        "Stream of this model");
    layer.beta().value.resize(4, 1);
    REQUIRE_THROWS_WITH(layer.forward(x, tape), "LayerNorm::forward: beta.value is 4 x 1, expected 3 x 1");
    REQUIRE_THROWS_WITH(stream.set_weights(layer),
                        "Stream::set_weights: beta of the LayerNorm layer is 4 x 1, expected 3 x 1; give it a value "
                        "of that shape");
}
