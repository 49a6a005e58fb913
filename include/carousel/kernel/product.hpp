// Matrix products C = A·B and C += A·B, of matrices with any strides. They allocate nothing but the growth of `scratch`.
//
// Blocked after Goto & van de Geijn (2008), "Anatomy of High-Performance Matrix Multiplication": a block of A is packed
// so that it stays in L2 while all columns of B pass by, a few of them in L1 at a time.
#pragma once

#include "carousel/core/buffer.hpp"
#include "carousel/kernel/caches.hpp"
#include "carousel/kernel/operand.hpp"
#include "carousel/kernel/tile.hpp"

#include <algorithm>
#include <cstring>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

/// to[k] = from[k·stride], k < n
template <class Scalar>
void copy_strided(Scalar* to, const Scalar* from, Index stride, Index n) {
    if (stride == 1) // by lanes, as n is that of a few and a call would cost as much
        for (Index k = 0; k < n; k += lanes<Scalar>)
            store<Lane<Scalar>>(to + k, load<Lane<Scalar>>(from + k, n - k), n - k);
    else
        for (Index k = 0; k < n; ++k)
            to[k] = from[k * stride];
}

/// Packs one lane of rows: to[k·stride + l] = from(l, k) for l < count, zero for the rest of the lane.
template <class Scalar>
void pack_lane(Scalar* to, Index stride, Operand<Scalar> from, Index count, Index depth) {
    using V = Lane<Scalar>;
    constexpr Index L = lanes<Scalar>;
    if (from.row == 1) {
        for (Index k = 0; k < depth; ++k)
            store<V>(to + k * stride, load<V>(from.at(0, k), count));
        return;
    }
    Index k = 0;
    if (from.column == 1)
        for (; k + L <= depth; k += L) {
            V square[L];
            for (Index l = 0; l < L; ++l)
                square[l] = l < count ? load<V>(from.at(l, k)) : V{};
            transpose(square);
            for (Index l = 0; l < L; ++l)
                store<V>(to + (k + l) * stride, square[l]);
        }
    for (; k < depth; ++k) {
        for (Index l = 0; l < count; ++l)
            to[k * stride + l] = *from.at(l, k);
        for (Index l = count; l < L; ++l)
            to[k * stride + l] = 0;
    }
}

/// The blocks of A and B that a product's tiles pass over, cut to the caches.
template <class Scalar>
struct ProductTiling {
    static constexpr int sliver = tile_columns(tile_lanes); // columns of B that are packed together
    /// Of both: eight columns of B, the most of a sliver, fill half of L1.
    static constexpr Index depth = l1_bytes / 2 / 8 / Index(sizeof(Scalar));
    /// Of A: five tiles, which stay in L2 (480 KiB of floats with AVX-512, less elsewhere).
    static constexpr Index rows = 5 * tile_lanes * lanes<Scalar>;
    static_assert(rows * depth * Index(sizeof(Scalar)) <= l2_bytes);
    /// Of B: what is packed at once, 3 MiB, stays in L3.
    static constexpr Index columns = 1536;
    /// Up to so many columns don't repay a copy of A.
    static constexpr Index few_columns = 64;
};

/// f(i, tile's lanes) for the tiles that cover `rows`.
template <class Scalar, class F>
void for_row_tiles(Index rows, F&& f) {
    for (Index i = 0; i < rows;) {
        const int tile = next_tile_lanes((rows - i + lanes<Scalar> - 1) / lanes<Scalar>);
        f(i, tile);
        i += tile * lanes<Scalar>;
    }
}

/// Packs rows of A in panels of a tile's lanes, one after the other: for each k, the panel's rows, the last filled up with
/// zeros. That of row i stands at i · depth.
template <class Scalar>
void pack_rows(Scalar* to, Operand<Scalar> a, Index rows, Index depth) {
    constexpr Index L = lanes<Scalar>;
    for_row_tiles<Scalar>(rows, [&](Index i, int tile) {
        for (Index r = 0; r < tile; ++r)
            pack_lane(to + i * depth + r * L, tile * L, {a.at(i + r * L, 0), a.row, a.column},
                      std::min(rows - i - r * L, L), depth);
    });
}

/// Packs columns of B in slivers one after the other: for each k, the sliver's columns. That of column n stands at n · depth.
template <class Scalar>
void pack_columns(Scalar* to, Operand<Scalar> b, Index columns, Index depth) {
    constexpr Index N = ProductTiling<Scalar>::sliver;
    for (Index k = 0; k < depth; ++k)
        for (Index n = 0; n < columns; n += N) {
            const Index width = std::min(N, columns - n);
            Scalar* const at = to + n * depth + k * width;
            if (b.column == 1 && width == N)
                std::memcpy(at, b.at(k, n), N * sizeof(Scalar));
            else
                for (Index m = 0; m < width; ++m)
                    at[m] = *b.at(k, n + m);
        }
}

