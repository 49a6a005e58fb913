// Parallel: branches over the same input, their outputs one under the other; itself a layer. Szegedy et al. (2015), "Going Deeper
// with Convolutions", has such "filter concatenations"; Keras calls the last step Concatenate.
#pragma once

#include "carousel/layer/parallel_row.hpp"
#include "carousel/layer/sequential.hpp"

#include <tuple>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

/// Branches at different scales, whose features are merged:
///
///     Sequential model{Parallel{LSTM<float>{4, 32}, Conv1D<float>{4, 8, 5}}, Dense<float>{40, 1}};
///
/// several heads, each with its own net (one loss sees all their outputs):
///
///     Sequential model{GRU<float>{4, 32}, LastStep{}, Parallel{Dense<float>{32, 24}, Sequential{Dense<float>{32, 8}, …}}};
///
/// or several inputs, with a Slice at the front of each branch. Each branch is a Layer; at least one has a scalar type. All must give
/// as many steps.
///
/// x: I × (T·B), y: (O₀ + O₁ + …) × (T·B). backward: dx is the sum of the branches'; empty if one of them takes tokens, and the Parallel
/// must then be the first layer of its row. State is a tuple of the branches' own. Parameters are called "k.Layer.parameter".
template <class... Layers>
class Parallel : public detail::ParallelRow<Parallel<Layers...>, typename detail::first_scalar<Layers...>::type> {
  public:
    static_assert(
        detail::first_scalar<Layers...>::found,
        "Parallel: no branch says whether numbers are float or double: add one that has parameters, or put one "
        "in a Model");
    using Scalar = typename detail::first_scalar<Layers...>::type;
    static_assert((Layer<Layers, Scalar> && ...), "Parallel: every branch must be a Layer of the same scalar type");
    static constexpr std::size_t size = sizeof...(Layers);
    static constexpr const char* kind = "Parallel";

    using State = std::tuple<StateOf<Layers, Scalar>...>;

    class Tape {
        friend Parallel;
        detail::ParallelPass<Scalar> pass_;
        std::tuple<TapeOf<Layers, Scalar>...> layers_;
    };

    /// Throws std::invalid_argument, naming the branch, if one takes another number of features or gives another number of steps
    /// than the first.
    explicit Parallel(Layers... layers) : layers_(std::move(layers)...) { this->check_branches(); }

    template <std::size_t k>
    auto& layer() {
        return std::get<k>(layers_);
    }
    template <std::size_t k>
    const auto& layer() const {
        return std::get<k>(layers_);
    }

    /// f(k, branch) for every branch in turn.
    template <class F>
    void each_layer(F&& f) {
        over([&](auto k) { f(k, std::get<k>(layers_)); });
    }
    template <class F>
    void each_layer(F&& f) const {
        over([&](auto k) { f(k, std::get<k>(layers_)); });
    }

    static constexpr bool takes_tokens() requires((detail::takes_tokens<Layers>() || ...)) { return true; }
    bool takes_tokens() const requires(!(detail::takes_tokens<Layers>() || ...)) {
        bool any = false;
        each_layer([&](auto, const auto& layer) { any = any || detail::takes_tokens(layer); });
        return any;
    }

    /// As Sequential's.
    State empty_state() const {
        State state;
        each_layer(
            [&]<class L>(auto k, const L& layer) { std::get<k>(state) = detail::empty_state<L, Scalar>(layer); });
        return state;
    }
    Index states() const {
        Index count = 0;
        const State state = empty_state();
        each_state(state, [&](const auto&) { ++count; });
        return count;
    }

    /// f(random) for every generator of the branches' masks.
    template <class F>
    void each_random(Tape& tape, F&& f) const {
        over([&](auto k) { detail::each_random(std::get<k>(layers_), std::get<k>(tape.layers_), f); });
    }

    /// Throws std::invalid_argument, naming the branch, if x or the state doesn't fit.
    SequenceView<Scalar> forward(SequenceView<Scalar> x, Tape& tape, const State& initial = {}) const {
        return run("Parallel::forward", x, tape, true, [&](auto k, const auto& layer) {
            return layer.forward(x, std::get<k>(tape.layers_), std::get<k>(initial));
        });
    }
    SequenceView<Scalar> infer(SequenceView<Scalar> x, Tape& tape, const State& initial = {}) const {
        return run("Parallel::infer", x, tape, false, [&](auto k, const auto& layer) {
            return layer.infer(x, std::get<k>(tape.layers_), std::get<k>(initial));
        });
    }

    /// Throws std::logic_error if the tape holds no pass.
    void final_state(const Tape& tape, State& out) const {
        tape.pass_.record.require_pass("Parallel::final_state");
        each_layer([&](auto k, const auto& layer) { layer.final_state(std::get<k>(tape.layers_), std::get<k>(out)); });
    }

    /// Throws what backward would throw, but for dy.
    void check_backward(const Tape& tape, const BackwardOptions<State>& options) const {
        tape.pass_.record.require_recorded("Parallel::backward", this);
        each_layer([&](auto k, const auto& layer) {
            detail::in_layer("Parallel::backward", k, layer,
                             [&] { detail::check_backward(layer, std::get<k>(tape.layers_), part<k>(options)); });
        });
    }

    /// A dy of no steps means there is none, if the branches take it so. Throws std::invalid_argument if dy hasn't y's shape,
    /// std::logic_error if the tape holds no forward pass of this layer, and what the branches throw.
    SequenceView<Scalar> backward(SequenceView<Scalar> dy, Tape& tape, const BackwardOptions<State>& options = {}) {
        check_backward(tape, options);
        this->split("Parallel::backward", dy, tape.pass_);
        bool has_dx = options.input_gradient;
        each_layer([&](auto k, auto& layer) {
            const auto dx = detail::in_layer("Parallel::backward", k, layer, [&] {
                return layer.backward(this->dy_of(tape.pass_, k), std::get<k>(tape.layers_), part<k>(options));
            });
            has_dx = has_dx && this->add(tape.pass_, k, dx);
        });
        tape.pass_.record.consume();
        return has_dx ? tape.pass_.dx_like_x() : SequenceView<Scalar>();
    }

  private:
    template <class F>
    SequenceView<Scalar> run(const char* where, SequenceView<Scalar> x, Tape& tape, bool record, F&& f) const {
        tape.pass_.begin(x);
        each_layer([&](auto k, const auto& layer) {
            tape.pass_.outputs.push_back(detail::in_layer(where, k, layer, [&] { return f(k, layer); }));
        });
        const auto y = this->stack(where, tape.pass_);
        tape.pass_.record.end(record, this);
        return y;
    }

    /// What of the options is the k-th branch's.
    template <std::size_t k>
    static BackwardOptions<std::tuple_element_t<k, State>> part(const BackwardOptions<State>& options) {
        return {options.d_final ? &std::get<k>(*options.d_final) : nullptr,
                options.d_initial ? &std::get<k>(*options.d_initial) : nullptr, options.input_gradient};
    }

    template <class F>
    static void over(F&& f) {
        [&]<std::size_t... k>(std::index_sequence<k...>) {
            (f(std::integral_constant<std::size_t, k>{}), ...);
        }
        (std::index_sequence_for<Layers...>{});
    }

    std::tuple<Layers...> layers_;
};

} // namespace carousel
