// The settings of a model (core/settings.hpp) in its file: a JSON object in the metadata. Needs nlohmann-json.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/core/settings.hpp"
#include "carousel/io/architecture.hpp"
#include "carousel/io/strict_json.hpp"

#include <map>
#include <string>
#include <utility>

namespace carousel::inline CAROUSEL_ABI::detail {

/// The key in the file's metadata; its text is {"0.LSTM.reverse":false,"0.LSTM.gate":"sigmoid", …}.
inline constexpr const char* settings_key = "carousel.settings";

/// Settings by their names. Each is a truth, a number or a text, or what else a file may have that is no object and no
/// array.
using Settings = std::map<std::string, Json>;

template <class Model>
Settings settings_of(const Model& model) {
    Settings settings;
    each_setting(model, "", [&](const std::string& name, const auto& value) {
        settings[name] = json_of(detail::setting_value(value));
    });
    return settings;
}

/// Throws std::invalid_argument if a text isn't UTF-8.
inline std::string settings_text(const Settings& settings, const char* where) {
    return instead_of<Json::type_error>(
        [&] {
            std::string text = "{";
            for (const auto& [name, value] : settings) {
                append_name(text, name);
                text += value.dump();
            }
            return text + '}';
        },
        [&](const auto&) { require(false, where, "a setting of the model isn't UTF-8"); });
}

/// A value as a message shows it.
inline std::string shown_value(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The settings that a file's text says.
class SettingsReader : public StrictJsonReader {
  public:
    Settings settings;

    SettingsReader() : StrictJsonReader(settings_key, 1) {}

  private:
    bool member(std::string& name) override {
        const auto [place, added] = settings.emplace(name, nullptr);
        value_ = &place->second;
        return added || fail_twice(name);
    }
    bool single(Json value) override {
        *value_ = std::move(value);
        return true;
    }
    bool begin(bool) override { return true; }
    bool end() override { return true; }

    Json* value_ = nullptr; // of the member whose name was read last
};

} // namespace carousel::detail
