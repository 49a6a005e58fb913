// Voices: many runs of one model, sample by sample, in one step. docs/streaming.md has an example.
#pragma once

#include "carousel/stream/stream.hpp"
#include "carousel/stream/voices/layer_parts.hpp"
#include "carousel/stream/voices/list.hpp"
#include "carousel/stream/voices/parallel_part.hpp"
#include "carousel/stream/voices/recurrent_part.hpp"
#include "carousel/stream/voices/sequential_part.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

/// As many runs of a model along sequences without an end as there are voices of a synthesizer, clients of a server or sensors of a
/// plant: each has a state of its own, all have the same weights, and a step multiplies the weights with all of them at once.
/// The numbers of a voice are those of a Stream, to rounding, whichever others there are; a NaN in one reaches no other.
///
///     Voices voices{model, 64};                   // room for 64
///     const Index voice = voices.join();          // its number, until it leaves
///     const auto y = voices(x);                   // x: features × 64, column v the sample of voice v; y: outputs × 64
///
/// A voice has a number, 0 … capacity() − 1. Only the constructor, copies, prewarm() and state(voice) allocate. Voices belong to one
/// thread at a time. `Part` as in Stream, but there are no options: weights are as the model's, and gates are the model's, which
/// with_gates<FastGates>(model) makes fast.
template <class Model, class Part = VoicesPart<Model, typename Model::Scalar>>
class Voices {
  public:
    using Scalar = typename Model::Scalar;
    using State = typename Model::State;

    /// No voice's number.
    static constexpr Index none = stream::VoiceList::none;

    /// Room for `capacity` voices, of which none is there yet. Throws std::invalid_argument if it is less than 1 or if the model
    /// can't be streamed (see Stream).
    Voices(const Model& model, Index capacity)
        : list_(checked(model, capacity)), part_(model, model.input_size(), capacity) {
        static_cast<void>(instruction_set()); // throws here, not in a step, if CAROUSEL_ISA names no set
        x_.zeros(model.input_size() * capacity);
        y_.zeros(model.output_size(model.input_size()) * capacity);
    }

    /// Features of a sample in and of one out, and how many voices there can be.
    Index input_size() const { return x_.size() / capacity(); }
    Index output_size() const { return y_.size() / capacity(); }
    Index capacity() const { return list_.capacity(); }
    /// How many voices are there.
    Index size() const { return list_.size(); }
    /// Whether this one is.
    bool has(Index voice) const noexcept { return list_.has(voice); }

    /// A new voice, in the state in which a sequence begins. Returns its number, the lowest that is free, or `none` if there are
    /// as many as capacity().
    Index join() noexcept CAROUSEL_NONBLOCKING {
        const Index voice = list_.add();
        if (voice != none)
            part_.reset(list_.column(voice));
        return voice;
    }
    /// The voice ends, and its number is free. False, and nothing is changed, if it isn't there.
    bool leave(Index voice) noexcept CAROUSEL_NONBLOCKING {
        if (!has(voice))
            return false;
        move(list_.column(voice), size() - 1);
        list_.remove_last();
        std::fill_n(y_.data() + voice * output_size(), output_size(), Scalar(0));
        return true;
    }
    /// Back to the state in which a sequence begins. False, and nothing is changed, if it isn't there.
    bool reset(Index voice) noexcept CAROUSEL_NONBLOCKING {
        if (!has(voice))
            return false;
        part_.reset(list_.column(voice));
        return true;
    }
    /// The same for all.
    void reset() noexcept CAROUSEL_NONBLOCKING {
        for (Index column = 0; column < size(); ++column)
            part_.reset(column);
    }
    /// Computes and keeps the state of rest in which so many zeros leave the model (see Stream::prewarm); no voice's state changes.
    /// Throws std::invalid_argument if samples < 0. Allocates.
    void prewarm(Index samples) {
        require(samples >= 0, "Voices::prewarm", "samples is ", samples, ", expected at least 0");
        const State kept = state_memory();
        State rest = kept; // all memory is there before anything is changed
        std::fill_n(x_.data(), input_size(), Scalar(0));
        part_.reset(0);
        for (Index t = 0; t < samples; ++t)
            part_(x_.data(), 1);
        part_.get(0, rest);
        part_.set(0, kept);
        rest_ = std::move(rest);
        rest_samples_ = samples;
    }
    /// To the state of rest that prewarm() computed last, with the weights of then; without one, to that of reset(). False, and
    /// nothing is changed, if the voice isn't there.
    bool reset_to_rest(Index voice) noexcept CAROUSEL_NONBLOCKING {
        if (!rest_ || !has(voice))
            return reset(voice);
        part_.set(list_.column(voice), *rest_);
        return true;
    }
    /// Whether every number of the voice's state is finite (see Stream::finite); true if it isn't there.
    bool finite(Index voice) const noexcept CAROUSEL_NONBLOCKING {
        return !has(voice) || part_.finite(list_.column(voice));
    }

