// EncoderDecoder: many to many, delayed. One net reads, another writes, starting in the state that the first ended in
// (Cho et al. 2014, "Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine Translation";
// Sutskever, Vinyals & Le 2014, "Sequence to Sequence Learning with Neural Networks").
#pragma once

#include "carousel/layer/each_parameter.hpp"
#include "carousel/layer/layer.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

template <class State>
Index state_count(const State& state) {
    Index count = 0;
    each_state(state, [&](const auto&) { ++count; });
    return count;
}

/// Gives a State as many matrices as the layer's has, where that is decided at run time and may have changed.
template <class State, class L>
void resize_state(State& state, const L& layer) {
    if constexpr (fixed_state_count<State>() == Dynamic)
        if (state_count(state) != layer.states())
            state = layer.empty_state();
}

/// f(matrix of a, matrix of b) for the matrices of a and as many of the last ones of b.
template <class A, class B, class F>
void each_state_of_last(A& a, B& b, F&& f) {
    const Index skipped = state_count(b) - state_count(a);
    Index k = 0;
    each_state(a, [&](auto& one) {
        Index j = -skipped;
        each_state(b, [&](auto& other) {
            if (j++ == k)
                f(one, other);
        });
        ++k;
    });
}

/// `where: ` there must be state to hand over: at compile time where the numbers of matrices are known then.
template <class From, class To>
void require_states(const char* where, const From& from, const To& to) {
    constexpr Index all = fixed_state_count<From>(), count = fixed_state_count<To>();
    if constexpr (all != Dynamic && count != Dynamic)
        static_assert(count >= 1 && all >= count,
                      "hand_over, hand_back: `to` must have state, and `from` as many matrices of it");
    else
        require(state_count(to) >= 1 && state_count(from) >= state_count(to), where, "`to` has ", state_count(to),
                " matrices of state and `from` ", state_count(from),
                ", expected at least one in `to`, and as many in `from`");
}

} // namespace detail

/// The state of one net becomes that of another, matrix by matrix in the order of their layers; if `from` has more of
/// them, its last ones do (those of the layers on top of a Bidirectional one, say). With hand_back this is all that two
/// nets need:
///
///     encoder.forward(question, encoder_tape);
///     encoder.final_state(encoder_tape, end);
///     hand_over(end, start);
///     const auto y = decoder.forward(previous, decoder_tape, start);
///     loss(y, answer, &dy);
///     decoder.backward(dy, decoder_tape, {.d_initial = &d_start});
///     hand_back(d_start, d_end);
///     encoder.backward({}, encoder_tape, {.d_final = &d_end});
///
/// `previous` is, under teacher forcing (Williams & Zipser 1989), the answer one step late, a start token before it.
///
/// A State whose number of matrices is decided at run time, as a Model's, must have them all (its empty_state()). Throws
/// std::invalid_argument, changing nothing, if `to` has none then or `from` has fewer.
template <class From, class To>
void hand_over(const From& from, To& to) {
    detail::require_states("hand_over", from, to);
    detail::each_state_of_last(to, from, [](auto& target, const auto& source) { detail::assign(target, source); });
}

/// The gradient of what hand_over did: d_to, of the state that was handed over, becomes d_from, empty (zero) where it
/// wasn't. As hand_over.
template <class To, class From>
void hand_back(const To& d_to, From& d_from) {
    detail::require_states("hand_back", d_from, d_to);
    Index rest = detail::state_count(d_from) - detail::state_count(d_to);
    each_state(d_from, [&](auto& matrix) {
        if (rest-- > 0)
            matrix.resize(0, 0);
    });
    detail::each_state_of_last(d_to, d_from, [](const auto& source, auto& target) { detail::assign(target, source); });
}

struct EncoderDecoderOptions {
    Index encoder_steps; ///< so many steps of x are the encoder's, the rest is the decoder's
};

