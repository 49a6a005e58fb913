// What the columns of a Stream remember, laid out alike for every instruction set, and the functions that are compiled for one.
#pragma once

#include "carousel/cell/activation.hpp"
#include "carousel/cell/cell.hpp"
#include "carousel/core/buffer.hpp"

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::stream {

/// Of a recurrent layer. A row has a number for each unit and is padded to whole registers.
template <Cell C>
struct RecurrentMemory {
    using Scalar = typename C::Scalar;

    C cell;
    Index input, hidden, row = 0;               // row: the numbers of one
    Buffer<Scalar> W = {}, U = {}, second = {}; // packed; second: of a TwoProductCell
    Buffer<Scalar> bias = {}, vectors = {},
                   gates = {};               // rows: for each block that has a bias; the columns of P; for each block
    Buffer<Scalar> state[2][C::states] = {}; // a row each. Two slots: a step reads slot now() and writes the other
    Scalar zoneout[C::states] = {}; // the share of the old value in each new state, as in the layer's inference
    unsigned steps = 0;             // since construction; may wrap around

    /// The slot of the present state.
    unsigned now() const { return steps % 2; }
};

/// The parameters of a recurrent layer, in a layer's shapes; P is null where there is none.
template <class Scalar>
struct RecurrentWeights {
    const Scalar *W, *U, *b, *P;
};

/// See RecurrentColumn.
template <Cell C>
struct RecurrentFunctions {
    using Scalar = typename C::Scalar;

    void (*prepare)(RecurrentMemory<C>&);
    void (*set_weights)(RecurrentMemory<C>&, const RecurrentWeights<Scalar>&);
    const Scalar* (*step)(RecurrentMemory<C>&, const Scalar* x) noexcept;
};

/// Of f(W·x + b).
template <class S>
struct DenseMemory {
    Index input, output;
    Activation activation = Activation::linear;
    Buffer<S> packed = {}, rows = {}, bias = {},
              y = {}; // rows: W, row by row, for so few outputs that they are dot products
};

/// See DenseColumn.
template <class S>
struct DenseFunctions {
    void (*prepare)(DenseMemory<S>&);
    void (*set_weights)(DenseMemory<S>&, const S* W, const S* b);
    const S* (*step)(DenseMemory<S>&, const S* x) noexcept;
};

} // namespace carousel::stream

#include "carousel/core/quiet_bounds_end.hpp"
