// Step: one time step of a recurrent layer's pass; where its numbers stand. Its arithmetic is in forward_step.hpp and
// backward_step.hpp.
#pragma once

#include "carousel/cell/cell.hpp"
#include "carousel/kernel/noise.hpp"
#include "carousel/kernel/panel_product.hpp"
#include "carousel/kernel/unit_lane.hpp"

#include <algorithm>
#include <type_traits>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

/// What is the same for every step of a pass.
template <Cell C>
struct StepConstants {
    using Scalar = typename C::Scalar;

    const C* cell;
    Index hidden, batch;
    const Scalar* bias;    // a number for each unit of each block that has one
    const Scalar* vectors; // P, H × C::vectors; null where there are none
    const Index* lengths;  // a sequence's number of steps; null: every sequence is real at every step
    bool record;           // whether backward will ask what the cell leaves in the gates
    bool dots_with_U;      // backward multiplies Uᵀ·da as dot products, with U as pack_gates packs it; else as tiles
    Index block_bytes;     // of weights in a block of a product's depth; 0: the depth isn't blocked
};

/// What one step works on, for the columns first … last − 1 of the batch. h, x, and the gradients that come from other layers
/// are column-major, a column for each sequence, as is a TwoProductCell's operand; the gates and every further state, which only steps
/// see, are Panels.
///
/// A step multiplies, and a cell's equations run on the product's tile while it is in L1.
template <Cell C>
struct Step {
    using Scalar = typename C::Scalar;
    using V = Lane<Scalar>;
    static constexpr Index L = lanes<Scalar>;
    static constexpr int blocks = C::blocks, gate_count = gate_blocks<C>(), states = C::states,
                         biased = biased_blocks<C>();
    static constexpr int second_count = second_blocks<C>();
    /// Of a panel.
    static constexpr Index units =
        L * panel_lanes(second_count > 0 ? std::min(second_count, C::recurrent.count) : C::recurrent.count,
                        std::max({C::input.count, C::recurrent.count, second_count}));
    using Layout = Panels<Scalar, units>;

    StepConstants<C> pass;
    Index first, last, t;
    Scalar *gates, *operand; // operand: null where there is none
    const Scalar* prev[states];
    Scalar* next[states];
    /// For backward: −1 or 1 if what the step before this one keeps stands right before or behind this one's; 0 if nothing
    /// is to be fetched.
    Index earlier = 0;
    Noise<Scalar, states> noise = {};

    /// a = W·x + U·prev + b, then the cell (or its gate, if a second product follows). `W` and `U` are packed by pack_gates.
    /// With W null, the gates already hold W·x.
    void forward(const Scalar* W, const Scalar* x, Index features, const Scalar* U) const;

    /// The second product of a TwoProductCell: a += U₂·operand, then the cell. `U2` is packed by pack_gates.
    void forward_second(const Scalar* U2) const requires TwoProductCell<C>;

    /// What the backward steps add to: one set of arrays for the whole sweep.
    struct Gradients {
        Scalar* bias;          // as StepConstants has it
        Scalar* vectors;       // H × C::vectors, or null
        Scalar* carry[states]; // Panels: the gradient of each state on its way into the past
    };

    /// dh = carry + Uᵀ·da of the step after + dy, then the cell's backward, which turns `gates` into da.
    /// `U` is packed for the cell's `recurrent` blocks, by pack_transposed or, for dots_with_U, by pack_gates. `after`
    /// are the gates of the step after, null at the last; dy may be null.
    void backward(const Scalar* U, const Scalar* after, const Scalar* dy, const Gradients& to) const;

    /// The other half for a TwoProductCell: the operand's gradient U₂ᵀ·da, then the cell's gate_backward. `U2` is packed as
    /// backward's U.
    void backward_second(const Scalar* U2, const Gradients& to) const requires TwoProductCell<C>;

    /// What leaves the first step for the initial state: carry += Uᵀ·da.
    void backward_initial(const Scalar* U, const Scalar* after, const Gradients& to) const;

    /// dx = Wᵀ·da, I × batch. `W` is packed by pack_transposed.
    void input_gradient(const Scalar* W, Index features, Scalar* dx) const;

    /// The same as dot products, for at most a lane of features (the plan asks for less). `W` is packed by pack_gates.
    void input_gradient_dots(const Scalar* W, Index features, Scalar* dx) const;

