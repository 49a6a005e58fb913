// Models in the JSON of RTNeural and of AIDA-X. Needs nlohmann-json, so carousel.hpp doesn't include it; in CMake, link
// carousel::rtneural.
#pragma once

#include "carousel/io/replace_file.hpp"
#include "carousel/io/rtneural/layers.hpp"
#include "carousel/io/rtneural/writer.hpp"

#include <filesystem>
#include <limits>

namespace carousel::inline CAROUSEL_ABI {

/// Loads a model that RTNeural's Python scripts or AIDA-X' trainer wrote
/// (https://github.com/jatinchowdhury18/RTNeural, https://github.com/AidaDSP/Automated-GuitarAmpModelling). `source` is a
/// path or the file's bytes in memory.
///
/// Layers: dense, time-distributed-dense, lstm, gru (which resets after the product), conv1d (causal; groups become
/// zeros of a whole kernel), batchnorm, prelu, and activation; with the activations tanh, relu, sigmoid,
/// softmax and elu. As in RTNeural there is an output for every step, also of a model that was trained on the last one
/// alone.
///
/// AIDA-X' in_skip, in_gain and out_gain (dB) become a Gain, a Residual around a Model, and a Gain:
/// y = (f(g·x) + g·x)·g_out. Of a model with knobs, which are its second and third feature, only the signal, the first, has
/// a gain and is added.
///
/// Metadata: "sample_rate" in Hz, if the file has a `samplerate` (AIDA-X takes 48,000 where it has none), the texts of the
/// file's `metadata`, and what else stands beside the layers; numbers as text, objects as JSON. The state is empty: zero.
///
/// Throws std::runtime_error "load_rtneural: path: layer 0 (lstm): the kernel is 1 x 80, expected …".
template <std::floating_point S = float>
ModelFile<S> load_rtneural(const ByteSource& source) {
    auto description = detail::rtneural::read("load_rtneural", source, std::numeric_limits<S>::max());
    return {detail::rtneural::model_of<S>(description), std::move(description.metadata)};
}

/// Saves a Model or a Sequential as JSON that RTNeural reads, and AIDA-X if the layers are those of its models: what
/// load_rtneural loads from the file gives the same outputs to the last bit. The exception is a Gain of a Model<double>, for
/// a file has decibels: it stays to about 1e-15 times their number. The file is replaced as a whole (replace_file).
///
/// Layers: Dense, LSTM, GRU that resets after the product, causal Conv1D, BatchNorm, PReLU, Activate, Softmax; a Gain as the
/// first one of a model with one input or as the last one, a Residual around all others. Dropout, which acts in training
/// alone, and LastStep, as RTNeural gives the output of every step, are left out; no LSTM, GRU or Conv1D can follow a LastStep. Metadata: "sample_rate" becomes `samplerate`; everything is
/// in the file's `metadata`.
///
/// Throws std::invalid_argument "save_rtneural: layer 1 (Embedding): RTNeural's JSON has no such layer", likewise for other
/// activations, reverse layers, peepholes, zoneout and numbers that aren't finite; std::runtime_error if the file can't be
/// written. The old file is whole then.
template <class Model>
requires requires {
    typename Model::Scalar;
}
void save_rtneural(const std::filesystem::path& path, const Model& model, const Metadata& metadata = {}) {
    detail::rtneural::Writer<typename Model::Scalar> writer("save_rtneural", model.input_size());
    writer.add_row(model);
    const std::string text = writer.text(metadata);
    replace_file(path, {std::as_bytes(std::span(text))}, "save_rtneural");
}

} // namespace carousel