/// Both nets as one layer, which `fit` trains with teacher forcing:
///
///     EncoderDecoder model{Sequential{LSTM<float>{F, 64}}, Sequential{LSTM<float>{F, 64}, Dense<float>{64, F}},
///                          {.encoder_steps = 7}};
///     fit(model, data, SoftmaxCrossEntropy{}, Adam{}, {.epochs = 25});
///     generate(model.decoder(), model.read(questions), start, 4, greedy);      // without a teacher
///
/// x: F × (T·B), the question in its first encoder_steps steps, then the answer one step late. y: the decoder's output,
/// T − encoder_steps steps. Of a ragged batch the lengths are x's: a sequence that ends within the question has no
/// answer. Questions of unequal length are padded in front, or one writes hand_over's lines with lengths for both.
///
/// The encoder's last layer must be recurrent; its output isn't used. Every pass starts from zero: it has no State.
template <class Encoder, class Decoder>
class EncoderDecoder : public detail::EachParameter<EncoderDecoder<Encoder, Decoder>> {
  public:
    using Scalar = typename Encoder::Scalar;
    static_assert(Layer<Encoder, Scalar> && Layer<Decoder, Scalar>,
                  "EncoderDecoder: both must be a Layer of the same scalar type");

    using State = NoState;

    class Tape {
        friend EncoderDecoder;
        detail::PassRecord pass_;
        typename Encoder::Tape encoder_;
        typename Decoder::Tape decoder_;
        typename Encoder::State end_, d_end_;
        typename Decoder::State start_, d_start_;
        std::vector<Index> question_lengths_, answer_lengths_, lengths_;
        Matrix<Scalar> dx_;
    };
    /// Throws std::invalid_argument unless encoder_steps >= 1.
    EncoderDecoder(Encoder encoder, Decoder decoder, EncoderDecoderOptions options)
        : encoder_(std::move(encoder)), decoder_(std::move(decoder)), options_(options) {
        require(options.encoder_steps >= 1, "EncoderDecoder", "encoder_steps is ", options.encoder_steps,
                ", expected at least 1");
    }

    Encoder& encoder() { return encoder_; }
    Decoder& decoder() { return decoder_; }
    const Encoder& encoder() const { return encoder_; }
    const Decoder& decoder() const { return decoder_; }
    const EncoderDecoderOptions& options() const { return options_; }

    Index input_size() const { return encoder_.input_size(); }
    static constexpr bool takes_tokens() requires(detail::takes_tokens<Encoder>()) { return true; }
    bool takes_tokens() const requires(!detail::takes_tokens<Encoder>()) { return detail::takes_tokens(encoder_); }
    Index output_size(Index input) const {
        encoder_.output_size(input);
        return decoder_.output_size(input);
    }
    Index output_length(Index length) const {
        return detail::output_length(decoder_, std::max<Index>(0, length - options_.encoder_steps));
    }
    Index least_steps() const { return options_.encoder_steps + detail::least_steps(decoder_); }
    std::string name() const { return "EncoderDecoder"; }

    template <class F>
    void each_setting(F&& f) const {
        f("encoder_steps", options_.encoder_steps);
        detail::each_setting(encoder_, "encoder.", f);
        detail::each_setting(decoder_, "decoder.", f);
    }

    template <class F>
    void each_option(F&& f) const {
        f("encoder_steps", options_.encoder_steps);
    }
    /// f(net) for the encoder and the decoder.
    template <class F>
    void each_inner(F&& f) const {
        f(encoder_);
        f(decoder_);
    }

    /// f(random) for every generator of both nets' masks.
    template <class F>
    void each_random(Tape& tape, F&& f) const {
        detail::each_random(encoder_, tape.encoder_, f);
        detail::each_random(decoder_, tape.decoder_, f);
    }

    void initialize(Random& random) {
        encoder_.initialize(random);
        decoder_.initialize(random);
    }
    /// Draws every parameter anew: one seed, one model.
    void initialize(std::uint64_t seed) {
        Random random(seed);
        initialize(random);
    }

