// Layers with options come back from their descriptions.
#include "carousel/model/layer_registry.hpp"

#include "carousel/layer/parallel.hpp"

#include "catch.hpp"

using namespace carousel;

TEST_CASE(
    "LayerRegistry: convolutions, activations, gains, normalisations and skips come back from their descriptions") {
    const auto comes_back = [](const auto& layer) {
        const LayerDescription description = describe(layer);
        INFO(description.type);
        const AnyLayer<float> made = LayerRegistry<float>().make(description);
        CHECK(describe(made) == description);
    };
    comes_back(Conv1D<float>{2, 3, 4, {.dilation = 5, .stride = 6, .activation = Activation::selu}});
    comes_back(Conv1D<float>{2, 3, 4, {.padding = Padding::valid}});
    comes_back(Activate{Activation::relu.clipped(6)});
    comes_back(Activate{Activation::exponential});
    comes_back(Gain{-0.25});
    comes_back(Softmax{});
    comes_back(BatchNorm<float>{3, {.epsilon = 0.001}});
    comes_back(Attention<float>{3, 3, {.score = AttentionScore::dot}});
    comes_back(Attention<float>{3, 2, {.stream_steps = 5}});
    comes_back(Attention<float>{3, 2, {.score = AttentionScore::additive, .units = 4}});
    comes_back(Slice{5, {.first = 2, .count = 3}});
    comes_back(Parallel{Dense<float>{3, 2}, Sequential{Slice{3, {.first = 1, .count = 2}}, GRU<float>{2, 4}}});
    comes_back(LayerNorm<float>{3, {.epsilon = 0.001}});
    comes_back(PReLU<float>{3});
    comes_back(Residual{Dense<float>{3, 2, {.activation = Activation::tanh}}});
    comes_back(Residual{Model<float>{LSTM<float>{2, 3}, Residual{Dense<float>{3, 1}}}});
}

TEST_CASE("LayerRegistry: a BatchNorm or a Softmax of a description that doesn't fit is refused") {
    const LayerRegistry<float> registry;
    REQUIRE_THROWS_WITH(registry.make({"BatchNorm", {{"features", Index(0)}, {"epsilon", 0.1}}}),
                        "BatchNorm: \"features\" is 0, expected 1 to 2147483648");
    REQUIRE_THROWS_WITH(registry.make({"BatchNorm", {{"features", Index(2)}, {"epsilon", -0.5}}}),
                        "BatchNorm: epsilon is -0.5, expected a finite number >= 0");
    REQUIRE_THROWS_WITH(registry.limited_to(10).make({"BatchNorm", {{"features", Index(11)}, {"epsilon", 0.1}}}),
                        "BatchNorm: more parameters were described than the file has numbers");
    REQUIRE_THROWS_WITH(registry.make({"Softmax", {{"over", std::string("steps")}}}),
                        "Softmax: \"over\" is \"steps\", expected \"features\"");
}
