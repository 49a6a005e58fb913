// Residual: a skip around a layer. He et al. (2015), "Deep Residual Learning for Image Recognition".
#pragma once

#include "carousel/layer/attention_memory.hpp"
#include "carousel/layer/layer.hpp"

#include <algorithm>

namespace carousel::inline CAROUSEL_ABI {

/// y = f(x) + x at every step, where f is a layer or a whole model. f may give fewer features than it is given: the first
/// of x are added then, as many as f gives. So a guitar amplifier's net with two inputs, the signal and a knob, adds
/// the signal alone:
///
///     Residual{Sequential{LSTM<float>{2, 40}, Dense<float>{40, 1}}}
///
/// x: I × (T·B), f(x) and y: O × (T·B) with O <= I. backward: dx is f's, and its first O rows += dy. Padding is added, too.
///
/// State, settings, and the names of parameters ("W", "0.LSTM.W") are those of f, with nothing before them. f must give a
/// step for every step it is given and can't take tokens.
template <class L>
class Residual {
  public:
    static_assert(
        requires { typename L::Scalar; }, "Residual: the layer has no scalar type; put it in a Sequential or a Model");
    using Scalar = typename L::Scalar;
    static_assert(Layer<L, Scalar>, "Residual: what it wraps must be a Layer");
    static_assert(!detail::takes_tokens<L>(), "Residual: tokens can't be added to the output of a layer");

    using State = typename L::State;

    class Tape {
        friend Residual;
        detail::PassRecord pass_;
        typename L::Tape layer_;
        Sequence<Scalar> y_;
        Matrix<Scalar> dx_;
        Index input_ = 0;
    };

    /// Throws std::invalid_argument if the layer gives more features than it is given, or not a step for every step (as
    /// LastStep does).
    explicit Residual(L layer) : layer_(std::move(layer)) {
        constexpr Index probe = 2; // steps: a layer that shortens sequences shortens these
        const Index steps = detail::output_length(layer_, probe);
        require(steps == probe, "Residual", "the ", layer_.name(), " layer gives ", steps, " steps for ", probe,
                ", expected one for each; it can't be added to its input");
        if (input_size() > 0)
            output_size(input_size());
    }

    /// f. A layer that is assigned to it must fit as the first did; forward checks it.
    L& layer() { return layer_; }
    const L& layer() const { return layer_; }

    std::string name() const { return "Residual"; }
    /// 0 if the layer takes any number of features.
    Index input_size() const { return detail::input_size(layer_); }
    Index output_size(Index input) const {
        require(!detail::takes_tokens(layer_), "Residual", "the ", layer_.name(),
                " layer takes tokens, which can't be added to its output");
        const Index output = layer_.output_size(input);
        require(output <= input, "Residual", "the ", layer_.name(), " layer gives ", output, " features for ", input,
                ", expected no more than it is given, for its input is added to its output");
        return output;
    }
    Index least_steps() const { return detail::least_steps(layer_); }

    template <class F>
    void each_parameter(F&& f) {
        layer_.each_parameter(f);
    }
    template <class F>
    void each_parameter(F&& f) const {
        layer_.each_parameter(f);
    }
    template <class F>
    void each_setting(F&& f) const {
        detail::each_setting(layer_, "", f);
    }
    /// f(layer()): it alone makes a Residual again.
    template <class F>
    void each_inner(F&& f) const {
        f(layer_);
    }
    /// f(whether it is what an Attention remembers) for each matrix of the State in turn.
    template <class F>
    void each_memory(F&& f) const {
        detail::each_memory<Scalar>(layer_, f);
    }
    /// How many matrices a State of f has, and one of empty matrices, if that is decided at run time.
    Index states() const requires requires(const L& l) { l.states(); }
    { return layer_.states(); }
    State empty_state() const requires requires(const L& l) { l.empty_state(); }
    { return layer_.empty_state(); }
    template <class F>
    void each_random(Tape& tape, F&& f) const {
        detail::each_random(layer_, tape.layer_, f);
    }
    void initialize(Random& random) { layer_.initialize(random); }

    /// Throws what the layer throws, and std::invalid_argument if its output can't be added to x.
    SequenceView<Scalar> forward(SequenceView<Scalar> x, Tape& tape, const State& initial = {}) const {
        output_size(x.features());
        tape.pass_.begin();
        add(layer_.forward(x, tape.layer_, initial), x, tape);
        tape.pass_.end(true, this);
        return tape.y_;
    }

    SequenceView<Scalar> infer(SequenceView<Scalar> x, Tape& tape, const State& initial = {}) const {
        output_size(x.features());
        tape.pass_.begin();
        add(layer_.infer(x, tape.layer_, initial), x, tape);
        tape.pass_.end(false, this);
        return tape.y_;
    }

    /// Throws std::logic_error if the tape holds no pass.
    void final_state(const Tape& tape, State& out) const {
        tape.pass_.require_pass("Residual::final_state");
        layer_.final_state(tape.layer_, out);
    }

    /// Throws what backward would throw of the parameters, the tape and the states.
    void check_backward(const Tape& tape, const BackwardOptions<State>& options) const {
        tape.pass_.require_recorded("Residual::backward", this);
        detail::check_backward(layer_, tape.layer_, options);
    }

    /// A dy of no steps means there is none, if the layer takes it so. Throws std::invalid_argument if dy hasn't y's
    /// shape, std::logic_error if the tape holds no forward pass of this layer, and what the layer throws.
    SequenceView<Scalar> backward(SequenceView<Scalar> dy, Tape& tape, const BackwardOptions<State>& options = {}) {
        tape.pass_.require_recorded("Residual::backward", this);
        const auto& y = tape.y_;
        const bool has_dy = dy.columns() > 0;
        require(!has_dy || (dy.features() == y.features() && dy.columns() == y.values().cols()), "Residual::backward",
                "dy is ", dy.features(), " x ", dy.columns(), ", expected ", y.features(), " x ", y.values().cols());
        const auto through_layer = layer_.backward(dy, tape.layer_, options);
        tape.pass_.consume();
        if (!options.input_gradient)
            return {};
        require(through_layer.features() == tape.input_ && through_layer.columns() == y.values().cols(),
                "Residual::backward", "the ", layer_.name(), " layer gives no gradient of x, which can't be tokens");
        detail::assign(tape.dx_, through_layer.values());
        if (has_dy)
            tape.dx_.topRows(dy.features()) += dy.values();
        return {tape.dx_.data(), tape.input_, y.steps(), y.batch(), y.lengths()};
    }

  private:
    void add(SequenceView<Scalar> f, SequenceView<Scalar> x, Tape& tape) const {
        require(f.steps() == x.steps() &&
                    std::equal(f.lengths().begin(), f.lengths().end(), x.lengths().begin(), x.lengths().end()),
                "Residual::forward", "the ", layer_.name(), " layer gives ", f.steps(), " steps for ", x.steps(),
                ", or sequences of other lengths; it can't be added to its input");
        tape.input_ = x.features();
        tape.y_.resize(f.features(), f.steps(), f.batch(), f.lengths());
        tape.y_.values() = f.values() + x.values().topRows(f.features());
    }

    L layer_;
};

} // namespace carousel
