// LayerDescription: what a layer is, without its weights, as values that can be written to a file and read back.
#pragma once

#include "carousel/core/settings.hpp"

#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// The type of a layer by its name, what makes it again (sizes, rates and settings, in the order the layer says them), and
/// the layers inside it.
struct LayerDescription {
    /// The type's name ("LSTM"), its values by name, and the layers inside.
    std::string type;
    std::vector<std::pair<std::string, SettingValue>> values;
    std::vector<LayerDescription> layers = {};

    bool operator==(const LayerDescription&) const = default;
};

/// Of any layer: its each_option and each_setting, and of one that has layers inside (each_inner), its each_option and
/// theirs. Of one that stands in another's place (described()), the other.
template <class L>
LayerDescription describe(const L& layer) {
    if constexpr (requires { layer.describe(); })
        return layer.describe();
    else if constexpr (requires { layer.described(); })
        return describe(layer.described());
    else {
        LayerDescription description{layer.name(), {}};
        const auto add = [&](const std::string& name, const auto& value) {
            description.values.emplace_back(name, detail::setting_value(value));
        };
        if constexpr (requires { layer.each_option(add); })
            layer.each_option(add);
        const auto inner = [&](const auto& part) { description.layers.push_back(describe(part)); };
        if constexpr (requires { layer.each_inner(inner); })
            layer.each_inner(inner);
        else
            detail::each_setting(layer, "", add);
        return description;
    }
}

} // namespace carousel
