// UTF-8: where a text is none.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace example {

/// The first byte that doesn't belong to a character, counted from 0: RFC 3629, so no overlong forms, no surrogates and
/// nothing past U+10FFFF.
inline std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
    const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
    for (std::size_t at = 0; at < text.size();) {
        const unsigned lead = byte(at), second = byte(at + 1);
        const std::size_t length = lead < 0x80   ? 1
                                   : lead < 0xC2 ? 0
                                   : lead < 0xE0 ? 2
                                   : lead < 0xF0 ? 3
                                   : lead < 0xF5 ? 4
                                                 : 0;
        const unsigned low = lead == 0xE0   ? 0xA0
                             : lead == 0xF0 ? 0x90
                                            : 0x80,
                       high = lead == 0xED   ? 0x9F
                              : lead == 0xF4 ? 0x8F
                                             : 0xBF;
        bool valid = length == 1 || (length > 1 && second >= low && second <= high);
        for (std::size_t k = 2; k < length; ++k)
            valid = valid && (byte(at + k) & 0xC0) == 0x80;
        if (!valid)
            return at;
        at += length;
    }
    return std::nullopt;
}

} // namespace example
