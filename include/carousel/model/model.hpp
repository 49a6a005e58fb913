// Model: layers one after the other, decided at run time; itself a layer.
#pragma once

#include "carousel/layer/layer_row.hpp"
#include "carousel/model/any_layers.hpp"
#include "carousel/model/row_states.hpp"

#include <concepts>
#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What Sequential is where the layers are known only when the program runs:
///
///     Model<float> model;
///     model.add(LSTM<float>{1, hidden});
///     for (Index k = 1; k < depth; ++k)
///         model.add(GRU<float>{hidden, hidden});
///     model.add(LastStep{});
///     model.add(Dense<float>{hidden, 1});
///
/// fit, Stream, check_gradients, save_safetensors … take it as they take a Sequential, and its parameters have the names
/// of the equal Sequential's. It costs a virtual call a layer and pass, and a layer and sample of a Stream.
///
/// A value: copies are copies of all layers. Assigned a model of the same types of layers, it keeps the addresses of its
/// parameters, so an Optimizer or a Training of it goes on. After add() they are as before, too; an Optimizer doesn't
/// know the new ones.
///
/// State: the matrices of all layers' States in turn: one for a recurrent layer, two for a Bidirectional one, none for
/// a Dense one. An empty list means zero, and so does an empty matrix.
template <std::floating_point S>
class Model : public detail::LayerRow<Model<S>, S>, public detail::AnyLayers<S> {
    using detail::AnyLayers<S>::layers_;

  public:
    using detail::AnyLayers<S>::size, detail::AnyLayers<S>::states, detail::AnyLayers<S>::each_layer;
    using Scalar = S;
    using State = std::vector<Matrix<S>>;
    /// As messages have it.
    static constexpr const char* kind = "Model";

    class Tape {
        friend Model;
        detail::PassRecord pass_;
        std::vector<typename AnyLayer<S>::Tape> layers_;
    };

    Model() = default;
    /// Model<float> model{LSTM<float>{1, 64}, LastStep{}, Dense<float>{64, 1}}; as add() one after the other.
    template <class First, class... Rest>
    requires((sizeof...(Rest) > 0 || !std::same_as<First, Model>)&&Layer<First, S> &&
             (Layer<Rest, S> && ...)) explicit Model(First first, Rest... rest) {
        add(std::move(first));
        (add(std::move(rest)), ...);
    }
    /// The same of a list. Throws std::invalid_argument, naming the layer, as add() does.
    explicit Model(std::vector<AnyLayer<S>> layers) : detail::AnyLayers<S>(std::move(layers)) { this->check_row(); }
    /// Appends a layer. Throws std::invalid_argument, changing nothing, if it doesn't take as many features as the model
    /// gives so far, or takes tokens and isn't the first. Returns the model.
    template <class L>
    Model& add(L layer) {
        static_assert(Layer<L, S>, "Model::add: the layer must be a Layer of the model's scalar type");
        const Index k = size();
        detail::in_layer("Model::add", layers_.size(), layer, [&] {
            require(k == 0 || tokens_may_come() || !detail::takes_tokens(layer), "add",
                    "the layer takes tokens, so it must be the first: no gradient goes through it");
            if (const Index input = this->input_size(); input > 0)
                layer.output_size(this->output_size(input));
        });
        if constexpr (std::same_as<L, AnyLayer<S>>)
            layers_.push_back(std::move(layer));
        else
            layers_.push_back(AnyLayer<S>(std::move(layer)));
        return *this;
    }

    /// Throws std::invalid_argument unless 0 <= k < size().
    AnyLayer<S>& layer(Index k) { return layers_[this->place("Model::layer", k)]; }
    const AnyLayer<S>& layer(Index k) const { return layers_[this->place("Model::layer", k)]; }

