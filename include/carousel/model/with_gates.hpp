// with_gates: a model with other functions in its LSTM and GRU layers.
#pragma once

#include "carousel/model/fast_gates.hpp"
#include "carousel/model/layer_registry.hpp"

#include <array>
#include <concepts>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// Gives each LSTM and GRU whose functions are from.σ and from.tanh the others; those of other functions keep theirs.
inline void exchange_gates(LayerDescription& layer, const std::array<std::string, 2>& from,
                           const std::array<std::string, 2>& to) {
    const auto is_function = [](const std::string& name) {
        return name == "gate" || name == "candidate" || name == "output";
    };
    bool all = is_gated(layer);
    for (const auto& [name, value] : layer.values)
        if (is_function(name))
            all = all && value == SettingValue(from[name != "gate"]);
    for (auto& [name, value] : layer.values)
        if (is_function(name) && all)
            value = to[name != "gate"];
    for (LayerDescription& inner : layer.layers)
        exchange_gates(inner, from, to);
}

} // namespace detail

/// A copy of a model in which every LSTM and GRU with FastGates has StandardGates, or the reverse; layers with functions of their
/// own choice keep them, and all other layers stay as they are:
///
///     const Model<float> fast = with_gates<FastGates>(load_nam("amp.nam").model);
///     save_nam("again.nam", with_gates<StandardGates>(fast));
///
/// The parameters are the model's, so the copy computes the same to 2e-6 a function. `registry` says how layers of the program's
/// own are made. Throws std::invalid_argument if it doesn't know one.
template <class Gates, std::floating_point S>
requires std::same_as<Gates, FastGates> || std::same_as<Gates, StandardGates> Model<S>
with_gates(const Model<S>& model, const LayerRegistry<S>& registry = {}) {
    const std::array<std::string, 2> exact{description(StandardGates::f), description(StandardGates::g)},
        fast{FastGates::sigmoid_name, FastGates::tanh_name};
    constexpr bool to_fast = std::same_as<Gates, FastGates>;
    LayerDescription layers = describe(model);
    detail::exchange_gates(layers, to_fast ? exact : fast, to_fast ? fast : exact);
    Model<S> copy = registry.make_model(layers);

    std::vector<const Parameter<S>*> values;
    model.each_parameter([&](const std::string&, const Parameter<S>& p) { values.push_back(&p); });
    std::size_t k = 0;
    copy.each_parameter([&](const std::string& name, Parameter<S>& p) {
        require(k < values.size(), "with_gates", "the copy has a parameter more, ", name);
        p = *values[k++];
    });
    require(k == values.size(), "with_gates", "the copy has ", k, " parameters, expected ", values.size());
    return copy;
}

} // namespace carousel
