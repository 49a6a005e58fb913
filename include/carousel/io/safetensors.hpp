// Safetensors: a model, and what its optimizer remembers, as a file that Python's safetensors, PyTorch and NumPy read as
// well. Needs nlohmann-json, so carousel.hpp doesn't include it; in CMake, link carousel::safetensors.
#pragma once

#include "carousel/core/parameter.hpp"
#include "carousel/io/safetensors_file.hpp"
#include "carousel/optim/optimizer.hpp"

#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carousel {

namespace detail {

/// A file being matched with a model: everything the model has must be there, and nothing else.
class SafetensorsMatch {
  public:
    explicit SafetensorsMatch(const std::filesystem::path& path)
        : reader_("load_safetensors", path), file_(reader_.read()) {}

    /// Throws std::runtime_error unless the file has it with this type and shape.
    template <class S>
    const NamedTensor& expect(const std::string& name, const std::vector<Index>& shape) {
        const NamedTensor* const tensor = file_.find(name);
        reader_.check(tensor != nullptr, "\"", name, "\" is missing");
        const char* const dtype = sizeof(S) == 4 ? "F32" : "F64";
        reader_.check(tensor->dtype() == std::string_view(dtype), "\"", name, "\" is of type ", tensor->dtype(),
                      ", expected ", dtype);
        reader_.check(tensor->shape == shape, "\"", name, "\" is ", shape_text(tensor->shape), ", expected ",
                      shape_text(shape));
        expected_.insert(name);
        return *tensor;
    }

    /// Throws std::runtime_error if there is more than was expected.
    void expect_no_more(bool but_an_optimizer) const {
        for (const NamedTensor& tensor : file_.tensors)
            reader_.check(expected_.contains(tensor.name) ||
                              (but_an_optimizer && tensor.name.starts_with(optimizer_prefix)),
                          "\"", tensor.name, "\" is not in the model");
    }

    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        reader_.check(holds, parts...);
    }
    const Metadata& metadata() const { return file_.metadata; }

    static constexpr const char* optimizer_prefix = "optimizer.";

  private:
    SafetensorsReader reader_;
    Safetensors file_;
    std::set<std::string> expected_;
};

/// A bias, "b" in every layer, is a vector; everything else is a matrix, also where it has one column.
template <class S>
std::vector<Index> shape_in_file(const NamedParameter<S>& named) {
    const auto& value = named.parameter->value;
    const bool bias = (named.name == "b" || named.name.ends_with(".b")) && value.cols() == 1;
    return bias ? std::vector<Index>{value.rows()} : std::vector<Index>{value.rows(), value.cols()};
}

template <class S>
std::vector<NamedTensor> tensors_of(const std::vector<NamedParameter<S>>& parameters) {
    std::vector<NamedTensor> tensors;
    for (const auto& named : parameters) {
        tensors.emplace_back(named.name, named.parameter->value);
        tensors.back().shape = shape_in_file(named);
    }
    return tensors;
}

template <class S>
std::vector<const NamedTensor*> expect_all(SafetensorsMatch& file, const std::vector<NamedParameter<S>>& parameters) {
    std::vector<const NamedTensor*> tensors;
    for (const auto& named : parameters)
        tensors.push_back(&file.expect<S>(named.name, shape_in_file(named)));
    return tensors;
}

template <class S>
void assign(const std::vector<NamedParameter<S>>& parameters, const std::vector<const NamedTensor*>& tensors) {
    for (std::size_t k = 0; k < parameters.size(); ++k)
        parameters[k].parameter->value = tensors[k]->template matrix<S>();
}

/// The k-th moment of a parameter.
inline std::string moment_name(const std::string& parameter, Index k) {
    return SafetensorsMatch::optimizer_prefix + parameter + "." + std::to_string(k);
}
inline const std::string steps_name = std::string(SafetensorsMatch::optimizer_prefix) + "steps";

} // namespace detail

