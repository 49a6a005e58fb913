// The column that narrow weights are multiplied with, in the form that they need.
#pragma once

#include "carousel/stream/narrow/words.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

/// Enough for whole registers of columns, and for what int8 sums begin with.
inline Index operand_words(const NarrowLayout& layout, Index columns) {
    const Index padded = simd::round_up_to_lanes<float>(columns);
    switch (layout.type) {
    case WeightType::bfloat16:
        return layout.dot ? padded / 2 : padded;
    case WeightType::int16:
        return padded / 2;
    default:
        return padded / 2 + std::max<Index>(2, (columns + int8_columns - 1) / int8_columns);
    }
}

/// The greatest |x|, and NaN if one isn't finite. Without their signs, floats compare as whole numbers do, and NaN is the greatest.
inline float largest_of(const float* x, Index size) noexcept {
    IntLane most{};
    simd::each_lane<float>(
        size, [&](Index k, Index count) __attribute__((always_inline)) {
            const IntLane bits = bit_cast<IntLane>(load<FloatLane>(x + k, count)) & 0x7fffffff;
            most = bits > most ? bits : most;
        });
    std::int32_t largest = 0;
    for (int k = 0; k < word_lanes; ++k)
        largest = std::max<std::int32_t>(largest, most[k]);
    return largest < 0x7f800000 ? bit_cast<float>(largest) : std::numeric_limits<float>::quiet_NaN();
}

/// The nearest whole numbers, for |x| ≤ 2²².
[[gnu::always_inline]] inline IntLane nearest(FloatLane x) {
    return bit_cast<IntLane>(x + 0x1.8p23F) - bit_cast<std::int32_t>(0x1.8p23F);
}

/// Stores whole numbers as signed ones of 16 bits, two a word.
[[gnu::always_inline]] inline void store_halves(std::uint32_t* to, IntLane q) {
    using Short = simd::Vec<std::int16_t, simd::register_bytes / 2>;
    const Short v = __builtin_convertvector(q, Short);
    std::memcpy(to, &v, sizeof v);
    if constexpr (std::endian::native == std::endian::big)
        for (Index k = 0; k < word_lanes / 2; ++k)
            to[k] = std::rotl(to[k], 16);
}

/// Stores whole numbers as signed bytes, four a word in the order of int8 weights.
[[gnu::always_inline]] inline void store_bytes(std::uint32_t* to, IntLane q) {
    using Byte = simd::Vec<std::int8_t, simd::register_bytes / 4>;
    const Byte v = [&]<std::size_t... j>(std::index_sequence<j...>) {
        const Byte bytes = __builtin_convertvector(q, Byte);
        constexpr std::size_t places[] = {0, 2, 1, 3};
        return __builtin_shufflevector(bytes, bytes, static_cast<int>(j / 4 * 4 + places[j % 4])...);
    }
    (std::make_index_sequence<static_cast<std::size_t>(word_lanes)>());
    std::memcpy(to, &v, sizeof v);
}

/// The nearest bfloat16s, two a word. Numbers that aren't finite stay so.
[[gnu::always_inline]] inline void store_bfloat16s(std::uint32_t* to, FloatLane x) {
    const auto bits = bit_cast<WordLane>(x);
    const WordLane rounded = (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;
    store_halves(to, bit_cast<IntLane>(x == x ? rounded : bits >> 16 | 0x40U));
}

inline void convert_to_bfloat16(const NarrowLayout& layout, std::uint32_t* words, const float* x,
                                Index columns) noexcept {
    simd::each_lane<float>(
        columns, [&](Index k, Index count) __attribute__((always_inline)) {
            const FloatLane v = load<FloatLane>(x + k, count);
            if (layout.dot)
                store_bfloat16s(words + k / 2, v);
            else
                std::memcpy(words + k, &v, sizeof v);
        });
}

/// The bytes for the processor's own instruction: all upper ones, all lower ones, and what their sums begin with.
inline void convert_to_bytes(std::uint32_t* words, const float* x, Index columns, float inverse) noexcept {
    const Index half = simd::round_up_to_lanes<float>(columns) / 4;
    WordLane of_upper{}, of_lower{};
    simd::each_lane<float>(
        columns, [&](Index k, Index count) __attribute__((always_inline)) {
            const IntLane q = nearest(load<FloatLane>(x + k, count) * inverse), upper = (q + 128) >> 8,
                          lower = q - upper * 256;
            of_upper += bit_cast<WordLane>(upper), of_lower += bit_cast<WordLane>(lower);
            store_bytes(words + k / 4, upper);
            store_bytes(words + half + k / 4, lower);
        });
    words[2 * half] = -128U * simd::sum_of(of_upper);
    words[2 * half + 1] = -128U * simd::sum_of(of_lower);
}

/// Whole numbers of 16 bits; of int8 weights what their sums begin with after them.
inline void convert_to_halves(WeightType type, std::uint32_t* words, const float* x, Index columns,
                              float inverse) noexcept {
    std::uint32_t* const begin = words + simd::round_up_to_lanes<float>(columns) / 2;
    for (Index first = 0; first < columns; first += int8_columns) {
        WordLane sum{};
        simd::each_lane<float>(
            std::min(int8_columns, columns - first), [&](Index k, Index count) __attribute__((always_inline)) {
                const IntLane q = nearest(load<FloatLane>(x + first + k, count) * inverse);
                sum += bit_cast<WordLane>(q);
                store_halves(words + (first + k) / 2, q);
            });
        if (type == WeightType::int8)
            begin[first / int8_columns] = -128U * simd::sum_of(sum);
    }
}

inline void convert(const NarrowLayout& layout, NarrowOperand& operand, const float* x, Index columns) noexcept {
    std::uint32_t* const words = operand.words.data();
    if (layout.type == WeightType::bfloat16)
        return convert_to_bfloat16(layout, words, x, columns);
    const float largest = largest_of(x, columns);
    // Columns of numbers below 10⁻³⁰ are zeros: the inverse of their scale might be infinite.
    const bool zero = largest < 1e-30F;
    operand.scale = zero ? 0 : largest / largest_operand;
    const float inverse = zero || largest != largest ? 0 : largest_operand / largest;
    if (layout.dot)
        convert_to_bytes(words, x, columns, inverse);
    else
        convert_to_halves(layout.type, words, x, columns, inverse);
}

} // namespace carousel::stream

#include "carousel/core/quiet_bounds_end.hpp"
