#include "carousel/layer/activate.hpp"

#include "layer/stepwise.hpp"

using namespace carousel;
using namespace carousel::test;

TEST_CASE("Activate: y = f(x) for every number") {
    const Activate layer{Activation::leaky_relu(0.25)};
    Activate::Tape<double> tape;
    const Sequence<double> x(Matrix<double>{{-4, 0, 3}, {-1, 2, -8}});
    CHECK(layer.forward(x.view(), tape).values() == Matrix<double>{{-1, 0, 3}, {-0.25, 2, -2}});
    CHECK(layer.name() == "Activation");
    CHECK(layer.activation() == Activation::leaky_relu(0.25));
}

TEST_CASE("Activate: gradients, streams, and float beside double, with smooth functions and with corners") {
    for (const Activation f : {Activation::tanh, Activation::relu.clipped(0.5), Activation::selu, Activation::softplus})
        check_stepwise(Activate{f});
}

TEST_CASE("Activate: a Dense layer followed by it is one with that option") {
    Dense<float> plain(3, 20, {.seed = 1}), with(3, 20, {.activation = Activation::sigmoid, .seed = 1});
    Random random(30);
    const auto x = random_sequence<float>(3, 4, 2, random);
    Dense<float>::Tape tape;
    CHECK(Sequential{plain, Activate{Activation::sigmoid}}(x).values() == with.infer(x, tape).values());
}

TEST_CASE("Activate: what doesn't fit is refused") {
    check_refusals(Activate{Activation::tanh}, "Activate");
}

TEST_CASE("Activate: a stream takes another function with new weights") {
    Sequential model{Dense<float>{1, 3, {.seed = 1}}, Activate{Activation::tanh}};
    Stream stream{model};
    model.layer<1>() = Activate{Activation::relu};
    stream.set_weights(model);
    Stream fresh{model};
    CHECK(feed(stream, 0.7F) == feed(fresh, 0.7F));
}
