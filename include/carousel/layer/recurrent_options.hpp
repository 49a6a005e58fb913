// RecurrentOptions: what a recurrent layer of any cell can be told.
#pragma once

#include "carousel/layer/initializer.hpp"

#include <cstdint>
#include <optional>

namespace carousel::inline CAROUSEL_ABI {

/// What every recurrent layer may be told, whatever its cell.
struct RecurrentOptions {
    /// Runs from each sequence's last real step to its first; outputs stand at their inputs' steps.
    bool reverse = false;
    Initializer W = initializer::glorot_uniform();
    Initializer U = initializer::orthogonal();
    /// Of b; by default what the cell says (an LSTM's forget gate 1, everything else 0).
    std::optional<Initializer> b = std::nullopt;
    Initializer P = initializer::zeros();             ///< peepholes
    std::optional<std::uint64_t> seed = std::nullopt; ///< by default every layer of a program draws other numbers
    /// In training U multiplies m∘h₋ with one mask m a sequence, its numbers 0 with this probability, else 1/(1 − rate): Gal &
    /// Ghahramani (2016), "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks". For the input
    /// there is Dropout{rate, {.per_sequence = true}}. A chunk of truncated BPTT has a mask of its own.
    double recurrent_dropout = 0;
    /// In training each number of h (zoneout) and of every further state, an LSTM's c (zoneout_cell), keeps its old value for
    /// a step with this probability; in inference the state moves by the mean: Krueger et al. (2017), "Zoneout:
    /// Regularizing RNNs by Randomly Preserving Hidden Activations".
    double zoneout = 0, zoneout_cell = 0;
    bool initialize =
        true; ///< false: parameters start as zero and nothing is drawn, for a model that is loaded at once
};

} // namespace carousel
