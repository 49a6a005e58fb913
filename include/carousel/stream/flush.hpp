// Denormal numbers in the states of a stream: how often they are looked for, and how they are set to zero.
#pragma once

#include "carousel/simd/lane.hpp"

#include <limits>

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

/// After silence an LSTM's c falls by its forget gate's factor f a step, until it is denormal. Rounding to nearest then keeps
/// the smallest ones where they are, for any f > 1/2, and a step of a stream takes up to 1.7 times as long for ever. A state
/// that is set to zero stays there, so it is enough to look now and then. A check a step would cost every step; this one
/// costs nothing that can be measured.
CAROUSEL_OWN inline constexpr unsigned steps_between_flushes = 64;

/// Sets the denormal ones of `count` numbers to zero.
template <class S>
void flush_denormals(S* numbers, Index count) noexcept {
    constexpr S smallest = std::numeric_limits<S>::min(); // of the normal numbers
    simd::map_lanes(
        numbers, count,
        [](auto v) {
            using Lane = decltype(v);
            const Lane above = v < smallest ? Lane{} : v; // NaN compares false and stays
            return v > -smallest ? above : v;
        },
        numbers);
}

} // namespace carousel::stream
