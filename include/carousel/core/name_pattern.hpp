// matches: names of parameters by a pattern, "0.*" or "*.b".
#pragma once

#include "carousel/core/build.hpp"

#include <cstddef>
#include <string_view>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Whether all of `name` is as the pattern says, in which * stands for any characters, also none.
inline bool matches(std::string_view pattern, std::string_view name) {
    std::size_t p = 0, n = 0;
    std::size_t star = std::string_view::npos, from = 0; // the last star, and where in the name it ends as yet
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            from = n;
        } else if (p < pattern.size() && pattern[p] == name[n]) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

} // namespace carousel::detail
