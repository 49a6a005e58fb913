// Texts of C++: numbers, strings and names as a source file has them.
#pragma once

#include "carousel/cell/activation.hpp"
#include "carousel/core/number_text.hpp"
#include "carousel/io/header/c_names.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace carousel::inline CAROUSEL_ABI::detail::header {

/// Appends the shortest literal of the number's own type that has its bits: "0.1f", "-0.f", "1e-05". The number is finite.
template <std::floating_point Number>
void append_literal(std::string& text, Number number) {
    const std::string digits = number_text(number);
    text += digits;
    if (digits.find_first_of(".e") == digits.npos)
        text += '.';
    if (std::same_as<Number, float>)
        text += 'f';
}
template <std::floating_point Number>
std::string literal(Number number) {
    std::string text;
    append_literal(text, number);
    return text;
}

/// The expression that gives the function: "carousel::Activation::leaky_relu(0.1).clipped(6.)". Its numbers are finite.
inline std::string expression(const Activation& f) {
    std::string text = std::string("carousel::Activation::") + name(f);
    const int count = parameter_count(f.kind());
    if (count > 0)
        text += "(" + literal(f.alpha()) + (count > 1 ? ", " + literal(f.beta()) : "") + ")";
    if (f.clip() != std::numeric_limits<double>::infinity())
        text += ".clipped(" + literal(f.clip()) + ")";
    return text;
}

/// A string literal. What isn't printable ASCII is escaped, so that it is the same in a source file of any encoding.
inline std::string string_literal(std::string_view bytes) {
    std::string text = "\"";
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\' || c == '?') // two question marks may begin a trigraph
            (text += '\\') += c;
        else if (byte >= ' ' && byte <= '~')
            text += c;
        else // three digits, as no digit after them belongs to it
            for (const int digit : {64, 8, 1})
                (digit == 64 ? text += '\\' : text) += static_cast<char>('0' + byte / digit % 8);
    }
    return text + '"';
}

/// Why a namespace in a program can't have this name; null if it can.
inline const char* why_no_name(std::string_view name) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (name.empty() || !letter(name[0]) ||
        !std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || digit(c); }))
        return "isn't a name in C++";
    if (name[0] == '_' || name.find("__") != name.npos)
        return "is a name that C++ reserves";
    constexpr std::string_view taken[] = {"alignas",     "alignof",      "and",           "and_eq",
                                          "asm",         "auto",         "bitand",        "bitor",
                                          "bool",        "break",        "case",          "catch",
                                          "char",        "char16_t",     "char32_t",      "char8_t",
                                          "class",       "co_await",     "co_return",     "co_yield",
                                          "compl",       "concept",      "const",         "const_cast",
                                          "consteval",   "constexpr",    "constinit",     "continue",
                                          "decltype",    "default",      "delete",        "do",
                                          "double",      "dynamic_cast", "else",          "enum",
                                          "explicit",    "export",       "extern",        "false",
                                          "float",       "for",          "friend",        "goto",
                                          "if",          "inline",       "int",           "long",
                                          "mutable",     "namespace",    "new",           "noexcept",
                                          "not",         "not_eq",       "nullptr",       "operator",
                                          "or",          "or_eq",        "private",       "protected",
                                          "public",      "register",     "requires",      "return",
                                          "short",       "signed",       "sizeof",        "static",
                                          "static_cast", "struct",       "switch",        "template",
                                          "this",        "thread_local", "throw",         "true",
                                          "try",         "typedef",      "typeid",        "typename",
                                          "union",       "unsigned",     "using",         "virtual",
                                          "void",        "volatile",     "wchar_t",       "while",
                                          "xor",         "xor_eq",       "static_assert", "reinterpret_cast"};
    if (std::find(std::begin(taken), std::end(taken), name) != std::end(taken))
        return "is a keyword of C++";
    if (c_names.find(" " + std::string(name) + " ") != c_names.npos)
        return "is a name of the C library";
    constexpr std::string_view others[] = {"std", "carousel", "Eigen", "main", "linux", "unix", "NULL", "EOF"};
    return std::find(std::begin(others), std::end(others), name) != std::end(others) ? "is taken by something else"
                                                                                     : nullptr;
}

} // namespace carousel::detail::header
