// What the layers of Voices remember, laid out alike for every instruction set, and the functions that are compiled for one. As
// column_memory.hpp, but for many columns, a voice each.
#pragma once

#include "carousel/stream/column_memory.hpp"

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::stream {

/// Of a recurrent layer, for up to `capacity` voices.
template <Cell C>
struct RecurrentVoicesMemory {
    using Scalar = typename C::Scalar;

    C cell;
    Index input, hidden, capacity;
    Index column_block = 1;                     // so many columns take a step together
    Buffer<Scalar> W = {}, U = {}, second = {}; // packed as a pass packs them; second: of a TwoProductCell
    Buffer<Scalar> bias = {}, vectors = {};     // b and P of the layer
    Buffer<Scalar> gates = {};                  // Panels, of a TwoProductCell
    Buffer<Scalar> operand = {};                // of a TwoProductCell, H × capacity
    Buffer<Scalar> h = {}, next_h = {};         // H × capacity
    Buffer<Scalar> states[C::states] = {};      // Panels, those after h
    bool has_vectors = false;
    Scalar zoneout[C::states] = {}; // the share of the old value in each new state, as in the layer's inference
    unsigned steps = 0;             // since construction; may wrap around
};

/// See RecurrentVoices.
template <Cell C>
struct RecurrentVoicesFunctions {
    using Scalar = typename C::Scalar;

    void (*prepare)(RecurrentVoicesMemory<C>&);
    void (*set_weights)(RecurrentVoicesMemory<C>&, const RecurrentWeights<Scalar>&);
    const Scalar* (*step)(RecurrentVoicesMemory<C>&, const Scalar* x, Index columns) noexcept;
    void (*get)(const RecurrentVoicesMemory<C>&, Index column, Scalar* to) noexcept;
    void (*set)(RecurrentVoicesMemory<C>&, Index column, const Scalar* from) noexcept;
};

/// Of f(W·x + b).
template <class S>
struct DenseVoicesMemory {
    Index input, output, capacity;
    Activation activation = Activation::linear;
    Buffer<S> packed = {}, bias = {}, y = {}; // y: O × capacity
};

/// See DenseVoicesStep.
template <class S>
struct DenseVoicesFunctions {
    void (*prepare)(DenseVoicesMemory<S>&);
    void (*set_weights)(DenseVoicesMemory<S>&, const S* W, const S* b);
    const S* (*step)(DenseVoicesMemory<S>&, const S* x, Index columns) noexcept;
};

} // namespace carousel::stream

#include "carousel/core/quiet_bounds_end.hpp"
