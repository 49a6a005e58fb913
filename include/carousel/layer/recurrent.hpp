// Recurrent<Cell>: a layer of any cell. It owns W, U, b and P, all matrix products, the only loop over time and the
// only BPTT (Werbos 1990, "Backpropagation through time: what it does and how to do it").
#pragma once

#include "carousel/cell/gru.hpp"
#include "carousel/cell/lstm.hpp"
#include "carousel/cell/simple_rnn.hpp"
#include "carousel/core/initializer.hpp"
#include "carousel/layer/recurrent_tape.hpp"

namespace carousel {

struct RecurrentOptions {
    /// Runs from each sequence's last real step to its first; outputs stand at their inputs' steps.
    bool reverse = false;
    Initializer W = initializer::glorot_uniform();
    Initializer U = initializer::orthogonal();
    /// Of b; by default what the cell says (an LSTM's forget gate 1, everything else 0).
    std::optional<Initializer> b = std::nullopt;
    Initializer P = initializer::zeros();             ///< peepholes
    std::optional<std::uint64_t> seed = std::nullopt; ///< by default every layer of a program draws other numbers
    /// In training U multiplies m∘h₋ with one mask m a sequence, its numbers 0 with this probability, else 1/(1 − rate): Gal &
    /// Ghahramani (2016), "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks". For the input
    /// there is Dropout{rate, {.per_sequence = true}}. A chunk of truncated BPTT has a mask of its own.
    double recurrent_dropout = 0;
    /// In training each number of h (zoneout) and of every further state, an LSTM's c (zoneout_cell), keeps its old value for
    /// a step with this probability; in inference the state moves by the mean: Krueger et al. (2017), "Zoneout:
    /// Regularizing RNNs by Randomly Preserving Hidden Activations".
    double zoneout = 0, zoneout_cell = 0;
};

/// Input features and hidden units can be fixed at compile time, which Stream makes use of; the parameters are on the
/// heap all the same, so a layer of any width is small.
///
/// x: I × (T·B), its padding finite. Output: H × (T·B), zero past a sequence's end.
/// State: (C::states · H) × B, h on top (an LSTM's c under it).
template <Cell C, Index Input = Dynamic, Index Hidden = Dynamic>
class Recurrent {
  public:
    using CellType = C;
    using Scalar = typename C::Scalar;
    static constexpr Index fixed_input = Input, fixed_hidden = Hidden;

    using State = Matrix<Scalar>;
    using Tape = RecurrentTape<C>;

    /// `input` and `hidden` may be left out where they are fixed at compile time.
    /// Throws std::invalid_argument if a size is below 1 or differs from the fixed one.
    Recurrent(Index input, Index hidden, C cell = {}, RecurrentOptions options = {})
        : cell_(cell), options_(options), input_(input), hidden_(hidden) {
        require(input >= 1 && (Input == Dynamic || input == Input), C::name, "input size is ", input, ", expected ",
                Input == Dynamic ? "at least 1" : std::to_string(Input));
        require(hidden >= 1 && (Hidden == Dynamic || hidden == Hidden), C::name, "hidden size is ", hidden,
                ", expected ", Hidden == Dynamic ? "at least 1" : std::to_string(Hidden));
        for (const auto& [what, rate] :
             {std::pair("recurrent_dropout", options.recurrent_dropout), std::pair("zoneout", options.zoneout),
              std::pair("zoneout_cell", options.zoneout_cell)})
            require(rate >= 0 && rate < 1, C::name, what, " is ", rate, ", expected 0 <= ", what, " < 1");
        W_ = Parameter<Scalar>(C::input.count * hidden, input);
        U_ = Parameter<Scalar>(kernel_blocks.count * hidden, hidden);
        b_ = Parameter<Scalar>(biased_blocks<C>() * hidden, 1);
        if (has_vectors())
            P_ = Parameter<Scalar>(hidden, C::vectors);
        Random random(options.seed ? *options.seed : detail::next_seed());
        initialize(random);
    }
    explicit Recurrent(C cell = {}, RecurrentOptions options = {}) requires(Input != Dynamic && Hidden != Dynamic)
        : Recurrent(Input, Hidden, cell, options) {}

    Index input_size() const { return input_; }
    Index hidden_size() const { return hidden_; }
    const C& cell() const { return cell_; }
    const RecurrentOptions& options() const { return options_; }
    std::string name() const { return C::name; }
    Index output_size(Index input) const {
        require(input == input_, C::name, "x has ", input, " features, expected ", input_);
        return hidden_;
    }

