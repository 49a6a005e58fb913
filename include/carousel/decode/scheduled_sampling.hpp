// ScheduledSampling: a net that hears some of its own outputs while it learns, and, if wanted, all of them where it is
// judged.
#pragma once

#include "carousel/decode/forecast.hpp"
#include "carousel/decode/put_token.hpp"
#include "carousel/decode/sample.hpp"
#include "carousel/layer/attention_memory.hpp"
#include "carousel/layer/hand_over.hpp"
#include "carousel/layer/layer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What of a net's output is its next input.
enum class FedBack {
    values,        ///< numbers, as in forecast(): rows of y in the place of rows of x
    greedy_tokens, ///< the token of the largest logit, as in generate()
    sampled_tokens ///< a token drawn with the probabilities softmax(logits); in inference that of the largest logit
};

/// When a net hears itself.
struct ScheduledSamplingOptions {
    /// The probability that an input of a recorded pass is the net's own output; 0 is teacher forcing.
    double ratio = 0;
    FedBack fed = FedBack::values;
    /// So many steps at the beginning of a sequence always hear the truth: a forecast's window, or the start token.
    Index given = 1;
    /// In inference every step after these hears the net: fit's validation and evaluate() measure what it says alone.
    /// Otherwise inference is that of the net.
    bool free_running = false;
    ForecastOptions rows = {};              ///< which rows of y are fed to which of x; of values only
    std::optional<std::uint64_t> seed = {}; ///< of the choices; by default every layer of a program makes others
};

/// A net whose inputs, while it is trained, are in part what it said the step before, chosen input by input: Bengio et
/// al. (2015), "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks". So it learns from states
/// that it meets when no one tells it the truth. It stands in the place of the net: as the decoder of an
/// EncoderDecoder, or as a whole model whose x at a step is what its y of the step before was to be.
///
///     EncoderDecoder model{encoder, ScheduledSampling{decoder, {.ratio = 0.25, .fed = FedBack::greedy_tokens}},
///                          {.encoder_steps = 20}};
///
/// A recorded pass goes through the sequence step by step, in inference, and writes down what is heard: for every
/// sequence and every step after `given` the true input, or, with probability `ratio`, the net's output of the step
/// before, which came of what it heard. The net's own recorded pass is over this input. As in the paper no gradient
/// flows through an output into the input that was made of it, and dx is zero there; what is random inside the net
/// (Dropout) is left out of the first walk. With ratio 0 there is no such walk, and every number is the net's. A pass
/// that begins in a state of its own, as a chunk of truncated BPTT, is given its first steps, too.
///
/// sampling_schedule() changes the ratio from batch to batch. Names of parameters, settings, State and description are
/// the net's, so that a file of this is one of the net; a Stream runs net(). Numbers that are fed may be NaN; of logits
/// that are, the true token is heard.
template <class Net>
class ScheduledSampling {
  public:
    static_assert(
        requires { typename Net::Scalar; },
        "ScheduledSampling: the net has no scalar type; put it in a Sequential or a Model");
    using Scalar = typename Net::Scalar;
    static_assert(Layer<Net, Scalar>, "ScheduledSampling: the net must be a Layer");

    using State = typename Net::State;

    class Tape {
        friend ScheduledSampling;
        detail::PassRecord pass_;
        typename Net::Tape net_, given_, walk_; ///< of the pass, of the given steps before it, of one step after them
        State state_;                           ///< of the walk
        std::optional<Random> random_;          ///< what draws the choices
        std::vector<char> chosen_;              ///< of each column of x: whether the net is heard there; empty: nowhere
        std::vector<Index> chunk_lengths_;      ///< of the steps that the walk reads at a time
        Sequence<Scalar> heard_;
        Matrix<Scalar> dx_;
    };

    /// Throws std::invalid_argument unless 0 <= ratio <= 1 and given >= 1, if rows don't fit the net, or if the net
    /// takes any number of features, gives not a step for each, or can't go on step by step, as one that reads in
    /// reverse.
    explicit ScheduledSampling(Net net, ScheduledSamplingOptions options = {})
        : net_(std::move(net)), options_(std::move(options)),
          seed_(options_.seed ? *options_.seed : detail::next_seed()) {
        set_ratio(options_.ratio);
        require(options_.given >= 1, where, "given is ", options_.given,
                ", expected at least 1: the first step has no output before it");
        inputs_ = detail::input_size(net_);
        require(inputs_ >= 1, where, "the ", net_.name(),
                " layer takes any number of features; begin with one that has an input size");
        outputs_ = net_.output_size(inputs_);
        detail::require_stepwise(where, net_);
        require(detail::output_length(net_, 2) == 2, where, "the net gives ", detail::output_length(net_, 2),
                " steps for 2, expected one for each; leave out its LastStep and give a target for each step");
        if (options_.fed == FedBack::values) {
            const detail::ForecastRows rows(options_.rows, inputs_, outputs_, where);
            options_.rows.targets = rows.targets;
            options_.rows.outputs = rows.outputs;
        } else {
            require(options_.rows.targets.empty() && options_.rows.outputs.empty(), where,
                    "rows are given, expected none where tokens are fed");
            require(inputs_ == 1 || outputs_ <= inputs_, where, "the net has ", outputs_, " logits and ", inputs_,
                    " inputs, expected no more logits than inputs, or 1 input, which a token's number is");
        }
    }

