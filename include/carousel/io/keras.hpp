// Keras models: .keras archives, .h5 files of Keras 2 and 3, .weights.h5 files
// (https://keras.io/api/models/model_saving_apis). Needs HDF5's C library, libzip and nlohmann-json; in CMake, link
// carousel::keras.
#pragma once

#include "carousel/io/keras/file.hpp"
#include "carousel/io/keras/into_model.hpp"
#include "carousel/io/keras/layers.hpp"
#include "carousel/io/keras/make.hpp"
#include "carousel/io/keras/options.hpp"
#include "carousel/model/model_file.hpp"

namespace carousel::inline CAROUSEL_ABI {

namespace detail::keras {

template <class S>
ModelFile<S> load(const Input& input, KerasFile& file, const KerasOptions& options) {
    input.check(file.model().is_object(),
                "it has weights alone, without the model they are of; load them into a model with load_keras_weights");
    const auto layers = LayerReader(file.version(), options).read(input, chain(input, file.model()));
    ModelFile<S> result;
    if (!file.keras_version().empty())
        result.metadata["keras_version"] = file.keras_version();
    if (const Json* const config = member(file.model(), "config"))
        if (const std::string name = text_member(*config, "name"); !name.empty())
            result.metadata["name"] = name;
    LayerMaker<S> maker(input);
    for (const LayerDescription& layer : layers)
        maker.add(layer, file.variables(layer));
    result.model = maker.model();
    return result;
}

} // namespace detail::keras

/// A model of Keras', Sequential or functional, whose layers stand in a row, but for skips; the layers of a model that is a
/// layer stand in its place:
///
///     ModelFile<float> file = load_keras("model.keras");
///     Stream stream{file.model};
///
/// LSTM, GRU (reset_after or not), SimpleRNN: the same. `dropout` is a Dropout per sequence before the layer,
///     return_sequences=False a LastStep after it. go_backwards is a reverse layer and FirstStep; with return_sequences Keras
///     gives the steps in reversed order, which a later layer that goes backwards must turn back.
/// Bidirectional: the same, merge_mode concat (BothEnds after it with return_sequences=False), or sum and ave of all steps.
/// Dense, also in TimeDistributed: Dense, and Softmax after it if that is its activation.
/// Conv1D: the same, padding causal or valid; same only where it pads nothing.
/// Embedding: the same. mask_zero and Masking: see KerasOptions::lengths_for_masks.
/// BatchNormalization: BatchNorm, as it is in inference.
/// LayerNormalization of the features: LayerNorm; where scale or center is off, with ones or zeros.
/// Normalization: BatchNorm, with the numbers that adapt() found. Rescaling: Activate.
/// Add of what a layer is given and what follows it, equally many features: Residual around what is between.
/// PReLU, whose slopes are the same at every step (shared_axes=[1]): the same.
/// Dropout, SpatialDropout1D: Dropout, for the latter per sequence.
/// Activation, ReLU, LeakyReLU, ELU, ThresholdedReLU, Softmax: Activate or Softmax.
///
/// Functions: linear, tanh, sigmoid, hard_sigmoid (Keras 2's or 3's, by the version in the file), relu, relu6, leaky_relu,
/// elu, selu, exponential, softsign, softplus, hard_tanh. `stateful` is the caller's affair here (a State or a Stream goes
/// on), and no state is read. What trains a model (optimizer, losses, regularizers, `trainable`) is passed over.
///
/// metadata: "keras_version" and "name", where the file says them.
///
/// Throws std::runtime_error "load_keras: source: layer "name" (class): …" if the file can't be read or isn't whole, or if
/// something it says can't be had; std::invalid_argument for an option of another value. Weights are float16, float32 or
/// float64, also compressed by gzip, all together at most 32 times as large as the file. HDF5's library isn't safe for
/// threads. Calls from one program or one shared library wait for one another; no other thread may use HDF5 meanwhile, be it
/// by a call of this function that is compiled into another shared library.
template <class S = float>
ModelFile<S> load_keras(const ByteSource& source, const KerasOptions& options = {}) {
    require(options.version == 0 || options.version == 2 || options.version == 3, "load_keras",
            "KerasOptions::version is ", options.version, ", expected 2, 3 or 0 for what the file says");
    detail::Input input("load_keras", source);
    detail::keras::KerasFile file(input);
    return detail::keras::load<S>(input, file, options);
}

/// The weights of a file of any of these kinds, also of a .weights.h5 file, which has nothing else (model.save_weights in
/// Keras), put into a model that is built as the one they are of:
///
///     Model<float> model{GRU<float>{1, 64}, LastStep{}, Dense<float>{64, 1}};
///     load_keras_weights("model.weights.h5", model);
///
/// The model's layers that have weights take them in turn: in the order of an .h5 file; of a .weights.h5 or .keras file,
/// which has no order of all layers, each the next of its class. Activations, directions and rates stay the model's. Of a
/// BatchNormalization with a scale alone or a center alone nothing says which of the two it has: it is refused,
/// and so is a LayerNormalization without both.
///
/// Throws std::runtime_error "load_keras_weights: source: layer k (name): …", with nothing changed, if the file can't be
/// read, or has weights for fewer, more or other layers. The model keeps the addresses of its parameters.
template <class S>
void load_keras_weights(const ByteSource& source, Model<S>& model) {
    detail::Input input("load_keras_weights", source);
    detail::keras::KerasFile file(input);
    Model<S> filled = model;
    detail::keras::LayerFiller<S> filler(input, file);
    filled.each_layer([&](std::size_t k, AnyLayer<S>& layer) { filler.fill(k, layer); });
    filler.finish();
    model = std::move(filled);
}

} // namespace carousel
