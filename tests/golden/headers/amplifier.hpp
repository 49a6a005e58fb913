// made by carousel: don't edit
//
// LSTM, Dense: 64 parameters of type float.
//
//     auto stream = amplifier::stream(); // takes memory once
//     y = stream(x);                     // takes none: a sample in, a sample out
#pragma once

#include "carousel/layer/dense.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/stream/stream.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace amplifier {

/// In Hz.
inline constexpr double sample_rate = 44100.;

/// What the file of the model said besides its numbers, by name.
CAROUSEL_HIDDEN inline constexpr std::pair<std::string_view, std::string_view> metadata[] = {
    {"name", "Twin \"65\" \342\231\253"},
    {"sample_rate", "44100"}};

namespace CAROUSEL_HIDDEN constants {
inline constexpr float W_0[] = { // 12 x 1
    -0.71428573f, -0.18571429f, 0.34285715f, -0.5714286f, -0.042857144f, 0.4857143f, -0.42857143f, 0.1f, 0.62857145f,
    -0.2857143f, 0.24285714f, -0.67142856f};
inline constexpr float U_0[] = { // 12 x 3, column by column
    0.15714286f, 0.6857143f, -0.22857143f, 0.3f, -0.6142857f, -0.08571429f, 0.44285715f, -0.47142857f, 0.057142857f,
    0.5857143f, -0.32857144f, 0.2f, -0.71428573f, -0.18571429f, 0.34285715f, -0.5714286f, -0.042857144f, 0.4857143f,
    -0.42857143f, 0.1f, 0.62857145f, -0.2857143f, 0.24285714f, -0.67142856f, -0.14285715f, 0.3857143f, -0.5285714f,
    0.f, 0.5285714f, -0.3857143f, 0.14285715f, 0.67142856f, -0.24285714f, 0.2857143f, -0.62857145f, -0.1f};
inline constexpr float b_0[] = { // 12 x 1
    -0.41428572f, 0.114285715f, 0.64285713f, -0.27142859f, 0.25714287f, -0.6571429f, -0.12857144f, 0.4f,
    -0.51428574f, 0.014285714f, 0.54285717f, -0.37142858f};
inline constexpr float state_0[] = { // 6 x 1
    -0.3857143f, 0.14285715f, 0.67142856f, -0.24285714f, 0.2857143f, -0.62857145f};
inline constexpr float W_1[] = { // 1 x 3, column by column
    0.45714286f, -0.45714286f, 0.071428575f};
inline constexpr float b_1[] = { // 1 x 1
    -0.114285715f};
} // namespace constants

using Model = carousel::Sequential<carousel::LSTM<float, 1, 3>, carousel::Dense<float, 3, 1>>;

/// The trained model. It can be trained on.
inline Model model() {
    Model result = Model{carousel::LSTM<float, 1, 3>{carousel::uninitialized},
                         carousel::Dense<float, 3, 1>{carousel::uninitialized}};
    const auto set = [](carousel::Parameter<float>& parameter, const auto& numbers) {
        std::copy(std::begin(numbers), std::end(numbers), parameter.value.data());
    };
    set(result.layer<0>().W(), constants::W_0);
    set(result.layer<0>().U(), constants::U_0);
    set(result.layer<0>().b(), constants::b_0);
    set(result.layer<1>().W(), constants::W_1);
    set(result.layer<1>().b(), constants::b_1);
    return result;
}

/// The state in which a sequence begins.
inline Model::State initial_state() {
    Model::State state;
    const auto set = [](carousel::Matrix<float>& matrix, const auto& numbers) {
        matrix.resize(std::ssize(numbers), 1);
        std::copy(std::begin(numbers), std::end(numbers), matrix.data());
    };
    set(std::get<0>(state), constants::state_0);
    return state;
}

/// The model sample by sample, from initial_state(). reset() goes back to zeros.
inline carousel::Stream<Model> stream() {
    carousel::Stream<Model> result(model());
    result.set_state(initial_state());
    return result;
}

} // namespace amplifier
