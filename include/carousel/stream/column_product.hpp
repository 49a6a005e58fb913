// ColumnProduct: weights packed for the product with one column at a time, which is all a stream has.
//
// One pass over the column serves as many lanes of units as there are registers for, so that the equations of these lanes,
// whose chains are long, can run side by side; a lane's blocks stand side by side as in the panels of the kernel.
#pragma once

#include "carousel/kernel/caches.hpp"
#include "carousel/kernel/product.hpp"

namespace carousel::stream {

using kernel::Operand;
using simd::load;

/// A size known at compile time, if `fixed` isn't Dynamic.
template <Index fixed>
struct Extent {
    Index value;
    constexpr operator Index() const {
        if constexpr (fixed != Dynamic)
            return fixed;
        else
            return value;
    }
};

/// Bytes of the lanes that units fixed at compile time run in: no wider than they need.
template <class S>
constexpr int lane_bytes(Index hidden) {
    int bytes = simd::register_bytes;
    while (hidden != Dynamic && bytes > 16 && hidden * 2 * static_cast<Index>(sizeof(S)) <= bytes)
        bytes /= 2;
    return bytes;
}

/// How many units with so many blocks share a pass over the column: as many as leave registers for their sums, if the weights
/// (`size` numbers) stay in L1; else one lane, so that the next lane's weights are on their way meanwhile.
template <class V>
constexpr Index units_a_pass(int blocks, Index size) {
    const Index bytes = size * static_cast<Index>(sizeof(simd::scalar_of<V>));
    return (bytes <= kernel::l1_weight_bytes ? std::max(1, 12 / blocks) : 1) * simd::size_of<V>;
}

/// Weights of blocks · H rows, of each block the rows in turn for H units, in groups of so many. Both may be fixed at compile
/// time.
template <class V, int blocks, Index Hidden, Index Group>
class ColumnProduct {
    using S = simd::scalar_of<V>;
    static constexpr Index L = simd::size_of<V>;
    static constexpr int most = std::max(blocks, 12);

  public:
    ColumnProduct() = default;
    /// `bias`: blocks · H numbers, or null.
    ColumnProduct(Operand<S> weights, const S* bias, Index hidden, Index depth, Index group)
        : hidden_{hidden}, group_{group}, depth_(depth) {
        for (Index u = 0; u < hidden; u += group_)
            size_ = std::max(size_, (depth + 1) * row(u) + offset(u));
        packed_.setZero(size_);
        for (Index u = 0; u < hidden; u += group_)
            for (Index k = -1; k < depth; ++k) // the bias comes first
                for (Index l = u; l < std::min(u + group_, hidden); l += L)
                    for (int g = 0; g < blocks && (k >= 0 || bias); ++g)
                        kernel::copy_strided(packed_.data() + offset(u) + (k + 1) * row(u) + (l - u) * blocks +
                                                 g * width(l),
                                             k < 0 ? bias + g * hidden + l : weights.at(g * hidden + l, k),
                                             k < 0 ? 1 : weights.row, width(l));
    }

    /// The sums of a group of lanes.
    struct Sums {
        V rows[most + 1]; // a narrow lane is read as a whole one
        /// Of a block, for the lane that begins `l` units after the group's first and has `width` units. What the lane holds more is
        /// unspecified, but finite if the weights are.
        template <class Width>
        V at(Index l, int block, Width width) const {
            const S* const from = reinterpret_cast<const S*>(rows) + l * blocks + block * width;
            // A load that meets one store needn't wait for L1. Where all sizes are known, the sums may not be stored at all.
            if constexpr (Hidden == Dynamic && std::is_same_v<Width, Index> && sizeof(V) > 16)
                if (width * 2 <= L)
                    return simd::widen(load<simd::Vec<S, sizeof(V) / 2>>(from));
            return load<V>(from);
        }
    };

    /// bias + weights·x for the group that begins with unit u.
    [[gnu::always_inline]] inline void operator()(Index u, const S* x, Sums& sums) const {
        by_registers<most>(row(u) / L, sums.rows, packed_.data() + offset(u), x);
    }

  private:
    Index width(Index u) const { return std::min<Index>(L, hidden_ - u); }
    Index row(Index u) const { return (blocks * std::min<Index>(group_, hidden_ - u) + L - 1) / L * L; }
    Index offset(Index u) const { return u * blocks * (depth_ + 1); } // the groups before u are whole

    template <int R>
    [[gnu::always_inline]] inline void by_registers(Index registers, V* sums, const S* packed, const S* x) const {
        if constexpr (R > 1)
            if (registers < R)
                return by_registers<R - 1>(registers, sums, packed, x);
        if constexpr (Hidden != Dynamic)
            multiply<R>(sums, packed, x);
        else
            multiply_apart<R>(sums, packed, x);
    }
    template <int R>
    [[gnu::noinline]] void multiply_apart(V* sums, const S* packed, const S* x) const {
        multiply<R>(sums, packed, x);
    }
    template <int R>
    [[gnu::always_inline]] inline void multiply(V* sums, const S* packed, const S* x) const {
        V under_way[kernel::column_ways(R)][R] = {};
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
            under_way[0][r] = load<V>(packed + r * L);
        kernel::add_column(under_way, {depth_, packed + R * L, R * L, x, 1, 0});
        kernel::add_up(sums, under_way);
        sums[R] = V{};
    }

    Extent<Hidden> hidden_{};
    Extent<Group> group_{};
    Index depth_ = 0, size_ = 0;
    Vector<S> packed_; // group after group: the bias and each column of the weights, lane after lane, block after block
};

} // namespace carousel::stream
