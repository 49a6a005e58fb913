// Models of GuitarML's programs: Proteus, NeuralPi, NeuralSeed, Chameleon …, as CoreAudioML trains and writes them. Needs
// nlohmann-json, so carousel.hpp doesn't include it; in CMake, link carousel::guitarml.
#pragma once

#include "carousel/io/guitarml/description.hpp"
#include "carousel/io/recurrent_weights.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/model/model_file.hpp"

#include <limits>
#include <optional>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

/// What load_guitarml may be told.
struct GuitarmlOptions {
    /// Whether the model's first input is added to its output. By default as the file says (`skip`), which is how it was
    /// trained. GuitarML's plugins add it whatever the file says.
    std::optional<bool> skip = std::nullopt;
};

namespace detail::guitarml {

template <class Recurrent, class S>
void add_recurrent(const Description& description, Model<S>& to) {
    Index input = description.input;
    for (const auto& from : description.layers) {
        Recurrent layer(input, description.hidden, {.initialize = false});
        const auto cast = [](const Matrix<double>& m) -> Matrix<S> { return m.template cast<S>(); };
        set_recurrent_weights(layer, {cast(from.W), cast(from.U), cast(from.b), cast(from.b_recurrent)}, pytorch_layout,
                              "load_guitarml");
        to.add(std::move(layer));
        input = description.hidden;
    }
}

template <class S>
Model<S> model_of(const Description& description) {
    Model<S> inner;
    if (description.unit == "LSTM")
        add_recurrent<LSTM<S>>(description, inner);
    else if (description.unit == "GRU")
        add_recurrent<GRU<S>>(description, inner);
    else
        add_recurrent<SimpleRNN<S>>(description, inner);
    Dense<S> linear(description.hidden, description.output, {.initialize = false});
    linear.W().value = description.W.template cast<S>();
    linear.b().value = description.b.template cast<S>();
    inner.add(std::move(linear));
    if (!description.skip)
        return inner;
    Model<S> model;
    model.add(Residual<Model<S>>(std::move(inner)));
    return model;
}

} // namespace detail::guitarml

/// Loads a model whose JSON has `model_data` and `state_dict` (https://github.com/GuitarML,
/// https://github.com/Alec-Wright/CoreAudioML): LSTM, GRU (which resets after the product) or SimpleRNN layers and a Dense
/// one, which a Residual adds the input to. Further features of the input are knobs, from 0 to 1. `source` is a path or the
/// file's bytes in memory.
///
/// Metadata: "sample_rate" in Hz if the file says it, which GuitarML's don't (their programs run at 44,100), and what else
/// stands beside `model_data`. The state is empty: zero.
///
/// Throws std::runtime_error "load_guitarml: path: state_dict: rec.weight_ih_l0 is 80 x 1, expected …".
template <std::floating_point S = float>
ModelFile<S> load_guitarml(const ByteSource& source, const GuitarmlOptions& options = {}) {
    auto description = detail::guitarml::read("load_guitarml", source, std::numeric_limits<S>::max(), options.skip);
    return {detail::guitarml::model_of<S>(description), std::move(description.metadata)};
}

} // namespace carousel
