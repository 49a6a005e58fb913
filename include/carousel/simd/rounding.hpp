// What compilers may not see through or leave to chance: without_shift, which takes apart a sum that rounds, and minus_product,
// which is rounded once.
#pragma once

#include "carousel/simd/lane.hpp"

#if defined(__AVX2__) && defined(__FMA__)
#    include <immintrin.h>
#elif defined(__aarch64__)
#    include <arm_neon.h>
#endif

namespace carousel::inline CAROUSEL_ABI::simd::inline CAROUSEL_ISA {

/// shifted − shift, where `shifted` is the sum of `shift` and a smaller number, rounded to an integer. The statement without
/// instructions keeps -ffast-math from making the smaller number of it, unrounded. `Int` is a vector of integers of V's size: on processors
/// other than x86 and 64-bit Arm they are subtracted, as 1 in the last place of `shifted` is 1.
template <class Int, class V>
[[gnu::always_inline]] inline V without_shift(V shifted, scalar_of<V> shift) {
#if defined(__AVX512VL__)
    asm("" : "+v"(shifted));
    return shifted - shift;
#elif defined(__SSE2__) && !defined(__AVX512F__)
    asm("" : "+x"(shifted));
    return shifted - shift;
#elif defined(__aarch64__)
    asm("" : "+w"(shifted));
    return shifted - shift;
#else
    return __builtin_convertvector(bit_cast<Int>(shifted) - bit_cast<Int>(splat<V>(shift)), V);
#endif
}

/// Whether minus_product takes a V.
template <class V>
inline constexpr bool has_minus_product = false;

// x − y·z of floats, rounded once. Compilers make such instructions of sums and products, too, but not with every option.
#define CAROUSEL_MINUS_PRODUCT(bytes, ...)                             \
    template <>                                                        \
    inline constexpr bool has_minus_product<Vec<float, bytes>> = true; \
    template <class V>                                                 \
    requires std::is_same_v<V, Vec<float, bytes>>                      \
    [[gnu::always_inline]] inline V minus_product(V x, V y, V z) {     \
        return bit_cast<V>(__VA_ARGS__);                               \
    }
#if defined(__AVX2__) && defined(__FMA__) // what CAROUSEL_ISA tells apart
CAROUSEL_MINUS_PRODUCT(16, _mm_fnmadd_ps(bit_cast<__m128>(y), bit_cast<__m128>(z), bit_cast<__m128>(x)))
CAROUSEL_MINUS_PRODUCT(32, _mm256_fnmadd_ps(bit_cast<__m256>(y), bit_cast<__m256>(z), bit_cast<__m256>(x)))
#endif
#if defined(__AVX512F__)
CAROUSEL_MINUS_PRODUCT(64, _mm512_fnmadd_ps(bit_cast<__m512>(y), bit_cast<__m512>(z), bit_cast<__m512>(x)))
#endif
#if defined(__aarch64__)
CAROUSEL_MINUS_PRODUCT(16, vfmsq_f32(bit_cast<float32x4_t>(x), bit_cast<float32x4_t>(y), bit_cast<float32x4_t>(z)))
#endif
#undef CAROUSEL_MINUS_PRODUCT

} // namespace carousel::simd
