// AnyLayer: a layer of any type behind one, for models whose layers are decided at run time.
#pragma once

#include "carousel/layer/slice.hpp"
#include "carousel/model/layer_of.hpp"

#include <concepts>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

struct RunnerWords;
template <class S, class Any, const RunnerWords& words>
class AnyLayerPart; // model_parts.hpp
template <std::floating_point S>
class AnyLayers;

} // namespace detail

template <std::floating_point S>
class Model;
template <std::floating_point S>
class AnyParallel;

/// A layer of scalar S whose type only the program that runs knows; itself a Layer, and a value: copies are copies of the
/// layer inside. Assigned a layer of the same type, it keeps the addresses of its parameters, so an Optimizer of them
/// goes on.
///
/// State: the matrices of the layer's State in turn; an empty list means zero. One that was moved from holds no layer:
/// every call throws std::logic_error but assignment.
template <std::floating_point S>
class AnyLayer {
    using Interface = detail::LayerInterface<S>;

  public:
    using Scalar = S;
    using State = std::vector<Matrix<S>>;

    class Tape {
      public:
        Tape() = default;
        Tape(Tape&&) noexcept = default;
        Tape& operator=(Tape&&) noexcept = default;
        Tape(const Tape& other) : tape_(other.tape_ ? other.tape_->copy() : nullptr) {}
        Tape& operator=(const Tape& other) { return *this = Tape(other); }

      private:
        friend AnyLayer;
        typename Interface::Tape tape_;
    };

    /// Takes over a layer of any type; copies of an AnyLayer copy what is inside.
    template <class L>
    requires(!std::same_as<L, AnyLayer> && Layer<L, S>) explicit AnyLayer(L layer)
        : layer_(detail::layer_of<L, S>(std::move(layer))) {}
    AnyLayer(const AnyLayer& other) : layer_(other.layer_ ? other.layer_->copy() : nullptr) {}
    AnyLayer(AnyLayer&&) noexcept = default;
    AnyLayer& operator=(const AnyLayer& other) {
        if (!layer_ || !other.layer_ || !layer_->assign(*other.layer_))
            layer_ = other.layer_ ? other.layer_->copy() : nullptr;
        return *this;
    }
    AnyLayer& operator=(AnyLayer&& other) {
        if (this == &other)
            return *this;
        if (layer_ && other.layer_ && layer_->assign(std::move(*other.layer_)))
            other.layer_.reset();
        else
            layer_ = std::move(other.layer_);
        return *this;
    }

    /// The layer inside, if it is an L; else null.
    template <class L>
    const L* target() const {
        return layer_ && layer_->type() == detail::layer_key<L, S>() ? static_cast<const L*>(layer_->get()) : nullptr;
    }
    template <class L>
    L* target() {
        return const_cast<L*>(std::as_const(*this).template target<L>());
    }

    std::string name() const { return get().name(); }
    Index input_size() const { return get().input_size(); } ///< 0 if it takes any number of features
    Index output_size(Index input) const { return get().output_size(input); }
    Index output_length(Index length) const { return get().output_length(length); }
    Index least_steps() const { return get().least_steps(); }
    bool takes_tokens() const { return get().takes_tokens(); }
    bool hands_tokens_on() const { return target<Slice>() != nullptr; } ///< a layer that takes tokens may follow
    void initialize(Random& random) { get().initialize(random); }
    /// How many matrices its State has.
    Index states() const { return get().states(); }
    State empty_state() const { return State(static_cast<std::size_t>(states())); }
    /// What the layer inside is, as values from which a LayerRegistry makes it again.
    LayerDescription describe() const { return get().describe(); }

    template <class F>
    void each_parameter(F&& f) {
        get().each_parameter(f);
    }
    template <class F>
    void each_parameter(F&& f) const {
        get().each_const_parameter(f);
    }
    template <class F>
    void each_setting(F&& f) const {
        get().each_setting([&](const std::string& name, const SettingValue& value) {
            std::visit([&](const auto& v) { f(name, v); }, value);
        });
    }
    /// As the layer inside does it.
    template <class F>
    void each_memory(F&& f) const {
        get().each_memory(f);
    }
    template <class F>
    void each_random(Tape& tape, F&& f) const {
        get().each_random(tape.tape_, f);
    }

    /// These throw as the layer inside does, and std::invalid_argument if a state has another number of matrices.
    SequenceView<S> forward(SequenceView<S> x, Tape& tape, const State& initial = {}) const {
        return run(x, tape, checked("AnyLayer::forward: initial", initial), true);
    }
    SequenceView<S> infer(SequenceView<S> x, Tape& tape, const State& initial = {}) const {
        return run(x, tape, checked("AnyLayer::infer: initial", initial), false);
    }
    void final_state(const Tape& tape, State& out) const {
        out.resize(static_cast<std::size_t>(states()));
        final_state(tape, std::span(out));
    }
    void check_backward(const Tape& tape, const BackwardOptions<State>& options) const {
        if (options.d_final)
            checked("AnyLayer::backward: d_final", *options.d_final);
        check_backward(tape, options.d_final ? std::span(*options.d_final) : std::span<const Matrix<S>>());
    }
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, const BackwardOptions<State>& options = {}) {
        check_backward(tape, options);
        if (options.d_initial)
            options.d_initial->resize(static_cast<std::size_t>(states()));
        return backward(dy, tape, options.d_final ? std::span(*options.d_final) : std::span<const Matrix<S>>(),
                        options.d_initial ? std::span(*options.d_initial) : std::span<Matrix<S>>(),
                        options.input_gradient);
    }

  private:
    friend class Model<S>;
    friend class AnyParallel<S>;
    friend class detail::AnyLayers<S>;
    friend class StreamPart<AnyLayer, S>;
    friend class VoicesPart<AnyLayer, S>;
    template <class, class, const detail::RunnerWords&>
    friend class detail::AnyLayerPart;

    /// The same for a part of the states of a row of layers: states() matrices, or none for zero (or not wanted).
    SequenceView<S> run(SequenceView<S> x, Tape& tape, std::span<const Matrix<S>> initial, bool record) const {
        return get().forward(x, tape.tape_, initial, record);
    }
    void final_state(const Tape& tape, std::span<Matrix<S>> out) const { get().final_state(tape.tape_, out); }
    void check_backward(const Tape& tape, std::span<const Matrix<S>> d_final) const {
        get().check_backward(tape.tape_, d_final);
    }
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, std::span<const Matrix<S>> d_final,
                             std::span<Matrix<S>> d_initial, bool input_gradient) {
        return get().backward(dy, tape.tape_, d_final, d_initial, input_gradient);
    }
    bool same_type(const AnyLayer& other) const {
        return layer_ && other.layer_ && layer_->type() == other.layer_->type();
    }

    const State& checked(const char* where, const State& state) const {
        require(state.empty() || static_cast<Index>(state.size()) == states(), where, "the state has ", state.size(),
                " matrices, expected ", states(), ", or none for zero");
        return state;
    }

    Interface& get() {
        require_layer();
        return *layer_;
    }
    const Interface& get() const {
        require_layer();
        return *layer_;
    }
    void require_layer() const {
        if (!layer_) [[unlikely]]
            detail::fail<std::logic_error>("AnyLayer: the layer was moved from; assign one first");
    }

    std::unique_ptr<Interface> layer_;
};

} // namespace carousel
