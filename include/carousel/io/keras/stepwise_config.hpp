// The options of Keras' layers that do the same at every step: Dropout, normalizations, Rescaling. `steps`: whether there are
// steps, or one vector. Needs nlohmann-json.
#pragma once

#include "carousel/io/keras/layer_config.hpp"
#include "carousel/io/keras/spec.hpp"

#include <cmath>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

inline Spec read_dropout(LayerConfig& layer, bool steps) {
    const double rate = layer.number("rate", layer.number("p", 0)); // "p" is Keras 1's
    if (!(rate >= 0 && rate < 1))
        layer.refuse(layer.has("rate") ? "rate" : "p", "0 <= rate < 1");
    const Json* const shape = layer.find("noise_shape");
    if (!shape)
        return DropoutSpec{rate};
    const bool per_sequence =
        steps && shape->is_array() && shape->size() == 3 && (*shape)[0] != 1 && (*shape)[1] == 1 && (*shape)[2] != 1;
    if (!per_sequence)
        layer.refuse("noise_shape", "null, or (batch, 1, features), of which neither the first nor the last is 1");
    return DropoutSpec{rate, true};
}

inline void check_feature_axis(LayerConfig& layer, bool steps) {
    const Index features = steps ? 2 : 1; // the axis
    const Json* axis = layer.find("axis");
    if (axis && axis->is_array() && axis->size() == 1)
        axis = &(*axis)[0];
    if (axis && *axis != -1 && *axis != features)
        layer.refuse("axis", "-1, the features");
}

inline Spec read_normalization(LayerConfig& layer, bool steps) {
    if (layer.flag("invert", false))
        layer.refuse("invert", "false");
    check_feature_axis(layer, steps);
    return NormalizationSpec{};
}

inline Spec read_batch_norm(LayerConfig& layer, bool steps) {
    const BatchNormSpec spec{layer.number("epsilon", 1e-3), layer.flag("scale", true), layer.flag("center", true)};
    if (!(spec.epsilon >= 0 && spec.epsilon < 1))
        layer.refuse("epsilon", "0 <= epsilon < 1");
    if (layer.flag("renorm", false))
        layer.refuse("renorm", "false");
    layer.find("renorm_clipping"), layer.find("renorm_momentum"), layer.find("virtual_batch_size");
    check_feature_axis(layer, steps);
    return spec;
}

inline Spec read_layer_norm(LayerConfig& layer, bool steps) {
    const LayerNormSpec spec{layer.number("epsilon", 1e-3), layer.flag("scale", true), layer.flag("center", true)};
    if (!(spec.epsilon > 0 && spec.epsilon < 1))
        layer.refuse("epsilon", "0 < epsilon < 1");
    if (layer.flag("rms_scaling", false))
        layer.refuse("rms_scaling", "false");
    check_feature_axis(layer, steps);
    return spec;
}

inline Spec read_rescaling(LayerConfig& layer) {
    constexpr double most = 1e30; // so that a float can hold them
    const double scale = layer.number("scale", 1), offset = layer.number("offset", 0);
    layer.check(std::abs(scale) <= most && std::abs(offset) <= most, "it multiplies by ", scale, " and adds ", offset,
                ", expected numbers of at most ", most);
    return Function{Activation::affine(scale, offset)};
}

} // namespace carousel::detail::keras
