// Lane: a vector register that holds one number for each of several consecutive units. The cells' equations and the kernels'
// products are written for lanes.
#pragma once

#include "carousel/core/bit_cast.hpp"
#include "carousel/core/matrix.hpp"

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__AVX__)
#    include <immintrin.h>
#endif

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::simd::inline CAROUSEL_ISA {

using carousel::detail::bit_cast;

// How many bytes a vector register has, and how many registers there are, in the instruction set that this translation unit is
// compiled for.
#if defined(__AVX512F__)
inline constexpr int register_bytes = 64, registers = 32;
#elif defined(__AVX__)
inline constexpr int register_bytes = 32, registers = 16;
#elif defined(__aarch64__)
inline constexpr int register_bytes = 16, registers = 32;
#else
inline constexpr int register_bytes = 16, registers = 16;
#endif

namespace detail {
template <class Element, int bytes>
struct vector_of {
    typedef Element type __attribute__((vector_size(bytes)));
};

template <class V>
struct lane_traits { // a plain float or double is a lane of one
    using scalar = V;
    static constexpr int size = 1;
};
template <class V>
requires(!std::is_arithmetic_v<V>) struct lane_traits<V> {
    using scalar = std::remove_cvref_t<decltype(std::declval<V>()[0])>;
    static constexpr int size = static_cast<int>(sizeof(V) / sizeof(scalar));
};
} // namespace detail

template <class Element, int bytes>
using Vec = typename detail::vector_of<Element, bytes>::type;

/// The widest vector register, as a vector of `Scalar`s.
template <std::floating_point Scalar>
using Lane = Vec<Scalar, register_bytes>;

template <class V>
using scalar_of = typename detail::lane_traits<V>::scalar;

template <class V>
inline constexpr int size_of = detail::lane_traits<V>::size;

/// How many units the widest lane of `Scalar`s holds.
template <std::floating_point Scalar>
inline constexpr Index lanes = size_of<Lane<Scalar>>;

/// The least multiple of the lane's size that isn't below n.
template <class Scalar>
constexpr Index round_up_to_lanes(Index n) {
    return (n + lanes<Scalar> - 1) / lanes<Scalar> * lanes<Scalar>;
}

/// A vector with x in every place.
template <class V>
inline V splat(scalar_of<V> x) {
    return V{} + x;
}

template <class V>
inline V load(const scalar_of<V>* from) {
    V v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

template <class V>
inline void store(scalar_of<V>* to, V v) {
    std::memcpy(to, &v, sizeof v);
}

#if defined(__AVX__)
namespace detail {
/// A mask for AVX: the first `count` Scalars of a 256-bit register.
template <class Scalar>
CAROUSEL_HIDDEN inline __m256i first_units(Index count) {
    static constexpr std::int32_t signs[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256(
        reinterpret_cast<const __m256i*>(signs + 8 - count * static_cast<Index>(sizeof(Scalar) / sizeof(signs[0]))));
}
} // namespace detail
#endif

/// Loads the first `count` numbers; the other places are zero. For the last lane of a column, which may have fewer units than a
/// register. Without masked loads the numbers are put together in a register: put together in memory, number by number, they
/// could only be loaded after the last store has reached L1.
template <class V>
inline V load(const scalar_of<V>* from, Index count) {
    if (count >= size_of<V>)
        return load<V>(from);
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<V, Vec<float, 64>>)
        return bit_cast<V>(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1), from));
    if constexpr (std::is_same_v<V, Vec<double, 64>>)
        return bit_cast<V>(_mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << count) - 1), from));
#endif
#if defined(__AVX__)
    if constexpr (std::is_same_v<V, Vec<float, 32>>)
        return bit_cast<V>(_mm256_maskload_ps(from, detail::first_units<float>(count)));
    if constexpr (std::is_same_v<V, Vec<double, 32>>)
        return bit_cast<V>(_mm256_maskload_pd(from, detail::first_units<double>(count)));
#endif
    V v{};
    if constexpr (size_of<V> == 4)
        return V{count > 0 ? from[0] : 0, count > 1 ? from[1] : 0, count > 2 ? from[2] : 0, 0};
    else if constexpr (!std::is_arithmetic_v<V>)
        for (Index k = 0; k < count; ++k)
            v[k] = from[k];
    return v;
}

/// Stores the first `count` numbers and leaves the memory behind them as it is. AVX has masked stores, too, but they are slow on
/// some CPUs.
template <class V>
inline void store(scalar_of<V>* to, V v, Index count) {
    if (count >= size_of<V>) {
        store<V>(to, v);
        return;
    }
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<V, Vec<float, 64>>) {
        _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1), bit_cast<__m512>(v));
        return;
    }
    if constexpr (std::is_same_v<V, Vec<double, 64>>) {
        _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1U << count) - 1), bit_cast<__m512d>(v));
        return;
    }
