// activation_from: the function that a description() describes.
#pragma once

#include "carousel/cell/activation.hpp"
#include "carousel/core/leading_number.hpp"

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// The reverse of description(): "tanh", "leaky_relu(0.1)", "hard_sigmoid(0.2, 0.5)", "relu.clipped(6)". None if the text
/// isn't the description of a function.
inline std::optional<Activation> activation_from(std::string_view text) {
    const std::string whole(text);
    std::optional<double> limit;
    if (const std::size_t place = text.find(".clipped("); place != text.npos) {
        const double value = detail::leading_number(text.substr(place + 9)).value;
        if (!(value > 0) || !std::isfinite(value))
            return std::nullopt;
        limit = value;
        text = text.substr(0, place);
    }
    std::vector<double> numbers;
    std::string_view rest;
    if (const std::size_t open = text.find('('); open != text.npos) {
        rest = text.substr(open + 1);
        text = text.substr(0, open);
    }
    while (!rest.empty()) {
        const auto [value, length] = detail::leading_number(rest);
        if (length == 0 || !std::isfinite(value))
            return std::nullopt;
        numbers.push_back(value);
        rest.remove_prefix(length);
        rest.remove_prefix(rest.starts_with(", ") ? 2 : rest.size());
    }
    const double alpha = numbers.size() > 0 ? numbers[0] : 0, beta = numbers.size() > 1 ? numbers[1] : 0;

    std::vector<Activation> candidates{Activation::linear,
                                       Activation::tanh,
                                       Activation::sigmoid,
                                       Activation::relu,
                                       Activation::softsign,
                                       Activation::softplus,
                                       Activation::selu,
                                       Activation::exponential,
                                       Activation::affine(alpha, beta),
                                       Activation::thresholded_relu(alpha),
                                       Activation::scaled_tanh(alpha, beta),
                                       Activation::hard_sigmoid(alpha, beta)};
    if (alpha >= 0) {
        candidates.push_back(Activation::leaky_relu(alpha));
        candidates.push_back(Activation::elu(alpha));
    }
    for (const Activation& plain : candidates)
        if (text == name(plain))
            if (const Activation f = limit ? plain.clipped(*limit) : plain; description(f) == whole)
                return f;
    return std::nullopt;
}

} // namespace carousel
