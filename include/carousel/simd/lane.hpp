// Lane: as many consecutive units as one vector register holds; the type the cells' equations and the register tiles
// run on.
#pragma once

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

namespace carousel::simd {

// Bytes and number of the vector registers of the instruction set that this translation unit is compiled for.
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

/// The widest register of `Scalar`s.
template <std::floating_point Scalar>
using Lane = Vec<Scalar, register_bytes>;

template <class V>
using scalar_of = typename detail::lane_traits<V>::scalar;

template <class V>
inline constexpr int size_of = detail::lane_traits<V>::size;

/// How many units one lane of `Scalar`s holds.
template <std::floating_point Scalar>
inline constexpr Index lanes = size_of<Lane<Scalar>>;

template <class Scalar>
constexpr Index round_up_to_lanes(Index n) {
    return (n + lanes<Scalar> - 1) / lanes<Scalar> * lanes<Scalar>;
}

/// x in every place.
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
/// The mask of the first `count` Scalars of 256 bits.
template <class Scalar>
inline __m256i first_units(Index count) {
    static constexpr std::int32_t signs[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256(
        reinterpret_cast<const __m256i*>(signs + 8 - count * static_cast<Index>(sizeof(Scalar) / sizeof(signs[0]))));
}
} // namespace detail
#endif

// The last lane of a column holds fewer units than a register: the first `count` are loaded (zeros elsewhere) or
// stored. A load puts them together in a register, as what is written to memory in pieces can't be read at once. AVX' masked
// stores are slow on some CPUs.
template <class V>
inline V load(const scalar_of<V>* from, Index count) {
    if (count >= size_of<V>)
        return load<V>(from);
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<V, Vec<float, 64>>)
        return std::bit_cast<V>(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1), from));
    if constexpr (std::is_same_v<V, Vec<double, 64>>)
        return std::bit_cast<V>(_mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << count) - 1), from));
#endif
#if defined(__AVX__)
    if constexpr (std::is_same_v<V, Vec<float, 32>>)
        return std::bit_cast<V>(_mm256_maskload_ps(from, detail::first_units<float>(count)));
    if constexpr (std::is_same_v<V, Vec<double, 32>>)
        return std::bit_cast<V>(_mm256_maskload_pd(from, detail::first_units<double>(count)));
#endif
    V v{};
    if constexpr (size_of<V> == 4)
        return V{count > 0 ? from[0] : 0, count > 1 ? from[1] : 0, count > 2 ? from[2] : 0, 0};
    else if constexpr (!std::is_arithmetic_v<V>)
        for (Index k = 0; k < count; ++k)
            v[k] = from[k];
    return v;
}

template <class V>
inline void store(scalar_of<V>* to, V v, Index count) {
    if (count >= size_of<V>) {
        store<V>(to, v);
        return;
    }
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<V, Vec<float, 64>>) {
        _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1), std::bit_cast<__m512>(v));
        return;
    }
    if constexpr (std::is_same_v<V, Vec<double, 64>>) {
        _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1U << count) - 1), std::bit_cast<__m512d>(v));
        return;
    }
#endif
    if constexpr (!std::is_arithmetic_v<V>)
        for (Index k = 0; k < count; ++k)
            to[k] = v[k];
}

namespace detail {

/// What is left in x (with `second`: in y) when unit k + stride of x and unit k of y trade places, for every k without that bit.
template <int stride, bool second, class V, std::size_t... j>
inline V trade(V x, V y, std::index_sequence<j...>) {
    constexpr auto from = [](int k) {
        const bool upper = k & stride;
        return (upper ? size_of<V> : 0) + (upper == second ? k : k ^ stride);
    };
    return __builtin_shufflevector(x, y, from(static_cast<int>(j))...);
}

/// Unit i + stride of vector i trades places with unit i of vector i + stride, for every such pair; then the same for half the
/// stride.
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

/// Adds units that stand `stride` apart: v[i] then has such sums of v[i] in the places without that bit, of v[i + stride] in the
/// others, i < stride; then the same for half the stride.
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

/// Adds to every unit the one `stride` away; then the same for half the stride, down to `least`.
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

/// A vector whose unit i is the sum of all units of v[i mod n], n a power of two; v is used up.
template <int n, class V>
inline V sums_of(V (&v)[n]) {
    static_assert(n <= size_of<V> && std::has_single_bit(unsigned{n}));
    detail::fold_pairs<n / 2>(v);
    return detail::fold<size_of<V> / 2, n>(v[0]);
}
template <class V>
inline scalar_of<V> sum_of(V v) {
    V one[1] = {v};
    return sums_of(one)[0];
}

/// data[k] = f(data[k]), a lane at a time.
template <std::floating_point Scalar, class F>
void for_each_lane(Scalar* data, Index size, F&& f) {
    for (Index k = 0; k < size; k += lanes<Scalar>)
        store<Lane<Scalar>>(data + k, f(load<Lane<Scalar>>(data + k, size - k)), size - k);
}

/// to[k] = f(a[k], b[k]), a lane at a time.
template <std::floating_point Scalar, class F>
void for_each_lane(const Scalar* a, const Scalar* b, Scalar* to, Index size, F&& f) {
    for (Index k = 0; k < size; k += lanes<Scalar>)
        store<Lane<Scalar>>(to + k, f(load<Lane<Scalar>>(a + k, size - k), load<Lane<Scalar>>(b + k, size - k)),
                            size - k);
}

} // namespace carousel::simd
