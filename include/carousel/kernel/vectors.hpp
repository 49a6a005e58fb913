// What optimizers, losses and initialisers do with long vectors: lengths, scaling, differences, orthogonal columns. A door as
// arrays.hpp.
#pragma once

#include "carousel/kernel/compiled.hpp"
#include "carousel/simd/lane.hpp"

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel {

template <class S>
struct VectorFunctions {
    double (*squared_norm)(const S* x, Index size);
    void (*scale)(S factor, S* x, Index size);
    void (*clip)(S bound, S* x, Index size);
    double (*squared_difference)(const S* a, const S* b, Index size);
    void (*scaled_difference)(S factor, const S* a, const S* b, S* to, Index size);
    double (*orthonormalize)(S* q, Index rows, Index columns);
};

inline namespace CAROUSEL_ISA {

using namespace simd;

/// Σ x², added up in double, in four lanes side by side.
template <class S>
double squared_norm(const S* x, Index size) {
    using V = Lane<double>;
    constexpr Index width = lanes<double>, side_by_side = 4;
    const auto squares = [](const S* from) __attribute__((always_inline)) {
        V v;
        if constexpr (lanes<double> == 2) // GCC converts half a register of 16 bytes through general registers
            v = V{static_cast<double>(from[0]), static_cast<double>(from[1])};
        else
            v = __builtin_convertvector(load<Vec<S, static_cast<int>(width * sizeof(S))>>(from), V);
        return v * v;
    };
    V sums[side_by_side] = {};
    Index k = 0;
    for (; k + side_by_side * width <= size; k += side_by_side * width) {
#pragma GCC unroll 4
        for (Index j = 0; j < side_by_side; ++j)
            sums[j] += squares(x + k + j * width);
    }
    for (; k + width <= size; k += width)
        sums[0] += squares(x + k);
    double sum = sum_of<V>((sums[0] + sums[1]) + (sums[2] + sums[3]));
    for (; k < size; ++k)
        sum += static_cast<double>(x[k]) * static_cast<double>(x[k]);
    return sum;
}

/// x = factor·x
template <class S>
void scale(S factor, S* x, Index size) {
    map_lanes(
        x, size, [factor](auto v) __attribute__((always_inline)) { return factor * v; }, x);
}

/// x = x, but at least −bound and at most bound. NaN stays NaN.
template <class S>
void clip(S bound, S* x, Index size) {
    map_lanes(
        x, size,
        [bound](auto v) __attribute__((always_inline)) {
            const auto most = splat<decltype(v)>(bound);
            v = v > most ? most : v;
            return v < -most ? -most : v;
        },
        x);
}

/// Σ (a − b)², added up in double, each sum of 128 in S.
template <class S>
double squared_difference(const S* a, const S* b, Index size) {
    using V = Lane<S>;
    constexpr Index block = 128;
    double sum = 0;
    for (Index first = 0; first < size; first += block) {
        const Index end = size - first < block ? size : first + block;
        const auto squares = [&](Index k, Index count) __attribute__((always_inline)) {
            const V difference = load<V>(a + k, count) - load<V>(b + k, count);
            return difference * difference;
        };
        V sums{}, more{}; // two chains of additions
        Index k = first;
        for (; k + 2 * lanes<S> <= end; k += 2 * lanes<S>) {
            sums += squares(k, lanes<S>);
            more += squares(k + lanes<S>, lanes<S>);
        }
        for (; k < end; k += lanes<S>)
            sums += squares(k, end - k);
        sums += more;
        sum += static_cast<double>(sum_of(sums));
    }
    return sum;
}

/// to = factor·(a − b)
template <class S>
void scaled_difference(S factor, const S* a, const S* b, S* to, Index size) {
    map_lanes(
        to, size, [factor](auto v, auto w) __attribute__((always_inline)) { return factor * (v - w); }, a, b);
}

/// Gram and Schmidt: makes the columns of q, each `rows` numbers, one after the other, orthonormal. Returns the least share of its
/// length that a column kept. For few columns.
template <class S>
double orthonormalize(S* q, Index rows, Index columns) {
    using V = Lane<S>;
    double least = 1;
    for (Index k = 0; k < columns; ++k) {
        S* const own = q + k * rows;
        const double length = __builtin_sqrt(squared_norm(own, rows));
        for (Index j = 0; j < k; ++j) {
            const S* const other = q + j * rows;
            V sums{};
            each_lane<S>(
                rows, [&](Index i, Index count) __attribute__((always_inline)) {
                    sums += load<V>(other + i, count) * load<V>(own + i, count);
                });
            const S share = sum_of(sums);
            map_lanes(
                own, rows, [share](auto v, auto w) __attribute__((always_inline)) { return v - share * w; }, own,
                other);
        }
        const double left = __builtin_sqrt(squared_norm(own, rows));
        const S divisor = static_cast<S>(left);
        map_lanes(
            own, rows, [divisor](auto v) __attribute__((always_inline)) { return v / divisor; }, own);
        least = left / length < least ? left / length : least;
    }
    return least;
}

template <class S>
CAROUSEL_OWN inline constexpr VectorFunctions<S> vector_functions_here = {
    squared_norm<S>, scale<S>, clip<S>, squared_difference<S>, scaled_difference<S>, orthonormalize<S>};

} // namespace CAROUSEL_ISA

/// Those of the instruction set that runs.
template <class S>
const VectorFunctions<S>& vector_functions() {
    if constexpr (in_library<S>)
        return chosen<VectorFunctions<S>>();
    else
        return vector_functions_here<S>;
}

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
