// PyTorch: its models' weights read and written: files of torch.save, and safetensors files under PyTorch's names. Needs
// libzip and nlohmann-json; in CMake, link carousel::pytorch.
#pragma once

#include "carousel/io/pytorch/build.hpp"
#include "carousel/io/pytorch/description.hpp"
#include "carousel/io/pytorch/safetensors_numbers.hpp"
#include "carousel/io/pytorch/suggestion.hpp"
#include "carousel/io/pytorch/weights.hpp"
#include "carousel/io/pytorch_file.hpp"
#include "carousel/io/safetensors_file.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Which part of a file is loaded.
struct PyTorchOptions {
    /// Of a checkpoint that holds more than one dictionary of tensors: the keys that lead to it, as "ema/state_dict". By
    /// default that of the name model_state_dict, state_dict, model or net, or the only one.
    std::string dictionary = {};
    /// Only tensors whose names begin with it, which is taken off them: "encoder." for the module `encoder`. What
    /// nn.DataParallel and torch.compile put before all names, "module." and "_orig_mod.", is taken off by itself, but after
    /// the prefix, which begins with it: "module.encoder.".
    std::string prefix = {};
    /// For a model that is given: the names of the modules in the order of its layers that have weights, one for all
    /// levels of an nn.LSTM, where kinds and sizes don't tell.
    std::vector<std::string> modules = {};
    bool allow_extra = false; ///< modules that the model lacks are passed over
};

namespace detail {

/// In a file of save_pytorch_safetensors, the architecture line.
inline constexpr const char* torch_architecture_key = "carousel.pytorch_architecture";

/// A safetensors file has a length of 8 bytes before its header's brace, where files of torch.save have other bytes.
inline bool is_safetensors(Input& input) {
    std::array<std::byte, 9> start{};
    if (input.size() < start.size())
        return false;
    input.read(0, start);
    return start[8] == std::byte{'{'};
}

/// Takes off what wrappers put before the names of a whole module: nn.DataParallel "module.", torch.compile "_orig_mod.".
/// AveragedModel, which is such a wrapper, has its count beside them.
inline void take_wrappers_off(StateDict& file) {
    constexpr std::string_view count = "n_averaged";
    constexpr int most_wrappers = 4;
    for (int k = 0; k < most_wrappers; ++k)
        for (const std::string_view wrapper : {"module.", "_orig_mod."}) {
            const auto is_inside = [&](const NamedTensor& tensor) { return tensor.name.starts_with(wrapper); };
            const auto is_count = [&](const NamedTensor& tensor) { return tensor.name == count; };
            const auto inside = std::count_if(file.tensors.begin(), file.tensors.end(), is_inside);
            const auto counts = std::count_if(file.tensors.begin(), file.tensors.end(), is_count);
            if (inside == 0 || inside + counts != std::ssize(file.tensors))
                continue;
            file.wrapper += wrapper;
            std::erase_if(file.tensors, is_count);
            for (NamedTensor& tensor : file.tensors)
                tensor.name.erase(0, wrapper.size());
            // the list of modules has those that hold the wrapped one, the wrapped one ("module") and those in it
            std::erase_if(file.modules, [&](const std::string& name) { return !(name + ".").starts_with(wrapper); });
            for (std::string& name : file.modules)
                name.erase(0, wrapper.size());
        }
}

/// The tensors that the options choose.
inline StateDict torch_state_dict(Input& input, const PyTorchOptions& options) {
    const auto is_chosen = [&](const std::string& name) { return name.starts_with(options.prefix); };
    StateDict file;
    if (is_safetensors(input)) {
        input.check(options.dictionary.empty(), "is a safetensors file, which has no dictionary \"", options.dictionary,
                    "\"; leave the option out");
        SafetensorsReader reader(input);
        file.ordered = false;
        for (const auto& entry : reader.entries())
            if (is_chosen(entry.name) && !entry.name.ends_with("num_batches_tracked"))
                file.tensors.push_back(read_torch_tensor(reader, entry));
        file.metadata = reader.metadata();
    } else {
        Checkpoint checkpoint(input);
        file = read_state_dict(checkpoint, options.dictionary);
        std::erase_if(file.tensors, [&](const NamedTensor& tensor) { return !is_chosen(tensor.name); });
        std::erase_if(file.modules, [&](const std::string& name) { return !is_chosen(name); });
    }
    input.check(options.prefix.empty() || !file.tensors.empty(),
                "has no tensor whose name begins with the option prefix, \"", options.prefix,
                "\"; a wrapper's \"module.\" or \"_orig_mod.\" is part of it");
    for (NamedTensor& tensor : file.tensors)
        tensor.name.erase(0, options.prefix.size());
    for (std::string& name : file.modules)
        name.erase(0, options.prefix.size());
    take_wrappers_off(file);
    return file;
}

/// The line to build by: the caller's, the file's own, or that of a file of one nn.LSTM or nn.GRU alone.
inline std::string torch_line(const std::string& given, const StateDict& file, const TorchModules& modules,
                              const Input& input) {
    if (!given.empty())
        return given;
    if (const auto line = file.metadata.find(torch_architecture_key); line != file.metadata.end())
        return line->second;
    bool alone = !modules.units().empty();
    for (const TorchUnit& unit : modules.units())
        alone = alone && unit.kind == TorchKind::recurrent && unit.gates > 1 && unit.module.empty();
    input.check(alone,
                "has the weights of modules, but doesn't say what is done between and after them; give the "
                "architecture as a line like \"LSTM(1, 32), last, Linear(32, 1)\". The modules are: ",
                suggested_architecture(modules, file));
    return recurrent_class(modules.units()[0].gates);
}

} // namespace detail

