// Dense: y = f(W·x + b) at every step.
#pragma once

#include "carousel/cell/activation.hpp"
#include "carousel/kernel/arrays.hpp"
#include "carousel/layer/each_parameter.hpp"
#include "carousel/layer/initializer.hpp"
#include "carousel/layer/layer.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// What a Dense layer may be told.
struct DenseOptions {
    /// f of y = f(W·x + b).
    Activation activation = Activation::linear;
    Initializer W = initializer::glorot_uniform();
    Initializer b = initializer::zeros();
    std::optional<std::uint64_t> seed = std::nullopt; ///< by default every layer of a program draws other numbers
    bool initialize =
        true; ///< false: parameters start as zero and nothing is drawn, for a model that is loaded at once
};

/// x: I × (T·B), y: O × (T·B); W: O × I, b: O.
/// backward: da = dy ∘ f′, dW += da·xᵀ, db += Σ da, dx = Wᵀ·da.
template <std::floating_point S, Index Input = Dynamic, Index Output = Dynamic>
class Dense : public detail::EachParameter<Dense<S, Input, Output>> {
  public:
    using Scalar = S;
    static constexpr Index fixed_input = Input, fixed_output = Output;

    using State = NoState;

    class Tape {
        friend Dense;
        detail::PassRecord pass_;
        SequenceView<S> x_;
        Sequence<S> y_;
        Matrix<S> da_, dx_;
        Buffer<S> scratch_;
    };
    /// Throws std::invalid_argument if a size is below 1 or differs from the one fixed at compile time.
    Dense(AnyIndex input, AnyIndex output, DenseOptions options = {}) : Dense(uninitialized, input, output, options) {
        Random random(options.seed ? *options.seed : detail::next_seed());
        if (options.initialize)
            initialize(random);
    }
    explicit Dense(DenseOptions options = {}) requires(Input != Dynamic && Output != Dynamic)
        : Dense(Input, Output, options) {}
    /// The same with parameters of zeros: nothing is drawn, whatever options.initialize says.
    Dense(Uninitialized, AnyIndex input, AnyIndex output, DenseOptions options = {})
        : options_(options), input_(input), output_(output) {
        require(input >= 1 && (Input == Dynamic || input == Input), "Dense", "input size is ", input, ", expected ",
                Input == Dynamic ? "at least 1" : detail::decimal(Input));
        require(output >= 1 && (Output == Dynamic || output == Output), "Dense", "output size is ", output,
                ", expected ", Output == Dynamic ? "at least 1" : detail::decimal(Output));
        W_ = Parameter<S>(output, input);
        b_ = Parameter<S>(output, 1);
    }
    explicit Dense(Uninitialized, DenseOptions options = {}) requires(Input != Dynamic && Output != Dynamic)
        : Dense(uninitialized, Input, Output, options) {}

    Index input_size() const { return input_; }
    Index output_size() const { return output_; }
    const DenseOptions& options() const { return options_; }
    std::string name() const { return "Dense"; }
    Index output_size(Index input) const {
        require(input == input_size(), "Dense", "x has ", input, " features, expected ", input_size());
        return output_size();
    }

    Parameter<S>& W() { return W_; }
    Parameter<S>& b() { return b_; }
    const Parameter<S>& W() const { return W_; }
    const Parameter<S>& b() const { return b_; }

    template <class F>
    void each_setting(F&& f) const {
        f("activation", description(options_.activation));
    }

    template <class F>
    void each_option(F&& f) const {
        f("input_size", input_);
        f("output_size", output_);
    }

    void initialize(Random& random) {
        options_.W(W_.value, input_size(), output_size(), random);
        options_.b(b_.value, input_size(), output_size(), random);
    }