    /// The net; one that is assigned to it must have the same sizes.
    Net& net() { return net_; }
    const Net& net() const { return net_; }
    const ScheduledSamplingOptions& options() const { return options_; }

    /// ScheduledSamplingOptions::ratio, as it is now.
    double ratio() const { return options_.ratio; }
    /// Throws std::invalid_argument unless 0 <= ratio <= 1.
    void set_ratio(double ratio) {
        require(ratio >= 0 && ratio <= 1, where, "ratio is ", ratio, ", expected 0 <= ratio <= 1");
        options_.ratio = ratio;
    }
    /// Whether inference hears itself: ScheduledSamplingOptions::free_running.
    void set_free_running(bool free_running) { options_.free_running = free_running; }

    std::string name() const { return "ScheduledSampling"; }
    Index input_size() const { return inputs_; }
    static constexpr bool takes_tokens() requires(detail::takes_tokens<Net>()) { return true; }
    bool takes_tokens() const requires(!detail::takes_tokens<Net>()) { return detail::takes_tokens(net_); }
    Index output_size(Index input) const { return net_.output_size(input); }
    Index least_steps() const { return detail::least_steps(net_); }

    template <class F>
    void each_parameter(F&& f) {
        net_.each_parameter(f);
    }
    template <class F>
    void each_parameter(F&& f) const {
        net_.each_parameter(f);
    }
    template <class F>
    void each_setting(F&& f) const {
        detail::each_setting(net_, "", f);
    }
    /// In whose place this stands: describe() is of the net.
    const Net& described() const { return net_; }
    template <class F>
    void each_memory(F&& f) const {
        detail::each_memory<Scalar>(net_, f);
    }
    /// How many matrices a State of the net has, and one of empty matrices, if that is decided at run time.
    Index states() const requires requires(const Net& net) { net.states(); }
    { return net_.states(); }
    State empty_state() const requires requires(const Net& net) { net.empty_state(); }
    { return net_.empty_state(); }
    /// f(random) for the generator of the choices, and for those of the net.
    template <class F>
    void each_random(Tape& tape, F&& f) const {
        f(choices(tape));
        detail::each_random(net_, tape.net_, f);
    }
    /// The net's parameters are those that it would draw itself.
    void initialize(Random& random) {
        net_.initialize(random);
        seed_ = random();
    }

    /// Throws what the net throws.
    SequenceView<Scalar> forward(SequenceView<Scalar> x, Tape& tape, const State& initial = {}) const {
        tape.pass_.begin();
        Random& random = choices(tape);
        tape.chosen_.clear();
        if (ratio() > 0)
            choose(x, tape, [&] { return random.uniform() < ratio(); });
        const auto y = net_.forward(heard(x, tape, initial, &random), tape.net_, initial);
        tape.pass_.end(true, this);
        return y;
    }
    SequenceView<Scalar> infer(SequenceView<Scalar> x, Tape& tape, const State& initial = {}) const {
        tape.pass_.begin();
        tape.chosen_.clear();
        if (options_.free_running)
            choose(x, tape, [] { return true; });
        const auto y = net_.infer(heard(x, tape, initial, nullptr), tape.net_, initial);
        tape.pass_.end(false, this);
        return y;
    }
    /// Throws std::logic_error if the tape holds no pass.
    void final_state(const Tape& tape, State& out) const {
        tape.pass_.require_pass("ScheduledSampling::final_state");
        net_.final_state(tape.net_, out);
    }

    /// x as the last pass with this tape heard it, for a look; empty if all of it was the truth.
    SequenceView<Scalar> heard(const Tape& tape) const {
        return tape.chosen_.empty() ? SequenceView<Scalar>() : tape.heard_.view();
    }

