// The part of a Stream that is a Residual: the part of what it wraps, and a sum.
#pragma once

#include "carousel/layer/residual.hpp"
#include "carousel/stream/stream_options.hpp"

namespace carousel::inline CAROUSEL_ABI {

inline namespace CAROUSEL_ISA {

/// `Parts` makes the part of what it wraps.
template <class Parts, class L>
class ResidualPart {
    using S = typename L::Scalar;
    using State = typename L::State;

  public:
    static constexpr const char* why_not = detail::why_not_streamed<L, S>();
    ResidualPart(const Residual<L>& layer, Index features, const Parts& make)
        : part_(make(layer.layer(), features)), features_(features) {
        y_.setZero(layer.output_size(features));
    }

    const S* operator()(const S* x) noexcept {
        const S* const f = part_(x);
        for (Index k = 0; k < y_.size(); ++k)
            y_[k] = f[k] + x[k];
        return y_.data();
    }

    void reset() noexcept { part_.reset(); }
    bool finite() const noexcept { return part_.finite(); }
    void get(State& out) const { part_.get(out); }
    void check(const State& in) const { part_.check(in); }
    void set(const State& in) noexcept { part_.set(in); }

    void check_weights(const Residual<L>& layer) const {
        part_.check_weights(layer.layer());
        const Index output = layer.output_size(features_);
        require(output == y_.size(), "Stream::set_weights", "the Residual layer is ", features_, " -> ", output,
                ", the stream's is ", features_, " -> ", y_.size(), "; make a new Stream of this model");
    }
    void set_weights(const Residual<L>& layer) { part_.set_weights(layer.layer()); }
    Index memory() const { return detail::memory_of(part_) + detail::memory_of(y_); }

  private:
    typename Parts::template Part<L> part_;
    Index features_;
    Vector<S> y_;
};

template <class L, class S, bool narrow, bool fast>
requires(std::same_as<S, typename L::Scalar>) class OptionPart<Residual<L>, S, narrow, fast>
    : public ResidualPart<detail::OptionParts<S, narrow, fast>, L> {
  public:
    static constexpr bool as_ever = !detail::changed_by_options<L, S, narrow, fast>;
    OptionPart(const Residual<L>& layer, Index features, const detail::StreamOptions& options)
        : OptionPart::ResidualPart(layer, features, {options}) {}
};

} // namespace CAROUSEL_ISA

template <class L>
class StreamPart<Residual<L>, typename L::Scalar> : public ResidualPart<detail::PlainParts<typename L::Scalar>, L> {
  public:
    StreamPart(const Residual<L>& layer, Index features) : StreamPart::ResidualPart(layer, features, {}) {}
};

} // namespace carousel
