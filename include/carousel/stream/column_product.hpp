// ColumnProduct: weights times one column. A Stream has one column, the sample or the state; a whole-sequence pass has many and
// uses the products of the kernel room.
//
// Terms. A block is the H rows of the weights that belong to one gate, one row a unit. A lane is a vector register of L
// consecutive units. A group is a run of lanes whose sums, for all blocks, fit the registers together: the product reads the
// column once a group. The caller runs the cell's equations for all lanes of a group next to each other. In one lane these
// equations are a chain in which each instruction waits for the one before; the chains of several lanes overlap.
#pragma once

#include "carousel/kernel/caches.hpp"
#include "carousel/kernel/product.hpp"

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

using kernel::Operand;
using simd::load;

/// A size. It is `fixed` if that is known at compile time, else (`fixed` is Dynamic) the value.
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

/// Registers for the sums of a group. The narrower instruction sets have 16; 4 remain for weights and numbers of the column.
inline constexpr int sum_registers = 12;

/// How many bytes a lane has when `hidden` units are known at compile time: the least power of two that holds them all, between
/// 16 and the processor's register. A narrower lane wastes less work on places without a unit.
template <class S>
constexpr int lane_bytes(Index hidden) {
    int bytes = simd::register_bytes;
    while (hidden != Dynamic && bytes > 16 && hidden * 2 * static_cast<Index>(sizeof(S)) <= bytes)
        bytes /= 2;
    return bytes;
}

/// Whether the last lane of `hidden` units, known at compile time, is packed as a whole one, with places that stay zero. Its
/// sums then are registers of their own; else they lie across registers and go through memory, for which the equations wait.
/// It pays where all units are in one lane, and where a lane of one place less would need as many registers.
template <class V>
constexpr bool pads(Index hidden) {
    constexpr Index L = simd::size_of<V>;
    return hidden != Dynamic && (hidden < L || hidden % L == L - 1);
}

/// How many units a group has, if the weights have `blocks` blocks and `size` numbers. Weights that stay in L1 are multiplied
/// for as many lanes as there are registers for. Others are multiplied one lane at a time: the processor then fetches the next
/// lane's weights while the equations of this lane run.
template <class V>
constexpr Index units_a_group(int blocks, Index size) {
    const Index bytes = size * static_cast<Index>(sizeof(simd::scalar_of<V>));
    return (bytes <= kernel::l1_weight_bytes ? std::max(1, sum_registers / blocks) : 1) * simd::size_of<V>;
}

/// bias + weights·x, for weights of blocks · H rows. `Hidden` is H and `Group` the units of a group where they are known at
/// compile time, else Dynamic. The packed weights stand in the order in which the product reads them: group after group; in a
/// group the bias, then each column; in a column lane after lane; in a lane block after block.
template <class V, int blocks, Index Hidden, Index Group>
class ColumnProduct {
    using S = simd::scalar_of<V>;
    static constexpr Index L = simd::size_of<V>;
    static constexpr int most = std::max(blocks, sum_registers);
    /// Whether the product is a function of its own: of many columns, a lane at a time, with 16 registers. In one function with the
    /// equations GCC keeps numbers of these in registers, and the sums go through memory at each column: 1.8 times the time.
    static constexpr bool apart = Hidden == Dynamic || (Hidden > L && Group == L && simd::registers < 32);

  public:
    /// For weights of blocks · hidden rows and `depth` columns, which are packed at `packed`.
    ColumnProduct(Index hidden, Index depth, Index group, const S* packed)
        : hidden_{hidden}, group_{group}, depth_(depth), packed_(packed) {}

    /// How many numbers are packed. Those that pack() doesn't write are to be zero.
    Index size() const {
        Index size = 0;
        for (Index u = 0; u < hidden_; u += group_)
            size = std::max(size, (depth_ + 1) * row(u) + offset(u));
        return size;
    }

