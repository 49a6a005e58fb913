// require(): throws for a mistake of the caller, at the public function that was called and before anything is changed.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <sstream>
#include <stdexcept>

namespace carousel {

namespace detail {

/// Writes a number as the shortest text that reads back as it, a whole number without an exponent. Anything else is written
/// as the stream does it.
template <class Part>
void put(std::ostream& to, const Part& part) {
    if constexpr (std::floating_point<Part>) {
        char text[32];
        const bool whole = part == std::trunc(part) && std::abs(part) < Part(1e15);
        const auto end = whole ? std::to_chars(text, text + sizeof text, part, std::chars_format::fixed).ptr
                               : std::to_chars(text, text + sizeof text, part).ptr;
        to.write(text, end - text);
    } else
        to << part;
}

} // namespace detail

/// Throws std::invalid_argument "where: parts…" when `holds` is false; nothing is formatted when it is true.
template <class... Parts>
void require(bool holds, const char* where, const Parts&... parts) {
    if (holds) [[likely]]
        return;
    std::ostringstream message;
    message << where << ": ";
    (detail::put(message, parts), ...);
    throw std::invalid_argument(message.str());
}

} // namespace carousel
