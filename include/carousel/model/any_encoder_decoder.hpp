// AnyEncoderDecoder: an EncoderDecoder whose nets are known only when the program runs, as of a file.
#pragma once

#include "carousel/layer/encoder_decoder.hpp"
#include "carousel/model/any_layer.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// An EncoderDecoder of any two nets; parameters, settings and description are those of the equal EncoderDecoder. In a
/// model that load_model gives it is the only layer:
///
///     auto model = load_model<float>("translate.safetensors");
///     const auto& translate = *model.layer(0).target<AnyEncoderDecoder<float>>();
///     const auto answers = generate(translate.decoder(), translate.read(questions), start, 30, greedy);
template <std::floating_point S>
using AnyEncoderDecoder = EncoderDecoder<AnyLayer<S>, AnyLayer<S>>;

} // namespace carousel
