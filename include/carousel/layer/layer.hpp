// Layer: what Sequential, fit, Stream and check_gradients ask of a layer.
#pragma once

#include "carousel/core/parameter.hpp"
#include "carousel/core/random.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/core/settings.hpp"
#include "carousel/layer/pass_record.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// The state of a layer that carries none from step to step.
struct NoState {};

/// Told by a row of layers, of each of them, that a backward pass is done with it. A layer of one's own whose parameters another
/// layer uses, too, or that runs a row of layers more than once in a pass, gives its inner layers no watch: their gradients aren't
/// complete yet.
class GradientWatch {
  public:
    /// The gradients of those parameters are complete that stand in so many bytes from `first` on.
    virtual void done(const void* first, std::size_t bytes) = 0;

  protected:
    ~GradientWatch() = default;
};

/// What a backward pass is given and asked for besides the gradient of the output.
template <class State>
struct BackwardOptions {
    const State* d_final = nullptr; ///< in: the gradient of the final state; null means zero
    State* d_initial = nullptr;     ///< out: the gradient of the initial state; null means not wanted
    bool input_gradient = true;     ///< false: dx isn't computed and backward returns an empty view
    GradientWatch* watch = nullptr; ///< told by Sequential and Model, layer by layer; null: no one
};

namespace detail {

template <class L>
concept NamesScalar = requires {
    typename L::Scalar;
};

template <class L, class S>
struct pass_types {}; // of what is no layer
template <class L, class S>
requires NamesScalar<L> && requires {
    typename L::Tape;
    typename L::State;
}
struct pass_types<L, S> {
    using Tape = typename L::Tape;
    using State = typename L::State;
};
template <class L, class S>
requires(!NamesScalar<L>) && requires { // a layer of any scalar
    typename L::template Tape<S>;
    typename L::template State<S>;
}
struct pass_types<L, S> {
    using Tape = typename L::template Tape<S>;
    using State = typename L::template State<S>;
};

} // namespace detail

/// The Tape and the State of a layer, whether it names its Scalar or takes any.
template <class L, class S>
using TapeOf = typename detail::pass_types<L, S>::Tape;
template <class L, class S>
using StateOf = typename detail::pass_types<L, S>::State;

/// A layer maps a batch of sequences to a batch of sequences. It has
///
///     using Scalar = S;                  // float or double
///     using Tape = …;                    // what one pass remembers; reused, it keeps its memory
///     using State = …;                   // what goes from chunk to chunk of a sequence: a value the caller holds
///     SequenceView<S> forward(SequenceView<S> x, Tape&, const State& initial) const;   // recorded: for training
///     SequenceView<S> infer(SequenceView<S> x, Tape&, const State& initial) const;     // not: for inference
///     void final_state(const Tape&, State& out) const;                                 // of the last pass
///     SequenceView<S> backward(SequenceView<S> dy, Tape&, const BackwardOptions<State>&);      // adds to gradients; dx
///     void each_parameter(f);            // f(name, Parameter<S>&)
///     void each_parameter(f) const;      // f(name, const Parameter<S>&)
///     void initialize(Random&);          // draws new parameters
///     Index output_size(Index input_size) const;   // throws if that many features don't fit
///     std::string name() const;
///     void each_setting(f) const;        // may be left out: f(name, value), see core/settings.hpp
///
/// and, if its recorded passes draw random numbers,
///
///     void each_random(Tape&, f) const;  // f(Random&) for every generator of the tape, seeded as the first pass would
///
/// by which a Training saves and restores them: without it a training that goes on draws the same numbers again.
///
/// and, if its output has not the steps of its input (LastStep, EncoderDecoder),
///
///     Index output_length(Index length) const;     // of what it makes of a sequence of so many real steps
///     Index least_steps() const;                   // so many steps x has at least, padding included; else 0
///
/// and, as they are needed,
///
///     Index input_size() const;                    // features of x, unless it takes any number
///     static constexpr bool takes_tokens() { return true; }    // x is tokens, so no gradient reaches a layer before it
///     static constexpr bool passes_tokens = true;  // it hands features on as they are (Slice): tokens may follow it
///     Index states() const;                        // if State is a list whose length isn't fixed: how many matrices
///     State empty_state() const;                   // and such a list of empty ones
///     void each_option(f) const;                   // f(name, value) of what makes the layer again besides each_setting,
///                                                  // such as its sizes, for files that describe themselves
///     void each_memory(f) const;                   // f(Index) for each matrix of State: how many features an Attention remembers in it,
///                                                  // which hand_over leaves out; 0: it isn't one; a layer of layers asks them
///     void each_inner(f) const;                    // f(layer) for the layers inside this one, for the same files
///     const L& described() const;                  // the layer whose place this one takes in training, for the same files
///
/// and, if its backward refuses more than a dy of another shape,
///
///     void check_backward(const Tape&, const BackwardOptions<State>&) const;   // throws what backward would throw
///
/// which a layer of layers, such as Sequential, calls for all of them before the backward of any: what one refuses is
/// refused before another has added to its gradients, and the tape still holds its pass.
///
/// A layer that takes any scalar, such as Dropout, has no Scalar; its Tape, State and functions are templates of S.
///
/// What forward, infer and backward return lives in the tape, and x must live, unchanged, until backward. A State that
/// holds nothing yet means zero. backward consumes the tape: a second call throws std::logic_error, as does one with the
/// tape of another layer, or with a copy of a tape, which holds no pass.
template <class L, class S>
concept Layer = requires(const L layer, L trained, TapeOf<L, S> tape, StateOf<L, S> state, SequenceView<S> x,
                         BackwardOptions<StateOf<L, S>> options, Random random) {
    { layer.forward(x, tape, state) } -> std::same_as<SequenceView<S>>;
    { layer.infer(x, tape, state) } -> std::same_as<SequenceView<S>>;
    { trained.backward(x, tape, options) } -> std::same_as<SequenceView<S>>;
    layer.final_state(tape, state);
    trained.each_parameter([](const std::string&, Parameter<S>&) {});
    layer.each_parameter([](const std::string&, const Parameter<S>&) {});
    trained.initialize(random);
    { layer.output_size(Index{}) } -> std::same_as<Index>;
    { layer.name() } -> std::convertible_to<std::string>;
};

