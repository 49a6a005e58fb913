// require(): the caller's mistake, thrown once at the public boundary, before anything is changed.
#pragma once

#include <sstream>
#include <stdexcept>

namespace carousel {

/// Throws std::invalid_argument "where: parts…" when `holds` is false; nothing is formatted when it is true.
template <class... Parts>
void require(bool holds, const char* where, const Parts&... parts) {
    if (holds) [[likely]]
        return;
    std::ostringstream message;
    message << where << ": ";
    (message << ... << parts);
    throw std::invalid_argument(message.str());
}

} // namespace carousel
