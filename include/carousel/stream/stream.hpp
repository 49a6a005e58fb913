// Stream: a trained model run sample by sample. After construction nothing allocates and nothing throws.
#pragma once

#include "carousel/layer/sequential.hpp"
#include "carousel/stream/recurrent_part.hpp"
#include "carousel/stream/stateless_parts.hpp"

#include <cassert>
#include <span>
#include <tuple>
#include <utility>

namespace carousel {

template <class... Layers>
class StreamPart<Sequential<Layers...>, typename Sequential<Layers...>::Scalar> {
    using Model = Sequential<Layers...>;
    using S = typename Model::Scalar;
    using State = typename Model::State;

  public:
    explicit StreamPart(const Model& model) : StreamPart(model, std::index_sequence_for<Layers...>{}) {}

    const S* operator()(const S* x) noexcept {
        std::apply([&](auto&... part) { ((x = part(x)), ...); }, parts_);
        return x;
    }
    void reset() noexcept {
        std::apply([](auto&... part) { (part.reset(), ...); }, parts_);
    }
    void get(State& out) const {
        each([&](auto k) { std::get<k>(parts_).get(std::get<k>(out)); });
    }
    /// All or nothing: a part that doesn't fit leaves every state as it was.
    void set(const State& in) {
        auto changed = parts_;
        each([&](auto k) { std::get<k>(changed).set(std::get<k>(in)); });
        parts_ = std::move(changed);
    }

  private:
    template <std::size_t... k>
    StreamPart(const Model& model, std::index_sequence<k...>)
        : parts_(StreamPart<Layers, S>(model.template layer<k>())...) {}

    template <class F>
    static void each(F&& f) {
        [&]<std::size_t... k>(std::index_sequence<k...>) {
            (f(std::integral_constant<std::size_t, k>{}), ...);
        }
        (std::index_sequence_for<Layers...>{});
    }

    std::tuple<StreamPart<Layers, S>...> parts_;
};

/// One playhead through a model: the state of every layer, the weights as they were at construction, packed, and the
/// scratch. Copy it to fork the state. The numbers are those of the whole-sequence pass, to rounding.
///
///     Stream stream{model};
///     for (float sample : live) play(stream(sample));
template <class Model>
class Stream {
  public:
    using Scalar = typename Model::Scalar;
    using State = typename Model::State;

    /// Throws std::invalid_argument if a layer can't be streamed.
    explicit Stream(const Model& model)
        : part_(model), input_(model.input_size()), output_(model.output_size(input_)) {}

    Index input_size() const { return input_; }
    Index output_size() const { return output_; }

    /// One sample of input_size() features; the output_size() numbers returned are valid until the next call.
    std::span<const Scalar> operator()(std::span<const Scalar> x) noexcept {
        assert(static_cast<Index>(x.size()) == input_);
        return {part_(x.data()), static_cast<std::size_t>(output_)};
    }

    /// For models of one feature: one number in, the first of the outputs back.
    Scalar operator()(Scalar x) noexcept {
        assert(input_ == 1);
        sample_ = x; // a member, as GCC 12 takes the address of a parameter for an array of one and warns
        return *part_(&sample_);
    }

    void reset() noexcept { part_.reset(); }

    /// As the layers' final_state gives it, for a batch of one.
    State state() const {
        State state;
        part_.get(state);
        return state;
    }
    /// Throws std::invalid_argument, changing nothing, if the shape is another's.
    void set_state(const State& state) { part_.set(state); }

  private:
    StreamPart<Model, Scalar> part_;
    Scalar sample_ = 0;
    Index input_, output_;
};

} // namespace carousel
