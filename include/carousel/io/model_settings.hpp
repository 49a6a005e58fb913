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

inline Json json_of(const SettingValue& value) {
    return std::visit(
        []<class Value>(const Value& v) {
            if constexpr (std::same_as<Value, double>)
                return std::isfinite(v) ? Json(v) : Json(std::to_string(v)); // JSON has no infinity
            else
                return Json(v);
        },
        value);
}

template <class Model>
Json settings_of(const Model& model) {
    Json settings = Json::object();
    each_setting(model, "", [&](const std::string& name, const auto& value) {
        settings[name] = json_of(detail::setting_value(value));
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
inline std::string shown_value(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace carousel::detail
