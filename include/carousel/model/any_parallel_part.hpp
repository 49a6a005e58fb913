// How an AnyParallel runs sample by sample, and for many voices.
#pragma once

#include "carousel/model/any_parallel.hpp"
#include "carousel/model/model_part.hpp"
#include "carousel/model/model_voices_part.hpp"

#include <algorithm>

namespace carousel::inline CAROUSEL_ABI {

namespace detail::inline CAROUSEL_ISA {

template <class S, bool narrow, bool fast>
struct PartWithOptions<AnyParallel<S>, S, narrow, fast> {
    using type = StreamPart<AnyParallel<S>, S>;
};

} // namespace detail

template <class S>
class StreamPart<AnyParallel<S>, S> : public detail::RowStreamPart<S, AnyParallel<S>> {
  public:
    /// Throws std::invalid_argument, naming the branch, if one can't be streamed.
    StreamPart(const AnyParallel<S>& layer, Index features, const detail::StreamOptions& options = {})
        : StreamPart::RowStreamPart(layer, features, options) {
        layer.each_layer(
            [&](std::size_t, const AnyLayer<S>& branch) { outputs_.push_back(branch.output_size(features)); });
        y_.zeros(layer.output_size(features));
    }

    const S* operator()(const S* x) noexcept {
        S* y = y_.data();
        for (std::size_t k = 0; k < outputs_.size(); ++k)
            y = std::copy_n(this->parts_[k](x), outputs_[k], y);
        return y_.data();
    }
    Index memory() const {
        return StreamPart::RowStreamPart::memory() + y_.bytes() +
               static_cast<Index>(outputs_.capacity() * sizeof(Index));
    }

  private:
    std::vector<Index> outputs_;
    Buffer<S> y_;
};

template <class S>
class VoicesPart<AnyParallel<S>, S> : public detail::RowVoicesPart<S, AnyParallel<S>> {
  public:
    /// Throws std::invalid_argument, naming the branch, if one can't be streamed.
    VoicesPart(const AnyParallel<S>& layer, Index features, Index capacity)
        : VoicesPart::RowVoicesPart(layer, features, capacity), all_(layer.output_size(features)) {
        layer.each_layer(
            [&](std::size_t, const AnyLayer<S>& branch) { outputs_.push_back(branch.output_size(features)); });
        y_.zeros(all_ * capacity);
    }

    const S* operator()(const S* x, Index columns) noexcept {
        S* y = y_.data();
        for (std::size_t k = 0; k < outputs_.size(); y += outputs_[k++]) {
            const S* const own = this->parts_[k](x, columns);
            for (Index column = 0; column < columns; ++column)
                std::copy_n(own + column * outputs_[k], outputs_[k], y + column * all_);
        }
        return y_.data();
    }

  private:
    Index all_; ///< outputs together
    std::vector<Index> outputs_;
    Buffer<S> y_;
};

} // namespace carousel
