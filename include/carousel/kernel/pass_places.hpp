// PassPlaces: takes the memory of a pass, and knows where its steps find their numbers.
#pragma once

#include "carousel/kernel/plan.hpp"
#include "carousel/kernel/step.hpp"

#include <algorithm>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

template <Cell C>
class PassPlaces {
  public:
    using Scalar = typename C::Scalar;
    using Layout = typename Step<C>::Layout;
    using Noise = PassNoise<Scalar, C::states>;

    explicit PassPlaces(PassMemory<C>& memory) : memory_(memory), plan_(memory.plan) {}

  protected:
    static constexpr Index units = Step<C>::units;

    /// What forward needs. Throws std::bad_alloc.
    void take(const Plan& plan, const Noise& noise) {
        memory_.plan = plan;
        const Index H = plan.hidden, slots = plan.steps + 1, h_size = H * plan.batch;
        memory_.gates.get(plan.gate_slots * gates_size() + lanes<Scalar>); // a lane larger, as Panels need it
        memory_.operand.get(TwoProductCell<C> ? h_size * (plan.record ? plan.steps : 1) : 0);
        memory_.h.get(h_size * slots);
        for (int s = 1; s < C::states; ++s)
            memory_.states[s].get(state_size() * plan.state_slots);
        memory_.W.get(gate_panels<Scalar>(C::input.count, H, plan.input));
        memory_.U.get(gate_panels<Scalar>(C::recurrent.count, H, H));
        memory_.second.get(gate_panels<Scalar>(Step<C>::second_count, H, H));
        memory_.masked_h.get(noise.h_mask ? h_size * slots : 0);
        for (int s = 0; s < C::states; ++s)
            memory_.proposed[s].get(noise.zoneout && plan.record ? proposed_size(s) * plan.steps : 0);
    }

    /// What backward needs besides, for gradients of b and P of so many numbers. Throws std::bad_alloc.
    void take_for_backward(bool input_gradient, Index sums) {
        const Index H = plan_.hidden, T = plan_.steps, B = plan_.batch, chunk = std::min(plan_.weight_steps, T);
        if (!plan_.dots_with_U) {
            memory_.U.get(transposed_panels<Scalar>(C::recurrent.count, H, H));
            memory_.second.get(transposed_panels<Scalar>(Step<C>::second_count, H, H));
        }
        if (input_gradient && !plan_.dots_with_W)
            memory_.W.get(transposed_panels<Scalar>(C::input.count, H, plan_.input));
        if (input_gradient)
            memory_.dx.get(plan_.input * T * B);
        for (auto& carry : memory_.carry)
            carry.get(state_size());
        memory_.sums.zeros(sums * (plan_.shards - 1));
        memory_.scratch.get(plan_.shards * outer_product_scratch<Scalar>(std::max(plan_.input, H), chunk * B));
    }

    Layout gate_layout() const { return {gate_blocks<C>(), plan_.batch, plan_.hidden}; }
    Layout state_layout() const { return {1, plan_.batch, plan_.hidden}; }
    Index gates_size() const { return gate_layout().size(); }
    Index state_size() const { return state_layout().size(); }
    Index proposed_size(int s) const { return s == 0 ? plan_.batch * plan_.hidden : state_size(); }

    /// Slot `number`, 0 … T, of a state; where there are two slots, they take turns.
    Scalar* state(int s, Index number) {
        return s == 0 ? memory_.h.data() + number * plan_.batch * plan_.hidden
                      : memory_.states[s].data() + (plan_.state_slots == 2 ? number % 2 : number) * state_size();
    }
    const Scalar* state(int s, Index number) const { return const_cast<PassPlaces&>(*this).state(s, number); }
    Index first_slot() const { return plan_.reverse ? plan_.steps : 0; }
    Index last_slot() const { return plan_.steps - first_slot(); }

    /// The blocks of `steps` steps from t on.
    StepPanels<Scalar, units> gates(Index t, Index steps) {
        return {memory_.gates.data() + t * gates_size(), gate_layout(), steps, gates_size()};
    }

    /// The operand of a TwoProductCell at step t, H × B; an inference keeps one.
    Scalar* operand(Index t) {
        return TwoProductCell<C> ? memory_.operand.data() + (plan_.record ? t : 0) * plan_.hidden * plan_.batch
                                 : nullptr;
    }

    /// What U multiplied at step t, in slots as h: h before it, or its masked copy.
    const Scalar* h_before(Index t, const Noise& noise) const {
        return (noise.h_mask ? memory_.masked_h : memory_.h).data() +
               (plan_.reverse ? t + 1 : t) * plan_.batch * plan_.hidden;
    }

    /// The p-th step in the order of processing, of the columns first … last − 1.
    Step<C> step(const StepConstants<C>& constants, const Noise& noise, Index p, Index first, Index last) {
        const Index H = plan_.hidden, B = plan_.batch, t = plan_.reverse ? plan_.steps - 1 - p : p;
        const Index before = plan_.reverse ? t + 1 : t, after = plan_.reverse ? t : t + 1;
        Scalar* const step_gates = memory_.gates.data() + (plan_.gate_slots > 1 ? t : 0) * gates_size();
        Step<C> step{constants, first, last, t, step_gates, operand(t), {}, {}};
        for (int s = 0; s < C::states; ++s) {
            step.prev[s] = state(s, before);
            step.next[s] = state(s, after);
        }
        if (p > 0 && plan_.fetch)
            step.earlier = plan_.reverse ? 1 : -1;
        if (noise.h_mask) {
            step.noise.h_mask = noise.h_mask;
            step.noise.masked_prev = memory_.masked_h.data() + before * B * H;
            step.noise.masked_next = memory_.masked_h.data() + after * B * H;
        }
        step.noise.zoneout = noise.zoneout;
        for (int s = 0; noise.zoneout && s < C::states; ++s) {
            step.noise.rate[s] = noise.rate[s];
            if (plan_.record) {
                step.noise.keep[s] = noise.keep[s] + t * B * H;
                step.noise.proposed[s] = memory_.proposed[s].data() + t * proposed_size(s);
            }
        }
        return step;
    }

    PassMemory<C>& memory_;
    const Plan& plan_;
};

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
