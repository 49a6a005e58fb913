// The architecture of a model in its file: a LayerDescription as JSON in the metadata. Needs nlohmann-json.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/io/strict_json.hpp"
#include "carousel/model/layer_description.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// The key in the file's metadata. Its text is docs/models.md's
///
///     {"version":1,"model":{"type":"Sequential","layers":[{"type":"LSTM","input_size":1, …}, …]}}
inline constexpr const char* architecture_key = "carousel.architecture";
inline constexpr Index architecture_version = 1;

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

inline void append_layer(std::string& text, const LayerDescription& layer) {
    text += "{\"type\":" + Json(layer.type).dump();
    for (const auto& [name, value] : layer.values) {
        append_name(text, name);
        text += json_of(value).dump();
    }
    if (!layer.layers.empty()) {
        text += ",\"layers\":[";
        for (const LayerDescription& inner : layer.layers) {
            if (&inner != &layer.layers.front())
                text += ',';
            append_layer(text, inner);
        }
        text += ']';
    }
    text += '}';
}

/// Throws std::invalid_argument if a text isn't UTF-8.
inline std::string architecture_text(const LayerDescription& model, const char* where) {
    return instead_of<Json::type_error>(
        [&] {
            std::string text = "{\"version\":" + decimal(architecture_version) + ",\"model\":";
            append_layer(text, model);
            return text + '}';
        },
        [&](const auto&) { require(false, where, "the description of a layer isn't UTF-8"); });
}

/// Reads what architecture_text writes. Layers are inside one another at most 16 deep.
class ArchitectureReader : public StrictJsonReader {
  public:
    LayerDescription model;

    ArchitectureReader() : StrictJsonReader(architecture_key, 2 * 16) {}

    /// Reads the text; what is wrong with it is error().
    void read(const std::string& text) {
        StrictJsonReader::read(text);
        if (!error().empty())
            return;
        if (version_ != architecture_version)
            fail_version();
        else if (!has_model_)
            fail(architecture_key, " has no \"model\"");
    }

  private:
    enum class Part { file, layer, list };

    bool begin(bool object) override {
        if (parts_.empty())
            parts_.push_back(Part::file);
        else if (parts_.back() == Part::file && object && name_ == "model" && !has_model_) {
            has_model_ = true;
            open_layer(model);
        } else if (parts_.back() == Part::layer && !object && name_ == "layers" && open_.back()->layers.empty())
            parts_.push_back(Part::list);
        else if (parts_.back() == Part::list && object)
            open_layer(open_.back()->layers.emplace_back());
        else
            return unexpected();
        return true;
    }
    bool end() override {
        if (parts_.back() == Part::layer)
            open_.pop_back();
        parts_.pop_back();
        return true;
    }
    bool member(std::string& name) override {
        name_ = std::move(name);
        return true;
    }
    bool single(Json value) override {
        if (parts_.back() == Part::file) {
            if (name_ != "version")
                return true;
            if (version_ != 0 || !value.is_number_unsigned() || value > 1'000'000)
                return unexpected();
            version_ = value.template get<Index>();                    // which the writer says first
            return version_ == architecture_version || fail_version(); // what a newer version may say is passed over
        }
        if (parts_.back() == Part::list)
            return unexpected();
        LayerDescription& layer = *open_.back();
        if (name_ == "type") {
            if (!value.is_string() || !layer.type.empty())
                return unexpected();
            layer.type = value.template get<std::string>();
            return true;
        }
        constexpr std::size_t most_values = 64; // of which each is compared with every other
        for (const auto& [name, other] : layer.values)
            if (name == name_)
                return fail_twice(name_);
        if (layer.values.size() == most_values)
            return fail(architecture_key, " has a layer with more than ", most_values, " values");
        if (value.is_boolean())
            return add(value.template get<bool>());
        if (value.is_number_unsigned() && value > std::numeric_limits<std::int64_t>::max())
            return unexpected();
        if (value.is_number_integer())
            return add(static_cast<Index>(value.template get<std::int64_t>()));
        if (value.is_number_float())
            return add(value.template get<double>());
        return value.is_string() ? add(value.template get<std::string>()) : unexpected();
    }

    void open_layer(LayerDescription& layer) {
        parts_.push_back(Part::layer);
        open_.push_back(&layer);
    }
    bool add(SettingValue value) {
        open_.back()->values.emplace_back(name_, std::move(value));
        return true;
    }
    bool fail_version() {
        return fail(architecture_key, " is of version ", version_, ", expected ", architecture_version,
                    "; load it with a newer version of this library");
    }
    bool unexpected() { return fail(architecture_key, ": what is called \"", name_, "\" can't be read"); }

    std::vector<Part> parts_;             // that have begun, one in another
    std::vector<LayerDescription*> open_; // layers that have begun; none moves until it ends
    std::string name_;                    // of the member that was read last
    Index version_ = 0;
    bool has_model_ = false;
};

} // namespace carousel::detail
