// Panels: a weight matrix packed for the steps of a pass. One panel holds a lane of units, the rows of their gates side
// by side, so that a register tile of the product holds all gates of those units and the cell's equations run on it in
// place.
#pragma once

#include "carousel/kernel/product.hpp"

namespace carousel::kernel {

/// Panel j of `pack_gates` is depth × (blocks · lanes) numbers: for each k, block after block, the units j·lanes … .
/// `weights` has blocks · hidden rows and `depth` columns. Rows past the last unit are zero.
template <class Scalar>
void pack_gates(Scalar* to, Operand<Scalar> weights, int blocks, Index hidden, Index depth) {
    constexpr Index L = lanes<Scalar>;
    for (Index u = 0; u < hidden; u += L, to += depth * blocks * L)
        for (int g = 0; g < blocks; ++g)
            pack_lane(to + g * L, blocks * L, {weights.at(g * hidden + u, 0), weights.row, weights.column},
                      std::min(L, hidden - u), depth);
}

/// How many numbers pack_gates writes.
template <class Scalar>
constexpr Index gate_panels(int blocks, Index hidden, Index depth) {
    return round_up_to_lanes<Scalar>(hidden) * blocks * depth;
}

/// Packs Uᵀ for the backward product: panel after panel of next_tile_lanes units, for each row k of `weights` its units.
/// That of unit u stands at u · depth.
template <class Scalar>
void pack_units(Scalar* to, Operand<Scalar> weights, Index hidden, Index depth) {
    pack_rows(to, weights.transposed(), hidden, depth);
}

template <class Scalar>
constexpr Index unit_panels(Index hidden, Index depth) {
    return round_up_to_lanes<Scalar>(hidden) * depth;
}

} // namespace carousel::kernel
