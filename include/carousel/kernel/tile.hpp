// The register tile: R lanes of rows × N columns of a product, held in registers over the whole depth; with 16 registers
// two lanes at a time.
//
// All products of the layers run through compute_tile, except for the dot products of product.hpp and panel_product.hpp. In a
// recurrent step the cell's equations then read the tile from L1. compute_tile is compiled once for each R and N, and for the widest
// tiles a second time with what they fetch meanwhile (compute_and_fetch). A single column has a loop of its own.
#pragma once

#include "carousel/kernel/caches.hpp"
#include "carousel/simd/lane.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

using namespace simd;

/// A product that is added to a tile: step k of `depth` multiplies the tile's R lanes at a + k·a_step with the numbers at
/// b + k·b_row + n·b_column; and that `runs` times, each a_run and b_run further on.
template <class Scalar>
struct Factors {
    Index depth;
    const Scalar* a;
    Index a_step;
    const Scalar* b;
    Index b_row, b_column;
    Index runs = 1, a_run = 0, b_run = 0;
};

/// The most columns of a tile whose sums fit registers, for a tile of `rows` lanes. Besides the sums, the rows' lanes and a
/// broadcast number need registers. With more than 8 columns their addresses don't fit the general-purpose registers.
constexpr int register_columns(int rows) {
    return std::clamp((registers - 2 - rows) / rows, 1, 8);
}

/// How many of a tile's lanes are summed up at a time: all, if their sums fit registers; else two, as 2 × 6 sums keep the FMA units
/// busy, and tiles of fewer columns ask for the rows faster than L2 brings them.
constexpr int lanes_at_a_time(int rows, int columns) {
    return registers >= 32 || columns <= register_columns(rows) ? rows : std::min(rows, 2);
}

/// How many times such a tile passes over the depth.
constexpr int tile_passes(int rows, int columns) {
    const int at_a_time = lanes_at_a_time(rows, columns);
    return (rows + at_a_time - 1) / at_a_time;
}

/// The most columns of a tile of `rows` lanes.
constexpr int tile_columns(int rows) {
    return register_columns(registers >= 32 ? rows : std::min(rows, 2));
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

/// Stops GCC for Arm from loading the factors of all columns before it multiplies with the first: the sums wouldn't fit registers.
/// (Its scheduling before registers are dealt out; on x86 it has none.) The next column's is still loaded ahead.
[[gnu::always_inline]] inline void load_no_further_ahead() {
#if defined(__aarch64__) && !defined(__clang__)
    asm volatile("");
#endif
}

// What a tile has brought into L2 while it computes, some with each step of the depth: the misses that a core has under way at a time
// are few, and it waits for one of them to end before the next. Addresses are numbers here, as they may be past an array's end.

/// The line at `next`, which goes on by so many bytes with each step.
struct FetchLines {
    std::uintptr_t next;
    std::uintptr_t bytes_a_step;
    template <class V, int R>
    void of_step(const scalar_of<V>*) {
        __builtin_prefetch(reinterpret_cast<const void*>(next), 0, 2);
        next += bytes_a_step;
    }
};
/// The rows of another tile, so many bytes ahead of this tile's own.
struct FetchRows {
    std::uintptr_t bytes_ahead;
    template <class V, int R>
    void of_step(const scalar_of<V>* a) const {
        const std::uintptr_t rows = reinterpret_cast<std::uintptr_t>(a) + bytes_ahead;
#pragma GCC unroll 16
        for (std::size_t byte = 0; byte < R * sizeof(V); byte += static_cast<std::size_t>(cache_line))
            __builtin_prefetch(reinterpret_cast<const void*>(rows + byte), 0, 2);
    }
};
struct FetchNothing {
    template <class V, int R>
    void of_step(const scalar_of<V>*) const {}
};

/// acc[r][n] += Σ_k a(k)[first + r] · b(k, n)
template <class V, int R, int N, class F>
[[gnu::always_inline]] inline void add_product(V (&acc)[R][N], const Factors<scalar_of<V>>& f, int first, F& fetch) {
    constexpr Index L = size_of<V>;
    for (Index run = 0; run < f.runs; ++run) {
        const scalar_of<V>*a = f.a + run * f.a_run + first * L, *b = f.b + run * f.b_run;
        for (Index k = 0; k < f.depth; ++k, a += f.a_step, b += f.b_row) {
            fetch.template of_step<V, R>(a);
            V rows[R];
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) {
                rows[r] = load<V>(a + r * L);
                keep_in_register(rows[r]);
            }
#pragma GCC unroll 16
            for (int n = 0; n < N; ++n) {
                const scalar_of<V> factor = b[n * f.b_column];
                load_no_further_ahead();
#pragma GCC unroll 16
                for (int r = 0; r < R; ++r)
                    acc[r][n] += rows[r] * factor;
            }
        }
    }
}

/// How many sums of each row a single column has under way: one of few rows wouldn't keep the FMA units busy.
constexpr int column_ways(int rows) {
    return rows >= 8 ? 1 : rows >= 4 ? 2 : 4;
}

