// A model run on an array: what its dimensions mean, whole sequences or sample by sample, from a state to a state.
#pragma once

#include "arrays/array.hpp"
#include "formats/format.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace tool {

struct RunOptions {
    bool stream = false;      ///< sample by sample
    bool time_major = false;  ///< arrays are (time, batch, features)
    std::vector<float> knobs; ///< the last features of each step
};

struct Outcome {
    Array y;
    carousel::Model<float>::State state; ///< the final one: units × batch of each layer
    Index sequences = 0, steps = 0;      ///< of each
    double seconds = 0;                  ///< for all of them
};

/// x is (time) of one feature or token, (time, features), (batch, time) of tokens, or (batch, time, features). The output is
/// likewise (time), (time, features) or (batch, time, features); of a model that gives one step alone (batch, features). Audio of
/// several channels is run channel by channel if the model takes one feature.
/// `initial` is of one sequence, for all of them, or of as many as there are; empty: zero. `name` is x's in messages.
/// Throws std::runtime_error or std::invalid_argument if x or the state doesn't fit the model.
Outcome run(const carousel::Model<float>& model, const Array& x, const carousel::Model<float>::State& initial,
            const RunOptions& options, const std::string& name);

/// The dimensions of run()'s output. Throws as run() does if x doesn't fit the model.
std::vector<Index> output_shape(const carousel::Model<float>& model, const Array& x, const RunOptions& options,
                                const std::string& name);

/// Why the model can't be run sample by sample; empty if it can.
std::string why_not_streamed(const carousel::Model<float>& model);

/// A state of the model, for the sizes of its matrices.
carousel::Model<float>::State any_state(const carousel::Model<float>& model);

/// "layer 0 (LSTM)": whose each matrix of the state is.
std::vector<std::string> state_owners(const carousel::Model<float>& model);

/// Throws std::runtime_error if the state, of the file `name`, has another number of units than the model's. Empty: zero.
void check_state(const carousel::Model<float>::State& state, const carousel::Model<float>& model,
                 const std::string& name);

/// A state in a safetensors file: a tensor state.0, state.1 … for each matrix, units × batch. Throw std::runtime_error.
carousel::Model<float>::State read_state(const std::filesystem::path& path, const carousel::Model<float>& model);
void write_state(const std::filesystem::path& path, const carousel::Model<float>::State& state);

/// How many numbers a token can be, from 0 on; 0: the model takes features.
Index vocabulary(const carousel::Model<float>& model);

/// Whether the model gives one step, however many it is given.
bool gives_one_step(const carousel::Model<float>& model);

/// Warns of numbers that are NaN or infinite.
void warn_of_nan(const Array& array, const std::string& name);

} // namespace tool
