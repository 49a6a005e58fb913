// NarrowColumn: one step of a recurrent layer for one column, with narrow weights.
#pragma once

#include "carousel/cell/cell.hpp"
#include "carousel/kernel/compiled.hpp"
#include "carousel/stream/flush.hpp"
#include "carousel/stream/lane_step.hpp"
#include "carousel/stream/narrow/memory.hpp"

#include <algorithm>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::stream {

/// Units of a tile, if a register holds so many: their rows of W, of U or of the second product are eight registers, or one lane of
/// units if the cell has more blocks.
template <Cell C>
constexpr Index narrow_tile(Index lanes) {
    return std::max(1, 8 / std::max({C::input.count, C::recurrent.count, second_blocks<C>()})) * lanes;
}

/// A cell and its memory.
template <Cell C>
struct NarrowRecurrent {
    C cell;
    float zoneout[C::states];
    NarrowMemory memory;
};

/// The step of such a layer: its h after the sample x.
template <Cell C>
struct NarrowStep {
    Index lanes; ///< floats in a register: it reads and writes whole ones
    const float* (*step)(NarrowRecurrent<C>&, const float* x) noexcept;
};

inline namespace CAROUSEL_ISA {

/// The object stands for its memory, whose functions may be of another instruction set (a cell of a user's has none in the library).
/// It calls the products by the memory's table, so that a file which doesn't stream with narrow
/// weights has none of them.
template <Cell C>
class NarrowColumn {
    using V = simd::Lane<float>;
    static constexpr Index L = simd::lanes<float>;
    static constexpr Index most_lanes = 16, most_units = narrow_tile<C>(most_lanes); // of any instruction set
    static constexpr int blocks = C::blocks, states = C::states, biased = biased_blocks<C>();

  public:
    explicit NarrowColumn(NarrowRecurrent<C>& recurrent) : r_(recurrent), m_(recurrent.memory) {}

    const float* step(const float* x) noexcept {
        const NarrowLayout& layout = m_.layout;
        const NarrowFunctions& f = *layout.functions;
        if (m_.W.blocks > 0)
            f.convert(layout, m_.x, x, m_.input);
        f.convert(layout, m_.h, state(0), layout.hidden);
        over_tiles([&](Index u, Index width) {
            float a[biased * most_units + 4 * most_lanes + L];
            f.multiply_exact(layout, m_.exact, u, x, a);
            // The last lane of the last block may reach past the rows.
            const Index four = 4 * f.lanes;
            simd::store<V>(a + (biased * width + four - 1) / four * four, V{});
            if (m_.W.blocks > 0)
                f.multiply(layout, m_.W, u, m_.x, a + C::input.first * width);
            f.multiply(layout, m_.U, u, m_.h, a + C::recurrent.first * width);
            finish_first(u, width, a);
        });
        if constexpr (TwoProductCell<C>) {
            f.convert(layout, m_.h, m_.gates.data() + C::operand * m_.row, layout.hidden);
            over_tiles([&](Index u, Index width) {
                float a[second_blocks<C>() * most_units + most_lanes + L] = {};
                f.multiply(layout, m_.second, u, m_.h, a);
                finish_second(u, width, a);
            });
        }
        if (++m_.steps % steps_between_flushes == 0) [[unlikely]]
            flush_denormals(m_.state.data(), states * m_.row);
        return state(0);
    }

  private:
    float* state(int s) const { return m_.state.data() + s * m_.row; }

    /// f(first unit, units) for every tile, in ascending order on one step and in descending order on the next: a step begins with
    /// the tiles that the step before ended with, whose weights are still in L1.
    template <class F>
    [[gnu::always_inline]] void over_tiles(const F& f) const noexcept {
        const Index tile = m_.layout.tile, last = (m_.layout.tiles() - 1) * tile;
        for (Index u = 0; u <= last; u += tile) {
            const Index first = m_.steps % 2 == 0 ? u : last - u;
            f(first, m_.layout.width(first));
        }
    }

    /// The cell's equations for a tile, from its pre-activations; of a TwoProductCell those of its gate.
    [[gnu::always_inline]] void finish_first(Index u, Index width, const float* rows) noexcept {
        for (Index l = 0; l < width; l += L) {
            V a[blocks] = {};
            for (int g = 0; g < biased; ++g)
                a[g] = simd::load<V>(rows + g * width + l);
            if constexpr (TwoProductCell<C>) {
                V before[states];
                load_states(states_at(u + l), before);
                r_.cell.gate(a, before);
                for (int g = 0; g < blocks; ++g)
                    simd::store<V>(m_.gates.data() + g * m_.row + u + l, a[g]);
            } else
                finish(u + l, a);
        }
    }
    [[gnu::always_inline]] void finish_second(Index u, Index width, const float* rows) noexcept {
        for (Index l = 0; l < width; l += L) {
            V a[blocks];
            for (int g = 0; g < blocks; ++g)
                a[g] = simd::load<V>(m_.gates.data() + g * m_.row + u + l);
            for (int g = 0; g < second_blocks<C>(); ++g)
                a[C::recurrent.end() + g] += simd::load<V>(rows + g * width + l);
            finish(u + l, a);
        }
    }

    /// Where state s of the lane that begins with unit u stands.
    [[gnu::always_inline]] auto states_at(Index u) const noexcept {
        return [this, u](int s) { return state(s) + u; };
    }

    [[gnu::always_inline]] void finish(Index u, V (&a)[blocks]) noexcept {
        step_lane(
            r_.cell, r_.zoneout, a,
            [&](int k) { return m_.vectors.size() > 0 ? simd::load<V>(m_.vectors.data() + k * m_.row + u) : V{}; },
            states_at(u), states_at(u));
    }

    NarrowRecurrent<C>& r_;
    NarrowMemory& m_;
};

/// The step of the instruction set of this file.
template <Cell C>
CAROUSEL_OWN inline constexpr NarrowStep<C> narrow_step_here = {
    simd::lanes<float>,
    [](NarrowRecurrent<C>& recurrent, const float* x) noexcept { return NarrowColumn<C>(recurrent).step(x); }};

/// That of the instruction set that a layer of this cell is streamed with.
template <Cell C>
const NarrowStep<C>& narrow_step() {
    if constexpr (kernel::in_library<C>)
        return kernel::chosen<NarrowStep<C>>();
    else
        return narrow_step_here<C>;
}

} // namespace CAROUSEL_ISA

} // namespace carousel::stream

#include "carousel/core/quiet_bounds_end.hpp"
