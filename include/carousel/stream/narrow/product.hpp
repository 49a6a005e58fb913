// Narrow weights times one column: a tile of units, and the functions of this instruction set.
#pragma once

#include "carousel/kernel/compiled.hpp"
#include "carousel/stream/narrow/dot.hpp"
#include "carousel/stream/narrow/operand.hpp"
#include "carousel/stream/narrow/pack.hpp"

#include <type_traits>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

/// The floats of four registers: the upper halves of two words each, and the third bytes.
[[gnu::always_inline]] inline void load_short(const std::uint32_t* words, FloatLane (&to)[4]) {
    const WordLane third = load_words(words + 2 * word_lanes);
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
        const WordLane w = load_words(words + i * word_lanes);
        to[2 * i] = bit_cast<FloatLane>(w << 16 | ((i == 0 ? third << 8 : third >> 8) & 0xff00U));
        to[2 * i + 1] = bit_cast<FloatLane>((w & 0xffff0000U) | ((i == 0 ? third : third >> 16) & 0xff00U));
    }
}

inline void multiply_exact(const NarrowLayout& layout, const ShortFloats& exact, Index u, const float* x,
                           float* y) noexcept {
    const Index fours = (registers_of(exact.blocks, layout.width(u)) + 3) / 4;
    const std::uint32_t* const words =
        exact.words.data() + registers_before(layout, exact.blocks, u, 4) / 4 * 3 * word_lanes * exact.columns;
    for (Index r = 0; r < fours; ++r) {
        FloatLane sums[4];
        load_short(words + r * 3 * word_lanes, sums);
        for (Index k = 1; k < exact.columns; ++k) {
            FloatLane w[4];
            load_short(words + (k * fours + r) * 3 * word_lanes, w);
#pragma GCC unroll 4
            for (int i = 0; i < 4; ++i)
                sums[i] += w[i] * x[k - 1];
        }
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i)
            simd::store<FloatLane>(y + (4 * r + i) * word_lanes, sums[i]);
    }
}

/// f(R) for the number of registers, a constant.
template <class F>
[[gnu::always_inline]] inline void with_registers(int registers, const F& f) {
    switch (registers) {
    case 8:
        return f(std::integral_constant<int, 8>());
    case 6:
        return f(std::integral_constant<int, 6>());
    case 4:
        return f(std::integral_constant<int, 4>());
    case 2:
        return f(std::integral_constant<int, 2>());
    default:
        return f(std::integral_constant<int, 1>());
    }
}

template <WeightType type>
[[gnu::always_inline]] inline void multiply_tile(const NarrowLayout& layout, const NarrowMatrix& matrix, Index u,
                                                 const NarrowOperand& operand, float* y) noexcept {
    const Index groups = words_of_columns(type, matrix.columns);
    Index left = registers_of(matrix.blocks, layout.width(u));
    const std::uint32_t* words =
        matrix.words.data() + registers_before(layout, matrix.blocks, u, 1) * word_lanes * groups;
    const std::uint32_t* scales = nullptr;
    if constexpr (type != WeightType::bfloat16)
        scales = matrix.scales.data() + registers_before(layout, matrix.blocks, u, 2) / 2 * word_lanes;
    while (left > 0) {
        const int registers = registers_at_once(left);
        with_registers(
            registers, [&](auto R) __attribute__((always_inline)) {
#ifdef __AVX512BW__
                if constexpr (type != WeightType::int16)
                    if (layout.dot)
                        return multiply_rows_dot<type, R>(words, groups, scales, operand, y);
#endif
                multiply_rows<type, R>(words, groups, scales, operand, y);
            });
        left -= registers, words += registers * word_lanes * groups, y += registers * word_lanes;
        if constexpr (type != WeightType::bfloat16)
            scales += registers / 2 * word_lanes;
    }
}
inline void multiply(const NarrowLayout& layout, const NarrowMatrix& matrix, Index u, const NarrowOperand& operand,
                     float* y) noexcept {
    switch (layout.type) {
    case WeightType::bfloat16:
        return multiply_tile<WeightType::bfloat16>(layout, matrix, u, operand, y);
    case WeightType::int16:
        return multiply_tile<WeightType::int16>(layout, matrix, u, operand, y);
    default:
        return multiply_tile<WeightType::int8>(layout, matrix, u, operand, y);
    }
}

/// The functions of the instruction set of this file.
CAROUSEL_OWN inline constexpr NarrowFunctions narrow_functions_here = {
    word_lanes, has_dot,    matrix_words, scale_words,    short_words, operand_words,
    pack,       pack_exact, convert,      multiply_exact, multiply};

} // namespace carousel::stream

namespace carousel::inline CAROUSEL_ABI::stream {

/// Those of the instruction set that a Stream runs on.
inline const NarrowFunctions& narrow_functions() {
    if constexpr (kernel::in_library<float>)
        return kernel::chosen<NarrowFunctions>();
    else
        return narrow_functions_here;
}

} // namespace carousel::stream

#include "carousel/core/quiet_bounds_end.hpp"
