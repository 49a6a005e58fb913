// load_model: a model from a safetensors file that says itself what its layers are. Needs nlohmann-json; in CMake, link
// carousel::safetensors, or carousel::compiled, which needs nothing.
#pragma once

#include "carousel/io/byte_source.hpp"
#include "carousel/model/layer_registry.hpp"
#include "carousel/model/model_file.hpp"

#ifdef CAROUSEL_TEMPLATES
#    include "carousel/io/safetensors.hpp"
#endif

#include <concepts>
#include <stdexcept>
#include <string>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

/// Loads what save_safetensors saved of a Sequential, a Model or a layer (an EncoderDecoder: AnyEncoderDecoder),
/// without any code that knows the layers, and the user's metadata:
///
///     const auto [model, metadata, state] = load_model_file<float>("model.safetensors");
///
/// The numbers of the file must be of type S. `registry` says how layers of the program's own are made. Throws
/// std::runtime_error "load_model: path: …" if the file doesn't say what its layers are (build the model then, and call
/// load_safetensors), if one is unknown or doesn't fit the one before it, and for what load_safetensors refuses.
///
/// Without carousel::compiled it compiles every layer of the library, which takes a while: call it in one file of a
/// program.
template <std::floating_point S>
ModelFile<S> load_model_file(const ByteSource& source, const LayerRegistry<S>& registry = {});

/// The model alone.
template <std::floating_point S>
Model<S> load_model(const ByteSource& source, const LayerRegistry<S>& registry = {});

#ifdef CAROUSEL_TEMPLATES
template <std::floating_point S>
ModelFile<S> load_model_file(const ByteSource& source, const LayerRegistry<S>& registry) {
    const LoadOptions options;
    detail::SafetensorsMatch file(source, options, "load_model");
    const detail::SafetensorsReader& reader = file.reader();
    const auto text = reader.metadata().find(detail::architecture_key);
    file.check(text != reader.metadata().end(), "the metadata has no \"", detail::architecture_key,
               "\", which says what the layers are; build the model and call load_safetensors");
    detail::ArchitectureReader architecture;
    architecture.read(text->second);
    file.check(architecture.error().empty(), architecture.error());

    Index numbers = 0; // the layers can't have more parameters together
    for (const detail::SafetensorsEntry& entry : reader.entries())
        numbers += static_cast<Index>((entry.end - entry.begin) / sizeof(S));
    const auto limited = registry.limited_to(numbers);
    return detail::instead_of<std::invalid_argument>(
        [&] {
            ModelFile<S> result;
            if (architecture.model.type == "Sequential") {
                result.model = limited.make_model(architecture.model);
                result.metadata = detail::load_model_from(file, result.model);
            } else { // a layer alone: the names of its parameters have no number before them
                AnyLayer<S> layer = limited.make(architecture.model);
                result.metadata = detail::load_model_from(file, layer);
                result.model.add(std::move(layer));
            }
            return result;
        },
        [&](const std::invalid_argument& error) { file.check(false, error.what()); });
}

template <std::floating_point S>
Model<S> load_model(const ByteSource& source, const LayerRegistry<S>& registry) {
    return load_model_file<S>(source, registry).model;
}
#else
extern template Model<float> load_model(const ByteSource&, const LayerRegistry<float>&);
extern template Model<double> load_model(const ByteSource&, const LayerRegistry<double>&);
extern template ModelFile<float> load_model_file(const ByteSource&, const LayerRegistry<float>&);
extern template ModelFile<double> load_model_file(const ByteSource&, const LayerRegistry<double>&);
#endif

} // namespace carousel
