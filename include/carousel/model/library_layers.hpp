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

/// What a file needs of a layer of this type behind virtual functions: with `extern` it is declared, without a word compiled.
#define CAROUSEL_LAYER(how, S, ...)                                                           \
    how template std::unique_ptr<LayerInterface<S>> layer_of<__VA_ARGS__, S>(__VA_ARGS__ &&); \
    how template const void* layer_key<__VA_ARGS__, S>()
/// Of Recurrent or BidirectionalOf, with this cell. The layer itself isn't looked at.
#define CAROUSEL_LAYER_OF_CELL(how, Layer, ...)                                   \
    how template std::unique_ptr<LayerInterface<__VA_ARGS__::Scalar>>             \
        layer_of<Layer<__VA_ARGS__>, __VA_ARGS__::Scalar>(Layer<__VA_ARGS__> &&); \
    how template const void* layer_key<Layer<__VA_ARGS__>, __VA_ARGS__::Scalar>()
/// Of each layer that isn't recurrent.
#define CAROUSEL_LIBRARY_LAYERS(how, S)            \
    CAROUSEL_LAYER(how, S, Dense<S>);              \
    CAROUSEL_LAYER(how, S, Embedding<S>);          \
    CAROUSEL_LAYER(how, S, Conv1D<S>);             \
    CAROUSEL_LAYER(how, S, BatchNorm<S>);          \
    CAROUSEL_LAYER(how, S, LayerNorm<S>);          \
    CAROUSEL_LAYER(how, S, PReLU<S>);              \
    CAROUSEL_LAYER(how, S, Attention<S>);          \
    CAROUSEL_LAYER(how, S, Dropout);               \
    CAROUSEL_LAYER(how, S, Gain);                  \
    CAROUSEL_LAYER(how, S, Activate);              \
    CAROUSEL_LAYER(how, S, Softmax);               \
    CAROUSEL_LAYER(how, S, LastStep);              \
    CAROUSEL_LAYER(how, S, BothEnds);              \
    CAROUSEL_LAYER(how, S, FirstStep);             \
    CAROUSEL_LAYER(how, S, Slice);                 \
    CAROUSEL_LAYER(how, S, AnyParallel<S>);        \
    CAROUSEL_LAYER(how, S, AnyEncoderDecoder<S>);  \
    CAROUSEL_LAYER(how, S, Residual<AnyLayer<S>>); \
    CAROUSEL_LAYER(how, S, Residual<Model<S>>);    \
    CAROUSEL_LAYER(how, S, Model<S>)

namespace carousel::inline CAROUSEL_ABI::detail {

template <class C>
using BidirectionalOf = Bidirectional<Recurrent<C>>;

#ifdef CAROUSEL_COMPILED
#    define CAROUSEL_DECLARE_RECURRENT(...)                     \
        CAROUSEL_LAYER_OF_CELL(extern, Recurrent, __VA_ARGS__); \
        CAROUSEL_LAYER_OF_CELL(extern, BidirectionalOf, __VA_ARGS__)
CAROUSEL_EACH_CELL(CAROUSEL_DECLARE_RECURRENT, float);
CAROUSEL_EACH_CELL(CAROUSEL_DECLARE_RECURRENT, double);
CAROUSEL_LIBRARY_LAYERS(extern, float);
CAROUSEL_LIBRARY_LAYERS(extern, double);
#endif

} // namespace carousel::detail
