// LayerOf: a layer of any type behind virtual functions, with its tape; what AnyLayer holds.
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/layer/attention_memory.hpp"
#include "carousel/layer/layer.hpp"
#include "carousel/model/any_stream_part.hpp"
#include "carousel/model/any_voices_part.hpp"
#include "carousel/model/layer_description.hpp"
#include "carousel/model/state_span.hpp"

#include <memory>
#include <span>
#include <string>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// Its address is the type. (Run-time type information isn't needed.)
template <class T>
CAROUSEL_OWN inline constexpr char type_key = 0;

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
    virtual void check_backward(const Tape& tape, States d_final) const = 0;
    virtual SequenceView<S> backward(SequenceView<S> dy, Tape& tape, States d_final, std::span<Matrix<S>> d_initial,
                                     bool input_gradient) = 0;
    virtual Index states() const = 0;
    virtual void each_parameter(FunctionRef<void(const std::string&, Parameter<S>&)> f) = 0;
    virtual void each_const_parameter(FunctionRef<void(const std::string&, const Parameter<S>&)> f) const = 0;
    virtual void each_memory(FunctionRef<void(Index)> f) const = 0;
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
    virtual std::unique_ptr<AnyStreamPart<S>> stream_part(Index features, const StreamOptions& options) const = 0;
    virtual std::unique_ptr<AnyVoicesPart<S>> voices_part(Index features, Index capacity) const = 0;
};

/// What tells layers of this type from others. Not inline, so that all files have that of the library compiled ahead for its layers:
/// with -fvisibility=hidden they have type_keys of their own.
template <class L, class S>
const void* layer_key() {
    return &type_key<L>;
}

template <class L, class S>
class LayerOf final : public LayerInterface<S> {
    using Base = LayerInterface<S>;
    using typename Base::States;
    using typename Base::Tape;
    using LayerTape = TapeOf<L, S>;

    struct TapeOfLayer final : AnyTape {
        explicit TapeOfLayer(const L& layer)
            : AnyTape(layer_key<L, S>()), state(layer), d_final(layer), d_initial(layer) {}
        std::unique_ptr<AnyTape> copy() const override { return std::make_unique<TapeOfLayer>(*this); }

        LayerTape tape;
        StateSpan<L, S> state; ///< the initial and, after the pass, the final one
        StateSpan<L, S> d_final, d_initial;
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
    const void* type() const override { return layer_key<L, S>(); }
    const void* get() const override { return &layer_; }

    SequenceView<S> forward(SequenceView<S> x, Tape& tape, States initial, bool record) const override {
        auto& own = own_tape(tape);
        const StateOf<L, S>& from = own.state.read(initial);
        return record ? layer_.forward(x, own.tape, from) : layer_.infer(x, own.tape, from);
    }
    void final_state(const Tape& tape, std::span<Matrix<S>> out) const override {
        with_own_tape(tape, [&](const TapeOfLayer& own) {
            own.state.write(out, [&](StateOf<L, S>& state) { layer_.final_state(own.tape, state); });
        });
    }
    void check_backward(const Tape& tape, States d_final) const override {
        with_own_tape(tape, [&](const TapeOfLayer& own) {
            const StateOf<L, S>* const from = d_final.empty() ? nullptr : &own.d_final.read(d_final);
            detail::check_backward(layer_, own.tape, BackwardOptions<StateOf<L, S>>{.d_final = from});
        });
    }
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, States d_final, std::span<Matrix<S>> d_initial,
                             bool input_gradient) override {
        auto& own = own_tape(tape);
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
    void each_memory(FunctionRef<void(Index)> f) const override { detail::each_memory<S>(layer_, f); }
    void each_random(Tape& tape, FunctionRef<void(Random&)> f) const override {
        detail::each_random(layer_, own_tape(tape).tape, f);
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
    std::unique_ptr<AnyStreamPart<S>> stream_part(Index features, const StreamOptions& options) const override {
        return part<AnyStreamPart<S>>(
            "Stream", [&](const auto& layer) { return any_stream_part<L, S>(layer, features, options); });
    }
    std::unique_ptr<AnyVoicesPart<S>> voices_part(Index features, Index capacity) const override {
        return part<AnyVoicesPart<S>>("Voices", [&](const auto& layer) {
            return std::make_unique<VoicesPartOf<L, S>>(layer, features, capacity);
        });
    }

  private:
    /// make(the layer), a part of it; throws std::invalid_argument if it can't be streamed.
    template <class Any, class Make>
    std::unique_ptr<Any> part([[maybe_unused]] const char* where, [[maybe_unused]] const Make& make) const {
        if constexpr (constexpr const char* reason = why_not_streamed<L, S>(); reason)
            require(false, where, "the layer ", layer_.name(), " can't be streamed: ", reason);
        else
            return make(layer_);
        return nullptr;
    }
    /// The tape, a fresh one if it is another type's: it holds no pass, as the layer says then.
    TapeOfLayer& own_tape(Tape& tape) const {
        if (!tape || tape->type() != type())
            tape = std::make_unique<TapeOfLayer>(layer_);
        return static_cast<TapeOfLayer&>(*tape);
    }
    template <class F>
    void with_own_tape(const Tape& tape, F&& f) const {
        if (tape && tape->type() == type())
            f(static_cast<const TapeOfLayer&>(*tape));
        else
            f(TapeOfLayer(layer_));
    }

    L layer_;
};

/// The layer behind virtual functions. The library compiled ahead has this function for each of its layers, so that a file that uses them
/// doesn't even instantiate the class.
template <class L, class S>
std::unique_ptr<LayerInterface<S>> layer_of(L&& layer) {
    return std::make_unique<LayerOf<L, S>>(std::move(layer));
}

} // namespace detail

} // namespace carousel
