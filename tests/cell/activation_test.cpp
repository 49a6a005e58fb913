#include "catch.hpp"

#include "carousel/cell/activation.hpp"

using namespace carousel;

TEST_CASE("Activation: its description is how it is written") {
    CHECK(description(Activation::tanh) == "tanh");
    CHECK(description(Activation::softplus) == "softplus");
    CHECK(description(Activation::selu) == "selu");
    CHECK(description(Activation::exponential) == "exponential");
    CHECK(description(Activation::leaky_relu(0.1)) == "leaky_relu(0.1)");
    CHECK(description(Activation::elu(2)) == "elu(2)");
    CHECK(description(Activation::thresholded_relu(0.5)) == "thresholded_relu(0.5)");
    CHECK(description(Activation::affine(2, -1)) == "affine(2, -1)");
    CHECK(description(Activation::scaled_tanh(1.7159, 0.6667)) == "scaled_tanh(1.7159, 0.6667)");
    CHECK(description(Activation::hard_sigmoid()) == "hard_sigmoid(0.2, 0.5)");
    CHECK(description(Activation::relu.clipped(6)) == "relu.clipped(6)");
    CHECK(description(Activation::hard_sigmoid(0.25).clipped(1.0 / 3)) ==
          "hard_sigmoid(0.25, 0.5).clipped(0.3333333333333333)");
}