namespace detail {

/// Whether a State is the states of other layers: a tuple, an array or a vector of them.
template <class State>
inline constexpr bool is_list_of_states = requires {
    std::tuple_size<State>::value;
};
template <class State, class Allocator>
inline constexpr bool is_list_of_states<std::vector<State, Allocator>> = true;

/// How many matrices a State has; Dynamic if that is decided at run time.
template <class State>
constexpr Index fixed_state_count() {
    if constexpr (requires { std::tuple_size<State>::value; })
        return []<std::size_t... k>(std::index_sequence<k...>) {
            Index sum = 0;
            for (const Index count : {Index(0), fixed_state_count<std::tuple_element_t<k, State>>()...})
                sum = sum == Dynamic || count == Dynamic ? Dynamic : sum + count;
            return sum;
        }
    (std::make_index_sequence<std::tuple_size_v<State>>{});
    else if constexpr (is_list_of_states<State>) return Dynamic;
    else return std::is_same_v<State, NoState> ? 0 : 1;
}

/// The steps of a layer's output for a sequence of `length` steps.
template <class L>
Index output_length(const L& layer, Index length) {
    if constexpr (requires { layer.output_length(length); })
        return layer.output_length(length);
    else
        return length;
}

/// f(random) for every generator that recorded passes with this tape draw from.
template <class L, class Tape, class F>
void each_random(const L& layer, Tape& tape, F&& f) {
    if constexpr (requires { layer.each_random(tape, f); })
        layer.each_random(tape, f);
}

/// Whether a layer makes one step of a sequence of any length, as LastStep does.
template <class L>
bool makes_one_step(const L& layer) {
    return output_length(layer, 1) == 1 && output_length(layer, power_of_two(40)) == 1;
}

/// How many features a layer's input has; 0 if it takes any number.
template <class L>
Index input_size(const L& layer) {
    if constexpr (requires { layer.input_size(); })
        return layer.input_size();
    else
        return 0;
}

/// Whether a layer's input is tokens, which have no gradient: of any layer, and of one that knows at compile time.
template <class L>
constexpr bool takes_tokens() {
    if constexpr (requires { typename std::bool_constant<L::takes_tokens()>; })
        return L::takes_tokens();
    else
        return false;
}
template <class L>
constexpr bool takes_tokens(const L& layer) {
    if constexpr (requires { layer.takes_tokens(); })
        return layer.takes_tokens();
    else
        return false;
}

/// Whether tokens may come after a layer, because it hands them on as they are (Slice).
template <class L>
constexpr bool passes_tokens() {
    if constexpr (requires { typename std::bool_constant<L::passes_tokens>; })
        return L::passes_tokens;
    else
        return false;
}
template <class L>
bool passes_tokens(const L& layer) {
    if constexpr (requires { layer.hands_tokens_on(); })
        return layer.hands_tokens_on();
    else
        return passes_tokens<L>();
}

/// A State of a layer whose matrices are all there, and empty: zero.
template <class L, class S>
StateOf<L, S> empty_state(const L& layer) {
    if constexpr (requires { layer.empty_state(); })
        return layer.empty_state();
    else
        return {};
}

/// How many steps a layer needs in its input.
template <class L>
Index least_steps(const L& layer) {
    if constexpr (requires { layer.least_steps(); })
        return layer.least_steps();
    else
        return 0;
}

/// Throws what the layer's backward would refuse of its parameters, its tape and the options.
template <class L, class Tape, class State>
void check_backward(const L& layer, const Tape& tape, const BackwardOptions<State>& options) {
    if constexpr (requires { layer.check_backward(tape, options); })
        layer.check_backward(tape, options);
}

/// Throws std::invalid_argument unless a state, or its gradient, is empty or rows × batch. `what` is what the message calls
/// it.
template <class S>
void require_state(const char* where, const char* what, const Matrix<S>& state, Index rows, Index batch) {
    require(state.size() == 0 || (state.rows() == rows && state.cols() == batch), where, what, " is ", state.rows(),
            " x ", state.cols(), ", expected ", rows, " x ", batch);
}

/// Throws std::invalid_argument unless a parameter's value or gradient still has the shape rows × columns, which its
/// layer reads and writes whatever was assigned to it. `name` and `part` make "W.value" or "W.grad".
template <class S>
void require_shape(const char* where, const char* name, const char* part, const Matrix<S>& numbers, Index rows,
                   Index columns) {
    require(numbers.rows() == rows && numbers.cols() == columns, where, name, part, " is ", numbers.rows(), " x ",
            numbers.cols(), ", expected ", rows, " x ", columns);
}

} // namespace detail

/// f(matrix) for every matrix of a State, in the order of the layers: the h and c of all of them, to save, mix or reset.
/// A State without any, as Dense has it, has none to call f for.
template <class State, class F>
void each_state(State& state, F&& f) {
    using Plain = std::remove_const_t<State>;
    if constexpr (requires { std::tuple_size<Plain>::value; })
        std::apply([&](auto&... parts) { (each_state(parts, f), ...); }, state);
    else if constexpr (detail::is_list_of_states<Plain>)
        for (auto& part : state)
            each_state(part, f);
    else if constexpr (!std::is_same_v<Plain, NoState>)
        f(state);
}

} // namespace carousel
