// made by carousel: don't edit
//
// Embedding, Conv1D, Bidirectional, Sequential, BothEnds, FirstStep, Dense: 106 parameters of type double.
// There is no stream() of it: layer 1 (Conv1D): it has a stride.
#pragma once

#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"

#include <algorithm>
#include <iterator>

namespace reader {

namespace CAROUSEL_HIDDEN constants {
inline constexpr double table_0[] = { // 3 x 5, column by column
    -0.7142857142857143, -0.18571428571428572, 0.34285714285714286, -0.5714285714285714, -0.04285714285714286,
    0.4857142857142857, -0.42857142857142855, 0.1, 0.6285714285714286, -0.2857142857142857, 0.24285714285714285,
    -0.6714285714285714, -0.14285714285714285, 0.38571428571428573, -0.5285714285714286};
inline constexpr double W_1[] = { // 2 x 6, column by column
    0.15714285714285714, 0.6857142857142857, -0.22857142857142856, 0.3, -0.6142857142857143, -0.08571428571428572,
    0.44285714285714284, -0.4714285714285714, 0.05714285714285714, 0.5857142857142857, -0.32857142857142857, 0.2};
inline constexpr double b_1[] = { // 2 x 1
    -0.4142857142857143, 0.11428571428571428};
inline constexpr double W_2_forward[] = { // 6 x 2, column by column
    0.45714285714285713, -0.45714285714285713, 0.07142857142857142, 0.6, -0.3142857142857143, 0.21428571428571427,
    -0.7, -0.17142857142857143, 0.35714285714285715, -0.5571428571428572, -0.02857142857142857, 0.5};
inline constexpr double U_2_forward[] = { // 6 x 2, column by column
    -0.11428571428571428, 0.4142857142857143, -0.5, 0.02857142857142857, 0.5571428571428572, -0.35714285714285715,
    0.17142857142857143, 0.7, -0.21428571428571427, 0.3142857142857143, -0.6, -0.07142857142857142};
inline constexpr double b_2_forward[] = { // 8 x 1
    -0.6857142857142857, -0.15714285714285714, 0.37142857142857144, -0.5428571428571428, -0.014285714285714285,
    0.5142857142857142, -0.4, 0.12857142857142856};
inline constexpr double W_2_reverse[] = { // 6 x 2, column by column
    0.18571428571428572, 0.7142857142857143, -0.2, 0.32857142857142857, -0.5857142857142857, -0.05714285714285714,
    0.4714285714285714, -0.44285714285714284, 0.08571428571428572, 0.6142857142857143, -0.3, 0.22857142857142856};
inline constexpr double U_2_reverse[] = { // 6 x 2, column by column
    -0.38571428571428573, 0.14285714285714285, 0.6714285714285714, -0.24285714285714285, 0.2857142857142857,
    -0.6285714285714286, -0.1, 0.42857142857142855, -0.4857142857142857, 0.04285714285714286, 0.5714285714285714,
    -0.34285714285714286};
inline constexpr double b_2_reverse[] = { // 8 x 1
    0.4857142857142857, -0.42857142857142855, 0.1, 0.6285714285714286, -0.2857142857142857, 0.24285714285714285,
    -0.6714285714285714, -0.14285714285714285};
inline constexpr double W_3_0[] = { // 2 x 2, column by column
    -0.08571428571428572, 0.44285714285714284, -0.4714285714285714, 0.05714285714285714};
inline constexpr double U_3_0[] = { // 2 x 2, column by column
    -0.6571428571428571, -0.12857142857142856, 0.4, -0.5142857142857142};
inline constexpr double b_3_0[] = { // 2 x 1
    0.21428571428571427, -0.7};
inline constexpr double W_6[] = { // 1 x 2, column by column
    -0.35714285714285715, 0.17142857142857143};
inline constexpr double b_6[] = { // 1 x 1
    0.5142857142857142};
} // namespace constants

using Model = carousel::Sequential<carousel::Embedding<double>, carousel::Conv1D<double>, carousel::Bidirectional<carousel::GRU<double, 2, 2>>, carousel::Sequential<carousel::SimpleRNN<double, 2, 2>, carousel::Dropout>, carousel::BothEnds, carousel::FirstStep, carousel::Dense<double, 2, 1>>;

/// The trained model. It can be trained on.
inline Model model() {
    Model result = Model{carousel::Embedding<double>{carousel::uninitialized, 5, 3, {.padding = 0}},
                         carousel::Conv1D<double>{carousel::uninitialized, 3, 2, 2, {.stride = 2, .padding = carousel::Padding::valid}},
                         carousel::Bidirectional<carousel::GRU<double, 2, 2>>{carousel::GRU<double, 2, 2>{carousel::uninitialized}, carousel::GRU<double, 2, 2>{carousel::uninitialized, {}, {.reverse = true}}, carousel::Merge::sum},
                         carousel::Sequential<carousel::SimpleRNN<double, 2, 2>, carousel::Dropout>{carousel::SimpleRNN<double, 2, 2>{carousel::uninitialized, {}, {.reverse = true}}, carousel::Dropout{0.25, {.per_sequence = true}}},
                         carousel::BothEnds{},
                         carousel::FirstStep{},
                         carousel::Dense<double, 2, 1>{carousel::uninitialized, {.activation = carousel::Activation::sigmoid}}};
    const auto set = [](carousel::Parameter<double>& parameter, const auto& numbers) {
        std::copy(std::begin(numbers), std::end(numbers), parameter.value.data());
    };
    set(result.layer<0>().table(), constants::table_0);
    set(result.layer<1>().W(), constants::W_1);
    set(result.layer<1>().b(), constants::b_1);
    set(result.layer<2>().forward_layer().W(), constants::W_2_forward);
    set(result.layer<2>().forward_layer().U(), constants::U_2_forward);
    set(result.layer<2>().forward_layer().b(), constants::b_2_forward);
    set(result.layer<2>().reverse_layer().W(), constants::W_2_reverse);
    set(result.layer<2>().reverse_layer().U(), constants::U_2_reverse);
    set(result.layer<2>().reverse_layer().b(), constants::b_2_reverse);
    set(result.layer<3>().layer<0>().W(), constants::W_3_0);
    set(result.layer<3>().layer<0>().U(), constants::U_3_0);
    set(result.layer<3>().layer<0>().b(), constants::b_3_0);
    set(result.layer<6>().W(), constants::W_6);
    set(result.layer<6>().b(), constants::b_6);
    return result;
}

} // namespace reader
