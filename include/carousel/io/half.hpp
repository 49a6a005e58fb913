// Floats of 16 bits, which files of other programs hold, as floats of 32; each is exact.
#pragma once

#include "carousel/core/bit_cast.hpp"

#include <cstdint>

namespace carousel::inline CAROUSEL_ABI::detail {

/// IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction.
inline float from_half(std::uint16_t bits) {
    const std::uint32_t sign = std::uint32_t(bits & 0x8000U) << 16, exponent = (bits >> 10) & 31U,
                        fraction = bits & 0x3ffU;
    if (exponent == 0) { // zero and what is smaller than 2⁻¹⁴: fraction · 2⁻²⁴
        const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
        return sign ? -magnitude : magnitude;
    }
    const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112; // infinity and NaN; else the bias is 127, not 15
    return bit_cast<float>(sign | wide << 23 | fraction << 13);
}

/// bfloat16: the upper half of a float.
inline float from_bfloat16(std::uint16_t bits) {
    return bit_cast<float>(std::uint32_t(bits) << 16);
}

} // namespace carousel::detail
