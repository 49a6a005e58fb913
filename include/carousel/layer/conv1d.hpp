// Conv1D: a convolution over time.
#pragma once

#include "carousel/kernel/arrays.hpp"
#include "carousel/layer/conv1d_options.hpp"
#include "carousel/layer/conv_windows.hpp"
#include "carousel/layer/each_parameter.hpp"
#include "carousel/layer/layer.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// y_t = f(W · [x_{t−(K−1)d} … x_{t−d} x_t] + b), for a kernel of K taps and dilation d.
///
/// x: I × (T·B), y: O × (T′·B); W: O × (K·I), b: O. Columns j·I … j·I + I − 1 of W belong to tap j, the oldest first:
/// W(o, j·I + i) is PyTorch's weight[o][i][j] and Keras' kernel[j][i][o]. As theirs, the kernel isn't turned round.
///
/// causal: y_t sees x up to step t. T′ = ⌈T / stride⌉, and y's step k is y_{k·stride}.
/// valid: T′ = ⌊(T − (K−1)d − 1) / stride⌋ + 1, or 0 if T is too short; y's step k is y_{(K−1)d + k·stride}.
/// Each sequence of a batch has as many real outputs as its own length gives; those past them are zero.
///
/// State: the last (K−1)d steps of x, the oldest first, ((K−1)d · I) × B; zeros before a sequence begins. With it a causal
/// layer goes on from chunk to chunk as if there were one sequence, if the chunks' lengths are multiples of the stride. A
/// valid layer carries nothing (0 × B): every chunk begins anew.
/// backward: da = dy ∘ f′; of the windows X of all outputs, as columns: dW += da·Xᵀ, db += Σ da, dX = Wᵀ·da.
template <std::floating_point S>
class Conv1D : public detail::EachParameter<Conv1D<S>> {
  public:
    using Scalar = S;
    using State = Matrix<S>;

    class Tape {
        friend Conv1D;
        detail::PassRecord pass_;
        detail::ConvWindows windows_{};
        Index carried_ = 0, steps_ = 0, batch_ = 1; ///< steps before x, those of x
        std::vector<Index> lengths_;
        Matrix<S> x_; ///< what was carried, then x, zero past a sequence's end
        Sequence<S> y_;
        Matrix<S> da_, dx_;
        Buffer<S> columns_, scratch_;
    };

    /// Throws std::invalid_argument if a size is below 1 or a window has more numbers than any memory.
    Conv1D(AnyIndex input, AnyIndex output, AnyIndex kernel, Conv1DOptions options = {})
        : Conv1D(uninitialized, input, output, kernel, options) {
        Random random(options.seed ? *options.seed : detail::next_seed());
        if (options.initialize)
            initialize(random);
    }
    /// The same with parameters of zeros: nothing is drawn, whatever options.initialize says.
    Conv1D(Uninitialized, AnyIndex input, AnyIndex output, AnyIndex kernel, Conv1DOptions options = {})
        : options_(options), input_(input), output_(output), kernel_(kernel) {
        const auto at_least_1 = [](const char* what, Index value) {
            require(value >= 1, "Conv1D", what, " is ", value, ", expected at least 1");
        };
        at_least_1("input size", input);
        at_least_1("output size", output);
        at_least_1("kernel", kernel);
        at_least_1("dilation", options.dilation);
        at_least_1("stride", options.stride);
        constexpr Index most = std::numeric_limits<Index>::max() / 16; // bytes of the widest number
        require(kernel <= most / input / options.dilation, "Conv1D", "kernel ", kernel_, ", dilation ",
                options.dilation, " and input size ", input_, " make a window of more numbers than any memory holds");
        W_ = Parameter<S>(output, kernel * input);
        b_ = Parameter<S>(output, 1);
    }

    Index input_size() const { return input_; }
    Index output_size() const { return output_; }
    /// How many taps a kernel has.
    Index kernel() const { return kernel_; }
    const Conv1DOptions& options() const { return options_; }
    /// Steps of x that the State holds.
    Index carried_steps() const { return options_.padding == Padding::causal ? windows().span() - 1 : 0; }
    std::string name() const { return "Conv1D"; }
    Index output_size(Index input) const {
        require(input == input_, "Conv1D", "x has ", input, " features, expected ", input_);
        return output_;
    }
    Index output_length(Index length) const { return windows().count(carried_steps() + length); }
    Index least_steps() const { return options_.padding == Padding::valid ? windows().span() : 0; }

    Parameter<S>& W() { return W_; }
    Parameter<S>& b() { return b_; }
    const Parameter<S>& W() const { return W_; }
    const Parameter<S>& b() const { return b_; }