/// Computes `lanes` lanes of rows of C (rows × columns) by tiles, = or, with `add`, +=. `products` describes the first column;
/// it is moved to the next columns as they are computed, and has passed all of them in the end.
template <class Scalar>
void multiply_sliver(Scalar* c, Index ldc, Index rows, Index columns, int lanes, Factors<Scalar>* products, int count,
                     bool add) {
    using V = Lane<Scalar>;
    constexpr Index L = simd::lanes<Scalar>;
    V tile[tile_lanes * tile_columns(1)];
    for (Index n = 0; n < columns;) {
        const int wide = compute_lanes<V, tile_lanes>(tile, lanes, columns - n, products, count);
        for (int m = 0; m < wide; ++m, ++n)
            for (int r = 0; r < lanes; ++r) {
                const Index in_lane = rows - r * L;
                Scalar* const at = c + n * ldc + r * L;
                const V sum = tile[m * lanes + r];
                store<V>(at, add ? load<V>(at, in_lane) + sum : sum, in_lane);
            }
        for (int p = 0; p < count; ++p)
            products[p].b += wide * products[p].b_column;
    }
}

/// Σ_k a[k]·b[k]
template <class Scalar>
Scalar dot(const Scalar* a, const Scalar* b, Index depth) {
    using V = Lane<Scalar>;
    constexpr Index L = lanes<Scalar>;
    V sums[4] = {};
    Index k = 0;
    for (; k + 4 * L <= depth; k += 4 * L)
#pragma GCC unroll 4
        for (int w = 0; w < 4; ++w)
            sums[w] += load<V>(a + k + w * L) * load<V>(b + k + w * L);
    for (; k < depth; k += L)
        sums[0] += load<V>(a + k, depth - k) * load<V>(b + k, depth - k);
    return sum_of((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

/// multiply() as dot products. It is for so few rows that most of a tile would be padding. Columns of B must be contiguous.
template <class Scalar>
void multiply_rows(Scalar* c, Index ldc, Index rows, Index columns, Index depth, Operand<Scalar> a, Operand<Scalar> b,
                   bool add, Buffer<Scalar>& scratch) {
    Scalar* const packed = scratch.get(rows * depth);
    for (Index i = 0; i < rows; ++i)
        for (Index k = 0; k < depth; ++k)
            packed[i * depth + k] = *a.at(i, k);
    for (Index n = 0; n < columns; ++n)
        for (Index i = 0; i < rows; ++i) {
            const Scalar sum = dot(packed + i * depth, b.at(0, n), depth);
            c[n * ldc + i] = add ? c[n * ldc + i] + sum : sum;
        }
}

/// C (rows × columns, column-major, leading dimension ldc) = A·B, or += with `add`; A: rows × depth, B: depth × columns.
template <class Scalar>
void multiply(Scalar* c, Index ldc, Index rows, Index columns, Index depth, Operand<Scalar> a, Operand<Scalar> b,
              bool add, Buffer<Scalar>& scratch) {
    using Tiling = ProductTiling<Scalar>;
    constexpr Index L = lanes<Scalar>, N = Tiling::sliver;

    if (rows * 4 <= L && b.row == 1) {
        multiply_rows(c, ldc, rows, columns, depth, a, b, add, scratch);
        return;
    }
    if (depth == 0 && !add)
        for (Index n = 0; n < columns; ++n)
            std::fill_n(c + n * ldc, rows, Scalar(0));

    for (Index n0 = 0; n0 < columns; n0 += Tiling::columns) {
        const Index width = std::min(Tiling::columns, columns - n0);
        for (Index k0 = 0; k0 < depth; k0 += Tiling::depth) {
            const Index deep = std::min(Tiling::depth, depth - k0);
            const bool fresh = k0 == 0 && !add;
            Scalar* const packed_a = scratch.get((Tiling::rows + width) * deep);
            Scalar* const packed_b = packed_a + Tiling::rows * deep;
            const bool pack_b = b.row != 1 && width > 1; // else its columns are contiguous
            if (pack_b)
                pack_columns(packed_b, {b.at(k0, n0), b.row, b.column}, width, deep);

            for (Index i0 = 0; i0 < rows; i0 += Tiling::rows) {
                const Index high = std::min(Tiling::rows, rows - i0);
                // Few columns don't repay a copy of A: it is read where it is, if it has whole lanes of contiguous rows.
                const bool pack_a = a.row != 1 || high % L != 0 || width > Tiling::few_columns;
                if (pack_a)
                    pack_rows(packed_a, {a.at(i0, k0), a.row, a.column}, high, deep);
                for (Index sliver = 0; sliver < width; sliver += N) {
                    const Index w = std::min(N, width - sliver);
                    for_row_tiles<Scalar>(high, [&](Index i, int tile_rows) {
                        Factors<Scalar> f{deep, a.at(i0 + i, k0), a.column, b.at(k0, n0 + sliver), b.row, b.column};
                        if (pack_a)
                            f.a = packed_a + i * deep, f.a_step = tile_rows * L;
                        if (pack_b)
                            f.b = packed_b + sliver * deep, f.b_row = w, f.b_column = 1;
                        multiply_sliver(c + (n0 + sliver) * ldc + i0 + i, ldc, std::min(high - i, tile_rows * L), w,
                                        tile_rows, &f, 1, !fresh);
                    });
                }
            }
        }
    }
}

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
