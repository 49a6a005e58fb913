// One time step of a recurrent layer, forward and backward: a product whose tile the cell's equations meet while it is in L1.
#pragma once

#include "carousel/cell/cell.hpp"
#include "carousel/kernel/noise.hpp"
#include "carousel/kernel/panel_product.hpp"
#include "carousel/kernel/unit_lane.hpp"

#include <span>

namespace carousel::kernel {

/// What a step works on. h and what comes from outside are column-major, a column for each sequence of the batch; the gates and
/// every further state, which only steps see, are Panels.
template <Cell C>
struct Step {
    using Scalar = typename C::Scalar;
    using V = Lane<Scalar>;
    static constexpr Index L = lanes<Scalar>;
    static constexpr int blocks = C::blocks, states = C::states, biased = biased_blocks<C>();
    static constexpr int second_count = recurrent_blocks<C>().count - C::recurrent.count; // 0 but of a TwoProductCell
    static constexpr Index units =
        L * panel_lanes(second_count > 0 ? std::min(second_count, C::recurrent.count) : C::recurrent.count,
                        std::max({C::input.count, C::recurrent.count, second_count})); // of a panel
    using Layout = Panels<Scalar, units>;

    const C* cell;
    Index hidden, batch;
    Index first, last;              // the columns to work on: first … last − 1
    const Scalar* bias;             // biased · H
    const Scalar* vectors;          // P, H × C::vectors; null where there are none
    std::span<const Index> lengths; // empty: every sequence is real at every step
    Index t;
    Scalar* gates;
    const Scalar* prev[states];
    Scalar* next[states];
    bool record = true; ///< whether backward will ask what the cell leaves in the gates
    Index earlier =
        0; ///< for backward: −1 or 1 if the step before this one stands right before or behind it, 0 if there is none
    Noise<Scalar, states> noise = {};