#endif
    if constexpr (!std::is_arithmetic_v<V>)
        for (Index k = 0; k < count; ++k)
            to[k] = v[k];
}

namespace detail {

/// Exchanges unit k + stride of x with unit k of y, for every k whose bit `stride` is 0. Returns the new x, or the new y if
/// `second`. `stride` is a power of two.
template <int stride, bool second, class V, std::size_t... j>
inline V trade(V x, V y, std::index_sequence<j...>) {
    constexpr auto from = [](int k) {
        const bool upper = k & stride;
        return (upper ? size_of<V> : 0) + (upper == second ? k : k ^ stride);
    };
    return __builtin_shufflevector(x, y, from(static_cast<int>(j))...);
}

/// One stage of a transposition: the square is cut into squares of stride × stride numbers, and in every group of 2 × 2 of these
/// the upper right one and the lower left one change places. Then the same for half the stride, down to 1.
template <int stride, class V, int L>
inline void transpose_from(V (&square)[L]) {
    constexpr auto units = std::make_index_sequence<static_cast<std::size_t>(L)>();
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i)
        if (!(i & stride)) {
            const V x = square[i], y = square[i + stride];
            square[i] = trade<stride, false>(x, y, units);
            square[i + stride] = trade<stride, true>(x, y, units);
        }
    if constexpr (stride > 1)
        transpose_from<stride / 2>(square);
}

/// Merges 2·stride vectors into `stride` ones. Units of a vector whose places differ in bit `stride` alone are added. The sums of
/// v[i] go to the places of v[i] whose bit `stride` is 0, those of v[i + stride] to the other places. Then the same for half the
/// stride, down to 1, which leaves one vector.
template <int stride, class V>
inline void fold_pairs(V* v) {
    constexpr auto units = std::make_index_sequence<static_cast<std::size_t>(size_of<V>)>();
    if constexpr (stride > 0) {
#pragma GCC unroll 16
        for (int i = 0; i < stride; ++i)
            v[i] = trade<stride, false>(v[i], v[i + stride], units) + trade<stride, true>(v[i], v[i + stride], units);
        fold_pairs<stride / 2>(v);
    }
}

/// Adds to every unit the unit whose place differs from its own in bit `stride` alone. Then the same for half the stride, down to
/// `least`.
template <int stride, int least, class V>
inline V fold(V v) {
    if constexpr (stride < least)
        return v;
    else
        return [&]<std::size_t... j>(std::index_sequence<j...>) {
            return fold<stride / 2, least>(v + __builtin_shufflevector(v, v, (static_cast<int>(j) ^ stride)...));
        }
    (std::make_index_sequence<static_cast<std::size_t>(size_of<V>)>());
}

} // namespace detail

/// Turns the L vectors of L units into their transpose.
template <class V, int L>
inline void transpose(V (&square)[L]) {
    static_assert(L == size_of<V>);
    if constexpr (L > 1)
        detail::transpose_from<L / 2>(square);
}

/// A vector of twice as many units, the upper half zeros.
template <class V>
inline auto widen(V v) {
    return [&]<std::size_t... j>(std::index_sequence<j...>) {
        return __builtin_shufflevector(v, V{}, static_cast<int>(j)...);
    }
    (std::make_index_sequence<2 * static_cast<std::size_t>(size_of<V>)>());
}

/// A vector whose unit i is the sum of all units of v[i mod n]. n is a power of two. The function overwrites v.
template <int n, class V>
inline V sums_of(V (&v)[n]) {
    static_assert(n <= size_of<V> && std::has_single_bit(unsigned{n}));
    detail::fold_pairs<n / 2>(v);
    return detail::fold<size_of<V> / 2, n>(v[0]);
}
/// The sum of all units.
template <class V>
inline scalar_of<V> sum_of(V v) {
    V one[1] = {v};
    return sums_of(one)[0];
}

/// f(k, count) for the first number k of every lane of an array, and how many of its numbers the array has: for whole lanes a
/// constant, so that f has no branches for the last one.
template <std::floating_point Scalar, class F>
[[gnu::always_inline]] inline void each_lane(Index size, const F& f) {
    constexpr Index width = lanes<Scalar>;
    Index k = 0;
    for (; k + width <= size; k += width)
        f(k, width);
    if (k < size)
        f(k, size - k);
}

/// to[k] = f(from[k] …) for k < size; `to` may be one of `from`. f gets a whole lane at a time; the last one is filled up with zeros.
template <std::floating_point Scalar, class F, class... From>
void map_lanes(Scalar* to, Index size, const F& f, const From*... from) {
    using V = Lane<Scalar>;
    each_lane<Scalar>(
        size, [&](Index k, Index count)
                  __attribute__((always_inline)) { store<V>(to + k, f(load<V>(from + k, count)...), count); });
}

} // namespace carousel::simd

#include "carousel/core/quiet_bounds_end.hpp"
