// The settings of a model (core/settings.hpp) in its file: a JSON object in the metadata. Needs nlohmann-json.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/core/settings.hpp"
#include "carousel/io/strict_json.hpp"

#include <cmath>
#include <concepts>
#include <string>

namespace carousel::detail {

/// The key in the file's metadata; its text is {"0.LSTM.reverse":false,"0.LSTM.gate":"sigmoid", …}.
inline constexpr const char* settings_key = "carousel.settings";

template <class Model>
Json settings_of(const Model& model) {
    Json settings = Json::object();
    each_setting(model, "", [&](const std::string& name, const auto& value) {
        using Value = std::remove_cvref_t<decltype(value)>;
        static_assert(std::integral<Value> || std::floating_point<Value> || std::convertible_to<Value, std::string>,
                      "each_setting: the value of a setting is a bool, a whole number, a double or a text");
        if constexpr (std::floating_point<Value>)
            settings[name] = std::isfinite(value) ? Json(value) : Json(std::to_string(value)); // JSON has no infinity
        else if constexpr (std::integral<Value>)
            settings[name] = value;
        else
            settings[name] = std::string(value);
    });
    return settings;
}

/// Throws std::invalid_argument if a text isn't UTF-8.
inline std::string settings_text(const Json& settings, const char* where) {
    return instead_of<Json::type_error>(
        [&] { return settings.dump(); },
        [&](const auto&) { require(false, where, "a setting of the model isn't UTF-8"); });
}

/// A value as a message shows it.
inline std::string setting_value(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace carousel::detail
