// leading_number: the number that a text begins with, whatever the locale.
#pragma once

#include "carousel/core/build.hpp"

#include <charconv>
#include <cstddef>
#include <locale>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace carousel::inline CAROUSEL_ABI::detail {

struct LeadingNumber {
    double value = 0;
    std::size_t length = 0; ///< of its text; 0 if there is none, or none that a double can hold
};

/// The same as leading_number, for standard libraries without std::from_chars for doubles (libc++ before version 20).
/// It doesn't know "inf" and "nan".
inline LeadingNumber leading_number_by_stream(std::string_view text) {
    const auto digits_from = [&](std::size_t at) {
        const std::size_t end = text.find_first_not_of("0123456789", at);
        return (end == text.npos ? text.size() : end) - at;
    };
    std::size_t end = text.starts_with('-') ? 1 : 0;
    std::size_t digits = digits_from(end);
    end += digits;
    if (text.substr(end).starts_with('.') && digits + digits_from(end + 1) > 0) {
        digits += digits_from(end + 1);
        end += 1 + digits_from(end + 1);
    }
    if (digits == 0)
        return {};
    if (const std::string_view rest = text.substr(end); rest.starts_with('e') || rest.starts_with('E')) {
        const std::size_t sign = rest.size() > 1 && (rest[1] == '-' || rest[1] == '+') ? 1 : 0;
        if (const std::size_t exponent = digits_from(end + 1 + sign); exponent > 0)
            end += 1 + sign + exponent;
    }
    std::istringstream stream{std::string(text.substr(0, end))};
    stream.imbue(std::locale::classic());
    LeadingNumber number{0, end};
    return stream >> number.value ? number : LeadingNumber{};
}

/// "0.25, 1" gives 0.25 and 4. The number is a decimal one without spaces or a plus sign before it.
inline LeadingNumber leading_number(std::string_view text) {
#if defined(__cpp_lib_to_chars)
    LeadingNumber number;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
    if (error != std::errc())
        return {};
    number.length = static_cast<std::size_t>(end - text.data());
    return number;
#else
    return leading_number_by_stream(text);
#endif
}

} // namespace carousel::detail
