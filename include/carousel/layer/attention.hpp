// Attention: each step looks at all steps of another sequence. Bahdanau, Cho & Bengio (2015), "Neural Machine Translation by Jointly
// Learning to Align and Translate"; Luong, Pham & Manning (2015), "Effective Approaches to Attention-based Neural Machine
// Translation", section 3.1 (global attention).
#pragma once

#include "carousel/layer/attention_memory.hpp"
#include "carousel/layer/attention_pass.hpp"
#include "carousel/layer/each_parameter.hpp"

#include <algorithm>
#include <string>

namespace carousel::inline CAROUSEL_ABI {

/// A layer of a decoder, behind its recurrent ones. What it looks at, the encoder's outputs m₁ … m_T, is its State, which an
/// EncoderDecoder hands over:
///
///     EncoderDecoder model{Sequential{LSTM<float>{F, 64}},
///                          Sequential{LSTM<float>{F, 64}, Attention<float>{64, 64},
///                                     Dense<float>{128, 64, {.activation = Activation::tanh}}, Dense<float>{64, F}},
///                          {.encoder_steps = 7}};
///
/// e_s = score(h, m_s), α = softmax(e) over the steps that count, c = Σ α_s·m_s, y = [c, h]; h is x at this step. The Dense layer with
/// tanh behind it is Luong's h̃ = tanh(W_c·[c, h]). As Luong's, and unlike Bahdanau's, c goes forward alone, not into the next step of
/// the recurrent layer: so a pass with a teacher knows all h at once, and step by step gives the same.
///
/// x: Q × (T·B), the queries; y: (M + Q) × (T·B); W: M × Q (general) or A × Q, U: A × M, v: A × 1 (additive); dot needs Q = M.
/// State: as hand_over_outputs makes it; an empty one, and a sequence that remembers no step, give c = 0. Past the end of a
/// sequence y and dx are zero.
/// backward, with dc and dh of dy: dα_s = dc·m_s, de = α∘(dα − Σ dα∘α), dm_s = α_s·dc + de_s·∂score/∂m_s, dx = dh + Σ de_s·∂score/∂h.
template <std::floating_point S>
class Attention : public detail::EachParameter<Attention<S>> {
  public:
    using Scalar = S;
    using State = Matrix<S>;

    class Tape {
        friend Attention;
        detail::PassRecord pass_;
        detail::AttentionNumbers<S> numbers_;
    };

    /// Throws std::invalid_argument if a size is below 1, units or stream_steps below 0, units given without an additive score, or if the sizes of a
    /// dot score differ.
    Attention(AnyIndex query_size, AnyIndex memory_size, AttentionOptions options = {})
        : options_(options), query_(query_size), memory_(memory_size) {
        constexpr const char* where = "Attention";
        require(query_ >= 1 && memory_ >= 1, where, "query size is ", query_, " and memory size ", memory_,
                ", expected at least 1");
        const bool additive = options.score == AttentionScore::additive;
        require(options.units >= 0 && (additive || options.units == 0), where, "units is ", options.units,
                additive ? ", expected at least 1, or 0 for the query's size" : ", which an additive score alone has");
        require(options.stream_steps >= 0, where, "stream_steps is ", options.stream_steps, ", expected at least 0");
        require(options.score != AttentionScore::dot || query_ == memory_, where, "query size is ", query_,
                " and memory size ", memory_, ", expected equal ones for a dot score; or take general");
        if (additive && options.units == 0)
            options_.units = query_;
        if (options.score != AttentionScore::dot)
            W_ = Parameter<S>(key_size(), query_);
        if (additive) {
            U_ = Parameter<S>(options_.units, memory_);
            v_ = Parameter<S>(options_.units, 1);
        }
        Random random(options.seed ? *options.seed : detail::next_seed());
        if (options.initialize)
            initialize(random);
    }

    Index input_size() const { return query_; }
    /// The features of what is remembered.
    Index memory_size() const { return memory_; }
    const AttentionOptions& options() const { return options_; }
    std::string name() const { return "Attention"; }
    Index output_size(Index input) const {
        require(input == query_, "Attention", "x has ", input, " features, expected ", query_);
        return memory_ + query_;
    }

    /// Empty where the score has no such parameter.
    Parameter<S>& W() { return W_; }
    Parameter<S>& U() { return U_; }
    Parameter<S>& v() { return v_; }
    const Parameter<S>& W() const { return W_; }
    const Parameter<S>& U() const { return U_; }
    const Parameter<S>& v() const { return v_; }

    template <class F>
    void each_setting(F&& f) const {
        f("score", std::string(detail::description(options_.score)));
    }
    template <class F>
    void each_option(F&& f) const {
        f("query_size", query_);
        f("memory_size", memory_);
        if (options_.score == AttentionScore::additive)
            f("units", options_.units);
        if (options_.stream_steps > 0)
            f("stream_steps", options_.stream_steps);
    }
    /// f(memory_size()): its State is what it remembers.
    template <class F>
    void each_memory(F&& f) const {
        f(memory_);
    }

    /// Throws std::invalid_argument, naming `where`, unless every parameter has the shape it was made with.
    void check_parameters(const char* where) const {
        const bool additive = options_.score == AttentionScore::additive;
        if (options_.score != AttentionScore::dot)
            detail::require_shape(where, "W", ".value", W_.value, key_size(), query_);
        if (additive) {
            detail::require_shape(where, "U", ".value", U_.value, options_.units, memory_);
            detail::require_shape(where, "v", ".value", v_.value, options_.units, 1);
        }
    }

