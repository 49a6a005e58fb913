// LastStep, BothEnds and FirstStep: many to one. Of each sequence one column; a sequence of length 0 gives zeros.
#pragma once

#include "carousel/layer/layer.hpp"

#include <algorithm>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Which steps of a sequence SequenceEnds takes.
enum class Ends { last, both, first };

/// What LastStep, BothEnds and FirstStep are. x: F × (T·B), y: F × (1·B). backward: dx is dy where y was taken from and
/// zero elsewhere.
template <Ends ends>
class SequenceEnds {
    static constexpr bool both = ends == Ends::both;

  public:
    template <class>
    using State = NoState;

    template <class S>
    class Tape {
        friend SequenceEnds;
        detail::PassRecord pass_;
        Index steps_ = 0;
        std::vector<Index> lengths_;
        Sequence<S> y_;
        Matrix<S> dx_;
    };

    Index output_length(Index) const { return 1; } ///< of an empty sequence, too: zeros
    Index least_steps() const { return 1; }
    std::string name() const { return class_name; }
    /// As many; BothEnds throws std::invalid_argument unless that is an even number.
    Index output_size(Index input) const {
        require(!both || input % 2 == 0, "BothEnds", "x has ", input, " features, expected an even number");
        return input;
    }
    template <class F>
    void each_parameter(F&&) const {}
    template <class F>
    void each_setting(F&& f) const {
        f("steps", both ? "first and last" : ends == Ends::last ? "last" : "first");
    }
    void initialize(Random&) {}

    /// Throws std::invalid_argument if x has no steps or, for BothEnds, an odd number of features.
    template <class S>
    SequenceView<S> forward(SequenceView<S> x, Tape<S>& tape, NoState = {}) const {
        require(x.steps() >= 1, forward_name, "x has 0 steps, expected at least 1");
        output_size(x.features());
        tape.pass_.begin();
        tape.steps_ = x.steps();
        tape.lengths_.assign(x.lengths().begin(), x.lengths().end());
        tape.y_.resize(x.features(), 1, x.batch());
        const Index F = x.features(), at_end = rows_at_end(F);
        for (Index b = 0; b < x.batch(); ++b) {
            S* const y = tape.y_.data() + b * F;
            if (x.length(b) > 0) {
                std::copy_n(x.data() + last_column(x, b) * F, at_end, y);
                std::copy_n(x.data() + b * F + at_end, F - at_end, y + at_end);
            } else
                std::fill_n(y, F, S(0));
        }
        tape.pass_.end(true, this);
        return tape.y_;
    }

    template <class S>
    SequenceView<S> infer(SequenceView<S> x, Tape<S>& tape, NoState = {}) const {
        const auto y = forward(x, tape);
        tape.pass_.consume();
        return y;
    }

    template <class S>
    void final_state(const Tape<S>&, NoState&) const {}

    template <class S>
    void check_backward(const Tape<S>& tape, const BackwardOptions<NoState>&) const {
        tape.pass_.require_recorded(backward_name, this);
    }

    /// Throws std::invalid_argument if dy hasn't y's shape, std::logic_error if the tape holds no forward pass
    /// of this layer.
    template <class S>
    SequenceView<S> backward(SequenceView<S> dy, Tape<S>& tape, const BackwardOptions<NoState>& options = {}) {
        check_backward(tape, options);
        const Index F = tape.y_.features(), B = tape.y_.batch();
        require(dy.features() == F && dy.columns() == B, backward_name, "dy is ", dy.features(), " x ", dy.columns(),
                ", expected ", F, " x ", B);
        tape.pass_.consume();
        if (!options.input_gradient)
            return {};
        detail::reshape(tape.dx_, F, tape.steps_ * B);
        std::fill_n(tape.dx_.data(), tape.dx_.size(), S(0));
        const SequenceView<S> dx(tape.dx_.data(), F, tape.steps_, B, tape.lengths_);
        const Index at_end = rows_at_end(F);
        for (Index b = 0; b < B; ++b)
            if (dx.length(b) > 0) {
                const S* const from = dy.data() + b * F;
                std::copy_n(from, at_end, tape.dx_.data() + last_column(dx, b) * F);
                std::copy_n(from + at_end, F - at_end, tape.dx_.data() + b * F + at_end);
            }
        return dx;
    }

  private:
    static constexpr const char* class_name = both ? "BothEnds" : ends == Ends::last ? "LastStep" : "FirstStep";
    static constexpr const char* backward_name = both                 ? "BothEnds::backward"
                                                 : ends == Ends::last ? "LastStep::backward"
                                                                      : "FirstStep::backward";
    static constexpr const char* forward_name = both                 ? "BothEnds::forward"
                                                : ends == Ends::last ? "LastStep::forward"
                                                                     : "FirstStep::forward";

    /// Of so many features those that are taken from the last step; the others are taken from the first.
    static Index rows_at_end(Index features) { return both ? features / 2 : ends == Ends::last ? features : 0; }

    /// Of sequence b the last real step's column; that of its first is b.
    template <class S>
    static Index last_column(const SequenceView<S>& x, Index b) {
        return (x.length(b) - 1) * x.batch() + b;
    }
};

/// The last real step of each sequence.
using LastStep = SequenceEnds<Ends::last>;

/// After a Bidirectional layer that concatenates: the upper half of the features at each sequence's last real step, the
/// lower half at its first; so the final h of both directions, which is what Keras' Bidirectional gives with
/// return_sequences=False.
using BothEnds = SequenceEnds<Ends::both>;

/// The first step of each sequence: after a layer that runs in reverse, what it ends with.
using FirstStep = SequenceEnds<Ends::first>;

} // namespace carousel
