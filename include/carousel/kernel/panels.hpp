// Panels: how weights are packed for the steps of a pass, and how a pass keeps what its steps leave.
//
// A panel holds some consecutive units with all their blocks (gates): one lane of units, or a few lanes for cells with few
// blocks. Within a panel the blocks follow one another, each with its units side by side. This order serves four uses:
//   - a register tile of a product holds all gates of a panel's units, so the cell's equations run on the tile;
//   - forward writes the gates of a pass as one contiguous stream, panel after panel;
//   - backward reads that stream in the same order;
//   - the products for the gradients take the stored gates as their packed factor.
// The last panel is narrower if the units don't fill it.
#pragma once

#include "carousel/kernel/product.hpp"

#include <algorithm>
#include <cstring>

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

/// How many lanes of units a panel holds, for a cell whose products have between `narrowest` and `widest` blocks. The product of
/// the narrowest must fill a tile, and the product of the widest must not exceed one. With 16 registers, where a tile sums up
/// two lanes at a time, the number of a tile's lanes is even.
constexpr int panel_lanes(int narrowest, int widest) {
    constexpr int most = 6;
    if (registers < 32)
        return narrowest % 2 == 0 || 2 * widest > most ? 1 : 2;
    return std::max(1, std::min(tile_lanes / narrowest, most / widest));
}

/// Where a step keeps `rows` numbers for each of `hidden` units and each column. The order is: panel after panel, `units` units
/// each; within a panel, column after column; within a column, row after row; within a row, the panel's units.
/// A product loads whole lanes, of a narrow panel too, and so reads past its end: memory that a product reads (the gates) is
/// one lane larger than size().
template <class Scalar, Index units>
struct Panels {
    int rows;
    Index columns, hidden;

    static constexpr Index panel_units = units;
    Index size() const { return hidden * columns * rows; }
    static constexpr Index panel(Index u) { return u / units * units; }
    /// How many units the panel of unit u has: the distance of its rows.
    Index width(Index u) const { return std::min(units, hidden - panel(u)); }
    Index column_step(Index u) const { return rows * width(u); }
    Index panel_step() const { return units * columns * rows; }
    /// Row 0 of unit u.
    Index at(Index u, Index column) const { return at(u, column, width(u)); }
    /// The same with what the caller knows of width(u), perhaps at compile time.
    template <class Width>
    Index at(Index u, Index column, Width width_of_panel) const {
        return (panel(u) * columns + column * width_of_panel) * rows + u % units;
    }
};

/// A product as a tile takes it: one, or two where the last panel is narrower than the others.
template <class Scalar>
struct PanelFactors {
    Factors<Scalar> products[2];
    int count;
};

/// The product that sums over `some` rows, from row `first` on, of all units of the Panels at `b`. The tile's first column is
/// `column`. Its next column is the next one of the Panels, or, if column_step isn't 0, the number that many places further on.
/// `a` and `a_step` describe the other factor, as Factors does.
template <class Scalar, Index units>
PanelFactors<Scalar> over_panels(const Scalar* a, Index a_step, Panels<Scalar, units> layout, const Scalar* b,
                                 int first, int some, Index column, Index column_step = 0) {
    const Index whole = layout.hidden / units, rest = layout.hidden % units, u = whole * units;
    PanelFactors<Scalar> f;
    f.count = 0;
    if (whole > 0)
        f.products[f.count++] = {some * units,
                                 a,
                                 a_step,
                                 b + layout.at(0, column) + first * units,
                                 1,
                                 column_step ? column_step : layout.column_step(0),
                                 whole,
                                 some * units * a_step,
                                 layout.panel_step()};
    if (rest > 0)
        f.products[f.count++] = {some * rest, a + u * some * a_step,
                                 a_step,      b + layout.at(u, column) + first * rest,
                                 1,           column_step ? column_step : layout.column_step(u)};
    return f;
}

/// f(first unit, width) for every panel.
template <Index units, class F>
void for_panels(Index hidden, F&& f) {
    for (Index u = 0; u < hidden; u += units)
        f(u, std::min(units, hidden - u));
}

/// Packs weights of blocks · hidden rows and `depth` columns: for each panel, for each k, block after block its units. The panel
/// of unit u begins at u · blocks · depth.
template <Index units, class Scalar>
void pack_gates(Scalar* to, Operand<Scalar> weights, int blocks, Index hidden, Index depth) {
    // So many columns are read over all panels before the next: more would be more streams than the processor's prefetchers follow.
    constexpr Index column_block = 4;
    for (Index begin = 0; begin < depth; begin += column_block)
        for_panels<units>(hidden, [&](Index u, Index width) {
            Scalar* at = to + (u * depth + begin * width) * blocks;
            for (Index k = begin; k < std::min(begin + column_block, depth); ++k)
                for (int g = 0; g < blocks; ++g, at += width)
                    if (width == units && weights.row == 1)
                        std::memcpy(at, weights.at(g * hidden + u, k), units * sizeof(Scalar));
                    else
                        copy_strided(at, weights.at(g * hidden + u, k), weights.row, width);
        });
    // A narrow panel is loaded by whole lanes: these numbers are read, and the results are not used.
    std::fill_n(to + blocks * hidden * depth, lanes<Scalar>, Scalar(0));
}

/// How many numbers pack_gates writes.
template <class Scalar>
constexpr Index gate_panels(int blocks, Index hidden, Index depth) {
    return blocks * hidden * depth + lanes<Scalar>;
}

/// Packs the same weights transposed, for over_panels. A panel holds next_tile_lanes lanes of the weights' columns, and has a
/// row for each number of one column of Panels, in the order of Panels. The panel of column i begins at i · blocks · hidden.
template <Index units, class Scalar>
void pack_transposed(Scalar* to, Operand<Scalar> weights, int blocks, Index hidden, Index columns) {
    constexpr Index L = lanes<Scalar>;
    for_row_tiles<Scalar>(columns, [&](Index i, int tile) {
        Scalar* const panel = to + i * blocks * hidden;
        for (Index r = 0; r < tile; ++r)
            for (int g = 0; g < blocks; ++g)
                for_panels<units>(hidden, [&](Index u, Index width) {
                    pack_lane(panel + ((u * blocks + g * width) * tile + r) * L, tile * L,
                              {weights.at(g * hidden + u, i + r * L), weights.column, weights.row},
                              std::min(columns - i - r * L, L), width);
                });
    });
}

/// How many numbers pack_transposed writes.
template <class Scalar>
constexpr Index transposed_panels(int blocks, Index hidden, Index columns) {
    return blocks * hidden * round_up_to_lanes<Scalar>(columns);
}

/// One row of Panels from or into a column-major matrix H × columns, leading dimension ld.
template <class Scalar, Index units>
void to_panels(Scalar* to, Panels<Scalar, units> layout, const Scalar* from, Index ld) {
    for_panels<units>(layout.hidden, [&](Index u, Index width) {
        for (Index column = 0; column < layout.columns; ++column)
            std::copy_n(from + column * ld + u, width, to + layout.at(u, column));
    });
}
template <class Scalar, Index units>
void from_panels(const Scalar* from, Panels<Scalar, units> layout, int row, Scalar* to, Index ld) {
    for_panels<units>(layout.hidden, [&](Index u, Index width) {
        for (Index column = 0; column < layout.columns; ++column)
            std::copy_n(from + layout.at(u, column) + row * width, width, to + column * ld + u);
    });
}

} // namespace carousel::kernel
