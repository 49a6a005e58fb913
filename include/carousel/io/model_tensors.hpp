// The parameters of a model, and what an optimizer remembers of them, as tensors of a file: names, shapes, numbers.
#pragma once

#include "carousel/core/parameter.hpp"
#include "carousel/io/named_tensor.hpp"
#include "carousel/optim/optimizer.hpp"

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// What an optimizer remembers has names that begin so.
inline constexpr const char* optimizer_prefix = "optimizer.";
/// How many steps it took.
inline constexpr const char* optimizer_steps = "optimizer.steps";

/// Whether the number of steps in a file, which is a float64 there, is one.
inline bool is_count(double number) {
    return number >= 0 && number <= 0x1p53 && number == std::floor(number);
}

/// A bias, "b" in every layer, is a vector; everything else is a matrix, also where it has one column.
template <class S>
std::vector<Index> shape_in_file(const NamedParameter<S>& named) {
    const auto& value = named.parameter->value;
    const bool bias = (named.name == "b" || named.name.ends_with(".b")) && value.cols() == 1;
    return bias ? std::vector<Index>{value.rows()} : std::vector<Index>{value.rows(), value.cols()};
}

/// The k-th moment of a parameter.
inline std::string moment_name(const std::string& parameter, Index k) {
    return optimizer_prefix + parameter + "." + std::to_string(k);
}

/// Appends the values of a parameter, or numbers of as many rows and columns, under a name.
template <class S, class Values>
void append_tensor(std::vector<NamedTensor>& tensors, std::string name, const NamedParameter<S>& named,
                   const Values& values) {
    tensors.emplace_back(std::move(name), values);
    tensors.back().shape = shape_in_file(named);
}

template <class S>
std::vector<NamedTensor> tensors_of(const std::vector<NamedParameter<S>>& parameters) {
    std::vector<NamedTensor> tensors;
    for (const auto& named : parameters)
        append_tensor(tensors, named.name, named, named.parameter->value);
    return tensors;
}

template <OptimizerRule Rule, class S>
void append_state(std::vector<NamedTensor>& tensors, const Optimizer<Rule, S>& optimizer) {
    const OptimizerState<S>& state = optimizer.state();
    for (std::size_t i = 0; i < state.moments.size(); ++i) {
        const auto& named = optimizer.parameters()[i];
        const Matrix<S>& value = named.parameter->value;
        if (state.moments[i].rows() != value.size())
            continue; // frozen so far
        for (Index k = 0; k < state.moments[i].cols(); ++k)
            append_tensor(tensors, moment_name(named.name, k), named,
                          state.moments[i].col(k).reshaped(value.rows(), value.cols()));
    }
    tensors.emplace_back(optimizer_steps, std::vector<Index>{}, std::vector<double>{static_cast<double>(state.steps)});
}

} // namespace carousel::detail
