// Dropout: Srivastava et al. (2014), "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", in the
// inverted form: in training each number is zeroed with probability `rate` and the others are divided by 1 − rate.
#pragma once

#include "carousel/layer/layer.hpp"

namespace carousel {

/// y = m∘x, dx = m∘dy, with a new mask m at every recorded pass; inference is the identity.
/// A tape's first pass draws from `seed`, the following ones go on from there: a fresh tape repeats the same masks.
class Dropout {
  public:
    template <class>
    using State = NoState;

    template <class S>
    class Tape {
        friend Dropout;
        bool recorded_ = false;
        std::optional<Random> random_;
        Matrix<S> mask_, dx_;
        Sequence<S> y_;
    };

    /// Throws std::invalid_argument unless 0 <= rate < 1.
    explicit Dropout(double rate, std::optional<std::uint64_t> seed = std::nullopt)
        : rate_(rate), seed_(seed ? *seed : detail::next_seed()) {
        require(rate >= 0 && rate < 1, "Dropout", "rate is ", rate, ", expected 0 <= rate < 1");
    }

    double rate() const { return rate_; }
    std::string name() const { return "Dropout"; }
    Index output_size(Index input) const { return input; }
    template <class F>
    void each_parameter(F&&) {}
    void initialize(Random& random) { seed_ = random(); }

    template <class S>
    SequenceView<S> forward(SequenceView<S> x, Tape<S>& tape, NoState = {}) const {
        if (!tape.random_)
            tape.random_.emplace(seed_);
        tape.recorded_ = true;
        tape.mask_.resize(x.features(), x.columns());
        const S keep = static_cast<S>(1 / (1 - rate_));
        for (Index k = 0; k < tape.mask_.size(); ++k)
            tape.mask_.data()[k] = tape.random_->uniform() < rate_ ? S(0) : keep;
        tape.y_.resize(x.features(), x.steps(), x.batch(), x.lengths());
        tape.y_.values() = x.values().cwiseProduct(tape.mask_);
        return tape.y_;
    }

    template <class S>
    SequenceView<S> infer(SequenceView<S> x, Tape<S>& tape, NoState = {}) const {
        tape.recorded_ = false;
        return x;
    }

    template <class S>
    void final_state(const Tape<S>&, NoState&) const {}

    /// Throws std::invalid_argument if dy hasn't x's shape, std::logic_error if the tape holds no forward pass.
    template <class S>
    SequenceView<S> backward(SequenceView<S> dy, Tape<S>& tape, const Through<NoState>& through = {}) {
        detail::require_recorded(tape.recorded_, "Dropout::backward");
        require(dy.features() == tape.mask_.rows() && dy.columns() == tape.mask_.cols(), "Dropout::backward", "dy is ",
                dy.features(), " x ", dy.columns(), ", expected ", tape.mask_.rows(), " x ", tape.mask_.cols());
        tape.recorded_ = false;
        if (!through.input_gradient)
            return {};
        tape.dx_ = dy.values().cwiseProduct(tape.mask_);
        return {tape.dx_.data(), dy.features(), dy.steps(), dy.batch(), dy.lengths()};
    }

  private:
    double rate_;
    std::uint64_t seed_;
};

} // namespace carousel
