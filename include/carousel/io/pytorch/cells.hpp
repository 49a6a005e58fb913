// How the cells of recurrent layers differ from those of PyTorch's modules.
#pragma once

#include "carousel/layer/recurrent.hpp"

#include <concepts>
#include <string>

namespace carousel::inline CAROUSEL_ABI::detail {

/// How a cell differs from PyTorch's.
template <class Gates>
std::string unlike_gates(const Gates& gates, bool has_output) {
    if constexpr (std::same_as<Gates, StandardGates>)
        return "";
    else if constexpr (std::same_as<Gates, ChosenGates>)
        return gates.f == Activation::sigmoid && gates.g == Activation::tanh &&
                       (!has_output || gates.h == Activation::tanh)
                   ? ""
                   : "has chosen functions for its gates";
    else if constexpr (std::same_as<Gates, FastGates>)
        return "has FastGates";
    else
        return "has gates of its own";
}
template <class S, bool coupled, class Gates>
std::string unlike_cell(const LstmCell<S, coupled, Gates>& cell) {
    return coupled ? "has coupled gates" : cell.peephole ? "has peepholes" : unlike_gates(cell.gates, true);
}
template <class S, Reset reset, class Gates>
std::string unlike_cell(const GruCell<S, reset, Gates>& cell) {
    return reset == Reset::before ? "resets before the product" : unlike_gates(cell.gates, false);
}
template <class S>
std::string unlike_cell(const SimpleRnnCell<S>&) {
    return "";
}

template <class Cell>
inline constexpr Index torch_gates = 0;
template <class S>
inline constexpr Index torch_gates<SimpleRnnCell<S>> = 1;
template <class S, bool coupled, class Gates>
inline constexpr Index torch_gates<LstmCell<S, coupled, Gates>> = 4;
template <class S, Reset reset, class Gates>
inline constexpr Index torch_gates<GruCell<S, reset, Gates>> = 3;

/// Whether it is a level of an nn.RNN with nonlinearity='relu', which all of its levels and directions have.
template <class L>
bool is_relu_rnn(const L& layer) {
    if constexpr (requires { layer.forward_layer(); })
        return is_relu_rnn(layer.forward_layer());
    else if constexpr (requires { layer.cell().activation; })
        return layer.cell().activation == Activation::relu;
    else
        return false;
}

} // namespace carousel::detail
