// bit_cast: a value's bytes as another type.
#pragma once

#include "carousel/core/build.hpp"

namespace carousel::inline CAROUSEL_ABI::detail {

/// std::bit_cast, which libc++ has from version 14 on only. And an instance of the standard library's for vectors would be one
/// function for all of a program's files, compiled for the instruction set of one of them.
template <class To, class From>
[[gnu::always_inline]] constexpr To bit_cast(const From& from) noexcept {
    static_assert(sizeof(To) == sizeof(From));
    return __builtin_bit_cast(To, from);
}

} // namespace carousel::detail