    /// One sample of every voice that is there. x: features × capacity(), column v (the numbers from v · input_size() on) of voice
    /// v; other columns aren't read. Returns outputs × capacity(), columns of voices that aren't there zero, valid until the next
    /// call. An x of another size is left out: no state changes, and the span returned is empty.
    std::span<const Scalar> operator()(std::span<const Scalar> x) noexcept CAROUSEL_NONBLOCKING {
        if (x.size() != static_cast<std::size_t>(x_.size())) [[unlikely]]
            return {};
        const Index I = input_size(), O = output_size();
        step(
            size(), [&](Index voice) { return x.data() + voice * I; },
            [&](Index voice) { return y_.data() + voice * O; });
        return {y_.data(), static_cast<std::size_t>(y_.size())};
    }

    /// `samples` samples of some voices, each with memory of its own: in[v] points to samples · input_size() numbers of voice v, a
    /// sample after the other, and out[v] to room for samples · output_size(). A voice whose `in` or `out` is null waits: its state
    /// stays. Voices may share `in`; out[v] may be in[v] if output_size() is at most input_size(), else no `out` overlaps other memory.
    /// Pointers of voices that aren't there aren't looked at. False, and nothing is changed, unless both have capacity() pointers.
    bool operator()(std::span<const Scalar* const> in, std::span<Scalar* const> out,
                    Index samples) noexcept CAROUSEL_NONBLOCKING {
        const auto all = static_cast<std::size_t>(capacity());
        if (in.size() != all || out.size() != all || samples < 0) [[unlikely]]
            return false;
        const auto at = [](auto pointers, Index voice) { return pointers[static_cast<std::size_t>(voice)]; };
        Index running = size(); // those that wait go behind the others
        for (Index column = running - 1; column >= 0; --column)
            if (const Index voice = list_.voice(column); !at(in, voice) || !at(out, voice))
                move(column, --running);
        const Index I = input_size(), O = output_size();
        for (Index t = 0; t < samples; ++t)
            step(
                running, [&](Index voice) { return at(in, voice) + t * I; },
                [&](Index voice) { return at(out, voice) + t * O; });
        return true;
    }

    /// The state of a voice, as that of a Stream. Throws std::invalid_argument if the voice isn't there.
    State state(Index voice) const {
        State state;
        this->state(voice, state);
        return state;
    }
    /// The same, written to `out`; no allocation if `out` held such a state before.
    void state(Index voice, State& out) const { part_.get(column("Voices::state", voice), out); }
    /// The voice goes on from this state. Throws std::invalid_argument, before anything is changed, if the shape is another's or the
    /// voice isn't there.
    void set_state(Index voice, const State& state) {
        const Index at = column("Voices::set_state", voice);
        part_.check(state);
        part_.set(at, state);
    }

    /// All voices go on with the weights and options that the model has now; their states stay. As Stream::set_weights.
    void set_weights(const Model& model) {
        part_.check_weights(model);
        part_.set_weights(model);
    }

  private:
    template <class>
    friend class HotSwap;
    /// That of the first column, whether or not a voice has it.
    State state_memory() const {
        State state;
        part_.get(0, state);
        return state;
    }
    /// What prewarm() was given last; negative if there is no state of rest.
    Index rest_samples() const { return rest_ ? rest_samples_ : -1; }
    void forget_rest() { rest_.reset(); }
    /// `other` is a copy, but for its weights; `memory` holds a state. Nothing is allocated.
    void go_on_from(const Voices& other, State& memory) noexcept {
        list_ = other.list_; // of the same capacity
        y_ = other.y_;
        for (Index column = 0; column < size(); ++column) {
            other.part_.get(column, memory);
            part_.set(column, memory);
        }
    }

    static Index checked(const Model& model, Index capacity) {
        require(capacity >= 1, "Voices", "the capacity is ", capacity, ", expected at least 1");
        const Index input = model.input_size(), output = model.output_size(input);
        require(input >= 1 && output >= 1, "Voices", "the model is ", input, " -> ", output,
                ", expected at least one feature in and out");
        return capacity;
    }

    Index column(const char* where, Index voice) const {
        require(has(voice), where, "there is no voice ", voice, ", expected one that join() gave and that hasn't left");
        return list_.column(voice);
    }

    void move(Index a, Index b) noexcept {
        if (a == b)
            return;
        part_.swap(a, b);
        list_.swap(a, b);
    }

    /// A sample of the first `running` columns: from(voice) → to(voice).
    template <class From, class To>
    void step(Index running, From from, To to) noexcept {
        const Index I = input_size(), O = output_size();
        for (Index column = 0; column < running; ++column)
            copy_few(from(list_.voice(column)), I, x_.data() + column * I);
        const Scalar* const y = running > 0 ? part_(x_.data(), running) : nullptr;
        for (Index column = 0; column < running; ++column)
            copy_few(y + column * O, O, to(list_.voice(column)));
    }
    static void copy_few(const Scalar* from, Index count, Scalar* to) noexcept { // a call would cost as much
        for (Index k = 0; k < count; ++k)
            to[k] = from[k];
    }

    stream::VoiceList list_;
    Part part_;
    Buffer<Scalar> x_, y_; ///< x_: of the columns; y_: of the voices
    std::optional<State> rest_ = {};
    Index rest_samples_ = 0; ///< that made it
};

} // namespace carousel
