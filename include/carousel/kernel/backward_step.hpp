// The backward half of a Step: products whose tiles the cell's derivatives meet while they are in L1.
#pragma once

#include "carousel/kernel/step.hpp"

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

template <Cell C>
struct Step<C>::Sums {
    V bias[biased] = {}, vectors[C::vectors + 1] = {};
    void add_bias(const V (&a)[blocks]) {
#pragma GCC unroll 16
        for (int g = 0; g < biased; ++g)
            bias[g] += a[g];
    }
};

template <Cell C>
void Step<C>::backward(const Scalar* U, const Scalar* after, const Scalar* dy, const Gradients& to) const {
    over_unit_tiles<among_gates<C>(C::recurrent)>(
        U,
        after, [&](auto lane, Index column, int columns, const V* products, int stride) __attribute__((always_inline)) {
            Sums sums;
            for (int n = 0; n < columns; ++n) {
                const Index b = column + n;
                if (earlier)
                    fetch_earlier(lane, b, dy);
                V d[states];
                load_carry(lane, b, to, d);
                d[0] += noise.masked(products[n * stride], lane, b);
                V a[blocks] = {};
                if (real(b)) { // else the state was carried, and so is its gradient; da is zero
                    if (dy)
                        d[0] += lane.load(dy, b);
                    V before[states], now[states], kept[states] = {}, p[C::vectors + 1] = {};
                    load_blocks(lane, b, a);
                    load_states(prev, lane, b, before);
                    load_states(noise.zoneout ? noise.proposed : next, lane, b, now);
                    load_vectors(lane, p);
                    if (noise.zoneout)
                        noise.split(d, kept, lane, b);
                    pass.cell->backward(a, before, now, d, p, sums.vectors);
                    if (noise.zoneout)
#pragma GCC unroll 16
                        for (int k = 0; k < states; ++k)
                            d[k] += kept[k];
                    if constexpr (!TwoProductCell<C>)
                        sums.add_bias(a);
                }
                store_gates(lane, b, a);
                store_carry(lane, b, to, d);
            }
            if constexpr (!TwoProductCell<C>)
                add_to(to.bias, lane, sums.bias, biased);
            if (to.vectors)
                add_to(to.vectors, lane, sums.vectors, C::vectors);
        });
}

template <Cell C>
void Step<C>::backward_second(const Scalar* U2, const Gradients& to) const requires TwoProductCell<C> {
    over_unit_tiles<among_gates<C>(C::second)>(
        U2,
        gates, [&](auto lane, Index column, int columns, const V* products, int stride) __attribute__((always_inline)) {
            Sums sums;
            for (int n = 0; n < columns; ++n) {
                const Index b = column + n;
                if (!real(b))
                    continue;
                V a[blocks], before[states], d[states];
                load_blocks(lane, b, a);
                load_states(prev, lane, b, before);
                load_carry(lane, b, to, d);
                pass.cell->gate_backward(a, before, noise.masked(products[n * stride], lane, b), d);
                sums.add_bias(a);
                store_gates(lane, b, a);
                store_carry(lane, b, to, d);
            }
            add_to(to.bias, lane, sums.bias, biased);
        });
}

template <Cell C>
void Step<C>::backward_initial(const Scalar* U, const Scalar* after, const Gradients& to) const {
    over_unit_tiles<among_gates<C>(C::recurrent)>(
        U, after, [&](auto lane, Index column, int columns, const V* products, int stride) {
            for (int n = 0; n < columns; ++n) {
                const Index b = column + n;
                const V masked = noise.masked(products[n * stride], lane, b);
                lane.store(to.carry[0], 1, 0, b, lane.load(to.carry[0], 1, 0, b) + masked);
            }
        });
}

template <Cell C>
void Step<C>::input_gradient(const Scalar* W, Index features, Scalar* dx) const {
    multiply_transposed(dx + first * features, features, features, last - first, W, gate_layout(), gates,
                        row(C::input.first), C::input.count, first);
}

template <Cell C>
void Step<C>::input_gradient_dots(const Scalar* W, Index features, Scalar* dx) const {
    for (Index b = first; b < last; ++b)
        store(dx + b * features,
              multiply_transposed_lane<C::input.count>(W, features, 0, gate_layout(), gates, row(C::input.first), b),
              features);
}

