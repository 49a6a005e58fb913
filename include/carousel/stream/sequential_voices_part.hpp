// The part of Voices that is a Sequential: those of its layers, one after the other.
#pragma once

#include "carousel/layer/sequential.hpp"
#include "carousel/stream/voices_part.hpp"

#include <array>
#include <tuple>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

template <class... Layers>
class VoicesPart<Sequential<Layers...>, typename Sequential<Layers...>::Scalar> {
    using Model = Sequential<Layers...>;
    using S = typename Model::Scalar;
    using State = typename Model::State;

  public:
    VoicesPart(const Model& model, Index features, Index capacity)
        : VoicesPart(model, inputs(model, features), capacity, std::index_sequence_for<Layers...>{}) {}

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
    void check(const State& in) const {
        each([&](auto k) { std::get<k>(parts_).check(std::get<k>(in)); });
    }
    void set(Index column, const State& in) noexcept {
        each([&](auto k) { std::get<k>(parts_).set(column, std::get<k>(in)); });
    }

    void check_weights(const Model& model) const {
        each([&](auto k) { std::get<k>(parts_).check_weights(model.template layer<k>()); });
    }
    void set_weights(const Model& model) {
        each([&](auto k) { std::get<k>(parts_).set_weights(model.template layer<k>()); });
    }

  private:
    using Inputs = std::array<Index, Model::size>;

    template <std::size_t... k>
    VoicesPart(const Model& model, const Inputs& features, Index capacity, std::index_sequence<k...>)
        : parts_(VoicesPart<Layers, S>(model.template layer<k>(), features[k], capacity)...) {}

    /// How many features each layer is given, if the first is given so many.
    static Inputs inputs(const Model& model, Index features) {
        Inputs list{};
        model.each_layer([&](std::size_t k, const auto& layer) {
            list[k] = features;
            features = layer.output_size(features);
        });
        return list;
    }

    template <class F>
    static void each(F&& f) {
        [&]<std::size_t... k>(std::index_sequence<k...>) {
            (f(std::integral_constant<std::size_t, k>{}), ...);
        }
        (std::index_sequence_for<Layers...>{});
    }

    std::tuple<VoicesPart<Layers, S>...> parts_;
};

} // namespace carousel