    /// Throws std::invalid_argument if x has fewer than encoder_steps steps or doesn't fit the nets, or the encoder's
    /// state not the decoder.
    SequenceView<Scalar> forward(SequenceView<Scalar> x, Tape& tape, NoState = {}) const {
        const auto [question, previous] = split(x, tape);
        encoder_.forward(question, tape.encoder_);
        encoder_.final_state(tape.encoder_, tape.end_);
        hand_over(tape.end_, tape.start_);
        const auto y = decoder_.forward(previous, tape.decoder_, tape.start_);
        tape.pass_.end(true, this);
        return y;
    }

    SequenceView<Scalar> infer(SequenceView<Scalar> x, Tape& tape, NoState = {}) const {
        const auto [question, previous] = split(x, tape);
        read(question, tape);
        return decoder_.infer(previous, tape.decoder_, tape.start_);
    }

    /// The state in which the decoder starts once the encoder has read this batch of questions, of any length.
    typename Decoder::State read(SequenceView<Scalar> question) const {
        Tape tape;
        detail::resize_state(tape.start_, decoder_);
        read(question, tape);
        return tape.start_;
    }

    void final_state(const Tape&, NoState&) const {}

    /// Throws what backward would throw, but for dy.
    void check_backward(const Tape& tape, const BackwardOptions<NoState>& = {}) const {
        tape.pass_.require_recorded("EncoderDecoder::backward", this);
        detail::check_backward(decoder_, tape.decoder_, BackwardOptions<typename Decoder::State>{});
        detail::check_backward(encoder_, tape.encoder_, BackwardOptions<typename Encoder::State>{});
    }

    /// dx is an empty view if one of the nets has none, as those that begin with an Embedding. Throws
    /// std::invalid_argument if dy hasn't y's shape, std::logic_error if the tape holds no forward pass of this layer.
    SequenceView<Scalar> backward(SequenceView<Scalar> dy, Tape& tape, const BackwardOptions<NoState>& options = {}) {
        check_backward(tape, options);
        const auto d_previous = decoder_.backward(
            dy, tape.decoder_, {.d_initial = &tape.d_start_, .input_gradient = options.input_gradient});
        tape.pass_.consume();
        detail::resize_state(tape.d_end_, encoder_);
        hand_back(tape.d_start_, tape.d_end_);
        const auto d_question =
            encoder_.backward({}, tape.encoder_, {.d_final = &tape.d_end_, .input_gradient = options.input_gradient});
        if (d_question.features() == 0 || d_previous.features() == 0)
            return {};
        detail::reshape(tape.dx_, d_question.features(), d_question.columns() + d_previous.columns());
        tape.dx_ << d_question.values(), d_previous.values();
        return {tape.dx_.data(), d_question.features(), d_question.steps() + d_previous.steps(), d_question.batch(),
                tape.lengths_};
    }

  private:
    friend detail::EachParameter<EncoderDecoder>;
    /// f(name, parameter) for every one, const if `self` is. Names are "encoder.…" and "decoder.…".
    template <class Self, class F>
    static void visit_parameters(Self& self, F& f) {
        self.encoder_.each_parameter([&](const std::string& name, auto& p) { f("encoder." + name, p); });
        self.decoder_.each_parameter([&](const std::string& name, auto& p) { f("decoder." + name, p); });
    }

    void read(SequenceView<Scalar> question, Tape& tape) const {
        encoder_.infer(question, tape.encoder_);
        encoder_.final_state(tape.encoder_, tape.end_);
        hand_over(tape.end_, tape.start_);
    }

    std::pair<SequenceView<Scalar>, SequenceView<Scalar>> split(SequenceView<Scalar> x, Tape& tape) const {
        const Index read = options_.encoder_steps;
        require(x.steps() >= read, "EncoderDecoder::forward", "x has ", x.steps(), " steps, expected at least ", read,
                " of a question");
        tape.pass_.begin();
        detail::resize_state(tape.start_, decoder_);
        tape.lengths_.assign(x.lengths().begin(), x.lengths().end());
        return {chunk(x, 0, read, tape.question_lengths_), chunk(x, read, x.steps() - read, tape.answer_lengths_)};
    }

    Encoder encoder_;
    Decoder decoder_;
    EncoderDecoderOptions options_;
};

} // namespace carousel
