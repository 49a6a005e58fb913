// Safetensors: a model, and what its optimizer remembers, as a file that Python's safetensors, PyTorch and NumPy read as
// well. Needs nlohmann-json, so carousel.hpp doesn't include it; in CMake, link carousel::safetensors.
#pragma once

#include "carousel/core/parameter.hpp"
#include "carousel/io/load_options.hpp"
#include "carousel/io/model_settings.hpp"
#include "carousel/io/model_tensors.hpp"
#include "carousel/io/safetensors_file.hpp"
#include "carousel/io/safetensors_match.hpp"
#include "carousel/optim/optimizer.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

template <class Model>
Safetensors file_of(const Model& model, const Metadata& metadata, const char* where) {
    for (const char* const key : {settings_key, architecture_key})
        require(!metadata.contains(key), where, "the metadata has \"", key,
                "\", where this function says what the model is; take it out");
    Safetensors file{tensors_of(parameters(model)), metadata};
    file.metadata[settings_key] = settings_text(settings_of(model), where);
    file.metadata[architecture_key] = architecture_text(describe(model), where);
    return file;
}

template <class Model, OptimizerRule Rule, class S>
Safetensors file_of(const Model& model, const Optimizer<Rule, S>& optimizer, const Metadata& metadata,
                    const char* where) {
    optimizer.require_parameters_of(model, where);
    Safetensors file = file_of(model, metadata, where);
    append_state(file.tensors, optimizer);
    return file;
}

/// The values of a file for a list of parameters: first what differs is found, then the numbers are read, and
/// only when nothing can go wrong any more the parameters get them.
template <class S>
class LoadedParameters {
  public:
    LoadedParameters(SafetensorsMatch& file, const std::vector<NamedParameter<S>>& parameters) {
        for (const auto& named : parameters)
            if (const SafetensorsEntry* const entry = file.expect<S>(named.name, shape_in_file(named)))
                list_.push_back({named.parameter, entry, {}});
    }
    void read(SafetensorsMatch& file) {
        for (Loaded& one : list_)
            one.value = file.read<S>(*one.entry);
    }
    void assign() const {
        for (const Loaded& one : list_)
            one.parameter->value = one.value; // of the same shape: no memory is needed
    }

  private:
    struct Loaded {
        Parameter<S>* parameter;
        const SafetensorsEntry* entry;
        Matrix<S> value;
    };
    std::vector<Loaded> list_;
};

/// Loads the parameters of a model from a file with the same settings; returns the user's metadata.
template <class Model>
Metadata load_model_from(SafetensorsMatch& file, Model& model) {
    const Settings settings = settings_of(model);
    file.expect_settings(settings);
    LoadedParameters<typename Model::Scalar> loaded(file, parameters(model));
    file.expect_no_more(true);
    file.expect_no_more_settings(settings);
    loaded.read(file);
    Metadata metadata = file.metadata();
    loaded.assign();
    return metadata;
}

/// The same for what an optimizer remembers.
template <OptimizerRule Rule, class S>
class LoadedState {
  public:
    LoadedState(SafetensorsMatch& file, const Optimizer<Rule, S>& optimizer) : state_(optimizer.state()) {
        for (std::size_t i = 0; i < state_.moments.size(); ++i) {
            const auto& named = optimizer.parameters()[i];
            const Index size = named.parameter->size(), count = state_.moments[i].cols();
            const bool was_frozen = !named.parameter->is_trained() && !named.parameter->is_fixed() && count > 0 &&
                                    !file.has(moment_name(named.name, 0));
            state_.moments[i] = Matrix<S>::Zero(was_frozen ? 0 : size, count);
            if (was_frozen)
                continue;
            for (Index k = 0; k < state_.moments[i].cols(); ++k)
                if (const auto* const entry = file.expect<S>(moment_name(named.name, k), shape_in_file(named)))
                    list_.push_back({entry, i, k});
        }
        steps_ = file.expect<double>(optimizer_steps, {});
    }
    void read(SafetensorsMatch& file) {
        for (const auto& [entry, i, k] : list_)
            state_.moments[i].col(k) = file.read<S>(*entry).reshaped();
        if (!steps_)
            return;
        const double steps = file.read<double>(*steps_)(0, 0);
        file.check(is_count(steps), "\"", optimizer_steps, "\" is ", steps, ", expected a whole number >= 0");
        state_.steps = static_cast<Index>(steps);
    }
    void assign(Optimizer<Rule, S>& optimizer) { optimizer.set_state(std::move(state_)); }

  private:
    struct Moment {
        const SafetensorsEntry* entry;
        std::size_t parameter;
        Index k;
    };
    OptimizerState<S> state_;
    std::vector<Moment> list_;
    const SafetensorsEntry* steps_ = nullptr;
};

} // namespace detail

