// made by carousel: don't edit
//
// Conv1D, GRU, GRU, CoupledLSTM, LSTM, SimpleRNN, Residual, BatchNorm, Residual, Dense, Activation, Softmax, LastStep: 373 parameters of type float.
//
//     auto stream = effect::stream(); // takes memory once
//     y = stream(x);                  // takes none: a sample in, a sample out
#pragma once

#include "carousel/layer/activate.hpp"
#include "carousel/layer/batch_norm.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/gain.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/layer/softmax.hpp"
#include "carousel/model/model.hpp"
#include "carousel/stream/stream.hpp"

#include <algorithm>
#include <iterator>

namespace effect {

namespace CAROUSEL_HIDDEN constants {
inline constexpr float W_0[] = { // 3 x 4, column by column
    -0.71428573f, -0.18571429f, 0.34285715f, -0.5714286f, -0.042857144f, 0.4857143f, -0.42857143f, 0.1f, 0.62857145f,
    -0.2857143f, 0.24285714f, -0.67142856f};
inline constexpr float b_0[] = { // 3 x 1
    0.15714286f, 0.6857143f, -0.22857143f};
inline constexpr float W_1[] = { // 12 x 3, column by column
    -0.41428572f, 0.114285715f, 0.64285713f, -0.27142859f, 0.25714287f, -0.6571429f, -0.12857144f, 0.4f,
    -0.51428574f, 0.014285714f, 0.54285717f, -0.37142858f, 0.15714286f, 0.6857143f, -0.22857143f, 0.3f, -0.6142857f,
    -0.08571429f, 0.44285715f, -0.47142857f, 0.057142857f, 0.5857143f, -0.32857144f, 0.2f, -0.71428573f,
    -0.18571429f, 0.34285715f, -0.5714286f, -0.042857144f, 0.4857143f, -0.42857143f, 0.1f, 0.62857145f, -0.2857143f,
    0.24285714f, -0.67142856f};
inline constexpr float U_1[] = { // 12 x 4, column by column
    0.45714286f, -0.45714286f, 0.071428575f, 0.6f, -0.31428573f, 0.21428572f, -0.7f, -0.17142858f, 0.35714287f,
    -0.55714285f, -0.028571429f, 0.5f, -0.41428572f, 0.114285715f, 0.64285713f, -0.27142859f, 0.25714287f,
    -0.6571429f, -0.12857144f, 0.4f, -0.51428574f, 0.014285714f, 0.54285717f, -0.37142858f, 0.15714286f, 0.6857143f,
    -0.22857143f, 0.3f, -0.6142857f, -0.08571429f, 0.44285715f, -0.47142857f, 0.057142857f, 0.5857143f, -0.32857144f,
    0.2f, -0.71428573f, -0.18571429f, 0.34285715f, -0.5714286f, -0.042857144f, 0.4857143f, -0.42857143f, 0.1f,
    0.62857145f, -0.2857143f, 0.24285714f, -0.67142856f};
inline constexpr float b_1[] = { // 16 x 1
    -0.114285715f, 0.41428572f, -0.5f, 0.028571429f, 0.55714285f, -0.35714287f, 0.17142858f, 0.7f, -0.21428572f,
    0.31428573f, -0.6f, -0.071428575f, 0.45714286f, -0.45714286f, 0.071428575f, 0.6f};
inline constexpr float W_2[] = { // 9 x 4, column by column
    -0.6857143f, -0.15714286f, 0.37142858f, -0.54285717f, -0.014285714f, 0.51428574f, -0.4f, 0.12857144f, 0.6571429f,
    -0.25714287f, 0.27142859f, -0.64285713f, -0.114285715f, 0.41428572f, -0.5f, 0.028571429f, 0.55714285f,
    -0.35714287f, 0.17142858f, 0.7f, -0.21428572f, 0.31428573f, -0.6f, -0.071428575f, 0.45714286f, -0.45714286f,
    0.071428575f, 0.6f, -0.31428573f, 0.21428572f, -0.7f, -0.17142858f, 0.35714287f, -0.55714285f, -0.028571429f,
    0.5f};
inline constexpr float U_2[] = { // 9 x 3, column by column
    0.18571429f, 0.71428573f, -0.2f, 0.32857144f, -0.5857143f, -0.057142857f, 0.47142857f, -0.44285715f, 0.08571429f,
    0.6142857f, -0.3f, 0.22857143f, -0.6857143f, -0.15714286f, 0.37142858f, -0.54285717f, -0.014285714f, 0.51428574f,
    -0.4f, 0.12857144f, 0.6571429f, -0.25714287f, 0.27142859f, -0.64285713f, -0.114285715f, 0.41428572f, -0.5f};
inline constexpr float b_2[] = { // 9 x 1
    -0.3857143f, 0.14285715f, 0.67142856f, -0.24285714f, 0.2857143f, -0.62857145f, -0.1f, 0.42857143f, -0.4857143f};
inline constexpr float W_3[] = { // 9 x 3, column by column
    0.4857143f, -0.42857143f, 0.1f, 0.62857145f, -0.2857143f, 0.24285714f, -0.67142856f, -0.14285715f, 0.3857143f,
    -0.5285714f, 0.f, 0.5285714f, -0.3857143f, 0.14285715f, 0.67142856f, -0.24285714f, 0.2857143f, -0.62857145f,
    -0.1f, 0.42857143f, -0.4857143f, 0.042857144f, 0.5714286f, -0.34285715f, 0.18571429f, 0.71428573f, -0.2f};
inline constexpr float U_3[] = { // 9 x 3, column by column
    -0.08571429f, 0.44285715f, -0.47142857f, 0.057142857f, 0.5857143f, -0.32857144f, 0.2f, -0.71428573f,
    -0.18571429f, 0.34285715f, -0.5714286f, -0.042857144f, 0.4857143f, -0.42857143f, 0.1f, 0.62857145f, -0.2857143f,
    0.24285714f, -0.67142856f, -0.14285715f, 0.3857143f, -0.5285714f, 0.f, 0.5285714f, -0.3857143f, 0.14285715f,
    0.67142856f};
inline constexpr float b_3[] = { // 9 x 1
    -0.6571429f, -0.12857144f, 0.4f, -0.51428574f, 0.014285714f, 0.54285717f, -0.37142858f, 0.15714286f, 0.6857143f};
inline constexpr float P_3[] = { // 3 x 2, column by column
    0.21428572f, -0.7f, -0.17142858f, 0.35714287f, -0.55714285f, -0.028571429f};
inline constexpr float W_4[] = { // 8 x 3, column by column
    -0.35714287f, 0.17142858f, 0.7f, -0.21428572f, 0.31428573f, -0.6f, -0.071428575f, 0.45714286f, -0.45714286f,
    0.071428575f, 0.6f, -0.31428573f, 0.21428572f, -0.7f, -0.17142858f, 0.35714287f, -0.55714285f, -0.028571429f,
    0.5f, -0.41428572f, 0.114285715f, 0.64285713f, -0.27142859f, 0.25714287f};
inline constexpr float U_4[] = { // 8 x 2, column by column
    0.51428574f, -0.4f, 0.12857144f, 0.6571429f, -0.25714287f, 0.27142859f, -0.64285713f, -0.114285715f, 0.41428572f,
    -0.5f, 0.028571429f, 0.55714285f, -0.35714287f, 0.17142858f, 0.7f, -0.21428572f};
inline constexpr float b_4[] = { // 8 x 1
    -0.057142857f, 0.47142857f, -0.44285715f, 0.08571429f, 0.6142857f, -0.3f, 0.22857143f, -0.6857143f};
inline constexpr float W_5[] = { // 2 x 2, column by column
    -0.62857145f, -0.1f, 0.42857143f, -0.4857143f};
inline constexpr float U_5[] = { // 2 x 2, column by column
    0.24285714f, -0.67142856f, -0.14285715f, 0.3857143f};
inline constexpr float b_5[] = { // 2 x 1
    -0.32857144f, 0.2f};
inline constexpr float W_6_0[] = { // 8 x 2, column by column
    0.54285717f, -0.37142858f, 0.15714286f, 0.6857143f, -0.22857143f, 0.3f, -0.6142857f, -0.08571429f, 0.44285715f,
    -0.47142857f, 0.057142857f, 0.5857143f, -0.32857144f, 0.2f, -0.71428573f, -0.18571429f};
inline constexpr float U_6_0[] = { // 8 x 2, column by column
    -0.028571429f, 0.5f, -0.41428572f, 0.114285715f, 0.64285713f, -0.27142859f, 0.25714287f, -0.6571429f,
    -0.12857144f, 0.4f, -0.51428574f, 0.014285714f, 0.54285717f, -0.37142858f, 0.15714286f, 0.6857143f};
inline constexpr float b_6_0[] = { // 8 x 1
    -0.6f, -0.071428575f, 0.45714286f, -0.45714286f, 0.071428575f, 0.6f, -0.31428573f, 0.21428572f};
inline constexpr float P_6_0[] = { // 2 x 3, column by column
    0.27142859f, -0.64285713f, -0.114285715f, 0.41428572f, -0.5f, 0.028571429f};
inline constexpr float W_6_1[] = { // 1 x 2, column by column
    -0.3f, 0.22857143f};
inline constexpr float b_6_1[] = { // 1 x 1
    0.5714286f};
inline constexpr float gamma_7[] = { // 1 x 1
    0.f};
inline constexpr float beta_7[] = { // 1 x 1
    -0.5714286f};
inline constexpr float mean_7[] = { // 1 x 1
    0.3f};
inline constexpr float variance_7[] = { // 1 x 1
    0.7285714f};
inline constexpr float W_9[] = { // 3 x 1
    0.6f, -0.31428573f, 0.21428572f};
inline constexpr float b_9[] = { // 3 x 1
    0.028571429f, 0.55714285f, -0.35714287f};
} // namespace constants

using Model = carousel::Sequential<carousel::Conv1D<float>, carousel::GRU<float, 3, 4>, carousel::GRU<float, 4, 3, carousel::Reset::before, carousel::ChosenGates>, carousel::CoupledLSTM<float, 3, 3>, carousel::LSTM<float, 3, 2, carousel::ChosenGates>, carousel::SimpleRNN<float, 2, 2>, carousel::Residual<carousel::Sequential<carousel::LSTM<float, 2, 2>, carousel::Dense<float, 2, 1>, carousel::Gain>>, carousel::BatchNorm<float>, carousel::Residual<carousel::Model<float>>, carousel::Dense<float, 1, 3>, carousel::Activate, carousel::Softmax, carousel::LastStep>;

/// The trained model. It can be trained on.
inline Model model() {
    Model result = Model{carousel::Conv1D<float>{carousel::uninitialized, 2, 3, 2, {.dilation = 3, .activation = carousel::Activation::tanh}},
                         carousel::GRU<float, 3, 4>{carousel::uninitialized},
                         carousel::GRU<float, 4, 3, carousel::Reset::before, carousel::ChosenGates>{carousel::uninitialized, {.gates = {.f = carousel::Activation::hard_sigmoid(0.2, 0.5), .g = carousel::Activation::softsign}}},
                         carousel::CoupledLSTM<float, 3, 3>{carousel::uninitialized, {.peephole = true}, {.zoneout = 0.1, .zoneout_cell = 0.3}},
                         carousel::LSTM<float, 3, 2, carousel::ChosenGates>{carousel::uninitialized, {.gates = {.f = carousel::Activation::sigmoid, .g = carousel::Activation::tanh.clipped(3.), .h = carousel::Activation::scaled_tanh(1.7159, 0.6666666666666666)}}},
                         carousel::SimpleRNN<float, 2, 2>{carousel::uninitialized, {.activation = carousel::Activation::leaky_relu(0.1)}, {.recurrent_dropout = 0.25}},
                         carousel::Residual<carousel::Sequential<carousel::LSTM<float, 2, 2>, carousel::Dense<float, 2, 1>, carousel::Gain>>{carousel::Sequential<carousel::LSTM<float, 2, 2>, carousel::Dense<float, 2, 1>, carousel::Gain>{carousel::LSTM<float, 2, 2>{carousel::uninitialized, {.peephole = true}}, carousel::Dense<float, 2, 1>{carousel::uninitialized}, carousel::Gain{-0.5}}},
                         carousel::BatchNorm<float>{1, {.epsilon = 1e-05}},
                         carousel::Residual<carousel::Model<float>>{carousel::Model<float>{}.add(carousel::Activate{carousel::Activation::elu(0.3)}).add(carousel::Dropout{0.5})},
                         carousel::Dense<float, 1, 3>{carousel::uninitialized, {.activation = carousel::Activation::relu}},
                         carousel::Activate{carousel::Activation::affine(2., -0.)},
                         carousel::Softmax{},
                         carousel::LastStep{}};
    const auto set = [](carousel::Parameter<float>& parameter, const auto& numbers) {
        std::copy(std::begin(numbers), std::end(numbers), parameter.value.data());
    };
    set(result.layer<0>().W(), constants::W_0);
    set(result.layer<0>().b(), constants::b_0);
    set(result.layer<1>().W(), constants::W_1);
    set(result.layer<1>().U(), constants::U_1);
    set(result.layer<1>().b(), constants::b_1);
    set(result.layer<2>().W(), constants::W_2);
    set(result.layer<2>().U(), constants::U_2);
    set(result.layer<2>().b(), constants::b_2);
    set(result.layer<3>().W(), constants::W_3);
    set(result.layer<3>().U(), constants::U_3);
    set(result.layer<3>().b(), constants::b_3);
    set(result.layer<3>().P(), constants::P_3);
    set(result.layer<4>().W(), constants::W_4);
    set(result.layer<4>().U(), constants::U_4);
    set(result.layer<4>().b(), constants::b_4);
    set(result.layer<5>().W(), constants::W_5);
    set(result.layer<5>().U(), constants::U_5);
    set(result.layer<5>().b(), constants::b_5);
    set(result.layer<6>().layer().layer<0>().W(), constants::W_6_0);
    set(result.layer<6>().layer().layer<0>().U(), constants::U_6_0);
    set(result.layer<6>().layer().layer<0>().b(), constants::b_6_0);
    set(result.layer<6>().layer().layer<0>().P(), constants::P_6_0);
    set(result.layer<6>().layer().layer<1>().W(), constants::W_6_1);
    set(result.layer<6>().layer().layer<1>().b(), constants::b_6_1);
    set(result.layer<7>().gamma(), constants::gamma_7);
    set(result.layer<7>().beta(), constants::beta_7);
    set(result.layer<7>().mean(), constants::mean_7);
    set(result.layer<7>().variance(), constants::variance_7);
    set(result.layer<9>().W(), constants::W_9);
    set(result.layer<9>().b(), constants::b_9);
    return result;
}

/// The model sample by sample.
inline carousel::Stream<Model> stream() {
    return carousel::Stream<Model>(model());
}

} // namespace effect
