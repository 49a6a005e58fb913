// Some registers of rows of narrow weights times one column.
#pragma once

#include "carousel/stream/narrow/words.hpp"

#include <algorithm>
#include <limits>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

/// The floats that the lower halves of words, or the upper ones, are the bfloat16s of.
[[gnu::always_inline]] inline FloatLane half_floats(WordLane w, bool upper) {
    return bit_cast<FloatLane>(upper ? w & 0xffff0000U : w << 16);
}

/// y += scale · the sums of R registers of rows.
template <WeightType type, int R>
[[gnu::always_inline]] inline void add_sums(const typename Words<type>::Sum (&sums)[R], const std::uint32_t* scales,
                                            float scale, float* y) noexcept {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
        FloatLane sum;
        if constexpr (type == WeightType::int8)
            sum = __builtin_convertvector(bit_cast<IntLane>(sums[r]), FloatLane);
        else
            sum = sums[r];
        if constexpr (type != WeightType::bfloat16)
            sum *= half_floats(load_words(scales + r / 2 * word_lanes), r % 2 != 0) * scale;
        simd::store<FloatLane>(y + r * word_lanes, load<FloatLane>(y + r * word_lanes) + sum);
    }
}

/// y += the product of R registers of rows, whose words stand next to each other.
template <WeightType type, int R>
[[gnu::noinline]] void multiply_rows(const std::uint32_t* words, Index groups, const std::uint32_t* scales,
                                     const NarrowOperand& operand, float* y) noexcept {
    using W = Words<type>;
    constexpr Index at_once = type == WeightType::int8 ? int8_columns / 4 : std::numeric_limits<Index>::max();
    const std::uint32_t* x = operand.words.data();
    const std::uint32_t* begin = x + simd::round_up_to_lanes<float>(groups * 4) / 2; // of int8 weights
    while (groups > 0) {
        typename W::Sum sums[R] = {};
        if constexpr (type == WeightType::int8) {
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r)
                sums[r] += *begin;
            ++begin;
        }
        for (Index k = std::min(groups, at_once); k > 0; --k) {
            WordLane column[W::operands];
#pragma GCC unroll 2
            for (int i = 0; i < W::operands; ++i)
                column[i] = broadcast(x + i);
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) {
                W::add(sums[r], load_words(words + r * word_lanes), column);
            }
            words += R * word_lanes;
            x += W::operands;
        }
        add_sums<type, R>(sums, scales, operand.scale, y);
        groups -= at_once;
    }
}

} // namespace carousel::stream

#include "carousel/core/quiet_bounds_end.hpp"
