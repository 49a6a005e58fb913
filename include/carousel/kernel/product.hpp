// Matrix products C = A·B and C += A·B, for everything that isn't walked step by step. No allocation but the scratch's
// growth.
//
// Blocked after Goto & van de Geijn (2008), "Anatomy of High-Performance Matrix Multiplication": a panel of rows of A
// is packed so that it stays in L1 while all columns of B pass by.
#pragma once

#include "carousel/kernel/threads.hpp"
#include "carousel/kernel/tile.hpp"

namespace carousel::kernel {

/// Memory that grows to what is asked of it and is then reused.
template <class Scalar>
class Scratch {
  public:
    /// `size` numbers, unspecified; valid until the next call that asks for more.
    Scalar* get(Index size) {
        if (memory_.size() < size)
            memory_.resize(size);
        return memory_.data();
    }

  private:
    Vector<Scalar> memory_; // aligned as Eigen aligns
};

/// A matrix to read: element (i, j) stands at data + i·row + j·column.
template <class Scalar>
struct Operand {
    const Scalar* data;
    Index row, column;
    Operand transposed() const { return {data, column, row}; }
    const Scalar* at(Index i, Index j) const { return data + i * row + j * column; }
};

/// A column-major matrix as an Operand.
template <class Derived>
Operand<typename Derived::Scalar> operand(const Eigen::MatrixBase<Derived>& m) {
    static_assert(!Derived::IsRowMajor);
    return {m.derived().data(), 1, m.derived().outerStride()};
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
    for (Index k = 0; k < depth; ++k) {
        for (Index l = 0; l < count; ++l)
            to[k * stride + l] = *from.at(l, k);
        for (Index l = count; l < L; ++l)
            to[k * stride + l] = 0;
    }
}

/// The shape of a product's register tile, and of the blocks of A and B that the tiles pass over.
template <class Scalar>
struct ProductBlocks {
    static constexpr int row_lanes = 2, columns = tile_columns(row_lanes);
    static constexpr Index panel = row_lanes * lanes<Scalar>;    // rows of a tile
    static constexpr Index depth = 1024 / Index(sizeof(Scalar)); // a panel and a sliver of B fill most of L1
    static constexpr Index rows = 8 * panel, width = 1536;       // a block of A and one of B stay in L2
};

/// Packs rows of A in panels one after the other: for each k, the panel's rows. Columns are read whole, as memory has them.
template <class Scalar>
void pack_rows(Scalar* to, Operand<Scalar> a, Index rows, Index depth) {
    using V = Lane<Scalar>;
    constexpr Index L = lanes<Scalar>, panel = ProductBlocks<Scalar>::panel;
    const Index padded = (rows + panel - 1) / panel * panel;
    const auto lane_at = [&](Index i) { return to + i / panel * panel * depth + i % panel; };
    if (a.row == 1)
        for (Index k = 0; k < depth; ++k)
            for (Index i = 0; i < padded; i += L)
                store<V>(lane_at(i) + k * panel, load<V>(a.at(i, k), std::clamp<Index>(rows - i, 0, L)));
    else
        for (Index i = 0; i < padded; i += L)
            pack_lane(lane_at(i), panel, {a.at(i, 0), a.row, a.column}, std::clamp<Index>(rows - i, 0, L), depth);
}

/// Packs columns of B in slivers of a tile's width one after the other: for each k, the sliver's columns.
template <class Scalar>
void pack_columns(Scalar* to, Operand<Scalar> b, Index width, Index depth) {
    constexpr Index N = ProductBlocks<Scalar>::columns;
    for (Index k = 0; k < depth; ++k)
        for (Index n = 0; n < width; n += N) {
            const Index sliver = std::min(N, width - n);
            for (Index m = 0; m < sliver; ++m)
                to[n * depth + k * sliver + m] = *b.at(k, n + m);
        }
}

/// C (rows × columns, column-major, leading dimension ldc) = A·B, or += with `add`; A: rows × depth, B: depth × columns.
template <class Scalar>
void multiply(Scalar* c, Index ldc, Index rows, Index columns, Index depth, Operand<Scalar> a, Operand<Scalar> b,
              bool add, Scratch<Scalar>& scratch) {
    using V = Lane<Scalar>;
    using Blocks = ProductBlocks<Scalar>;
    constexpr Index L = lanes<Scalar>;
    constexpr int R = Blocks::row_lanes, N = Blocks::columns;

    if (depth == 0 && !add)
        for (Index n = 0; n < columns; ++n)
            std::fill_n(c + n * ldc, rows, Scalar(0));

    for (Index n0 = 0; n0 < columns; n0 += Blocks::width) {
        const Index width = std::min(Blocks::width, columns - n0);
        for (Index k0 = 0; k0 < depth; k0 += Blocks::depth) {
            const Index deep = std::min(Blocks::depth, depth - k0);
            const bool fresh = k0 == 0 && !add;
            Scalar* const packed_a = scratch.get((Blocks::rows + width) * deep);
            Scalar* const packed_b = packed_a + Blocks::rows * deep;
            const bool pack_b = b.row != 1 && width > 1; // else its columns are contiguous
            if (pack_b)
                pack_columns(packed_b, {b.at(k0, n0), b.row, b.column}, width, deep);

            for (Index i0 = 0; i0 < rows; i0 += Blocks::rows) {
                const Index high = std::min(Blocks::rows, rows - i0);
                // Too few columns don't repay a copy of A: it is read where it is, if it has whole panels of contiguous rows.
                const bool pack_a = a.row != 1 || high % Blocks::panel != 0 || width >= N;
                if (pack_a)
                    pack_rows(packed_a, {a.at(i0, k0), a.row, a.column}, high, deep);
                for (Index i = 0; i < high; i += Blocks::panel) {
                    const Scalar* const panel = pack_a ? packed_a + i * deep : a.at(i0 + i, k0);
                    const Index panel_step = pack_a ? Blocks::panel : a.column;
                    for (Index sliver = 0; sliver < width; sliver += N) {
                        const Index w = std::min<Index>(N, width - sliver);
                        for_column_tiles<N>(0, w, [&]<int M>(Index m) {
                            V acc[R][M] = {};
                            if (pack_b)
                                multiply_tile<V, R, M>(acc, deep, panel, panel_step, packed_b + sliver * deep + m, w,
                                                       1);
                            else
                                multiply_tile<V, R, M>(acc, deep, panel, panel_step, b.at(k0, n0 + sliver + m), b.row,
                                                       b.column);
#pragma GCC unroll 16 // an acc indexed by a variable would live in memory
                            for (int n = 0; n < M; ++n)
#pragma GCC unroll 16
                                for (int r = 0; r < R; ++r) {
                                    const Index count = std::clamp<Index>(high - i - r * L, 0, L);
                                    Scalar* const at = c + (n0 + sliver + m + n) * ldc + i0 + i + r * L;
                                    store<V>(at, fresh ? acc[r][n] : acc[r][n] + load<V>(at, count), count);
                                }
                        });
                    }
                }
            }
        }
    }
}

/// The same, dealt out to as many threads as there are scratches: rows, or columns where there are more of those. An element
/// comes out the same whoever computes it.
template <class Scalar>
void multiply(Scalar* c, Index ldc, Index rows, Index columns, Index depth, Operand<Scalar> a, Operand<Scalar> b,
              bool add, std::vector<Scratch<Scalar>>& scratches) {
    const auto shards = static_cast<Index>(scratches.size());
    const bool by_rows = rows >= columns;
    const Index unit = by_rows ? ProductBlocks<Scalar>::panel : ProductBlocks<Scalar>::columns;
    const Index units = ((by_rows ? rows : columns) + unit - 1) / unit;
    thread_pool()->run(static_cast<int>(shards), [&](int shard) {
        Scratch<Scalar>& scratch = scratches[static_cast<std::size_t>(shard)];
        const Index first = units * shard / shards * unit, end = units * (shard + 1) / shards * unit;
        if (by_rows && first < rows)
            multiply(c + first, ldc, std::min(end, rows) - first, columns, depth, {a.at(first, 0), a.row, a.column}, b,
                     add, scratch);
        else if (!by_rows && first < columns)
            multiply(c + first * ldc, ldc, rows, std::min(end, columns) - first, depth, a,
                     {b.at(0, first), b.row, b.column}, add, scratch);
    });
}

} // namespace carousel::kernel
