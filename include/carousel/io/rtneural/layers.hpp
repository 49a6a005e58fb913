// The layers of an RTNeural or AIDA-X file. Needs nlohmann-json.
#pragma once

#include "carousel/io/recurrent_weights.hpp"
#include "carousel/io/rtneural/description.hpp"
#include "carousel/layer/activate.hpp"
#include "carousel/layer/batch_norm.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/gain.hpp"
#include "carousel/layer/prelu.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/layer/softmax.hpp"
#include "carousel/model/model_file.hpp"

#include <cmath>
#include <string>
#include <utility>

namespace carousel::inline CAROUSEL_ABI::detail::rtneural {

inline double factor_of(double decibels) {
    return std::pow(10, decibels / 20);
}

/// Of a name that isn't "softmax", which is no function of one number.
inline Activation activation_of(const std::string& name) {
    return name == "tanh"      ? Activation::tanh
           : name == "relu"    ? Activation::relu
           : name == "sigmoid" ? Activation::sigmoid
           : name == "elu"     ? Activation::elu()
                               : Activation::linear;
}

template <class S>
Dense<S> dense_of(const Layer& from) {
    const bool softmax = from.activation == "softmax";
    Dense<S> to(from.input, from.output,
                {.activation = activation_of(softmax ? "" : from.activation), .initialize = false});
    to.W().value = from.weights[0].transpose().template cast<S>();
    to.b().value = from.weights[1].template cast<S>();
    return to;
}

template <class Recurrent, class S = typename Recurrent::Scalar>
Recurrent recurrent_of(const Layer& from) {
    Recurrent to(from.input, from.output, {.initialize = false});
    RecurrentWeights<S> weights{from.weights[0].template cast<S>(), from.weights[1].template cast<S>(), {}, {}};
    if (from.type == "gru") {
        weights.b = from.weights[2].row(0).transpose().template cast<S>();
        weights.b_recurrent = from.weights[2].row(1).transpose().template cast<S>();
    } else
        weights.b = from.weights[2].template cast<S>();
    set_recurrent_weights(to, weights, keras_layout, "load_rtneural");
    return to;
}

/// RTNeural pads with zeros before the first sample. A grouped kernel becomes a whole one with zeros.
template <class S>
Conv1D<S> convolution_of(const Layer& from) {
    const auto steps = static_cast<Index>(from.weights.size()) - 1;
    const bool softmax = from.activation == "softmax";
    Conv1D<S> to(
        from.input, from.output, steps,
        {.dilation = from.dilation, .activation = activation_of(softmax ? "" : from.activation), .initialize = false});
    const Index inputs = from.input / from.groups, outputs = from.output / from.groups;
    for (Index k = 0; k < steps; ++k)
        for (Index g = 0; g < from.groups; ++g)
            to.W().value.block(g * outputs, k * from.input + g * inputs, outputs, inputs) =
                from.weights[static_cast<std::size_t>(k)]
                    .middleCols(g * outputs, outputs)
                    .transpose()
                    .template cast<S>();
    to.b().value = from.weights.back().template cast<S>();
    return to;
}

template <class S>
BatchNorm<S> batch_norm_of(const Layer& from) {
    BatchNorm<S> to(from.input, {.epsilon = from.epsilon});
    std::size_t k = 0;
    for (Parameter<S>* const parameter : {&to.gamma(), &to.beta(), &to.mean(), &to.variance()})
        parameter->value = from.weights[k++].template cast<S>();
    return to;
}

template <class S>
PReLU<S> prelu_of(const Layer& from) {
    PReLU<S> to(from.input);
    const Matrix<double>& slopes = from.weights[0];
    for (Index k = 0; k < from.input; ++k)
        to.slope().value(k) = static_cast<S>(slopes(slopes.size() > 1 ? k : 0));
    return to;
}

template <class S>
void add_layer(Model<S>& to, const Layer& from) {
    if (from.type == "dense")
        to.add(dense_of<S>(from));
    else if (from.type == "lstm")
        to.add(recurrent_of<LSTM<S>>(from));
    else if (from.type == "gru")
        to.add(recurrent_of<GRU<S>>(from));
    else if (from.type == "conv1d")
        to.add(convolution_of<S>(from));
    else if (from.type == "batchnorm")
        to.add(batch_norm_of<S>(from));
    else if (from.type == "prelu")
        to.add(prelu_of<S>(from));
    else if (from.type == "activation" && !from.activation.empty() && from.activation != "softmax")
        to.add(Activate(activation_of(from.activation)));
    if (from.activation == "softmax")
        to.add(Softmax());
}

/// y = (f(x) + x₀)·output gain of x whose first feature was multiplied by the input gain.
template <class S>
Model<S> model_of(const Description& description) {
    Model<S> inner;
    for (const Layer& layer : description.layers)
        add_layer(inner, layer);
    Model<S> model;
    if (const double gain = factor_of(description.input_gain); gain != 1) {
        if (description.input == 1)
            model.add(Gain(gain));
        else { // the others are knobs, whose values stay
            Dense<S> first(description.input, description.input, {.initialize = false});
            first.W().value.setIdentity();
            first.W().value(0, 0) = static_cast<S>(gain);
            model.add(std::move(first));
        }
    }
    if (description.skip)
        model.add(Residual<Model<S>>(std::move(inner)));
    else
        inner.each_layer([&](std::size_t, AnyLayer<S>& layer) { model.add(std::move(layer)); });
    if (const double gain = factor_of(description.output_gain); gain != 1)
        model.add(Gain(gain));
    return model;
}

} // namespace carousel::detail::rtneural