    template <class F>
    void each_setting(F&& f) const {
        f("kernel", kernel_); // the shape of W is that of other kernels, too
        f("dilation", options_.dilation);
        f("stride", options_.stride);
        f("padding", options_.padding == Padding::causal ? "causal" : "valid");
        f("activation", description(options_.activation));
    }
    /// f(name, value) for what makes the layer again, besides its settings.
    template <class F>
    void each_option(F&& f) const {
        f("input_size", input_);
        f("output_size", output_);
    }

    void initialize(Random& random) {
        options_.W(W_.value, kernel_ * input_, kernel_ * output_, random);
        options_.b(b_.value, kernel_ * input_, kernel_ * output_, random);
    }

    /// Throws std::invalid_argument if x doesn't have input_size() features, or fewer than least_steps() steps, or if
    /// `initial` or a parameter doesn't have its shape.
    SequenceView<S> forward(SequenceView<S> x, Tape& tape, const State& initial = {}) const {
        constexpr const char* where = "Conv1D::forward";
        require(x.features() == input_, where, "x has ", x.features(), " features, expected ", input_);
        require(x.steps() >= least_steps(), where, "x has ", x.steps(), " steps, expected at least ", least_steps(),
                ", for padding is valid");
        require_state("Conv1D::forward: initial", initial, x.batch());
        detail::require_shape(where, "W", ".value", W_.value, output_, kernel_ * input_);
        detail::require_shape(where, "b", ".value", b_.value, output_, 1);
        const Index carried = carried_steps(), B = x.batch();
        detail::require_batch(input_, carried + x.steps(), B, {});

        tape.pass_.begin();
        tape.windows_ = windows();
        tape.carried_ = carried;
        tape.steps_ = x.steps();
        tape.batch_ = B;
        tape.lengths_.clear();
        for (Index b = 0; b < B && x.ragged(); ++b)
            tape.lengths_.push_back(output_length(x.length(b)));
        tape.y_.resize(output_, output_length(x.steps()), B, tape.lengths_);
        tape.lengths_.assign(x.lengths().begin(), x.lengths().end());
        detail::reshape(tape.x_, input_, (carried + x.steps()) * B);
        tape.x_.leftCols(carried * B).setZero();
        if (initial.size() > 0)
            for (Index p = 0; p < carried; ++p)
                tape.x_.middleCols(p * B, B) = initial.middleRows(p * input_, input_);
        tape.x_.rightCols(x.columns()) = x.values();
        detail::zero_past_end(tape.x_, carried, B, tape.lengths_);
        convolve(tape);
        tape.pass_.end(true, this, input_, output_);
        return tape.y_;
    }

    SequenceView<S> infer(SequenceView<S> x, Tape& tape, const State& initial = {}) const {
        const auto y = forward(x, tape, initial);
        tape.pass_.consume();
        return y;
    }

    /// Of each sequence the last steps of x, and before them of the initial state. Throws std::logic_error if the tape holds
    /// no pass.
    void final_state(const Tape& tape, State& out) const {
        tape.pass_.require_pass("Conv1D::final_state", output_);
        detail::reshape(out, tape.carried_ * tape.x_.rows(), tape.batch_);
        each_carried(tape, [&](Index p, Index b, Index column) {
            out.col(b).segment(p * tape.x_.rows(), tape.x_.rows()) = tape.x_.col(column);
        });
    }

    /// Throws what backward would throw, but for dy.
    void check_backward(const Tape& tape, const BackwardOptions<State>& options) const {
        constexpr const char* where = "Conv1D::backward";
        const bool same_windows = tape.windows_ == windows() && tape.carried_ == carried_steps();
        tape.pass_.require_recorded(where, same_windows ? this : nullptr, input_, output_);
        if (options.d_final)
            require_state("Conv1D::backward: d_final", *options.d_final, tape.batch_);
        detail::require_shape(where, "W", ".value", W_.value, output_, kernel_ * input_);
        detail::require_shape(where, "W", ".grad", W_.grad, output_, kernel_ * input_);
        detail::require_shape(where, "b", ".grad", b_.grad, output_, 1);
    }

