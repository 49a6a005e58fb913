// Stream: a trained model run sample by sample. docs/streaming.md explains its use in programs that run for days.
#pragma once

#include "carousel/core/buffer.hpp"
#include "carousel/simd/denormals.hpp"
#include "carousel/stream/attention_part.hpp"
#include "carousel/stream/conv1d_part.hpp"
#include "carousel/stream/narrow/part.hpp"
#include "carousel/stream/narrow/product.hpp"
#include "carousel/stream/parallel_part.hpp"
#include "carousel/stream/recurrent_part.hpp"
#include "carousel/stream/residual_part.hpp"
#include "carousel/stream/sequential_part.hpp"
#include "carousel/stream/stateless_parts.hpp"

#include <algorithm>
#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// Declared for its type alone: that of the numbers of an Eigen expression, a container or an array.
template <class Derived>
typename Derived::Scalar scalar_of_elements(const Eigen::DenseBase<Derived>&);
template <class Container>
auto scalar_of_elements(const Container& x) -> std::remove_cvref_t<decltype(*std::data(x))>;

/// Whether the numbers of an Eigen expression are one vector and stand next to each other in memory.
template <class Expression>
constexpr bool contiguous_vector() {
    if constexpr (requires(const Expression& x) { x.data(); })
        return Expression::IsVectorAtCompileTime && Expression::InnerStrideAtCompileTime == 1;
    else
        return false;
}

/// The part of a Stream with these options.
template <class Model, StreamOption... Options>
using PartFor = typename PartWithOptions<Model, typename Model::Scalar, (std::same_as<Options, WeightType> || ...),
                                         (std::same_as<Options, FastGatesOption> || ...)>::type;

template <class Scalar, StreamOption... Options>
StreamOptions stream_options(Options... given) {
    static_assert((int(std::same_as<Options, WeightType>) + ...) <= 1 &&
                      (int(std::same_as<Options, FastGatesOption>) + ...) <= 1,
                  "Stream: an option is given twice; give one type of weights and one fast_gates at most");
    StreamOptions options;
    (options.take(given), ...);
    static_assert(std::same_as<Scalar, float>,
                  "Stream: narrow weights and fast gates are less exact than a float; they are for models of floats");
    if constexpr ((std::same_as<Options, WeightType> || ...)) {
        const auto type = static_cast<int>(options.weights);
        require(type >= 0 && type <= static_cast<int>(WeightType::int8), "Stream", "the WeightType is ", type,
                ", expected WeightType::bfloat16, WeightType::int16 or WeightType::int8");
        options.functions = &stream::narrow_functions();
    }
    return options;
}

} // namespace detail

/// One run of a model along a sequence that has no end: the state of every layer, a packed copy of the weights, and the memory
/// of a step. A copy of a Stream goes on from the same state by itself. The numbers are those of the whole-sequence pass, to
/// rounding; denormal states become zero.
///
///     Stream stream{model};
///     for (float sample : live) play(stream(sample));
///
/// Narrower weights and faster functions are options, in any order (docs/streaming.md says what they cost and gain):
///
///     Stream small{model, WeightType::int8};              // its type: StreamWith<Model, WeightType>
///     Stream fast{model, WeightType::int16, fast_gates};
///
/// Only the constructor, copies, prewarm() and state() allocate. Threads may not share a Stream; each has its own copy.
/// A step is compiled for the instruction set of the file that names the type, unless a compiled library has it: `Part` tells such
/// types of two files apart.
template <class Model, class Part = StreamPart<Model, typename Model::Scalar>>
class Stream {
  public:
    using Scalar = typename Model::Scalar;
    using State = typename Model::State;

    /// Throws std::invalid_argument if a layer can't be streamed, as one that runs in reverse, or if a parameter has another
    /// shape than its layer gave it.
    explicit Stream(const Model& model)
        : input_(model.input_size()), output_(model.output_size(input_)),
          part_(detail::stream_part<Model, Scalar>(model, input_)) {
        prepare();
    }
    /// The same with options, one WeightType and one fast_gates at most; throws std::invalid_argument, too, if the WeightType is none of
    /// the three.
    template <StreamOption... Options>
    requires(sizeof...(Options) > 0) explicit Stream(const Model& model, Options... options)
        : input_(model.input_size()), output_(model.output_size(input_)),
          part_(model, input_, detail::stream_options<Scalar>(options...)) {
        static_assert(std::same_as<Part, detail::PartFor<Model, Options...>>,
                      "Stream: the options are part of the type; write Stream stream{model, …}, or "
                      "StreamWith<Model, WeightType>");
        prepare();
    }

