// Products that have Panels for a factor or for a result. Panels are packed already, so no product packs them again.
#pragma once

#include "carousel/kernel/depth_blocks.hpp"
#include "carousel/kernel/panels.hpp"
#include "carousel/kernel/threads.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

/// The same Panels of `steps` steps, `step_size` numbers apart.
template <class Scalar, Index units>
struct StepPanels {
    Scalar* data;
    Panels<Scalar, units> layout;
    Index steps, step_size;
};

/// A tile of `rows` rows of one panel × some columns. It has as many columns as a register tile takes, or `room` if that is
/// more. `width` is the number of the panel's units.
template <class Scalar, int rows, Index units, int room = 0>
struct PanelTile {
    using V = Lane<Scalar>;
    static constexpr Index L = lanes<Scalar>;
    static constexpr int most = static_cast<int>(rows * units / L);
    static constexpr int size = [] { // a narrow panel's tile may have more columns
        int size = most * room;
        for (int r = 1; r <= most; ++r)
            size = std::max(size, r * tile_columns(r));
        return size + 1; // zeros, as the last row of a narrow panel is loaded as a whole lane
    }();

    V numbers[size];
    Index width, lanes_a_column;

    explicit PanelTile(Index units_of_panel) : width(units_of_panel), lanes_a_column((rows * width + L - 1) / L) {}

    /// Computes columns `at` … and returns how many.
    int compute(Index columns, const Factors<Scalar>* products, int count, Index at = 0) {
        const int taken = compute_lanes<V, most>(numbers + at * lanes_a_column, static_cast<int>(lanes_a_column),
                                                 columns, products, count);
        numbers[(at + taken) * lanes_a_column] = V{};
        return taken;
    }
    /// The same for a whole panel and as many columns as a register tile takes. It has the rows of the panel so many numbers ahead
    /// brought into L2.
    int compute_and_fetch_ahead(const Factors<Scalar>& product, Index ahead) {
        compute_and_fetch<V, most>(numbers, product, false,
                                   FetchRows{static_cast<std::uintptr_t>(ahead) * sizeof(Scalar)});
        return tile_columns(most);
    }
    /// The same, but with block_bytes > 0 in blocks of the depth (for_depth_blocks), and for up to stretch_columns columns.
    int compute_blocks(Index columns, const Factors<Scalar>* products, int count, Index block_bytes) {
        static_assert(room >= stretch_columns);
        if (block_bytes == 0)
            return compute(columns, products, count);
        const int taken = static_cast<int>(std::min<Index>(columns, stretch_columns)),
                  lanes = static_cast<int>(lanes_a_column);
        for_depth_blocks(products, count, lanes, block_bytes, [&](const Factors<Scalar>& block, bool add) {
            compute_stretch<V, most>(numbers, lanes, taken, block, add);
        });
        numbers[taken * lanes_a_column] = V{};
        return taken;
    }
    /// Unit l of a row in column n; `known_width`: the width, if the compiler knows it.
    template <class Width>
    const Scalar* at(Index n, int row, Index l, Width known_width) const {
        const Index column_step = std::is_same_v<Width, Index> ? lanes_a_column * L : rows * units;
        return reinterpret_cast<const Scalar*>(numbers) + n * column_step + row * known_width + l;
    }
    const Scalar* at(Index n, int row, Index l) const { return at(n, row, l, width); }
};
struct NoTile {
    explicit NoTile(Index) {}
};

/// Writes A·b to the rows first … first + rows − 1 of `to`. A is packed by pack_gates; b is depth × (steps · columns),
/// column-major. A tile's columns are steps of one sequence, so that tiles are full although the batch is small.
template <int first, int rows, class Scalar, Index units>
void multiply_into_panels(const StepPanels<Scalar, units>& to, Index depth, const Scalar* packed, const Scalar* b) {
    const Index B = to.layout.columns;
    for_panels<units>(to.layout.hidden, [&](Index u, Index width) {
        PanelTile<Scalar, rows, units> tile(width);
        for (Index column = 0; column < B; ++column)
            for (Index t = 0; t < to.steps;) {
                const Factors<Scalar> product{
                    depth, packed + u * rows * depth, rows * width, b + (t * B + column) * depth, 1, B * depth};
                const int taken = tile.compute(to.steps - t, &product, 1);
                for (int n = 0; n < taken; ++n, ++t)
                    std::copy_n(tile.at(n, 0, 0), rows * width,
                                to.data + t * to.step_size + to.layout.at(u, column) + first * width);
            }
    });
}

/// A part of StepPanels over which a tile sums: some steps of some columns. The longer of the two is the inner loop.
struct PanelBlock {
    Index first_step, steps, first_column, columns;

