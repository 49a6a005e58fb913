// What is asked of one JSON value: a member, and how messages show it. Needs nlohmann-json.
#pragma once

#include "carousel/io/strict_json.hpp"

#include <string>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A member of an object; null if it isn't there, is null, or `object` is no object.
inline const Json* member(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

/// A value of a file of numbers for a message: a number or a text itself, of anything else what it is.
inline std::string shown_json(const Json& value) {
    if (value.is_array())
        return "an array of " + std::to_string(value.size());
    if (value.is_object())
        return "an object";
    constexpr std::size_t most = 60;
    const std::string text = value.dump();
    return text.size() <= most ? text : "a text of " + std::to_string(text.size()) + " characters";
}

/// A value of a file of options for a message: as JSON, cut where it is long.
inline std::string excerpt(const Json& value) {
    constexpr std::size_t most = 60;
    std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace); // ASCII, so it can be cut anywhere
    if (text.size() > most)
        text = text.substr(0, most) + "…";
    return text;
}

} // namespace carousel::detail