    /// W: rows the cell's input blocks × I; U: rows its recurrent blocks × H; b: all fed blocks; P: H × vectors, or
    /// empty.
    Parameter<Scalar>& W() { return W_; }
    Parameter<Scalar>& U() { return U_; }
    Parameter<Scalar>& b() { return b_; }
    Parameter<Scalar>& P() { return P_; }
    const Parameter<Scalar>& W() const { return W_; }
    const Parameter<Scalar>& U() const { return U_; }
    const Parameter<Scalar>& b() const { return b_; }
    const Parameter<Scalar>& P() const { return P_; }

    template <class F>
    void each_parameter(F&& f) {
        visit_parameters(*this, f);
    }
    template <class F>
    void each_parameter(F&& f) const {
        visit_parameters(*this, f);
    }

    void initialize(Random& random) {
        options_.W(W_.value, input_, W_.value.rows(), random);
        options_.U(U_.value, hidden_, U_.value.rows(), random);
        if (options_.b)
            (*options_.b)(b_.value, hidden_, b_.value.rows(), random);
        else
            for (int g = 0; g < biased_blocks<C>(); ++g)
                b_.value.middleRows(g * hidden_, hidden_).setConstant(initial_bias(g));
        if (has_vectors())
            options_.P(P_.value, hidden_, hidden_, random);
        if (options_.recurrent_dropout > 0 || options_.zoneout > 0 || options_.zoneout_cell > 0)
            noise_seed_ = random();
    }

    /// The probability with which each state keeps its old value in training.
    auto zoneout_rates() const {
        std::array<double, C::states> rates;
        rates.fill(options_.zoneout_cell);
        rates[0] = options_.zoneout;
        return rates;
    }

    /// Records the pass for backward. Throws std::invalid_argument if x or `initial` doesn't fit.
    SequenceView<Scalar> forward(SequenceView<Scalar> x, RecurrentTape<C>& tape,
                                 const Matrix<Scalar>& initial = {}) const {
        return run(x, tape, initial, true);
    }

    /// The same output without a record: memory for one step's gates.
    SequenceView<Scalar> infer(SequenceView<Scalar> x, RecurrentTape<C>& tape,
                               const Matrix<Scalar>& initial = {}) const {
        return run(x, tape, initial, false);
    }

    /// Each sequence's state after its last step (in processing order) of the pass that `tape` holds.
    void final_state(const RecurrentTape<C>& tape, Matrix<Scalar>& out) const { tape.final_state(out); }

