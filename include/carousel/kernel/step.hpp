// One time step of a recurrent layer, forward and backward: a product whose tile the cell's equations meet in
// registers.
#pragma once

#include "carousel/cell/cell.hpp"
#include "carousel/kernel/panels.hpp"

#include <span>

namespace carousel::kernel {

/// The noise of training that acts inside the recurrence; null pointers where there is none. Arrays are H × batch.
template <class Scalar, int states>
struct Noise {
    const Scalar* h_mask = nullptr;      ///< recurrent dropout: U multiplies mask∘h
    const Scalar* masked_prev = nullptr; ///< mask∘h before the step …
    Scalar* masked_next = nullptr;       ///< … and after it
    bool zoneout = false;                ///< next = k∘prev + (1 − k)∘(what the cell says)
    const Scalar* keep[states] = {};     ///< k of each state: 0 or 1 …
    Scalar rate[states] = {};            ///< … or, without, its mean
    Scalar* said[states] = {};           ///< what the cell said, for backward; null in inference
};

/// What a step works on. Arrays are column-major, a column for each sequence of the batch: `gates` has blocks · H rows,
/// `prev` and `next` have H rows for each state.
template <Cell C>
struct Step {
    using Scalar = typename C::Scalar;
    using V = Lane<Scalar>;
    static constexpr Index L = lanes<Scalar>;
    static constexpr int blocks = C::blocks, states = C::states, biased = biased_blocks<C>();

    const C* cell;
    Index hidden;
    Index first, last;              // the columns to work on: first … last − 1
    const Scalar* bias;             // biased · H
    const Scalar* vectors;          // P, H × C::vectors; null where there are none
    std::span<const Index> lengths; // empty: every sequence is real at every step
    Index t;
    Scalar* gates;
    const Scalar* prev[states];
    Scalar* next[states];
    bool record = true; ///< whether backward will ask what the cell leaves in the gates
    Noise<Scalar, states> noise = {};

    /// a = W·x + U·prev + b, then the cell (or its gate, if a second product follows). `W` and `U` are panels of
    /// pack_gates. With W null, the gates already hold W·x.
    void forward(const Scalar* W, const Scalar* x, Index features, const Scalar* U) const {
        constexpr Blocks of_W = C::input, of_U = C::recurrent;
        constexpr bool same_blocks = of_W.first == of_U.first && of_W.count == of_U.count; // one tile for both products
        const Scalar* const h = noise.h_mask ? noise.masked_prev : prev[0];
        for (Index u = 0; u < hidden; u += L) {
            const Index count = std::min(L, hidden - u);
            V start[blocks] = {};
            load_rows(start, bias + u, biased, count);
            const auto x_factors = [&](Index column) {
                return Factors<Scalar>{
                    features, W + u * of_W.count * features, of_W.count * L, x + column * features, 1, features};
            };
            for (Index column = first; column < last;) {
                const Factors<Scalar> products[2] = {
                    {hidden, U + u * of_U.count * hidden, of_U.count * L, h + column * hidden, 1, hidden},
                    W && same_blocks ? x_factors(column) : Factors<Scalar>{}};
                V tile[of_U.count * tile_columns(of_U.count)], x_tile[of_W.count * tile_columns(of_U.count)];
                const int columns =
                    compute_tile<V, of_U.count>(tile, last - column, products, W && same_blocks ? 2 : 1);
                if constexpr (!same_blocks)
                    for (int n = 0; W && n < columns;) {
                        const Factors<Scalar> product = x_factors(column + n);
                        n += compute_tile<V, of_W.count>(x_tile + n * of_W.count, columns - n, &product, 1);
                    }
                for (int n = 0; n < columns; ++n) {
                    const Index b = column + n;
                    V a[blocks];
#pragma GCC unroll 16
                    for (int g = 0; g < blocks; ++g) {
                        a[g] = start[g];
                        if (g >= of_U.first && g < of_U.end())
                            a[g] += tile[n * of_U.count + g - of_U.first];
                        if (g >= of_W.first && g < of_W.end()) {
                            if (!W)
                                a[g] += load<V>(gate(g, u, b), count);
                            else if (!same_blocks)
                                a[g] += x_tile[n * of_W.count + g - of_W.first];
                        }
                    }
                    if constexpr (TwoProductCell<C>) {
                        V before[states];
                        load_states(prev, u, b, before, count);
                        cell->gate(a, before);
                        a[C::operand] = masked(a[C::operand], u, b, count);
                        store_gates(u, b, a, count);
                    } else
                        finish_forward(u, b, a, count);
                }
                column += columns;
            }
        }
    }

