// AnyLayer: a layer of any type behind one, for models whose layers are decided at run time.
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/layer/layer.hpp"
#include "carousel/model/any_stream_part.hpp"
#include "carousel/model/layer_description.hpp"
#include "carousel/model/state_span.hpp"

#include <concepts>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace carousel {

template <std::floating_point S>
class Model;

namespace detail {

/// Its address is the type. (Run-time type information isn't needed.)
template <class T>
[[gnu::visibility("hidden")]] inline constexpr char type_key = 0;

/// What a pass of an AnyLayer remembers: the tape of the layer inside and the states handed to it.
class AnyTape {
  public:
    explicit AnyTape(const void* type) : type_(type) {}
    virtual ~AnyTape() = default;
    virtual std::unique_ptr<AnyTape> copy() const = 0;
    const void* type() const { return type_; }

  private:
    const void* type_;
};

/// The functions of a layer as virtual ones. A state is the matrices of the layer's State, or none for zero.
template <class S>
class LayerInterface {
  public:
    using Tape = std::unique_ptr<AnyTape>;
    using States = std::span<const Matrix<S>>;

    virtual ~LayerInterface() = default;
    virtual std::unique_ptr<LayerInterface> copy() const = 0;
    virtual bool assign(const LayerInterface& other) = 0; ///< false: it is of another type, and nothing was changed
    virtual bool assign(LayerInterface&& other) = 0;
    virtual const void* type() const = 0;
    virtual const void* get() const = 0;

    virtual SequenceView<S> forward(SequenceView<S> x, Tape& tape, States initial, bool record) const = 0;
    virtual void final_state(const Tape& tape, std::span<Matrix<S>> out) const = 0;
    virtual SequenceView<S> backward(SequenceView<S> dy, Tape& tape, States d_final, std::span<Matrix<S>> d_initial,
                                     bool input_gradient) = 0;
    virtual Index states() const = 0;
    virtual void each_parameter(FunctionRef<void(const std::string&, Parameter<S>&)> f) = 0;
    virtual void each_const_parameter(FunctionRef<void(const std::string&, const Parameter<S>&)> f) const = 0;
    virtual void each_random(Tape& tape, FunctionRef<void(Random&)> f) const = 0;
    virtual void initialize(Random& random) = 0;
    virtual std::string name() const = 0;
    virtual Index input_size() const = 0;
    virtual Index output_size(Index input) const = 0;
    virtual Index output_length(Index length) const = 0;
    virtual Index least_steps() const = 0;
    virtual bool takes_tokens() const = 0;
    virtual void each_setting(FunctionRef<void(const std::string&, const SettingValue&)> f) const = 0;
    virtual LayerDescription describe() const = 0;
    virtual std::unique_ptr<AnyStreamPart<S>> stream_part(Index features) const = 0;
};

template <class L, class S>
class LayerOf final : public LayerInterface<S> {
    using Base = LayerInterface<S>;
    using typename Base::States;
    using typename Base::Tape;
    using LayerTape = TapeOf<L, S>;

    struct TapeOfLayer final : AnyTape {
        explicit TapeOfLayer(const L& layer)
            : AnyTape(&type_key<L>), initial(layer), final_state(layer), d_final(layer), d_initial(layer) {}
        std::unique_ptr<AnyTape> copy() const override { return std::make_unique<TapeOfLayer>(*this); }

        LayerTape tape;
        StateSpan<L, S> initial, final_state, d_final, d_initial;
    };

  public:
    explicit LayerOf(L layer) : layer_(std::move(layer)) {}
    std::unique_ptr<Base> copy() const override { return std::make_unique<LayerOf>(*this); }
    bool assign(const Base& other) override {
        if (other.type() != type())
            return false;
        layer_ = static_cast<const LayerOf&>(other).layer_;
        return true;
    }
    bool assign(Base&& other) override {
        if (other.type() != type())
            return false;
        layer_ = std::move(static_cast<LayerOf&>(other).layer_);
        return true;
    }
    const void* type() const override { return &type_key<L>; }
    const void* get() const override { return &layer_; }

    SequenceView<S> forward(SequenceView<S> x, Tape& tape, States initial, bool record) const override {
        if (!tape || tape->type() != type())
            tape = std::make_unique<TapeOfLayer>(layer_);
        auto& own = static_cast<TapeOfLayer&>(*tape);
        const StateOf<L, S>& state = own.initial.read(initial);
        return record ? layer_.forward(x, own.tape, state) : layer_.infer(x, own.tape, state);
    }
    void final_state(const Tape& tape, std::span<Matrix<S>> out) const override {
        const auto& own = own_tape("AnyLayer::final_state", tape);
        own.final_state.write(out, [&](StateOf<L, S>& state) { layer_.final_state(own.tape, state); });
    }
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, States d_final, std::span<Matrix<S>> d_initial,
                             bool input_gradient) override {
        auto& own = const_cast<TapeOfLayer&>(own_tape("AnyLayer::backward", tape));
        const StateOf<L, S>* const from = d_final.empty() ? nullptr : &own.d_final.read(d_final);
        SequenceView<S> dx;
        const auto run = [&](StateOf<L, S>* to) {
            dx = layer_.backward(dy, own.tape, {.d_final = from, .d_initial = to, .input_gradient = input_gradient});
        };
        if (d_initial.empty())
            run(nullptr);
        else
            own.d_initial.write(d_initial, [&](StateOf<L, S>& state) { run(&state); });
        return dx;
    }

