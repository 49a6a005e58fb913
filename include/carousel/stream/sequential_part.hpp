// The part of a Stream that is a Sequential: those of its layers, one after the other.
#pragma once

#include "carousel/layer/sequential.hpp"
#include "carousel/stream/stream_options.hpp"

#include <array>
#include <tuple>
#include <type_traits>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// The parts of a Sequential's layers, of a Stream or of Voices.
template <class Model, class... Part>
class SequentialParts {
  public:
    void check(const typename Model::State& in) const {
        each([&](auto k) { std::get<k>(parts_).check(std::get<k>(in)); });
    }
    void check_weights(const Model& model) const {
        each([&](auto k) { std::get<k>(parts_).check_weights(model.template layer<k>()); });
    }
    void set_weights(const Model& model) {
        each([&](auto k) { std::get<k>(parts_).set_weights(model.template layer<k>()); });
    }

  protected:
    /// make(layer, its features) gives the part of each, if the first layer is given so many features.
    template <class Make>
    SequentialParts(const Model& model, Index features, const Make& make)
        : SequentialParts(model, inputs(model, features), make, std::index_sequence_for<Part...>{}) {}

    template <class F>
    static void each(F&& f) {
        [&]<std::size_t... k>(std::index_sequence<k...>) {
            (f(std::integral_constant<std::size_t, k>{}), ...);
        }
        (std::index_sequence_for<Part...>{});
    }

    std::tuple<Part...> parts_;

  private:
    using Inputs = std::array<Index, sizeof...(Part)>;

    template <class Make, std::size_t... k>
    SequentialParts(const Model& model, const Inputs& features, const Make& make, std::index_sequence<k...>)
        : parts_(make(model.template layer<k>(), features[k])...) {}

    static Inputs inputs(const Model& model, Index features) {
        Inputs list{};
        model.each_layer([&](std::size_t k, const auto& layer) {
            list[k] = features;
            if constexpr (!Model::same_input) // which are all given the same
                features = layer.output_size(features);
        });
        return list;
    }
};

} // namespace detail

inline namespace CAROUSEL_ISA {

/// `Parts` makes them. `Model` is the Sequential, or a Parallel, which has another operator().
template <class Parts, class Model, class... Layers>
class SequentialPart : public detail::SequentialParts<Model, typename Parts::template Part<Layers>...> {
    using S = typename Model::Scalar;
    using State = typename Model::State;

  protected:
    using SequentialPart::SequentialParts::each;
    using SequentialPart::SequentialParts::parts_;

  public:
    static constexpr const char* why_not = [] {
        const char* reason = nullptr;
        ((reason = reason ? reason : detail::why_not_streamed<Layers, S>()), ...);
        return reason;
    }();
    SequentialPart(const Model& model, Index features, const Parts& make)
        : SequentialPart::SequentialParts(model, features, make) {}

    const S* operator()(const S* x) noexcept {
        std::apply([&](auto&... part) { ((x = part(x)), ...); }, parts_);
        return x;
    }
    void reset() noexcept {
        std::apply([](auto&... part) { (part.reset(), ...); }, parts_);
    }
    bool finite() const noexcept {
        return std::apply([](const auto&... part) { return (part.finite() && ...); }, parts_);
    }

    void get(State& out) const {
        each([&](auto k) { std::get<k>(parts_).get(std::get<k>(out)); });
    }
    void set(const State& in) noexcept {
        each([&](auto k) { std::get<k>(parts_).set(std::get<k>(in)); });
    }

    Index memory() const {
        return std::apply([](const auto&... part) { return (detail::memory_of(part) + ... + 0); }, parts_);
    }
};

template <class S, bool narrow, bool fast, class... Layers>
requires(
    std::same_as<S, typename Sequential<Layers...>::Scalar>) class OptionPart<Sequential<Layers...>, S, narrow, fast>
    : public SequentialPart<detail::OptionParts<S, narrow, fast>, Sequential<Layers...>, Layers...> {
  public:
    static constexpr bool as_ever = !(detail::changed_by_options<Layers, S, narrow, fast> || ...);
    OptionPart(const Sequential<Layers...>& model, Index features, const detail::StreamOptions& options)
        : OptionPart::SequentialPart(model, features, {options}) {}
};

} // namespace CAROUSEL_ISA

template <class... Layers>
class StreamPart<Sequential<Layers...>, typename Sequential<Layers...>::Scalar>
    : public SequentialPart<detail::PlainParts<typename Sequential<Layers...>::Scalar>, Sequential<Layers...>,
                            Layers...> {
  public:
    StreamPart(const Sequential<Layers...>& model, Index features) : StreamPart::SequentialPart(model, features, {}) {}
};

} // namespace carousel
