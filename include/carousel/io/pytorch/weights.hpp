// A model's weights from a file's modules, and its tensors under PyTorch's names.
#pragma once

#include "carousel/io/pytorch/walk.hpp"
#include "carousel/model/fast_gates.hpp"

#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Gives the layers of a model the weights of the modules. `names`: which modules, in the order of the layers that have
/// weights; empty: found by kind and sizes. Throws, changing nothing, if anything doesn't fit.
template <class Model>
void set_torch_weights(Model& model, TorchMatch& match, const std::vector<std::string>& names, bool allow_extra,
                       const Input& input) {
    std::vector<const TorchUnit*> units;
    std::size_t module = 0; // of names
    each_torch_layer(std::as_const(model), [&](const std::string&, const std::string& place, const auto& layer) {
        using L = std::remove_cvref_t<decltype(layer)>;
        if (!has_parameters(layer))
            return;
        const std::string what = layer_text(place, layer);
        if constexpr (HasTorchLayer<L>) {
            const std::string unlike = TorchLayer<L>::unlike(layer);
            input.check(unlike.empty(), what, " ", unlike, ", which no module of PyTorch does");
            LayerNeed need = TorchLayer<L>::need(layer);
            need.what = what;
            if (!names.empty() && !(need.kind == TorchKind::recurrent && match.following())) {
                input.check(module < names.size(), what, " has no name among the ", names.size(),
                            " of the option modules");
                need.module = names[module++];
            }
            units.push_back(&match.take(need));
            const std::string refused = TorchLayer<L>::refused(layer, *units.back());
            input.check(refused.empty(), what, " ", refused);
        } else
            input.check(false, what, " is of a type that has no module in PyTorch");
    });
    input.check(!units.empty(), "the model has no layer with weights");
    input.check(module == names.size(), "the option modules has \"", module < names.size() ? names[module] : "",
                "\", for which there is no layer");
    if (!allow_extra)
        match.expect_no_more();
    std::size_t k = 0;
    each_torch_layer(model, [&](const std::string&, const std::string&, auto& layer) {
        using L = std::remove_cvref_t<decltype(layer)>;
        if constexpr (HasTorchLayer<L>)
            TorchLayer<L>::set(layer, *units[k++]);
    });
}

/// A model's tensors under PyTorch's names. `names`: of the modules, in the order of the layers with weights, the same one
/// after the other for the levels of one nn.LSTM; empty: as nn.Sequential counts. Throws std::invalid_argument if PyTorch
/// has no such layer or a name is missing or twice.
template <class Model>
std::vector<NamedTensor> torch_tensors(const Model& model, const std::vector<std::string>& names, const char* where) {
    std::vector<NamedTensor> tensors;
    std::size_t k = 0;
    Index level = 0;
    std::string last;
    LayerNeed first; // of a module's levels
    bool first_is_relu = false;
    each_torch_layer(model, [&](const std::string& path, const std::string& place, const auto& layer) {
        using L = std::remove_cvref_t<decltype(layer)>;
        if (!has_parameters(layer))
            return;
        const std::string what = layer_text(place, layer);
        if constexpr (HasTorchLayer<L>) {
            for (const std::string& unlike : {TorchLayer<L>::unlike(layer), TorchLayer<L>::unsaid(layer)})
                require(unlike.empty(), where, what, " ", unlike, ", which no module of PyTorch does",
                        fast_gates_advice(layer));
            require(names.empty() || k < names.size(), where, what, " has no name among the ", names.size(),
                    " of the option modules");
            const std::string module = names.empty() ? path : names[k];
            const LayerNeed need = TorchLayer<L>::need(layer);
            level = k > 0 && need.kind == TorchKind::recurrent && module == last ? level + 1 : 0;
            if (level == 0) {
                first = need;
                first_is_relu = is_relu_rnn(layer);
            }
            require(need.gates == first.gates && need.output == first.output &&
                        need.bidirectional == first.bidirectional,
                    where, what, " can't be a level of the module \"", module,
                    "\", whose first level is of another kind or size; give it another name");
            require(is_relu_rnn(layer) == first_is_relu, where, what, " can't be a level of the module \"", module,
                    "\", whose first level has another activation; give it another name");
            last = module;
            ++k;
            TorchLayer<L>::tensors(layer, module.empty() ? "" : module + ".", level, tensors);
        } else
            require(false, where, what, " is of a type that has no module in PyTorch");
    });
    require(k >= names.size(), where, "there are ", names.size(), " names of modules for ", k, " layers with weights");
    return tensors;
}

} // namespace carousel::detail