    /// Full BPTT: adds to the gradients of W, U, b and P; returns dx, I × (T·B). `dy` is the gradient of the output; a
    /// view of no steps means there is none. The parameters must be those of the forward pass. Throws std::invalid_argument if a shape differs from the pass',
    /// std::logic_error if the tape holds none.
    SequenceView<Scalar> backward(SequenceView<Scalar> dy, RecurrentTape<C>& tape,
                                  const Through<Matrix<Scalar>>& through = {}) {
        detail::require_recorded(tape.recorded_, "Recurrent::backward");
        const Index H = hidden_, T = tape.x_.steps(), B = tape.x_.batch();
        const bool has_dy = dy.columns() > 0;
        require(!has_dy || (dy.features() == H && dy.steps() == T && dy.batch() == B), "Recurrent::backward", "dy is ",
                dy.features(), " x (", dy.steps(), " steps of ", dy.batch(), "), expected ", H, " x (", T, " steps of ",
                B, ")");
        require_state("Recurrent::backward: d_final", through.d_final, B);
        tape.recorded_ = false;

        const auto transpose = [H](kernel::Scratch<Scalar>& panels, kernel::Operand<Scalar> weights, int blocks,
                                   Index columns) {
            Scalar* const to = panels.get(kernel::transposed_panels<Scalar>(blocks, H, columns));
            kernel::pack_transposed<units>(to, weights, blocks, H, columns);
        };
        // A single sequence meets U, and few features W, as forward packed it.
        const kernel::Operand<Scalar> W = kernel::operand(W_.value), U = kernel::operand(U_.value);
        if (!kernel::Step<C>::single(B)) {
            transpose(tape.U_, U, C::recurrent.count, H);
            if constexpr (TwoProductCell<C>)
                transpose(tape.second_, U.from_row(C::recurrent.count * H), C::second.count, H);
        }
        // Where a step has too few columns for tiles, dx is a product over all steps, as W·x is, one for each sequence.
        const bool few = kernel::Step<C>::few_features(input_),
                   dx_last = through.input_gradient && T > 0 && !few && B < kernel::tile_columns(kernel::tile_lanes);
        if (through.input_gradient) {
            tape.dx_.resize(input_, T * B);
            if (!few)
                transpose(tape.W_, W, C::input.count, input_);
        }
        typename kernel::Step<C>::Gradients to{b_.grad.data(), has_vectors() ? P_.grad.data() : nullptr, {}};
        for (int s = 0; s < C::states; ++s) {
            tape.carry_[s].resize(tape.state_size());
            to.carry[s] = tape.carry_[s].data();
            if (through.d_final && through.d_final->size() > 0)
                kernel::to_panels(to.carry[s], tape.state_layout(), through.d_final->data() + s * H, C::states * H);
            else
                tape.carry_[s].setZero();
        }

        // Each shard but the first adds up its gradients of b and P on the side.
        const Index b_size = b_.size(), P_size = P_.size();
        tape.sums_.setZero(b_size + P_size, static_cast<Index>(tape.shards_.size()) - 1);
        const Index chunk = tape.steps_in_cache();
        for (Index end = T, begin; end > 0; end = begin) {
            begin = std::max<Index>(0, end - chunk);
            tape.over_column_blocks([&](int shard, Index first, Index last) {
                typename kernel::Step<C>::Gradients to_shard = to;
                if (shard > 0) {
                    to_shard.bias = tape.sums_.col(shard - 1).data();
                    to_shard.vectors = to.vectors ? to_shard.bias + b_size : nullptr;
                }
                const Scalar* after = end < T ? step_at(tape, end, first, last).gates : nullptr;
                for (Index p = end - 1; p >= begin; --p) {
                    const kernel::Step<C> step = step_at(tape, p, first, last);
                    step.backward(tape.U_.data(), after, has_dy ? dy.data() + step.t * B * H : nullptr, to_shard);
                    if constexpr (TwoProductCell<C>)
                        step.backward_second(tape.second_.data(), to_shard);
                    if (through.input_gradient && !dx_last)
                        step.input_gradient(tape.W_.data(), input_, tape.dx_.data() + step.t * B * input_);
                    after = step.gates;
                }
                if (begin == 0 && through.d_initial)
                    step_at(tape, 0, first, last).backward_initial(tape.U_.data(), after, to_shard);
            });
            weight_gradients(tape, options_.reverse ? T - end : begin, end - begin);
        }
        for (Index column = 0; dx_last && column < B; ++column)
            kernel::multiply_transposed(tape.dx_.data() + column * input_, B * input_, input_, T, tape.W_.data(),
                                        tape.gate_layout(), tape.gates_.data(), C::input.first, C::input.count, column,
                                        tape.gates_size());
        for (Index shard = 0; shard < tape.sums_.cols(); ++shard) {
            b_.grad.col(0) += tape.sums_.col(shard).head(b_size);
            if (has_vectors())
                P_.grad.reshaped() += tape.sums_.col(shard).tail(P_size);
        }
        if (through.d_initial) {
            through.d_initial->resize(C::states * H, B);
            for (int s = 0; s < C::states; ++s)
                kernel::from_panels(to.carry[s], tape.state_layout(), 0, through.d_initial->data() + s * H,
                                    C::states * H);
        }
        if (!through.input_gradient)
            return {};
        return {tape.dx_.data(), input_, T, B, tape.lengths_};
    }

  private:
    /// f(name, parameter) for every one, const if `self` is.
    template <class Self, class F>
    static void visit_parameters(Self& self, F& f) {
        f(std::string("W"), self.W_);
        f(std::string("U"), self.U_);
        f(std::string("b"), self.b_);
        if (self.has_vectors())
            f(std::string("P"), self.P_);
    }

    static constexpr Blocks kernel_blocks = recurrent_blocks<C>();
    static constexpr Index units = kernel::Step<C>::units;

    bool has_vectors() const {
        if constexpr (requires { cell_.has_vectors(); })
            return cell_.has_vectors();
        else
            return C::vectors > 0;
    }

    static Scalar initial_bias(int block) {
        if constexpr (requires { C::initial_bias(block); })
            return C::initial_bias(block);
        else
            return 0;
    }

    void require_state(const char* where, const Matrix<Scalar>* state, Index batch) const {
        require(!state || state->size() == 0 || (state->rows() == C::states * hidden_ && state->cols() == batch), where,
                "state is ", state ? state->rows() : 0, " x ", state ? state->cols() : 0, ", expected ",
                C::states * hidden_, " x ", batch);
    }

    kernel::Step<C> step_at(RecurrentTape<C>& tape, Index p, Index first, Index last) const {
        return tape.step(cell_, b_.value.data(), has_vectors() ? P_.value.data() : nullptr, p, first, last);
    }

