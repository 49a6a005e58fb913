// Pass: what a layer knows of the forward and backward pass over a batch of sequences: a door for pointers, sizes and a cell. Behind
// it is PassEngine, compiled for an instruction set.
#pragma once

#include "carousel/kernel/compiled.hpp"
#include "carousel/kernel/pass_engine.hpp"

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel {

/// Those of the instruction set that a pass of this cell runs on.
template <Cell C>
const PassFunctions<C>& pass_functions() {
    if constexpr (in_library<C>)
        return chosen<PassFunctions<C>>();
    else
        return pass_functions_here<C>;
}

/// backward reads what the last forward left and turns it into gradients, so it can run once for each recorded forward. Both
/// take all memory first, and only that throws: a forward that fails leaves no pass, a backward that fails has changed no
/// gradient.
template <Cell C>
class Pass {
  public:
    using Scalar = typename C::Scalar;

    const Plan& plan() const { return memory_.plan; }

    /// `initial`: (states · H) × B, or null for zero. The output is at output(). Throws std::bad_alloc.
    void forward(const PassInput<C>& in, const PassShape& shape, const Scalar* initial) {
        functions_ = &pass_functions<C>();
        functions_->forward(memory_, in, shape, initial);
    }

    /// h after every step, H × (T·B); past a sequence's end it is carried.
    const Scalar* output() const { return memory_.h.data() + (plan().reverse ? 0 : plan().hidden * plan().batch); }

    /// The state after each sequence's last step, (states · H) × B.
    void final_state(Scalar* out) const { functions_->final_state(memory_, out); }

    /// Full BPTT. `in` must be as forward had it. Returns dx, I × (T·B), or null if it isn't asked for. Throws std::bad_alloc,
    /// before anything is changed.
    const Scalar* backward(const PassInput<C>& in, const PassGradients<Scalar>& to,
                           const PassBoundary<Scalar>& boundary, bool input_gradient) {
        return functions_->backward(memory_, in, to, boundary, input_gradient);
    }

  private:
    PassMemory<C> memory_;
    const PassFunctions<C>* functions_ = nullptr; // of the last forward: how memory_ is laid out is known to them alone
};

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
