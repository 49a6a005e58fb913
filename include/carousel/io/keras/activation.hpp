// Keras' activation functions, by their names and by the layers that are nothing else. Needs nlohmann-json.
#pragma once

#include "carousel/cell/activation.hpp"
#include "carousel/io/keras/layer_config.hpp"

#include <optional>
#include <string>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

/// An elementwise function, or softmax over the features.
struct Function {
    Activation elementwise = Activation::linear;
    bool softmax = false;
};

/// Which Keras wrote a file: 2 and 3 mean different functions by "hard_sigmoid". 0: the file doesn't say.
struct Version {
    int major = 0;
};

/// ReLU as Keras' layer of this name has it: 0 below the threshold or a slope, and no more than a maximum.
inline Activation relu(LayerConfig& layer, const char* slope_option) {
    const double slope = layer.number(slope_option, 0), threshold = layer.number("threshold", 0);
    const Json* const maximum = layer.find("max_value");
    if (threshold != 0)
        layer.refuse("threshold", "0");
    if (slope < 0)
        layer.refuse(slope_option, "at least 0");
    if (!maximum)
        return slope == 0 ? Activation::relu : Activation::leaky_relu(slope);
    if (slope != 0)
        layer.refuse(slope_option, "0 where there is a max_value");
    const double most = layer.number("max_value", 0);
    if (!(most > 0))
        layer.refuse("max_value", "more than 0");
    return Activation::relu.clipped(most);
}

/// The function that a layer of class Activation, ReLU, LeakyReLU, ELU, ThresholdedReLU or Softmax is; none if it is of
/// another class. Throws std::runtime_error if its options can't be had.
std::optional<Function> function_layer(LayerConfig& layer, Version version);

/// The function that an option of a layer names: `otherwise` if it isn't there, none if it is null. Throws
/// std::runtime_error if it can't be had.
inline Function function_option(LayerConfig& layer, const char* option, Version version, const char* otherwise) {
    const Json* value = layer.find(option);
    if (value && value->is_object()) { // a layer, or a function of a module
        const std::string module = text_member(*value, "module"), config = text_member(*value, "config");
        if (!config.empty() && module.starts_with("keras"))
            value = member(*value, "config");
        else if (member(*value, "config") && member(*value, "config")->is_object()) {
            LayerConfig inner(layer.input(), *value, layer.label() + "option " + option + ": ");
            if (const auto function = function_layer(inner, version)) {
                inner.finish();
                return *function;
            }
        }
    }
    if (value && !value->is_string())
        layer.refuse(option, "the name of a function of Keras");
    const std::string name = value ? value->get<std::string>() : layer.has(option) ? "linear" : otherwise;
    if (name == "softmax")
        return {.softmax = true};
    if (name == "linear" || name.empty())
        return {};
    if (name == "tanh")
        return {Activation::tanh};
    if (name == "sigmoid")
        return {Activation::sigmoid};
    if (name == "relu")
        return {Activation::relu};
    if (name == "relu6")
        return {Activation::relu.clipped(6)};
    if (name == "leaky_relu")
        return {Activation::leaky_relu(0.2)};
    if (name == "elu")
        return {Activation::elu()};
    if (name == "selu")
        return {Activation::selu};
    if (name == "exponential")
        return {Activation::exponential};
    if (name == "softsign")
        return {Activation::softsign};
    if (name == "softplus")
        return {Activation::softplus};
    if (name == "hard_tanh")
        return {Activation::linear.clipped(1)};
    if (name == "hard_sigmoid") {
        layer.check(version.major != 0, "option ", option,
                    " is \"hard_sigmoid\", which Keras 2 and 3 compute "
                    "differently, and the file doesn't say which of them wrote it; say so in KerasOptions::version");
        return {Activation::hard_sigmoid(version.major == 2 ? 0.2 : 1.0 / 6, 0.5)};
    }
    layer.refuse(option, "linear, tanh, sigmoid, hard_sigmoid, relu, relu6, leaky_relu, elu, selu, exponential, "
                         "softsign, softplus, hard_tanh or (not in a recurrent layer) softmax");
}

inline std::optional<Function> function_layer(LayerConfig& layer, Version version) {
    const std::string& name = layer.class_name();
    if (name == "Activation")
        return function_option(layer, "activation", version, "linear");
    if (name == "ReLU")
        return Function{relu(layer, "negative_slope")};
    if (name == "LeakyReLU") { // its option is negative_slope in Keras 3, alpha in Keras 2
        const char* const option = layer.find("negative_slope") ? "negative_slope" : "alpha";
        const double slope = layer.number(option, 0.3);
        if (!(slope >= 0))
            layer.refuse(option, "at least 0");
        return Function{Activation::leaky_relu(slope)};
    }
    if (name == "ELU") {
        const double alpha = layer.number("alpha", 1);
        if (!(alpha >= 0))
            layer.refuse("alpha", "at least 0");
        return Function{Activation::elu(alpha)};
    }
    if (name == "ThresholdedReLU") {
        const double theta = layer.number("theta", 1);
        if (!(theta >= 0))
            layer.refuse("theta", "at least 0");
        return Function{Activation::thresholded_relu(theta)};
    }
    if (name == "Softmax") {
        const double axis = layer.number("axis", -1);
        if (axis != -1)
            layer.refuse("axis", "-1, the features");
        return Function{.softmax = true};
    }
    return std::nullopt;
}

} // namespace carousel::detail::keras