/// Saves every parameter of a model under its name ("0.LSTM.W"), as float32 or float64, whichever the model has. In
/// Python
///
///     W = safetensors.torch.load_file("model.safetensors")["0.LSTM.W"]      # shape (4H, I)
///
/// has the shape this library's documentation gives it: rows × columns, W of an LSTM of one feature too (4H, 1); biases,
/// named b, are vectors (4H,). The settings of the layers are saved in the metadata, as JSON under "carousel.settings",
/// except where only a list of parameters is given. The file is replaced as a whole: after a crash it is the old or the
/// new one (replace_file, which says what becomes of its mode and of links).
/// Throws as write_safetensors does.
template <class S>
void save_safetensors(const std::filesystem::path& path, const std::vector<NamedParameter<S>>& parameters,
                      const Metadata& metadata = {}) {
    detail::write_safetensors(path, detail::tensors_of(parameters), metadata, "save_safetensors");
}

template <class Model>
requires requires {
    typename Model::Scalar;
}
void save_safetensors(const std::filesystem::path& path, const Model& model, const Metadata& metadata = {}) {
    const Safetensors file = detail::file_of(model, metadata, "save_safetensors");
    detail::write_safetensors(path, file.tensors, file.metadata, "save_safetensors");
}

/// Saves with the model what an optimizer remembers, so that training goes on from the file as if it had never stopped:
/// its moments as "optimizer.<parameter>.<k>", in the parameter's shape, and the number of its steps. The rule and its
/// settings are the program's; so are the order of the batches, the schedule's place and the masks of Dropout.
template <class Model, OptimizerRule Rule, class S>
void save_safetensors(const std::filesystem::path& path, const Model& model, const Optimizer<Rule, S>& optimizer,
                      const Metadata& metadata = {}) {
    const Safetensors file = detail::file_of(model, optimizer, metadata, "save_safetensors");
    detail::write_safetensors(path, file.tensors, file.metadata, "save_safetensors");
}

/// The bytes of the file that save_safetensors would write, in memory.
template <class Model>
requires requires {
    typename Model::Scalar;
}
std::vector<std::byte> safetensors_bytes(const Model& model, const Metadata& metadata = {}) {
    const Safetensors file = detail::file_of(model, metadata, "safetensors_bytes");
    return detail::safetensors_bytes(file.tensors, file.metadata, "safetensors_bytes");
}

template <class Model, OptimizerRule Rule, class S>
std::vector<std::byte> safetensors_bytes(const Model& model, const Optimizer<Rule, S>& optimizer,
                                         const Metadata& metadata = {}) {
    const Safetensors file = detail::file_of(model, optimizer, metadata, "safetensors_bytes");
    return detail::safetensors_bytes(file.tensors, file.metadata, "safetensors_bytes");
}

/// Loads what save_safetensors saved, with or without an optimizer (which is passed over), into a model of the same
/// layers, settings, sizes and precision; returns the metadata. `source` is a path or the file's bytes in memory.
/// LoadOptions says how to load a part, or from other names.
/// Throws std::runtime_error "load_safetensors: path: …", naming the first parameter that is missing, differs in type or
/// shape, or is in the file and not in the model, the first setting that differs, or what else is wrong with the file;
/// the model is as it was then. Numbers are read only after everything fits.
template <class S>
Metadata load_safetensors(const ByteSource& source, const std::vector<NamedParameter<S>>& parameters,
                          const LoadOptions& options = {}) {
    detail::SafetensorsMatch file(source, options);
    detail::LoadedParameters<S> loaded(file, parameters);
    file.expect_no_more(true);
    loaded.read(file);
    Metadata metadata = file.metadata();
    loaded.assign();
    return metadata;
}

template <class Model>
requires requires {
    typename Model::Scalar;
}
Metadata load_safetensors(const ByteSource& source, Model& model, const LoadOptions& options = {}) {
    detail::SafetensorsMatch file(source, options);
    return detail::load_model_from(file, model);
}

/// Loads a model and what the optimizer of its parameters remembers: both or, throwing as above or if it isn't an
/// optimizer of this model, neither.
template <class Model, OptimizerRule Rule, class S>
Metadata load_safetensors(const ByteSource& source, Model& model, Optimizer<Rule, S>& optimizer,
                          const LoadOptions& options = {}) {
    optimizer.require_parameters_of(model, "load_safetensors");
    detail::SafetensorsMatch file(source, options);
    const detail::Settings settings = detail::settings_of(model);
    file.expect_settings(settings);
    detail::LoadedParameters<S> loaded(file, parameters(model));
    detail::LoadedState<Rule, S> state(file, optimizer);
    file.expect_no_more(false);
    file.expect_no_more_settings(settings);
    loaded.read(file);
    state.read(file);
    Metadata metadata = file.metadata();
    state.assign(optimizer);
    loaded.assign();
    return metadata;
}

} // namespace carousel
