// PassEngine: the forward and backward pass of a recurrent layer over a batch of sequences (BPTT: Werbos 1990, "Backpropagation
// through time: what it does and how to do it"), for the instruction set of this file. It has the only loop over time.
#pragma once

#include "carousel/kernel/backward_step.hpp"
#include "carousel/kernel/forward_step.hpp"
#include "carousel/kernel/pass_places.hpp"
#include "carousel/kernel/threads.hpp"

#include <algorithm>

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

/// backward reads what the last forward left and turns it into gradients, so it can run once for each recorded forward. Both
/// take all memory first, and only that throws: a forward that fails leaves no pass, a backward that fails has changed no
/// gradient.
template <Cell C>
class PassEngine : private PassPlaces<C> {
    using Places = PassPlaces<C>;
    using Places::memory_, Places::plan_, Places::units, Places::gates, Places::gates_size, Places::gate_layout,
        Places::state, Places::state_layout, Places::state_size;

  public:
    using Places::Places;
    using typename Places::Scalar;

    /// `initial`: (states · H) × B, or null for zero. Throws std::bad_alloc.
    void forward(const PassInput<C>& in, const PassShape& shape, const Scalar* initial) {
        forward(in, make_plan<Scalar>(shape, C::blocks, threads()), initial);
    }
    void forward(const PassInput<C>& in, const Plan& plan, const Scalar* initial);

    /// The state after each sequence's last step, (states · H) × B.
    void final_state(Scalar* out) const {
        const Index H = plan_.hidden, ld = C::states * H;
        copy_columns(out, ld, state(0, this->last_slot()), H);
        for (int s = 1; s < C::states; ++s)
            from_panels(state(s, this->last_slot()), state_layout(), 0, out + s * H, ld);
    }

    /// Full BPTT. `in` must be as forward had it. Returns dx, I × (T·B), or null if it isn't asked for. Throws std::bad_alloc,
    /// before anything is changed.
    const Scalar* backward(const PassInput<C>& in, const PassGradients<Scalar>& to,
                           const PassBoundary<Scalar>& boundary, bool input_gradient);

  private:
    static constexpr int row(BlockRange blocks) { return among_gates<C>(blocks).first; } // of the gates

    StepConstants<C> step_constants(const PassInput<C>& in) const {
        return {in.cell,      plan_.hidden,      plan_.batch,      in.b, in.P, in.lengths,
                plan_.record, plan_.dots_with_U, plan_.block_bytes};
    }

    /// f(shard, first, last) for all columns. Sequences don't see each other: every thread walks through time with its share of
    /// the batch, and a large share in blocks of columns.
    template <class F>
    void over_column_blocks(F&& f) const {
        const Index shards = plan_.shards;
        over_shards(plan_.shards, [&](int shard) {
            const Index end = plan_.batch * (shard + 1) / shards;
            for (Index first = plan_.batch * shard / shards; first < end; first += plan_.column_block)
                f(shard, first, std::min(first + plan_.column_block, end));
        });
    }

    /// Puts the initial state in its slot.
    void start(const PassInput<C>& in, const Scalar* initial) {
        const Index H = plan_.hidden, B = plan_.batch, ld = C::states * H;
        Scalar* const h = state(0, this->first_slot());
        if (initial)
            for (Index column = 0; column < B; ++column)
                std::copy_n(initial + column * ld, H, h + column * H);
        else
            std::fill_n(h, H * B, Scalar(0));
        for (int s = 1; s < C::states; ++s)
            if (initial)
                to_panels(state(s, this->first_slot()), state_layout(), initial + s * H, ld);
            else
                std::fill_n(state(s, this->first_slot()), state_size(), Scalar(0));
        if (in.noise.h_mask) {
            Scalar* const masked = memory_.masked_h.data() + this->first_slot() * H * B;
            for (Index k = 0; k < H * B; ++k)
                masked[k] = in.noise.h_mask[k] * h[k];
        }
    }

    /// The second half of U, which a TwoProductCell multiplies with its operand.
    Operand<Scalar> second_of(Operand<Scalar> U) const { return U.from_row(C::recurrent.count * plan_.hidden); }
    Operand<Scalar> matrix(const Scalar* data, int blocks) const { return {data, 1, blocks * plan_.hidden}; }

