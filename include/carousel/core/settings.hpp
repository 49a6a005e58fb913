// Settings: what the weights of a model mean besides their shapes: a direction, an activation, peepholes.
#pragma once

#include <string>

namespace carousel {

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

namespace detail {

/// f(prefix + name, value) for every setting of a layer or a cell, if it has any.
template <class L, class F>
void each_setting(const L& layer, const std::string& prefix, F&& f) {
    const auto prefixed = [&](const std::string& name, const auto& value) { f(prefix + name, value); };
    if constexpr (requires { layer.each_setting(prefixed); })
        layer.each_setting(prefixed);
}

} // namespace detail

} // namespace carousel
