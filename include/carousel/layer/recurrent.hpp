// Recurrent<Cell>: a layer of any cell. It owns W, U, b and P and their options, and checks what it is given; the
// arithmetic of its passes is kernel/pass.hpp.
#pragma once

#include "carousel/cell/gru.hpp"
#include "carousel/cell/lstm.hpp"
#include "carousel/cell/simple_rnn.hpp"
#include "carousel/layer/each_parameter.hpp"
#include "carousel/layer/recurrent_options.hpp"
#include "carousel/layer/recurrent_tape.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// Input features and hidden units can be fixed at compile time, which Stream makes use of; the parameters are on the
/// heap all the same, so a layer of any width is small.
///
/// x: I × (T·B), its padding finite. Output: H × (T·B), zero past a sequence's end.
/// State: (C::states · H) × B, h on top (an LSTM's c under it).
template <Cell C, Index Input = Dynamic, Index Hidden = Dynamic>
class Recurrent : public detail::EachParameter<Recurrent<C, Input, Hidden>> {
  public:
    /// The cell, whose equations are the layer's.
    using CellType = C;
    using Scalar = typename C::Scalar;
    static constexpr Index fixed_input = Input, fixed_hidden = Hidden;

    using State = Matrix<Scalar>;
    using Tape = RecurrentTape<C>;

    /// `input` and `hidden` may be left out where they are fixed at compile time.
    /// Throws std::invalid_argument if a size is below 1 or differs from the fixed one.
    Recurrent(AnyIndex input, AnyIndex hidden, C cell = {}, RecurrentOptions options = {})
        : Recurrent(Zeros(), input, hidden, cell, options) {
        Random random(options.seed ? *options.seed : detail::next_seed());
        if (options.initialize)
            initialize(random);
        else
            seed_noise(random);
    }
    explicit Recurrent(C cell = {}, RecurrentOptions options = {}) requires(Input != Dynamic && Hidden != Dynamic)
        : Recurrent(Input, Hidden, cell, options) {}
    /// The same without a word about the cell: LSTM<float>{1, 64, {.reverse = true}}. Templates, so that {} alone means the cell.
    template <std::same_as<RecurrentOptions> Options = RecurrentOptions>
    Recurrent(AnyIndex input, AnyIndex hidden, Options options) : Recurrent(input, hidden, C{}, std::move(options)) {}
    template <std::same_as<RecurrentOptions> Options = RecurrentOptions>
    requires(Input != Dynamic && Hidden != Dynamic) explicit Recurrent(Options options)
        : Recurrent(Input, Hidden, C{}, std::move(options)) {}
    /// The same with parameters of zeros: nothing is drawn, whatever options.initialize says.
    Recurrent(Uninitialized, AnyIndex input, AnyIndex hidden, C cell = {}, RecurrentOptions options = {})
        : Recurrent(Zeros(), input, hidden, cell, options) {
        Random random(options.seed ? *options.seed : detail::next_seed());
        seed_noise(random);
    }
    explicit Recurrent(Uninitialized, C cell = {},
                       RecurrentOptions options = {}) requires(Input != Dynamic && Hidden != Dynamic)
        : Recurrent(uninitialized, Input, Hidden, cell, options) {}

    Index input_size() const { return input_; }
    Index hidden_size() const { return hidden_; }
    /// The cell with its members, such as `peephole`.
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

    /// "cell" (its name), the direction, the rates of zoneout, which act in inference too, and the cell's own.
    template <class F>
    void each_setting(F&& f) const {
        f("cell", C::name);
        f("reverse", options_.reverse);
        f("zoneout", options_.zoneout);
        f("zoneout_cell", options_.zoneout_cell);
        detail::each_setting(cell_, "", f);
    }

    template <class F>
    void each_option(F&& f) const {
        f("input_size", input_);
        f("hidden_size", hidden_);
        f("recurrent_dropout", options_.recurrent_dropout);
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
        seed_noise(random);
    }

