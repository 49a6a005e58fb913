// What a pass is given and what it remembers: pointers, sizes and memory, laid out alike for every instruction set.
#pragma once

#include "carousel/cell/cell.hpp"
#include "carousel/core/buffer.hpp"

#include <algorithm>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel {

/// What a layer asks of a pass.
struct PassShape {
    Index input, hidden, steps, batch;
    bool reverse; ///< from the last step to the first
    bool record;  ///< keeps what backward needs; else an inference
};

/// How a pass over a batch of sequences goes about it.
struct Plan : PassShape {
    /// W·x is one product over all steps, before the sweep; else a part of every step's tiles. It pays where the batch has
    /// too few columns to fill a tile.
    bool input_first = false;
    /// Backward multiplies Uᵀ·da as dot products, with U as forward packed it: a single sequence reads all of U at every step,
    /// at the speed of the cache that holds it, so there should be one copy. Else backward packs Uᵀ.
    bool dots_with_U = false;
    /// Backward multiplies Wᵀ·da as dot products, with W as forward packed it, as there are so few features that most of a tile
    /// would be padding. Else backward packs Wᵀ.
    bool dots_with_W = false;
    /// dx is one product over all steps, after the sweep; else a part of every step. As input_first.
    bool input_gradient_last = false;
    /// Backward fetches from memory what the next step reads. With fewer sequences a step's gates fit L1 beside the weights.
    bool fetch = false;

    /// How many bytes of a panel of weights the steps' products take at a time; 0: all of it, for every few columns. See
    /// depth_blocks.hpp.
    Index block_bytes = 0;

    int shards = 1;         ///< shares of the batch, a thread each
    Index column_block = 1; ///< sequences of a share that walk through time together
    Index gate_slots = 1;   ///< steps whose gates are kept: all, or the one at work
    Index state_slots = 2;  ///< of every state but h: one more than there are steps, or two that take turns
    Index weight_steps = 1; ///< steps of backward between two products for dW and dU

    /// The steps of backward that end before step `end` (in the order of processing) and share a product for dW and dU begin here.
    Index chunk_begin(Index end) const { return std::max<Index>(0, end - weight_steps); }
};

/// The noise of a pass: the masks are drawn by the layer, what is kept for backward is the pass'. Nothing by default.
template <class Scalar, int states>
struct PassNoise {
    const Scalar* h_mask = nullptr;  ///< recurrent dropout: H × B, U multiplies h_mask∘h
    bool zoneout = false;            ///< a step's state is k∘before + (1 − k)∘(what the cell proposed)
    Scalar rate[states] = {};        ///< the mean of each state's k, for inference
    const Scalar* keep[states] = {}; ///< k of each state, H × (T·B); null in inference
};

/// What forward and backward are both given. Matrices are column-major and contiguous.
template <Cell C>
struct PassInput {
    using Scalar = typename C::Scalar;

    const C* cell;
    const Scalar *W, *U, *b, *P; ///< a layer's parameters; P is null where there is none
    const Scalar* x;             ///< I × (T·B)
    const Index* lengths;        ///< of B sequences; null: all have T steps
    PassNoise<Scalar, C::states> noise;
};

/// The gradients that backward adds to, in the shapes of the parameters.
template <class Scalar>
struct PassGradients {
    Scalar *W, *U, *b, *P;
};

/// The gradients that come from and go to other layers and chunks. Null: there is none, or it isn't wanted.
template <class Scalar>
struct PassBoundary {
    const Scalar* dy;      ///< in, H × (T·B)
    const Scalar* d_final; ///< in, (states · H) × B
    Scalar* d_initial;     ///< out, (states · H) × B
};

/// The blocks of every step (after backward: their gradients) and T + 1 slots of every state: (blocks + states) · H numbers a
/// column, and memory that doesn't grow with T. An inference keeps one step's blocks, and two slots of every state but h,
/// which is the output. pass_places.hpp says where in it a step finds its numbers.
///
/// Blocks and states are kept as Panels; h, which is the output too, and a TwoProductCell's operand as matrices. A slot stands at its
/// step's place in time; a reverse pass begins in the last one.
template <Cell C>
struct PassMemory {
    using Scalar = typename C::Scalar;

    Plan plan{};
    Buffer<Scalar> gates, h;          // h: H × (T + 1)·B
    Buffer<Scalar> operand;           // of a TwoProductCell, H × T·B
    Buffer<Scalar> states[C::states]; // those after h
    Buffer<Scalar> W, U, second;      // packed weights, for forward and then for backward, as the plan says
    Buffer<Scalar> masked_h,
        proposed[C::states];         // of a pass with noise: h under its mask, what the cell proposed for every state
    Buffer<Scalar> carry[C::states]; // the gradient of each state on its way into the past
    Buffer<Scalar> dx, sums;         // sums: of each shard but the first its share of b's and P's gradients
    Buffer<Scalar> scratch;          // of a product for dW or dU, a part for each shard
};

/// A pass as it is compiled for one instruction set (PassEngine says what they do).
template <Cell C>
struct PassFunctions {
    using Scalar = typename C::Scalar;

    void (*forward)(PassMemory<C>&, const PassInput<C>&, const PassShape&, const Scalar* initial);
    void (*final_state)(const PassMemory<C>&, Scalar* out);
    const Scalar* (*backward)(PassMemory<C>&, const PassInput<C>&, const PassGradients<Scalar>&,
                              const PassBoundary<Scalar>&, bool input_gradient);
};

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
