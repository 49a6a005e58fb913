// RecurrentColumn: one step of a recurrent layer for one column, with weights that are packed once.
#pragma once

#include "carousel/cell/cell.hpp"
#include "carousel/kernel/compiled.hpp"
#include "carousel/stream/column_memory.hpp"
#include "carousel/stream/column_product.hpp"
#include "carousel/stream/flush.hpp"
#include "carousel/stream/lane_step.hpp"

#include <algorithm>
#include <type_traits>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

/// `Hidden` is the number of units where it is known at compile time, else Dynamic. The object stands for its memory.
template <Cell C, Index Hidden = Dynamic>
class RecurrentColumn {
    using S = typename C::Scalar;
    using V = simd::Vec<S, lane_bytes<S>(Hidden)>;
    static constexpr Index L = simd::size_of<V>;
    static constexpr int blocks = C::blocks, states = C::states, biased = biased_blocks<C>();

  public:
    explicit RecurrentColumn(RecurrentMemory<C>& memory) : m_(memory), hidden_{memory.hidden} {}

    /// Takes memory for `input` features and `hidden` units: all zeros, the state, too. Throws std::bad_alloc.
    void prepare() {
        m_.row = simd::round_up_to_lanes<S>(hidden_);
        m_.W.zeros(W().size());
        m_.U.zeros(U().size());
        if constexpr (TwoProductCell<C>) {
            m_.second.zeros(second().size());
            m_.gates.zeros(m_.row * blocks);
        }
        m_.bias.zeros(m_.row * biased);
        m_.vectors.zeros(m_.row * C::vectors);
        for (auto& slot : m_.state)
            for (auto& s : slot)
                s.zeros(m_.row);
    }

    /// Takes these weights from now on.
    void set_weights(const RecurrentWeights<S>& weights) {
        const Operand<S> of_U{weights.U, 1, recurrent_blocks<C>().count * hidden_};
        // The product with W adds the biases of the blocks it feeds. Those of the other blocks are kept for pass() to add.
        W().pack(m_.W.data(), {weights.W, 1, C::input.count * hidden_}, weights.b + C::input.first * hidden_);
        U().pack(m_.U.data(), of_U, nullptr);
        for (int g = 0; g < biased; ++g)
            if (!fed_by_W(g))
                std::copy_n(weights.b + g * hidden_, Index(hidden_), m_.bias.data() + g * m_.row);
        if constexpr (TwoProductCell<C>)
            second().pack(m_.second.data(), of_U.from_row(C::recurrent.count * hidden_), nullptr);
        m_.vectors.zeros(m_.row * C::vectors);
        for (int k = 0; weights.P && k < C::vectors; ++k)
            std::copy_n(weights.P + k * hidden_, Index(hidden_), m_.vectors.data() + k * m_.row);
    }

    /// The layer's h after the sample x.
    [[gnu::always_inline]] const S* step(const S* x) noexcept {
        over_groups([&](Index u) __attribute__((always_inline)) { pass(u, x); });
        if constexpr (TwoProductCell<C>)
            over_groups([&](Index u) __attribute__((always_inline)) { second_pass(u); });
        if (++m_.steps % steps_between_flushes == 0) [[unlikely]]
            return flushed();
        return state(0);
    }

  private:
    static constexpr int second_count = second_blocks<C>();
    /// A step reads U once, so U's size says whether the weights stay in L1.
    static constexpr Index units_a_group(Index hidden) {
        return stream::units_a_group<V>(std::max({C::input.count, C::recurrent.count, second_count}),
                                        recurrent_blocks<C>().count * hidden * hidden);
    }
    template <int count>
    using Product = ColumnProduct<V, count, Hidden, Hidden == Dynamic ? Dynamic : units_a_group(Hidden)>;

    Index group() const { return units_a_group(hidden_); }
    static constexpr bool fed_by_W(int block) { return block >= C::input.first && block < C::input.end(); }
    Product<C::input.count> W() const { return {hidden_, m_.input, group(), m_.W.data()}; }
    Product<C::recurrent.count> U() const { return {hidden_, hidden_, group(), m_.U.data()}; }
    /// Of a TwoProductCell.
    Product<second_count> second() const { return {hidden_, hidden_, group(), m_.second.data()}; }
    /// The present state.
    S* state(int s) const { return m_.state[m_.now()][s].data(); }

    /// Sets denormal numbers of the state to zero. Returns h.
    [[gnu::noinline]] const S* flushed() noexcept {
        for (int s = 0; s < states; ++s)
            flush_denormals(state(s), m_.row);
        return state(0);
    }

    /// f(first unit) for every group, in ascending order on one step and in descending order on the next. Where the weights don't
    /// fit L1, a step then begins with the groups that the step before ended with, whose weights are still in L1.
    template <class F>
    [[gnu::always_inline]] void over_groups(F&& f) const noexcept {
        const Index last = (hidden_ - 1) / group() * group();
        for (Index u = 0; u < hidden_; u += group())
            f(m_.now() == 0 ? u : last - u);
    }

