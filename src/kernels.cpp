// The kernels of one instruction set: this file is compiled once for each, and for float (CAROUSEL_SCALAR) and double apart, so
// that two processors share the work.
//
// No function of this file may end up where other sets find it: the linker keeps one copy of an inline function or template, and
// one with AVX instructions in it would be called on processors that don't have them. So what it uses is in the inline namespace
// of the set, always_inline, or not defined here (CAROUSEL_INLINE). A test looks at its object file.
#include "kernels.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

template <class S, class... Cells>
constexpr Kernels<S> kernels_of(CellList<Cells...>) {
    return {array_functions_here<S>, softmax_functions_here<S>, stream::dense_functions_here<S>,
            pass_functions_here<Cells>..., stream::recurrent_functions_here<Cells>...};
}

extern const Kernels<CAROUSEL_SCALAR> CAROUSEL_JOIN(kernels_, CAROUSEL_SCALAR);
constinit const Kernels<CAROUSEL_SCALAR>
    CAROUSEL_JOIN(kernels_, CAROUSEL_SCALAR) = kernels_of<CAROUSEL_SCALAR>(LibraryCells<CAROUSEL_SCALAR>());

} // namespace carousel::kernel
