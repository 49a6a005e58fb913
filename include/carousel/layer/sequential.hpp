// Sequential: layers one after the other, itself a layer.
#pragma once

#include "carousel/layer/layer.hpp"

#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace carousel {

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

/// Throws std::invalid_argument "where: layer k (name): what", without the name of the function that begins `what`.
[[noreturn]] inline void refuse_in_layer(const char* where, std::size_t k, const std::string& name, std::string what) {
    const std::size_t colon = what.find(": ");
    if (colon < what.find(' '))
        what.erase(0, colon + 2);
    fail<std::invalid_argument>(std::string(where) + ": layer " + decimal(static_cast<Index>(k)) + " (" + name +
                                "): " + what);
}

/// Whether a layer's output has a step for every step of its input, as all have that don't say otherwise.
template <class L>
constexpr bool keeps_steps() {
    if constexpr (requires { L::keeps_steps; })
        return L::keeps_steps;
    else
        return true;
}

/// Whether a layer's input is tokens, which have no gradient.
template <class L>
constexpr bool takes_tokens() {
    if constexpr (requires { L::takes_tokens; })
        return L::takes_tokens;
    else
        return false;
}
} // namespace detail

/// Sequential model{LSTM<float>{1, 64}, LastStep{}, Dense<float>{64, 1}};
///
/// At least one layer must have a scalar type. State is a tuple of the layers' own, Tape holds theirs. What a layer
/// refuses is told with its place, counted from 0 as in the names of parameters.
template <class... Layers>
class Sequential {
  public:
    static_assert(detail::first_scalar<Layers...>::found,
                  "Sequential: no layer says whether numbers are float or double: add one that has parameters, such as "
                  "LSTM<float> or Dense<float>");
    using Scalar = typename detail::first_scalar<Layers...>::type;
    static_assert((Layer<Layers, Scalar> && ...), "Sequential: every entry must be a Layer of the same scalar type");
    static constexpr std::size_t size = sizeof...(Layers);
    static constexpr bool takes_tokens = detail::takes_tokens<std::tuple_element_t<0, std::tuple<Layers...>>>();
    static_assert((detail::takes_tokens<Layers>() + ... + 0) == takes_tokens,
                  "Sequential: a layer that takes tokens must be the first: no gradient goes through it");
    static constexpr bool keeps_steps = (detail::keeps_steps<Layers>() && ...);

    using State = std::tuple<StateOf<Layers, Scalar>...>;

    class Tape {
        friend Sequential;
        detail::PassRecord pass_;
        std::tuple<TapeOf<Layers, Scalar>...> layers_;
    };

    /// Throws std::invalid_argument if a layer doesn't take as many features as the one before it gives.
    explicit Sequential(Layers... layers) : layers_(std::move(layers)...) {
        each_layer([features = Index(-1)](std::size_t k, const auto& layer) mutable {
            if (features < 0) {
                if constexpr (requires { layer.input_size(); })
                    features = layer.input_size();
                else
                    return; // LastStep, Dropout …: as many as come
            }
            features = in_layer("Sequential", k, layer, [&] { return layer.output_size(features); });
        });
    }

    template <std::size_t k>
    auto& layer() {
        return std::get<k>(layers_);
    }
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

    std::string name() const { return "Sequential"; }
    /// Of the first layer that knows; 0 if none does.
    Index input_size() const {
        Index features = 0;
        each_layer([&](std::size_t, const auto& layer) {
            if constexpr (requires { layer.input_size(); })
                if (features == 0)
                    features = layer.input_size();
        });
        return features;
    }
    Index output_size(Index input) const {
        each_layer([&](std::size_t k, const auto& layer) {
            input = in_layer("Sequential", k, layer, [&] { return layer.output_size(input); });
        });
        return input;
    }
    Index output_length(Index length) const {
        each_layer([&](std::size_t, const auto& layer) { length = detail::output_length(layer, length); });
        return length;
    }
    /// The fewest steps of x that leave every layer as many as it needs; if none do, as many as all need together.
    Index least_steps() const {
        Index most = 0;
        each_layer([&](std::size_t, const auto& layer) { most += detail::least_steps(layer); });
        for (Index steps = 0; steps < most; ++steps) {
            bool enough = true;
            Index length = steps;
            each_layer([&](std::size_t, const auto& layer) {
                enough = enough && length >= detail::least_steps(layer);
                length = detail::output_length(layer, length);
            });
            if (enough)
                return steps;
        }
        return most;
    }

    /// Names are "k.Layer.parameter".
    template <class F>
    void each_parameter(F&& f) {
        visit_parameters(*this, f);
    }
    template <class F>
    void each_parameter(F&& f) const {
        visit_parameters(*this, f);
    }

