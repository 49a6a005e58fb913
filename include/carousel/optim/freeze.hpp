// freeze, unfreeze: parameters that a training leaves as they are, by layer or by name.
#pragma once

#include "carousel/core/name_pattern.hpp"
#include "carousel/core/parameter.hpp"
#include "carousel/core/require.hpp"

#include <string>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

template <class Layer>
Index set_trainable(Layer& layer, const std::string& names, bool trainable, const char* where) {
    Index count = 0;
    std::string first;
    layer.each_parameter([&](const std::string& name, auto& parameter) {
        if (first.empty())
            first = name;
        if (!matches(names, name))
            return;
        parameter.set_trainable(trainable);
        ++count;
    });
    require(count > 0 || names == "*", where, "no parameter is named \"", names, "\"; ",
            first.empty() ? std::string("there is none") : "the first is \"" + first + "\"",
            ", and * stands for any characters");
    return count;
}

} // namespace detail

/// Freezes the parameters with these names, in which * stands for any characters, of a layer or a model:
///
///     freeze(model.layer<0>());      // all of the first layer; of a Model model.layer(0)
///     freeze(model, "0.*");          // the same
///     freeze(model, "*.Embedding.table");
///
/// A frozen parameter is as it is: no optimizer changes it, not by weight decay either, and clipping and the norm of the
/// gradients don't count it. An optimizer that is made afterwards has no moments for it; one that was made before keeps what it has
/// for it. Backward passes go through as ever. A copy of the model is frozen likewise, a file says nothing of it: as the rule's
/// settings it is the program's.
/// Returns how many parameters have such a name. Throws std::invalid_argument if none has.
template <class Layer>
Index freeze(Layer& layer, const std::string& names = "*") {
    return detail::set_trainable(layer, names, false, "freeze");
}

/// They are trained again: with the moments from before, or, if the optimizer has none, from zero ones, for which its next step takes
/// memory. Returns and throws as freeze.
template <class Layer>
Index unfreeze(Layer& layer, const std::string& names = "*") {
    return detail::set_trainable(layer, names, true, "unfreeze");
}

} // namespace carousel
