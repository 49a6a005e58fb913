// The register tile: R lanes of rows × N columns of a product, held in registers over the whole depth.
//
// Every product of the library runs through compute_tile: the recurrent ones, whose cell's equations then read the tile
// from L1, and the large ones of product.hpp. It is compiled once for each R and N, whoever calls it.
#pragma once

#include "carousel/simd/lane.hpp"

#include <algorithm>

namespace carousel::kernel {

using namespace simd;

/// A product that is added to a tile: step k of `depth` multiplies the tile's R lanes at a + k·a_step with the numbers at
/// b + k·b_row + n·b_column.
template <class Scalar>
struct Factors {
    Index depth;
    const Scalar* a;
    Index a_step;
    const Scalar* b;
    Index b_row, b_column;
};

/// The most columns of a tile of `rows` lanes: what leaves registers for the rows' lanes and a broadcast; with more than
/// 8 the columns' addresses need more registers than there are.
constexpr int tile_columns(int rows) {
    return std::clamp((registers - 2 - rows) / rows, 1, 8);
}

/// The most lanes of a tile whose rows are free to choose: with 32 registers 3 × 8 is the best shape, else 2 × 6.
inline constexpr int tile_lanes = registers >= 32 ? 3 : 2;

/// How many of `left` lanes the next tile takes. Where it may be three, only a product of a single lane has a tile of one.
constexpr int next_tile_lanes(Index left) {
    if constexpr (tile_lanes == 3)
        if (left == 3 || left > 4)
            return 3;
    return left >= 2 ? 2 : 1;
}

/// Stops the compiler from loading x again at each use: on an AVX-512 CPU the loads would be the bottleneck.
template <class V>
[[gnu::always_inline]] inline void keep_in_register([[maybe_unused]] V& x) {
#if defined(__AVX512F__)
    if constexpr (sizeof(V) == register_bytes)
        asm("" : "+v"(x));
#endif
}

/// acc[r][n] += Σ_k a(k)[r] · b(k, n)
template <class V, int R, int N>
[[gnu::always_inline]] inline void add_product(V (&acc)[R][N], const Factors<scalar_of<V>>& f) {
    constexpr Index L = size_of<V>;
    const scalar_of<V>*a = f.a, *b = f.b;
    for (Index k = 0; k < f.depth; ++k, a += f.a_step, b += f.b_row) {
        V rows[R];
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) {
            rows[r] = load<V>(a + r * L);
            keep_in_register(rows[r]);
        }
#pragma GCC unroll 16
        for (int n = 0; n < N; ++n) {
            const scalar_of<V> factor = b[n * f.b_column];
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r)
                acc[r][n] += rows[r] * factor;
        }
    }
}

/// acc[r] += Σ_k a(k)[r] · b(k): one column, which needs more than R sums under way to keep the FMA units busy.
template <class V, int R>
[[gnu::always_inline]] inline void add_column(V* acc, const Factors<scalar_of<V>>& f) {
    constexpr Index L = size_of<V>;
    constexpr int ways = R >= 4 ? 2 : 4;
    V sums[ways][R] = {};
    const scalar_of<V>*a = f.a, *b = f.b;
    Index k = 0;
    for (; k + ways <= f.depth; k += ways)
#pragma GCC unroll 4
        for (int w = 0; w < ways; ++w, a += f.a_step, b += f.b_row)
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r)
                sums[w][r] += load<V>(a + r * L) * *b;
    for (; k < f.depth; ++k, a += f.a_step, b += f.b_row)
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
            sums[0][r] += load<V>(a + r * L) * *b;
#pragma GCC unroll 4
    for (int w = 0; w < ways; ++w)
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
            acc[r] += sums[w][r];
}

/// tile[n·R + r] = Σ over the products of Σ_k a(k)[r] · b(k, n)
template <class V, int R, int N>
[[gnu::noinline]] void compute_tile(V* tile, const Factors<scalar_of<V>>* products, int count) {
    V acc[R][N] = {};
    for (int p = 0; p < count; ++p)
        if constexpr (N > 1)
            add_product(acc, products[p]);
        else {
            V column[R] = {};
            add_column<V, R>(column, products[p]);
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r)
                acc[r][0] += column[r];
        }
#pragma GCC unroll 16 // an acc indexed by a variable would live in memory
    for (int n = 0; n < N; ++n)
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
            tile[n * R + r] = acc[r][n];
}

/// A tile of R lanes and as many of the `columns` as fit: the widest, or else 4, 2 or 1. Returns how many it took.
template <class V, int R>
int compute_tile(V* tile, Index columns, const Factors<scalar_of<V>>* products, int count) {
    constexpr int widest = tile_columns(R);
    if (columns >= widest) {
        compute_tile<V, R, widest>(tile, products, count);
        return widest;
    }
    if constexpr (widest > 4)
        if (columns >= 4) {
            compute_tile<V, R, 4>(tile, products, count);
            return 4;
        }
    if constexpr (widest > 2)
        if (columns >= 2) {
            compute_tile<V, R, 2>(tile, products, count);
            return 2;
        }
    if constexpr (widest > 1)
        compute_tile<V, R, 1>(tile, products, count);
    return 1;
}

/// The same for a number of lanes, 1 … tile_lanes, that is known at run time.
template <class Scalar>
int compute_row_tile(Lane<Scalar>* tile, int lanes, Index columns, const Factors<Scalar>& product) {
    using V = Lane<Scalar>;
    if constexpr (tile_lanes == 3)
        if (lanes == 3)
            return compute_tile<V, 3>(tile, columns, &product, 1);
    return lanes == 2 ? compute_tile<V, 2>(tile, columns, &product, 1) : compute_tile<V, 1>(tile, columns, &product, 1);
}

} // namespace carousel::kernel
