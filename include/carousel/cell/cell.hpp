// Cell: the concept of a recurrent cell. A cell is the elementwise equations of one time step and their derivatives,
// for the units whose numbers lie side by side in a lane V (a vector register, or a plain float or double). It has no
// matrix product and no loop over time or units: layer/recurrent.hpp has those.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/simd/elementary.hpp"

#include <array>
#include <concepts>

namespace carousel::inline CAROUSEL_ABI {

/// A range of a cell's blocks. A block is H rows, one number for each unit.
struct BlockRange {
    /// The first of them, and how many.
    int first = 0, count = 0;
    /// One past the last.
    constexpr int end() const { return first + count; }
};

/// What `Recurrent` and `Stream` ask of a cell:
///
///     using Scalar = …;
///     static constexpr int states;          // how many numbers a unit carries from step to step: h first, then others (c)
///     static constexpr int blocks;          // how many numbers a unit keeps of a step, its pre-activations among them
///     static constexpr BlockRange input;        // the blocks that W·x feeds
///     static constexpr BlockRange recurrent;    // the blocks that U·h₋ feeds
///     static constexpr int vectors;         // how many parameters belong to a unit alone (peepholes): the columns of P
///
///     template <class V> void forward(V (&a)[blocks], const V (&prev)[states], V (&next)[states], const V* p) const;
///     template <class V> void backward(V (&a)[blocks], const V (&prev)[states], const V (&next)[states],
///                                      V (&d)[states], const V* p, V* dp) const;
///
/// forward is given the pre-activations W·x + U·h₋ + b in `a`; it writes the next state, and to `a` what backward needs.
/// backward is given that in `a`, and the gradient of the next state in `d`. It writes the gradients of the
/// pre-activations to `a`, and to `d` the gradient that reaches the previous state without passing U, and adds the
/// gradient of p to dp. (The layer adds the gradient that passes U, which is Uᵀ·da.)
/// A cell with members that change its equations has each_setting as well (core/settings.hpp).
///
/// V is a vector register, which std::tanh and std::exp don't take: the functions of a lane are in carousel::simd (tanh, sigmoid,
/// exp, sqrt), and numbers beside it are written as Scalar(1).
template <class C>
concept Cell = std::floating_point<typename C::Scalar> && C::states >= 1 && C::blocks >= 1 && C::input.count >= 1 &&
               C::recurrent.count >= 1 && C::vectors >= 0 &&
               requires(const C cell, typename C::Scalar (&a)[C::blocks], const typename C::Scalar (&prev)[C::states],
                        typename C::Scalar (&next)[C::states], typename C::Scalar* p) {
    cell.forward(a, prev, next, p);
    cell.backward(a, prev, prev, next, p, p);
};

/// A cell in which U multiplies, for some blocks, not h₋ but an operand made of h₋ and other gates, as in a GRU that
/// resets before the product:
///
///     static constexpr BlockRange second;       // these blocks, right after `recurrent`
///     static constexpr int operand;         // the block that holds the second product's operand; neither W nor U
///     feeds it
///
///     template <class V> void gate(V (&a)[blocks], const V (&prev)[states]) const;
///     template <class V> void gate_backward(V (&a)[blocks], const V (&prev)[states], V d_operand, V (&d)[states])
///     const;
///
/// gate runs before the second product and writes a[operand]; forward runs after the product. backward must not change
/// a[operand], from which the layer computes dU, nor the blocks that gate_backward needs. gate_backward is given the gradient of the
/// operand; it writes the gradients of those blocks to `a` and adds to d.
template <class C>
concept TwoProductCell = Cell<C> && C::second.count >= 1 && C::second.first == C::recurrent.end() &&
                         requires(const C cell, typename C::Scalar (&a)[C::blocks],
                                  const typename C::Scalar (&prev)[C::states], typename C::Scalar (&d)[C::states]) {
    cell.gate(a, prev);
    cell.gate_backward(a, prev, d[0], d);
};

/// The blocks that U feeds, by either product.
template <Cell C>
constexpr BlockRange recurrent_blocks() {
    if constexpr (TwoProductCell<C>)
        return {C::recurrent.first, C::recurrent.count + C::second.count};
    else
        return C::recurrent;
}

/// How many blocks the second product of a TwoProductCell feeds; 0 of other cells.
template <Cell C>
constexpr int second_blocks() {
    return recurrent_blocks<C>().count - C::recurrent.count;
}

/// The block of a TwoProductCell's operand; of other cells, one past the last.
template <Cell C>
constexpr int operand_block() {
    if constexpr (TwoProductCell<C>)
        return C::operand;
    else
        return C::blocks;
}

/// How many blocks a pass keeps as gates: all but an operand, which it keeps as it keeps h.
template <Cell C>
constexpr int gate_blocks() {
    return TwoProductCell<C> ? C::blocks - 1 : C::blocks;
}

/// Where blocks of a cell, its operand not among them, stand in those.
template <Cell C>
constexpr BlockRange among_gates(BlockRange range) {
    return {range.first > operand_block<C>() ? range.first - 1 : range.first, range.count};
}

/// Whether units have parameters of their own: a cell that can do without them has has_vectors() to say so.
template <Cell C>
bool has_vectors(const C& cell) {
    if constexpr (requires { cell.has_vectors(); })
        return cell.has_vectors();
    else
        return C::vectors > 0;
}

/// How many blocks, from the first, have a bias: those that W or U feeds.
template <Cell C>
constexpr int biased_blocks() {
    return std::max(C::input.end(), recurrent_blocks<C>().end());
}

} // namespace carousel