    /// Features of a sample in, and of one out.
    Index input_size() const { return input_; }
    Index output_size() const { return output_; }

    /// One sample of input_size() features. Returns the model's output_size() numbers, valid until the next call. A sample of
    /// another size is left out: the state stays as it was, and the span returned is empty.
    std::span<const Scalar> operator()(std::span<const Scalar> x) noexcept CAROUSEL_NONBLOCKING {
        if (x.size() != static_cast<std::size_t>(input_)) [[unlikely]]
            return {};
        return {part_(x.data()), static_cast<std::size_t>(output_)};
    }

    /// The same for an Eigen vector whose numbers stand next to each other in memory: a VectorXf, x.col(t), a Map.
    template <class Vector>
    requires(!std::convertible_to<const Vector&, Scalar> &&
             !std::convertible_to<const Vector&, std::span<const Scalar>>) std::span<const Scalar>
    operator()(const Vector& x) noexcept {
        if constexpr (!requires { detail::scalar_of_elements(x); })
            static_assert(sizeof(Vector) == 0, "Stream: a sample is a number, a span, a container or an Eigen vector");
        else if constexpr (!std::same_as<decltype(detail::scalar_of_elements(x)), Scalar>)
            static_assert(sizeof(Vector) == 0,
                          "Stream: the sample and the model have different scalar types; convert the "
                          "sample (x.cast<float>()) or make the model of the other type");
        else if constexpr (!requires { x.derived(); })
            static_assert(sizeof(Vector) == 0, "Stream: the sample isn't contiguous; copy it to a std::vector");
        else if constexpr (!detail::contiguous_vector<Vector>())
            static_assert(sizeof(Vector) == 0,
                          "Stream: the sample is no Eigen vector whose numbers stand next to each other; "
                          "give a column (x.col(t)) or evaluate the expression first (x.eval())");
        else
            return (*this)(std::span<const Scalar>(x.data(), static_cast<std::size_t>(x.size())));
    }

    /// For models of one feature: one number in, the first of the outputs back. With a model of more features the sample is left
    /// out: the state stays as it was, and NaN is returned.
    Scalar operator()(Scalar x) noexcept CAROUSEL_NONBLOCKING {
        if (input_ != 1) [[unlikely]]
            return std::numeric_limits<Scalar>::quiet_NaN();
        sample_ = x; // a member, as GCC 12 takes the address of a parameter for an array of one and warns
        return *part_(&sample_);
    }

    /// A block of samples, one after the other: `in` has the features of the first, then those of the second …, `out` takes as many
    /// outputs; the numbers are those of single samples. `out` may be `in` if output_size() is at most input_size(), else they
    /// don't overlap. False, and nothing is changed, unless both have whole samples, and as many.
    bool operator()(std::span<const Scalar> in, std::span<Scalar> out) noexcept CAROUSEL_NONBLOCKING {
        const auto I = static_cast<std::size_t>(input_), O = static_cast<std::size_t>(output_), samples = in.size() / I;
        if (in.size() != samples * I || out.size() != samples * O) [[unlikely]]
            return false;
        for (std::size_t t = 0; t < samples; ++t)
            std::copy_n(part_(in.data() + t * I), O, out.data() + t * O);
        return true;
    }

    /// The same for numbers that are kept apart, as an audio host keeps channels: in[k] points to `samples` numbers of feature k, out[k]
    /// to room for as many of output k. The memory of an output may be that of a feature. False, and nothing is changed, unless there
    /// are input_size() and output_size() pointers, none of them null.
    bool operator()(std::span<const Scalar* const> in, std::span<Scalar* const> out,
                    Index samples) noexcept CAROUSEL_NONBLOCKING {
        const auto null = [](const Scalar* pointer) { return pointer == nullptr; };
        if (in.size() != static_cast<std::size_t>(input_) || out.size() != static_cast<std::size_t>(output_) ||
            samples < 0 || std::any_of(in.begin(), in.end(), null) || std::any_of(out.begin(), out.end(), null))
            [[unlikely]]
            return false;
        for (Index t = 0; t < samples; ++t) {
            for (std::size_t k = 0; k < in.size(); ++k)
                gathered_.data()[k] = in[k][t];
            const Scalar* const y = part_(gathered_.data());
            for (std::size_t k = 0; k < out.size(); ++k)
                out[k][t] = y[k];
        }
        return true;
    }

