// Depth blocks: a product with packed weights that don't stay in L2, some of its depth at a time.
//
// A tile over the whole depth would read a panel of weights once for every few columns, from L2 or beyond. A block of the depth has as
// much of a panel as stays in L1 while a stretch of columns passes by, and has the next block brought into L2 meanwhile.
#pragma once

#include "carousel/kernel/tile.hpp"

#include <algorithm>
#include <cstdint>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

/// The most columns whose sums are kept from block to block: eight tiles of 2 × 6 (6 KiB for four lanes with AVX2).
inline constexpr int stretch_columns = 48;

/// f(block, whether it isn't the first) for the blocks of a tile's products. The rows of a block, `lanes` lanes each, take at
/// most `bytes`, but for a single row or run. The products' rows are packed: one follows the other.
template <class Scalar, class F>
void for_depth_blocks(const Factors<Scalar>* products, int count, int lanes, Index bytes, F&& f) {
    const Index deep = std::max<Index>(bytes / (lanes * register_bytes), 1);
    bool add = false;
    for (int p = 0; p < count; ++p) {
        const Factors<Scalar>& whole = products[p];
        Factors<Scalar> block = whole;
        if (whole.runs == 1)
            for (Index k = 0; k < whole.depth; k += deep, add = true) {
                block.depth = std::min(deep, whole.depth - k);
                block.a = whole.a + k * whole.a_step;
                block.b = whole.b + k * whole.b_row;
                f(block, add);
            }
        else
            for (Index run = 0, some = std::max<Index>(deep / std::max<Index>(whole.depth, 1), 1); run < whole.runs;
                 run += some, add = true) {
                block.runs = std::min(some, whole.runs - run);
                block.a = whole.a + run * whole.a_run;
                block.b = whole.b + run * whole.b_run;
                f(block, add);
            }
    }
}

/// tiles[n·lanes + r] = or += Σ_k a(k)[r] · b(k, n) for n < columns. Fetches as many rows as the block has from behind it.
template <class V, int most>
void compute_stretch(V* tiles, int lanes, int columns, Factors<scalar_of<V>> block, bool add) {
    constexpr int widest = tile_columns(most);
    const Index rows = block.runs * block.depth, steps = rows * tile_passes(most, widest),
                lines = rows * block.a_step * static_cast<Index>(sizeof(scalar_of<V>)) / cache_line;
    const auto behind = [&](Index line) { // as a number: past the weights' end there may be nothing
        return reinterpret_cast<std::uintptr_t>(block.a) +
               static_cast<std::uintptr_t>(rows * block.a_step * static_cast<Index>(sizeof(scalar_of<V>)) +
                                           line * cache_line);
    };
    Index fetched = 0;
    for (int n = 0; n < columns;) {
        // Each tile has an equal share of the lines to fetch: the widest do it step by step, at most a line each; what is left comes
        // before the tile.
        const bool spread = widest > 1 && lanes == most && takes_widest<most>(columns - n);
        const Index end = lines * std::min(n + widest, columns) / columns,
                    in_steps = spread ? std::min(end - fetched, steps) : 0;
        for (; fetched < end - in_steps; ++fetched)
            __builtin_prefetch(reinterpret_cast<const void*>(behind(fetched)), 0, 2);
        int taken = widest;
        if (spread)
            compute_and_fetch<V, most>(
                tiles + n * lanes, block, add,
                FetchLines{behind(fetched), static_cast<std::uintptr_t>((in_steps * cache_line + steps - 1) / steps)});
        else
            taken = compute_lanes<V, most>(tiles + n * lanes, lanes, columns - n, &block, 1, add);
        fetched = end;
        block.b += taken * block.b_column;
        n += taken;
    }
}

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