    void initialize(Random& random) {
        if (W_.size() > 0)
            options_.W(W_.value, query_, key_size(), random);
        if (U_.size() > 0) {
            options_.U(U_.value, memory_, options_.units, random);
            options_.v(v_.value, options_.units, 1, random);
        }
    }

    /// Throws std::invalid_argument if x doesn't have input_size() features, a parameter not the shape it was made with, or if the state
    /// isn't one that hand_over_outputs makes for this batch.
    SequenceView<S> forward(SequenceView<S> x, Tape& tape, const State& initial = {}) const {
        constexpr const char* where = "Attention::forward";
        require(x.features() == query_, where, "x has ", x.features(), " features, expected ", query_);
        check_parameters(where);
        check_state(where, initial, x.batch());
        tape.pass_.begin();
        tape.numbers_.x = x;
        detail::assign(tape.numbers_.state, initial);
        pass(tape).forward();
        tape.pass_.end(true, this, query_, memory_ + query_);
        return tape.numbers_.y;
    }

    SequenceView<S> infer(SequenceView<S> x, Tape& tape, const State& initial = {}) const {
        const auto y = forward(x, tape, initial);
        tape.pass_.consume();
        return y;
    }

    /// What it remembers stays. Throws std::logic_error if the tape holds no pass.
    void final_state(const Tape& tape, State& out) const {
        tape.pass_.require_pass("Attention::final_state", memory_ + query_);
        detail::assign(out, tape.numbers_.state);
    }

    /// The weights α of the last pass with this tape, remembered steps × (T·B). Throws std::logic_error if it holds none.
    SequenceView<S> weights(const Tape& tape) const {
        tape.pass_.require_pass("Attention::weights", memory_ + query_);
        return tape.numbers_.weights;
    }

    /// Throws what backward would throw, but for dy.
    void check_backward(const Tape& tape, const BackwardOptions<State>& options) const {
        constexpr const char* where = "Attention::backward";
        tape.pass_.require_recorded(where, this, query_, memory_ + query_);
        check_parameters(where);
        this->each_parameter([&](const std::string& name, const Parameter<S>& p) {
            detail::require_shape(where, name.c_str(), ".grad", p.grad, p.value.rows(), p.value.cols());
        });
        if (options.d_final)
            detail::require_state("Attention::backward: d_final", "state", *options.d_final, tape.numbers_.state.rows(),
                                  tape.numbers_.state.cols());
    }

    /// Throws std::invalid_argument if dy hasn't y's shape or a parameter not the shape it was made with, std::logic_error if
    /// the tape holds no forward pass of this layer.
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, const BackwardOptions<State>& options = {}) {
        check_backward(tape, options);
        auto& numbers = tape.numbers_;
        const auto& y = numbers.y;
        require(dy.features() == y.features() && dy.columns() == y.values().cols(), "Attention::backward", "dy is ",
                dy.features(), " x ", dy.columns(), ", expected ", y.features(), " x ", y.values().cols());
        tape.pass_.consume();
        if (options.d_final && options.d_final->size() > 0)
            detail::assign(numbers.d_state, *options.d_final);
        else {
            detail::reshape(numbers.d_state, numbers.state.rows(), numbers.state.cols());
            std::fill_n(numbers.d_state.data(), numbers.d_state.size(), S(0));
        }
        pass(tape).backward(dy, W_.grad, U_.grad, v_.grad, options.input_gradient);
        if (options.d_initial) {
            if (numbers.d_state.size() > 0)
                numbers.d_state.row(0).setZero(); // lengths have none
            detail::assign(*options.d_initial, numbers.d_state);
        }
        if (!options.input_gradient)
            return {};
        return {numbers.dx.data(), query_, y.steps(), y.batch(), y.lengths()};
    }

  private:
    friend detail::EachParameter<Attention>;
    template <class Self, class F>
    static void visit_parameters(Self& self, F& f) {
        if (self.W_.size() > 0)
            f(std::string("W"), self.W_);
        if (self.U_.size() > 0) {
            f(std::string("U"), self.U_);
            f(std::string("v"), self.v_);
        }
    }

    /// Rows of what is multiplied with what is remembered, or with v.
    Index key_size() const { return options_.score == AttentionScore::additive ? options_.units : memory_; }

    detail::AttentionPass<S> pass(Tape& tape) const {
        return {options_.score, query_, memory_, W_.value, U_.value, v_.value, tape.numbers_};
    }

    void check_state(const char* where, const State& state, Index batch) const {
        const bool fits = state.size() == 0 || (state.cols() == batch && (state.rows() - 1) % memory_ == 0);
        require(fits, where, "initial: state is ", state.rows(), " x ", state.cols(), ", expected (1 + steps * ",
                memory_, ") x ", batch, ", as hand_over_outputs makes it");
        for (Index b = 0; state.size() > 0 && b < batch; ++b) {
            const Index steps = (state.rows() - 1) / memory_;
            require(state(0, b) > S(-0.5) && state(0, b) < static_cast<S>(steps) + S(0.5), where, "initial: sequence ",
                    b, " of the state says that ", state(0, b), " steps count, expected 0 to ", steps);
        }
    }

    AttentionOptions options_;
    Index query_, memory_;
    Parameter<S> W_, U_, v_;
};

} // namespace carousel