    void pack(const PassInput<C>& in) {
        const Index H = plan_.hidden;
        const Operand<Scalar> U = matrix(in.U, recurrent_blocks<C>().count);
        pack_gates<units>(memory_.W.data(), matrix(in.W, C::input.count), C::input.count, H, plan_.input);
        pack_gates<units>(memory_.U.data(), U, C::recurrent.count, H, H);
        if constexpr (TwoProductCell<C>)
            pack_gates<units>(memory_.second.data(), second_of(U), C::second.count, H, H);
    }

    /// Packs again what the plan doesn't let backward read as forward packed it.
    void pack_for_backward(const PassInput<C>& in, bool input_gradient) {
        const Index H = plan_.hidden;
        const Operand<Scalar> U = matrix(in.U, recurrent_blocks<C>().count);
        if (!plan_.dots_with_U) {
            pack_transposed<units>(memory_.U.data(), U, C::recurrent.count, H, H);
            if constexpr (TwoProductCell<C>)
                pack_transposed<units>(memory_.second.data(), second_of(U), C::second.count, H, H);
        }
        if (input_gradient && !plan_.dots_with_W)
            pack_transposed<units>(memory_.W.data(), matrix(in.W, C::input.count), C::input.count, H, plan_.input);
    }

    /// The gradient of the final state, or zero, begins its way into the past.
    void start_carry(const Scalar* d_final) {
        for (int s = 0; s < C::states; ++s)
            if (d_final)
                to_panels(memory_.carry[s].data(), state_layout(), d_final + s * plan_.hidden,
                          C::states * plan_.hidden);
            else
                std::fill_n(memory_.carry[s].data(), state_size(), Scalar(0));
    }

    /// The steps end − 1 … begin, in the order of processing: turns their gates into da, and adds up the gradients of b and P.
    void sweep_back(const PassInput<C>& in, const PassGradients<Scalar>& to, const PassBoundary<Scalar>& boundary,
                    bool input_gradient, Index begin, Index end) {
        const Index H = plan_.hidden, B = plan_.batch, I = plan_.input;
        const bool dx_by_step = input_gradient && !plan_.input_gradient_last;
        const StepConstants<C> constants = step_constants(in);
        over_column_blocks([&](int shard, Index first, Index last) {
            const auto step_at = [&](Index p) { return this->step(constants, in.noise, p, first, last); };
            const typename Step<C>::Gradients sums = sums_of_shard(shard, to);
            const Scalar* after = end < plan_.steps ? step_at(end).gates : nullptr;
            for (Index p = end - 1; p >= begin; --p) {
                const Step<C> step = step_at(p);
                step.backward(memory_.U.data(), after, boundary.dy ? boundary.dy + step.t * B * H : nullptr, sums);
                if constexpr (TwoProductCell<C>)
                    step.backward_second(memory_.second.data(), sums);
                if (dx_by_step && plan_.dots_with_W)
                    step.input_gradient_dots(memory_.W.data(), I, memory_.dx.data() + step.t * B * I);
                else if (dx_by_step)
                    step.input_gradient(memory_.W.data(), I, memory_.dx.data() + step.t * B * I);
                after = step.gates;
            }
            if (begin == 0 && boundary.d_initial)
                step_at(0).backward_initial(memory_.U.data(), after, sums);
        });
    }

    /// Where a shard adds up its gradients of b and P: the first in place, the others on the side.
    typename Step<C>::Gradients sums_of_shard(int shard, const PassGradients<Scalar>& to) {
        const Index b_size = biased_blocks<C>() * plan_.hidden, P_size = to.P ? C::vectors * plan_.hidden : 0;
        typename Step<C>::Gradients sums{to.b, to.P, {}};
        if (shard > 0) {
            sums.bias = memory_.sums.data() + (shard - 1) * (b_size + P_size);
            sums.vectors = to.P ? sums.bias + b_size : nullptr;
        }
        for (int s = 0; s < C::states; ++s)
            sums.carry[s] = memory_.carry[s].data();
        return sums;
    }

    /// With da of the steps t … t + steps − 1 in the gates: dW += da·xᵀ, dU += da·h₋ᵀ.
    void add_weight_gradients(const PassInput<C>& in, const PassGradients<Scalar>& to, Index t, Index steps) {
        const Index H = plan_.hidden, B = plan_.batch;
        const auto da = gates(t, steps);
        Scalar* const scratch = memory_.scratch.data();
        add_outer_product<row(C::input), C::input.count>(to.W, C::input.count * H, plan_.input, da,
                                                         in.x + t * B * plan_.input, plan_.shards, scratch);
        const Index U_rows = recurrent_blocks<C>().count * H;
        add_outer_product<row(C::recurrent), C::recurrent.count>(to.U, U_rows, H, da, this->h_before(t, in.noise),
                                                                 plan_.shards, scratch);
        if constexpr (TwoProductCell<C>) {
            add_outer_product<row(C::second), C::second.count>(to.U + C::recurrent.count * H, U_rows, H, da,
                                                               this->operand(t), plan_.shards, scratch);
        }
    }

