// fast_sigmoid and fast_tanh: rational functions within 2e-6 of σ and tanh, and their derivatives.
//
// tanh(x) ≈ t(x) = x·P(u) / Q(u) with u = x², P and Q of degree 3, cut to −1 … 1; σ(x) ≈ 1/2 + t(x/2) / 2. The coefficients are
// minimax on |x| ≤ 7.3, where the error takes ±1.24e-6 nine times and t reaches 1 shortly before the end. Beyond it u is held: t's
// line then rises and stays cut. The bound of 2e-6 is absolute, for floats (rounding included) and doubles alike; for doubles
// there is no better variant, whoever wants one takes the exact functions. t is odd, exactly, never outside −1 … 1, σ never outside
// 0 … 1, infinities give the limits, NaN gives NaN. Without rounding both rise everywhere until they are cut.
#pragma once

#include "carousel/simd/elementary.hpp"

namespace carousel::inline CAROUSEL_ABI::simd::inline CAROUSEL_ISA {

namespace detail {

/// The parts of half + x·P(u)/Q(u) for tanh(x · 2^−halvings), whose value and derivative have a factor of 2^−halvings then: both
/// are scaled by powers of two in the coefficients, which changes no rounding.
template <class V, int halvings>
struct FastRational {
    using S = scalar_of<V>;
    static constexpr double quarter(int power) { return power == 0 ? 1 : quarter(power - 1) / (halvings ? 4 : 1); }
    static constexpr S scale = halvings ? S(0.25) : S(1);
    static constexpr S p0 = S(0.99999415085388298) * scale, p1 = S(0.12262699389994874 * quarter(1)) * scale,
                       p2 = S(0.0022420715835612316 * quarter(2)) * scale,
                       p3 = S(3.7679709630264718e-06 * quarter(3)) * scale;
    static constexpr S q1 = S(0.45594070264236916 * quarter(1)), q2 = S(0.020908441628182864 * quarter(2)),
                       q3 = S(0.00013858668536030931 * quarter(3));
    static constexpr S largest = S(7.3 * 7.3) / S(quarter(1)); // of u

    V x, u;
    [[gnu::always_inline]] explicit FastRational(V argument) : x(argument), u(at_most(x * x, largest)) {}

    [[gnu::always_inline]] V denominator() const { return ((q3 * u + q2) * u + q1) * u + S(1); }
    /// x·P/Q
    /// P in pairs, one operation more than Horner's scheme, so that x·P is there as early as Q.
    [[gnu::always_inline]] V value() const { return x * ((p3 * u + p2) * (u * u) + (p1 * u + p0)) / denominator(); }
    /// (x·P/Q)′ = ((P + 2u·P′) − (x·P/Q)·2x·Q′) / Q, where P′ and Q′ are derivatives by u
    [[gnu::always_inline]] V slope() const {
        const V numerator = ((S(7) * p3 * u + S(5) * p2) * u + S(3) * p1) * u + p0;
        const V of_Q = x * ((S(6) * q3 * u + S(4) * q2) * u + S(2) * q1);
        return (numerator - value() * of_Q) / denominator();
    }
};

} // namespace detail

/// tanh(x), at most 2e-6 off.
template <class V>
[[gnu::always_inline]] inline V fast_tanh(V x) {
    return clamp(detail::FastRational<V, 0>(x).value(), -1, 1);
}

/// The derivative of fast_tanh at x.
template <class V>
[[gnu::always_inline]] inline V fast_tanh_slope(V x) {
    const detail::FastRational<V, 0> t(x);
    const V value = t.value(), below = value >= scalar_of<V>(1) ? V{} : t.slope(); // NaN compares false and stays NaN
    return value <= scalar_of<V>(-1) ? V{} : below;
}

/// σ(x), at most 2e-6 off.
template <class V>
[[gnu::always_inline]] inline V fast_sigmoid(V x) {
    return clamp(detail::FastRational<V, 1>(x).value() + scalar_of<V>(0.5), 0, 1);
}

/// The derivative of fast_sigmoid at x.
template <class V>
[[gnu::always_inline]] inline V fast_sigmoid_slope(V x) {
    const detail::FastRational<V, 1> t(x);
    const V value = t.value() + scalar_of<V>(0.5), below = value >= scalar_of<V>(1) ? V{} : t.slope();
    return value <= V{} ? V{} : below;
}

} // namespace carousel::simd
