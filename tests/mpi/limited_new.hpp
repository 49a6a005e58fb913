// How much memory the program may take at once (main.cpp has its operator new).
#pragma once

#include <cstddef>
#include <limits>

namespace carousel::test {

/// operator new of more bytes throws.
inline constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
inline std::size_t largest_new = unlimited;

} // namespace carousel::test
