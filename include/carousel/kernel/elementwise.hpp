// What is done with every number of an array: activations, and softmax with its loss.
#pragma once

#include "carousel/cell/activation.hpp"
#include "carousel/simd/elementary.hpp"

#include <cmath>
#include <limits>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

using namespace simd;

/// y = f(x); y may be x.
template <class S>
void activate(const Activation& f, const S* x, S* y, Index size) {
    map_lanes(
        y, size, [f](auto v) __attribute__((always_inline)) { return f(v); }, x);
}

/// dx = dy∘f′, from y = f(x).
template <class S>
void activate_backward(const Activation& f, const S* dy, const S* y, S* dx, Index size) {
    map_lanes(
        dx, size, [f](auto d, auto v) __attribute__((always_inline)) { return d * f.derivative(v); }, dy, y);
}

/// to += the sum of a's columns.
template <class S>
void add_columns(const S* a, Index rows, Index columns, S* to) {
    using V = Lane<S>;
    if (rows == 1) {
        V sums{};
        for (Index k = 0; k < columns; k += lanes<S>)
            sums += load<V>(a + k, columns - k);
        to[0] += sum_of(sums);
        return;
    }
    for (Index r = 0; r < rows; r += lanes<S>) {
        V sums{};
        for (Index k = 0; k < columns; ++k)
            sums += load<V>(a + k * rows + r, rows - r);
        store<V>(to + r, load<V>(to + r, rows - r) + sums, rows - r);
    }
}

/// Below it eˣ is taken for 0: it is less than 1e-37 (float) or 1e-307 (double) of the largest.
template <class S>
CAROUSEL_OWN inline constexpr S least_exponent = std::is_same_v<S, float> ? S(-86) : S(-707);

/// y = e^(x − max x) / Σ e^(x − max x)
template <class S>
void softmax(const S* x, S* y, Index size) {
    S largest = -std::numeric_limits<S>::infinity();
    for (Index k = 0; k < size; ++k)
        largest = x[k] > largest ? x[k] : largest;
    map_lanes(
        y, size,
        [largest](auto v) __attribute__((always_inline)) {
            v -= largest;
            const auto e = simd::exp(v);
            return v < least_exponent<S> ? decltype(v){} : e; // exp of a lane doesn't go below the normal numbers
        },
        x);
    S sum = 0;
    for (Index k = 0; k < size; ++k)
        sum += y[k];
    map_lanes(
        y, size, [sum](auto e) __attribute__((always_inline)) { return e / sum; }, y);
}

/// dx = y∘(dy − Σ dy∘y)
template <class S>
void softmax_backward(const S* dy, const S* y, S* dx, Index size) {
    using V = Lane<S>;
    V sums{};
    for (Index k = 0; k < size; k += lanes<S>)
        sums += load<V>(dy + k, size - k) * load<V>(y + k, size - k);
    const S mean = sum_of(sums);
    map_lanes(
        dx, size, [mean](auto d, auto p) __attribute__((always_inline)) { return p * (d - mean); }, dy, y);
}

/// max y, a lane at a time; the last lane overlaps the one before.
template <class S>
S maximum(const S* y, Index count) {
    using V = Lane<S>;
    S largest = y[0];
    if (count < lanes<S>) {
        for (Index c = 1; c < count; ++c)
            largest = y[c] > largest ? y[c] : largest;
        return largest;
    }
    V m = load<V>(y);
    for (Index c = lanes<S>; c < count; c += lanes<S>) {
        const V v = load<V>(y + std::min(c, count - lanes<S>));
        m = v > m ? v : m;
    }
    for (Index c = 0; c < lanes<S>; ++c)
        largest = m[c] > largest ? m[c] : largest;
    return largest;
}

/// −log softmax(y)[k]; writes scale · (softmax(y) − onehot(k)), unless gradient is null. It may be where y is.
template <class S>
double softmax_loss(const S* y, Index classes, Index k, double scale, S* gradient) {
    using V = Lane<S>;
    const S y_k = y[k], largest = maximum(y, classes); // read first: gradient may be where y is
    V sums{};
    S sum = 0;
    for (Index c = 0; c < classes; c += lanes<S>) {
        const Index count = classes - c;
        const V e = simd::exp(load<V>(y + c, count) - largest);
        if (count >= lanes<S>)
            sums += e;
        else
            for (Index n = 0; n < count; ++n)
                sum += e[n];
        if (gradient)
            store<V>(gradient + c, e, count);
    }
    for (Index n = 0; n < lanes<S>; ++n)
        sum += sums[n];
    if (gradient) {
        const S factor = static_cast<S>(scale) / sum;
        map_lanes(
            gradient, classes, [factor](auto e) __attribute__((always_inline)) { return factor * e; }, gradient);
        gradient[k] -= static_cast<S>(scale);
    }
    return std::log(static_cast<double>(sum)) - (static_cast<double>(y_k) - static_cast<double>(largest));
}

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
