// Walks through the layers of a model that have modules in PyTorch, whatever holds them.
#pragma once

#include "carousel/io/pytorch/norm_layers.hpp"
#include "carousel/layer/activate.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/layer/softmax.hpp"
#include "carousel/model/model_file.hpp"

#include <string>
#include <type_traits>

namespace carousel::inline CAROUSEL_ABI::detail {

template <class L>
inline constexpr bool is_any_layer = false;
template <class S>
inline constexpr bool is_any_layer<AnyLayer<S>> = true;
template <class L>
inline constexpr bool is_residual = false;
template <class L>
inline constexpr bool is_residual<Residual<L>> = true;

/// f(the layer inside) if it is of one of the types; else returns false.
template <class... Types, class Any, class F>
bool with_target(Any& layer, F&& f) {
    const auto try_one = [&](auto* inside) {
        if (inside)
            f(*inside);
        return inside != nullptr;
    };
    return (try_one(layer.template target<Types>()) || ...);
}

/// The same of recurrent layers, also as those of a Bidirectional.
template <class... Recurrents, class Any, class F>
bool with_recurrent_target(Any& layer, F&& f) {
    return with_target<Recurrents..., Bidirectional<Recurrents>...>(layer, f);
}

/// What an AnyLayer may hold: the types that loaders make, and what is refused with a reason.
template <class S, class Any, class F>
bool with_any_target(Any& layer, F&& f) {
    constexpr Index D = Dynamic;
    return with_recurrent_target<LSTM<S>, GRU<S>, SimpleRNN<S>, CoupledLSTM<S>, GRU<S, D, D, Reset::before>,
                                 LSTM<S, D, D, ChosenGates>, CoupledLSTM<S, D, D, ChosenGates>,
                                 GRU<S, D, D, Reset::after, ChosenGates>, GRU<S, D, D, Reset::before, ChosenGates>,
                                 LSTM<S, D, D, FastGates>, GRU<S, D, D, Reset::after, FastGates>>(layer, f) ||
           with_target<Dense<S>, Embedding<S>, Conv1D<S>, BatchNorm<S>, LayerNorm<S>, PReLU<S>, Model<S>,
                       Residual<Model<S>>, LastStep, BothEnds, Dropout, Softmax, Activate>(layer, f);
}

/// "layer 2" as a part of a model is "layer 1: layer 2".
inline std::string place_text(const std::string& outer, std::size_t k) {
    return outer + (outer.empty() ? "" : ": ") + "layer " + std::to_string(k);
}

/// f(path, place, layer) for every layer, in their order: its path as nn.Sequential counts ("0", "2.1"; "" if there is no
/// row of layers) and its place in messages. Rows and residuals are walked through.
template <class L, class F>
void each_torch_layer(L& layer, F&& f, const std::string& path = "", const std::string& place = "") {
    using Layer = std::remove_const_t<L>;
    if constexpr (requires { layer.each_layer([](std::size_t, auto&) {}); })
        layer.each_layer([&](std::size_t k, auto& inner) {
            each_torch_layer(inner, f, path + (path.empty() ? "" : ".") + std::to_string(k), place_text(place, k));
        });
    else if constexpr (is_residual<Layer>)
        each_torch_layer(layer.layer(), f, path, place);
    else if constexpr (is_any_layer<Layer>) {
        if (!with_any_target<typename Layer::Scalar>(layer,
                                                     [&](auto& inside) { each_torch_layer(inside, f, path, place); }))
            f(path, place, layer);
    } else
        f(path, place, layer);
}

/// Whether a layer has parameters.
template <class L>
bool has_parameters(const L& layer) {
    bool any = false;
    layer.each_parameter([&](const std::string&, const auto&) { any = true; });
    return any;
}

/// "layer 2 (Dense 16 -> 2)"
template <class L>
std::string layer_text(const std::string& place, const L& layer) {
    std::string text = place.empty() ? "the " + layer.name() : place + " (" + layer.name();
    if constexpr (HasTorchLayer<L>) {
        const LayerNeed need = TorchLayer<L>::need(layer);
        text += " " + std::to_string(need.input) + " -> " + std::to_string(need.output);
    }
    return text + (place.empty() ? "" : ")");
}

} // namespace carousel::detail
