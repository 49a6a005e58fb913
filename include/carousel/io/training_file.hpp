// A Training in one safetensors file: saved by a callback every few epochs, loaded by a program that is started again.
// Needs nlohmann-json, so carousel.hpp doesn't include it; in CMake, link carousel::safetensors.
#pragma once

#include "carousel/core/folder_of.hpp"
#include "carousel/core/require.hpp"
#include "carousel/io/model_settings.hpp"
#include "carousel/io/safetensors_file.hpp"
#include "carousel/io/saved_training.hpp"
#include "carousel/io/training_tensors.hpp"
#include "carousel/train/training.hpp"

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// The file that save_training writes.
template <class Model, OptimizerRule Rule>
Safetensors training_file(const Training<Model, Rule>& training, const Metadata& metadata) {
    for (const auto& [key, text] : metadata)
        require(!key.starts_with(training_prefix) && key != settings_key, "save_training", "the metadata has \"", key,
                "\", expected other keys than \"", settings_key, "\" and those that begin with \"", training_prefix,
                "\"");
    Metadata texts = metadata;
    texts[settings_key] = settings_text(settings_of(training.model()), "save_training");
    TrainingTensors<typename Model::Scalar> file(std::move(texts));
    file.add_optimizer(training.optimizer());
    file.add_state(training.optimizer().parameters(), training.state());
    return std::move(file).take();
}

} // namespace detail

/// Saves the model and all that goes on: moments, rates, history, the best epoch's parameters, the position within an
/// epoch that has begun, the generators of order and masks. Not the seconds of the epochs, so that equal trainings give
/// equal files. The rule's settings, the loss, the data and FitOptions are the program's; of the rule the file has the name.
///
/// The parameters and moments have the names and shapes that save_safetensors gives them, and load_safetensors reads the
/// model from the file. `metadata` is the caller's; its keys can't begin with "training." or be "carousel.settings", where
/// the layers' settings are. The file is replaced as a whole: a program killed at any moment leaves the old or the new
/// one. May be called by a callback of fit.
/// Throws as write_safetensors does.
template <class Model, OptimizerRule Rule>
void save_training(const std::filesystem::path& path, const Training<Model, Rule>& training,
                   const Metadata& metadata = {}) {
    const Safetensors file = detail::training_file(training, metadata);
    detail::write_safetensors(path, file.tensors, file.metadata, "save_training");
}

/// Loads what save_training saved, into a training of the same layers, settings, sizes, precision and rule: what then is
/// trained is what the saved training would have trained, bit for bit. `source` is a path or the file's bytes in memory.
/// Returns the caller's metadata. Throws std::runtime_error "load_training: path: …", saying what is missing or doesn't
/// fit; model and training are as they were then.
template <class Model, OptimizerRule Rule>
Metadata load_training(const ByteSource& source, Training<Model, Rule>& training) {
    using S = typename Model::Scalar;
    detail::SavedTraining<S> file("load_training: " + source.name(), detail::read_safetensors(source, "load_training"));
    file.expect_settings(detail::settings_of(std::as_const(training).model()));
    file.template expect_rule<Rule>();
    const auto& list = training.optimizer().parameters();
    const std::vector<Matrix<S>> values = file.values(list, "");
    OptimizerState<S> moments = file.moments(list, training.optimizer().rule().moments());
    TrainingState<S> state = file.state(list);
    file.expect_no_more();
    detail::instead_of<std::invalid_argument>([&] { training.set_state(std::move(state), std::move(moments)); },
                                              [&](const auto& error) { file.check(false, error.what()); });
    for (std::size_t k = 0; k < list.size(); ++k)
        list[k].parameter->value = values[k]; // of the same shape: no memory is needed
    return file.callers_metadata();
}

/// For FitOptions::callbacks: saves at the end of every `every`-th epoch. The training must live as long as the callback.
/// Throws std::invalid_argument unless every >= 1, and std::runtime_error if there is no folder to write the file to.
template <class Model, OptimizerRule Rule>
Callback save_training_every(Index every, const std::filesystem::path& path, const Training<Model, Rule>& training,
                             const Metadata& metadata = {}) {
    require(every >= 1, "save_training_every", "every is ", every, ", expected every >= 1");
    detail::require_folder_of(path, "save_training_every");
    return every_epoch([path, &training, metadata](const EpochReport&) { save_training(path, training, metadata); },
                       every);
}

} // namespace carousel
