// UnitLane: the lane of units that a cell's equations run on, and where its numbers stand in panels and in matrices.
#pragma once

#include "carousel/kernel/panels.hpp"

#include <type_traits>

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

/// A lane of the units of a panel, and the size of what it is loaded from. What is known of whole panels at compile time is in Width's type.
template <class Scalar, Index units, class Width>
struct UnitLane {
    using V = Lane<Scalar>;

    Index u;     // its first unit
    Width width; // of its panel
    Index columns, hidden;

    /// What load and store take: a whole lane, or what is left of the panel.
    constexpr auto count() const {
        if constexpr (std::is_same_v<Width, Index>)
            return width - u % units;
        else
            return std::integral_constant<Index, lanes<Scalar>>();
    }

    /// Of Panels with so many rows, one of them.
    V load(const Scalar* panels, int rows, int row, Index column) const {
        return simd::load<V>(panels + at(rows, row, column), count());
    }
    void store(Scalar* panels, int rows, int row, Index column, V x) const {
        simd::store<V>(panels + at(rows, row, column), x, count());
    }
    Index at(int rows, int row, Index column) const {
        return Panels<Scalar, units>{rows, columns, hidden}.at(u, column, width) + row * width;
    }

    /// Of a column-major matrix with H rows.
    V load(const Scalar* matrix, Index column) const { return simd::load<V>(matrix + at(column), count()); }
    void store(Scalar* matrix, Index column, V x) const { simd::store<V>(matrix + at(column), x, count()); }
    Index at(Index column) const { return column * hidden + u; }
};

/// f(lane) for the lane that begins with unit u.
template <class Scalar, Index units, class F>
[[gnu::always_inline]] inline void with_lane(Panels<Scalar, units> layout, Index u, F&& f) {
    const Index width = layout.width(u);
    if (width == units)
        f(UnitLane<Scalar, units, std::integral_constant<Index, units>>{u, {}, layout.columns, layout.hidden});
    else
        f(UnitLane<Scalar, units, Index>{u, width, layout.columns, layout.hidden});
}

/// f(lane) for the lanes of the panel that begins with unit u.
template <class Scalar, Index units, class F>
[[gnu::always_inline]] inline void over_lanes(Panels<Scalar, units> layout, Index u, F&& f) {
    for (Index end = u + layout.width(u); u < end; u += lanes<Scalar>)
        with_lane(layout, u, f);
}

} // namespace carousel::kernel
