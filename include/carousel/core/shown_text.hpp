// Texts of files as messages show them.
#pragma once

#include "carousel/core/build.hpp"

#include <algorithm>
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

/// Text of people, in UTF-8: control characters as ?, and a long one by its beginning, without a part of a character.
inline std::string shown_field(std::string_view field) {
    constexpr std::size_t most = 60;
    std::size_t end = std::min(field.size(), most);
    while (end > 0 && end < field.size() && (static_cast<unsigned char>(field[end]) & 0xC0U) == 0x80U)
        --end;
    std::string result(field.substr(0, end));
    for (char& c : result)
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
            c = '?';
    return end < field.size() ? result + "…" : result;
}

} // namespace carousel::detail