    /// How many bytes the Stream takes: the object itself, and what it has on the heap, its weights, its state and what a step needs;
    /// without the state of rest.
    Index memory() const { return static_cast<Index>(sizeof *this) + gathered_.bytes() + detail::memory_of(part_); }

    /// Back to the state in which a sequence begins.
    void reset() noexcept CAROUSEL_NONBLOCKING { part_.reset(); }

    /// Computes and keeps the state of rest in which so many zeros leave the model, and is in it then: a net whose biases aren't zero
    /// answers them for a while. Throws std::invalid_argument if samples < 0. Allocates.
    void prewarm(Index samples) {
        require(samples >= 0, "Stream::prewarm", "samples is ", samples, ", expected at least 0");
        State rest = state(); // all memory is there before anything is changed
        Buffer<Scalar> zeros;
        zeros.zeros(input_);
        reset();
        for (Index t = 0; t < samples; ++t)
            part_(zeros.data());
        part_.get(rest);
        rest_ = std::move(rest);
        rest_samples_ = samples;
    }
    /// Back to the state of rest that prewarm() computed last, with the weights of then; without one, to that of reset().
    void reset_to_rest() noexcept CAROUSEL_NONBLOCKING {
        if (rest_)
            part_.set(*rest_);
        else
            reset();
    }

    /// Whether every number of the state is finite. One sample that is NaN makes the states NaN, and they stay so until reset()
    /// or set_state(). It costs less than a sample; ask once a block of samples:
    ///
    ///     if (!stream.finite()) stream.reset();
    bool finite() const noexcept CAROUSEL_NONBLOCKING { return part_.finite(); }

    /// As the layers' final_state gives it, for a batch of one.
    State state() const {
        State state;
        part_.get(state);
        return state;
    }
    /// The same, written to `out`; no allocation if `out` held a state of this stream before.
    void state(State& out) const { part_.get(out); }

    /// Goes on from this state, of a batch of one. Throws std::invalid_argument, before anything is changed, if the shape is
    /// another's.
    void set_state(const State& state) {
        part_.check(state);
        part_.set(state);
    }

    /// Goes on with the weights and options that the model has now; the state stays. Throws std::invalid_argument, before
    /// anything is changed, if a layer has other sizes than at construction or can't be streamed. Costs a copy of the weights.
    void set_weights(const Model& model) {
        part_.check_weights(model);
        part_.set_weights(model);
    }

  private:
    template <class>
    friend class HotSwap;
    State state_memory() const { return state(); }
    /// What prewarm() was given last; negative if there is no state of rest.
    Index rest_samples() const { return rest_ ? rest_samples_ : -1; }
    void forget_rest() { rest_.reset(); }
    /// `other` is a copy, but for its weights; `memory` holds a state. Nothing is allocated.
    void go_on_from(const Stream& other, State& memory) noexcept {
        other.part_.get(memory);
        part_.set(memory);
    }
    void prepare() {
        static_cast<void>(instruction_set()); // throws here, not in a step, if CAROUSEL_ISA names no set
        require(input_ >= 1 && output_ >= 1, "Stream", "the model is ", input_, " -> ", output_,
                ", expected at least one feature in and out");
        gathered_.zeros(input_);
    }

    Index input_, output_;
    Scalar sample_ = 0;
    Buffer<Scalar> gathered_; ///< a sample
    Part part_;
    std::optional<State> rest_ = {};
    Index rest_samples_ = 0; ///< that made it
};

/// Stream{model, WeightType::int8, fast_gates}: the options say how its parts are made.
template <class Model, StreamOption... Options>
requires(sizeof...(Options) > 0) Stream(const Model&, Options...)
->Stream<Model, detail::PartFor<Model, Options...>>;

/// The type of Stream{model, options…}: StreamWith<Model, WeightType>, StreamWith<Model, WeightType, FastGatesOption>.
template <class Model, StreamOption... Options>
using StreamWith = Stream<Model, detail::PartFor<Model, Options...>>;

} // namespace carousel