    /// Names are "k.Layer.setting".
    template <class F>
    void each_setting(F&& f) const {
        each_layer([&](std::size_t k, const auto& layer) {
            detail::each_setting(layer, detail::decimal(static_cast<Index>(k)) + "." + layer.name() + ".", f);
        });
    }

    /// f(random) for every generator of the layers' masks.
    template <class F>
    void each_random(Tape& tape, F&& f) const {
        over(std::index_sequence_for<Layers...>{},
             [&](auto k) { detail::each_random(std::get<k>(layers_), std::get<k>(tape.layers_), f); });
    }

    void initialize(Random& random) {
        each_layer([&](std::size_t, auto& layer) { layer.initialize(random); });
    }
    /// Draws every parameter anew: one seed, one model.
    void initialize(std::uint64_t seed) {
        Random random(seed);
        initialize(random);
    }

    SequenceView<Scalar> forward(SequenceView<Scalar> x, Tape& tape, const State& initial = {}) const {
        tape.pass_.begin();
        each_layer([&](auto k, const auto& layer) {
            x = in_layer("Sequential::forward", k, layer,
                         [&] { return layer.forward(x, std::get<k>(tape.layers_), std::get<k>(initial)); });
        });
        tape.pass_.end(true, this);
        return x;
    }

    SequenceView<Scalar> infer(SequenceView<Scalar> x, Tape& tape, const State& initial = {}) const {
        tape.pass_.begin();
        each_layer([&](auto k, const auto& layer) {
            x = in_layer("Sequential::infer", k, layer,
                         [&] { return layer.infer(x, std::get<k>(tape.layers_), std::get<k>(initial)); });
        });
        tape.pass_.end(false, this);
        return x;
    }

    /// Inference, the output copied out: const and without shared state, so threads may share the model.
    Sequence<Scalar> operator()(SequenceView<Scalar> x) const {
        Tape tape;
        const auto y = infer(x, tape);
        return Sequence<Scalar>(Matrix<Scalar>(y.values()), y.batch(), {y.lengths().begin(), y.lengths().end()});
    }

    Sequence<Scalar> operator()(const Sequence<Scalar>& x) const { return (*this)(x.view()); }

    /// Throws std::logic_error if the tape holds no pass.
    void final_state(const Tape& tape, State& out) const {
        tape.pass_.require_pass("Sequential::final_state");
        each_layer([&](auto k, const auto& layer) { layer.final_state(std::get<k>(tape.layers_), std::get<k>(out)); });
    }

    /// Throws std::invalid_argument, naming the layer, if a shape differs from the pass', std::logic_error if the tape
    /// holds no forward pass of this model.
    SequenceView<Scalar> backward(SequenceView<Scalar> dy, Tape& tape, const BackwardOptions<State>& options = {}) {
        tape.pass_.require_recorded("Sequential::backward", this);
        over(std::index_sequence_for<Layers...>{}, [&](auto forward_k) {
            constexpr std::size_t k = size - 1 - forward_k;
            using LayerState = std::tuple_element_t<k, State>;
            const BackwardOptions<LayerState> part{options.d_final ? &std::get<k>(*options.d_final) : nullptr,
                                                   options.d_initial ? &std::get<k>(*options.d_initial) : nullptr,
                                                   k > 0 || options.input_gradient};
            auto& layer = std::get<k>(layers_);
            dy = in_layer("Sequential::backward", k, layer,
                          [&] { return layer.backward(dy, std::get<k>(tape.layers_), part); });
        });
        tape.pass_.consume();
        return dy;
    }

  private:
    /// f(name, parameter) for every one, const if `self` is.
    template <class Self, class F>
    static void visit_parameters(Self& self, F& f) {
        self.each_layer([&](std::size_t k, auto& layer) {
            layer.each_parameter([&](const std::string& name, auto& parameter) {
                f(detail::decimal(static_cast<Index>(k)) + "." + layer.name() + "." + name, parameter);
            });
        });
    }

    /// f(), and what it refuses is said with its place: "Sequential: layer 2 (Dense): x has 8 features, expected 16".
    template <class L, class F>
    static auto in_layer(const char* where, std::size_t k, const L& layer, F&& f) {
        return detail::instead_of<std::invalid_argument>(f, [&](const std::invalid_argument& error) {
            detail::refuse_in_layer(where, k, layer.name(), error.what());
        });
    }

    template <std::size_t... k, class F>
    static void over(std::index_sequence<k...>, F&& f) {
        (f(std::integral_constant<std::size_t, k>{}), ...);
    }

    std::tuple<Layers...> layers_;
};

} // namespace carousel
