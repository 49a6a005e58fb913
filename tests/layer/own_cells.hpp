// Two cells as a user may write them: one with a parameter of its own for every unit, one with two products.
#pragma once

#include "carousel/cell/cell.hpp"

namespace carousel::test {

/// A leaky integrator whose rates are learned: Jaeger et al. (2007), "Optimization and applications of echo state
/// networks with leaky-integrator neurons".
///
/// forward     n = tanh(a),  α = σ(p),  h = h₋ + α∘(n − h₋)
/// backward    da = dh∘α ∘ (1−n²),  dh₋ = dh∘(1−α),  dp += dh∘(n − h₋) ∘ α(1−α)
template <std::floating_point S>
struct LeakyCell {
    using Scalar = S;
    static constexpr const char* name = "LeakyRNN";
    static constexpr int states = 1, blocks = 1, vectors = 1;
    static constexpr BlockRange input{0, 1}, recurrent{0, 1};

    template <class V>
    void forward(V (&a)[1], const V (&prev)[1], V (&next)[1], const V* p) const {
        a[0] = simd::tanh(a[0]);
        next[0] = prev[0] + simd::sigmoid(p[0]) * (a[0] - prev[0]);
    }

    template <class V>
    void backward(V (&a)[1], const V (&prev)[1], const V (&)[1], V (&d)[1], const V* p, V* dp) const {
        const V n = a[0], leak = simd::sigmoid(p[0]);
        a[0] = d[0] * leak * (Scalar(1) - n * n);
        dp[0] += d[0] * (n - prev[0]) * leak * (Scalar(1) - leak);
        d[0] *= Scalar(1) - leak;
    }
};

/// The minimal gated unit of Zhou et al. (2016), "Minimal Gated Unit for Recurrent Neural Networks".
///
/// forward     f = σ(a_f),  s = f∘h₋,  n = tanh(a_n + U_n·s),  h = h₋ + f∘(n − h₋)
/// backward    da_n = dh∘f ∘ (1−n²),  da_f = (dh∘(n − h₋) + ds∘h₋) ∘ f(1−f),  dh₋ = dh∘(1−f) + ds∘f
/// gates       f, n, s, and a place for dh∘(n − h₋)
///
/// `blind`: the candidate doesn't see x, so n's bias is one of a block that only the second product feeds.
template <std::floating_point S, bool blind = false>
struct MinimalGatedCell {
    using Scalar = S;
    static constexpr const char* name = "MinimalGatedUnit";
    static constexpr int states = 1, blocks = 4, vectors = 0, operand = 2;
    static constexpr BlockRange input{0, blind ? 1 : 2}, recurrent{0, 1}, second{1, 1};

    template <class V>
    void gate(V (&a)[4], const V (&prev)[1]) const {
        a[0] = simd::sigmoid(a[0]);
        a[operand] = a[0] * prev[0];
    }

    template <class V>
    void forward(V (&a)[4], const V (&prev)[1], V (&next)[1], const V*) const {
        a[1] = simd::tanh(a[1]);
        next[0] = prev[0] + a[0] * (a[1] - prev[0]);
    }

    template <class V>
    void backward(V (&a)[4], const V (&prev)[1], const V (&)[1], V (&d)[1], const V*, V*) const {
        const V f = a[0], n = a[1], dh = d[0];
        a[1] = dh * f * (Scalar(1) - n * n);
        a[3] = dh * (n - prev[0]);
        d[0] = dh * (Scalar(1) - f);
    }

    template <class V>
    void gate_backward(V (&a)[4], const V (&prev)[1], V ds, V (&d)[1]) const {
        const V f = a[0];
        a[0] = (a[3] + ds * prev[0]) * f * (Scalar(1) - f);
        d[0] += ds * f;
    }
};

} // namespace carousel::test