    bool along_columns() const { return columns >= steps; }
    Index depth() const { return steps * columns; }
    /// f(step, column) in the order of the products.
    template <class F>
    void each(F&& f) const {
        if (along_columns())
            for (Index t = 0; t < steps; ++t)
                for (Index b = 0; b < columns; ++b)
                    f(first_step + t, first_column + b);
        else
            for (Index b = 0; b < columns; ++b)
                for (Index t = 0; t < steps; ++t)
                    f(first_step + t, first_column + b);
    }
    /// The factors of a tile: the rows from `first` on of the panel of unit u, and packed columns at `b` with `wide` numbers a row.
    template <class Scalar, Index units>
    Factors<Scalar> factors(const StepPanels<Scalar, units>& a, Index u, int first, const Scalar* b, Index wide) const {
        const Scalar* const data =
            a.data + first_step * a.step_size + a.layout.at(u, first_column) + first * a.layout.width(u);
        const Index column_step = a.layout.column_step(u);
        if (along_columns())
            return {columns, data, column_step, b, wide, 1, steps, a.step_size, columns * wide};
        return {steps, data, a.step_size, b, wide, 1, columns, column_step, steps * wide};
    }
};

/// How many numbers of scratch one thread of add_outer_product needs: a packed block of b. `depth`: a's steps · columns.
template <class Scalar>
constexpr Index outer_product_scratch(Index columns, Index depth) {
    using Tiling = ProductTiling<Scalar>;
    return std::min(columns, Tiling::columns) * std::min(depth, Tiling::depth);
}

/// c += a·bᵀ, summed over all steps and columns of a. c is (rows · hidden) × columns, column-major with leading dimension ldc. Of
/// `a` the rows first … first + rows − 1 take part. b is columns × (steps · a's columns), column-major. Computes the rows of c
/// that belong to the units first_unit … end_unit − 1, which are whole panels.
template <int first, int rows, class Scalar, Index units>
void add_outer_product(Scalar* c, Index ldc, Index columns, const StepPanels<Scalar, units>& a, const Scalar* b,
                       Index first_unit, Index end_unit, Scalar* scratch) {
    using V = Lane<Scalar>;
    using Tiling = ProductTiling<Scalar>;
    constexpr Index L = lanes<Scalar>, N = tile_columns(rows * static_cast<int>(units / L)),
                    group = std::max<Index>(1, Tiling::rows / (rows * units)) * units;
    const Index H = a.layout.hidden, B = a.layout.columns;

    const auto over = [&](Index n0, Index all, const PanelBlock& block) {
        const Index depth = block.depth();
        // A single column is summed in another order by a tile that fetches nothing.
        const bool gates_are_far = N > 1 && depth * a.layout.rows * H * Index(sizeof(Scalar)) > l2_bytes;
        for (Index n = 0; n < all; n += N) {
            const Index wide = std::min(N, all - n);
            Scalar* to = scratch + n * depth;
            block.each([&](Index t, Index column) {
                const Scalar* const from = b + (t * B + column) * columns + n0 + n;
                if (wide == N)
                    std::memcpy(to, from, N * sizeof(Scalar));
                else
                    std::copy_n(from, wide, to);
                to += wide;
            });
        }
        for (Index u0 = first_unit; u0 < end_unit; u0 += group)
            for (Index n = 0; n < all; n += N)
                for (Index u = u0; u < std::min(u0 + group, end_unit); u += units) {
                    const Index wide = std::min(N, all - n), width = a.layout.width(u);
                    Scalar* const corner = c + (n0 + n) * ldc + u;
                    for (Index m = 0; m < wide; ++m) // for when the tile is done
                        for (int g = 0; g < rows; ++g)
                            for (Index l = 0; l < width; l += L)
                                __builtin_prefetch(corner + m * ldc + g * H + l, 1);
                    PanelTile<Scalar, rows, units> tile(width);
                    Factors<Scalar> f = block.factors(a, u, first, scratch + n * depth, wide);
                    // Of gates that L2 doesn't hold, each panel's tile of the first columns brings the next panel.
                    const bool bring = gates_are_far && n == 0 && wide == N && width == units && u + units < end_unit;
                    for (Index m = 0; m < wide;) {
                        const int taken = bring ? tile.compute_and_fetch_ahead(f, a.layout.panel_step())
                                                : tile.compute(wide - m, &f, 1);
                        f.b += taken;
                        for (int k = 0; k < taken; ++k, ++m)
                            for (int g = 0; g < rows; ++g)
                                for (Index l = 0; l < width; l += L) {
                                    Scalar* const at = corner + m * ldc + g * H + l;
                                    const Index count = width - l;
                                    store<V>(at, load<V>(at, count) + load<V>(tile.at(k, g, l)), count);
                                }
                    }
                }
    };
    const Index step_block = std::max<Index>(1, Tiling::depth / std::max<Index>(B, 1)),
                column_block = std::min(B, Tiling::depth);
    for (Index n = 0; n < columns; n += Tiling::columns)
        for (Index t = 0; t < a.steps; t += step_block)
            for (Index column = 0; column < B; column += column_block)
                over(n, std::min(Tiling::columns, columns - n),
                     {t, std::min(step_block, a.steps - t), column, std::min(column_block, B - column)});
}

