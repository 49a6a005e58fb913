// AttentionOptions: how an Attention compares, and how its parameters begin.
#pragma once

#include "carousel/layer/initializer.hpp"

#include <optional>

namespace carousel::inline CAROUSEL_ABI {

/// What says how well a query h fits a step m that is remembered.
enum class AttentionScore {
    dot,     ///< hᵀ·m (Luong et al. 2015, equation 8)
    general, ///< (W·h)ᵀ·m, the same with a matrix; Luong's W_a is our Wᵀ
    additive ///< vᵀ·tanh(W·h + U·m) (Bahdanau et al. 2015, section A.1.2)
};

/// What an Attention may be told.
struct AttentionOptions {
    /// How well a query fits what is remembered.
    AttentionScore score = AttentionScore::general;
    Index units = 0;        ///< of an additive score: rows of W, U and v; 0: as many as the query has features
    Index stream_steps = 0; ///< a Stream makes room for so many remembered steps; with 0 it can't be streamed
    Initializer W = initializer::glorot_uniform();
    Initializer U = initializer::glorot_uniform();
    Initializer v = initializer::glorot_uniform();
    std::optional<std::uint64_t> seed = std::nullopt; ///< by default every layer of a program draws other numbers
    bool initialize =
        true; ///< false: parameters start as zero and nothing is drawn, for a model that is loaded at once
};

namespace detail {

inline const char* description(AttentionScore score) {
    return score == AttentionScore::dot ? "dot" : score == AttentionScore::general ? "general" : "additive";
}

} // namespace detail

} // namespace carousel