/// Σ_w sums[w][r] += Σ_k a(k)[r] · b(k)
template <class V, int ways, int R>
[[gnu::always_inline]] inline void add_column(V (&sums)[ways][R], const Factors<scalar_of<V>>& f) {
    constexpr Index L = size_of<V>;
    for (Index run = 0; run < f.runs; ++run) {
        const scalar_of<V>*a = f.a + run * f.a_run, *b = f.b + run * f.b_run;
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
    }
}

/// sum[r] = Σ_w sums[w][r]
template <class V, int ways, int R>
[[gnu::always_inline]] inline void add_up(V* sum, const V (&sums)[ways][R]) {
    static_assert(ways == 1 || ways == 2 || ways == 4);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
        if constexpr (ways == 4)
            sum[r] = (sums[0][r] + sums[1][r]) + (sums[2][r] + sums[3][r]);
        else if constexpr (ways == 2)
            sum[r] = sums[0][r] + sums[1][r];
        else
            sum[r] = sums[0][r];
}

// Below, `add` means += in place of =.

/// column[r] = Σ over the products of Σ_k a(k)[r] · b(k)
template <class V, int R>
void compute_column(V* column, const Factors<scalar_of<V>>* products, int count, bool add) {
    V sums[column_ways(R)][R] = {};
    if (add)
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
            sums[0][r] = column[r];
    for (int p = 0; p < count; ++p)
        add_column(sums, products[p]);
    add_up(column, sums);
}

/// tile[n·stride + r] = Σ over the products of Σ_k a(k)[first + r] · b(k, n)
template <class V, int R, int N, class F>
[[gnu::always_inline]] inline void compute_rows(V* tile, int stride, const Factors<scalar_of<V>>* products, int count,
                                                int first, bool add, F& fetch) {
    V acc[R][N] = {};
    if (add)
#pragma GCC unroll 16
        for (int n = 0; n < N; ++n)
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r)
                acc[r][n] = tile[n * stride + r];
    for (int p = 0; p < count; ++p)
        add_product(acc, products[p], first, fetch);
#pragma GCC unroll 16 // an acc indexed by a variable would live in memory
    for (int n = 0; n < N; ++n)
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
            tile[n * stride + r] = acc[r][n];
}

/// tile[n·R + r] = Σ over the products of Σ_k a(k)[r] · b(k, n), in tile_passes(R, N) passes
template <class V, int R, int N, class F>
[[gnu::always_inline]] inline void compute_all_rows(V* tile, const Factors<scalar_of<V>>* products, int count, bool add,
                                                    F fetch) {
    constexpr int rows = lanes_at_a_time(R, N), rest = R % rows;
    for (int first = 0; first + rows <= R; first += rows)
        compute_rows<V, rows, N>(tile + first, R, products, count, first, add, fetch);
    if constexpr (rest > 0)
        compute_rows<V, rest, N>(tile + R - rest, R, products, count, R - rest, add, fetch);
}
template <class V, int R, int N>
[[gnu::noinline]] void compute_tile(V* tile, const Factors<scalar_of<V>>* products, int count, bool add) {
    compute_all_rows<V, R, N>(tile, products, count, add, FetchNothing{});
}
/// The same for one product and the most columns, with something to fetch meanwhile.
template <class V, int R, class F>
[[gnu::noinline]] void compute_and_fetch(V* tile, const Factors<scalar_of<V>>& product, bool add, F fetch) {
    compute_all_rows<V, R, tile_columns(R)>(tile, &product, 1, add, fetch);
}

/// Whether the next tile of a product with so many columns left is the widest. Of eight, six would leave two, which ask for the rows
/// faster than L2 brings them: those are 4 and 4, if registers hold 4 × 4 sums.
template <int R>
constexpr bool takes_widest(Index columns) {
    constexpr int widest = tile_columns(R);
    return columns >= widest && !(registers >= 32 && widest == 6 && columns == 8);
}

/// A tile of R lanes and as many of the `columns` as fit: the widest, or else 4, 2 or 1. Returns how many it took.
template <class V, int R>
int compute_tile(V* tile, Index columns, const Factors<scalar_of<V>>* products, int count, bool add) {
    constexpr int widest = tile_columns(R);
    if constexpr (widest > 1)
        if (takes_widest<R>(columns)) {
            compute_tile<V, R, widest>(tile, products, count, add);
            return widest;
        }
    if constexpr (widest > 4)
        if (columns >= 4) {
            compute_tile<V, R, 4>(tile, products, count, add);
            return 4;
        }
    if constexpr (widest > 2)
        if (columns >= 2) {
            compute_tile<V, R, 2>(tile, products, count, add);
            return 2;
        }
    compute_column<V, R>(tile, products, count, add);
    return 1;
}

/// The same for a number of lanes, 1 … most, that is known at run time.
template <class V, int most>
int compute_lanes(V* tile, int lanes, Index columns, const Factors<scalar_of<V>>* products, int count,
                  bool add = false) {
    if constexpr (most > 1)
        if (lanes < most)
            return compute_lanes<V, most - 1>(tile, lanes, columns, products, count, add);
    return compute_tile<V, most>(tile, columns, products, count, add);
}

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
