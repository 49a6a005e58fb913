// The layers that carousel::compiled holds, behind the virtual functions of AnyLayer. A program that makes them from files, without
// that library, compiles all of them itself, for most of a minute.
#pragma once

#include "carousel/kernel/compiled.hpp"
#include "carousel/layer/activate.hpp"
#include "carousel/layer/attention.hpp"
#include "carousel/layer/batch_norm.hpp"
#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/gain.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/layer_norm.hpp"
#include "carousel/layer/prelu.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/layer/slice.hpp"
#include "carousel/layer/softmax.hpp"
#include "carousel/model/any_encoder_decoder.hpp"
#include "carousel/model/any_parallel.hpp"
#include "carousel/model/model.hpp"
#include "carousel/model/model_part.hpp"

/// `how template class LayerOf<layer, S>` for each layer: with `extern` they are declared, without a word compiled.
#define CAROUSEL_LIBRARY_LAYERS(how, S)                   \
    how template class LayerOf<Dense<S>, S>;              \
    how template class LayerOf<Embedding<S>, S>;          \
    how template class LayerOf<Conv1D<S>, S>;             \
    how template class LayerOf<BatchNorm<S>, S>;          \
    how template class LayerOf<LayerNorm<S>, S>;          \
    how template class LayerOf<PReLU<S>, S>;              \
    how template class LayerOf<Attention<S>, S>;          \
    how template class LayerOf<Dropout, S>;               \
    how template class LayerOf<Gain, S>;                  \
    how template class LayerOf<Activate, S>;              \
    how template class LayerOf<Softmax, S>;               \
    how template class LayerOf<LastStep, S>;              \
    how template class LayerOf<BothEnds, S>;              \
    how template class LayerOf<FirstStep, S>;             \
    how template class LayerOf<Slice, S>;                 \
    how template class LayerOf<AnyParallel<S>, S>;        \
    how template class LayerOf<AnyEncoderDecoder<S>, S>;  \
    how template class LayerOf<Residual<AnyLayer<S>>, S>; \
    how template class LayerOf<Residual<Model<S>>, S>;    \
    how template class LayerOf<Model<S>, S>

namespace carousel::inline CAROUSEL_ABI::detail {

#ifdef CAROUSEL_COMPILED
#    define CAROUSEL_DECLARE_RECURRENT(...)                                         \
        extern template class LayerOf<Recurrent<__VA_ARGS__>, __VA_ARGS__::Scalar>; \
        extern template class LayerOf<Bidirectional<Recurrent<__VA_ARGS__>>, __VA_ARGS__::Scalar>
CAROUSEL_EACH_CELL(CAROUSEL_DECLARE_RECURRENT, float);
CAROUSEL_EACH_CELL(CAROUSEL_DECLARE_RECURRENT, double);
CAROUSEL_LIBRARY_LAYERS(extern, float);
CAROUSEL_LIBRARY_LAYERS(extern, double);
#endif

} // namespace carousel::detail
