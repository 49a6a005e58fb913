// One time step of a recurrent layer, forward and backward: a product whose tile the cell's equations meet in
// registers.
#pragma once

#include "carousel/cell/cell.hpp"
#include "carousel/kernel/panels.hpp"

#include <span>

namespace carousel::kernel {

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

    /// a = W·x + U·prev + b, then the cell (or its gate, if a second product follows). `W` and `U` are panels of
    /// pack_gates. With W null, the gates already hold W·x.
    void forward(const Scalar* W, const Scalar* x, Index features, const Scalar* U) const {
        over_tiles<blocks>([&]<int N>(Index u, Index column) {
            const Index count = std::min(L, hidden - u);
            V acc[blocks][N];
#pragma GCC unroll 16
            for (int g = 0; g < blocks; ++g) {
                const V start = g < biased ? load<V>(bias + g * hidden + u, count) : V{};
#pragma GCC unroll 16
                for (int n = 0; n < N; ++n)
                    acc[g][n] = start;
            }
            if (W)
                multiply_tile<V, C::input.count, N>(acc + C::input.first, features, W + u * C::input.count * features,
                                                    C::input.count * L, x + column * features, 1, features);
            multiply_tile<V, C::recurrent.count, N>(acc + C::recurrent.first, hidden,
                                                    U + u * C::recurrent.count * hidden, C::recurrent.count * L,
                                                    prev[0] + column * hidden, 1, hidden);
            over_columns(
                acc, column, [&](Index b, V(&a)[blocks]) __attribute__((always_inline)) {
                    if (!W)
#pragma GCC unroll 16
                        for (int g = 0; g < blocks; ++g)
                            if (g >= C::input.first && g < C::input.end())
                                a[g] += load<V>(gate(g, u, b), count);
                    if constexpr (TwoProductCell<C>) {
                        V before[states];
                        load_states(prev, u, b, before, count);
                        cell->gate(a, before);
                        store_gates(u, b, a, count);
                    } else
                        finish_forward(u, b, a, count);
                });
        });
    }

    /// The second product of a TwoProductCell: a += U₂·a[operand], then the cell.
    void forward_second(const Scalar* U2) const requires TwoProductCell<C> {
        over_tiles<C::second.count>([&]<int N>(Index u, Index column) {
            V acc[C::second.count][N] = {};
            multiply_tile<V, C::second.count, N>(acc, hidden, U2 + u * C::second.count * hidden, C::second.count * L,
                                                 gate(C::operand, 0, column), 1, blocks * hidden);
            const Index count = std::min(L, hidden - u);
            over_columns(acc, column, [&](Index b, V(&product)[C::second.count]) {
                V a[blocks];
                load_gates(u, b, a, count);
#pragma GCC unroll 16
                for (int g = 0; g < C::second.count; ++g)
                    a[C::second.first + g] += product[g];
                finish_forward(u, b, a, count);
            });
        });
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
                d[0] += product;
                V a[blocks] = {};
                if (real(b)) { // else the state was carried, and so is its gradient; da is zero
                    if (dy)
                        d[0] += load<V>(dy + b * hidden + u, count);
                    V before[states], now[states], p[C::vectors + 1] = {};
                    load_gates(u, b, a, count);
                    load_states(prev, u, b, before, count);
                    load_states(next, u, b, now, count);
                    load_vectors(u, p, count);
                    cell->backward(a, before, now, d, p, sums.vectors);
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
                cell->gate_backward(a, before, product, d);
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
                store<V>(at, load<V>(at, count) + product, count);
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
#pragma GCC unroll 16
            for (int k = 0; k < C::vectors; ++k)
                p[k] = load<V>(vectors + k * hidden + u, count);
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
            store_gates(u, b, a, count);
            store_states(next, u, b, now, count);
        } else {
            const V zero[blocks] = {};
            store_gates(u, b, zero, count);
            store_states(next, u, b, before, count);
        }
    }

    /// Tiles of `rows` lanes: for every lane of units u, every run of columns.
    template <int rows, class F>
    [[gnu::always_inline]] void over_tiles(F&& tile) const {
        for (Index u = 0; u < hidden; u += L)
            for_column_tiles<tile_columns(rows)>(first, last,
                                                 [&]<int N>(Index column) { tile.template operator()<N>(u, column); });
    }

    /// Hands each column of a finished tile to `f`, through L1: so f's code stands here once, not N times.
    template <int R, int N, class F>
    [[gnu::always_inline]] static void over_columns(const V (&acc)[R][N], Index column, F&& f) {
        V tile[N][R];
#pragma GCC unroll 16
        for (int n = 0; n < N; ++n)
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r)
                tile[n][r] = acc[r][n];
        for (int n = 0; n < N; ++n)
            f(column + n, tile[n]);
    }

    /// For every lane of units and every column, f(u, b, (Uᵀ·da)[u, b], sums, count); da: the rows of `from` that
    /// `which` names.
    template <Blocks which, class F>
    [[gnu::always_inline]] void over_unit_tiles(const Scalar* U, const Scalar* from, F&& f, const Gradients& to) const {
        constexpr int R = units_lanes;
        const Index depth = which.count * hidden;
        for (Index u0 = 0; u0 < hidden; u0 += R * L)
            for_column_tiles<tile_columns(R)>(first, last, [&]<int N>(Index column) {
                V acc[R][N] = {};
                if (from)
                    multiply_tile<V, R, N>(acc, depth, U + u0 * depth, R * L,
                                           from + (column * blocks + which.first) * hidden, 1, blocks * hidden);
                V tile[R][N];
#pragma GCC unroll 16
                for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
                    for (int n = 0; n < N; ++n)
                        tile[r][n] = acc[r][n];
                for (int r = 0; r < R && u0 + r * L < hidden; ++r) {
                    const Index u = u0 + r * L, count = std::min(L, hidden - u);
                    Sums sums;
                    for (int n = 0; n < N; ++n)
                        f(u, column + n, tile[r][n], sums, count);
                    add_to(to.bias, u, sums.bias, biased, count);
                    if (to.vectors)
                        add_to(to.vectors, u, sums.vectors, C::vectors, count);
                }
            });
    }

    void add_to(Scalar* to, Index u, const V* sums, int rows, Index count) const {
#pragma GCC unroll 16
        for (int g = 0; g < rows; ++g) {
            Scalar* const at = to + g * hidden + u;
            store<V>(at, load<V>(at, count) + sums[g], count);
        }
    }
};

} // namespace carousel::kernel
