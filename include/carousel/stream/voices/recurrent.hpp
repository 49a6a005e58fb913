// RecurrentVoices: one step of a recurrent layer for many columns, a voice each, with weights that are packed once. The step is that
// of a pass (kernel/step.hpp): a tile of all gates of some units × some voices, on which the cell's equations run.
#pragma once

#include "carousel/kernel/compiled.hpp"
#include "carousel/kernel/forward_step.hpp"
#include "carousel/kernel/plan.hpp"
#include "carousel/stream/flush.hpp"
#include "carousel/stream/voices/memory.hpp"

#include <algorithm>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

/// The object stands for its memory.
template <Cell C>
class RecurrentVoices {
    using S = typename C::Scalar;
    using Step = kernel::Step<C>;
    static constexpr Index units = Step::units;
    static constexpr int states = C::states, biased = biased_blocks<C>(), second_count = Step::second_count;

  public:
    explicit RecurrentVoices(RecurrentVoicesMemory<C>& memory) : m_(memory) {}

    /// Takes memory for all voices: all zeros, the states, too. Throws std::bad_alloc.
    void prepare() {
        const Index H = m_.hidden, B = m_.capacity;
        m_.column_block = kernel::make_plan<S>({m_.input, H, 1, B, false, false}, C::blocks, 1).column_block;
        m_.W.zeros(kernel::gate_panels<S>(C::input.count, H, m_.input));
        m_.U.zeros(kernel::gate_panels<S>(C::recurrent.count, H, H));
        if constexpr (TwoProductCell<C>) {
            m_.second.zeros(kernel::gate_panels<S>(second_count, H, H));
            m_.gates.zeros(gate_blocks<C>() * H * B + simd::lanes<S>); // a lane larger, as Panels need it
            m_.operand.zeros(H * B);
        }
        m_.bias.zeros(biased * H);
        m_.vectors.zeros(C::vectors * H);
        m_.h.zeros(H * B);
        m_.next_h.zeros(H * B);
        for (int s = 1; s < states; ++s)
            m_.states[s].zeros(H * B);
    }

    /// Takes these weights from now on.
    void set_weights(const RecurrentWeights<S>& weights) {
        const Index H = m_.hidden;
        const kernel::Operand<S> U{weights.U, 1, recurrent_blocks<C>().count * H};
        kernel::pack_gates<units>(m_.W.data(), {weights.W, 1, C::input.count * H}, C::input.count, H, m_.input);
        kernel::pack_gates<units>(m_.U.data(), U, C::recurrent.count, H, H);
        if constexpr (TwoProductCell<C>)
            kernel::pack_gates<units>(m_.second.data(), U.from_row(C::recurrent.count * H), second_count, H, H);
        std::copy_n(weights.b, biased * H, m_.bias.data());
        m_.has_vectors = weights.P != nullptr;
        if (weights.P)
            std::copy_n(weights.P, C::vectors * H, m_.vectors.data());
    }

    /// The layer's h, H × columns, after the sample x, I × columns, of the first `columns` voices.
    const S* step(const S* x, Index columns) noexcept {
        const Index H = m_.hidden, block = m_.column_block;
        for (Index first = 0; first < columns; first += block)
            step(x, first, std::min(first + block, columns));
        std::copy_n(m_.next_h.data(), H * columns, m_.h.data());
        if (++m_.steps % steps_between_flushes == 0) {
            flush_denormals(m_.h.data(), H * columns);
            for (int s = 1; s < states; ++s)
                flush_denormals(m_.states[s].data(), H * m_.capacity);
        }
        return m_.h.data();
    }

    /// The state of a voice, `states` times H numbers.
    void get(Index column, S* to) const noexcept {
        const Index H = m_.hidden;
        std::copy_n(m_.h.data() + column * H, H, to);
        each_panel(column, [&](int s, Index u, Index width, S* at) { std::copy_n(at, width, to + s * H + u); });
    }
    /// Null is zero.
    void set(Index column, const S* from) noexcept {
        const Index H = m_.hidden;
        copy_or_zero(from, H, m_.h.data() + column * H);
        each_panel(column, [&](int s, Index u, Index width, S* at) {
            copy_or_zero(from ? from + s * H + u : nullptr, width, at);
        });
    }

  private:
    static void copy_or_zero(const S* from, Index count, S* to) {
        if (from)
            std::copy_n(from, count, to);
        else
            std::fill_n(to, count, S(0));
    }

    /// f(state, first unit, units, where they stand) for all panels of the states after h.
    template <class F>
    void each_panel(Index column, F&& f) const {
        const typename Step::Layout layout{1, m_.capacity, m_.hidden};
        for (int s = 1; s < states; ++s)
            kernel::for_panels<units>(
                m_.hidden, [&](Index u, Index width) { f(s, u, width, m_.states[s].data() + layout.at(u, column)); });
    }

    void step(const S* x, Index first, Index last) noexcept {
        Step step{{&m_.cell, m_.hidden, m_.capacity, m_.bias.data(), m_.has_vectors ? m_.vectors.data() : nullptr,
                   nullptr, false, false, 0},
                  first,
                  last,
                  0,
                  m_.gates.data(),
                  m_.operand.data(),
                  {},
                  {}};
        step.prev[0] = m_.h.data();
        step.next[0] = m_.next_h.data();
        for (int s = 1; s < states; ++s) // read and written by one lane after the other, so in place
            step.prev[s] = step.next[s] = m_.states[s].data();
        for (int s = 0; s < states; ++s) {
            step.noise.rate[s] = m_.zoneout[s];
            step.noise.zoneout = step.noise.zoneout || m_.zoneout[s] > 0;
        }
        step.forward(m_.W.data(), x, m_.input, m_.U.data());
        if constexpr (TwoProductCell<C>)
            step.forward_second(m_.second.data());
    }

    RecurrentVoicesMemory<C>& m_;
};

/// The functions of RecurrentVoices, of the instruction set of this file.
template <Cell C>
CAROUSEL_OWN inline constexpr RecurrentVoicesFunctions<C> recurrent_voices_functions_here = {
    [](RecurrentVoicesMemory<C>& memory) { RecurrentVoices<C>(memory).prepare(); },
    [](RecurrentVoicesMemory<C>& memory, const RecurrentWeights<typename C::Scalar>& weights) {
        RecurrentVoices<C>(memory).set_weights(weights);
    },
    [](RecurrentVoicesMemory<C>& memory, const typename C::Scalar* x, Index columns) noexcept {
        return RecurrentVoices<C>(memory).step(x, columns);
    },
    [](const RecurrentVoicesMemory<C>& memory, Index column, typename C::Scalar* to) noexcept {
        RecurrentVoices<C>(const_cast<RecurrentVoicesMemory<C>&>(memory))
            .get(column, to); // which changes nothing in it
    },
    [](RecurrentVoicesMemory<C>& memory, Index column, const typename C::Scalar* from) noexcept {
        RecurrentVoices<C>(memory).set(column, from);
    }};

} // namespace carousel::stream

namespace carousel::inline CAROUSEL_ABI::stream {

/// Those of the instruction set that Voices of this cell run on.
template <Cell C>
const RecurrentVoicesFunctions<C>& recurrent_voices_functions() {
    if constexpr (kernel::in_library<C>)
        return kernel::chosen<RecurrentVoicesFunctions<C>>();
    else
        return recurrent_voices_functions_here<C>;
}

} // namespace carousel::stream

#include "carousel/core/quiet_bounds_end.hpp"
