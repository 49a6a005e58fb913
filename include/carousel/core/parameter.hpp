// Parameter: a trained matrix and the gradient that backward passes add into.
#pragma once

#include "carousel/core/matrix.hpp"

#include <concepts>
#include <string>
#include <utility>
#include <vector>

namespace carousel {

template <std::floating_point Scalar>
struct Parameter {
    Matrix<Scalar> value;
    Matrix<Scalar> grad; ///< same shape as value; zero until a backward pass adds to it

    Parameter() = default;
    Parameter(Index rows, Index cols)
        : value(Matrix<Scalar>::Zero(rows, cols)), grad(Matrix<Scalar>::Zero(rows, cols)) {}

    Index size() const { return value.size(); }
};

/// A parameter as an optimizer, a file or a report sees it: the path of its name in the model ("0.LSTM.W") and where it
/// is. Points into the model, so it is valid for as long as the model stays where it is.
template <class Scalar>
struct NamedParameter {
    std::string name;
    Parameter<Scalar>* parameter;
};

/// Every parameter of a layer or model, in a fixed order.
template <class Model>
auto parameters(Model& model) {
    std::vector<NamedParameter<typename Model::Scalar>> list;
    model.each_parameter([&](const std::string& name, auto& parameter) { list.push_back({name, &parameter}); });
    return list;
}

template <class Scalar>
void zero_gradients(const std::vector<NamedParameter<Scalar>>& list) {
    for (const auto& named : list)
        named.parameter->grad.setZero();
}

} // namespace carousel