    /// f(l, width) for every lane of the group that begins with unit u: the lane has `width` units and begins l units after u.
    /// The width of a whole lane, and of a padded one, is an integral_constant, so that the compiler knows it.
    template <class F>
    [[gnu::always_inline]] void over_lanes(Index u, F&& f) const noexcept {
        const Index units = std::min<Index>(group(), hidden_ - u),
                    whole = (pads<V>(Hidden) ? units + L - 1 : units) / L * L;
        for (Index l = 0; l < whole; l += L)
            f(l, std::integral_constant<Index, L>());
        if (whole < units)
            f(whole, units - whole);
    }

    /// W·x + U·h₋ + b for the group that begins with unit u, and the cell's equations; of a TwoProductCell the equations of its
    /// gate, because the others need the second product.
    [[gnu::always_inline]] void pass(Index u, const S* x) noexcept {
        typename Product<C::input.count>::Sums of_W;
        typename Product<C::recurrent.count>::Sums of_U;
        W()(u, x, of_W);
        if constexpr (Product<C::recurrent.count>::registers_needed + Product<C::input.count>::rows > simd::registers)
            of_W.leave_registers(); // else GCC has some sums of U·h₋ go through memory at each column
        U()(u, state(0), of_U);
        over_lanes(
            u, [&](Index l, auto width) __attribute__((always_inline)) {
                V a[blocks] = {};
                for (int g = 0; g < biased; ++g)
                    a[g] = fed_by_W(g) ? of_W.at(l, g - C::input.first, width)
                                       : simd::load<V>(m_.bias.data() + g * m_.row + u + l);
                for (int g = 0; g < C::recurrent.count; ++g)
                    a[C::recurrent.first + g] += of_U.at(l, g, width);
                if constexpr (TwoProductCell<C>) {
                    V before[states];
                    load_states(states_at(u + l), before);
                    m_.cell.gate(a, before);
                    for (int g = 0; g < blocks; ++g)
                        simd::store<V>(m_.gates.data() + g * m_.row + u + l, a[g]);
                } else
                    finish(u + l, a);
            });
    }
    /// The second product of a TwoProductCell for the group that begins with unit u, and the cell's equations.
    [[gnu::always_inline]] void second_pass(Index u) noexcept {
        typename Product<second_count>::Sums sums;
        second()(u, m_.gates.data() + C::operand * m_.row, sums);
        over_lanes(
            u, [&](Index l, auto width) __attribute__((always_inline)) {
                V a[blocks];
                for (int g = 0; g < blocks; ++g)
                    a[g] = simd::load<V>(m_.gates.data() + g * m_.row + u + l);
                for (int g = 0; g < C::second.count; ++g)
                    a[C::second.first + g] += sums.at(l, g, width);
                finish(u + l, a);
            });
    }

    /// Where state s of the lane that begins with unit u stands.
    [[gnu::always_inline]] auto states_at(Index u) const noexcept {
        return [this, u](int s) { return state(s) + u; };
    }

    /// The cell's equations for the lane that begins with unit u: reads one slot of the state, writes the other.
    [[gnu::always_inline]] void finish(Index u, V (&a)[blocks]) noexcept {
        step_lane(
            m_.cell, m_.zoneout, a, [&](int k) { return simd::load<V>(m_.vectors.data() + k * m_.row + u); },
            states_at(u), [&](int s) { return m_.state[1 - m_.now()][s].data() + u; });
    }

    RecurrentMemory<C>& m_;
    Extent<Hidden> hidden_;
};

/// The functions of a RecurrentColumn whose size is known at run time, of the instruction set of this file.
template <Cell C>
CAROUSEL_OWN inline constexpr RecurrentFunctions<C> recurrent_functions_here = {
    [](RecurrentMemory<C>& memory) { RecurrentColumn<C>(memory).prepare(); },
    [](RecurrentMemory<C>& memory, const RecurrentWeights<typename C::Scalar>& weights) {
        RecurrentColumn<C>(memory).set_weights(weights);
    },
    [](RecurrentMemory<C>& memory, const typename C::Scalar* x) noexcept {
        return RecurrentColumn<C>(memory).step(x);
    }};

} // namespace carousel::stream

namespace carousel::inline CAROUSEL_ABI::stream {

/// Those of the instruction set that a layer of this cell is streamed with.
template <Cell C>
const RecurrentFunctions<C>& recurrent_functions() {
    if constexpr (kernel::in_library<C>)
        return kernel::chosen<RecurrentFunctions<C>>();
    else
        return recurrent_functions_here<C>;
}

} // namespace carousel::stream

#include "carousel/core/quiet_bounds_end.hpp"
