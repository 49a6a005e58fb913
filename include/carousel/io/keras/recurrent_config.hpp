// What a Keras model's config says of a recurrent layer, alone or in both directions. Needs nlohmann-json.
#pragma once

#include "carousel/io/keras/activation.hpp"
#include "carousel/io/keras/layer_config.hpp"
#include "carousel/io/keras/spec.hpp"

#include <string>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

/// An LSTM, GRU or SimpleRNN. Throws std::runtime_error if an option can't be had.
inline RecurrentSpec read_recurrent(LayerConfig& layer, Version version) {
    using Cell = RecurrentSpec::Cell;
    const std::string& name = layer.class_name();
    RecurrentSpec spec{Cell::simple, layer.size("units")};
    if (name == "LSTM")
        spec.cell = Cell::lstm;
    if (name == "GRU") // Keras 2's first versions had no reset_after
        spec.cell = layer.flag("reset_after", version.major == 3) ? Cell::gru_after : Cell::gru_before;
    const Function activation = function_option(layer, "activation", version, "tanh");
    if (activation.softmax)
        layer.refuse("activation", "an elementwise function");
    spec.activation = activation.elementwise;
    if (spec.cell != Cell::simple) {
        const Function gate = function_option(layer, "recurrent_activation", version, "sigmoid");
        if (gate.softmax)
            layer.refuse("recurrent_activation", "an elementwise function");
        spec.gate = gate.elementwise;
    }
    spec.bias = layer.flag("use_bias", true);
    spec.input_dropout = layer.rate("dropout");
    spec.recurrent_dropout = layer.rate("recurrent_dropout");
    spec.reverse = layer.flag("go_backwards", false);
    spec.outputs = layer.flag("return_sequences", false) ? Outputs::all : Outputs::last;
    spec.stateful = layer.flag("stateful", false);
    if (layer.flag("time_major", false))
        layer.refuse("time_major", "false");
    return spec;
}

/// A Bidirectional layer. Throws std::runtime_error if an option can't be had.
inline BidirectionalSpec read_bidirectional(LayerConfig& layer, Version version) {
    LayerConfig forward = layer.inner("layer");
    const std::string& name = forward.class_name();
    forward.check(name == "LSTM" || name == "GRU" || name == "SimpleRNN",
                  "it can't be made bidirectional; expected LSTM, GRU or SimpleRNN");
    RecurrentSpec spec = read_recurrent(forward, version);
    forward.finish();
    if (spec.reverse)
        forward.refuse("go_backwards", "false in the layer that runs forward");
    if (layer.find("backward_layer")) {
        LayerConfig backward = layer.inner("backward_layer");
        backward.check(backward.class_name() == name, "it is of another class than the layer that runs forward, ",
                       name);
        const RecurrentSpec other = read_recurrent(backward, version);
        backward.finish();
        if (!other.reverse)
            backward.refuse("go_backwards", "true in the layer that runs backward");
        const auto same = [&](const char* option, bool equal) {
            if (!equal)
                backward.refuse(option, "the same as in the layer that runs forward");
        };
        same("reset_after", other.cell == spec.cell);
        same("units", other.units == spec.units);
        same("activation", other.activation == spec.activation);
        same("recurrent_activation", other.gate == spec.gate);
        same("use_bias", other.bias == spec.bias);
        same("dropout", other.input_dropout == spec.input_dropout);
        same("recurrent_dropout", other.recurrent_dropout == spec.recurrent_dropout);
        same("return_sequences", other.outputs == spec.outputs);
    }
    const std::string merge = layer.has("merge_mode") ? layer.text("merge_mode", "none") : "concat";
    if (merge != "concat" && merge != "sum" && merge != "ave")
        layer.refuse("merge_mode", "concat, sum or ave");
    BidirectionalSpec both{merge == "concat" ? Merge::concatenate
                           : merge == "sum"  ? Merge::sum
                                             : Merge::average,
                           spec, spec.outputs == Outputs::all ? Outputs::all : Outputs::both};
    both.forward.outputs = Outputs::all;
    if (both.outputs == Outputs::both && merge != "concat")
        layer.refuse("merge_mode", "concat where return_sequences is false");
    return both;
}

} // namespace carousel::detail::keras
