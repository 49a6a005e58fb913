// The kernels of one instruction set for streams with narrow weights, which are for floats alone. As kernels.cpp: compiled once for each
// set, and a test looks at its object file.
#include "tables.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

CAROUSEL_TABLE;

template <>
constinit const stream::NarrowFunctions Table<stream::NarrowFunctions>::value = stream::narrow_functions_here;

#define CAROUSEL_DEFINE_NARROW_STEP(...)                                                            \
    template <>                                                                                     \
    constinit const stream::NarrowStep<__VA_ARGS__> Table<stream::NarrowStep<__VA_ARGS__>>::value = \
        stream::narrow_step_here<__VA_ARGS__>
CAROUSEL_EACH_CELL(CAROUSEL_DEFINE_NARROW_STEP, float);

} // namespace carousel::kernel
