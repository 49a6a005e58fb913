// The register tile: R lanes of rows × N columns of a product, held in registers over the whole depth.
//
// Every product of the library runs through multiply_tile: the recurrent ones, whose cell equations then read the tile
// where it is, and the large ones of product.hpp.
#pragma once

#include "carousel/simd/lane.hpp"

#include <algorithm>

namespace carousel::kernel {

using namespace simd;

/// How many columns a tile of `rows` lanes takes: what leaves registers for the rows' lanes and a broadcast.
constexpr int tile_columns(int rows) {
    const int free = (registers - 2 - rows) / rows;
    return free < 1 ? 1 : (free > 12 ? 12 : free);
}

/// acc[r][n] += Σ_k a(k)[r] · b(k, n) for k in 0 … depth − 1.
/// acc has R rows; a(k) is the R lanes at a + k·a_stride; b(k, n) stands at b + k·b_row + n·b_column.
template <class V, int R, int N>
[[gnu::always_inline]] inline void multiply_tile(V (*acc)[N], Index depth, const scalar_of<V>* a, Index a_stride,
                                                 const scalar_of<V>* b, Index b_row, Index b_column) {
    constexpr Index L = size_of<V>;
    for (Index k = 0; k < depth; ++k) {
        V rows[R];
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
            rows[r] = load<V>(a + r * L);
#pragma GCC unroll 16
        for (int n = 0; n < N; ++n) {
            const scalar_of<V> factor = b[n * b_column];
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r)
                acc[r][n] += rows[r] * factor;
        }
        a += a_stride;
        b += b_row;
    }
}

/// acc[r] += Σ_k a(k)[r] · b[k]: a tile of one column, which needs more than R sums under way to keep the FMA units
/// busy.
template <class V, int R>
[[gnu::always_inline]] inline void multiply_column(V* acc, Index depth, const scalar_of<V>* a, const scalar_of<V>* b) {
    constexpr Index L = size_of<V>;
    constexpr int ways = R >= 4 ? 2 : 4;
    V sums[ways][R] = {};
    Index k = 0;
    for (; k + ways <= depth; k += ways)
#pragma GCC unroll 4
        for (int w = 0; w < ways; ++w)
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r)
                sums[w][r] += load<V>(a + ((k + w) * R + r) * L) * b[k + w];
    for (; k < depth; ++k)
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
            sums[0][r] += load<V>(a + (k * R + r) * L) * b[k];
#pragma GCC unroll 4
    for (int w = 0; w < ways; ++w)
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
            acc[r] += sums[w][r];
}

/// Covers columns begin … end − 1 with tiles as wide as fit: f.template operator()<N>(column) for N, N/2, … 1.
template <int N, class F>
[[gnu::always_inline]] inline void for_column_tiles(Index begin, Index end, F&& f) {
    for (; end - begin >= N; begin += N)
        f.template operator()<N>(begin);
    if constexpr (N > 1)
        if (begin < end)
            for_column_tiles<N / 2>(begin, end, f);
}

} // namespace carousel::kernel
