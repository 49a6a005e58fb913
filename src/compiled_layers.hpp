// Every layer of float that a model's file can have, compiled once for all source files of a program: compiled_layers.cpp and
// compiled_bidirectional.cpp do it. A file that loads models without this header compiles all of them itself, for most of a minute.
#pragma once

#include "carousel/kernel/product.hpp"
#include "carousel/layer/orthonormalize.hpp"
#include "carousel/model/layer_registry.hpp"

/// What initial weights are made with. Declares it, if `how` is extern, or compiles it, if `how` is empty.
#define CAROUSEL_COMPILED_INITIAL(how)                                                                              \
    how template void carousel::kernel::multiply(float*, carousel::Index, carousel::Index, carousel::Index,         \
                                                 carousel::Index, carousel::kernel::Operand<float>,                 \
                                                 carousel::kernel::Operand<float>, bool, carousel::Buffer<float>&); \
    how template void carousel::detail::orthonormalize(carousel::Matrix<float>&)

CAROUSEL_COMPILED_INITIAL(extern);

namespace carousel::inline CAROUSEL_ABI::detail {

/// f(cell) for the type of every cell.
#define CAROUSEL_COMPILED_CELLS(f)                \
    f(SimpleRnnCell<float>);                      \
    f(LstmCell<float>);                           \
    f(LstmCell<float, true>);                     \
    f(LstmCell<float, false, ChosenGates>);       \
    f(LstmCell<float, true, ChosenGates>);        \
    f(GruCell<float, Reset::after>);              \
    f(GruCell<float, Reset::before>);             \
    f(GruCell<float, Reset::after, ChosenGates>); \
    f(GruCell<float, Reset::before, ChosenGates>)

#define CAROUSEL_COMPILED_OTHER_LAYERS(f) \
    f(Dense<float>);                      \
    f(Embedding<float>);                  \
    f(Conv1D<float>);                     \
    f(BatchNorm<float>);                  \
    f(PReLU<float>);                      \
    f(Dropout);                           \
    f(Gain);                              \
    f(Activate);                          \
    f(Softmax);                           \
    f(LastStep);                          \
    f(BothEnds);                          \
    f(FirstStep);                         \
    f(Residual<AnyLayer<float>>);         \
    f(Residual<Model<float>>);            \
    f(Model<float>)

// The virtual functions of an AnyLayer are what uses a layer's.
#define CAROUSEL_COMPILED_DECLARE(...) extern template class LayerOf<__VA_ARGS__, float>
#define CAROUSEL_COMPILED_DECLARE_RECURRENT(...)       \
    CAROUSEL_COMPILED_DECLARE(Recurrent<__VA_ARGS__>); \
    CAROUSEL_COMPILED_DECLARE(Bidirectional<Recurrent<__VA_ARGS__>>)

CAROUSEL_COMPILED_CELLS(CAROUSEL_COMPILED_DECLARE_RECURRENT);
CAROUSEL_COMPILED_OTHER_LAYERS(CAROUSEL_COMPILED_DECLARE);

} // namespace carousel::detail
