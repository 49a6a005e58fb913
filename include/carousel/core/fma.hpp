// fma: x·y + z, rounded once.
#pragma once

#include "carousel/core/bit_cast.hpp"

#include <cmath>
#include <cstdint>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A number and what is missing to it.
struct SumWithRest {
    double sum, rest;
};

/// a + b (Knuth).
inline SumWithRest exact_sum(double a, double b) {
    const double sum = a + b, b_of_sum = sum - a;
    return {sum, (a - (sum - b_of_sum)) + (b - b_of_sum)};
}

/// x·y (Dekker): products of halves, 26 bits each, are exact.
inline SumWithRest exact_product(double x, double y) {
    const auto upper_half = [](double number) {
        return bit_cast<double>(bit_cast<std::uint64_t>(number) & ~((std::uint64_t(1) << 27) - 1));
    };
    const double x1 = upper_half(x), x2 = x - x1, y1 = upper_half(y), y2 = y - y1, y21 = upper_half(y2), y22 = y2 - y21;
    const double product = x * y;
    return {product, (((x1 * y1 - product) + x1 * y2) + x2 * y1) + x2 * y21 + x2 * y22};
}

/// The same as fma, of numbers whose product neither overflows nor comes near the denormal ones, for a processor without such an
/// instruction: with one, GCC would make its sums of it. (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved
/// algorithms using rounding to odd", 2008.)
inline double fma_by_parts(double x, double y, double z) {
    const auto [product, product_rest] = exact_product(x, y);
    const auto [lower, lower_rest] = exact_sum(z, product_rest);
    const auto [upper, upper_rest] = exact_sum(product, lower);
    // Rounded to odd: what was cut off makes the last bit 1, so that the sum isn't rounded twice.
    auto [odd, rest] = exact_sum(upper_rest, lower_rest);
    if (auto bits = bit_cast<std::uint64_t>(odd); rest != 0 && (bits & 1) == 0)
        odd = bit_cast<double>((rest > 0) == (odd > 0) ? bits + 1 : bits - 1);
    return upper + odd;
}

/// std::fma, which MinGW's library rounds twice.
inline double fma(double x, double y, double z) {
#if defined(__MINGW32__) && !defined(__FMA__)
    return fma_by_parts(x, y, z);
#else
    return std::fma(x, y, z);
#endif
}

} // namespace carousel::detail
