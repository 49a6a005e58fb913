// exp, expm1, sigmoid, tanh and sqrt of a lane, which is a vector register of floats or doubles. Errors are at most 4 units in the
// last place, and half of one for sqrt; tests/simd measures them. NaN gives NaN, and infinities give the limits. For a plain float
// or double these functions call the standard library.
//
// exp(y) = 2ⁿ·eʳ with n = round(y / ln 2) and |r| ≤ ln 2 / 2. A polynomial gives eʳ − 1: for float it is interpolated at
// Chebyshev nodes and 0.2 ulp off, for double it is Taylor's. The sum y / ln 2 + 1.5·2^p + b, where p is the number of stored bits
// of a significand and b the bias of exponents, has n + b in its low bits: shifted left by p they are 2ⁿ.
#pragma once

#include "carousel/simd/clamp.hpp"
#include "carousel/simd/rounding.hpp"

#include <cmath>

namespace carousel::inline CAROUSEL_ABI::simd::inline CAROUSEL_ISA {

namespace detail {

template <class Scalar>
struct exp_constants;

template <>
struct CAROUSEL_OWN exp_constants<float> {
    using Int = std::int32_t;
    static constexpr float shift = 0x1.8p23F, ln2_high = 0x1.62e4p-1F, ln2_low = 0x1.7f7d1cp-20F;
    static constexpr float ln2 = 0x1.62e43p-1F,
                           ln2_rest = -0x1.05c61p-29F; // the nearest float, and what is missing to ln 2
    static constexpr int exponent_bias = 127, mantissa_bits = 23;
    static constexpr float largest = 87; // |y| up to which exp(y) is neither infinite nor subnormal
    static constexpr float tanh_is_one = 9.1F;
    // (eʳ − 1 − r) / r², ascending powers of r
    static constexpr float series[] = {0.5F, 0.1666657699F, 0.0416665546F, 0.0083631791F, 0.0013926184F};
};

template <>
struct CAROUSEL_OWN exp_constants<double> {
    using Int = std::int64_t;
    static constexpr double shift = 0x1.8p52, ln2_high = 0x1.62e42fefap-1, ln2_low = 0x1.cf79abc9e3b3ap-40;
    static constexpr int exponent_bias = 1023, mantissa_bits = 52;
    static constexpr double largest = 708;
    static constexpr double tanh_is_one = 19.1;
    static constexpr double series[] = {1. / 2,       1. / 6,         1. / 24,        1. / 120,
                                        1. / 720,     1. / 5040,      1. / 40320,     1. / 362880,
                                        1. / 3628800, 1. / 39916800., 1. / 479001600, 1. / 6227020800.};
};

/// The scale and the m of eʸ = scale·(1 + m).
template <class V>
struct ExpParts {
    V scale, m;
};

/// Of y = factor·x: n comes from x, so that it doesn't wait for y. For |y| ≤ exp_constants::largest.
template <int factor = 1, class V>
inline ExpParts<V> exp_parts(V x) {
    using Scalar = scalar_of<V>;
    using K = exp_constants<Scalar>;
    using Int = Vec<typename K::Int, sizeof(V)>;
    constexpr Scalar shift = K::shift + Scalar(K::exponent_bias);

    static_assert(factor == 1 || factor == 2 || factor == -1);
    const V y = factor == 1 ? x : factor == 2 ? x + x : -x; // no product, which compilers would fuse with the next sum
    const V shifted = x * Scalar(factor * 1.4426950408889634) + shift;
    const V scale = bit_cast<V>(bit_cast<Int>(shifted) << K::mantissa_bits);
    const V n = without_shift<Int>(shifted, shift);

    // In r² and the polynomial r may be off by n·2e-9, so that they don't wait for the second difference. n·ln2_high is exact
    // without an instruction that rounds once.
    V r, exact_r;
    if constexpr (has_minus_product<V>) {
        r = minus_product(y, n, splat<V>(K::ln2));
        exact_r = r - n * K::ln2_rest;
    } else
        exact_r = r = (y - n * K::ln2_high) - n * K::ln2_low;

    constexpr int terms = sizeof(K::series) / sizeof(Scalar);
    // Pairs of terms, and Horner's scheme in r²: as many operations as Horner's scheme in r, and half its depth.
    const V r2 = r * r;
    const auto pair = [&](int k) __attribute__((always_inline)) {
        return k + 1 < terms ? K::series[k + 1] * r + K::series[k] : splat<V>(K::series[k]);
    };
    constexpr int last = (terms - 1) / 2 * 2;
    V q = pair(last);
    for (int k = last - 2; k >= 0; k -= 2)
        q = q * r2 + pair(k);
    return {scale, exact_r + r2 * q};
}

} // namespace detail

/// eˣ. x is clamped to the range in which the result is a normal number.
template <class V>
inline V exp(V x) {
    if constexpr (std::is_arithmetic_v<V>)
        return std::exp(x);
    else {
        constexpr auto largest = detail::exp_constants<scalar_of<V>>::largest;
        const auto [scale, m] = detail::exp_parts(clamp(x, -largest, largest));
        return scale * m + scale;
    }
}

/// eˣ − 1, without cancellation near zero. x is clamped as in exp.
template <class V>
inline V expm1(V x) {
    if constexpr (std::is_arithmetic_v<V>)
        return std::expm1(x);
    else {
        constexpr auto largest = detail::exp_constants<scalar_of<V>>::largest;
        const auto [scale, m] = detail::exp_parts(clamp(x, -largest, largest));
        return scale * m + (scale - scalar_of<V>(1));
    }
}

/// f of every unit, one after the other: for functions that are too rare to be written for lanes.
template <class V, class F>
inline V each(V x, F&& f) {
    if constexpr (std::is_arithmetic_v<V>)
        return f(x);
    else {
        for (int k = 0; k < size_of<V>; ++k)
            x[k] = f(x[k]);
        return x;
    }
}

/// √x, rounded correctly. std::sqrt of every unit sets errno, which keeps it out of vector registers.
template <class V>
inline V sqrt(V x) {
    using S = scalar_of<V>;
    [[maybe_unused]] constexpr bool floats = sizeof(S) == sizeof(float);
#if defined(__AVX512F__)
    if constexpr (sizeof(V) == 64 && floats)
        return bit_cast<V>(_mm512_sqrt_ps(bit_cast<__m512>(x)));
    else if constexpr (sizeof(V) == 64)
        return bit_cast<V>(_mm512_sqrt_pd(bit_cast<__m512d>(x)));
#elif defined(__AVX__)
    if constexpr (sizeof(V) == 32 && floats)
        return bit_cast<V>(_mm256_sqrt_ps(bit_cast<__m256>(x)));
    else if constexpr (sizeof(V) == 32)
        return bit_cast<V>(_mm256_sqrt_pd(bit_cast<__m256d>(x)));
#elif defined(__SSE2__)
    if constexpr (sizeof(V) == 16 && floats)
        return bit_cast<V>(_mm_sqrt_ps(bit_cast<__m128>(x)));
    else if constexpr (sizeof(V) == 16)
        return bit_cast<V>(_mm_sqrt_pd(bit_cast<__m128d>(x)));
#elif defined(__aarch64__)
    if constexpr (sizeof(V) == 16 && floats)
        return bit_cast<V>(vsqrtq_f32(bit_cast<float32x4_t>(x)));
    else if constexpr (sizeof(V) == 16)
        return bit_cast<V>(vsqrtq_f64(bit_cast<float64x2_t>(x)));
#endif
    // A float's root in double, rounded to float, is the correctly rounded one.
    return each(x, [](S number) { return static_cast<S>(__builtin_sqrt(static_cast<double>(number))); });
}

/// σ(x) = 1 / (1 + e⁻ˣ)
template <class V>
inline V sigmoid(V x) {
    constexpr scalar_of<V> one = 1;
    if constexpr (std::is_arithmetic_v<V>)
        return one / (one + exp(-x));
    else {
        constexpr auto largest = detail::exp_constants<scalar_of<V>>::largest;
        const auto [scale, m] = detail::exp_parts<-1>(clamp(x, -largest, largest));
        return one / (scale * m + (scale + one));
    }
}

/// tanh(x) = t / (t + 2) with t = e²ˣ − 1
///
/// Not monotonic to the last bit: from one float to the next greater one it falls by a unit in the last place (at most 1.2e-7 of
/// its value) at one place in 1,500, because t + 2 is rounded. exp, expm1 and sigmoid of floats never fall. These figures come
/// from walks over every float. A second form for large t and a corrected one for small t would make tanh monotonic, but each
/// activation would wait for three more instructions.
template <class V>
inline V tanh(V x) {
    if constexpr (std::is_arithmetic_v<V>)
        return std::tanh(x);
    else {
        constexpr auto one = detail::exp_constants<scalar_of<V>>::tanh_is_one;
        x = clamp(x, -one, one);
        const auto [scale, m] = detail::exp_parts<2>(x);
        const V t = scale * m + (scale - scalar_of<V>(1));
        return t / (t + scalar_of<V>(2));
    }
}

/// y·tanh(x), in which the quotient waits neither for y nor for t: y·t and t + 2 are computed side by side. With y = 1 it is a tanh
/// that is there 3 cycles sooner; from one float to the next greater one it falls by 1.8e-7 of its value at most.
template <class V>
inline V times_tanh(V y, V x) {
    if constexpr (std::is_arithmetic_v<V>)
        return y * tanh(x);
    else {
        constexpr scalar_of<V> one = 1, tanh_is_one = detail::exp_constants<scalar_of<V>>::tanh_is_one;
        const auto [scale, m] = detail::exp_parts<2>(clamp(x, -tanh_is_one, tanh_is_one));
        return (y * scale * m + y * (scale - one)) / (scale * m + (scale + one));
    }
}

} // namespace carousel::simd
