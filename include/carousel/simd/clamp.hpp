// at_least, at_most, clamp: a lane's numbers kept within bounds. NaN stays NaN.
#pragma once

#include "carousel/simd/lane.hpp"

#if defined(__SSE2__) && !defined(__AVX__)
#    include <emmintrin.h>
#elif defined(__aarch64__)
#    include <arm_neon.h>
#endif

namespace carousel::inline CAROUSEL_ABI::simd::inline CAROUSEL_ISA {

namespace detail {

// The processor's maximum and minimum. x86's return the second operand if one is NaN, Arm's return NaN. The compilers make them of a
// comparison and a choice for plain numbers; of vectors GCC makes a comparison and a blend, which take two to three times as long.
// So each function has an overload for every vector that the instruction set has an instruction for.
#define CAROUSEL_BOUND(Element, bytes, name, ...)        \
    template <class V>                                   \
    requires std::is_same_v<V, Vec<Element, bytes>>      \
    [[gnu::always_inline]] inline V name(V bound, V x) { \
        return bit_cast<V>(__VA_ARGS__);                 \
    }
template <class V>
[[gnu::always_inline]] inline V larger(V bound, V x) {
    return bound > x ? bound : x;
}
template <class V>
[[gnu::always_inline]] inline V smaller(V bound, V x) {
    return bound < x ? bound : x;
}
#if defined(__SSE2__)
CAROUSEL_BOUND(float, 16, larger, _mm_max_ps(bit_cast<__m128>(bound), bit_cast<__m128>(x)))
CAROUSEL_BOUND(float, 16, smaller, _mm_min_ps(bit_cast<__m128>(bound), bit_cast<__m128>(x)))
CAROUSEL_BOUND(double, 16, larger, _mm_max_pd(bit_cast<__m128d>(bound), bit_cast<__m128d>(x)))
CAROUSEL_BOUND(double, 16, smaller, _mm_min_pd(bit_cast<__m128d>(bound), bit_cast<__m128d>(x)))
#endif
#if defined(__AVX__)
CAROUSEL_BOUND(float, 32, larger, _mm256_max_ps(bit_cast<__m256>(bound), bit_cast<__m256>(x)))
CAROUSEL_BOUND(float, 32, smaller, _mm256_min_ps(bit_cast<__m256>(bound), bit_cast<__m256>(x)))
CAROUSEL_BOUND(double, 32, larger, _mm256_max_pd(bit_cast<__m256d>(bound), bit_cast<__m256d>(x)))
CAROUSEL_BOUND(double, 32, smaller, _mm256_min_pd(bit_cast<__m256d>(bound), bit_cast<__m256d>(x)))
#endif
#if defined(__AVX512F__) // With masks of all ones: of the functions without, GCC 12 warns that they are uninitialized.
CAROUSEL_BOUND(float, 64, larger, _mm512_maskz_max_ps(0xFFFF, bit_cast<__m512>(bound), bit_cast<__m512>(x)))
CAROUSEL_BOUND(float, 64, smaller, _mm512_maskz_min_ps(0xFFFF, bit_cast<__m512>(bound), bit_cast<__m512>(x)))
CAROUSEL_BOUND(double, 64, larger, _mm512_maskz_max_pd(0xFF, bit_cast<__m512d>(bound), bit_cast<__m512d>(x)))
CAROUSEL_BOUND(double, 64, smaller, _mm512_maskz_min_pd(0xFF, bit_cast<__m512d>(bound), bit_cast<__m512d>(x)))
#endif
#if defined(__aarch64__)
CAROUSEL_BOUND(float, 16, larger, vmaxq_f32(bit_cast<float32x4_t>(bound), bit_cast<float32x4_t>(x)))
CAROUSEL_BOUND(float, 16, smaller, vminq_f32(bit_cast<float32x4_t>(bound), bit_cast<float32x4_t>(x)))
CAROUSEL_BOUND(double, 16, larger, vmaxq_f64(bit_cast<float64x2_t>(bound), bit_cast<float64x2_t>(x)))
CAROUSEL_BOUND(double, 16, smaller, vminq_f64(bit_cast<float64x2_t>(bound), bit_cast<float64x2_t>(x)))
#endif
#undef CAROUSEL_BOUND

} // namespace detail

/// The larger of x and `low`.
template <class V>
[[gnu::always_inline]] inline V at_least(V x, scalar_of<V> low) {
    return detail::larger(splat<V>(low), x);
}

/// The smaller of x and `high`.
template <class V>
[[gnu::always_inline]] inline V at_most(V x, scalar_of<V> high) {
    return detail::smaller(splat<V>(high), x);
}

/// x, kept within low … high.
template <class V>
[[gnu::always_inline]] inline V clamp(V x, scalar_of<V> low, scalar_of<V> high) {
    return at_most(at_least(x, low), high);
}

} // namespace carousel::simd
