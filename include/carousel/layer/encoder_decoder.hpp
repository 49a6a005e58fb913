// EncoderDecoder: many to many, delayed. One net reads, another writes, starting in the state that the first ended in
// (Cho et al. 2014, "Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine Translation";
// Sutskever, Vinyals & Le 2014, "Sequence to Sequence Learning with Neural Networks").
#pragma once

#include "carousel/layer/attention_memory.hpp"
#include "carousel/layer/each_parameter.hpp"
#include "carousel/layer/hand_over.hpp"
#include "carousel/layer/layer.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Where the question ends.
struct EncoderDecoderOptions {
    Index encoder_steps; ///< so many steps of x are the encoder's, the rest is the decoder's
    /// Steps at the end of a question whose features are all this number are padding: the encoder doesn't read them, an Attention
    /// doesn't see them. Without it, and in front of a question, padding is read as any other step.
    std::optional<double> padding = std::nullopt;
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
/// answer. Questions of unequal length are padded at their end, with options.padding, or in front.
///
/// The encoder must end in a recurrent layer as the decoder begins with one. Its output is what an Attention in the decoder remembers;
/// without one it isn't used. Every pass starts from zero: it has no State.
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
        SequenceView<Scalar> outputs_;
        Sequence<Scalar> d_outputs_;
        std::vector<char> memories_; ///< of the decoder's states: whether an Attention's
        std::vector<Index> question_lengths_, unpadded_lengths_, answer_lengths_, lengths_;
        Matrix<Scalar> dx_;
    };
    /// Throws std::invalid_argument unless encoder_steps >= 1 and padding is finite.
    EncoderDecoder(Encoder encoder, Decoder decoder, EncoderDecoderOptions options)
        : encoder_(std::move(encoder)), decoder_(std::move(decoder)), options_(options) {
        require(options.encoder_steps >= 1, "EncoderDecoder", "encoder_steps is ", options.encoder_steps,
                ", expected at least 1");
        require(!options.padding || std::isfinite(*options.padding), "EncoderDecoder", "padding is ",
                options.padding.value_or(0), ", expected a finite number");
    }

    /// The two nets.
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
        if (options_.padding)
            f("padding", *options_.padding);
        detail::each_setting(encoder_, "encoder.", f);
        detail::each_setting(decoder_, "decoder.", f);
    }

    template <class F>
    void each_option(F&& f) const {
        f("encoder_steps", options_.encoder_steps);
        if (options_.padding)
            f("padding", *options_.padding);
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
        start_decoder(encoder_.forward(question, tape.encoder_), tape);
        const auto y = decoder_.forward(previous, tape.decoder_, tape.start_);
        tape.pass_.end(true, this);
        return y;
    }

    SequenceView<Scalar> infer(SequenceView<Scalar> x, Tape& tape, NoState = {}) const {
        const auto [question, previous] = split(x, tape);
        start_decoder(encoder_.infer(question, tape.encoder_), tape);
        return decoder_.infer(previous, tape.decoder_, tape.start_);
    }

    /// The state in which the decoder starts once the encoder has read this batch of questions, of any length.
    typename Decoder::State read(SequenceView<Scalar> question) const {
        Tape tape;
        detail::resize_state(tape.start_, decoder_);
        start_decoder(encoder_.infer(without_padding(question, tape), tape.encoder_), tape);
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
        const auto d_outputs = end_encoder(tape);
        const auto d_question = encoder_.backward(d_outputs, tape.encoder_,
                                                  {.d_final = &tape.d_end_, .input_gradient = options.input_gradient});
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

    /// The decoder's states from the encoder's and its outputs.
    void start_decoder(SequenceView<Scalar> outputs, Tape& tape) const {
        encoder_.final_state(tape.encoder_, tape.end_);
        tape.outputs_ = outputs;
        tape.memories_.clear();
        detail::each_memory<Scalar>(decoder_, [&](Index size) {
            require(size == 0 || size == outputs.features(), "EncoderDecoder",
                    "an Attention of the decoder has memory size ", size, " and the encoder ", outputs.features(),
                    " outputs, expected as many");
            tape.memories_.push_back(size > 0);
        });
        detail::hand_over_beside(tape.memories_, tape.end_, tape.start_);
        std::size_t k = 0;
        each_state(tape.start_, [&](Matrix<Scalar>& state) {
            if (tape.memories_[k++])
                hand_over_outputs(outputs, state);
        });
    }
    /// The gradients of the encoder's states from those of the decoder's. Returns that of its outputs.
    SequenceView<Scalar> end_encoder(Tape& tape) const {
        detail::hand_back_beside(tape.memories_, tape.d_start_, tape.d_end_);
        if (std::find(tape.memories_.begin(), tape.memories_.end(), true) == tape.memories_.end())
            return {};
        const auto& outputs = tape.outputs_;
        tape.d_outputs_.resize(outputs.features(), outputs.steps(), outputs.batch(), outputs.lengths());
        std::fill_n(tape.d_outputs_.data(), tape.d_outputs_.values().size(), Scalar(0));
        std::size_t k = 0;
        each_state(tape.d_start_, [&](const Matrix<Scalar>& d_state) {
            if (tape.memories_[k++])
                hand_back_outputs(d_state, outputs, tape.d_outputs_);
        });
        return tape.d_outputs_;
    }

    /// The question with the lengths that its padding leaves.
    SequenceView<Scalar> without_padding(SequenceView<Scalar> question, Tape& tape) const {
        if (!options_.padding)
            return question;
        const auto padding = static_cast<Scalar>(*options_.padding);
        std::vector<Index>& lengths = tape.unpadded_lengths_;
        lengths.clear();
        for (Index b = 0; b < question.batch(); ++b) {
            const auto is_padding = [&](Index t) {
                const Scalar* const x = question.data() + (t * question.batch() + b) * question.features();
                return std::all_of(x, x + question.features(), [&](Scalar number) { return number == padding; });
            };
            Index length = question.length(b);
            while (length > 0 && is_padding(length - 1))
                --length;
            lengths.push_back(length);
        }
        return {question.data(), question.features(), question.steps(), question.batch(), lengths};
    }

    std::pair<SequenceView<Scalar>, SequenceView<Scalar>> split(SequenceView<Scalar> x, Tape& tape) const {
        const Index read = options_.encoder_steps;
        require(x.steps() >= read, "EncoderDecoder::forward", "x has ", x.steps(), " steps, expected at least ", read,
                " of a question");
        tape.pass_.begin();
        detail::resize_state(tape.start_, decoder_);
        tape.lengths_.assign(x.lengths().begin(), x.lengths().end());
        const auto question = chunk(x, 0, read, tape.question_lengths_);
        return {without_padding(question, tape), chunk(x, read, x.steps() - read, tape.answer_lengths_)};
    }

    Encoder encoder_;
    Decoder decoder_;
    EncoderDecoderOptions options_;
};

} // namespace carousel