/// The modules of a file as an architecture line: "rnn: LSTM(3, 16, num_layers=2), linear: Linear(16, 2)". What is done
/// between and after them the file doesn't say; modules without weights are "?" where their names are known. "PReLU(16) or
/// RMSNorm(16)" has one weight a feature, by which these two don't differ. Throws as load_pytorch does.
inline std::string pytorch_modules(const ByteSource& source, const PyTorchOptions& options = {}) {
    detail::Input input("pytorch_modules", source);
    const detail::StateDict file = detail::torch_state_dict(input, options);
    return detail::suggested_architecture(detail::TorchModules(file.tensors, input), file);
}

/// Loads weights into a model, a Sequential, or a layer, from a file of torch.save or a safetensors file with PyTorch's
/// names. Every layer with weights takes the next module of its kind and sizes, whatever the modules' names: LSTM, GRU
/// and SimpleRNN a level of an nn.LSTM, nn.GRU or nn.RNN, Bidirectional both directions of one, Dense an nn.Linear,
/// Embedding an nn.Embedding, Conv1D an nn.Conv1d, BatchNorm an nn.BatchNorm1d, LayerNorm an
/// nn.LayerNorm, PReLU an nn.PReLU. Where a bias is missing it becomes
/// zero. A safetensors file is sorted by names: if two modules are of a kind and size and their names don't differ in
/// numbers alone, options.modules must say which is which.
/// Returns the metadata of a safetensors file.
/// Throws std::runtime_error "load_pytorch: path: …", naming the layer, the module or the tensor, if one finds no other or
/// isn't as PyTorch's; the model is as it was then.
template <class Model>
requires requires {
    typename Model::Scalar;
}
Metadata load_pytorch(const ByteSource& source, Model& model, const PyTorchOptions& options = {}) {
    detail::Input input("load_pytorch", source);
    const detail::StateDict file = detail::torch_state_dict(input, options);
    const detail::TorchModules modules(file.tensors, input);
    detail::TorchMatch match(modules, file.ordered, input, file.wrapper);
    detail::set_torch_weights(model, match, options.modules, options.allow_extra, input);
    return file.metadata;
}

