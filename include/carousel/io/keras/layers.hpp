// What a Keras model's config says of its layers: specs, of which no layer is made here. Needs nlohmann-json.
#pragma once

#include "carousel/io/keras/activation.hpp"
#include "carousel/io/keras/chain.hpp"
#include "carousel/io/keras/options.hpp"
#include "carousel/io/keras/recurrent_config.hpp"
#include "carousel/io/keras/spec.hpp"
#include "carousel/io/keras/stepwise_config.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

/// What is known of the numbers that a layer is given.
struct Flow {
    bool steps = true;                          ///< whether there are steps, or one vector
    std::optional<Index> length = std::nullopt; ///< how many, if the file says so
    /// Keras' go_backwards gives the last step first. Then the steps here stand in the other order than Keras'.
    bool backwards = false;
};

class LayerReader {
  public:
    /// `version` is what the file says.
    LayerReader(Version version, const KerasOptions& options)
        : version_{version.major != 0 ? version.major : options.version}, options_(options) {}

    /// The layers of a chain, without those that compute nothing. Throws std::runtime_error, naming layer, class, option
    /// and value, if one can't be had.
    std::vector<LayerDescription> read(const Input& input, const Chain& chain) {
        std::vector<LayerDescription> layers;
        std::vector<Flow> skipped; // what is known where sums began that haven't ended
        input.check(chain.layers.size() <= most_layers, "the model has ", chain.layers.size(),
                    " layers, expected at most ", most_layers);
        bool wanted = options_.first_layer.empty(), begun = wanted, ended = false;
        for (const Link& link : chain.layers) {
            LayerConfig config(input, *link.layer);
            const ClassNumber place = number(link.within, *link.layer, config);
            std::vector<ClassNumber> within;
            bool trainable = config.trainable() && config.trainable("layer", true);
            bool reverse_trainable = config.trainable() && config.trainable("backward_layer", trainable);
            for (std::size_t k = 0; k < link.within.size(); ++k) {
                const LayerConfig outer(input, *link.within[k]);
                within.push_back(number({link.within.begin(), link.within.begin() + static_cast<std::ptrdiff_t>(k)},
                                        *link.within[k], outer));
                trainable = trainable && outer.trainable();
                reverse_trainable = reverse_trainable && outer.trainable();
            }
            wanted = !ended && (wanted || link.called(options_.first_layer));
            if (!wanted)
                continue;
            begun = true;
            const auto add = [&](const Spec& spec) {
                layers.push_back({config.name(), config.class_name(), place.number, config.label(),
                                  config.class_name() == "TimeDistributed", spec, within, trainable,
                                  reverse_trainable});
            };
            if (layers.empty())
                read_input(config);
            if (link.adds) {
                config.finish();
                config.check(!skipped.empty(), "it adds what comes before KerasOptions::first_layer");
                config.check(flow_.backwards == skipped.back().backwards, turned);
                skipped.pop_back();
                add(SkipEndSpec{});
            } else if (config.class_name() != "InputLayer")
                if (const auto spec = read_any(config))
                    add(*spec);
            for (std::size_t k = 0; k < link.skips; ++k) {
                config.check(skipped.size() < most_skips,
                             "what it gives is added to what comes later, within more than ", most_skips,
                             " other such sums");
                skipped.push_back(flow_);
                add(SkipBeginSpec{});
            }
            const Json* const last = options_.last_layer.empty() ? nullptr : link.called(options_.last_layer);
            ended = last && (&link == &chain.layers.back() || !(&link + 1)->is_in(last));
        }
        input.check(begun, "there is no layer \"", options_.first_layer, "\", which KerasOptions::first_layer says");
        input.check(ended || options_.last_layer.empty(), "there is no layer \"", options_.last_layer,
                    "\", which KerasOptions::last_layer says", options_.first_layer.empty() ? "" : ", after the first");
        input.check(
            !layers.empty(), "the model has no layers",
            options_.first_layer.empty() ? "" : " from KerasOptions::first_layer on, \"" + options_.first_layer + "\"");
        place_variables(layers);
        input.check(skipped.empty(), layers.back().label,
                    "it is KerasOptions::last_layer, after which something from before it is added");
        input.check(!flow_.backwards, layers.back().label,
                    "it ends the model with the steps in reversed order, as "
                    "go_backwards with return_sequences leaves them, which can't be had");
        input.check(!chain.masked || options_.lengths_for_masks, "its layers are given masks", masks);
        return layers;
    }

