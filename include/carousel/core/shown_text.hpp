// Texts of files as messages show them.
#pragma once

#include "carousel/core/build.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace carousel::inline CAROUSEL_ABI::detail {

/// No more than `most` bytes of a text, of which a character of UTF-8 isn't cut in two, with ? in place of each that isn't printable; if
/// there are more, `and_so_on` follows.
inline std::string shown_beginning(std::string_view text, std::size_t most, bool (*printable)(char),
                                   const char* and_so_on) {
    std::size_t end = std::min(text.size(), most);
    const auto goes_on = [&] { return end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U; };
    for (int k = 0; k < 3 && goes_on(); ++k) // a character has up to three bytes more than its first
        --end;
    std::string result(text.substr(0, end));
    std::replace_if(result.begin(), result.end(), std::not_fn(printable), '?');
    return end < text.size() ? result + and_so_on : result;
}

/// What isn't printable ASCII as ?, so that no terminal obeys it, and no more than 100 characters.
inline std::string shown(std::string_view text) {
    return shown_beginning(
        text, 100, [](char c) { return c >= ' ' && c <= '~'; }, "...");
}

/// Text of people, in UTF-8: control characters as ?, and a long one by its beginning.
inline std::string shown_field(std::string_view field) {
    return shown_beginning(
        field, 60, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '\x7f'; }, "…");
}

} // namespace carousel::detail
