// Bidirectional: a recurrent layer and its reverse twin on the same input (Schuster & Paliwal 1997, "Bidirectional
// recurrent neural networks").
#pragma once

#include "carousel/layer/merge.hpp"
#include "carousel/layer/recurrent.hpp"

#include <array>

namespace carousel::inline CAROUSEL_ABI {

/// A layer that is built with options that say whether it runs in reverse: Recurrent, of any cell.
template <class L>
concept Reversible = Layer<L, typename L::Scalar> &&
    requires(const L layer, RecurrentOptions options, typename L::CellType cell) {
    L(layer.input_size(), layer.hidden_size(), layer.cell(), options);
    { layer.options() } -> std::same_as<const RecurrentOptions&>;
    { cell.states } -> std::convertible_to<Index>;
};

/// Bidirectional{LSTM<float>{3, 64}} gives 128 features: at every step what the forward layer makes of the steps up to
/// it, over what the reverse one makes of the steps from it on.
///
/// x: I × (T·B). Output, zero past a sequence's end: forward's H rows over reverse's (concatenate), their sum, or half
/// of that. State: {forward's, reverse's}.
/// The forward layer ends at each sequence's last real step, the reverse one at step 0: of a concatenated output
/// BothEnds picks these two, where LastStep would pick a reverse output that has seen one step alone.
/// backward: dx is the sum of both layers' dx.
template <Reversible L>
class Bidirectional : public detail::EachParameter<Bidirectional<L>> {
  public:
    using Scalar = typename L::Scalar;

    using State = std::array<typename L::State, 2>;

    class Tape {
        friend Bidirectional;
        detail::PassRecord pass_;
        typename L::Tape forward_, reverse_;
        Sequence<Scalar> y_;
        Matrix<Scalar> dy_, dx_;
    };
    /// The reverse layer is the twin of this one: the same sizes, cell and options, parameters of its own, drawn anew
    /// (from the layer's seed, if it was given one). Throws std::invalid_argument if `forward` runs in reverse.
    explicit Bidirectional(const L& forward, Merge merge = Merge::concatenate)
        : Bidirectional(forward, twin(forward), merge) {}

    /// Throws std::invalid_argument unless the first layer runs forward, the second in reverse, and both have the same
    /// sizes.
    Bidirectional(L forward, L reverse, Merge merge = Merge::concatenate)
        : forward_(std::move(forward)), reverse_(std::move(reverse)), merge_(merge) {
        require(!forward_.options().reverse, "Bidirectional",
                "the first layer runs in reverse, expected one that runs forward");
        require(reverse_.options().reverse, "Bidirectional",
                "the second layer runs forward, expected one that runs in reverse");
        require(forward_.input_size() == reverse_.input_size() && forward_.hidden_size() == reverse_.hidden_size(),
                "Bidirectional", "the first layer is ", forward_.input_size(), " -> ", forward_.hidden_size(),
                " and the second ", reverse_.input_size(), " -> ", reverse_.hidden_size(), ", expected the same sizes");
    }

    /// The two layers, and how their outputs become one.
    L& forward_layer() { return forward_; }
    L& reverse_layer() { return reverse_; }
    const L& forward_layer() const { return forward_; }
    const L& reverse_layer() const { return reverse_; }
    Merge merge() const { return merge_; }

    Index input_size() const { return forward_.input_size(); }
    Index output_size(Index input) const {
        return (merge_ == Merge::concatenate ? 2 : 1) * forward_.output_size(input);
    }
    std::string name() const { return "Bidirectional"; }

    /// "merge", and those of both layers as "forward.…" and "reverse.…".
    template <class F>
    void each_setting(F&& f) const {
        f("merge", merge_name());
        detail::each_setting(forward_, "forward.", f);
        detail::each_setting(reverse_, "reverse.", f);
    }

    template <class F>
    void each_option(F&& f) const {
        f("merge", merge_name());
    }
    /// f(layer) for the forward and the reverse one.
    template <class F>
    void each_inner(F&& f) const {
        f(forward_);
        f(reverse_);
    }

    /// f(random) for every generator of both layers' masks.
    template <class F>
    void each_random(Tape& tape, F&& f) const {
        detail::each_random(forward_, tape.forward_, f);
        detail::each_random(reverse_, tape.reverse_, f);
    }

    void initialize(Random& random) {
        forward_.initialize(random);
        reverse_.initialize(random);
    }

    /// Throws std::invalid_argument if x or `initial` doesn't fit.
    SequenceView<Scalar> forward(SequenceView<Scalar> x, Tape& tape, const State& initial = {}) const {
        tape.pass_.begin();
        const auto forward = forward_.forward(x, tape.forward_, initial[0]);
        const auto reverse = reverse_.forward(x, tape.reverse_, initial[1]);
        merge_outputs(forward, reverse, tape.y_);
        tape.pass_.end(true, this);
        return tape.y_;
    }

    SequenceView<Scalar> infer(SequenceView<Scalar> x, Tape& tape, const State& initial = {}) const {
        tape.pass_.begin();
        const auto forward = forward_.infer(x, tape.forward_, initial[0]);
        const auto reverse = reverse_.infer(x, tape.reverse_, initial[1]);
        merge_outputs(forward, reverse, tape.y_);
        tape.pass_.end(false, this);
        return tape.y_;
    }