    /// Packs these weights at `packed`. `bias` points to blocks · H numbers, or is null for zeros.
    void pack(S* packed, Operand<S> weights, const S* bias) const {
        for (Index u = 0; u < hidden_; u += group_)
            for (Index k = -1; k < depth_; ++k) // k = -1 is the bias
                for (Index l = u; l < std::min<Index>(u + group_, hidden_); l += L)
                    for (int g = 0; g < blocks && (k >= 0 || bias); ++g)
                        kernel::copy_strided(packed + offset(u) + (k + 1) * row(u) + (l - u) * blocks + g * places(l),
                                             k < 0 ? bias + g * hidden_ + l : weights.at(g * hidden_ + l, k),
                                             k < 0 ? 1 : weights.row, width(l));
    }

    /// The product's rows for one group.
    struct Sums {
        V rows[most + 1]; // The last one is read, not used, by a load of the group's last lane if that is narrow.

        /// The sums of `block` for the lane that begins `l` units after the group's first. The lane has `width` units, or as many
        /// places where it is padded. Its places past these hold unspecified numbers, which are finite if the weights and x are.
        template <class Width>
        V at(Index l, int block, Width width) const {
            const S* const from = reinterpret_cast<const S*>(rows) + l * blocks + block * width;
            // A load forwards from the store buffer if one store covers it. Half a register, where it holds the lane, lies in
            // one of the stored registers more often than a whole one does. Sizes known at compile time need no such care,
            // because the compiler may keep the sums in registers.
            if constexpr (Hidden == Dynamic && std::is_same_v<Width, Index> && sizeof(V) > 16)
                if (width * 2 <= L)
                    return simd::widen(load<simd::Vec<S, sizeof(V) / 2>>(from));
            return load<V>(from);
        }

        /// Leaves the sums in memory, so that they have no registers while another product's sums need all.
        [[gnu::always_inline]] void leave_registers() { asm("" : "+m"(rows)); }
    };

    /// Registers of a group's rows, where that is known at compile time and the product isn't a function of its own; else 0.
    static constexpr int rows = apart ? 0 : static_cast<int>(blocks * ((std::min(Hidden, Group) + L - 1) / L));
    /// Registers that the product needs where each row has several sums under way, the weights and a number of the column with them.
    static constexpr int registers_needed = kernel::column_ways(rows) > 1 ? rows* kernel::column_ways(rows) + 2 : 0;

    /// bias + weights·x for the group that begins with unit u.
    [[gnu::always_inline]] inline void operator()(Index u, const S* x, Sums& sums) const {
        by_registers<most>(row(u) / L, sums.rows, packed_ + offset(u), x);
    }

  private:
    /// Units of the lane that begins with unit u.
    Index width(Index u) const { return std::min<Index>(L, hidden_ - u); }
    /// Places for them among the packed numbers.
    Index places(Index u) const { return pads<V>(Hidden) ? L : width(u); }
    /// Packed numbers of one column of the weights, in the group that begins with unit u: whole registers.
    Index row(Index u) const {
        const Index units = std::min<Index>(group_, hidden_ - u);
        return pads<V>(Hidden) ? blocks * ((units + L - 1) / L * L) : (blocks * units + L - 1) / L * L;
    }
    /// Where the group that begins with unit u stands among the packed numbers. The groups before it have no padding.
    Index offset(Index u) const { return u * blocks * (depth_ + 1); }

    /// Finds the instance of multiply() for this number of registers.
    template <int R>
    [[gnu::always_inline]] inline void by_registers(Index registers, V* sums, const S* packed, const S* x) const {
        if constexpr (R > 1)
            if (registers < R)
                return by_registers<R - 1>(registers, sums, packed, x);
        if constexpr (!apart)
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

    Extent<Hidden> hidden_;
    Extent<Group> group_;
    Index depth_;
    const S* packed_;
};

} // namespace carousel::stream

#include "carousel/core/quiet_bounds_end.hpp"