    Index states() const override {
        if constexpr (constexpr Index count = fixed_state_count<StateOf<L, S>>(); count != Dynamic)
            return count;
        else
            return layer_.states();
    }
    void each_parameter(FunctionRef<void(const std::string&, Parameter<S>&)> f) override { layer_.each_parameter(f); }
    void each_const_parameter(FunctionRef<void(const std::string&, const Parameter<S>&)> f) const override {
        layer_.each_parameter(f);
    }
    void each_random(Tape& tape, FunctionRef<void(Random&)> f) const override {
        if (!tape || tape->type() != type())
            tape = std::make_unique<TapeOfLayer>(layer_);
        detail::each_random(layer_, static_cast<TapeOfLayer&>(*tape).tape, f);
    }
    void initialize(Random& random) override { layer_.initialize(random); }
    std::string name() const override { return layer_.name(); }
    Index input_size() const override { return detail::input_size(layer_); }
    Index output_size(Index input) const override { return layer_.output_size(input); }
    Index output_length(Index length) const override { return detail::output_length(layer_, length); }
    Index least_steps() const override { return detail::least_steps(layer_); }
    bool takes_tokens() const override { return detail::takes_tokens(layer_); }
    void each_setting(FunctionRef<void(const std::string&, const SettingValue&)> f) const override {
        detail::each_setting(layer_, "",
                             [&](const std::string& name, const auto& value) { f(name, setting_value(value)); });
    }
    LayerDescription describe() const override { return carousel::describe(layer_); }
    std::unique_ptr<AnyStreamPart<S>> stream_part([[maybe_unused]] Index features) const override {
        if constexpr (constexpr const char* reason = why_not_streamed<L, S>(); reason)
            require(false, "Stream", "the layer ", layer_.name(), " can't be streamed: ", reason);
        else
            return std::make_unique<StreamPartOf<L, S>>(layer_, features);
        return nullptr;
    }

  private:
    static const TapeOfLayer& own_tape(const char* where, const Tape& tape) {
        if (!tape || tape->type() != &type_key<L>)
            fail<std::logic_error>(std::string(where) + ": the tape holds no pass of a layer of this type");
        return static_cast<const TapeOfLayer&>(*tape);
    }

    L layer_;
};

} // namespace detail

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

    template <class L>
    requires(!std::same_as<L, AnyLayer> && Layer<L, S>) explicit AnyLayer(L layer)
        : layer_(std::make_unique<detail::LayerOf<L, S>>(std::move(layer))) {}
    AnyLayer(const AnyLayer& other) : layer_(other.layer_ ? other.layer_->copy() : nullptr) {}
    AnyLayer(AnyLayer&&) noexcept = default;
    AnyLayer& operator=(const AnyLayer& other) {
        if (!layer_ || !other.layer_ || !layer_->assign(*other.layer_))
            layer_ = other.layer_ ? other.layer_->copy() : nullptr;
        return *this;
    }
    AnyLayer& operator=(AnyLayer&& other) {
        if (this != &other && (!layer_ || !other.layer_ || !layer_->assign(std::move(*other.layer_))))
            layer_ = std::move(other.layer_);
        return *this;
    }

    /// The layer inside, if it is an L; else null.
    template <class L>
    const L* target() const {
        return layer_ && layer_->type() == &detail::type_key<L> ? static_cast<const L*>(layer_->get()) : nullptr;
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
    void initialize(Random& random) { get().initialize(random); }
    /// How many matrices its State has.
    Index states() const { return get().states(); }
    State empty_state() const { return State(static_cast<std::size_t>(states())); }
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
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, const BackwardOptions<State>& options = {}) {
        if (options.d_final)
            checked("AnyLayer::backward: d_final", *options.d_final);
        if (options.d_initial)
            options.d_initial->resize(static_cast<std::size_t>(states()));
        return backward(dy, tape, options.d_final ? std::span(*options.d_final) : std::span<const Matrix<S>>(),
                        options.d_initial ? std::span(*options.d_initial) : std::span<Matrix<S>>(),
                        options.input_gradient);
    }

  private:
    friend class Model<S>;
    friend class StreamPart<AnyLayer, S>;

    /// The same for a part of the states of a row of layers: states() matrices, or none for zero (or not wanted).
    SequenceView<S> run(SequenceView<S> x, Tape& tape, std::span<const Matrix<S>> initial, bool record) const {
        return get().forward(x, tape.tape_, initial, record);
    }
    void final_state(const Tape& tape, std::span<Matrix<S>> out) const { get().final_state(tape.tape_, out); }
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
