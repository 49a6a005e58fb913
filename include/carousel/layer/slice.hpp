// Slice: some of the features of each step, for what is given several inputs as one.
#pragma once

#include "carousel/layer/layer.hpp"

#include <algorithm>

namespace carousel::inline CAROUSEL_ABI {

/// Which features a Slice takes.
struct SliceOptions {
    /// The first of them, and how many.
    Index first; ///< counted from 0
    Index count;
};

/// Features first … first + count − 1 of each step. At the front of the branches of a Parallel it deals several inputs out, which
/// stand one under the other in x:
///
///     Parallel{Sequential{Slice{4, {.first = 0, .count = 3}}, LSTM<float>{3, 16}},
///              Sequential{Slice{4, {.first = 3, .count = 1}}, Embedding<float>{7, 2}}}
///
/// x: F × (T·B), y: count × (T·B). backward: dx is dy in those rows and zero in the others. Padding is mapped, too. A layer that
/// takes tokens may follow it.
class Slice {
  public:
    template <class>
    using State = NoState;
    /// Says that a layer that takes tokens may follow.
    static constexpr bool passes_tokens = true;

    template <class S>
    class Tape {
        friend Slice;
        detail::PassRecord pass_;
        Sequence<S> y_;
        Matrix<S> dx_;
    };

    /// Throws std::invalid_argument unless 0 <= first, 1 <= count and first + count <= features.
    Slice(AnyIndex features, SliceOptions options) : options_(options), features_(features) {
        require(options.first >= 0 && options.count >= 1 && options.first < features_ &&
                    options.count <= features_ - options.first,
                "Slice", "first ", options.first, " and count ", options.count, " of ", features_,
                " features must satisfy first >= 0, count >= 1, first + count <= features");
    }

    Index input_size() const { return features_; }
    const SliceOptions& options() const { return options_; }
    std::string name() const { return "Slice"; }
    Index output_size(Index input) const {
        require(input == features_, "Slice", "x has ", input, " features, expected ", features_);
        return options_.count;
    }
    template <class F>
    void each_parameter(F&&) const {}
    template <class F>
    void each_setting(F&& f) const {
        f("first", options_.first);
        f("count", options_.count);
    }
    template <class F>
    void each_option(F&& f) const {
        f("features", features_);
    }
    void initialize(Random&) {}

    /// Throws std::invalid_argument if x doesn't have input_size() features.
    template <class S>
    SequenceView<S> forward(SequenceView<S> x, Tape<S>& tape, NoState = {}) const {
        require(x.features() == features_, "Slice::forward", "x has ", x.features(), " features, expected ", features_);
        tape.pass_.begin();
        tape.y_.resize(options_.count, x.steps(), x.batch(), x.lengths());
        for (Index column = 0; column < x.columns(); ++column)
            std::copy_n(x.data() + column * features_ + options_.first, options_.count,
                        tape.y_.data() + column * options_.count);
        tape.pass_.end(true, this, features_, options_.count);
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
        tape.pass_.require_recorded("Slice::backward", this, features_, options_.count);
    }

    /// A dy without features, of a layer that takes tokens, gives such a dx. Throws std::invalid_argument if dy hasn't y's shape,
    /// std::logic_error if the tape holds no forward pass of this layer.
    template <class S>
    SequenceView<S> backward(SequenceView<S> dy, Tape<S>& tape, const BackwardOptions<NoState>& options = {}) {
        check_backward(tape, options);
        const auto& y = tape.y_;
        const Index columns = y.values().cols();
        const bool none = dy.features() == 0 && dy.columns() == 0;
        require(none || (dy.features() == options_.count && dy.columns() == columns), "Slice::backward", "dy is ",
                dy.features(), " x ", dy.columns(), ", expected ", options_.count, " x ", columns);
        tape.pass_.consume();
        if (none || !options.input_gradient)
            return {};
        detail::reshape(tape.dx_, features_, columns);
        std::fill_n(tape.dx_.data(), tape.dx_.size(), S(0));
        for (Index column = 0; column < columns; ++column)
            std::copy_n(dy.data() + column * options_.count, options_.count,
                        tape.dx_.data() + column * features_ + options_.first);
        return {tape.dx_.data(), features_, y.steps(), y.batch(), y.lengths()};
    }

  private:
    SliceOptions options_;
    Index features_;
};

} // namespace carousel
