// Finite numbers, told by their bits: a check that -ffast-math can't remove, as it removes comparisons with infinity.
#pragma once

#include "carousel/core/bit_cast.hpp"
#include "carousel/core/matrix.hpp"

#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Neither NaN nor infinite: the bits of the exponent aren't all 1.
template <std::floating_point S>
bool is_finite(S number) {
    static_assert(std::numeric_limits<S>::is_iec559 && (sizeof(S) == 4 || sizeof(S) == 8));
    using Bits = std::conditional_t<sizeof(S) == 4, std::uint32_t, std::uint64_t>;
    constexpr Bits exponent = bit_cast<Bits>(std::numeric_limits<S>::infinity());
    return (bit_cast<Bits>(number) & exponent) != exponent;
}

/// NaN: the bits of the exponent are all 1, and of the others but the sign one is.
template <std::floating_point S>
bool is_nan(S number) {
    using Bits = std::conditional_t<sizeof(S) == 4, std::uint32_t, std::uint64_t>;
    return !is_finite(number) && bit_cast<Bits>(number) << 1U != bit_cast<Bits>(std::numeric_limits<S>::infinity())
                                                                     << 1U;
}

/// Of `count` numbers the place of the first that isn't finite, or `count`.
template <std::floating_point S>
Index non_finite_at(const S* numbers, Index count) {
    constexpr Index block = 256; // looked at without a branch each
    for (Index first = 0; first < count; first += block) {
        const Index end = count - first < block ? count : first + block;
        bool finite = true;
        for (Index k = first; k < end; ++k)
            finite &= is_finite(numbers[k]);
        for (Index k = first; !finite; ++k)
            if (!is_finite(numbers[k]))
                return k;
    }
    return count;
}

} // namespace carousel::detail