    SequenceView<Scalar> run(SequenceView<Scalar> x, RecurrentTape<C>& tape, const Matrix<Scalar>& initial,
                             bool record) const {
        const Index H = hidden_, T = x.steps(), B = x.batch();
        require(x.features() == input_, "Recurrent::forward", "x has ", x.features(), " features, expected ", input_);
        require_state("Recurrent::forward: initial", &initial, B);

        // One product W·x for all steps pays where a step alone has too few columns to fill the tiles.
        const bool product_first = T > 1 && input_ > 4 && B < kernel::tile_columns(C::blocks);
        tape.start(x, H, options_.reverse, record, product_first, initial);
        tape.start_noise(options_.recurrent_dropout, zoneout_rates(), noise_seed_);

        const kernel::Operand<Scalar> W = kernel::operand(W_.value), U = kernel::operand(U_.value);
        Scalar* const W_panels = tape.W_.get(kernel::gate_panels<Scalar>(C::input.count, H, input_));
        kernel::pack_gates<units>(W_panels, W, C::input.count, H, input_);
        if (product_first)
            kernel::multiply_into_panels<C::input.first, C::input.count>(tape.gates(0, T), input_, W_panels, x.data());
        Scalar* const panels = tape.U_.get(kernel::gate_panels<Scalar>(C::recurrent.count, H, H));
        kernel::pack_gates<units>(panels, U, C::recurrent.count, H, H);
        [[maybe_unused]] Scalar* second = nullptr;
        if constexpr (TwoProductCell<C>) {
            second = tape.second_.get(kernel::gate_panels<Scalar>(C::second.count, H, H));
            kernel::pack_gates<units>(second, U.from_row(C::recurrent.count * H), C::second.count, H, H);
        }

        tape.over_column_blocks([&](int, Index first, Index last) {
            for (Index p = 0; p < T; ++p) {
                const kernel::Step<C> step = step_at(tape, p, first, last);
                step.forward(product_first ? nullptr : W_panels, x.data() + step.t * B * input_, input_, panels);
                if constexpr (TwoProductCell<C>)
                    step.forward_second(second);
            }
        });
        return tape.finish();
    }

    /// With da of the steps t … t + steps − 1 in the gates: dW += da·xᵀ, dU += da·h₋ᵀ.
    void weight_gradients(RecurrentTape<C>& tape, Index t, Index steps) {
        const Index H = hidden_, first = t * tape.x_.batch();
        const auto da = tape.gates(t, steps);
        kernel::add_outer_product<C::input.first, C::input.count>(W_.grad.data(), W_.grad.rows(), input_, da,
                                                                  tape.x_.data() + first * input_, tape.shards_);
        kernel::add_outer_product<C::recurrent.first, C::recurrent.count>(U_.grad.data(), U_.grad.rows(), H, da,
                                                                          tape.h_before() + first * H, tape.shards_);
        if constexpr (TwoProductCell<C>)
            kernel::add_outer_product<C::second.first, C::second.count>(
                U_.grad.data() + C::recurrent.count * H, U_.grad.rows(), H, da, tape.operand(C::operand, t, steps),
                tape.shards_);
    }

    C cell_;
    RecurrentOptions options_;
    Index input_, hidden_;
    Parameter<Scalar> W_, U_, b_, P_;
    std::uint64_t noise_seed_ = 0;
};

template <std::floating_point Scalar, Index Input = Dynamic, Index Hidden = Dynamic>
using SimpleRNN = Recurrent<SimpleRnnCell<Scalar>, Input, Hidden>;

/// LSTM<float, Dynamic, Dynamic, ChosenGates>{1, 64, {.gates = {.f = Activation::hard_sigmoid()}}} has other functions.
template <std::floating_point Scalar, Index Input = Dynamic, Index Hidden = Dynamic, class Gates = StandardGates>
using LSTM = Recurrent<LstmCell<Scalar, false, Gates>, Input, Hidden>;

/// The LSTM whose forget gate is 1 − i: three gates.
template <std::floating_point Scalar, Index Input = Dynamic, Index Hidden = Dynamic, class Gates = StandardGates>
using CoupledLSTM = Recurrent<LstmCell<Scalar, true, Gates>, Input, Hidden>;

template <std::floating_point Scalar, Index Input = Dynamic, Index Hidden = Dynamic, Reset reset = Reset::after,
          class Gates = StandardGates>
using GRU = Recurrent<GruCell<Scalar, reset, Gates>, Input, Hidden>;

} // namespace carousel
