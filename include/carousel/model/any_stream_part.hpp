// AnyStreamPart: how a layer whose type is known at run time alone runs sample by sample.
#pragma once

#include "carousel/layer/layer.hpp"
#include "carousel/model/state_span.hpp"
#include "carousel/stream/stream.hpp"

#include <memory>
#include <span>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A StreamPart behind virtual functions. States are the matrices of the layer's State in turn, each for a batch of one;
/// of a layer given to check_weights and set_weights, `layer` points to one of the same type.
template <class S>
class AnyStreamPart {
  public:
    virtual ~AnyStreamPart() = default;
    virtual std::unique_ptr<AnyStreamPart> copy() const = 0;

    virtual const S* step(const S* x) noexcept = 0;
    virtual void reset() noexcept = 0;
    virtual bool finite() const noexcept = 0;
    virtual void get(std::span<Matrix<S>> out) const = 0;
    virtual void check(std::span<const Matrix<S>> in) const = 0;
    virtual void set(std::span<const Matrix<S>> in) noexcept = 0;
    virtual void check_weights(const void* layer) const = 0;
    virtual void set_weights(const void* layer) = 0;
};

inline namespace CAROUSEL_ISA {

template <class L, class S>
class StreamPartOf final : public AnyStreamPart<S> {
  public:
    StreamPartOf(const L& layer, Index features) : part_(detail::stream_part<L, S>(layer, features)), state_(layer) {}
    std::unique_ptr<AnyStreamPart<S>> copy() const override { return std::make_unique<StreamPartOf>(*this); }

    const S* step(const S* x) noexcept override { return part_(x); }
    void reset() noexcept override { part_.reset(); }
    bool finite() const noexcept override { return part_.finite(); }
    void get(std::span<Matrix<S>> out) const override {
        state_.write(out, [&](StateOf<L, S>& state) { part_.get(state); });
    }
    void check(std::span<const Matrix<S>> in) const override { part_.check(state_.read(in)); }
    void set(std::span<const Matrix<S>> in) noexcept override { part_.set(state_.read(in)); }
    void check_weights(const void* layer) const override { part_.check_weights(*static_cast<const L*>(layer)); }
    void set_weights(const void* layer) override { part_.set_weights(*static_cast<const L*>(layer)); }

  private:
    StreamPart<L, S> part_;
    StateSpan<L, S> state_;
};

} // namespace CAROUSEL_ISA

} // namespace carousel::detail