/// Has what backward will read of the step before brought from memory.
template <Cell C>
template <class Lane>
[[gnu::always_inline]] inline void Step<C>::fetch_earlier(Lane lane, Index b, const Scalar* dy) const {
#pragma GCC unroll 16
    for (int g = 0; g < gate_count; ++g)
        __builtin_prefetch(gates + earlier * gate_layout().size() + lane.at(gate_count, g, b), 0, 2);
#pragma GCC unroll 16
    for (int k = 1; k < states; ++k)
        __builtin_prefetch(prev[k] + earlier * pass.batch * pass.hidden + lane.at(1, 0, b), 0, 2);
    if (dy)
        __builtin_prefetch(dy + earlier * pass.batch * pass.hidden + lane.at(b), 0, 2);
}

/// For every lane of units and some columns, f(lane, column, columns, products, stride), (Uᵀ·da)[lane, column + n] at
/// products[n · stride]; da: the rows of `from` that `which` names. `U` is packed as backward has it.
template <Cell C>
template <BlockRange which, class F>
[[gnu::always_inline]] inline void Step<C>::over_unit_tiles(const Scalar* U, const Scalar* from, F&& f) const {
    const bool by_blocks = pass.block_bytes > 0 && from;
    UnitTiles tiles;
    for (Index u = 0; u < pass.hidden;) {
        tiles.count = 0;
        do {
            const int R = next_tile_lanes((pass.hidden - u + L - 1) / L);
            tiles.first[tiles.count] = u;
            tiles.lanes[tiles.count++] = R;
            u += R * L;
        } while (by_blocks && tiles.count < group_tiles && u < pass.hidden);
        for (Index column = first; column < last;) {
            const Index top = tiles.first[0];
            const int R = tiles.lanes[0];
            int columns = 1;
            if (pass.dots_with_U)
                for (int r = 0; r < R; ++r)
                    tiles.numbers[r] = from ? multiply_transposed_lane<which.count>(U, pass.hidden, top + r * L,
                                                                                    gate_layout(), from, which.first, 0)
                                            : V{};
            else if (by_blocks)
                columns = multiply_by_blocks<which>(tiles, U, from, column);
            else {
                PanelFactors<Scalar> da{{}, 0};
                if (from)
                    da = over_panels(U + top * which.count * pass.hidden, R * L, gate_layout(), from, which.first,
                                     which.count, column);
                columns = compute_lanes<V, tile_lanes>(tiles.numbers, R, last - column, da.products, da.count);
            }
            for (int k = 0; k < tiles.count; ++k)
                for (int r = 0; r < tiles.lanes[k]; ++r)
                    with_lane(
                        gate_layout(), tiles.first[k] + r * L, [&](auto lane) __attribute__((always_inline)) {
                            f(lane, column, columns, tiles.tile(k) + r, tiles.lanes[k]);
                        });
            column += columns;
        }
    }
}

/// The products of a group's tiles for up to stretch_columns columns. Returns how many.
template <Cell C>
template <BlockRange which>
int Step<C>::multiply_by_blocks(UnitTiles& tiles, const Scalar* U, const Scalar* from, Index column) const {
    const int columns = static_cast<int>(std::min<Index>(last - column, stretch_columns));
    const PanelFactors<Scalar> da = over_panels(U + tiles.first[0] * which.count * pass.hidden, tiles.lanes[0] * L,
                                                gate_layout(), from, which.first, which.count, column);
    for_depth_blocks(da.products, da.count, tile_lanes, pass.block_bytes, [&](Factors<Scalar> block, bool add) {
        const Index row = (block.a - (U + tiles.first[0] * which.count * pass.hidden)) / (tiles.lanes[0] * L);
        for (int k = 0; k < tiles.count; ++k) {
            block.a_step = tiles.lanes[k] * L;
            block.a = U + tiles.first[k] * which.count * pass.hidden + row * block.a_step;
            block.a_run = block.depth * block.a_step;
            compute_stretch<V, tile_lanes>(tiles.tile(k), tiles.lanes[k], columns, block, add);
        }
    });
    return columns;
}

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
