// The part of Voices that is a Parallel: those of its branches, each given the same samples.
#pragma once

#include "carousel/stream/parallel_part.hpp"
#include "carousel/stream/voices/sequential_part.hpp"

#include <algorithm>
#include <array>

namespace carousel::inline CAROUSEL_ABI {

template <class... Layers>
class VoicesPart<Parallel<Layers...>, typename Parallel<Layers...>::Scalar>
    : public SequentialVoicesPart<Parallel<Layers...>, Layers...> {
    using Base = SequentialVoicesPart<Parallel<Layers...>, Layers...>;
    using S = typename Parallel<Layers...>::Scalar;

  public:
    VoicesPart(const Parallel<Layers...>& layer, Index features, Index capacity)
        : Base(layer, features, capacity), all_(layer.output_size(features)) {
        layer.each_layer([&](std::size_t k, const auto& branch) { outputs_[k] = branch.output_size(features); });
        y_.zeros(all_ * capacity);
    }

    const S* operator()(const S* x, Index columns) noexcept {
        S* y = y_.data();
        Base::each([&](auto k) {
            const S* const own = std::get<k>(this->parts_)(x, columns);
            for (Index column = 0; column < columns; ++column)
                std::copy_n(own + column * outputs_[k], outputs_[k], y + column * all_);
            y += outputs_[k];
        });
        return y_.data();
    }

  private:
    Index all_; ///< outputs together
    std::array<Index, sizeof...(Layers)> outputs_;
    Buffer<S> y_;
};

} // namespace carousel
