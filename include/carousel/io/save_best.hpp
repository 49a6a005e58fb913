// save_best: a callback that keeps the model of the best epoch in a file.
// Needs nlohmann-json, so carousel.hpp doesn't include it; in CMake, link carousel::safetensors.
#pragma once

#include "carousel/core/folder_of.hpp"
#include "carousel/io/safetensors.hpp"
#include "carousel/train/training.hpp"

#include <filesystem>

namespace carousel::inline CAROUSEL_ABI {

/// For FitOptions::callbacks: at the end of every epoch that is the best so far, saves the model as save_safetensors does; with a moving
/// average its averages. Which epoch is the best is what History::best_epoch says: that of the lowest loss (validation if there is
/// any), or by what EarlyStopping looks at; with a patience as long as the training it stops nothing. A training that goes on
/// replaces the file when an epoch is better than all before. The training must live as long as the callback.
///
///     fit(training, data, loss, {.epochs = 50, .callbacks = {save_best("model.safetensors", training)}});
///
/// Throws std::runtime_error, before a training begins, if there is no folder to write the file to. The callback throws
/// as write_safetensors does.
template <class Model, OptimizerRule Rule>
Callback save_best(const std::filesystem::path& path, const Training<Model, Rule>& training,
                   const Metadata& metadata = {}) {
    detail::require_folder_of(path, "save_best");
    return [path, &training, metadata](Progress& p) {
        if (!p.epoch_end || training.history().best_epoch != p.epoch)
            return;
        const auto& average = training.state().average;
        if (average.empty())
            return save_safetensors(path, training.model(), metadata);
        Model averaged = training.model();
        const auto list = parameters(averaged);
        for (std::size_t k = 0; k < list.size(); ++k)
            list[k].parameter->value = average[k];
        save_safetensors(path, averaged, metadata);
    };
}

} // namespace carousel