    void copy_columns(Scalar* out, Index ld, const Scalar* from, Index rows) const {
        for (Index column = 0; column < plan_.batch; ++column)
            std::copy_n(from + column * rows, rows, out + column * ld);
    }
};

// Not inline, so that a program of many files can compile a cell's pass in one of them, by
// `template class carousel::kernel::PassEngine<carousel::LstmCell<float>>;`, and say the same with `extern` before it in the others.
template <Cell C>
void PassEngine<C>::forward(const PassInput<C>& in, const Plan& plan, const Scalar* initial) {
    this->take(plan, in.noise);
    start(in, initial);
    pack(in);
    if (plan_.input_first)
        multiply_into_panels<row(C::input), C::input.count>(gates(0, plan_.steps), plan_.input, memory_.W.data(), in.x);
    const StepConstants<C> constants = step_constants(in);
    const Scalar* const W = plan_.input_first ? nullptr : memory_.W.data();
    over_column_blocks([&](int, Index first, Index last) {
        for (Index p = 0; p < plan_.steps; ++p) {
            const Step<C> step = this->step(constants, in.noise, p, first, last);
            step.forward(W, in.x + step.t * plan_.batch * plan_.input, plan_.input, memory_.U.data());
            if constexpr (TwoProductCell<C>)
                step.forward_second(memory_.second.data());
        }
    });
}

template <Cell C>
auto PassEngine<C>::backward(const PassInput<C>& in, const PassGradients<Scalar>& to,
                             const PassBoundary<Scalar>& boundary, bool input_gradient) -> const Scalar* {
    const Index H = plan_.hidden, T = plan_.steps, B = plan_.batch;
    const Index b_size = biased_blocks<C>() * H, P_size = to.P ? C::vectors * H : 0;
    this->take_for_backward(input_gradient, b_size + P_size);
    pack_for_backward(in, input_gradient);
    start_carry(boundary.d_final);

    for (Index end = T, begin; end > 0; end = begin) {
        begin = plan_.chunk_begin(end);
        sweep_back(in, to, boundary, input_gradient, begin, end);
        add_weight_gradients(in, to, plan_.reverse ? T - end : begin, end - begin);
    }

    for (Index column = 0; input_gradient && plan_.input_gradient_last && column < B; ++column)
        multiply_transposed(memory_.dx.data() + column * plan_.input, B * plan_.input, plan_.input, T, memory_.W.data(),
                            gate_layout(), memory_.gates.data(), row(C::input), C::input.count, column, gates_size());
    for (Index shard = 1; shard < plan_.shards; ++shard) {
        const Scalar* const sums = memory_.sums.data() + (shard - 1) * (b_size + P_size);
        for (Index k = 0; k < b_size; ++k)
            to.b[k] += sums[k];
        for (Index k = 0; k < P_size; ++k)
            to.P[k] += sums[b_size + k];
    }
    for (int s = 0; boundary.d_initial && s < C::states; ++s)
        from_panels(memory_.carry[s].data(), state_layout(), 0, boundary.d_initial + s * H, C::states * H);
    return input_gradient ? memory_.dx.data() : nullptr;
}

/// The functions of a Pass, of the instruction set of this file.
template <Cell C>
CAROUSEL_OWN inline constexpr PassFunctions<C> pass_functions_here = {
    [](PassMemory<C>& memory, const PassInput<C>& in, const PassShape& shape, const typename C::Scalar* initial) {
        PassEngine<C>(memory).forward(in, shape, initial);
    },
    [](const PassMemory<C>& memory, typename C::Scalar* out) {
        PassEngine<C>(const_cast<PassMemory<C>&>(memory)).final_state(out); // which changes nothing in it
    },
    [](PassMemory<C>& memory, const PassInput<C>& in, const PassGradients<typename C::Scalar>& to,
       const PassBoundary<typename C::Scalar>& boundary,
       bool input_gradient) { return PassEngine<C>(memory).backward(in, to, boundary, input_gradient); }};

} // namespace carousel::kernel
