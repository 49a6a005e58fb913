// How an AnyLayer and a Model run sample by sample.
#pragma once

#include "carousel/model/model_parts.hpp"

#include <span>

namespace carousel::inline CAROUSEL_ABI {

namespace detail::inline CAROUSEL_ISA {

template <class S, bool narrow, bool fast>
struct PartWithOptions<AnyLayer<S>, S, narrow, fast> {
    using type = StreamPart<AnyLayer<S>, S>;
};
template <class S, bool narrow, bool fast>
struct PartWithOptions<Model<S>, S, narrow, fast> {
    using type = StreamPart<Model<S>, S>;
};

} // namespace detail

template <class S>
class StreamPart<AnyLayer<S>, S> : public detail::AnyLayerPart<S, detail::AnyStreamPart<S>, detail::stream_words> {
  public:
    using StreamPart::AnyLayerPart::part;
    using StreamPart::AnyLayerPart::states;
    using typename StreamPart::AnyLayerPart::State;

    static constexpr bool as_ever = false; ///< with options it is of the same type

    /// Throws std::invalid_argument if the layer can't be streamed.
    StreamPart(const AnyLayer<S>& layer, Index features, const detail::StreamOptions& options = {})
        : StreamPart::AnyLayerPart(layer, layer.get().stream_part(features, options)) {}

    const S* operator()(const S* x) noexcept { return part().step(x); }
    void reset() noexcept { part().reset(); }
    bool finite() const noexcept { return part().finite(); }
    void get(State& out) const {
        out.resize(static_cast<std::size_t>(states()));
        part().get(out);
    }
    void set(const State& in) noexcept { in.empty() ? reset() : part().set(in); }
    Index memory() const { return part().memory(); }
};

namespace detail::inline CAROUSEL_ISA {

/// The part of a Model, or of an AnyParallel, but for a step.
template <class S, class Row>
class RowStreamPart : public ModelParts<S, StreamPart<AnyLayer<S>, S>, stream_words, Row> {
    using RowStreamPart::ModelParts::each;

  protected:
    using RowStreamPart::ModelParts::parts_;

  public:
    using typename RowStreamPart::ModelParts::State;

    static constexpr bool as_ever = false; ///< with options it is of the same type

    /// Throws std::invalid_argument, naming the layer, if one can't be streamed.
    RowStreamPart(const Row& row, Index features, const StreamOptions& options = {})
        : RowStreamPart::ModelParts(row, features, options) {}

    void reset() noexcept {
        for (auto& part : parts_)
            part.reset();
    }
    bool finite() const noexcept {
        for (const auto& part : parts_)
            if (!part.finite())
                return false;
        return true;
    }

    void get(State& out) const {
        out.resize(static_cast<std::size_t>(this->states_));
        each(std::span<Matrix<S>>(out), [](const auto& part, std::span<Matrix<S>> own) { part.get(own); });
    }
    void set(const State& in) noexcept {
        if (in.empty())
            return reset();
        each(std::span<const Matrix<S>>(in), [](auto& part, std::span<const Matrix<S>> own) { part.set(own); });
    }

    Index memory() const {
        auto bytes = static_cast<Index>(parts_.capacity() * sizeof(parts_[0]));
        for (const auto& part : parts_)
            bytes += part.memory();
        return bytes;
    }
};

} // namespace detail

template <class S>
class StreamPart<Model<S>, S> : public detail::RowStreamPart<S, Model<S>> {
  public:
    using StreamPart::RowStreamPart::RowStreamPart;

    const S* operator()(const S* x) noexcept {
        for (auto& part : this->parts_)
            x = part(x);
        return x;
    }
};

} // namespace carousel
