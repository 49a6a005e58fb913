// The forward half of a Step: products whose tiles the cell's equations meet while they are in L1.
#pragma once

#include "carousel/kernel/step.hpp"

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

template <Cell C>
void Step<C>::forward(const Scalar* W, const Scalar* x, Index features, const Scalar* U) const {
    const Scalar* const h = noise.h_mask ? noise.masked_prev : prev[0];
    for (Index u = 0; u < pass.hidden; u += units) {
        const Index width = std::min(units, pass.hidden - u);
        UTile tile(width);
        WTile x_tile(width);
        for (Index column = first; column < last;) {
            const auto of_x = [&](Index b) {
                return Factors<Scalar>{
                    features, W + u * C::input.count * features, C::input.count * width, x + b * features, 1, features};
            };
            const Factors<Scalar> products[2] = {{pass.hidden, U + u * C::recurrent.count * pass.hidden,
                                                  C::recurrent.count * width, h + column * pass.hidden, 1, pass.hidden},
                                                 W && same_blocks ? of_x(column) : Factors<Scalar>{}};
            const int columns =
                tile.compute_blocks(last - column, products, W && same_blocks ? 2 : 1, pass.block_bytes);
            if constexpr (!same_blocks)
                for (int n = 0; W && n < columns;) {
                    const Factors<Scalar> product = of_x(column + n);
                    n += x_tile.compute(columns - n, &product, 1, n);
                }
            over_lanes(
                gate_layout(), u, [&](auto lane) __attribute__((always_inline)) {
                    meet_tiles(lane, tile, W ? &x_tile : nullptr, column, columns);
                });
            column += columns;
        }
    }
}

template <Cell C>
void Step<C>::forward_second(const Scalar* U2) const requires TwoProductCell<C> {
    constexpr int R = C::second.count;
    for (Index u = 0; u < pass.hidden; u += units) {
        const Index width = std::min(units, pass.hidden - u);
        PanelTile<Scalar, R, units, stretch_columns> tile(width);
        for (Index column = first; column < last;) {
            const Factors<Scalar> product{
                pass.hidden, U2 + u * R * pass.hidden, R * width, operand + column * pass.hidden, 1, pass.hidden};
            const int columns = tile.compute_blocks(last - column, &product, 1, pass.block_bytes);
            over_lanes(
                gate_layout(), u, [&](auto lane) __attribute__((always_inline)) {
                    for (int n = 0; n < columns; ++n) {
                        V a[blocks];
                        load_blocks(lane, column + n, a);
#pragma GCC unroll 16
                        for (int g = 0; g < R; ++g)
                            a[C::second.first + g] += load<V>(tile.at(n, g, lane.u - u));
                        finish_forward(lane, column + n, a);
                    }
                });
            column += columns;
        }
    }
}

/// a = what the tiles hold of a lane + b, or where there is no tile of W·x what the gates hold; then the cell.
template <Cell C>
template <class Lane>
[[gnu::always_inline]] inline void Step<C>::meet_tiles(Lane lane, const UTile& tile, const WTile* x_tile, Index column,
                                                       int columns) const {
    const Index l = lane.u % units;
    V start[blocks] = {};
#pragma GCC unroll 16
    for (int g = 0; g < biased; ++g)
        start[g] = lane.load(pass.bias, g);
    for (int n = 0; n < columns; ++n) {
        const Index b = column + n;
        V a[blocks];
#pragma GCC unroll 16
        for (int g = 0; g < blocks; ++g) {
            a[g] = start[g];
            if (g >= C::recurrent.first && g < C::recurrent.end())
                a[g] += load<V>(tile.at(n, g - C::recurrent.first, l, lane.width));
            if (g >= C::input.first && g < C::input.end()) {
                if (!x_tile)
                    a[g] += lane.load(gates, gate_count, row(g), b);
                else if constexpr (!same_blocks)
                    a[g] += load<V>(x_tile->at(n, g - C::input.first, l, lane.width));
            }
        }
        if constexpr (TwoProductCell<C>) {
            V before[states];
            load_states(prev, lane, b, before);
            pass.cell->gate(a, before);
            a[C::operand] = noise.masked(a[C::operand], lane, b);
            store_gates(lane, b, a);
            store_operand(lane, b, a);
        } else
            finish_forward(lane, b, a);
    }
}

/// The cell's equations on finished pre-activations; past a sequence's end the state is carried and all blocks are
/// zero.
template <Cell C>
template <class Lane>
[[gnu::always_inline]] inline void Step<C>::finish_forward(Lane lane, Index b, V (&a)[blocks]) const {
    V before[states], now[states];
    load_states(prev, lane, b, before);
    if (real(b)) {
        V p[C::vectors + 1] = {};
        load_vectors(lane, p);
        pass.cell->forward(a, before, now, p);
        if (noise.zoneout) {
            if (noise.proposed[0])
                store_states(noise.proposed, lane, b, now);
            noise.zone_out(before, now, lane, b);
        }
        if (pass.record)
            store_gates(lane, b, a);
        store_states(next, lane, b, now);
    } else {
        const V zero[blocks] = {};
        now[0] = before[0];
        if (pass.record) {
            store_gates(lane, b, zero);
            store_operand(lane, b, zero);
        }
        store_states(next, lane, b, before);
    }
    if (noise.h_mask)
        lane.store(noise.masked_next, b, noise.masked(now[0], lane, b));
}

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
