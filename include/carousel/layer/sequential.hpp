// Sequential: layers one after the other, itself a layer.
#pragma once

#include "carousel/layer/layer_row.hpp"

#include <tuple>
#include <type_traits>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {
/// The scalar type of the first layer that has one; if none has, float, so that nothing else is wrong then.
template <class... Layers>
struct first_scalar {
    static constexpr bool found = false;
    using type = float;
};
template <class First, class... Rest>
struct first_scalar<First, Rest...> : first_scalar<Rest...> {};
template <class First, class... Rest>
requires requires {
    typename First::Scalar;
}
struct first_scalar<First, Rest...> {
    static constexpr bool found = true;
    using type = typename First::Scalar;
};

/// Whether one of these layers takes tokens and those before it hand them on.
template <class First, class... Rest>
constexpr bool tokens_come_first() {
    if constexpr (sizeof...(Rest) > 0 && passes_tokens<First>())
        return tokens_come_first<Rest...>();
    else
        return takes_tokens<First>();
}
} // namespace detail

/// Sequential model{LSTM<float>{1, 64}, LastStep{}, Dense<float>{64, 1}};
///
/// At least one layer must have a scalar type. State is a tuple of the layers' own, Tape holds theirs. What a layer
/// refuses is told with its place, counted from 0 as in the names of parameters.
template <class... Layers>
class Sequential : public detail::LayerRow<Sequential<Layers...>, typename detail::first_scalar<Layers...>::type> {
  public:
    static_assert(detail::first_scalar<Layers...>::found,
                  "Sequential: no layer says whether numbers are float or double: add one that has parameters, such as "
                  "LSTM<float> or Dense<float>");
    using Scalar = typename detail::first_scalar<Layers...>::type;
    static_assert((Layer<Layers, Scalar> && ...), "Sequential: every entry must be a Layer of the same scalar type");
    /// How many layers it has, and its kind, as messages have it.
    static constexpr std::size_t size = sizeof...(Layers);
    static constexpr const char* kind = "Sequential";

    using State = std::tuple<StateOf<Layers, Scalar>...>;
    /// The first layer's type.
    using First = std::tuple_element_t<0, std::tuple<Layers...>>;

    class Tape {
        friend Sequential;
        detail::PassRecord pass_;
        std::tuple<TapeOf<Layers, Scalar>...> layers_;
    };

    /// Throws std::invalid_argument if a layer doesn't take as many features as the one before it gives.
    explicit Sequential(Layers... layers) : layers_(std::move(layers)...) { this->check_row(); }

    /// Layer k, counted from 0.
    template <std::size_t k>
    auto& layer() {
        return std::get<k>(layers_);
    }
    /// The same of a const one.
    template <std::size_t k>
    const auto& layer() const {
        return std::get<k>(layers_);
    }

    /// f(k, layer) for every layer in turn.
    template <class F>
    void each_layer(F&& f) {
        over(std::index_sequence_for<Layers...>{}, [&](auto k) { f(k, std::get<k>(layers_)); });
    }
    template <class F>
    void each_layer(F&& f) const {
        over(std::index_sequence_for<Layers...>{}, [&](auto k) { f(k, std::get<k>(layers_)); });
    }

    static_assert((detail::takes_tokens<Layers>() + ... + 0) == detail::tokens_come_first<Layers...>(),
                  "Sequential: a layer that takes tokens must be the first: no gradient goes through it");
    static constexpr bool takes_tokens() requires(detail::tokens_come_first<Layers...>()) { return true; }
    bool takes_tokens() const requires(!detail::tokens_come_first<Layers...>()) {
        bool tokens = false, none_before = true;
        each_layer([&](auto, const auto& layer) {
            tokens = tokens || (none_before && detail::takes_tokens(layer));
            none_before = none_before && detail::passes_tokens(layer);
        });
        return tokens;
    }

    /// A State with as many matrices as the layers', all empty, and how many these are; more than State{} has where a layer
    /// is a Model.
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

    /// f(random) for every generator of the layers' masks.
    template <class F>
    void each_random(Tape& tape, F&& f) const {
        over(std::index_sequence_for<Layers...>{},
             [&](auto k) { detail::each_random(std::get<k>(layers_), std::get<k>(tape.layers_), f); });
    }

    SequenceView<Scalar> forward(SequenceView<Scalar> x, Tape& tape, const State& initial = {}) const {
        tape.pass_.begin();
        each_layer([&](auto k, const auto& layer) {
            detail::in_layer("Sequential::forward", k, layer,
                             [&] { x = layer.forward(x, std::get<k>(tape.layers_), std::get<k>(initial)); });
        });
        tape.pass_.end(true, this);
        return x;
    }

    SequenceView<Scalar> infer(SequenceView<Scalar> x, Tape& tape, const State& initial = {}) const {
        tape.pass_.begin();
        each_layer([&](auto k, const auto& layer) {
            detail::in_layer("Sequential::infer", k, layer,
                             [&] { x = layer.infer(x, std::get<k>(tape.layers_), std::get<k>(initial)); });
        });
        tape.pass_.end(false, this);
        return x;
    }

    /// Throws std::logic_error if the tape holds no pass.
    void final_state(const Tape& tape, State& out) const {
        tape.pass_.require_pass("Sequential::final_state");
        each_layer([&](auto k, const auto& layer) { layer.final_state(std::get<k>(tape.layers_), std::get<k>(out)); });
    }

    /// Throws what backward would throw, but for dy.
    void check_backward(const Tape& tape, const BackwardOptions<State>& options) const {
        tape.pass_.require_recorded("Sequential::backward", this);
        each_layer([&](auto k, const auto& layer) {
            detail::in_layer("Sequential::backward", k, layer,
                             [&] { detail::check_backward(layer, std::get<k>(tape.layers_), part<k>(options)); });
        });
    }

    /// Throws std::invalid_argument, naming the layer, if a shape differs from the pass', std::logic_error if the tape
    /// holds no forward pass of this model; before anything is changed, where the layers have a check_backward.
    SequenceView<Scalar> backward(SequenceView<Scalar> dy, Tape& tape, const BackwardOptions<State>& options = {}) {
        check_backward(tape, options);
        over(std::index_sequence_for<Layers...>{}, [&](auto forward_k) {
            constexpr std::size_t k = size - 1 - forward_k;
            auto& layer = std::get<k>(layers_);
            detail::in_layer("Sequential::backward", k, layer,
                             [&] { dy = layer.backward(dy, std::get<k>(tape.layers_), part<k>(options)); });
            // One of no bytes may have the address of another layer, whose backward is still to come.
            if constexpr (!std::is_empty_v<std::tuple_element_t<k, std::tuple<Layers...>>>)
                if (options.watch)
                    options.watch->done(&layer, sizeof layer);
        });
        tape.pass_.consume();
        return dy;
    }

  private:
    /// What of the options is the k-th layer's.
    template <std::size_t k>
    static BackwardOptions<std::tuple_element_t<k, State>> part(const BackwardOptions<State>& options) {
        return {options.d_final ? &std::get<k>(*options.d_final) : nullptr,
                options.d_initial ? &std::get<k>(*options.d_initial) : nullptr, k > 0 || options.input_gradient,
                options.watch};
    }

    template <std::size_t... k, class F>
    static void over(std::index_sequence<k...>, F&& f) {
        (f(std::integral_constant<std::size_t, k>{}), ...);
    }

    std::tuple<Layers...> layers_;
};

} // namespace carousel
