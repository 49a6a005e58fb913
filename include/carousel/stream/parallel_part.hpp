// The part of a Stream that is a Parallel: those of its branches, each given the same sample.
#pragma once

#include "carousel/layer/parallel.hpp"
#include "carousel/stream/sequential_part.hpp"

#include <algorithm>
#include <array>

namespace carousel::inline CAROUSEL_ABI {

inline namespace CAROUSEL_ISA {

/// `Parts` makes them.
template <class Parts, class... Layers>
class ParallelPart : public SequentialPart<Parts, Parallel<Layers...>, Layers...> {
    using Base = SequentialPart<Parts, Parallel<Layers...>, Layers...>;
    using S = typename Parallel<Layers...>::Scalar;

  public:
    ParallelPart(const Parallel<Layers...>& layer, Index features, const Parts& make) : Base(layer, features, make) {
        layer.each_layer([&](std::size_t k, const auto& branch) { outputs_[k] = branch.output_size(features); });
        y_.zeros(layer.output_size(features));
    }

    const S* operator()(const S* x) noexcept {
        S* y = y_.data();
        Base::each([&](auto k) { y = std::copy_n(std::get<k>(this->parts_)(x), outputs_[k], y); });
        return y_.data();
    }
    Index memory() const { return Base::memory() + y_.bytes(); }

  private:
    std::array<Index, sizeof...(Layers)> outputs_;
    Buffer<S> y_;
};

template <class S, bool narrow, bool fast, class... Layers>
requires(std::same_as<S, typename Parallel<Layers...>::Scalar>) class OptionPart<Parallel<Layers...>, S, narrow, fast>
    : public ParallelPart<detail::OptionParts<S, narrow, fast>, Layers...> {
  public:
    static constexpr bool as_ever = !(detail::changed_by_options<Layers, S, narrow, fast> || ...);
    OptionPart(const Parallel<Layers...>& layer, Index features, const detail::StreamOptions& options)
        : OptionPart::ParallelPart(layer, features, {options}) {}
};

} // namespace CAROUSEL_ISA

template <class... Layers>
class StreamPart<Parallel<Layers...>, typename Parallel<Layers...>::Scalar>
    : public ParallelPart<detail::PlainParts<typename Parallel<Layers...>::Scalar>, Layers...> {
  public:
    StreamPart(const Parallel<Layers...>& layer, Index features) : StreamPart::ParallelPart(layer, features, {}) {}
};

} // namespace carousel
