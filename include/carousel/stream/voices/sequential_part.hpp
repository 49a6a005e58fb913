// The part of Voices that is a Sequential: those of its layers, one after the other.
#pragma once

#include "carousel/stream/sequential_part.hpp"
#include "carousel/stream/voices_part.hpp"

#include <tuple>

namespace carousel::inline CAROUSEL_ABI {

inline namespace CAROUSEL_ISA {

/// `Model` is the Sequential, or a Parallel, which has another operator().
template <class Model, class... Layers>
class SequentialVoicesPart : public detail::SequentialParts<Model, VoicesPart<Layers, typename Model::Scalar>...> {
    using S = typename Model::Scalar;
    using State = typename Model::State;

  protected:
    using SequentialVoicesPart::SequentialParts::each;
    using SequentialVoicesPart::SequentialParts::parts_;

  public:
    SequentialVoicesPart(const Model& model, Index features, Index capacity)
        : SequentialVoicesPart::SequentialParts(model, features, [&]<class L>(const L& layer, Index given) {
              return VoicesPart<L, S>(layer, given, capacity);
          }) {}

    const S* operator()(const S* x, Index columns) noexcept {
        std::apply([&](auto&... part) { ((x = part(x, columns)), ...); }, parts_);
        return x;
    }
    void reset(Index column) noexcept {
        std::apply([&](auto&... part) { (part.reset(column), ...); }, parts_);
    }
    bool finite(Index column) const noexcept {
        return std::apply([&](const auto&... part) { return (part.finite(column) && ...); }, parts_);
    }
    void swap(Index a, Index b) noexcept {
        std::apply([&](auto&... part) { (part.swap(a, b), ...); }, parts_);
    }

    void get(Index column, State& out) const {
        each([&](auto k) { std::get<k>(parts_).get(column, std::get<k>(out)); });
    }
    void set(Index column, const State& in) noexcept {
        each([&](auto k) { std::get<k>(parts_).set(column, std::get<k>(in)); });
    }
};

} // namespace CAROUSEL_ISA

template <class... Layers>
class VoicesPart<Sequential<Layers...>, typename Sequential<Layers...>::Scalar>
    : public SequentialVoicesPart<Sequential<Layers...>, Layers...> {
  public:
    using VoicesPart::SequentialVoicesPart::SequentialVoicesPart;
};

} // namespace carousel
