// AnyVoicesPart: how a layer whose type is known at run time alone runs for many voices.
#pragma once

#include "carousel/model/state_span.hpp"
#include "carousel/stream/voices.hpp"

#include <memory>
#include <span>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A VoicesPart behind virtual functions. States and layers are given as to an AnyStreamPart.
template <class S>
class AnyVoicesPart {
  public:
    virtual ~AnyVoicesPart() = default;
    virtual std::unique_ptr<AnyVoicesPart> copy() const = 0;

    virtual const S* step(const S* x, Index columns) noexcept = 0;
    virtual void reset(Index column) noexcept = 0;
    virtual bool finite(Index column) const noexcept = 0;
    virtual void swap(Index a, Index b) noexcept = 0;
    virtual void get(Index column, std::span<Matrix<S>> out) const = 0;
    virtual void check(std::span<const Matrix<S>> in) const = 0;
    virtual void set(Index column, std::span<const Matrix<S>> in) noexcept = 0;
    virtual void check_weights(const void* layer) const = 0;
    virtual void set_weights(const void* layer) = 0;
};

inline namespace CAROUSEL_ISA {

template <class L, class S>
class VoicesPartOf final : public AnyVoicesPart<S> {
  public:
    VoicesPartOf(const L& layer, Index features, Index capacity)
        : part_(layer, features, capacity), state_(layer, [&](StateOf<L, S>& state) { part_.get(0, state); }) {}
    std::unique_ptr<AnyVoicesPart<S>> copy() const override { return std::make_unique<VoicesPartOf>(*this); }

    const S* step(const S* x, Index columns) noexcept override { return part_(x, columns); }
    void reset(Index column) noexcept override { part_.reset(column); }
    bool finite(Index column) const noexcept override { return part_.finite(column); }
    void swap(Index a, Index b) noexcept override { part_.swap(a, b); }
    void get(Index column, std::span<Matrix<S>> out) const override {
        state_.write(out, [&](StateOf<L, S>& state) { part_.get(column, state); });
    }
    void check(std::span<const Matrix<S>> in) const override {
        state_.check(in, [&](const StateOf<L, S>& state) { part_.check(state); });
    }
    void set(Index column, std::span<const Matrix<S>> in) noexcept override { part_.set(column, state_.read(in)); }
    void check_weights(const void* layer) const override { part_.check_weights(*static_cast<const L*>(layer)); }
    void set_weights(const void* layer) override { part_.set_weights(*static_cast<const L*>(layer)); }

  private:
    VoicesPart<L, S> part_;
    StateSpan<L, S> state_;
};

} // namespace CAROUSEL_ISA

} // namespace carousel::detail
