// The part of Voices that is a Sequential: those of its layers, one after the other.
#pragma once

#include "carousel/stream/sequential_part.hpp"
#include "carousel/stream/voices_part.hpp"

#include <tuple>

namespace carousel::inline CAROUSEL_ABI {

template <class... Layers>
class VoicesPart<Sequential<Layers...>, typename Sequential<Layers...>::Scalar>
    : public detail::SequentialParts<Sequential<Layers...>,
                                     VoicesPart<Layers, typename Sequential<Layers...>::Scalar>...> {
    using Model = Sequential<Layers...>;
    using S = typename Model::Scalar;
    using State = typename Model::State;
    using VoicesPart::SequentialParts::each;
    using VoicesPart::SequentialParts::parts_;

  public:
    VoicesPart(const Model& model, Index features, Index capacity)
        : VoicesPart::SequentialParts(model, features, [&]<class L>(const L& layer, Index given) {
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

} // namespace carousel
