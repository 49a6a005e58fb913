// SafetensorsMatch: a file compared with a model before any number is read. Needs nlohmann-json.
#pragma once

#include "carousel/io/load_options.hpp"
#include "carousel/io/model_settings.hpp"
#include "carousel/io/model_tensors.hpp"
#include "carousel/io/safetensors_reader.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A file being matched with a model: everything the model has must be there, and nothing else, but for what LoadOptions
/// says. Every function that finds a difference throws std::runtime_error "load_safetensors: source: …".
class SafetensorsMatch {
  public:
    SafetensorsMatch(const ByteSource& source, const LoadOptions& options, const char* where = "load_safetensors")
        : input_(where, source), reader_(input_), options_(options), rename_(options.names) {
        for (const SafetensorsEntry& entry : reader_.entries())
            insert(entries_, entry.name, Found{&entry});
        const auto text = reader_.metadata().find(settings_key);
        if (text == reader_.metadata().end())
            return;
        has_settings_ = true;
        SettingsReader saved;
        saved.read(text->second);
        check(saved.error().empty(), saved.error());
        for (const auto& [name, value] : saved.settings)
            insert(settings_, name, value);
    }

    /// The file's tensor of this name in the model, of this type and shape. Null if it is missing and may be.
    template <class S>
    const SafetensorsEntry* expect(const std::string& name, const std::vector<Index>& shape) {
        const auto found = entries_.find(name);
        if (found == entries_.end()) {
            check(options_.allow_missing, "\"", name, "\" is missing");
            any_missing_ = true;
            return nullptr;
        }
        const SafetensorsEntry& entry = *found->second.entry;
        const char* const dtype = sizeof(S) == 4 ? "F32" : "F64";
        check(entry.dtype == dtype, label(entry, name), " is of type ", entry.dtype, ", expected ", dtype);
        check(entry.shape == shape, label(entry, name), " is ", shape_text(entry.shape), ", expected ",
              shape_text(shape));
        found->second.expected = any_expected_ = true;
        return &entry;
    }

    /// Whether the file has a tensor of this name in the model.
    bool has(const std::string& name) const { return entries_.contains(name); }

    /// There is no more than was expected, except, in a file with an optimizer's memory, that if it isn't wanted. What
    /// was expected isn't missing altogether.
    void expect_no_more(bool but_an_optimizer) const {
        for (const auto& [name, found] : entries_)
            check(options_.allow_extra || found.expected || (but_an_optimizer && name.starts_with(optimizer_prefix)),
                  label(*found.entry, name), " is not in the model");
        check(any_expected_ || !any_missing_, "none of its tensors is in the model");
        const std::string* const unused = rename_.unused();
        check(!unused, "the option names has \"", unused ? *unused : "", "\", which names nothing in the file");
    }

    /// The settings that both have are equal.
    void expect_settings(const Settings& model) const {
        if (compares_settings())
            for (const auto& [name, value] : model)
                if (const auto found = settings_.find(name); found != settings_.end())
                    check(found->second == value, "the setting \"", name, "\" is ", shown_value(found->second),
                          ", the model's is ", shown_value(value), advice);
    }
    /// Both have the same settings.
    void expect_no_more_settings(const Settings& model) const {
        if (!compares_settings())
            return;
        for (const auto& [name, value] : model)
            check(options_.allow_missing || settings_.contains(name), "the setting \"", name,
                  "\" is missing, the model's is ", shown_value(value), advice);
        for (const auto& [name, value] : settings_)
            check(options_.allow_extra || model.contains(name), "the setting \"", name, "\" is ", shown_value(value),
                  ", the model has none of this name", advice);
    }

    template <class S>
    Matrix<S> read(const SafetensorsEntry& entry) {
        return reader_.read(entry).template matrix<S>();
    }

    const SafetensorsReader& reader() const { return reader_; }

    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        reader_.check(holds, parts...);
    }

    /// The user's.
    Metadata metadata() const {
        Metadata metadata = reader_.metadata();
        metadata.erase(settings_key);
        metadata.erase(architecture_key);
        return metadata;
    }

  private:
    struct Found {
        const SafetensorsEntry* entry;
        bool expected = false;
    };
    static constexpr const char* advice =
        "; build the model as it was saved, or load it with the option check_settings = false";

    bool compares_settings() const { return has_settings_ && options_.check_settings; }

    /// The name in the model.
    std::string renamed(const std::string& name) {
        const std::string_view prefix = optimizer_prefix;
        if (name == optimizer_steps)
            return name;
        return name.starts_with(prefix) ? optimizer_prefix + rename_(name.substr(prefix.size())) : rename_(name);
    }
    template <class Value>
    void insert(std::map<std::string, Value>& to, const std::string& name, Value value) {
        const std::string model_name = renamed(name);
        check(to.emplace(model_name, std::move(value)).second, "\"", name, "\" and another are both to be \"",
              model_name, "\" in the model");
    }
    /// How messages call a tensor: its name, and that in the model if it is another.
    static std::string label(const SafetensorsEntry& entry, const std::string& model_name) {
        return "\"" + entry.name + "\"" + (model_name == entry.name ? "" : ", in the model \"" + model_name + "\",");
    }

    Input input_;
    SafetensorsReader reader_;
    const LoadOptions& options_;
    Renaming rename_;
    std::map<std::string, Found> entries_; // by their names in the model
    bool any_expected_ = false, any_missing_ = false;
    bool has_settings_ = false;
    Settings settings_; // by their names in the model
};

} // namespace carousel::detail