    /// Throws what backward would throw, but for dy.
    void check_backward(const Tape& tape, const BackwardOptions<State>& options) const {
        tape.pass_.require_recorded("ScheduledSampling::backward", this);
        detail::check_backward(net_, tape.net_, options);
    }
    /// Throws what the net throws, and std::logic_error if the tape holds no forward pass of this layer.
    SequenceView<Scalar> backward(SequenceView<Scalar> dy, Tape& tape, const BackwardOptions<State>& options = {}) {
        tape.pass_.require_recorded("ScheduledSampling::backward", this);
        const auto dx = net_.backward(dy, tape.net_, options);
        tape.pass_.consume();
        if (tape.chosen_.empty() || dx.features() == 0)
            return dx;
        detail::assign(tape.dx_, dx.values());
        for (Index column = 0; column < dx.columns(); ++column) {
            if (!tape.chosen_[static_cast<std::size_t>(column)])
                continue;
            if (options_.fed != FedBack::values)
                tape.dx_.col(column).setZero();
            for (const Index row : options_.rows.targets)
                tape.dx_(row, column) = 0;
        }
        return {tape.dx_.data(), dx.features(), dx.steps(), dx.batch(), dx.lengths()};
    }

  private:
    static constexpr const char* where = "ScheduledSampling";

    Random& choices(Tape& tape) const {
        if (!tape.random_)
            tape.random_.emplace(seed_);
        return *tape.random_;
    }

    /// chosen() says for each real step after the given ones, in the order of the columns, whether it hears the net.
    template <class F>
    void choose(const SequenceView<Scalar>& x, Tape& tape, F&& chosen) const {
        require(x.features() == inputs_, where, "x has ", x.features(), " features, expected ", inputs_);
        require(net_.output_size(inputs_) == outputs_, where, "the net has ", net_.output_size(inputs_),
                " outputs, expected ", outputs_, " as when this was made");
        tape.chosen_.assign(static_cast<std::size_t>(x.columns()), 0);
        for (Index t = options_.given; t < x.steps(); ++t)
            for (Index b = 0; b < x.batch(); ++b)
                if (t < x.length(b) && chosen())
                    tape.chosen_[static_cast<std::size_t>(t * x.batch() + b)] = 1;
        if (std::find(tape.chosen_.begin(), tape.chosen_.end(), 1) == tape.chosen_.end())
            tape.chosen_.clear();
    }

    /// x, or, if something was chosen, x with what the net says there. The given steps are read at once, the others one
    /// by one.
    SequenceView<Scalar> heard(const SequenceView<Scalar>& x, Tape& tape, const State& initial, Random* random) const {
        if (tape.chosen_.empty())
            return x;
        const auto last = std::find(tape.chosen_.rbegin(), tape.chosen_.rend(), 1);
        const Index B = x.batch(), end = (static_cast<Index>(tape.chosen_.rend() - last) + B - 1) / B;
        tape.heard_.resize(x.features(), x.steps(), B, x.lengths());
        tape.heard_.values() = x.values();
        const SequenceView<Scalar> heard = tape.heard_;
        for (Index t = options_.given, read = 0; t < end; read = t++) {
            typename Net::Tape& walk =
                read == 0 ? tape.given_ : tape.walk_; // each of one shape, so that it keeps its memory
            const auto y =
                net_.infer(chunk(heard, read, t - read, tape.chunk_lengths_), walk, read == 0 ? initial : tape.state_);
            const Scalar* const said = y.data() + (t - read - 1) * B * outputs_;
            for (Index b = 0; b < B; ++b)
                if (tape.chosen_[static_cast<std::size_t>(t * B + b)])
                    feed(said + b * outputs_, tape.heard_.data() + (t * B + b) * inputs_, random);
            detail::resize_state(tape.state_, net_);
            net_.final_state(walk, tape.state_);
        }
        return heard;
    }

    /// What was said becomes what is heard.
    void feed(const Scalar* y, Scalar* x, Random* random) const {
        if (options_.fed == FedBack::values) {
            for (std::size_t k = 0; k < options_.rows.targets.size(); ++k)
                x[options_.rows.targets[k]] = y[options_.rows.outputs[k]];
            return;
        }
        const std::span<const Scalar> logits(y, static_cast<std::size_t>(outputs_));
        const auto is_logit = [](Scalar logit) { return logit < std::numeric_limits<Scalar>::infinity(); };
        const auto is_finite = [](Scalar logit) { return std::isfinite(logit); };
        if (!std::all_of(logits.begin(), logits.end(), is_logit) ||
            std::none_of(logits.begin(), logits.end(), is_finite))
            return; // the loss of this step tells it
        const Index token =
            options_.fed == FedBack::sampled_tokens && random ? sample(logits, 1, *random) : greedy(logits);
        detail::put_token(std::span(x, static_cast<std::size_t>(inputs_)), token, where);
    }

    Net net_;
    ScheduledSamplingOptions options_;
    std::uint64_t seed_;
    Index inputs_ = 0, outputs_ = 0;
};

} // namespace carousel