    /// The second product of a TwoProductCell: a += U₂·a[operand], then the cell.
    void forward_second(const Scalar* U2) const requires TwoProductCell<C> {
        constexpr int R = C::second.count;
        for (Index u = 0; u < hidden; u += L) {
            const Index count = std::min(L, hidden - u);
            for (Index column = first; column < last;) {
                const Factors<Scalar> product{hidden, U2 + u * R * hidden, R * L, gate(C::operand, 0, column),
                                              1,      blocks * hidden};
                V tile[R * tile_columns(R)];
                const int columns = compute_tile<V, R>(tile, last - column, &product, 1);
                for (int n = 0; n < columns; ++n) {
                    V a[blocks];
                    load_gates(u, column + n, a, count);
#pragma GCC unroll 16
                    for (int g = 0; g < R; ++g)
                        a[C::second.first + g] += tile[n * R + g];
                    finish_forward(u, column + n, a, count);
                }
                column += columns;
            }
        }
    }

    /// What the backward steps add to: one set of arrays for the whole sweep.
    struct Gradients {
        Scalar* bias;          // biased · H
        Scalar* vectors;       // H × C::vectors, or null
        Scalar* carry[states]; // H × batch: the gradient of each state on its way into the past
    };

    /// dh = carry + Uᵀ·da of the step after + dy, then the cell's backward, which turns `gates` into da.
    /// `U` are panels of pack_units for the cell's `recurrent` blocks; `after` are the gates of the step after, null at
    /// the last; dy may be null.
    void backward(const Scalar* U, const Scalar* after, const Scalar* dy, const Gradients& to) const {
        over_unit_tiles<C::recurrent>(
            U, after,
            [&](Index u, Index b, V product, Sums & sums, Index count) __attribute__((always_inline)) {
                V d[states];
                load_states(to.carry, u, b, d, count);
                d[0] += masked(product, u, b, count);
                V a[blocks] = {};
                if (real(b)) { // else the state was carried, and so is its gradient; da is zero
                    if (dy)
                        d[0] += load<V>(dy + b * hidden + u, count);
                    V before[states], now[states], p[C::vectors + 1] = {};
                    load_gates(u, b, a, count);
                    load_states(prev, u, b, before, count);
                    load_states(noise.zoneout ? noise.said : next, u, b, now, count);
                    load_vectors(u, p, count);
                    V kept[states];
                    if (noise.zoneout)
                        split(d, kept, u, b, count);
                    cell->backward(a, before, now, d, p, sums.vectors);
                    if (noise.zoneout)
#pragma GCC unroll 16
                        for (int k = 0; k < states; ++k)
                            d[k] += kept[k];
                    if constexpr (!TwoProductCell<C>)
                        sums.add_bias(a);
                }
                store_gates(u, b, a, count);
                store_states(to.carry, u, b, d, count);
            },
            to);
    }

    /// The other half for a TwoProductCell: the operand's gradient U₂ᵀ·da, then the cell's gate_backward.
    void backward_second(const Scalar* U2, const Gradients& to) const requires TwoProductCell<C> {
        over_unit_tiles<C::second>(
            U2, gates,
            [&](Index u, Index b, V product, Sums & sums, Index count) __attribute__((always_inline)) {
                if (!real(b))
                    return;
                V a[blocks], before[states], d[states];
                load_gates(u, b, a, count);
                load_states(prev, u, b, before, count);
                load_states(to.carry, u, b, d, count);
                cell->gate_backward(a, before, masked(product, u, b, count), d);
                sums.add_bias(a);
                store_gates(u, b, a, count);
                store_states(to.carry, u, b, d, count);
            },
            to);
    }

    /// What leaves the first step for the initial state: carry += Uᵀ·da.
    void backward_initial(const Scalar* U, const Scalar* after, const Gradients& to) const {
        over_unit_tiles<C::recurrent>(
            U, after,
            [&](Index u, Index b, V product, Sums&, Index count) {
                Scalar* const at = to.carry[0] + b * hidden + u;
                store<V>(at, load<V>(at, count) + masked(product, u, b, count), count);
            },
            to);
    }

  private:
    /// A lane's share of the gradients that are summed over columns.
    struct Sums {
        V bias[biased] = {}, vectors[C::vectors + 1] = {};
        void add_bias(const V (&a)[blocks]) {
#pragma GCC unroll 16
            for (int g = 0; g < biased; ++g)
                bias[g] += a[g];
        }
    };

    bool real(Index b) const {
        return lengths.empty() || t < lengths[static_cast<std::size_t>(b)];
    }
    Scalar* gate(int g, Index u, Index b) const {
        return gates + (b * blocks + g) * hidden + u;
    }

