// Settings: what the weights of a model mean besides their shapes: a direction, an activation, peepholes.
#pragma once

#include "carousel/core/matrix.hpp"

#include <concepts>
#include <string>
#include <type_traits>
#include <variant>

namespace carousel::inline CAROUSEL_ABI {

// A layer or a cell whose parameters mean something else under other settings says which they are:
//
//     template <class F>
//     void each_setting(F&& f) const {
//         f("reverse", reverse_);                  // a name, and a bool, a whole number, a double or a text
//     }
//
// A model's file holds them, and they are compared when it is loaded. What matters in training alone (a seed, the rate
// of a Dropout) is none. A layer without settings needs no such function. A setting that is added to a layer later is
// said only where it isn't what it always was, so that older files load.

/// The value of a setting, of any layer.
using SettingValue = std::variant<bool, Index, double, std::string>;

namespace detail {

template <class Value>
SettingValue setting_value(const Value& value) {
    static_assert(std::integral<Value> || std::floating_point<Value> || std::convertible_to<Value, std::string>,
                  "each_setting: the value of a setting is a bool, a whole number, a double or a text");
    if constexpr (std::same_as<Value, bool>)
        return value;
    else if constexpr (std::integral<Value>)
        return static_cast<Index>(value);
    else if constexpr (std::floating_point<Value>)
        return static_cast<double>(value);
    else
        return std::string(value);
}

/// f(prefix + name, value) for every setting of a layer or a cell, if it has any.
template <class L, class F>
void each_setting(const L& layer, const std::string& prefix, F&& f) {
    const auto prefixed = [&](const std::string& name, const auto& value) { f(prefix + name, value); };
    if constexpr (requires { layer.each_setting(prefixed); })
        layer.each_setting(prefixed);
}

} // namespace detail

} // namespace carousel
