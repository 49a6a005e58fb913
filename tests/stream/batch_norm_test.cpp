// Streams of models with a BatchNorm.
#include "catch.hpp"
#include "stream/streams.hpp"
#include "support.hpp"

#include "carousel/layer/batch_norm.hpp"
#include "carousel/stream/stream.hpp"

using namespace carousel;
using namespace carousel::test;

namespace {

template <class S>
BatchNorm<S> normalization(Index features, double variance) {
    BatchNorm<S> layer(features);
    layer.gamma().value.setConstant(2);
    layer.beta().value.setConstant(S(0.25));
    layer.mean().value.setConstant(3);
    layer.variance().value.setConstant(static_cast<S>(variance));
    return layer;
}

} // namespace

TEMPLATE_TEST_CASE("Stream: a BatchNorm gives the numbers of its inference, with the weights it has", "", float,
                   double) {
    using S = TestType;
    Random random(85);
    for (const Index features : {1, 3, 20}) {
        Sequential model{Dense<S>{2, features, {.seed = 1}}, normalization<S>(features, 0.5), GRU<S>{features, 3}};
        const auto x = random_sequence<S>(2, 20, 1, random);
        Stream stream{model};
        CHECK(difference(run(stream, x.values()), model(x).values()) < rounding<S>);
        model.template layer<1>() = normalization<S>(features, 0.125);
        stream.reset();
        stream.set_weights(model);
        CHECK(difference(run(stream, x.values()), model(x).values()) < rounding<S>);
    }
}

TEST_CASE("Stream: a BatchNorm of another size, or with a negative variance, is refused") {
    REQUIRE_THROWS_WITH(Stream(normalization<float>(2, -1)),
                        "Stream: BatchNorm: the variance of feature 0 is -1, expected variance + epsilon > 0; epsilon "
                        "is 1e-05");
    const auto layer = normalization<float>(2, 1);
    Stream stream{layer};
    REQUIRE_THROWS_WITH(
        stream.set_weights(normalization<float>(3, 1)),
        "Stream::set_weights: the BatchNorm layer has 3 features, the stream's has 2; make a new Stream "
        "of this model");
    REQUIRE_THROWS_WITH(
        stream.set_weights(normalization<float>(2, -1)),
        "Stream::set_weights: BatchNorm: the variance of feature 0 is -1, expected variance + epsilon > "
        "0; epsilon is 1e-05");
}
