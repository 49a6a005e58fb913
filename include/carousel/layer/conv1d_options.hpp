// Conv1DOptions: what a Conv1D is, besides its sizes.
#pragma once

#include "carousel/cell/activation.hpp"
#include "carousel/layer/initializer.hpp"

#include <cstdint>
#include <optional>

namespace carousel::inline CAROUSEL_ABI {

/// What a convolution sees before a sequence begins.
enum class Padding {
    causal, ///< zeros, or the end of the chunk before: there is an output for every step (with stride 1)
    valid   ///< nothing: the first output needs a whole window
};

/// What a Conv1D may be told.
struct Conv1DOptions {
    Index dilation = 1; ///< steps from one tap of the kernel to the next
    Index stride = 1;   ///< steps from one output to the next
    Padding padding = Padding::causal;
    Activation activation = Activation::linear;
    Initializer W = initializer::glorot_uniform();
    Initializer b = initializer::zeros();
    std::optional<std::uint64_t> seed = std::nullopt; ///< by default every layer of a program draws other numbers
    bool initialize =
        true; ///< false: parameters start as zero and nothing is drawn, for a model that is loaded at once
};

} // namespace carousel
