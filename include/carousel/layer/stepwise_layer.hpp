// StepwiseLayer: what layers share that have no parameters and make of each step's features as many others: Activate,
// Softmax and Gain.
#pragma once

#include "carousel/layer/layer.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// The base of such a layer. It makes a Layer of any scalar, and a part of a Stream, of a class that has
///
///     static constexpr const char* where = "Gain::backward";                    // begins the messages of backward
///     std::string name() const;
///     template <class S> void map(const S* x, S* y, Index features, Index columns) const;
///     template <class S> void map_gradient(const S* dy, const S* y, S* dx, Index features, Index columns) const;
///
/// map() computes y of x, both features × columns, column by column in memory; a column is one step of one sequence.
/// map_gradient() computes dx of dy and y. Both write elsewhere than they read, allocate nothing and throw nothing. Padding
/// is mapped, too.
///
///     class Square : public StepwiseLayer<Square> { … };
template <class Derived>
class StepwiseLayer {
  public:
    template <class>
    using State = NoState;

    template <class S>
    class Tape {
        friend StepwiseLayer;
        detail::PassRecord pass_;
        Sequence<S> y_;
        Matrix<S> dx_;
    };

    Index output_size(Index input) const { return input; }
    template <class F>
    void each_parameter(F&&) const {}
    /// Nothing but its settings makes the layer again.
    template <class F>
    void each_option(F&&) const {}
    void initialize(Random&) {}

    template <class S>
    SequenceView<S> forward(SequenceView<S> x, Tape<S>& tape, NoState = {}) const {
        tape.pass_.begin();
        tape.y_.resize(x.features(), x.steps(), x.batch(), x.lengths());
        derived().map(x.data(), tape.y_.data(), x.features(), x.columns());
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
        tape.pass_.require_recorded(Derived::where, this);
    }

    /// Throws std::invalid_argument if dy hasn't y's shape, std::logic_error if the tape holds no forward pass of this
    /// layer.
    template <class S>
    SequenceView<S> backward(SequenceView<S> dy, Tape<S>& tape, const BackwardOptions<NoState>& options = {}) {
        check_backward(tape, options);
        const auto& y = tape.y_;
        require(dy.features() == y.features() && dy.columns() == y.values().cols(), Derived::where, "dy is ",
                dy.features(), " x ", dy.columns(), ", expected ", y.features(), " x ", y.values().cols());
        tape.pass_.consume();
        if (!options.input_gradient)
            return {};
        detail::reshape(tape.dx_, y.features(), y.values().cols());
        derived().map_gradient(dy.data(), y.data(), tape.dx_.data(), y.features(), y.values().cols());
        return {tape.dx_.data(), y.features(), y.steps(), y.batch(), y.lengths()};
    }

  private:
    const Derived& derived() const { return static_cast<const Derived&>(*this); }
};

} // namespace carousel
