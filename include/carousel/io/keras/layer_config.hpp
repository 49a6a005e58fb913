// LayerConfig: the options of one layer of a Keras model, as its config says them. Each is asked for by its name; what
// nobody asked for must be of no consequence. Needs nlohmann-json.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/io/byte_source.hpp"
#include "carousel/io/json_value.hpp"
#include "carousel/io/strict_json.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

/// A text that is a member of an object; empty if there is none.
inline std::string text_member(const Json& object, const char* name) {
    const Json* const found = member(object, name);
    return found && found->is_string() ? found->get<std::string>() : std::string();
}

class LayerConfig {
  public:
    /// `layer` is {"class_name": …, "config": {…}, …} and must outlive this. `within` is put before what messages call
    /// it, as an outer layer's label. Throws std::runtime_error unless it has a class of Keras' own and a config.
    LayerConfig(const Input& input, const Json& layer, const std::string& within = {})
        : input_(&input), class_name_(text_member(layer, "class_name")) {
        static const Json none = Json::object();
        const Json* const config = member(layer, "config");
        config_ = config ? config : &none;
        name_ = text_member(*config_, "name");
        if (name_.empty())
            name_ = text_member(layer, "name"); // of a functional model's layer
        label_ = within + "layer " + (name_.empty() ? "" : "\"" + name_ + "\" ") + "(" + class_name_ + "): ";
        input.check(!class_name_.empty(), "the config has a layer without a class_name: ", excerpt(layer));
        check(config && config->is_object(), "it has no config");
        const std::string registered = text_member(layer, "registered_name");
        check(registered.find('>') == registered.npos, "it is a class of the file's author, ", registered,
              "; only Keras' own layers can be loaded");
    }

    const std::string& name() const { return name_; }
    const std::string& class_name() const { return class_name_; }
    /// How messages begin: "layer "lstm" (LSTM): ".
    const std::string& label() const { return label_; }
    const Input& input() const { return *input_; }

    /// Unless it says otherwise.
    bool trainable() const { return trainable(*config_); }
    /// Whether the layer within it that this option is, as `layer` of a TimeDistributed, is trained; `otherwise` if there is none.
    bool trainable(const char* option, bool otherwise) const {
        const Json* const layer = member(*config_, option);
        const Json* const config = layer ? member(*layer, "config") : nullptr;
        return config ? trainable(*config) : otherwise;
    }

    /// Throws std::runtime_error "where: source: label parts…" when `holds` is false.
    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        input_->check(holds, label_, parts...);
    }
    /// Says of an option that it has a value that can't be had.
    template <class... Parts>
    [[noreturn]] void refuse(const char* option, const Parts&... expected) const {
        const Json* const value = member(*config_, option);
        check(false, "option ", option, " is ", value ? excerpt(*value) : "null", ", expected ", expected...);
        std::abort(); // check doesn't return
    }

    /// Null if it isn't there, or is null.
    const Json* find(const char* option) {
        asked_.insert(option);
        return member(*config_, option);
    }
    /// Whether it is there, be it null.
    bool has(const char* option) const { return config_->contains(option); }
    bool flag(const char* option, bool otherwise) {
        const Json* const value = find(option);
        if (!value)
            return otherwise;
        if (value->is_number() && (*value == 0 || *value == 1))
            return *value == 1;
        if (!value->is_boolean())
            refuse(option, "true or false");
        return value->get<bool>();
    }
    double number(const char* option, double otherwise) {
        const Json* const value = find(option);
        if (value && !value->is_number())
            refuse(option, "a number");
        return value ? value->get<double>() : otherwise;
    }
    std::string text(const char* option, const char* otherwise) {
        const Json* const value = find(option);
        if (value && !value->is_string())
            refuse(option, "a text");
        return value ? value->get<std::string>() : otherwise;
    }
    /// A whole number from 1 on, also as a list of this one, as kernel_size is; `otherwise` 0: there must be one.
    Index size(const char* option, Index otherwise = 0) {
        const Json* value = find(option);
        if (!value && otherwise > 0)
            return otherwise;
        if (value && value->is_array() && value->size() == 1)
            value = &(*value)[0];
        const double number = value && value->is_number() ? value->get<double>() : 0;
        if (!(number >= 1 && number <= largest && number == static_cast<double>(static_cast<Index>(number))))
            refuse(option, "a whole number from 1 to ", static_cast<Index>(largest));
        return static_cast<Index>(number);
    }
    /// A rate of dropout: within 0 and 1, 1 excluded.
    double rate(const char* option) {
        const double value = number(option, 0);
        if (!(value >= 0 && value < 1))
            refuse(option, "0 <= ", option, " < 1");
        return value;
    }
    /// A layer within this one.
    LayerConfig inner(const char* option) {
        const Json* const layer = find(option);
        if (!layer || !layer->is_object())
            refuse(option, "a layer");
        return LayerConfig(*input_, *layer, label_);
    }

    /// Throws std::runtime_error if an option nobody asked for says something and isn't known to be without consequence
    /// for what the layer computes from its weights.
    void finish() const {
        for (const auto& [option, value] : config_->items()) {
            const bool says_nothing = value.is_null() || value == false || value == 0 || value.empty();
            check(asked_.contains(option) || says_nothing || is_harmless(option), "option ", option, " is ",
                  excerpt(value), ", which isn't known here");
        }
    }

  private:
    static constexpr double largest = 1e9;

    static bool trainable(const Json& config) {
        const Json* const value = member(config, "trainable");
        return !value || *value != false;
    }

    /// What says how weights begin and are trained, what computes them, and shapes that the weights have anyway.
    static bool is_harmless(std::string_view option) {
        constexpr std::array known{"name",
                                   "trainable",
                                   "dtype",
                                   "batch_input_shape",
                                   "batch_shape",
                                   "batch_size",
                                   "input_shape",
                                   "input_dim",
                                   "input_dtype",
                                   "input_length",
                                   "input_spec",
                                   "implementation",
                                   "consume_less",
                                   "unroll",
                                   "stateful",
                                   "return_state",
                                   "zero_output_for_mask",
                                   "seed",
                                   "use_cudnn",
                                   "build_input_shape",
                                   "rng_type",
                                   "force_generator",
                                   "unit_forget_bias",
                                   "synchronized",
                                   "fused",
                                   "momentum",
                                   "lora_rank",
                                   "lora_alpha",
                                   "optional",
                                   "sparse",
                                   "ragged",
                                   "autocast"};
        return std::find(known.begin(), known.end(), option) != known.end() || option.ends_with("_initializer") ||
               option.ends_with("_regularizer") || option.ends_with("_constraint");
    }

    const Input* input_;
    const Json* config_;
    std::string name_, class_name_, label_;
    std::set<std::string, std::less<>> asked_;
};

} // namespace carousel::detail::keras
