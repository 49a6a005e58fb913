// How an AnyLayer and a Model run for many voices.
#pragma once

#include "carousel/model/model_parts.hpp"

#include <span>

namespace carousel::inline CAROUSEL_ABI {

template <class S>
class VoicesPart<AnyLayer<S>, S> : public detail::AnyLayerPart<S, detail::AnyVoicesPart<S>, detail::voices_words> {
  public:
    using typename VoicesPart::AnyLayerPart::State;
    using VoicesPart::AnyLayerPart::part;
    using VoicesPart::AnyLayerPart::states;

    /// Throws std::invalid_argument if the layer can't be streamed.
    VoicesPart(const AnyLayer<S>& layer, Index features, Index capacity)
        : VoicesPart::AnyLayerPart(layer, layer.get().voices_part(features, capacity)) {}

    const S* operator()(const S* x, Index columns) noexcept { return part().step(x, columns); }
    void reset(Index column) noexcept { part().reset(column); }
    bool finite(Index column) const noexcept { return part().finite(column); }
    void swap(Index a, Index b) noexcept { part().swap(a, b); }
    void get(Index column, State& out) const {
        out.resize(static_cast<std::size_t>(states()));
        part().get(column, out);
    }
    void set(Index column, const State& in) noexcept { in.empty() ? reset(column) : part().set(column, in); }
};

namespace detail::inline CAROUSEL_ISA {

/// The part of a Model, or of an AnyParallel, but for a step.
template <class S, class Row>
class RowVoicesPart : public ModelParts<S, VoicesPart<AnyLayer<S>, S>, voices_words, Row> {
    using RowVoicesPart::ModelParts::each;

  protected:
    using RowVoicesPart::ModelParts::parts_;

  public:
    using typename RowVoicesPart::ModelParts::State;

    /// Throws std::invalid_argument, naming the layer, if one can't be streamed.
    RowVoicesPart(const Row& row, Index features, Index capacity)
        : RowVoicesPart::ModelParts(row, features, capacity) {}

    void reset(Index column) noexcept {
        for (auto& part : parts_)
            part.reset(column);
    }
    bool finite(Index column) const noexcept {
        for (const auto& part : parts_)
            if (!part.finite(column))
                return false;
        return true;
    }
    void swap(Index a, Index b) noexcept {
        for (auto& part : parts_)
            part.swap(a, b);
    }

    void get(Index column, State& out) const {
        out.resize(static_cast<std::size_t>(this->states_));
        each(std::span<Matrix<S>>(out), [&](auto& part, std::span<Matrix<S>> own) { part.get(column, own); });
    }
    void set(Index column, const State& in) noexcept {
        if (in.empty())
            return reset(column);
        each(std::span<const Matrix<S>>(in),
             [&](auto& part, std::span<const Matrix<S>> own) { part.set(column, own); });
    }
};

} // namespace detail

template <class S>
class VoicesPart<Model<S>, S> : public detail::RowVoicesPart<S, Model<S>> {
  public:
    using VoicesPart::RowVoicesPart::RowVoicesPart;

    const S* operator()(const S* x, Index columns) noexcept {
        for (auto& part : this->parts_)
            x = part(x, columns);
        return x;
    }
};

} // namespace carousel
