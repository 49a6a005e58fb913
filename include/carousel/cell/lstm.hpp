// LSTM: long short-term memory with a forget gate: Hochreiter & Schmidhuber (1997), "Long Short-Term Memory"; Gers,
// Schmidhuber & Cummins (2000), "Learning to Forget". Peepholes: Gers & Schmidhuber (2000), "Recurrent Nets that Time
// and Count". Coupled gates (CIFG): Greff et al. (2017), "LSTM: A Search Space Odyssey".
//
// forward     i = σ(aᵢ + pᵢ∘c₋)          p∘c only with peepholes
//             f = σ(a_f + p_f∘c₋)        coupled: f = 1 − i
//             g = tanh(a_g)
//             c = f∘c₋ + i∘g
//             o = σ(aₒ + pₒ∘c)
//             h = o∘tanh(c)
// backward    daₒ = dh∘tanh(c) ∘ o(1−o)
//             dc += dh∘o∘(1−tanh²c) + daₒ∘pₒ
//             daᵢ = dc∘g ∘ i(1−i)        coupled: dc∘(g − c₋) ∘ i(1−i)
//             da_f = dc∘c₋ ∘ f(1−f)
//             da_g = dc∘i ∘ (1−g²)
//             dc₋ = dc∘f + daᵢ∘pᵢ + da_f∘p_f
//             dpᵢ += daᵢ∘c₋, dp_f += da_f∘c₋, dpₒ += daₒ∘c
// shapes      a = W·x + U·h₋ + b; W: 4H × I, U: 4H × H, b: 4H, P: H × 3 (columns i, f, o); state: h over c
// gates       i, f, g, o, as PyTorch's and Keras'; coupled: i, g, o (3H rows, P's columns i, o)
#pragma once

#include "carousel/cell/cell.hpp"
#include "carousel/cell/gates.hpp"

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// `Gates` says which functions stand for σ, tanh (of the candidate) and tanh (of c).
template <std::floating_point S, bool coupled = false, class Gates = StandardGates>
struct LstmCell {
    using Scalar = S;
    static constexpr const char* name = coupled ? "CoupledLSTM" : "LSTM";
    static constexpr int states = 2, blocks = coupled ? 3 : 4, vectors = coupled ? 2 : 3;
    static constexpr BlockRange input{0, blocks}, recurrent{0, blocks};

    /// Whether the gates see c: P is then H × 3 (coupled: H × 2), else empty. Gers & Schmidhuber (2000).
    bool peephole = false;
    CAROUSEL_NO_UNIQUE_ADDRESS Gates gates = {};

    /// Whether P is there at all.
    bool has_vectors() const { return peephole; }
    template <class F>
    void each_setting(F&& f) const {
        f("peephole", peephole);
        detail::each_gate_setting(gates, true, f);
    }
    /// The forget gate starts open (Gers et al. 2000; Jozefowicz et al. 2015): 1, and 0 for every other block.
    static constexpr Scalar initial_bias(int block) { return !coupled && block == f_ ? 1 : 0; }

    template <class V>
    [[gnu::always_inline]] void forward(V (&a)[blocks], const V (&prev)[2], V (&next)[2], const V* p) const {
        const V c_ = prev[1];
        if (peephole) {
            a[i_] += p[pi_] * c_;
            if constexpr (!coupled)
                a[f_] += p[pf_] * c_;
        }
        const V i = gates.gate(a[i_]);
        V f;
        if constexpr (coupled)
            f = Scalar(1) - i;
        else
            f = gates.gate(a[f_]);
        const V g = gates.candidate(a[g_]);
        const V c = f * c_ + i * g;
        if (peephole)
            a[o_] += p[po_] * c;
        const V o = gates.gate(a[o_]);

        next[0] = detail::times_output(gates, o, c);
        next[1] = c;
        a[i_] = detail::kept<Gates>(a[i_], i), a[g_] = detail::kept<Gates>(a[g_], g);
        a[o_] = detail::kept<Gates>(a[o_], o);
        if constexpr (!coupled)
            a[f_] = detail::kept<Gates>(a[f_], f);
    }

    template <class V>
    [[gnu::always_inline]] void backward(V (&a)[blocks], const V (&prev)[2], const V (&next)[2], V (&d)[2], const V* p,
                                         V* dp) const {
        const V c_ = prev[1], c = next[1], tanh_c = gates.output(c), dh = d[0];
        const V i = detail::gate_value(gates, a[i_]), g = detail::candidate_value(gates, a[g_]);
        const V o = detail::gate_value(gates, a[o_]);

        const V da_o = gates.gate_backward(dh * tanh_c, a[o_]);
        V dc = d[1] + gates.output_backward(dh * o, detail::kept<Gates>(c, tanh_c));
        if (peephole)
            dc += da_o * p[po_];
        V f, di;
        if constexpr (coupled) {
            f = Scalar(1) - i;
            di = dc * (g - c_);
        } else {
            f = detail::gate_value(gates, a[f_]);
            di = dc * g;
        }
        const V da_i = gates.gate_backward(di, a[i_]);
        V dc_ = dc * f;
        if constexpr (!coupled)
            a[f_] = gates.gate_backward(dc * c_, a[f_]);
        if (peephole) {
            dc_ += da_i * p[pi_];
            dp[pi_] += da_i * c_;
            dp[po_] += da_o * c;
            if constexpr (!coupled) {
                dc_ += a[f_] * p[pf_];
                dp[pf_] += a[f_] * c_;
            }
        }
        a[i_] = da_i, a[g_] = gates.candidate_backward(dc * i, a[g_]), a[o_] = da_o;
        d[0] = V{}; // h₋ acts through U only
        d[1] = dc_;
    }

  private:
    static constexpr int i_ = 0, f_ = 1, g_ = coupled ? 1 : 2, o_ = coupled ? 2 : 3;
    static constexpr int pi_ = 0, pf_ = 1, po_ = coupled ? 1 : 2;
};

} // namespace carousel

#include "carousel/core/quiet_bounds_end.hpp"
