// PassMemory: all memory of a pass, and where its steps find their numbers.
#pragma once

#include "carousel/core/buffer.hpp"
#include "carousel/kernel/plan.hpp"
#include "carousel/kernel/step.hpp"

#include <algorithm>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

/// The noise of a pass: the masks are drawn by the layer, what is kept for backward is the pass'. Nothing by default.
template <class Scalar, int states>
struct PassNoise {
    const Scalar* h_mask = nullptr;  ///< recurrent dropout: H × B, U multiplies h_mask∘h
    bool zoneout = false;            ///< a step's state is k∘before + (1 − k)∘(what the cell proposed)
    Scalar rate[states] = {};        ///< the mean of each state's k, for inference
    const Scalar* keep[states] = {}; ///< k of each state, H × (T·B); null in inference
};

/// The blocks of every step (after backward: their gradients) and T + 1 slots of every state: (blocks + states) · H numbers a
/// column, and memory that doesn't grow with T. An inference keeps one step's blocks, and two slots of every state but h,
/// which is the output.
///
/// Blocks and states are kept as Panels; h, which is the output too, as a matrix. A slot stands at its step's place in time;
/// a reverse pass begins in the last one.
template <Cell C>
class PassMemory {
  public:
    using Scalar = typename C::Scalar;
    using Layout = typename Step<C>::Layout;
    using Noise = PassNoise<Scalar, C::states>;

    const Plan& plan() const { return plan_; }

  protected:
    static constexpr Index units = Step<C>::units;

    /// What forward needs. Throws std::bad_alloc.
    void take(const Plan& plan, const Noise& noise) {
        plan_ = plan;
        const Index H = plan.hidden, slots = plan.steps + 1, h_size = H * plan.batch;
        gates_.get(plan.gate_slots * gates_size() + lanes<Scalar>); // a lane larger, as Panels need it
        h_.get(h_size * slots);
        for (int s = 1; s < C::states; ++s)
            states_[s].get(state_size() * plan.state_slots);
        W_.get(gate_panels<Scalar>(C::input.count, H, plan.input));
        U_.get(gate_panels<Scalar>(C::recurrent.count, H, H));
        second_.get(gate_panels<Scalar>(Step<C>::second_count, H, H));
        masked_h_.get(noise.h_mask ? h_size * slots : 0);
        for (int s = 0; s < C::states; ++s)
            proposed_[s].get(noise.zoneout && plan.record ? proposed_size(s) * plan.steps : 0);
    }

    /// What backward needs besides, for gradients of b and P of so many numbers. Throws std::bad_alloc.
    void take_for_backward(bool input_gradient, Index sums) {
        const Index H = plan_.hidden, T = plan_.steps, B = plan_.batch, chunk = std::min(plan_.weight_steps, T);
        if (!plan_.dots_with_U) {
            U_.get(transposed_panels<Scalar>(C::recurrent.count, H, H));
            second_.get(transposed_panels<Scalar>(Step<C>::second_count, H, H));
        }
        if (input_gradient && !plan_.dots_with_W)
            W_.get(transposed_panels<Scalar>(C::input.count, H, plan_.input));
        if (input_gradient)
            dx_.get(plan_.input * T * B);
        for (auto& carry : carry_)
            carry.get(state_size());
        sums_.zeros(sums * (plan_.shards - 1));
        operand_.get(Step<C>::second_count > 0 ? H * chunk * B : 0);
        scratch_size_ = outer_product_scratch<Scalar>(std::max(plan_.input, H), chunk * B);
        scratch_.get(plan_.shards * scratch_size_);
    }

    Layout gate_layout() const { return {C::blocks, plan_.batch, plan_.hidden}; }
    Layout state_layout() const { return {1, plan_.batch, plan_.hidden}; }
    Index gates_size() const { return gate_layout().size(); }
    Index state_size() const { return state_layout().size(); }
    Index proposed_size(int s) const { return s == 0 ? plan_.batch * plan_.hidden : state_size(); }

    /// Slot `number`, 0 … T, of a state; where there are two slots, they take turns.
    Scalar* state(int s, Index number) {
        return s == 0 ? h_.data() + number * plan_.batch * plan_.hidden
                      : states_[s].data() + (plan_.state_slots == 2 ? number % 2 : number) * state_size();
    }
    const Scalar* state(int s, Index number) const { return const_cast<PassMemory&>(*this).state(s, number); }
    Index first_slot() const { return plan_.reverse ? plan_.steps : 0; }
    Index last_slot() const { return plan_.steps - first_slot(); }

    /// The blocks of `steps` steps from t on.
    StepPanels<Scalar, units> gates(Index t, Index steps) {
        return {gates_.data() + t * gates_size(), gate_layout(), steps, gates_size()};
    }

    /// What U multiplied at step t, in slots as h: h before it, or its masked copy.
    const Scalar* h_before(Index t, const Noise& noise) const {
        return (noise.h_mask ? masked_h_ : h_).data() + (plan_.reverse ? t + 1 : t) * plan_.batch * plan_.hidden;
    }

    /// The p-th step in the order of processing, of the columns first … last − 1.
    Step<C> step(const StepConstants<C>& constants, const Noise& noise, Index p, Index first, Index last) {
        const Index H = plan_.hidden, B = plan_.batch, t = plan_.reverse ? plan_.steps - 1 - p : p;
        const Index before = plan_.reverse ? t + 1 : t, after = plan_.reverse ? t : t + 1;
        Step<C> step{constants, first, last, t, gates_.data() + (plan_.gate_slots > 1 ? t : 0) * gates_size(), {}, {}};
        for (int s = 0; s < C::states; ++s) {
            step.prev[s] = state(s, before);
            step.next[s] = state(s, after);
        }
        if (p > 0 && plan_.fetch)
            step.earlier = plan_.reverse ? 1 : -1;
        if (noise.h_mask) {
            step.noise.h_mask = noise.h_mask;
            step.noise.masked_prev = masked_h_.data() + before * B * H;
            step.noise.masked_next = masked_h_.data() + after * B * H;
        }
        step.noise.zoneout = noise.zoneout;
        for (int s = 0; noise.zoneout && s < C::states; ++s) {
            step.noise.rate[s] = noise.rate[s];
            if (plan_.record) {
                step.noise.keep[s] = noise.keep[s] + t * B * H;
                step.noise.proposed[s] = proposed_[s].data() + t * proposed_size(s);
            }
        }
        return step;
    }

    Plan plan_{};
    Buffer<Scalar> gates_, h_;         // H × (T + 1)·B
    Buffer<Scalar> states_[C::states]; // those after h
    Buffer<Scalar> W_, U_, second_;    // packed weights, for forward and then for backward, as the plan says
    Buffer<Scalar> masked_h_,
        proposed_[C::states];         // of a pass with noise: h under its mask, what the cell proposed for every state
    Buffer<Scalar> carry_[C::states]; // the gradient of each state on its way into the past
    Buffer<Scalar> dx_, sums_;        // sums_: of each shard but the first its share of b's and P's gradients
    Buffer<Scalar> operand_;          // of a TwoProductCell, H × (some steps · B)
    Buffer<Scalar> scratch_;          // of a product for dW or dU, a part for each shard
    Index scratch_size_ = 0;
};

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