  private:
    /// Which of its class it is among the layers of the innermost of these models.
    ClassNumber number(const std::vector<const Json*>& within, const Json& layer, const LayerConfig& config) {
        const Json* const model = within.empty() ? nullptr : within.back();
        const auto [known, added] = numbers_.emplace(&layer, 0);
        if (added)
            known->second = count_[{model, config.class_name()}]++;
        return {config.name(), config.class_name(), known->second};
    }

    static constexpr std::size_t most_skips = 16;   ///< inside one another, which the layers made of them are, too
    static constexpr Index longest = 1'000'000'000; ///< steps; a length beyond it isn't known
    static constexpr const char* vector = "it is given a vector, expected steps";
    static constexpr const char* turned =
        "it comes after a layer with go_backwards and return_sequences, which can't be had";
    static constexpr const char* masks = "; Keras then leaves steps out by their values, here sequences have lengths: "
                                         "leave such steps out of the data or "
                                         "say its lengths, and set KerasOptions::lengths_for_masks to load it";

    /// Says what the model is given, from the shape at its first layer.
    void read_input(LayerConfig& layer) {
        const Json* shape = layer.find("batch_shape");
        if (!shape)
            shape = layer.find("batch_input_shape");
        if (!shape)
            return;
        const bool tokens = layer.class_name() == "Embedding";
        layer.check(shape->is_array() && (shape->size() == 2 || (shape->size() == 3 && !tokens)),
                    "the model's input has the shape ", excerpt(*shape), ", expected (batch, steps, features)",
                    ", (batch, features) or, of tokens, (batch, steps)");
        flow_.steps = shape->size() == 3 || tokens;
        input_dimensions_ = shape->size();
        const Json& length = (*shape)[1];
        if (length.is_number_integer() && length >= 1 && length <= longest)
            flow_.length = length.get<Index>();
    }

    /// None: it computes nothing.
    std::optional<Spec> read_any(LayerConfig& layer) {
        std::optional<Spec> spec;
        if (layer.class_name() == "TimeDistributed") {
            LayerConfig inner = layer.inner("layer");
            spec = read_wrapped(inner);
            inner.finish();
        } else
            spec = read_layer(layer);
        layer.finish();
        return spec;
    }

    std::optional<Spec> read_layer(LayerConfig& layer) {
        const std::string& name = layer.class_name();
        const bool first = std::exchange(first_, false);
        if (name == "Embedding") {
            layer.check(first, "it isn't the first layer");
            layer.check(input_dimensions_ != 3, "it is given (batch, steps, features), expected (batch, steps)");
            flow_.steps = true;
            return read_embedding(layer);
        }
        if (name == "LSTM" || name == "GRU" || name == "SimpleRNN") {
            layer.check(flow_.steps, vector);
            return advance(read_recurrent(layer, version_));
        }
        if (name == "Bidirectional") {
            layer.check(flow_.steps, vector);
            layer.check(!flow_.backwards, turned);
            return advance(read_bidirectional(layer, version_));
        }
        if (name == "Conv1D" || name == "Convolution1D")
            return read_conv(layer);
        if (name == "SpatialDropout1D")
            return DropoutSpec{layer.rate("rate"), true};
        if (name == "Masking") {
            layer.find("mask_value");
            layer.check(options_.lengths_for_masks, "it masks steps", masks);
            return std::nullopt;
        }
        if (name == "Flatten" && !flow_.steps) {
            layer.find("data_format");
            return std::nullopt;
        }
        return read_stepwise(layer);
    }

    Spec read_wrapped(LayerConfig& layer) {
        layer.check(flow_.steps, vector);
        first_ = false;
        return *read_stepwise(layer);
    }

