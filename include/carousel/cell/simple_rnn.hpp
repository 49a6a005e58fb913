// SimpleRNN: the plain recurrent cell of Elman (1990), "Finding Structure in Time".
//
// forward     a = W·x + U·h₋ + b,  h = f(a)
// backward    da = dh ∘ f′(a),     dh₋ gets Uᵀ·da
// shapes      W: H × I, U: H × H, b: H
#pragma once

#include "carousel/cell/activation.hpp"
#include "carousel/cell/cell.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// SimpleRNN's equations: h = activation(a).
template <std::floating_point S>
struct SimpleRnnCell {
    using Scalar = S;
    static constexpr const char* name = "SimpleRNN";
    static constexpr int states = 1, blocks = 1, vectors = 0;
    static constexpr BlockRange input{0, 1}, recurrent{0, 1};

    Activation activation = Activation::tanh;

    template <class F>
    void each_setting(F&& f) const {
        f("activation", description(activation));
    }

    template <class V>
    [[gnu::always_inline]] void forward(V (&a)[1], const V (&)[1], V (&next)[1], const V*) const {
        next[0] = a[0] = activation(a[0]);
    }

    template <class V>
    [[gnu::always_inline]] void backward(V (&a)[1], const V (&)[1], const V (&)[1], V (&d)[1], const V*, V*) const {
        a[0] = d[0] * activation.derivative(a[0]);
        d[0] = V{};
    }
};

} // namespace carousel
