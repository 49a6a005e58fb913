// What many tests instantiate, compiled once for all of them: compiled_once_float.cpp and compiled_once_double.cpp do it. Every
// test sees this header first, as it is precompiled.
#pragma once

#include "carousel/cell/gru.hpp"
#include "carousel/cell/lstm.hpp"
#include "carousel/cell/simple_rnn.hpp"
#include "carousel/kernel/pass.hpp"
#include "carousel/kernel/product.hpp"
#include "carousel/layer/orthonormalize.hpp"

/// Declares it, if `how` is extern, or compiles it, if `how` is empty.
#define CAROUSEL_COMPILED_ONCE(how, S)                                                                      \
    how template class carousel::kernel::PassEngine<carousel::SimpleRnnCell<S>>;                            \
    how template class carousel::kernel::PassEngine<carousel::LstmCell<S>>;                                 \
    how template class carousel::kernel::PassEngine<carousel::GruCell<S>>;                                  \
    how template void carousel::kernel::multiply(S*, carousel::Index, carousel::Index, carousel::Index,     \
                                                 carousel::Index, carousel::kernel::Operand<S>,             \
                                                 carousel::kernel::Operand<S>, bool, carousel::Buffer<S>&); \
    how template void carousel::detail::orthonormalize(carousel::Matrix<S>&)

#ifdef CAROUSEL_COMPILED // the library has all of it
#    undef CAROUSEL_COMPILED_ONCE
#    define CAROUSEL_COMPILED_ONCE(how, S) static_assert(true)
#endif

CAROUSEL_COMPILED_ONCE(extern, float);
CAROUSEL_COMPILED_ONCE(extern, double);