    /// Throws std::invalid_argument if x doesn't have input_size() features or a parameter not the shape it was made with.
    SequenceView<S> forward(SequenceView<S> x, Tape& tape, NoState = {}) const {
        require(x.features() == input_size(), "Dense::forward", "x has ", x.features(), " features, expected ",
                input_size());
        detail::require_shape("Dense::forward", "W", ".value", W_.value, output_, input_);
        detail::require_shape("Dense::forward", "b", ".value", b_.value, output_, 1);
        tape.pass_.begin();
        tape.x_ = x;
        tape.y_.resize(output_size(), x.steps(), x.batch(), x.lengths());
        if (x.columns() > 0)
            multiply(x, tape);
        tape.pass_.end(true, this, input_, output_);
        return tape.y_;
    }

    SequenceView<S> infer(SequenceView<S> x, Tape& tape, NoState = {}) const {
        const auto y = forward(x, tape);
        tape.pass_.consume();
        return y;
    }

    void final_state(const Tape&, NoState&) const {}

    /// Throws what backward would throw, but for dy.
    void check_backward(const Tape& tape, const BackwardOptions<NoState>&) const {
        tape.pass_.require_recorded("Dense::backward", this, input_, output_);
        detail::require_shape("Dense::backward", "W", ".value", W_.value, output_, input_);
        detail::require_shape("Dense::backward", "W", ".grad", W_.grad, output_, input_);
        detail::require_shape("Dense::backward", "b", ".grad", b_.grad, output_, 1);
    }

    /// Throws std::invalid_argument if dy hasn't y's shape or a parameter not the shape it was made with, std::logic_error
    /// if the tape holds no forward pass of this layer.
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, const BackwardOptions<NoState>& options = {}) {
        check_backward(tape, options);
        const auto& y = tape.y_.values();
        require(dy.features() == y.rows() && dy.columns() == y.cols(), "Dense::backward", "dy is ", dy.features(),
                " x ", dy.columns(), ", expected ", y.rows(), " x ", y.cols());
        tape.pass_.consume();

        const Index columns = y.cols();
        if (columns > 0)
            weight_gradients(dy, tape);
        if (!options.input_gradient)
            return {};
        detail::reshape(tape.dx_, input_, columns);
        if (columns > 0)
            kernel::array_functions<S>().multiply(tape.dx_.data(), input_, input_, columns, output_,
                                                  kernel::operand(W_.value).transposed(), kernel::operand(tape.da_),
                                                  false, tape.scratch_);
        return {tape.dx_.data(), input_, tape.y_.steps(), tape.y_.batch(), tape.y_.lengths()};
    }

  private:
    friend detail::EachParameter<Dense>;
    /// f(name, parameter) for every one, const if `self` is.
    template <class Self, class F>
    static void visit_parameters(Self& self, F& f) {
        f(std::string("W"), self.W_);
        f(std::string("b"), self.b_);
    }

    /// y = f(W·x + b)
    void multiply(SequenceView<S> x, Tape& tape) const {
        auto& y = tape.y_.values();
        y.colwise() = b_.value.col(0);
        kernel::array_functions<S>().multiply(y.data(), y.rows(), y.rows(), y.cols(), input_, kernel::operand(W_.value),
                                              kernel::operand(x.values()), true, tape.scratch_);
        if (options_.activation != Activation::linear)
            kernel::array_functions<S>().activate(options_.activation, y.data(), y.data(), y.size());
    }

    /// da = dy ∘ f′, dW += da·xᵀ, db += Σ da
    void weight_gradients(SequenceView<S> dy, Tape& tape) {
        const auto& y = tape.y_.values();
        detail::reshape(tape.da_, y.rows(), y.cols());
        kernel::array_functions<S>().activate_backward(options_.activation, dy.data(), y.data(), tape.da_.data(),
                                                       y.size());
        kernel::array_functions<S>().multiply(W_.grad.data(), output_, output_, input_, y.cols(),
                                              kernel::operand(tape.da_), kernel::operand(tape.x_.values()).transposed(),
                                              true, tape.scratch_);
        kernel::array_functions<S>().add_columns(tape.da_.data(), output_, y.cols(), b_.grad.data());
    }

    DenseOptions options_;
    Index input_, output_;
    Parameter<S> W_, b_;
};

} // namespace carousel
