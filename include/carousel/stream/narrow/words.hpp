// How a word holds weights of two or four columns, and how a register of words is multiplied with a column.
//
// bfloat16: the word's lower half is the even column's weight, its upper half the odd one's; shifted up, or masked, each is a float.
// int16:    the same halves are whole numbers, and so is the column: x ≈ scale · q with |q| ≤ 32512. A sum of two products fits 32 bits
//           and is then added in float.
// int8:     bytes of w + 128, from the lowest that of column 0, 2, 1, 3, so that the even bytes and the odd ones are halves of 16 bits
//           for two neighbouring columns each. Sums are whole numbers, of up to 512 columns before they could overflow; they begin with
//           −128 · Σq. The processor's own instruction takes bytes of the column: q = 256 · upper + lower, both within ±128.
#pragma once

#include "carousel/simd/lane.hpp"
#include "carousel/stream/narrow/memory.hpp"

#include <cstdint>

#if defined(__SSE2__) && !defined(__AVX__)
#    include <emmintrin.h>
#endif

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

using simd::bit_cast;
using simd::load;

using FloatLane = simd::Lane<float>;
using WordLane = simd::Vec<std::uint32_t, simd::register_bytes>;
using IntLane = simd::Vec<std::int32_t, simd::register_bytes>;
using HalfLane = simd::Vec<std::uint16_t, simd::register_bytes>;
inline constexpr Index word_lanes = simd::lanes<float>;

/// The greatest |q| of a column. 32767 rounded up to the upper byte would be 128, which is no signed byte.
inline constexpr float largest_operand = 32512;
/// Columns of int8 weights whose products are added up as whole numbers: 512 · 127 · 32512 < 2³¹.
inline constexpr Index int8_columns = 512;

inline constexpr Index columns_a_word(WeightType type) {
    return type == WeightType::int8 ? 4 : 2;
}
inline constexpr Index words_of_columns(WeightType type, Index columns) {
    return (columns + columns_a_word(type) - 1) / columns_a_word(type);
}

/// For every 32-bit place: the halves of w as signed numbers times those of x, added.
[[gnu::always_inline]] inline IntLane multiply_halves(WordLane w, WordLane x) {
#if defined(__AVX512F__) && defined(__AVX512BW__)
    return bit_cast<IntLane>(_mm512_madd_epi16(bit_cast<__m512i>(w), bit_cast<__m512i>(x)));
#elif defined(__AVX2__) && !defined(__AVX512F__)
    return bit_cast<IntLane>(_mm256_madd_epi16(bit_cast<__m256i>(w), bit_cast<__m256i>(x)));
#elif defined(__SSE2__) && !defined(__AVX__)
    return bit_cast<IntLane>(_mm_madd_epi16(bit_cast<__m128i>(w), bit_cast<__m128i>(x)));
#else
    const auto lower = [](WordLane v) { return bit_cast<IntLane>(v << 16) >> 16; };
    const auto upper = [](WordLane v) { return bit_cast<IntLane>(v) >> 16; };
    return lower(w) * lower(x) + upper(w) * upper(x);
#endif
}

/// Weights of a type times a column: `Sum` is the register of a row's sum under way, `operands` the words of the column for one word
/// of the weights.
template <WeightType>
struct Words;

template <>
struct Words<WeightType::bfloat16> {
    using Sum = FloatLane;
    static constexpr Index operands = 2; // floats
    [[gnu::always_inline]] static void add(Sum& sum, WordLane w, const WordLane (&x)[2]) {
        sum += bit_cast<FloatLane>(w << 16) * bit_cast<FloatLane>(x[0]);
        sum += bit_cast<FloatLane>(w & 0xffff0000U) * bit_cast<FloatLane>(x[1]);
    }
};

template <>
struct Words<WeightType::int16> {
    using Sum = FloatLane;
    static constexpr Index operands = 1;
    [[gnu::always_inline]] static void add(Sum& sum, WordLane w, const WordLane (&x)[1]) {
        sum += __builtin_convertvector(multiply_halves(w, x[0]), FloatLane);
    }
};

template <>
struct Words<WeightType::int8> {
    using Sum = WordLane; // unsigned, as it may wrap around on its way
    static constexpr Index operands = 2;
    [[gnu::always_inline]] static void add(Sum& sum, WordLane w, const WordLane (&x)[2]) {
        sum += bit_cast<WordLane>(multiply_halves(w & 0x00ff00ffU, x[0]));
        sum += bit_cast<WordLane>(multiply_halves(bit_cast<WordLane>(bit_cast<HalfLane>(w) >> 8), x[1]));
    }
};

[[gnu::always_inline]] inline WordLane load_words(const std::uint32_t* from) {
    return load<WordLane>(from);
}
/// Every place has the word at `from`.
[[gnu::always_inline]] inline WordLane broadcast(const std::uint32_t* from) {
    return WordLane{} + *from;
}

/// A bfloat16 as a float.
inline float from_bfloat16(std::uint16_t bits) {
    return bit_cast<float>(std::uint32_t(bits) << 16);
}

/// The nearest bfloat16, of two the even one. Finite numbers stay finite, and NaN stays NaN.
inline std::uint16_t to_bfloat16(float x) {
    const auto bits = bit_cast<std::uint32_t>(x);
    const std::uint32_t magnitude = bits & 0x7fffffffU;
    if (magnitude > 0x7f800000U) // NaN, a quiet one
        return static_cast<std::uint16_t>(bits >> 16 | 0x40U);
    if (magnitude > 0x7f7f0000U && magnitude < 0x7f800000U)
        return static_cast<std::uint16_t>((bits & 0x80000000U) >> 16 | 0x7f7fU);
    return static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}

} // namespace carousel::stream

#include "carousel/core/quiet_bounds_end.hpp"