/// Saves every parameter of a model under its name ("0.LSTM.W"), as float32 or float64, whichever the model has. In
/// Python
///
///     W = safetensors.torch.load_file("model.safetensors")["0.LSTM.W"]      # shape (4H, I)
///
/// has the shape this library's documentation gives it: rows × columns, W of an LSTM of one feature too (4H, 1); biases,
/// named b, are vectors (4H,). The file is replaced as a whole: after a crash it is the old or the new one.
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
    save_safetensors(path, parameters(model), metadata);
}

/// Saves with the model what an optimizer remembers, so that training goes on from the file as if it had never stopped:
/// its moments as "optimizer.<parameter>.<k>", in the parameter's shape, and the number of its steps. The rule and its
/// settings are the program's; so are the order of the batches, the schedule's place and the masks of Dropout.
template <class Model, OptimizerRule Rule, class S>
void save_safetensors(const std::filesystem::path& path, const Model& model, const Optimizer<Rule, S>& optimizer,
                      const Metadata& metadata = {}) {
    std::vector<NamedTensor> tensors = detail::tensors_of(parameters(model));
    const OptimizerState<S>& state = optimizer.state();
    for (std::size_t i = 0; i < state.moments.size(); ++i) {
        const auto& named = optimizer.parameters()[i];
        const Matrix<S>& value = named.parameter->value;
        for (Index k = 0; k < state.moments[i].cols(); ++k) {
            tensors.emplace_back(detail::moment_name(named.name, k),
                                 state.moments[i].col(k).reshaped(value.rows(), value.cols()));
            tensors.back().shape = detail::shape_in_file(named);
        }
    }
    tensors.emplace_back(detail::steps_name, std::vector<Index>{},
                         std::vector<double>{static_cast<double>(state.steps)});
    detail::write_safetensors(path, tensors, metadata, "save_safetensors");
}

/// Loads what save_safetensors saved, with or without an optimizer (which is passed over), into a model of the same
/// layers, sizes and precision; returns the metadata. Throws std::runtime_error "load_safetensors: path: …", naming the
/// first parameter that is missing, differs in type or shape, or is in the file and not in the model, or what else is
/// wrong with the file; the model is as it was then.
template <class S>
Metadata load_safetensors(const std::filesystem::path& path, const std::vector<NamedParameter<S>>& parameters) {
    detail::SafetensorsMatch file(path);
    const auto tensors = detail::expect_all(file, parameters);
    file.expect_no_more(true);
    detail::assign(parameters, tensors);
    return file.metadata();
}

template <class Model>
requires requires {
    typename Model::Scalar;
}
Metadata load_safetensors(const std::filesystem::path& path, Model& model) {
    return load_safetensors(path, parameters(model));
}

/// Loads a model and what the optimizer of its parameters remembers: both or, throwing as above, neither.
template <class Model, OptimizerRule Rule, class S>
Metadata load_safetensors(const std::filesystem::path& path, Model& model, Optimizer<Rule, S>& optimizer) {
    detail::SafetensorsMatch file(path);
    const auto list = parameters(model);
    const auto tensors = detail::expect_all(file, list);
    OptimizerState<S> state = optimizer.state();
    for (std::size_t i = 0; i < state.moments.size(); ++i) {
        const auto& named = optimizer.parameters()[i];
        for (Index k = 0; k < state.moments[i].cols(); ++k)
            state.moments[i].col(k) = file.expect<S>(detail::moment_name(named.name, k), detail::shape_in_file(named))
                                          .template matrix<S>()
                                          .reshaped();
    }
    const double steps = file.expect<double>(detail::steps_name, {}).template matrix<double>()(0, 0);
    file.check(steps >= 0 && steps <= 0x1p53 && steps == std::floor(steps), "\"", detail::steps_name, "\" is ", steps,
               ", expected a whole number >= 0");
    state.steps = static_cast<Index>(steps);
    file.expect_no_more(false);
    optimizer.set_state(std::move(state));
    detail::assign(list, tensors);
    return file.metadata();
}

} // namespace carousel
