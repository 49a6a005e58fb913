// The models in tests/golden/headers: every layer of the library.
#pragma once

#include "carousel/layer/activate.hpp"
#include "carousel/layer/batch_norm.hpp"
#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/gain.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/layer/softmax.hpp"

#include "golden/header_amplifier.hpp"

namespace carousel::test {

/// Everything that can be streamed.
inline auto effect() {
    using Chosen = LSTM<float, Dynamic, Dynamic, ChosenGates>;
    using ChosenBefore = GRU<float, Dynamic, Dynamic, Reset::before, ChosenGates>;
    return with_numbers(Sequential{
        Conv1D<float>{2, 3, 2, {.dilation = 3, .activation = Activation::tanh}}, GRU<float>{3, 4},
        ChosenBefore{4, 3, {.gates = {.f = Activation::hard_sigmoid(), .g = Activation::softsign}}},
        CoupledLSTM<float>{3, 3, {.peephole = true}, {.zoneout = 0.1, .zoneout_cell = 0.3}},
        Chosen{3, 2, {.gates = {.g = Activation::tanh.clipped(3), .h = Activation::scaled_tanh(1.7159, 2. / 3)}}},
        SimpleRNN<float>{2, 2, {.activation = Activation::leaky_relu(0.1)}, {.recurrent_dropout = 0.25}},
        Residual{Sequential{LSTM<float>{2, 2, {.peephole = true}}, Dense<float>{2, 1}, Gain{-0.5}}},
        BatchNorm<float>{1}, Residual{Model<float>{Activate{Activation::elu(0.3)}, Dropout{0.5}}},
        Dense<float>{1, 3, {.activation = Activation::relu}}, Activate{Activation::affine(2, -0.0)}, Softmax{},
        LastStep{}});
}

/// What can't be streamed.
inline auto reader() {
    return with_numbers(Sequential{
        Embedding<double>{5, 3, {.padding = 0}}, Conv1D<double>{3, 2, 2, {.stride = 2, .padding = Padding::valid}},
        Bidirectional{GRU<double>{2, 2}, Merge::sum},
        Sequential{SimpleRNN<double>{2, 2, {}, {.reverse = true}}, Dropout{0.25, {.per_sequence = true}}}, BothEnds{},
        FirstStep{}, Dense<double>{2, 1, {.activation = Activation::sigmoid}}});
}

} // namespace carousel::test