    bool takes_tokens() const {
        for (const auto& layer : layers_)
            if (!layer.hands_tokens_on())
                return layer.takes_tokens();
        return false;
    }
    /// f(random) for every generator of the layers' masks.
    template <class F>
    void each_random(Tape& tape, F&& f) const {
        tape.layers_.resize(layers_.size());
        each_layer([&](std::size_t k, const auto& layer) { layer.each_random(tape.layers_[k], f); });
    }

    /// Throws std::invalid_argument, naming the layer, if x or the state doesn't fit.
    SequenceView<S> forward(SequenceView<S> x, Tape& tape, const State& initial = {}) const {
        return run("Model::forward", x, tape, initial, true);
    }
    SequenceView<S> infer(SequenceView<S> x, Tape& tape, const State& initial = {}) const {
        return run("Model::infer", x, tape, initial, false);
    }

    /// Throws std::logic_error if the tape holds no pass.
    void final_state(const Tape& tape, State& out) const {
        tape.pass_.require_pass("Model::final_state", size());
        out.resize(static_cast<std::size_t>(states()));
        std::span<Matrix<S>> rest(out);
        each_layer(
            [&](std::size_t k, const auto& layer) { layer.final_state(tape.layers_[k], detail::taken(rest, layer)); });
    }

    /// Throws what backward would throw, of every layer.
    void check_backward(const Tape& tape, const BackwardOptions<State>& options) const {
        const char* const where = "Model::backward";
        tape.pass_.require_recorded(where, this, 0, size());
        if (options.d_final)
            this->require_state("Model::backward: d_final", *options.d_final);
        auto d_final = detail::all_matrices(options.d_final);
        each_layer([&](std::size_t k, const auto& layer) {
            detail::in_layer(where, k, layer,
                             [&] { layer.check_backward(tape.layers_[k], detail::taken(d_final, layer)); });
        });
    }

    /// Throws, before anything is changed, std::invalid_argument, naming the layer, if a shape differs from the pass',
    /// std::logic_error if the tape holds no forward pass of this model.
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, const BackwardOptions<State>& options = {}) {
        check_backward(tape, options);
        if (options.d_initial)
            options.d_initial->resize(static_cast<std::size_t>(states()));
        auto d_final = detail::all_matrices(options.d_final);
        auto d_initial = detail::all_matrices(options.d_initial);
        for (std::size_t k = layers_.size(); k-- > 0;) {
            dy = detail::in_layer("Model::backward", k, layers_[k], [&] {
                return layers_[k].backward(dy, tape.layers_[k], detail::taken_last(d_final, layers_[k]),
                                           detail::taken_last(d_initial, layers_[k]), k > 0 || options.input_gradient);
            });
            if (options.watch)
                layers_[k].each_parameter([&](const std::string&, const Parameter<S>& parameter) {
                    options.watch->done(&parameter, sizeof parameter);
                });
        }
        tape.pass_.consume();
        return dy;
    }

  private:
    SequenceView<S> run(const char* where, SequenceView<S> x, Tape& tape, const State& initial, bool record) const {
        this->require_state(where, initial);
        require(!layers_.empty(), where, "the model has no layers; add() some");
        tape.pass_.begin();
        tape.layers_.resize(layers_.size());
        std::span<const Matrix<S>> rest(initial);
        each_layer([&](std::size_t k, const auto& layer) {
            x = detail::in_layer(where, k, layer,
                                 [&] { return layer.run(x, tape.layers_[k], detail::taken(rest, layer), record); });
        });
        tape.pass_.end(record, this, 0, size()); // a layer added later makes it the pass of another model
        return x;
    }

    /// Whether all layers so far hand on what they are given.
    bool tokens_may_come() const {
        for (const auto& layer : layers_)
            if (!layer.hands_tokens_on())
                return false;
        return true;
    }
};

} // namespace carousel

#include "carousel/model/model_part.hpp"        // how a Stream runs it
#include "carousel/model/model_voices_part.hpp" // and how Voices do

#ifdef CAROUSEL_COMPILED
#    include "carousel/model/library_layers.hpp"
#endif
