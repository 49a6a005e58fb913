// Numbers as texts, whatever the locale.
#pragma once

#include "carousel/core/build.hpp"

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <ios>
#include <limits>
#include <locale>
#include <sstream>
#include <string>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A whole number as text. std::to_string has a static table that keeps a shared library from being unloaded.
inline std::string decimal(std::intmax_t number) {
    char text[24];
    std::snprintf(text, sizeof text, "%jd", number);
    return text;
}

/// Whether the standard library has std::to_chars for floating-point numbers: libc++ before version 14 doesn't.
template <class Number>
concept HasToChars = requires(char* text, Number number) {
    std::to_chars(text, text, number, std::chars_format::fixed);
};

/// The same as number_text, for standard libraries without std::to_chars for such numbers.
template <std::floating_point Number>
std::string number_text_by_stream(Number number, bool fixed) {
    std::ostringstream text;
    text.imbue(std::locale::classic());
    if (!(std::abs(number) <= std::numeric_limits<Number>::max())) { // streams leave out the sign of NaN
        text << (std::signbit(number) ? "-" : "") << (std::isnan(number) ? "nan" : "inf");
        return text.str();
    }
    const auto reads_back = [&] {
        std::istringstream read(text.str());
        read.imbue(std::locale::classic());
        Number same = 0;
        read >> same; // some libraries read a subnormal number and yet fail; after an overflow it is the largest number
        return same == number && (read || std::abs(number) < 1);
    };
    int digits = 0; // behind the point
    for (text << std::scientific; digits < std::numeric_limits<Number>::max_digits10; ++digits) {
        text.str("");
        text.precision(digits);
        text << number;
        if (reads_back())
            break;
    }
    const std::string scientific = text.str();
    const int exponent = std::stoi(scientific.substr(scientific.find('e') + 1));
    text.str("");
    text.precision(digits > exponent ? digits - exponent : 0);
    text << std::fixed << number;
    return fixed || text.str().size() <= scientific.size() ? text.str() : scientific;
}

/// The shortest text that reads back as the number: "0.25", "1e-05"; without an exponent if `fixed`.
template <std::floating_point Number>
std::string number_text(Number number, bool fixed = false) {
    if constexpr (HasToChars<Number>) {
        char text[400]; // of the largest double without an exponent 309
        return {text, fixed ? std::to_chars(text, text + sizeof text, number, std::chars_format::fixed).ptr
                            : std::to_chars(text, text + sizeof text, number).ptr};
    } else
        return number_text_by_stream(number, fixed);
}

/// The same, and a whole number without an exponent.
template <std::floating_point Number>
std::string shortest(Number number) {
    return number_text(number, number == std::trunc(number) && std::abs(number) < Number(1e15));
}

} // namespace carousel::detail
