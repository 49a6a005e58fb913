// GRU: the gated recurrent unit of Cho et al. (2014), "Learning Phrase Representations using RNN Encoder–Decoder", in
// both forms: reset before the product (the paper, v1; ONNX's default) and after it (v3; Keras', PyTorch's and cuDNN's
// default).
#pragma once

#include "carousel/cell/cell.hpp"
#include "carousel/cell/gates.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// Whether the reset gate acts before or after the candidate's recurrent product.
enum class Reset { after, before };

/// `Gates` says which functions stand for σ and tanh.
template <std::floating_point S, Reset reset = Reset::after, class Gates = StandardGates>
struct GruCell;

// Reset after:
//
// forward     r = σ(a_r)
//             z = σ(a_z)
//             n = tanh(a_n + r∘q)          a_n = W_n·x + b_n,  q = U_n·h₋ + b_q
//             h = (1−z)∘n + z∘h₋
// backward    da_z = dh∘(h₋ − n) ∘ z(1−z)
//             da_n = dh∘(1−z) ∘ (1−n²)
//             da_r = da_n∘q ∘ r(1−r)
//             dq = da_n∘r
//             dh₋ = dh∘z
// shapes      W: 3H × I (rows n, r, z), U: 3H × H (rows r, z, q), b: 4H (n, r, z, q)
// gates       n, r, z, q: W feeds the first three, U the last three
template <std::floating_point S, class Gates>
struct GruCell<S, Reset::after, Gates> {
    using Scalar = S;
    static constexpr const char* name = "GRU";
    static constexpr int states = 1, blocks = 4, vectors = 0;
    static constexpr BlockRange input{0, 3}, recurrent{1, 3};

    CAROUSEL_NO_UNIQUE_ADDRESS Gates gates = {};

    template <class F>
    void each_setting(F&& f) const {
        f("reset", "after");
        detail::each_gate_setting(gates, false, f);
    }

    template <class V>
    [[gnu::always_inline]] void forward(V (&a)[4], const V (&prev)[1], V (&next)[1], const V*) const {
        const V r = gates.gate(a[1]), z = gates.gate(a[2]);
        a[0] += r * a[3];
        const V n = gates.candidate(a[0]);
        next[0] = (Scalar(1) - z) * n + z * prev[0];                              // n comes last
        a[0] = detail::kept<Gates>(a[0], n), a[1] = detail::kept<Gates>(a[1], r); // a[3] stays q
        a[2] = detail::kept<Gates>(a[2], z);
    }

    template <class V>
    [[gnu::always_inline]] void backward(V (&a)[4], const V (&prev)[1], const V (&)[1], V (&d)[1], const V*, V*) const {
        const V n = detail::candidate_value(gates, a[0]), r = detail::gate_value(gates, a[1]);
        const V z = detail::gate_value(gates, a[2]), q = a[3], dh = d[0];
        const V da_n = gates.candidate_backward(dh * (Scalar(1) - z), a[0]);
        a[0] = da_n;
        a[1] = gates.gate_backward(da_n * q, a[1]);
        a[2] = gates.gate_backward(dh * (prev[0] - n), a[2]);
        a[3] = da_n * r;
        d[0] = dh * z;
    }
};

// Reset before:
//
// forward     r = σ(a_r)
//             z = σ(a_z)
//             s = r∘h₋
//             n = tanh(a_n)                a_n = W_n·x + U_n·s + b_n
//             h = (1−z)∘n + z∘h₋
// backward    da_z = dh∘(h₋ − n) ∘ z(1−z)
//             da_n = dh∘(1−z) ∘ (1−n²)
//             ds = U_nᵀ·da_n               computed by the layer
//             da_r = ds∘h₋ ∘ r(1−r)
//             dh₋ = dh∘z + ds∘r
// shapes      W: 3H × I, U: 3H × H, b: 3H
// gates       r, z, n, and s, the operand of n's product
template <std::floating_point S, class Gates>
struct GruCell<S, Reset::before, Gates> {
    using Scalar = S;
    static constexpr const char* name = "GRU";
    static constexpr int states = 1, blocks = 4, vectors = 0, operand = 3;
    static constexpr BlockRange input{0, 3}, recurrent{0, 2}, second{2, 1};

    CAROUSEL_NO_UNIQUE_ADDRESS Gates gates = {};

    template <class F>
    void each_setting(F&& f) const {
        f("reset", "before");
        detail::each_gate_setting(gates, false, f);
    }

    template <class V>
    [[gnu::always_inline]] void gate(V (&a)[4], const V (&prev)[1]) const {
        const V r = gates.gate(a[0]);
        a[0] = detail::kept<Gates>(a[0], r), a[1] = detail::kept<Gates>(a[1], gates.gate(a[1]));
        a[operand] = r * prev[0];
    }

    template <class V>
    [[gnu::always_inline]] void forward(V (&a)[4], const V (&prev)[1], V (&next)[1], const V*) const {
        const V z = detail::gate_value(gates, a[1]), n = gates.candidate(a[2]);
        next[0] = (Scalar(1) - z) * n + z * prev[0]; // n comes last
        a[2] = detail::kept<Gates>(a[2], n);
    }

    template <class V>
    [[gnu::always_inline]] void backward(V (&a)[4], const V (&prev)[1], const V (&)[1], V (&d)[1], const V*, V*) const {
        const V z = detail::gate_value(gates, a[1]), n = detail::candidate_value(gates, a[2]), dh = d[0];
        a[1] = gates.gate_backward(dh * (prev[0] - n), a[1]);
        a[2] = gates.candidate_backward(dh * (Scalar(1) - z), a[2]);
        d[0] = dh * z;
    }

    template <class V>
    [[gnu::always_inline]] void gate_backward(V (&a)[4], const V (&prev)[1], V ds, V (&d)[1]) const {
        const V r = detail::gate_value(gates, a[0]);
        a[0] = gates.gate_backward(ds * prev[0], a[0]);
        d[0] += ds * r;
    }
};

} // namespace carousel
