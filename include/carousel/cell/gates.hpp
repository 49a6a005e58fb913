// The functions of a gated cell (LSTM, GRU): σ for the gates and tanh for the candidate and the output, or any.
#pragma once

#include "carousel/cell/activation.hpp"
#include "carousel/simd/fast_elementary.hpp"

#include <concepts>

namespace carousel::inline CAROUSEL_ABI {

/// The functions of the papers, known at compile time, so that nothing is chosen at run time. A function's _backward takes the
/// gradient dy of its value y, and y, and returns the gradient of its argument.
struct StandardGates {
    /// Which they are: of the gates, the candidate and the output.
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
        return simd::times_tanh(simd::splat<V>(1), x);
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
    /// o·output(x)
    template <class V>
    [[gnu::always_inline]] static V times_output(V o, V x) {
        return simd::times_tanh(o, x);
    }
};

/// Functions chosen at run time, under their names in ONNX: f of the gates, g of the candidate, h of the output (a GRU has no h).
struct ChosenGates {
    /// The functions of the gates, the candidate and the output.
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

/// Rational functions in place of σ and tanh, within 2e-6 of them (simd/fast_elementary.hpp) and faster, above all in streams of
/// small layers. Gradients are those of the functions used. Their derivatives follow from the argument, not from the value, so
/// backward is given arguments.
struct FastGates {
    static constexpr Activation f = Activation::sigmoid, g = Activation::tanh,
                                h = Activation::tanh; ///< what they stand for
    /// Says that gate_backward and the others are given arguments, not values.
    static constexpr bool backward_from_argument = true;
    static constexpr const char *sigmoid_name = "fast_sigmoid", *tanh_name = "fast_tanh"; ///< in the settings of a file

    template <class V>
    [[gnu::always_inline]] static V gate(V x) {
        return simd::fast_sigmoid(x);
    }
    template <class V>
    [[gnu::always_inline]] static V gate_backward(V dy, V x) {
        return dy * simd::fast_sigmoid_slope(x);
    }
    template <class V>
    [[gnu::always_inline]] static V candidate(V x) {
        return simd::fast_tanh(x);
    }
    template <class V>
    [[gnu::always_inline]] static V candidate_backward(V dy, V x) {
        return dy * simd::fast_tanh_slope(x);
    }
    template <class V>
    [[gnu::always_inline]] static V output(V x) {
        return simd::fast_tanh(x);
    }
    template <class V>
    [[gnu::always_inline]] static V output_backward(V dy, V x) {
        return dy * simd::fast_tanh_slope(x);
    }
};

namespace detail {

/// Whether the _backward functions of these gates take the argument of a function, not its value.
template <class Gates>
inline constexpr bool backward_from_argument = false;
template <class Gates>
requires(Gates::backward_from_argument) inline constexpr bool backward_from_argument<Gates> = true;

// A cell keeps for backward what its gates' derivatives are computed from: a function's value y, or its argument x. From that,
// backward has the value again.
template <class Gates, class V>
[[gnu::always_inline]] inline V kept([[maybe_unused]] V x, [[maybe_unused]] V y) {
    if constexpr (backward_from_argument<Gates>)
        return x;
    else
        return y;
}
template <class Gates, class V>
[[gnu::always_inline]] inline V gate_value(const Gates& gates, V kept) {
    if constexpr (backward_from_argument<Gates>)
        return gates.gate(kept);
    else
        return kept;
}
template <class Gates, class V>
[[gnu::always_inline]] inline V candidate_value(const Gates& gates, V kept) {
    if constexpr (backward_from_argument<Gates>)
        return gates.candidate(kept);
    else
        return kept;
}

/// o·output(x), as the gates have it at once or by its parts.
template <class Gates, class V>
[[gnu::always_inline]] inline V times_output(const Gates& gates, V o, V x) {
    if constexpr (requires { gates.times_output(o, x); })
        return gates.times_output(o, x);
    else
        return o * gates.output(x);
}

/// The settings of a gated cell (core/settings.hpp): its functions; "output" only if the cell has one (a GRU hasn't).
/// Gates of one's own without f, g and h have none.
template <class Gates, class F>
void each_gate_setting(const Gates& gates, bool has_output, F&& f) {
    if constexpr (std::same_as<Gates, FastGates>) {
        f("gate", FastGates::sigmoid_name);
        f("candidate", FastGates::tanh_name);
        if (has_output)
            f("output", FastGates::tanh_name);
    } else if constexpr (requires { description(gates.f), description(gates.g), description(gates.h); }) {
        f("gate", description(gates.f));
        f("candidate", description(gates.g));
        if (has_output)
            f("output", description(gates.h));
    }
}

} // namespace detail

} // namespace carousel