/// Loads a model whose architecture a line says:
///
///     auto file = load_pytorch<float>("model.pt", "LSTM(1, 32, num_layers=2), last, Linear(32, 1)");
///
/// The steps, between commas, are the classes and arguments of PyTorch's constructors; case doesn't matter. Sizes, the
/// number of levels and directions may be left out, as in "LSTM, last, Linear": the file has them. LSTM, GRU, RNN,
/// Linear, Embedding, Conv1d (with padding='causal' where it is padded with zeros before its input), BatchNorm1d,
/// LayerNorm and PReLU take the modules of the file as they follow each other, or the named one: "fc: Linear". Further steps: ReLU, ReLU6,
/// Tanh, Sigmoid, Hardsigmoid, Hardtanh, Softsign, Softplus, LeakyReLU, ELU, Softmax, Dropout, Identity; `last`, the
/// output of the last step; `both_ends`, of a bidirectional layer each direction's last output; `residual(LSTM,
/// Linear)`, steps whose input is added to their output.
///
/// The line may be left out only where it can't be wrong: of a file that is the state_dict of one nn.LSTM or nn.GRU itself, and
/// of one that save_pytorch_safetensors wrote. The metadata has the line as "carousel.pytorch_architecture".
/// Throws std::runtime_error "load_pytorch: path: …" as above, and with the character of the line that is wrong.
template <std::floating_point S = float>
ModelFile<S> load_pytorch(const ByteSource& source, const std::string& architecture = {},
                          const PyTorchOptions& options = {}) {
    detail::Input input("load_pytorch", source);
    const detail::StateDict file = detail::torch_state_dict(input, options);
    const detail::TorchModules modules(file.tensors, input);
    const std::string line = detail::torch_line(architecture, file, modules, input);
    const detail::TorchArchitecture parsed(line, input);
    detail::TorchMatch match(modules, file.ordered, input, file.wrapper);
    ModelFile<S> result{detail::TorchBuilder<S>(match, input).model(parsed.steps()), file.metadata, {}};
    if (!options.allow_extra)
        match.expect_no_more();
    result.metadata[detail::torch_architecture_key] = line;
    return result;
}

/// How a model is written.
struct PyTorchSaveOptions {
    /// The names of the modules in the order of the layers with weights, {"rnn", "rnn", "linear"}: recurrent layers of one
    /// name that follow each other are levels of one nn.LSTM. By default the numbers of an nn.Sequential with a module for
    /// every layer ("0", "2"), and no names for a single layer.
    std::vector<std::string> modules = {};
    Metadata metadata = {};
};

namespace detail {

template <class Model>
Safetensors torch_file(const Model& model, const PyTorchSaveOptions& options, const char* where) {
    Safetensors file{torch_tensors(model, options.modules, where), options.metadata};
    file.metadata.emplace("format", "pt"); // as libraries that use PyTorch expect it
    const std::string line = TorchDescription(model, options.modules).line();
    if (line.empty())
        file.metadata.erase(torch_architecture_key);
    else
        file.metadata[torch_architecture_key] = line;
    return file;
}

} // namespace detail

/// Writes a model's weights as a safetensors file that PyTorch takes:
///
///     save_pytorch_safetensors("model.safetensors", model, {.modules = {"rnn", "linear"}});
///     module.load_state_dict(safetensors.torch.load_file("model.safetensors"))      # in Python
///
/// An LSTM, GRU (which resets after the product) or SimpleRNN becomes a level of an nn.LSTM, nn.GRU or nn.RNN (bias_hh has what
/// isn't shared with bias_ih, and is zero else), Bidirectional both directions, Dense an nn.Linear, Embedding an nn.Embedding,
/// Conv1D an nn.Conv1d, BatchNorm an nn.BatchNorm1d, LayerNorm an nn.LayerNorm, PReLU an nn.PReLU.
/// The metadata has the architecture line, if it can say what the model does.
/// Throws std::invalid_argument "save_pytorch_safetensors: layer 0 (LSTM 3 -> 16) has peepholes, …" for what PyTorch doesn't
/// have, or if the names don't fit; std::runtime_error if the file can't be written, the old one then being whole.
template <class Model>
requires requires {
    typename Model::Scalar;
}
void save_pytorch_safetensors(const std::filesystem::path& path, const Model& model,
                              const PyTorchSaveOptions& options = {}) {
    const Safetensors file = detail::torch_file(model, options, "save_pytorch_safetensors");
    detail::write_safetensors(path, file.tensors, file.metadata, "save_pytorch_safetensors");
}

/// The bytes of that file.
template <class Model>
requires requires {
    typename Model::Scalar;
}
std::vector<std::byte> pytorch_safetensors_bytes(const Model& model, const PyTorchSaveOptions& options = {}) {
    const Safetensors file = detail::torch_file(model, options, "pytorch_safetensors_bytes");
    return detail::safetensors_bytes(file.tensors, file.metadata, "pytorch_safetensors_bytes");
}

} // namespace carousel
