// Streams of models with a PReLU.
#include "catch.hpp"
#include "stream/streams.hpp"
#include "support.hpp"

#include "carousel/layer/prelu.hpp"
#include "carousel/stream/stream.hpp"

using namespace carousel;
using namespace carousel::test;

TEMPLATE_TEST_CASE("Stream: a PReLU gives the numbers of its inference, with the slopes it has", "", float, double) {
    using S = TestType;
    Random random(86);
    for (const Index features : {1, 3, 20}) {
        Sequential model{Dense<S>{2, features, {.seed = 1}}, PReLU<S>{features}, Dense<S>{features, 3}};
        const auto x = random_sequence<S>(2, 20, 1, random);
        Stream stream{model};
        CHECK(difference(run(stream, x.values()), model(x).values()) < rounding<S>);
        model.template layer<1>().slope().value = random_matrix<S>(features, 1, random);
        stream.set_weights(model);
        CHECK(difference(run(stream, x.values()), model(x).values()) < rounding<S>);
    }
}

TEST_CASE("Stream: a PReLU of another size or with slopes of another shape is refused") {
    PReLU<float> layer(2);
    Stream stream{layer};
    REQUIRE_THROWS_WITH(stream.set_weights(PReLU<float>(3)),
                        "Stream::set_weights: the PReLU layer has 3 features, the stream's has 2; make a new Stream of "
                        "this model");
    layer.slope().value.resize(3, 1);
    REQUIRE_THROWS_WITH(
        stream.set_weights(layer),
        "Stream::set_weights: slope of the PReLU layer is 3 x 1, expected 2 x 1; give it a value of that shape");
    REQUIRE_THROWS_WITH(Stream(layer),
                        "Stream: slope of the PReLU layer is 3 x 1, expected 2 x 1; give it a value of that shape");
}