    void load_gates(Index u, Index b, V (&a)[blocks], Index count) const {
#pragma GCC unroll 16
        for (int g = 0; g < blocks; ++g)
            a[g] = load<V>(gate(g, u, b), count);
    }
    void store_gates(Index u, Index b, const V (&a)[blocks], Index count) const {
#pragma GCC unroll 16
        for (int g = 0; g < blocks; ++g)
            store<V>(gate(g, u, b), a[g], count);
    }
    template <class Pointer>
    void load_states(const Pointer (&from)[states], Index u, Index b, V (&s)[states], Index count) const {
#pragma GCC unroll 16
        for (int k = 0; k < states; ++k)
            s[k] = load<V>(from[k] + b * hidden + u, count);
    }
    void store_states(Scalar* const (&to)[states], Index u, Index b, const V (&s)[states], Index count) const {
#pragma GCC unroll 16
        for (int k = 0; k < states; ++k)
            store<V>(to[k] + b * hidden + u, s[k], count);
    }
    void load_vectors(Index u, V (&p)[C::vectors + 1], Index count) const {
        if (vectors)
            load_rows(p, vectors + u, C::vectors, count);
    }

    /// The cell's equations on finished pre-activations; past a sequence's end the state is carried and the gates are
    /// zero.
    [[gnu::always_inline]] void finish_forward(Index u, Index b, V (&a)[blocks], Index count) const {
        V before[states], now[states];
        load_states(prev, u, b, before, count);
        if (real(b)) {
            V p[C::vectors + 1] = {};
            load_vectors(u, p, count);
            cell->forward(a, before, now, p);
            if (noise.zoneout)
                zone_out(before, now, u, b, count);
            if (record)
                store_gates(u, b, a, count);
            store_states(next, u, b, now, count);
        } else {
            const V zero[blocks] = {};
            now[0] = before[0];
            if (record)
                store_gates(u, b, zero, count);
            store_states(next, u, b, before, count);
        }
        if (noise.h_mask)
            store<V>(noise.masked_next + b * hidden + u, masked(now[0], u, b, count), count);
    }

    /// x, with recurrent dropout mask∘x.
    [[gnu::always_inline]] V masked(V x, Index u, Index b, Index count) const {
        return noise.h_mask ? x * load<V>(noise.h_mask + b * hidden + u, count) : x;
    }

    /// k of a state.
    V kept_share(int state, Index u, Index b, Index count) const {
        return noise.keep[state] ? load<V>(noise.keep[state] + b * hidden + u, count) : splat<V>(noise.rate[state]);
    }

    /// Zoneout: now = k∘before + (1 − k)∘now.
    void zone_out(const V (&before)[states], V (&now)[states], Index u, Index b, Index count) const {
        if (noise.said[0])
            store_states(noise.said, u, b, now, count);
        for (int s = 0; s < states; ++s) {
            const V k = kept_share(s, u, b, count);
            now[s] = k * before[s] + (Scalar(1) - k) * now[s];
        }
    }

    /// The gradient d of zone_out's outcome, split into those of what the cell said (left in d) and of the state before.
    void split(V (&d)[states], V (&kept)[states], Index u, Index b, Index count) const {
        for (int s = 0; s < states; ++s) {
            const V k = kept_share(s, u, b, count);
            kept[s] = k * d[s];
            d[s] = (Scalar(1) - k) * d[s];
        }
    }

    /// For every lane of units and every column, f(u, b, (Uᵀ·da)[u, b], sums, count); da: the rows of `from` that
    /// `which` names. `U` are panels of pack_units.
    template <Blocks which, class F>
    [[gnu::always_inline]] void over_unit_tiles(const Scalar* U, const Scalar* from, F&& f, const Gradients& to) const {
        constexpr int most = tile_lanes * tile_columns(1);
        const Index depth = which.count * hidden;
        for_row_tiles<Scalar>(hidden, [&](Index u0, int R) {
            for (Index column = first; column < last;) {
                V tile[most];
                const Scalar* const da = from ? from + (column * blocks + which.first) * hidden : nullptr;
                const int columns = compute_row_tile<Scalar>(
                    tile, R, last - column, {da ? depth : 0, U + u0 * depth, R * L, da, 1, blocks * hidden});
                for (int r = 0; r < R; ++r) {
                    const Index u = u0 + r * L, count = std::min(L, hidden - u);
                    Sums sums;
                    for (int n = 0; n < columns; ++n)
                        f(u, column + n, tile[n * R + r], sums, count);
                    add_to(to.bias + u, sums.bias, biased, count);
                    if (to.vectors)
                        add_to(to.vectors + u, sums.vectors, C::vectors, count);
                }
                column += columns;
            }
        });
    }

    /// A lane of units of `rows` vectors of H numbers each.
    void load_rows(V* to, const Scalar* from, int rows, Index count) const {
#pragma GCC unroll 16
        for (int g = 0; g < rows; ++g)
            to[g] = load<V>(from + g * hidden, count);
    }

    void add_to(Scalar* to, const V* sums, int rows, Index count) const {
#pragma GCC unroll 16
        for (int g = 0; g < rows; ++g)
            store<V>(to + g * hidden, load<V>(to + g * hidden, count) + sums[g], count);
    }
};

} // namespace carousel::kernel
