// make_plan: what is decided about a pass before it begins. The Plan is kept with the pass' memory, and forward and backward read it.
#pragma once

#include "carousel/kernel/caches.hpp"
#include "carousel/kernel/depth_blocks.hpp"
#include "carousel/kernel/pass_data.hpp"
#include "carousel/kernel/tile.hpp"

#include <algorithm>

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

/// The plan for a cell that keeps `blocks` numbers for a unit and a step.
template <class Scalar>
Plan make_plan(const PassShape& shape, int blocks, int threads) {
    constexpr Index L = lanes<Scalar>, scalar_bytes = sizeof(Scalar);
    constexpr Index shallow_input =
        4; // a product of fewer features costs less in a step than its result's way through memory
    constexpr Index least_shard = 8; // sequences that are worth a thread
    constexpr Index least_fetched = 8;
    const Index T = shape.steps, B = shape.batch;

    Plan plan{shape};
    plan.input_first = T > 1 && shape.input > shallow_input && B < tile_columns(blocks);
    plan.dots_with_U = B == 1;
    plan.dots_with_W = shape.input * 4 <= L;
    plan.input_gradient_last = T > 0 && !plan.dots_with_W && B < tile_columns(tile_lanes);
    plan.fetch = B >= least_fetched;
    plan.shards = static_cast<int>(std::clamp<Index>(B / least_shard, 1, threads));
    plan.gate_slots = shape.record || plan.input_first ? std::max<Index>(T, 1) : 1;
    plan.state_slots = shape.record ? T + 1 : 2;

    // Weights of several L2s come from L3 or from memory at every step, and so should meet many columns then. They do in blocks
    // of the depth, half of L1 each, where there are more columns than a tile has.
    const Index column_bytes = blocks * shape.hidden * scalar_bytes;
    if (column_bytes * shape.hidden > 4 * l2_bytes && B > tile_columns(tile_lanes))
        plan.block_bytes = l1_bytes / 2;

    // As many columns as have their gates of a step in L2, a multiple of every tile's width, or two stretches of columns.
    constexpr Index multiple = 24, least = 2 * stretch_columns;
    plan.column_block =
        std::max(l2_gate_bytes / column_bytes / multiple * multiple, plan.block_bytes > 0 ? least : multiple);

    // As many steps as have their gates in L2 when dW and dU are computed, or, where those are too few for the products to be
    // deep, in L3.
    constexpr Index shallow = 256, deep = 512; // columns that a product sums over
    const Index step_bytes = std::max<Index>(B * column_bytes, 1), columns = std::max<Index>(B, 1);
    plan.weight_steps = l2_bytes / step_bytes * columns >= shallow
                            ? l2_bytes / step_bytes
                            : std::max({l3_bytes / step_bytes, deep / columns, Index(1)});
    return plan;
}

} // namespace carousel::kernel
