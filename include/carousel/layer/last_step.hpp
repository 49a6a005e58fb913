// LastStep: many to one. Of each sequence its last real step; a sequence of length 0 gives zeros.
#pragma once

#include "carousel/layer/layer.hpp"

namespace carousel {

/// x: F × (T·B), y: F × (1·B). backward: dx is dy at each sequence's last real step and zero elsewhere.
class LastStep {
  public:
    template <class>
    using State = NoState;

    template <class S>
    class Tape {
        friend LastStep;
        bool recorded_ = false;
        Index steps_ = 0;
        std::vector<Index> lengths_;
        Sequence<S> y_;
        Matrix<S> dx_;
    };

    static constexpr bool keeps_steps = false; ///< the output has one step, whatever x has
    std::string name() const { return "LastStep"; }
    Index output_size(Index input) const { return input; }
    template <class F>
    void each_parameter(F&&) {}
    void initialize(Random&) {}

    /// Throws std::invalid_argument if x has no steps.
    template <class S>
    SequenceView<S> forward(SequenceView<S> x, Tape<S>& tape, NoState = {}) const {
        require(x.steps() >= 1, "LastStep::forward", "x has 0 steps, expected at least 1");
        tape.recorded_ = true;
        tape.steps_ = x.steps();
        tape.lengths_.assign(x.lengths().begin(), x.lengths().end());
        tape.y_.resize(x.features(), 1, x.batch());
        for (Index b = 0; b < x.batch(); ++b)
            if (x.length(b) > 0)
                tape.y_.values().col(b) = x.values().col((x.length(b) - 1) * x.batch() + b);
            else
                tape.y_.values().col(b).setZero();
        return tape.y_;
    }

    template <class S>
    SequenceView<S> infer(SequenceView<S> x, Tape<S>& tape, NoState = {}) const {
        const auto y = forward(x, tape);
        tape.recorded_ = false;
        return y;
    }

    template <class S>
    void final_state(const Tape<S>&, NoState&) const {}

    /// Throws std::invalid_argument if dy hasn't y's shape, std::logic_error if the tape holds no forward pass.
    template <class S>
    SequenceView<S> backward(SequenceView<S> dy, Tape<S>& tape, const Through<NoState>& through = {}) {
        detail::require_recorded(tape.recorded_, "LastStep::backward");
        const Index F = tape.y_.features(), B = tape.y_.batch();
        require(dy.features() == F && dy.columns() == B, "LastStep::backward", "dy is ", dy.features(), " x ",
                dy.columns(), ", expected ", F, " x ", B);
        tape.recorded_ = false;
        if (!through.input_gradient)
            return {};
        tape.dx_.setZero(F, tape.steps_ * B);
        const SequenceView<S> dx(tape.dx_.data(), F, tape.steps_, B, tape.lengths_);
        for (Index b = 0; b < B; ++b)
            if (dx.length(b) > 0)
                tape.dx_.col((dx.length(b) - 1) * B + b) = dy.values().col(b);
        return dx;
    }
};

} // namespace carousel
