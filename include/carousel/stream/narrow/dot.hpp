// The processor's own instructions for narrow weights: AVX-512 BF16 and VNNI. x86-64-v4 doesn't have them, so the processor is asked
// at run time.
#pragma once

#include "carousel/stream/narrow/rows.hpp"

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

#ifdef __AVX512BW__

inline bool has_dot(WeightType type) {
    switch (type) {
    case WeightType::bfloat16:
        return __builtin_cpu_supports("avx512bf16");
    case WeightType::int8:
        return __builtin_cpu_supports("avx512vnni");
    default:
        return false; // two products of 16 bits fill 32 already, so that they are added in float
    }
}

/// multiply_rows with vdpbf16ps: both halves of a word times those of the column, which is bfloat16, too, added in float.
template <int R>
[[gnu::noinline, gnu::target("avx512bf16")]] void multiply_rows_bf16(const std::uint32_t* words, Index groups,
                                                                     const NarrowOperand& operand, float* y) noexcept {
    const std::uint32_t* const x = operand.words.data();
    __m512 sums[R];
#    pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
        sums[r] = _mm512_loadu_ps(y + r * word_lanes);
    for (Index k = 0; k < groups; ++k, words += R * word_lanes) {
        const __m512i column = _mm512_set1_epi32(static_cast<std::int32_t>(x[k]));
#    pragma GCC unroll 8
        for (int r = 0; r < R; ++r)
            sums[r] = _mm512_dpbf16_ps(sums[r], bit_cast<__m512bh>(_mm512_loadu_si512(words + r * word_lanes)),
                                       bit_cast<__m512bh>(column));
    }
#    pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
        _mm512_storeu_ps(y + r * word_lanes, sums[r]);
}

/// multiply_rows with vpdpbusd: the four bytes of a word times those of the column, its upper bytes and its lower ones apart.
template <int R>
[[gnu::noinline, gnu::target("avx512vnni")]] void multiply_rows_vnni(const std::uint32_t* words, Index groups,
                                                                     const std::uint32_t* scales,
                                                                     const NarrowOperand& operand, float* y) noexcept {
    const Index half = simd::round_up_to_lanes<float>(4 * groups) / 4;
    const std::uint32_t *const upper = operand.words.data(), *const lower = upper + half, *const begin = lower + half;
    IntLane of_upper[R], of_lower[R]; // as __m512i GCC would copy each sum before and after each instruction
#    pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
        of_upper[r] = IntLane{} + static_cast<std::int32_t>(begin[0]);
        of_lower[r] = IntLane{} + static_cast<std::int32_t>(begin[1]);
    }
    for (Index k = 0; k < groups; ++k, words += R * word_lanes) {
        const __m512i u = _mm512_set1_epi32(static_cast<std::int32_t>(upper[k])),
                      l = _mm512_set1_epi32(static_cast<std::int32_t>(lower[k]));
#    pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            const __m512i w = _mm512_loadu_si512(words + r * word_lanes);
            of_upper[r] = bit_cast<IntLane>(_mm512_dpbusd_epi32(bit_cast<__m512i>(of_upper[r]), w, u));
            of_lower[r] = bit_cast<IntLane>(_mm512_dpbusd_epi32(bit_cast<__m512i>(of_lower[r]), w, l));
        }
    }
#    pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
        const FloatLane sum =
            __builtin_convertvector(of_upper[r], FloatLane) * 256.0F + __builtin_convertvector(of_lower[r], FloatLane);
        float* const to = y + r * word_lanes;
        const FloatLane scale = half_floats(load_words(scales + r / 2 * word_lanes), r % 2 != 0) * operand.scale;
        simd::store<FloatLane>(to, load<FloatLane>(to) + sum * scale);
    }
}

template <WeightType type, int R>
[[gnu::always_inline]] inline void multiply_rows_dot(const std::uint32_t* words, Index groups,
                                                     const std::uint32_t* scales, const NarrowOperand& operand,
                                                     float* y) noexcept {
    if constexpr (type == WeightType::bfloat16)
        multiply_rows_bf16<R>(words, groups, operand, y);
    else
        multiply_rows_vnni<R>(words, groups, scales, operand, y);
}

#else

inline bool has_dot(WeightType) {
    return false;
}

#endif

} // namespace carousel::stream

#include "carousel/core/quiet_bounds_end.hpp"
