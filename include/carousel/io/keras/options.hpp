// KerasOptions: how a Keras model is loaded.
#pragma once

#include "carousel/core/build.hpp"

#include <string>

namespace carousel::inline CAROUSEL_ABI {

struct KerasOptions {
    /// 2 or 3: which Keras wrote a file that doesn't say so. It matters to "hard_sigmoid", and to a GRU
    /// whose config doesn't say reset_after: Keras 3 resets after the product then, others before it.
    int version = 0;
    /// Loads models that leave out steps by their values (Embedding's mask_zero, Masking). They compute what Keras
    /// computes if such steps aren't given to them: shorter sequences, with their lengths in a batch.
    bool lengths_for_masks = false;
    /// Names of layers: only those from the first to the last, as a part that can be loaded of a model that can't. A model
    /// that is a layer stands for all of its layers. Empty: to either end.
    std::string first_layer = {}, last_layer = {};
};

} // namespace carousel