  private:
    static constexpr bool same_blocks = C::input.first == C::recurrent.first && C::input.count == C::recurrent.count;
    using UTile = PanelTile<Scalar, C::recurrent.count, units,
                            stretch_columns>; // for both products, if they feed the same blocks
    using WTile = std::conditional_t<same_blocks, NoTile, PanelTile<Scalar, C::input.count, units, stretch_columns>>;

    Layout gate_layout() const { return {gate_count, pass.batch, pass.hidden}; }
    static constexpr int row(int block) { return among_gates<C>({block, 1}).first; } // of gate_layout
    bool real(Index b) const { return !pass.lengths || t < pass.lengths[b]; }

    template <class Lane>
    void load_blocks(Lane lane, Index b, V (&a)[blocks]) const {
#pragma GCC unroll 16
        for (int g = 0; g < blocks; ++g)
            a[g] = g == operand_block<C>() ? lane.load(operand, b) : lane.load(gates, gate_count, row(g), b);
    }
    template <class Lane>
    void store_gates(Lane lane, Index b, const V (&a)[blocks]) const {
#pragma GCC unroll 16
        for (int g = 0; g < blocks; ++g)
            if (g != operand_block<C>())
                lane.store(gates, gate_count, row(g), b, a[g]);
    }
    template <class Lane>
    void store_operand([[maybe_unused]] Lane lane, [[maybe_unused]] Index b, const V (&a)[blocks]) const {
        if constexpr (TwoProductCell<C>)
            lane.store(operand, b, a[C::operand]);
    }
    template <class Pointer, class Lane>
    void load_states(const Pointer (&from)[states], Lane lane, Index b, V (&s)[states]) const {
        s[0] = lane.load(from[0], b);
#pragma GCC unroll 16
        for (int k = 1; k < states; ++k)
            s[k] = lane.load(from[k], 1, 0, b);
    }
    template <class Lane>
    void store_states(Scalar* const (&to)[states], Lane lane, Index b, const V (&s)[states]) const {
        lane.store(to[0], b, s[0]);
#pragma GCC unroll 16
        for (int k = 1; k < states; ++k)
            lane.store(to[k], 1, 0, b, s[k]);
    }
    template <class Lane>
    void load_carry(Lane lane, Index b, const Gradients& from, V (&d)[states]) const {
#pragma GCC unroll 16
        for (int k = 0; k < states; ++k)
            d[k] = lane.load(from.carry[k], 1, 0, b);
    }
    template <class Lane>
    void store_carry(Lane lane, Index b, const Gradients& to, const V (&d)[states]) const {
#pragma GCC unroll 16
        for (int k = 0; k < states; ++k)
            lane.store(to.carry[k], 1, 0, b, d[k]);
    }
    template <class Lane>
    void load_vectors(Lane lane, V (&p)[C::vectors + 1]) const {
        if (pass.vectors)
#pragma GCC unroll 16
            for (int k = 0; k < C::vectors; ++k)
                p[k] = lane.load(pass.vectors, k);
    }
    template <class Lane>
    void add_to(Scalar* to, Lane lane, const V* sums, int columns) const {
#pragma GCC unroll 16
        for (int k = 0; k < columns; ++k)
            lane.store(to, k, lane.load(to, k) + sums[k]);
    }
    /// A lane's share of the gradients that are summed over columns.
    struct Sums;

    template <class Lane>
    [[gnu::always_inline]] void meet_tiles(Lane lane, const UTile& tile, const WTile* x_tile, Index column,
                                           int columns) const;
    template <class Lane>
    [[gnu::always_inline]] void finish_forward(Lane lane, Index b, V (&a)[blocks]) const;
    template <class Lane>
    [[gnu::always_inline]] void fetch_earlier(Lane lane, Index b, const Scalar* dy) const;
    template <BlockRange which, class F>
    [[gnu::always_inline]] void over_unit_tiles(const Scalar* U, const Scalar* from, F&& f) const;

    /// Row tiles of over_unit_tiles that are computed together where the depth is blocked, so that all meet a block of da while
    /// it is near. Their sums take half of L1.
    static constexpr int group_tiles =
        static_cast<int>(std::max<Index>(l1_bytes / 2 / (tile_lanes * stretch_columns * register_bytes), 1));
    struct UnitTiles {
        Index first[group_tiles]; // unit
        int lanes[group_tiles], count;
        V numbers[group_tiles * tile_lanes * stretch_columns];

        V* tile(int k) { return numbers + k * tile_lanes * stretch_columns; }
    };
    template <BlockRange which>
    int multiply_by_blocks(UnitTiles& tiles, const Scalar* U, const Scalar* from, Index column) const;
};

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
