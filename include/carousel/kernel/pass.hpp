// Pass: a recurrent layer's forward and backward pass over a batch of sequences (BPTT: Werbos 1990, "Backpropagation through
// time: what it does and how to do it"). It has the only loop over time. A layer hands it pointers, sizes and a cell.
#pragma once

#include "carousel/kernel/backward_step.hpp"
#include "carousel/kernel/forward_step.hpp"
#include "carousel/kernel/pass_memory.hpp"
#include "carousel/kernel/threads.hpp"

#include <algorithm>

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

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

/// backward reads what the last forward left and turns it into gradients, so it can run once for each recorded forward. Both
/// take all memory first, and only that throws: a forward that fails leaves no pass, a backward that fails has changed no
/// gradient.
template <Cell C>
class Pass : private PassMemory<C> {
    using Memory = PassMemory<C>;
    using Memory::plan_, Memory::units, Memory::gates, Memory::gates_size, Memory::gate_layout, Memory::state,
        Memory::state_layout, Memory::state_size;

  public:
    using Memory::plan;
    using typename Memory::Scalar;

    /// `initial`: (states · H) × B, or null for zero. The output is at output(). Throws std::bad_alloc.
    void forward(const PassInput<C>& in, const PassShape& shape, const Scalar* initial);

    /// h after every step, H × (T·B); past a sequence's end it is carried.
    const Scalar* output() const { return state(0, plan_.reverse ? 0 : 1); }

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
    StepConstants<C> step_constants(const PassInput<C>& in) const {
        return {in.cell, plan_.hidden, plan_.batch, in.b, in.P, in.lengths, plan_.record, plan_.dots_with_U};
    }

    /// f(shard, first, last) for all columns. Sequences don't see each other: every thread walks through time with its share of
    /// the batch, and a large share in blocks of columns.
    template <class F>
    void over_column_blocks(F&& f) const {
        const Index shards = plan_.shards;
        shared::thread_pool().run(plan_.shards, [&](int shard) {
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
            Scalar* const masked = this->masked_h_.data() + this->first_slot() * H * B;
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
        pack_gates<units>(this->W_.data(), matrix(in.W, C::input.count), C::input.count, H, plan_.input);
        pack_gates<units>(this->U_.data(), U, C::recurrent.count, H, H);
        if constexpr (TwoProductCell<C>)
            pack_gates<units>(this->second_.data(), second_of(U), C::second.count, H, H);
    }

    /// Packs again what the plan doesn't let backward read as forward packed it.
    void pack_for_backward(const PassInput<C>& in, bool input_gradient) {
        const Index H = plan_.hidden;
        const Operand<Scalar> U = matrix(in.U, recurrent_blocks<C>().count);
        if (!plan_.dots_with_U) {
            pack_transposed<units>(this->U_.data(), U, C::recurrent.count, H, H);
            if constexpr (TwoProductCell<C>)
                pack_transposed<units>(this->second_.data(), second_of(U), C::second.count, H, H);
        }
        if (input_gradient && !plan_.dots_with_W)
            pack_transposed<units>(this->W_.data(), matrix(in.W, C::input.count), C::input.count, H, plan_.input);
    }

    /// The gradient of the final state, or zero, begins its way into the past.
    void start_carry(const Scalar* d_final) {
        for (int s = 0; s < C::states; ++s)
            if (d_final)
                to_panels(this->carry_[s].data(), state_layout(), d_final + s * plan_.hidden, C::states * plan_.hidden);
            else
                std::fill_n(this->carry_[s].data(), state_size(), Scalar(0));
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
                step.backward(this->U_.data(), after, boundary.dy ? boundary.dy + step.t * B * H : nullptr, sums);
                if constexpr (TwoProductCell<C>)
                    step.backward_second(this->second_.data(), sums);
                if (dx_by_step && plan_.dots_with_W)
                    step.input_gradient_dots(this->W_.data(), I, this->dx_.data() + step.t * B * I);
                else if (dx_by_step)
                    step.input_gradient(this->W_.data(), I, this->dx_.data() + step.t * B * I);
                after = step.gates;
            }
            if (begin == 0 && boundary.d_initial)
                step_at(0).backward_initial(this->U_.data(), after, sums);
        });
    }

    /// Where a shard adds up its gradients of b and P: the first in place, the others on the side.
    typename Step<C>::Gradients sums_of_shard(int shard, const PassGradients<Scalar>& to) {
        const Index b_size = biased_blocks<C>() * plan_.hidden, P_size = to.P ? C::vectors * plan_.hidden : 0;
        typename Step<C>::Gradients sums{to.b, to.P, {}};
        if (shard > 0) {
            sums.bias = this->sums_.data() + (shard - 1) * (b_size + P_size);
            sums.vectors = to.P ? sums.bias + b_size : nullptr;
        }
        for (int s = 0; s < C::states; ++s)
            sums.carry[s] = this->carry_[s].data();
        return sums;
    }

    /// With da of the steps t … t + steps − 1 in the gates: dW += da·xᵀ, dU += da·h₋ᵀ.
    void add_weight_gradients(const PassInput<C>& in, const PassGradients<Scalar>& to, Index t, Index steps) {
        const Index H = plan_.hidden, B = plan_.batch;
        const auto da = gates(t, steps);
        Scalar* const scratch = this->scratch_.data();
        add_outer_product<C::input.first, C::input.count>(to.W, C::input.count * H, plan_.input, da,
                                                          in.x + t * B * plan_.input, plan_.shards, scratch);
        const Index U_rows = recurrent_blocks<C>().count * H;
        add_outer_product<C::recurrent.first, C::recurrent.count>(to.U, U_rows, H, da, this->h_before(t, in.noise),
                                                                  plan_.shards, scratch);
        if constexpr (TwoProductCell<C>) {
            Scalar* const operand = this->operand_.data(); // H × (steps · B)
            for (Index k = 0; k < steps; ++k)
                from_panels(gates(t + k, 1).data, gate_layout(), C::operand, operand + k * B * H, H);
            add_outer_product<C::second.first, C::second.count>(to.U + C::recurrent.count * H, U_rows, H, da, operand,
                                                                plan_.shards, scratch);
        }
    }

    void copy_columns(Scalar* out, Index ld, const Scalar* from, Index rows) const {
        for (Index column = 0; column < plan_.batch; ++column)
            std::copy_n(from + column * rows, rows, out + column * ld);
    }
};

