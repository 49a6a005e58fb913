// What layers and losses ask of arrays: a door as pass.hpp, behind which products and elementwise functions are compiled for an
// instruction set.
#pragma once

#include "carousel/kernel/compiled.hpp"
#include "carousel/kernel/elementwise.hpp"
#include "carousel/kernel/product.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel {

/// See product.hpp and elementwise.hpp.
template <class S>
struct ArrayFunctions {
    void (*multiply)(S* c, Index ldc, Index rows, Index columns, Index depth, Operand<S> a, Operand<S> b, bool add,
                     Buffer<S>& scratch);
    void (*activate)(const Activation& f, const S* x, S* y, Index size);
    void (*activate_backward)(const Activation& f, const S* dy, const S* y, S* dx, Index size);
    void (*add_columns)(const S* a, Index rows, Index columns, S* to);
};
template <class S>
struct SoftmaxFunctions {
    void (*softmax)(const S* x, S* y, Index size);
    void (*backward)(const S* dy, const S* y, S* dx, Index size);
    double (*loss)(const S* y, Index classes, Index k, double scale, S* gradient);
};

inline namespace CAROUSEL_ISA {

template <class S>
CAROUSEL_OWN inline constexpr ArrayFunctions<S> array_functions_here = {multiply<S>, activate<S>, activate_backward<S>,
                                                                        add_columns<S>};
template <class S>
CAROUSEL_OWN inline constexpr SoftmaxFunctions<S> softmax_functions_here = {softmax<S>, softmax_backward<S>,
                                                                            softmax_loss<S>};

} // namespace CAROUSEL_ISA

/// Those of the instruction set that layers and losses run on.
template <class S>
const ArrayFunctions<S>& array_functions() {
    if constexpr (in_library<S>)
        return chosen<ArrayFunctions<S>>();
    else
        return array_functions_here<S>;
}
template <class S>
const SoftmaxFunctions<S>& softmax_functions() {
    if constexpr (in_library<S>)
        return chosen<SoftmaxFunctions<S>>();
    else
        return softmax_functions_here<S>;
}

} // namespace carousel::kernel
