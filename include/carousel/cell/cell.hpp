// Cell: what a recurrent cell has to say. A cell is one time step's elementwise equations and their derivatives,
// for `units` that lie side by side in a lane V (a vector register, or a plain float or double): no matrix product,
// no loop over time or units. layer/recurrent.hpp supplies those.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/simd/elementary.hpp"

#include <array>
#include <concepts>

namespace carousel {

/// A run of a cell's blocks: H rows each, one number a unit.
struct Blocks {
    int first = 0, count = 0;
    constexpr int end() const { return first + count; }
};

/// What `Recurrent` and `Stream` ask of a cell:
///
///     using Scalar = …;
///     static constexpr int states;          // h first, then what else is carried (c): numbers a unit
///     static constexpr int blocks;          // numbers a unit keeps of a step, pre-activations among them
///     static constexpr Blocks input;        // the blocks that W·x feeds
///     static constexpr Blocks recurrent;    // the blocks that U·h₋ feeds
///     static constexpr int vectors;         // parameters a unit has of its own (peepholes), as columns of P
///
///     template <class V> void forward(V (&a)[blocks], const V (&prev)[states], V (&next)[states], const V* p) const;
///     template <class V> void backward(V (&a)[blocks], const V (&prev)[states], const V (&next)[states],
///                                      V (&d)[states], const V* p, V* dp) const;
///
/// forward finds the pre-activations W·x + U·h₋ + b in `a`, writes the next state, and leaves in `a` what backward
/// needs. backward finds that in `a`, and in `d` the gradient of the next state; it leaves the gradients of the
/// pre-activations in `a`, in `d` the gradient that reaches the previous state past the products, and adds to dp the
/// gradient of p. (The gradient through the products, Uᵀ·da, is the layer's affair.)
/// A cell with members that change its equations has each_setting as well (core/settings.hpp).
///
/// V is a vector register, which std::tanh and std::exp don't take: the functions of a lane are in carousel::simd (tanh, sigmoid,
/// exp), and numbers beside it are written as Scalar(1).
template <class C>
concept Cell = std::floating_point<typename C::Scalar> && C::states >= 1 && C::blocks >= 1 && C::input.count >= 1 &&
               C::recurrent.count >= 1 && C::vectors >= 0 &&
               requires(const C cell, typename C::Scalar (&a)[C::blocks], const typename C::Scalar (&prev)[C::states],
                        typename C::Scalar (&next)[C::states], typename C::Scalar* p) {
    cell.forward(a, prev, next, p);
    cell.backward(a, prev, prev, next, p, p);
};

/// A cell some of whose blocks see U·(something of h₋ and the other gates) in place of U·h₋, as a GRU that resets
/// before:
///
///     static constexpr Blocks second;       // these blocks, right after `recurrent`
///     static constexpr int operand;         // the block that holds the second product's operand; neither W nor U
///     feeds it
///
///     template <class V> void gate(V (&a)[blocks], const V (&prev)[states]) const;
///     template <class V> void gate_backward(V (&a)[blocks], const V (&prev)[states], V d_operand, V (&d)[states])
///     const;
///
/// gate runs before the second product and writes a[operand], which stays until dU is made of it; forward runs after it. backward leaves the blocks that
/// gate_backward needs as they are; gate_backward gets the operand's gradient, turns those blocks into gradients and
/// adds to d.
template <class C>
concept TwoProductCell = Cell<C> && C::second.count >= 1 && C::second.first == C::recurrent.end() &&
                         requires(const C cell, typename C::Scalar (&a)[C::blocks],
                                  const typename C::Scalar (&prev)[C::states], typename C::Scalar (&d)[C::states]) {
    cell.gate(a, prev);
    cell.gate_backward(a, prev, d[0], d);
};

/// The blocks that U feeds, by either product.
template <Cell C>
constexpr Blocks recurrent_blocks() {
    if constexpr (TwoProductCell<C>)
        return {C::recurrent.first, C::recurrent.count + C::second.count};
    else
        return C::recurrent;
}

/// How many blocks, from the first, have a bias: those that W or U feeds.
template <Cell C>
constexpr int biased_blocks() {
    return std::max(C::input.end(), recurrent_blocks<C>().end());
}

} // namespace carousel