    /// A dy of no steps means there is none. Throws std::invalid_argument if a shape differs from the pass', std::logic_error
    /// if the tape holds no forward pass of this layer.
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, const BackwardOptions<State>& options = {}) {
        check_backward(tape, options);
        const auto& y = tape.y_.values();
        const bool has_dy = dy.columns() > 0;
        require(!has_dy || (dy.features() == y.rows() && dy.columns() == y.cols()), "Conv1D::backward", "dy is ",
                dy.features(), " x ", dy.columns(), ", expected ", y.rows(), " x ", y.cols());
        tape.pass_.consume();

        const bool wants_dx = options.input_gradient || options.d_initial;
        if (wants_dx) {
            detail::reshape(tape.dx_, input_, tape.x_.cols());
            tape.dx_.setZero();
            if (options.d_final && options.d_final->size() > 0)
                each_carried(tape, [&](Index p, Index b, Index column) {
                    tape.dx_.col(column) = options.d_final->col(b).segment(p * input_, input_);
                });
        }
        if (has_dy)
            gradients(dy, tape, wants_dx);
        const Index carried = tape.carried_, B = tape.batch_;
        if (options.d_initial) {
            detail::reshape(*options.d_initial, carried * input_, B);
            for (Index p = 0; p < carried; ++p)
                options.d_initial->middleRows(p * input_, input_) = tape.dx_.middleCols(p * B, B);
        }
        if (!options.input_gradient)
            return {};
        return {tape.dx_.data() + carried * B * input_, input_, tape.steps_, B, tape.lengths_};
    }

  private:
    friend detail::EachParameter<Conv1D>;
    /// f(name, parameter) for every one, const if `self` is.
    template <class Self, class F>
    static void visit_parameters(Self& self, F& f) {
        f(std::string("W"), self.W_);
        f(std::string("b"), self.b_);
    }

    detail::ConvWindows windows() const { return {kernel_, options_.dilation, options_.stride}; }

    void require_state(const char* where, const Matrix<S>& state, Index batch) const {
        require(options_.padding == Padding::causal || state.size() == 0, where, "state is ", state.rows(), " x ",
                state.cols(), ", expected none: padding is valid, so every chunk begins anew");
        detail::require_state(where, "state", state, carried_steps() * input_, batch);
    }

    /// f(p, b, column of x_) for the steps p of the final state of every sequence b.
    template <class F>
    static void each_carried(const Tape& tape, F&& f) {
        for (Index b = 0; b < tape.batch_; ++b) {
            const Index length = tape.lengths_.empty() ? tape.steps_ : tape.lengths_[static_cast<std::size_t>(b)];
            for (Index p = 0; p < tape.carried_; ++p)
                f(p, b, (length + p) * tape.batch_ + b);
        }
    }

    /// f(first, n, X) for the windows of all outputs, so many at a time that they stay in L2.
    template <class F>
    void each_block(Tape& tape, F&& f) const {
        const Index depth = kernel_ * input_, outputs = tape.y_.values().cols();
        const Index most = std::clamp<Index>(kernel::l2_bytes / 2 / Index(sizeof(S)) / depth, 64, 1024);
        S* const X = tape.columns_.get(depth * std::min(most, outputs));
        for (Index first = 0; first < outputs; first += most) {
            const Index n = std::min(most, outputs - first);
            tape.windows_.gather(tape.x_.data(), input_, tape.batch_, first, n, X);
            f(first, n, X);
        }
    }

    /// y = f(W·X + b)
    void convolve(Tape& tape) const {
        auto& y = tape.y_.values();
        const Index depth = kernel_ * input_;
        y.colwise() = b_.value.col(0);
        each_block(tape, [&](Index first, Index n, const S* X) {
            kernel::array_functions<S>().multiply(y.data() + first * output_, output_, output_, n, depth,
                                                  kernel::operand(W_.value), {X, 1, depth}, true, tape.scratch_);
        });
        if (options_.activation != Activation::linear)
            kernel::array_functions<S>().activate(options_.activation, y.data(), y.data(), y.size());
        detail::zero_past_end(y, 0, tape.batch_, tape.y_.lengths());
    }

    /// da = dy ∘ f′, dW += da·Xᵀ, db += Σ da, and, if it is wanted, dX = Wᵀ·da, which is added up in dx.
    void gradients(SequenceView<S> dy, Tape& tape, bool wants_dx) {
        const auto& y = tape.y_.values();
        const Index depth = kernel_ * input_;
        detail::reshape(tape.da_, y.rows(), y.cols());
        kernel::array_functions<S>().activate_backward(options_.activation, dy.data(), y.data(), tape.da_.data(),
                                                       y.size());
        detail::zero_past_end(tape.da_, 0, tape.batch_, tape.y_.lengths());
        each_block(tape, [&](Index first, Index n, S* X) {
            const kernel::Operand<S> da{tape.da_.data() + first * output_, 1, output_};
            kernel::array_functions<S>().multiply(W_.grad.data(), output_, output_, depth, n, da,
                                                  kernel::Operand<S>{X, 1, depth}.transposed(), true, tape.scratch_);
            if (!wants_dx)
                return;
            kernel::array_functions<S>().multiply(X, depth, depth, n, output_, kernel::operand(W_.value).transposed(),
                                                  da, false, tape.scratch_);
            tape.windows_.scatter_add(X, input_, tape.batch_, first, n, tape.dx_.data());
        });
        kernel::array_functions<S>().add_columns(tape.da_.data(), output_, y.cols(), b_.grad.data());
    }

    Conv1DOptions options_;
    Index input_, output_, kernel_;
    Parameter<S> W_, b_;
};

} // namespace carousel
