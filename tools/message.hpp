// What the program says when something is wrong, and where it stops.
#pragma once

#include "carousel/core/require.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>

namespace tool {

/// A mistake on the command line: exit code 2. Anything else that is thrown is exit code 1.
struct Usage : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// "warning: message" on standard error.
void warn(const std::string& message);

/// "1 feature", "2 features".
inline std::string counted(std::ptrdiff_t n, const char* what) {
    return carousel::detail::decimal(n) + " " + what + (n == 1 ? "" : "s");
}

/// Throws std::runtime_error of the parts, one after the other, when `holds` is false.
template <class... Parts>
void check(bool holds, const Parts&... parts) {
    if (!holds) [[unlikely]]
        throw std::runtime_error(carousel::detail::message_of(parts...));
}

/// The same for a Usage.
template <class... Parts>
void check_usage(bool holds, const Parts&... parts) {
    if (!holds) [[unlikely]]
        throw Usage(carousel::detail::message_of(parts...));
}

} // namespace tool