    /// Throws std::logic_error if the tape holds no pass.
    void final_state(const Tape& tape, State& out) const {
        tape.pass_.require_pass("Bidirectional::final_state");
        forward_.final_state(tape.forward_, out[0]);
        reverse_.final_state(tape.reverse_, out[1]);
    }

    /// Throws what backward would throw, but for dy.
    void check_backward(const Tape& tape, const BackwardOptions<State>& options) const {
        tape.pass_.require_recorded("Bidirectional::backward", this);
        for (std::size_t k = 0; options.d_final && k < 2; ++k)
            detail::require_state("Bidirectional::backward: d_final",
                                  k == 0 ? "the forward layer's state" : "the reverse layer's state",
                                  (*options.d_final)[k], L::CellType::states * forward_.hidden_size(), tape.y_.batch());
        detail::check_backward(forward_, tape.forward_, part(0, options));
        detail::check_backward(reverse_, tape.reverse_, part(1, options));
    }

    /// `dy` is the gradient of the output; a view of no steps means there is none. Throws std::invalid_argument if a
    /// shape differs from the pass', std::logic_error if the tape holds none of this layer.
    SequenceView<Scalar> backward(SequenceView<Scalar> dy, Tape& tape, const BackwardOptions<State>& options = {}) {
        check_backward(tape, options);
        const auto& y = tape.y_;
        const bool has_dy = dy.columns() > 0;
        require(!has_dy || (dy.features() == y.features() && dy.steps() == y.steps() && dy.batch() == y.batch()),
                "Bidirectional::backward", "dy is ", dy.features(), " x (", dy.steps(), " steps of ", dy.batch(),
                "), expected ", y.features(), " x (", y.steps(), " steps of ", y.batch(), ")");
        tape.pass_.consume();

        const auto dx_forward =
            forward_.backward(has_dy ? share(dy, 0, tape.dy_) : dy, tape.forward_, part(0, options));
        const auto dx_reverse =
            reverse_.backward(has_dy ? share(dy, 1, tape.dy_) : dy, tape.reverse_, part(1, options));
        if (!options.input_gradient)
            return {};
        detail::assign(tape.dx_, dx_forward.values() + dx_reverse.values());
        return {tape.dx_.data(), dx_forward.features(), y.steps(), y.batch(), y.lengths()};
    }

  private:
    const char* merge_name() const {
        return merge_ == Merge::concatenate ? "concatenate" : merge_ == Merge::sum ? "sum" : "average";
    }

    friend detail::EachParameter<Bidirectional>;
    /// f(name, parameter) for every one, const if `self` is. Names are "forward.W" … "reverse.W" ….
    template <class Self, class F>
    static void visit_parameters(Self& self, F& f) {
        self.forward_.each_parameter([&](const std::string& name, auto& p) { f("forward." + name, p); });
        self.reverse_.each_parameter([&](const std::string& name, auto& p) { f("reverse." + name, p); });
    }

    /// What of the options is the forward (0) or the reverse (1) layer's.
    static BackwardOptions<typename L::State> part(std::size_t k, const BackwardOptions<State>& options) {
        return {options.d_final ? &(*options.d_final)[k] : nullptr,
                options.d_initial ? &(*options.d_initial)[k] : nullptr, options.input_gradient};
    }

    static L twin(const L& layer) {
        RecurrentOptions options = layer.options();
        options.reverse = true;
        if (options.seed)
            options.seed = Random(*options.seed)();
        return L(layer.input_size(), layer.hidden_size(), layer.cell(), options);
    }

    void merge_outputs(SequenceView<Scalar> forward, SequenceView<Scalar> reverse, Sequence<Scalar>& y) const {
        const Index H = forward.features();
        y.resize(merge_ == Merge::concatenate ? 2 * H : H, forward.steps(), forward.batch(), forward.lengths());
        if (forward.columns() == 0)
            return;
        switch (merge_) {
        case Merge::concatenate:
            y.values().topRows(H) = forward.values();
            y.values().bottomRows(H) = reverse.values();
            break;
        case Merge::sum:
            y.values() = forward.values() + reverse.values();
            break;
        case Merge::average:
            y.values() = (forward.values() + reverse.values()) / 2;
        }
    }

    /// The gradient of a direction's output (0: forward, 1: reverse): dy itself or, of its rows or a half of it, a copy
    /// in `out`.
    SequenceView<Scalar> share(SequenceView<Scalar> dy, Index direction, Matrix<Scalar>& out) const {
        if (merge_ == Merge::sum)
            return dy;
        const Index H = merge_ == Merge::concatenate ? dy.features() / 2 : dy.features();
        if (merge_ == Merge::concatenate)
            detail::assign(out, dy.values().middleRows(direction * H, H));
        else
            detail::assign(out, dy.values() / 2);
        return {out.data(), H, dy.steps(), dy.batch()};
    }

    L forward_, reverse_;
    Merge merge_;
};

} // namespace carousel