    /// f(random) for the generator of this tape's masks, if recurrent dropout or zoneout draws some.
    template <class F>
    void each_random(RecurrentTape<C>& tape, F&& f) const {
        if (draws())
            f(tape.masks(noise_seed_));
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
    /// Throws std::logic_error if it holds none.
    void final_state(const RecurrentTape<C>& tape, Matrix<Scalar>& out) const {
        tape.record_.require_pass("Recurrent::final_state", hidden_);
        detail::reshape(out, C::states * hidden_, tape.pass_.plan().batch);
        tape.pass_.final_state(out.data());
    }

    /// Throws what backward would throw, but for dy.
    void check_backward(const RecurrentTape<C>& tape, const BackwardOptions<Matrix<Scalar>>& options) const {
        tape.record_.require_recorded("Recurrent::backward", this, input_, hidden_);
        if (options.d_final)
            detail::require_state("Recurrent::backward: d_final", "state", *options.d_final, C::states * hidden_,
                                  tape.pass_.plan().batch);
        require_parameters("Recurrent::backward", &Parameter<Scalar>::value, ".value");
        require_parameters("Recurrent::backward", &Parameter<Scalar>::grad, ".grad");
    }

    /// Full BPTT: adds to the gradients of W, U, b and P; returns dx, I × (T·B). `dy` is the gradient of the output; a
    /// view of no steps means there is none. The parameters must be those of the forward pass. Throws
    /// std::invalid_argument if a shape differs from the pass', std::logic_error if the tape holds none of this layer.
    SequenceView<Scalar> backward(SequenceView<Scalar> dy, RecurrentTape<C>& tape,
                                  const BackwardOptions<Matrix<Scalar>>& options = {}) {
        check_backward(tape, options);
        const kernel::PassShape& shape = tape.pass_.plan();
        const Index H = hidden_, T = shape.steps, B = shape.batch;
        const bool has_dy = dy.columns() > 0;
        require(!has_dy || (dy.features() == H && dy.steps() == T && dy.batch() == B), "Recurrent::backward", "dy is ",
                dy.features(), " x (", dy.steps(), " steps of ", dy.batch(), "), expected ", H, " x (", T, " steps of ",
                B, ")");
        if (options.d_initial)
            detail::reshape(*options.d_initial, C::states * H, B);
        const Scalar* const d_final =
            options.d_final && options.d_final->size() > 0 ? options.d_final->data() : nullptr;

        tape.record_.consume();
        const Scalar* const dx = tape.pass_.backward(
            pass_input(tape),
            {W_.grad.data(), U_.grad.data(), b_.grad.data(), has_vectors() ? P_.grad.data() : nullptr},
            {has_dy ? dy.data() : nullptr, d_final, options.d_initial ? options.d_initial->data() : nullptr},
            options.input_gradient);
        if (!options.input_gradient)
            return {};
        return {dx, input_, T, B, tape.lengths_};
    }

  private:
    struct Zeros {};
    /// What every constructor begins with: parameters of zeros.
    Recurrent(Zeros, Index input, Index hidden, const C& cell, const RecurrentOptions& options)
        : cell_(cell), options_(options), input_(input), hidden_(hidden) {
        require(input >= 1 && (Input == Dynamic || input == Input), C::name, "input size is ", input, ", expected ",
                Input == Dynamic ? "at least 1" : detail::decimal(Input));
        require(hidden >= 1 && (Hidden == Dynamic || hidden == Hidden), C::name, "hidden size is ", hidden,
                ", expected ", Hidden == Dynamic ? "at least 1" : detail::decimal(Hidden));
        for (const auto& [what, rate] :
             {std::pair("recurrent_dropout", options.recurrent_dropout), std::pair("zoneout", options.zoneout),
              std::pair("zoneout_cell", options.zoneout_cell)})
            require(rate >= 0 && rate < 1, C::name, what, " is ", rate, ", expected 0 <= ", what, " < 1");
        W_ = Parameter<Scalar>(C::input.count * hidden, input);
        U_ = Parameter<Scalar>(recurrent_blocks<C>().count * hidden, hidden);
        b_ = Parameter<Scalar>(biased_blocks<C>() * hidden, 1);
        if (has_vectors())
            P_ = Parameter<Scalar>(hidden, C::vectors);
    }

    friend detail::EachParameter<Recurrent>;
    /// f(name, parameter) for every one, const if `self` is.
    template <class Self, class F>
    static void visit_parameters(Self& self, F& f) {
        f(std::string("W"), self.W_);
        f(std::string("U"), self.U_);
        f(std::string("b"), self.b_);
        if (self.has_vectors())
            f(std::string("P"), self.P_);
    }

    bool draws() const { return options_.recurrent_dropout > 0 || options_.zoneout > 0 || options_.zoneout_cell > 0; }

    void seed_noise(Random& random) {
        if (draws())
            noise_seed_ = random();
    }

    bool has_vectors() const { return carousel::has_vectors(cell_); }

    static Scalar initial_bias(int block) {
        if constexpr (requires { C::initial_bias(block); })
            return C::initial_bias(block);
        else
            return 0;
    }

    /// What was assigned to the parameters' values, or gradients, must have the shapes that the pass reads or adds to.
    void require_parameters(const char* where, Matrix<Scalar> Parameter<Scalar>::*part, const char* part_name) const {
        const auto check = [&](const char* name, const Parameter<Scalar>& parameter, Index rows, Index columns) {
            detail::require_shape(where, name, part_name, parameter.*part, rows, columns);
        };
        check("W", W_, C::input.count * hidden_, input_);
        check("U", U_, recurrent_blocks<C>().count * hidden_, hidden_);
        check("b", b_, biased_blocks<C>() * hidden_, 1);
        if (has_vectors())
            check("P", P_, hidden_, C::vectors);
    }

    kernel::PassInput<C> pass_input(const RecurrentTape<C>& tape) const {
        return {&cell_,
                W_.value.data(),
                U_.value.data(),
                b_.value.data(),
                has_vectors() ? P_.value.data() : nullptr,
                tape.x_,
                tape.ragged() ? tape.lengths_.data() : nullptr,
                tape.noise()};
    }

    SequenceView<Scalar> run(SequenceView<Scalar> x, RecurrentTape<C>& tape, const Matrix<Scalar>& initial,
                             bool record) const {
        require(x.features() == input_, "Recurrent::forward", "x has ", x.features(), " features, expected ", input_);
        detail::require_state("Recurrent::forward: initial", "state", initial, C::states * hidden_, x.batch());
        require_parameters("Recurrent::forward", &Parameter<Scalar>::value, ".value");
        const kernel::PassShape shape{input_, hidden_, x.steps(), x.batch(), options_.reverse, record};

        tape.record_.begin();
        tape.x_ = x.data();
        tape.lengths_.assign(x.lengths().begin(), x.lengths().end());
        tape.draw_noise(shape, options_.recurrent_dropout, zoneout_rates(), noise_seed_);
        tape.pass_.forward(pass_input(tape), shape, initial.size() > 0 ? initial.data() : nullptr);
        tape.cut_output();
        tape.record_.end(record, this, input_, hidden_);
        return tape.output();
    }

    C cell_;
    RecurrentOptions options_;
    Index input_, hidden_;
    Parameter<Scalar> W_, U_, b_, P_;
    std::uint64_t noise_seed_ = 0;
};

/// The simple recurrent layer, Elman's: h = tanh(W·x + U·h₋ + b), or another activation.
template <std::floating_point Scalar, Index Input = Dynamic, Index Hidden = Dynamic>
using SimpleRNN = Recurrent<SimpleRnnCell<Scalar>, Input, Hidden>;

/// LSTM<float, Dynamic, Dynamic, ChosenGates>{1, 64, {.gates = {.f = Activation::hard_sigmoid()}}} has other functions.
template <std::floating_point Scalar, Index Input = Dynamic, Index Hidden = Dynamic, class Gates = StandardGates>
using LSTM = Recurrent<LstmCell<Scalar, false, Gates>, Input, Hidden>;

/// The LSTM whose forget gate is 1 − i: three gates.
template <std::floating_point Scalar, Index Input = Dynamic, Index Hidden = Dynamic, class Gates = StandardGates>
using CoupledLSTM = Recurrent<LstmCell<Scalar, true, Gates>, Input, Hidden>;

/// The gated recurrent unit of Cho et al. (2014), which resets after the product (as PyTorch) or before it.
template <std::floating_point Scalar, Index Input = Dynamic, Index Hidden = Dynamic, Reset reset = Reset::after,
          class Gates = StandardGates>
using GRU = Recurrent<GruCell<Scalar, reset, Gates>, Input, Hidden>;

} // namespace carousel
