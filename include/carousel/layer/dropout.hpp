// Dropout: Srivastava et al. (2014), "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", in the
// inverted form: in training each number is zeroed with probability `rate` and the others are divided by 1 − rate.
#pragma once

#include "carousel/layer/layer.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// What a Dropout may be told.
struct DropoutOptions {
    /// One mask a sequence, the same at its every step, instead of one a step: Gal & Ghahramani (2016), "A
    /// Theoretically Grounded Application of Dropout in Recurrent Neural Networks". With truncated BPTT a sequence has
    /// a mask for every chunk.
    bool per_sequence = false;
    std::optional<std::uint64_t> seed = std::nullopt; ///< by default every layer of a program draws other masks
};

/// y = m∘x, dx = m∘dy, with a new mask m at every recorded pass; inference is the identity.
/// A tape's first pass draws from `seed`, the following ones go on from there: a fresh tape repeats the same masks.
class Dropout {
  public:
    template <class>
    using State = NoState;

    template <class S>
    class Tape {
        friend Dropout;
        detail::PassRecord pass_;
        std::optional<Random> random_;
        Matrix<S> mask_, dx_; // mask: F × (T·B), or F × B for all steps
        Sequence<S> y_;
    };

    /// Throws std::invalid_argument unless 0 <= rate < 1.
    explicit Dropout(double rate, DropoutOptions options = {})
        : rate_(rate), options_(options), seed_(options.seed ? *options.seed : detail::next_seed()) {
        require(rate >= 0 && rate < 1, "Dropout", "rate is ", rate, ", expected 0 <= rate < 1");
    }

    /// The probability with which a number is dropped.
    double rate() const { return rate_; }
    const DropoutOptions& options() const { return options_; }
    std::string name() const { return "Dropout"; }
    Index output_size(Index input) const { return input; }
    template <class F>
    void each_parameter(F&&) const {}
    template <class F>
    void each_option(F&& f) const {
        f("rate", rate_);
        f("per_sequence", options_.per_sequence);
    }
    void initialize(Random& random) { seed_ = random(); }

    /// f(random) for the generator of this tape's masks.
    template <class S, class F>
    void each_random(Tape<S>& tape, F&& f) const {
        f(masks(tape));
    }

    template <class S>
    SequenceView<S> forward(SequenceView<S> x, Tape<S>& tape, NoState = {}) const {
        Random& random = masks(tape);
        tape.pass_.begin();
        detail::reshape(tape.mask_, x.features(), options_.per_sequence ? x.batch() : x.columns());
        const S keep = static_cast<S>(1 / (1 - rate_));
        for (Index k = 0; k < tape.mask_.size(); ++k)
            tape.mask_.data()[k] = random.uniform() < rate_ ? S(0) : keep;
        tape.y_.resize(x.features(), x.steps(), x.batch(), x.lengths());
        apply(tape.mask_, x, tape.y_.values());
        tape.pass_.end(true, this);
        return tape.y_;
    }

    template <class S>
    SequenceView<S> infer(SequenceView<S> x, Tape<S>& tape, NoState = {}) const {
        tape.pass_.end(false, this);
        return x;
    }

    template <class S>
    void final_state(const Tape<S>&, NoState&) const {}

    template <class S>
    void check_backward(const Tape<S>& tape, const BackwardOptions<NoState>&) const {
        tape.pass_.require_recorded("Dropout::backward", this);
    }

    /// Throws std::invalid_argument if dy hasn't x's shape, std::logic_error if the tape holds no forward pass
    /// of this layer.
    template <class S>
    SequenceView<S> backward(SequenceView<S> dy, Tape<S>& tape, const BackwardOptions<NoState>& options = {}) {
        check_backward(tape, options);
        const auto& y = tape.y_.values();
        require(dy.features() == y.rows() && dy.columns() == y.cols(), "Dropout::backward", "dy is ", dy.features(),
                " x ", dy.columns(), ", expected ", y.rows(), " x ", y.cols());
        tape.pass_.consume();
        if (!options.input_gradient)
            return {};
        detail::reshape(tape.dx_, y.rows(), y.cols());
        apply(tape.mask_, dy, tape.dx_);
        return {tape.dx_.data(), tape.y_.features(), tape.y_.steps(), tape.y_.batch(), tape.y_.lengths()};
    }

  private:
    template <class S>
    Random& masks(Tape<S>& tape) const {
        if (!tape.random_)
            tape.random_.emplace(seed_);
        return *tape.random_;
    }

    /// out = m∘in, the mask's columns over and over.
    template <class S>
    static void apply(const Matrix<S>& mask, const SequenceView<S>& in, Matrix<S>& out) {
        for (Index first = 0; first < in.columns(); first += mask.cols())
            out.middleCols(first, mask.cols()) = in.values().middleCols(first, mask.cols()).cwiseProduct(mask);
    }

    double rate_;
    DropoutOptions options_;
    std::uint64_t seed_;
};

} // namespace carousel