/// The same for all units, dealt out to `threads` threads. `scratch`: outer_product_scratch numbers for each. An element comes
/// out the same whichever thread computes it.
template <int first, int rows, class Scalar, Index units>
void add_outer_product(Scalar* c, Index ldc, Index columns, const StepPanels<Scalar, units>& a, const Scalar* b,
                       int threads, Scalar* scratch) {
    const Index hidden = a.layout.hidden, panels = (hidden + units - 1) / units,
                size = outer_product_scratch<Scalar>(columns, a.steps * a.layout.columns);
    over_shards(threads, [&](int shard) {
        const Index begin = panels * shard / threads * units,
                    end = std::min(panels * (shard + 1) / threads * units, hidden);
        if (begin < end)
            add_outer_product<first, rows>(c, ldc, columns, a, b, begin, end, scratch + shard * size);
    });
}

/// A lane whose unit i, i < n, is the dot product of column k + i of A with one column of Panels: with its rows first …
/// first + rows − 1. A has `depth` columns and is packed by pack_gates.
template <int n, int rows, class Scalar, Index units>
[[gnu::always_inline]] inline Lane<Scalar> dot_columns(const Scalar* A, Index depth, Index k,
                                                       Panels<Scalar, units> layout, const Scalar* b, int first,
                                                       Index column) {
    using V = Lane<Scalar>;
    constexpr Index L = lanes<Scalar>;
    V sums[n] = {};
    Index u = 0;
    for (; u + units <= layout.hidden; u += units) {
        constexpr int size = static_cast<int>(rows * units / L);
        const Scalar* const a = A + (u * depth + k * units) * rows;
        const Scalar* const from = b + layout.at(u, column) + first * units;
        V x[size];
#pragma GCC unroll 16
        for (int m = 0; m < size; ++m)
            x[m] = load<V>(from + m * L);
#pragma GCC unroll 16
        for (int i = 0; i < n; ++i)
#pragma GCC unroll 16
            for (int m = 0; m < size; ++m)
                sums[i] += load<V>(a + (i * size + m) * L) * x[m];
    }
    if (u < layout.hidden) {
        const Index width = layout.width(u), size = rows * width;
        const Scalar* const a = A + (u * depth + k * width) * rows;
        const Scalar* const from = b + layout.at(u, column) + first * width;
        for (Index m = 0; m < size; m += L) {
            const V x = load<V>(from + m, size - m);
#pragma GCC unroll 16
            for (int i = 0; i < n; ++i)
                sums[i] += load<V>(a + i * size + m) * x;
        }
    }
    return sums_of(sums);
}

/// The same for `some` columns of A, fewer than 2·n. The dot products are stored at `to`, which has room for a lane more.
template <int n, int rows, class Scalar, Index units>
[[gnu::always_inline]] inline void dot_few_columns(Scalar* to, Index some, const Scalar* A, Index depth, Index k,
                                                   Panels<Scalar, units> layout, const Scalar* b, int first,
                                                   Index column) {
    if (some >= n) {
        store(to, dot_columns<n, rows>(A, depth, k, layout, b, first, column));
        to += n, k += n, some -= n;
    }
    if constexpr (n > 1)
        dot_few_columns<n / 2, rows>(to, some, A, depth, k, layout, b, first, column);
}

/// Rows k, k + 1, … of Aᵀ·b, a lane of them; past the last row the lane is unspecified. A has `depth` columns and is packed by
/// pack_gates. b is one column of Panels: its rows first … first + rows − 1. Packing Aᵀ would cost more than a single column
/// saves; this function reads A as forward packed it. (noexcept, as Emscripten calls what may throw through JavaScript, which
/// has no lanes.)
template <int rows, class Scalar, Index units>
[[gnu::noinline]] Lane<Scalar> multiply_transposed_lane(const Scalar* A, Index depth, Index k,
                                                        Panels<Scalar, units> layout, const Scalar* b, int first,
                                                        Index column) noexcept {
    constexpr int L = lanes<Scalar>;
    if (depth - k >= L)
        return dot_columns<L, rows>(A, depth, k, layout, b, first, column);
    Scalar lane[2 * L] = {};
    dot_few_columns<L / 2, rows>(lane, depth - k, A, depth, k, layout, b, first, column);
    return load<Lane<Scalar>>(lane);
}

/// c = A·b. c is rows × columns, column-major with leading dimension ldc. A is packed by pack_transposed. b is as over_panels
/// takes it, from `column` on.
template <class Scalar, Index units>
void multiply_transposed(Scalar* c, Index ldc, Index rows, Index columns, const Scalar* packed,
                         Panels<Scalar, units> layout, const Scalar* b, int first, int some, Index column,
                         Index column_step = 0) {
    constexpr Index L = lanes<Scalar>;
    for_row_tiles<Scalar>(rows, [&](Index i, int tile) {
        PanelFactors<Scalar> f =
            over_panels(packed + i * some * layout.hidden, tile * L, layout, b, first, some, column, column_step);
        multiply_sliver(c + i, ldc, std::min(rows - i, tile * L), columns, tile, f.products, f.count, false);
    });
}

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