// Not inline, so that a program of many files can compile a cell's pass in one of them, by
// `template class carousel::kernel::Pass<carousel::LstmCell<float>>;`, and say the same with `extern` before it in the others.
template <Cell C>
void Pass<C>::forward(const PassInput<C>& in, const PassShape& shape, const Scalar* initial) {
    this->take(make_plan<Scalar>(shape, C::blocks, threads()), in.noise);
    start(in, initial);
    pack(in);
    if (plan_.input_first)
        multiply_into_panels<C::input.first, C::input.count>(gates(0, plan_.steps), plan_.input, this->W_.data(), in.x);
    const StepConstants<C> constants = step_constants(in);
    const Scalar* const W = plan_.input_first ? nullptr : this->W_.data();
    over_column_blocks([&](int, Index first, Index last) {
        for (Index p = 0; p < plan_.steps; ++p) {
            const Step<C> step = this->step(constants, in.noise, p, first, last);
            step.forward(W, in.x + step.t * plan_.batch * plan_.input, plan_.input, this->U_.data());
            if constexpr (TwoProductCell<C>)
                step.forward_second(this->second_.data());
        }
    });
}

template <Cell C>
auto Pass<C>::backward(const PassInput<C>& in, const PassGradients<Scalar>& to, const PassBoundary<Scalar>& boundary,
                       bool input_gradient) -> const Scalar* {
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
        multiply_transposed(this->dx_.data() + column * plan_.input, B * plan_.input, plan_.input, T, this->W_.data(),
                            gate_layout(), this->gates_.data(), C::input.first, C::input.count, column, gates_size());
    for (Index shard = 1; shard < plan_.shards; ++shard) {
        const Scalar* const sums = this->sums_.data() + (shard - 1) * (b_size + P_size);
        for (Index k = 0; k < b_size; ++k)
            to.b[k] += sums[k];
        for (Index k = 0; k < P_size; ++k)
            to.P[k] += sums[b_size + k];
    }
    for (int s = 0; boundary.d_initial && s < C::states; ++s)
        from_panels(this->carry_[s].data(), state_layout(), 0, boundary.d_initial + s * H, C::states * H);
    return input_gradient ? this->dx_.data() : nullptr;
}

} // namespace carousel::kernel
