// The numbers of files are little-endian, as those of nearly every processor are; where they aren't, their bytes are turned round.
#pragma once

#include "carousel/core/build.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <limits>
#include <span>

namespace carousel::inline CAROUSEL_ABI::detail {

static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big);
static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<double>::is_iec559,
              "carousel: the numbers of files are IEEE 754, and are not converted");

inline constexpr bool big_endian_host = std::endian::native == std::endian::big;

/// Reverses the bytes of each number of `size` bytes.
inline void turn_bytes(std::span<std::byte> numbers, std::size_t size) {
    for (std::size_t at = 0; at + size <= numbers.size(); at += size)
        std::reverse(numbers.begin() + static_cast<std::ptrdiff_t>(at),
                     numbers.begin() + static_cast<std::ptrdiff_t>(at + size));
}

/// From this machine's order of bytes to the file's, or back.
template <class Number, std::size_t count>
void turn_to_file_order([[maybe_unused]] std::span<Number, count> numbers) {
    if constexpr (big_endian_host)
        turn_bytes(std::as_writable_bytes(numbers), sizeof(Number));
}

} // namespace carousel::detail