    /// Layers that do the same at every step.
    std::optional<Spec> read_stepwise(LayerConfig& layer) {
        const std::string& name = layer.class_name();
        if (name == "Dense")
            return DenseSpec{layer.size("units"), function_option(layer, "activation", version_, "linear"),
                             layer.flag("use_bias", true)};
        if (name == "Dropout")
            return read_dropout(layer, flow_.steps);
        if (name == "BatchNormalization")
            return read_batch_norm(layer, flow_.steps);
        if (name == "LayerNormalization")
            return read_layer_norm(layer, flow_.steps);
        if (name == "Normalization")
            return read_normalization(layer, flow_.steps);
        if (name == "Rescaling")
            return read_rescaling(layer);
        if (name == "PReLU") {
            layer.find("shared_axes"); // which its variable's shape shows
            return PReluSpec{};
        }
        if (const auto function = function_layer(layer, version_))
            return *function;
        layer.check(false,
                    "layers of this class can't be loaded; expected LSTM, GRU, SimpleRNN, Bidirectional, "
                    "TimeDistributed, Dense, Embedding, Conv1D, BatchNormalization, LayerNormalization, Normalization, "
                    "Rescaling, Dropout, SpatialDropout1D, Activation, ReLU, LeakyReLU, PReLU, ELU, ThresholdedReLU, "
                    "Softmax, Masking, or Add of a layer's input and output");
        return std::nullopt;
    }

    /// Directions as they are here, and what follows for the layers after it.
    Spec advance(RecurrentSpec spec) {
        const bool keras_reverse = spec.reverse;
        spec.reverse = keras_reverse != flow_.backwards;
        if (spec.outputs == Outputs::all)
            flow_.backwards = keras_reverse != flow_.backwards;
        else {
            spec.outputs = spec.reverse ? Outputs::first : Outputs::last;
            flow_ = {.steps = false};
        }
        return spec;
    }

    Spec advance(const BidirectionalSpec& spec) {
        if (spec.outputs == Outputs::both)
            flow_ = {.steps = false};
        return spec;
    }

    Spec read_conv(LayerConfig& layer) {
        Conv1DSpec spec{layer.size("filters"),
                        layer.size("kernel_size"),
                        layer.size("strides", 1),
                        layer.size("dilation_rate", 1),
                        false,
                        function_option(layer, "activation", version_, "linear"),
                        layer.flag("use_bias", true)};
        layer.check(flow_.steps, vector);
        if (layer.text("data_format", "channels_last") != "channels_last")
            layer.refuse("data_format", "channels_last");
        if (layer.size("groups", 1) != 1)
            layer.refuse("groups", "1");
        const std::string padding = layer.text("padding", "valid");
        spec.causal = padding == "causal";
        if (padding != "causal" && padding != "valid" && !(padding == "same" && same_is_valid(spec)))
            layer.refuse("padding",
                         padding == "same" ? "causal, valid, or same where it pads nothing" : "causal or valid");
        layer.check(!flow_.backwards, turned);
        const Index reach = (spec.kernel - 1) * spec.dilation + 1;
        if (flow_.length && !spec.causal) {
            layer.check(*flow_.length >= reach, "it needs ", reach, " steps, the model's input gives it ",
                        *flow_.length);
            *flow_.length -= reach - 1;
        }
        if (flow_.length)
            flow_.length = (*flow_.length - 1) / spec.stride + 1;
        return spec;
    }
    /// Whether "same" adds no steps to an input of the length that the file says.
    bool same_is_valid(const Conv1DSpec& spec) const {
        const Index reach = (spec.kernel - 1) * spec.dilation + 1;
        if (reach == 1)
            return true;
        return flow_.length && ((*flow_.length - 1) / spec.stride) * spec.stride + reach <= *flow_.length;
    }

    Spec read_embedding(LayerConfig& layer) {
        const EmbeddingSpec spec{layer.size("input_dim"), layer.size("output_dim")};
        if (layer.flag("mask_zero", false) && !options_.lengths_for_masks)
            layer.check(false, "option mask_zero is true", masks);
        return spec;
    }

    Version version_;
    const KerasOptions& options_;
    std::map<std::pair<const Json*, std::string>, Index> count_; // of layers of a class in a model
    std::map<const Json*, Index> numbers_;                       // of layers
    Flow flow_;
    bool first_ = true;
    std::size_t input_dimensions_ = 0; // 0: the file doesn't say
};

} // namespace carousel::detail::keras
