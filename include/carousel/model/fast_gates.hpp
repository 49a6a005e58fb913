// has_fast_gates: whether a layer, or one inside it, has FastGates. Formats of other programs don't know these.
#pragma once

#include "carousel/cell/gates.hpp"
#include "carousel/model/layer_description.hpp"

#include <algorithm>
#include <string>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Whether it is a layer of carousel's whose functions are gates. A layer of the program's own may have settings of these names.
inline bool is_gated(const LayerDescription& layer) {
    return layer.type == "LSTM" || layer.type == "CoupledLSTM" || layer.type == "GRU";
}

inline bool has_fast_gates(const LayerDescription& layer) {
    return (is_gated(layer) && std::ranges::any_of(layer.values,
                                                   [](const auto& value) {
                                                       const auto* const text = std::get_if<std::string>(&value.second);
                                                       return text && *text == FastGates::sigmoid_name;
                                                   })) ||
           std::ranges::any_of(layer.layers, has_fast_gates);
}

/// What a message that refuses to save this layer adds.
template <class L>
std::string fast_gates_advice(const L& layer) {
    return has_fast_gates(describe(layer)) ? "; its FastGates are carousel's own, save "
                                             "with_gates<StandardGates>(model), which differs by 2e-6 a function"
                                           : "";
}

} // namespace carousel::detail
