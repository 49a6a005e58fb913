// The functions of a gated cell (LSTM, GRU): σ for the gates and tanh for the candidate and the output, or any.
#pragma once

#include "carousel/cell/activation.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// The functions of the papers, known at compile time, so that nothing is chosen at run time. A function's _backward takes the
/// gradient dy of its value y and returns the gradient of its argument.
struct StandardGates {
    static constexpr Activation f = Activation::sigmoid, g = Activation::tanh, h = Activation::tanh;

    template <class V>
    [[gnu::always_inline]] static V gate(V x) {
        return simd::sigmoid(x);
    }
    template <class V>
    [[gnu::always_inline]] static V gate_backward(V dy, V y) {
        return dy * y * (simd::scalar_of<V>(1) - y);
    }
    template <class V>
    [[gnu::always_inline]] static V candidate(V x) {
        return simd::tanh(x);
    }
    template <class V>
    [[gnu::always_inline]] static V candidate_backward(V dy, V y) {
        return dy * (simd::scalar_of<V>(1) - y * y);
    }
    template <class V>
    [[gnu::always_inline]] static V output(V x) {
        return simd::tanh(x);
    }
    template <class V>
    [[gnu::always_inline]] static V output_backward(V dy, V y) {
        return dy * (simd::scalar_of<V>(1) - y * y);
    }
};

/// Functions chosen at run time, under their names in ONNX: f of the gates, g of the candidate, h of the output (a GRU has no h).
struct ChosenGates {
    Activation f = Activation::sigmoid, g = Activation::tanh, h = Activation::tanh;

    template <class V>
    [[gnu::always_inline]] V gate(V x) const {
        return detail::activated(f, x);
    }
    template <class V>
    [[gnu::always_inline]] V gate_backward(V dy, V y) const {
        return dy * detail::activated_derivative(f, y);
    }
    template <class V>
    [[gnu::always_inline]] V candidate(V x) const {
        return detail::activated(g, x);
    }
    template <class V>
    [[gnu::always_inline]] V candidate_backward(V dy, V y) const {
        return dy * detail::activated_derivative(g, y);
    }
    template <class V>
    [[gnu::always_inline]] V output(V x) const {
        return detail::activated(h, x);
    }
    template <class V>
    [[gnu::always_inline]] V output_backward(V dy, V y) const {
        return dy * detail::activated_derivative(h, y);
    }
};

namespace detail {

/// The settings of a gated cell (core/settings.hpp): its functions; "output" only if the cell has one (a GRU hasn't).
/// Gates of one's own without f, g and h have none.
template <class Gates, class F>
void each_gate_setting(const Gates& gates, bool has_output, F&& f) {
    if constexpr (requires { description(gates.f), description(gates.g), description(gates.h); }) {
        f("gate", description(gates.f));
        f("candidate", description(gates.g));
        if (has_output)
            f("output", description(gates.h));
    }
}

} // namespace detail

} // namespace carousel
