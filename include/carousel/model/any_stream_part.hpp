// AnyStreamPart: how a layer whose type is known at run time alone runs sample by sample.
#pragma once

#include "carousel/layer/layer.hpp"
#include "carousel/model/state_span.hpp"
#include "carousel/stream/stream.hpp"

#include <memory>
#include <span>
#include <utility>

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
    virtual Index memory() const = 0; ///< of the part itself, too
};

inline namespace CAROUSEL_ISA {

template <class L, class S, class Part = StreamPart<L, S>>
class StreamPartOf final : public AnyStreamPart<S> {
  public:
    StreamPartOf(const L& layer, Part part)
        : part_(std::move(part)), state_(layer, [&](StateOf<L, S>& state) { part_.get(state); }) {}
    std::unique_ptr<AnyStreamPart<S>> copy() const override { return std::make_unique<StreamPartOf>(*this); }

    const S* step(const S* x) noexcept override { return part_(x); }
    void reset() noexcept override { part_.reset(); }
    bool finite() const noexcept override { return part_.finite(); }
    void get(std::span<Matrix<S>> out) const override {
        state_.write(out, [&](StateOf<L, S>& state) { part_.get(state); });
    }
    void check(std::span<const Matrix<S>> in) const override {
        state_.check(in, [&](const StateOf<L, S>& state) { part_.check(state); });
    }
    void set(std::span<const Matrix<S>> in) noexcept override { part_.set(state_.read(in)); }
    void check_weights(const void* layer) const override { part_.check_weights(*static_cast<const L*>(layer)); }
    void set_weights(const void* layer) override { part_.set_weights(*static_cast<const L*>(layer)); }
    Index memory() const override { return static_cast<Index>(sizeof *this) + memory_of(part_) + state_.memory(); }

  private:
    Part part_;
    StateSpan<L, S> state_;
};

/// The part of a layer, with options if it has any that these change.
template <class L, class S>
std::unique_ptr<AnyStreamPart<S>> any_stream_part(const L& layer, Index features, const StreamOptions& options) {
    const auto with = [&]<bool narrow, bool fast>(std::bool_constant<narrow>, std::bool_constant<fast>) {
        using Parts = OptionParts<S, narrow, fast>;
        using Part = typename Parts::template Part<L>;
        return std::unique_ptr<AnyStreamPart<S>>(new StreamPartOf<L, S, Part>(layer, Parts{options}(layer, features)));
    };
    constexpr std::true_type yes;
    constexpr std::false_type no;
    if constexpr (changed_by_options<L, S, true, false>)
        if (options.narrow && !(options.fast && changed_by_options<L, S, false, true>))
            return with(yes, no);
    if constexpr (changed_by_options<L, S, false, true>)
        if (options.fast && !(options.narrow && changed_by_options<L, S, true, false>))
            return with(no, yes);
    if constexpr (changed_by_options<L, S, true, false> && changed_by_options<L, S, false, true>)
        if (options.fast && options.narrow)
            return with(yes, yes);
    return std::make_unique<StreamPartOf<L, S>>(layer, stream_part<L, S>(layer, features));
}

} // namespace CAROUSEL_ISA

} // namespace carousel::detail
