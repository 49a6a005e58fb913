// A text of a file as a message shows it.
#pragma once

#include "carousel/core/build.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace carousel::inline CAROUSEL_ABI::detail {

/// What isn't printable ASCII as ?, so that no terminal obeys it, and no more than 100 characters.
inline std::string shown(std::string_view text) {
    constexpr std::size_t most = 100;
    std::string result(text.substr(0, most));
    for (char& c : result)
        c = c >= ' ' && c <= '~' ? c : '?';
    return text.size() > most ? result + "..." : result;
}

} // namespace carousel::detail
