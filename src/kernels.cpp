// The kernels of one instruction set: this file is compiled once for each, and for float (CAROUSEL_SCALAR) and double apart, so
// that two processors share the work.
//
// No function of this file may end up where other sets find it: the linker keeps one copy of an inline function or template, and
// one with AVX instructions in it would be called on processors that don't have them. So what it uses is in the inline namespace
// of the set, always_inline, or not defined here (CAROUSEL_BODIES). A test looks at its object file.
#include "tables.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

CAROUSEL_TABLE;

#define CAROUSEL_DEFINE(functions, here, ...) \
    template <>                               \
    constinit const functions<__VA_ARGS__> Table<functions<__VA_ARGS__>>::value = here<__VA_ARGS__>
#define CAROUSEL_DEFINE_OF_CELL(...)                                                            \
    CAROUSEL_DEFINE(PassFunctions, pass_functions_here, __VA_ARGS__);                           \
    CAROUSEL_DEFINE(stream::RecurrentFunctions, stream::recurrent_functions_here, __VA_ARGS__); \
    CAROUSEL_DEFINE(stream::RecurrentVoicesFunctions, stream::recurrent_voices_functions_here, __VA_ARGS__)

CAROUSEL_DEFINE(ArrayFunctions, array_functions_here, CAROUSEL_SCALAR);
CAROUSEL_DEFINE(SoftmaxFunctions, softmax_functions_here, CAROUSEL_SCALAR);
CAROUSEL_DEFINE(VectorFunctions, vector_functions_here, CAROUSEL_SCALAR);
CAROUSEL_DEFINE(OptimizerFunctions, optimizer_functions_here, CAROUSEL_SCALAR);
CAROUSEL_DEFINE(stream::DenseFunctions, stream::dense_functions_here, CAROUSEL_SCALAR);
CAROUSEL_DEFINE(stream::DenseVoicesFunctions, stream::dense_voices_functions_here, CAROUSEL_SCALAR);
CAROUSEL_EACH_CELL(CAROUSEL_DEFINE_OF_CELL, CAROUSEL_SCALAR);

} // namespace carousel::kernel
