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

/// C (rows × columns, column-major, leading dimension ldc) = A·B, or += with `add`; A is rows × depth, B depth ×
/// columns.
template <class Scalar>
void multiply(Scalar* c, Index ldc, Index rows, Index columns, Index depth, Operand<Scalar> a, Operand<Scalar> b,
              bool add, Scratch<Scalar>& scratch) {
    using V = Lane<Scalar>;
    constexpr Index L = lanes<Scalar>;
    constexpr int R = 2, N = tile_columns(R);
    constexpr Index panel_rows = R * L, depth_block = 1024 / sizeof(Scalar), column_block = 1536;

    if (depth == 0 && !add)
        for (Index n = 0; n < columns; ++n)
            std::fill_n(c + n * ldc, rows, Scalar(0));

    for (Index n0 = 0; n0 < columns; n0 += column_block) {
        const Index width = std::min(column_block, columns - n0);
        for (Index k0 = 0; k0 < depth; k0 += depth_block) {
            const Index deep = std::min(depth_block, depth - k0);
            const bool fresh = k0 == 0 && !add;

            Scalar* const panel = scratch.get(panel_rows * deep + width * deep);
            Operand<Scalar> columns_of_b{b.at(k0, n0), b.row, b.column};
            // A B whose columns aren't contiguous is copied once, slivers of N columns side by side.
            const bool pack_b = b.row != 1 && width > 1;
            Scalar* const packed_b = panel + panel_rows * deep;
            if (pack_b)
                for (Index n = 0; n < width; n += N)
                    for (Index k = 0, w = std::min<Index>(N, width - n); k < deep; ++k)
                        for (Index m = 0; m < w; ++m)
                            packed_b[n * deep + k * w + m] = *columns_of_b.at(k, n + m);

            for (Index i0 = 0; i0 < rows; i0 += panel_rows) {
                const Index high = std::min(panel_rows, rows - i0);
                const Scalar* lanes_of_a = a.at(i0, k0);
                Index a_stride = a.column;
                const bool in_place = a.row == 1 && high == panel_rows && width < N; // too few columns to repay a copy
                if (!in_place) {
                    for (int r = 0; r < R; ++r)
                        pack_lane(panel + r * L, panel_rows, Operand<Scalar>{a.at(i0 + r * L, k0), a.row, a.column},
                                  std::clamp<Index>(high - r * L, 0, L), deep);
                    lanes_of_a = panel;
                    a_stride = panel_rows;
                }
                for (Index sliver = 0; sliver < width; sliver += N) {
                    const Index w = std::min<Index>(N, width - sliver);
                    for_column_tiles<N>(0, w, [&]<int M>(Index m) {
                        V acc[R][M] = {};
                        if (pack_b)
                            multiply_tile<V, R, M>(acc, deep, lanes_of_a, a_stride, packed_b + sliver * deep + m, w, 1);
                        else
                            multiply_tile<V, R, M>(acc, deep, lanes_of_a, a_stride, columns_of_b.at(0, sliver + m),
                                                   columns_of_b.row, columns_of_b.column);
#pragma GCC unroll 16 // an acc indexed by a variable would live in memory
                        for (int n = 0; n < M; ++n)
#pragma GCC unroll 16
                            for (int r = 0; r < R; ++r) {
                                const Index count = std::clamp<Index>(high - r * L, 0, L);
                                Scalar* const at = c + (n0 + sliver + m + n) * ldc + i0 + r * L;
                                store<V>(at, fresh ? acc[r][n] : acc[r][n] + load<V>(at, count), count);
                            }
                    });
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
    const Index unit = by_rows ? 2 * lanes<Scalar> : 12; // whole tiles
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
