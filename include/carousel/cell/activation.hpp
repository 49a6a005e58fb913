// Activation: the elementwise functions a cell or a Dense layer can be told to use, with derivatives written from the
// output.
#pragma once

#include "carousel/simd/elementary.hpp"

namespace carousel {

enum class Activation { linear, tanh, sigmoid, relu };

constexpr const char* name(Activation f) {
    switch (f) {
    case Activation::tanh:
        return "tanh";
    case Activation::sigmoid:
        return "sigmoid";
    case Activation::relu:
        return "relu";
    case Activation::linear:
        break;
    }
    return "linear";
}

/// f(x)
template <class V>
[[gnu::always_inline]] inline V activate(Activation f, V x) {
    switch (f) {
    case Activation::tanh:
        return simd::tanh(x);
    case Activation::sigmoid:
        return simd::sigmoid(x);
    case Activation::relu:
        return x < V{} ? V{} : x; // NaN stays NaN
    case Activation::linear:
        break;
    }
    return x;
}

/// f′ at the x that gave y = f(x): tanh′ = 1 − y², σ′ = y(1 − y), relu′ = [y > 0].
template <class V>
[[gnu::always_inline]] inline V derivative(Activation f, V y) {
    using Scalar = simd::scalar_of<V>;
    switch (f) {
    case Activation::tanh:
        return Scalar(1) - y * y;
    case Activation::sigmoid:
        return y * (Scalar(1) - y);
    case Activation::relu:
        return y > V{} ? V{} + Scalar(1) : V{};
    case Activation::linear:
        break;
    }
    return V{} + Scalar(1);
}

} // namespace carousel