    /// a = W·x + U·prev + b, then the cell (or its gate, if a second product follows). `W` and `U` are packed by pack_gates.
    /// With W null, the gates already hold W·x.
    void forward(const Scalar* W, const Scalar* x, Index features, const Scalar* U) const {
        const Scalar* const h = noise.h_mask ? noise.masked_prev : prev[0];
        for (Index u = 0; u < hidden; u += units) {
            const Index width = std::min(units, hidden - u);
            UTile tile(width);
            WTile x_tile(width);
            for (Index column = first; column < last;) {
                const auto of_x = [&](Index b) {
                    return Factors<Scalar>{
                        features, W + u * C::input.count * features, C::input.count * width, x + b * features, 1,
                        features};
                };
                const Factors<Scalar> products[2] = {{hidden, U + u * C::recurrent.count * hidden,
                                                      C::recurrent.count * width, h + column * hidden, 1, hidden},
                                                     W && same_blocks ? of_x(column) : Factors<Scalar>{}};
                const int columns = tile.compute(last - column, products, W && same_blocks ? 2 : 1);
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

    /// The second product of a TwoProductCell: a += U₂·a[operand], then the cell. `U2` is packed by pack_gates.
    void forward_second(const Scalar* U2) const requires TwoProductCell<C> {
        constexpr int R = C::second.count;
        for (Index u = 0; u < hidden; u += units) {
            const Index width = std::min(units, hidden - u);
            PanelTile<Scalar, R, units> tile(width);
            for (Index column = first; column < last;) {
                const PanelFactors<Scalar> f =
                    over_panels(U2 + u * R * hidden, R * width, gate_layout(), gates, C::operand, 1, column);
                const int columns = tile.compute(last - column, f.products, f.count);
                over_lanes(
                    gate_layout(), u, [&](auto lane) __attribute__((always_inline)) {
                        for (int n = 0; n < columns; ++n) {
                            V a[blocks];
                            load_gates(lane, column + n, a);
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

    /// What the backward steps add to: one set of arrays for the whole sweep.
    struct Gradients {
        Scalar* bias;          // biased · H
        Scalar* vectors;       // H × C::vectors, or null
        Scalar* carry[states]; // Panels: the gradient of each state on its way into the past
    };

    /// dh = carry + Uᵀ·da of the step after + dy, then the cell's backward, which turns `gates` into da.
    /// `U` is packed for the cell's `recurrent` blocks, by pack_transposed or, for a `single` sequence, by pack_gates; `after`
    /// are the gates of the step after, null at the last; dy may be null.
    void backward(const Scalar* U, const Scalar* after, const Scalar* dy, const Gradients& to) const {
        over_unit_tiles<C::recurrent>(
            U, after,
            [&](auto lane, Index column, int columns, const V* products, int stride) __attribute__((always_inline)) {
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
                        V before[states], now[states], kept[states], p[C::vectors + 1] = {};
                        load_gates(lane, b, a);
                        load_states(prev, lane, b, before);
                        load_states(noise.zoneout ? noise.said : next, lane, b, now);
                        load_vectors(lane, p);
                        if (noise.zoneout)
                            noise.split(d, kept, lane, b);
                        cell->backward(a, before, now, d, p, sums.vectors);
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

    /// The other half for a TwoProductCell: the operand's gradient U₂ᵀ·da, then the cell's gate_backward.
    void backward_second(const Scalar* U2, const Gradients& to) const requires TwoProductCell<C> {
        over_unit_tiles<C::second>(
            U2, gates,
            [&](auto lane, Index column, int columns, const V* products, int stride) __attribute__((always_inline)) {
                Sums sums;
                for (int n = 0; n < columns; ++n) {
                    const Index b = column + n;
                    if (!real(b))
                        continue;
                    V a[blocks], before[states], d[states];
                    load_gates(lane, b, a);
                    load_states(prev, lane, b, before);
                    load_carry(lane, b, to, d);
                    cell->gate_backward(a, before, noise.masked(products[n * stride], lane, b), d);
                    sums.add_bias(a);
                    store_gates(lane, b, a);
                    store_carry(lane, b, to, d);
                }
                add_to(to.bias, lane, sums.bias, biased);
            });
    }

    /// What leaves the first step for the initial state: carry += Uᵀ·da.
    void backward_initial(const Scalar* U, const Scalar* after, const Gradients& to) const {
        over_unit_tiles<C::recurrent>(
            U, after, [&](auto lane, Index column, int columns, const V* products, int stride) {
                for (int n = 0; n < columns; ++n) {
                    const Index b = column + n;
                    const V masked = noise.masked(products[n * stride], lane, b);
                    lane.store(to.carry[0], 1, 0, b, lane.load(to.carry[0], 1, 0, b) + masked);
                }
            });
    }

    /// dx = Wᵀ·da, I × batch: `W` is packed by pack_transposed; or, for few_features, by pack_gates.
    void input_gradient(const Scalar* W, Index features, Scalar* dx) const {
        if (few_features(features))
            for (Index b = first; b < last; ++b)
                store(dx + b * features,
                      multiply_transposed_lane<C::input.count>(W, features, 0, gate_layout(), gates, C::input.first, b),
                      features);
        else
            multiply_transposed(dx + first * features, features, features, last - first, W, gate_layout(), gates,
                                C::input.first, C::input.count, first);
    }

    /// Whether U is packed once, by pack_gates, for both ways: a single sequence reads all weights at every step, at the speed of the
    /// cache that holds them.
    static constexpr bool single(Index batch) {
        return batch == 1;
    }
    /// So few that most of a tile would be padding.
    static constexpr bool few_features(Index features) {
        return features * 4 <= L;
    }

  private:
    static constexpr bool same_blocks = C::input.first == C::recurrent.first && C::input.count == C::recurrent.count;
    using UTile = PanelTile<Scalar, C::recurrent.count, units>; // for both products, if they feed the same blocks
    using WTile = std::conditional_t<same_blocks, NoTile, PanelTile<Scalar, C::input.count, units, tile_columns(1)>>;

    /// A lane's share of the gradients that are summed over columns.
    struct Sums {
        V bias[biased] = {}, vectors[C::vectors + 1] = {};
        void add_bias(const V (&a)[blocks]) {
#pragma GCC unroll 16
            for (int g = 0; g < biased; ++g)
                bias[g] += a[g];
        }
    };

    Layout gate_layout() const {
        return {blocks, batch, hidden};
    }
    bool real(Index b) const {
        return lengths.empty() || t < lengths[static_cast<std::size_t>(b)];
    }

    template <class Lane>
    void load_gates(Lane lane, Index b, V (&a)[blocks]) const {
#pragma GCC unroll 16
        for (int g = 0; g < blocks; ++g)
            a[g] = lane.load(gates, blocks, g, b);
    }
    template <class Lane>
    void store_gates(Lane lane, Index b, const V (&a)[blocks]) const {
#pragma GCC unroll 16
        for (int g = 0; g < blocks; ++g)
            lane.store(gates, blocks, g, b, a[g]);
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
        if (vectors)
#pragma GCC unroll 16
            for (int k = 0; k < C::vectors; ++k)
                p[k] = lane.load(vectors, k);
    }
    template <class Lane>
    void add_to(Scalar* to, Lane lane, const V* sums, int columns) const {
#pragma GCC unroll 16
        for (int k = 0; k < columns; ++k)
            lane.store(to, k, lane.load(to, k) + sums[k]);
    }
    /// Has what backward will read of the step before brought from memory.
    template <class Lane>
    [[gnu::always_inline]] void fetch_earlier(Lane lane, Index b, const Scalar* dy) const {
#pragma GCC unroll 16
        for (int g = 0; g < blocks; ++g)
            __builtin_prefetch(gates + earlier * gate_layout().size() + lane.at(blocks, g, b), 0, 2);
#pragma GCC unroll 16
        for (int k = 1; k < states; ++k)
            __builtin_prefetch(prev[k] + earlier * batch * hidden + lane.at(1, 0, b), 0, 2);
        if (dy)
            __builtin_prefetch(dy + earlier * batch * hidden + lane.at(b), 0, 2);
    }

    /// a = what the tiles hold of a lane + b, or where there is no tile of W·x what the gates hold; then the cell.
    template <class Lane>
    [[gnu::always_inline]] void meet_tiles(Lane lane, const UTile& tile, const WTile* x_tile, Index column,
                                           int columns) const {
        const Index l = lane.u % units;
        V start[blocks] = {};
#pragma GCC unroll 16
        for (int g = 0; g < biased; ++g)
            start[g] = lane.load(bias, g);
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
                        a[g] += lane.load(gates, blocks, g, b);
                    else if constexpr (!same_blocks)
                        a[g] += load<V>(x_tile->at(n, g - C::input.first, l, lane.width));
                }
            }
            if constexpr (TwoProductCell<C>) {
                V before[states];
                load_states(prev, lane, b, before);
                cell->gate(a, before);
                a[C::operand] = noise.masked(a[C::operand], lane, b);
                store_gates(lane, b, a);
            } else
                finish_forward(lane, b, a);
        }
    }

    /// The cell's equations on finished pre-activations; past a sequence's end the state is carried and the gates are
    /// zero.
    template <class Lane>
    [[gnu::always_inline]] void finish_forward(Lane lane, Index b, V (&a)[blocks]) const {
        V before[states], now[states];
        load_states(prev, lane, b, before);
        if (real(b)) {
            V p[C::vectors + 1] = {};
            load_vectors(lane, p);
            cell->forward(a, before, now, p);
            if (noise.zoneout) {
                if (noise.said[0])
                    store_states(noise.said, lane, b, now);
                noise.zone_out(before, now, lane, b);
            }
            if (record)
                store_gates(lane, b, a);
            store_states(next, lane, b, now);
        } else {
            const V zero[blocks] = {};
            now[0] = before[0];
            if (record)
                store_gates(lane, b, zero);
            store_states(next, lane, b, before);
        }
        if (noise.h_mask)
            lane.store(noise.masked_next, b, noise.masked(now[0], lane, b));
    }

    /// For every lane of units and some columns, f(lane, column, columns, products, stride), (Uᵀ·da)[lane, column + n] at
    /// products[n · stride]; da: the rows of `from` that `which` names. `U` is packed as backward has it.
    template <Blocks which, class F>
    [[gnu::always_inline]] void over_unit_tiles(const Scalar* U, const Scalar* from, F&& f) const {
        for_row_tiles<Scalar>(hidden, [&](Index u, int R) {
            for (Index column = first; column < last;) {
                V tile[tile_lanes * tile_columns(1)];
                int columns = 1;
                if (single(batch))
                    for (int r = 0; r < R; ++r)
                        tile[r] = from ? multiply_transposed_lane<which.count>(U, hidden, u + r * L, gate_layout(),
                                                                               from, which.first, 0)
                                       : V{};
                else {
                    PanelFactors<Scalar> da{{}, 0};
                    if (from)
                        da = over_panels(U + u * which.count * hidden, R * L, gate_layout(), from, which.first,
                                         which.count, column);
                    columns = compute_lanes<V, tile_lanes>(tile, R, last - column, da.products, da.count);
                }
                for (int r = 0; r < R; ++r)
                    with_lane(
                        gate_layout(), u + r * L, [&](auto lane) __attribute__((always_inline)) {
                            f(lane, column, columns, tile + r, R);
                        });
                column += columns;
            }
        });
    }
};

} // namespace carousel::kernel
