// The parts of Voices that are no recurrent layers but can do better than a StreamPart for each voice: Dropout, LastStep, every
// StepwiseLayer, Dense, Conv1D and Residual.
#pragma once

#include "carousel/stream/conv1d_part.hpp"
#include "carousel/stream/residual_part.hpp"
#include "carousel/stream/stateless_parts.hpp"
#include "carousel/stream/voices/dense.hpp"
#include "carousel/stream/voices_part.hpp"

#include <algorithm>
#include <concepts>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What gives each step as it is.
template <class L, class S>
requires(std::same_as<L, Dropout> || std::same_as<L, LastStep>) class VoicesPart<L, S>
    : public detail::StatelessVoices<S> {
  public:
    VoicesPart(const L&, Index, Index) {}
    const S* operator()(const S* x, Index) noexcept { return x; }
    void check_weights(const L&) const {}
    void set_weights(const L&) {}
};

template <class L, class S>
requires std::derived_from<L, StepwiseLayer<L>>
class VoicesPart<L, S> : public detail::StatelessVoices<S> {
  public:
    VoicesPart(const L& layer, Index features, Index capacity) : layer_(layer), features_(features) {
        y_.zeros(features * capacity);
    }

    const S* operator()(const S* x, Index columns) noexcept {
        layer_.map(x, y_.data(), features_, columns);
        return y_.data();
    }
    void check_weights(const L&) const {}
    void set_weights(const L& layer) { layer_ = layer; }

  private:
    L layer_;
    Index features_;
    Buffer<S> y_;
};

template <class S, Index Input, Index Output>
class VoicesPart<Dense<S, Input, Output>, S> : public detail::StatelessVoices<S> {
    using Layer = Dense<S, Input, Output>;
    using OneVoice = StreamPart<Layer, S>;

  public:
    VoicesPart(const Layer& layer, Index, Index capacity) : f_(layer.input_size(), layer.output_size(), capacity) {
        OneVoice::require_shapes(layer, "Voices");
        set_weights(layer);
    }

    const S* operator()(const S* x, Index columns) noexcept { return f_(x, columns); }

    void check_weights(const Layer& layer) const {
        constexpr const char* where = "Voices::set_weights";
        require(layer.input_size() == f_.input_size() && layer.output_size() == f_.output_size(), where,
                "the Dense layer is ", layer.input_size(), " -> ", layer.output_size(), ", the voices' is ",
                f_.input_size(), " -> ", f_.output_size(), "; make new Voices of this model");
        OneVoice::require_shapes(layer, where);
    }
    void set_weights(const Layer& layer) {
        f_.set(layer.W().value.data(), layer.b().value.data(), layer.options().activation);
    }

  private:
    stream::DenseVoices<S> f_;
};

template <class S>
class VoicesPart<Conv1D<S>, S> {
    using Layer = Conv1D<S>;
    using OneVoice = StreamPart<Layer, S>;

  public:
    VoicesPart(const Layer& layer, Index, Index capacity)
        : f_(layer.kernel() * layer.input_size(), layer.output_size(), capacity) {
        OneVoice::require_streamable(layer, "Voices");
        rings_.assign(static_cast<std::size_t>(capacity),
                      {layer.input_size(), layer.kernel(), layer.options().dilation, layer.carried_steps() + 1});
        windows_.zeros(f_.input_size() * capacity);
        set_weights(layer);
    }

    const S* operator()(const S* x, Index columns) noexcept {
        for (Index column = 0; column < columns; ++column)
            ring(column).push(x + column * ring(0).input_size(), windows_.data() + column * f_.input_size());
        return f_(windows_.data(), columns);
    }

    void reset(Index column) noexcept { ring(column).reset(); }
    bool finite(Index column) const noexcept { return ring(column).finite(); }
    void get(Index column, Matrix<S>& out) const { ring(column).get(out); }
    void check(const Matrix<S>& in) const { ring(0).check("Voices::set_state", in); }
    void set(Index column, const Matrix<S>& in) noexcept { ring(column).set(in); }
    void swap(Index a, Index b) noexcept { std::swap(ring(a), ring(b)); }

    void check_weights(const Layer& layer) const {
        constexpr const char* where = "Voices::set_weights";
        OneVoice::require_streamable(layer, where);
        OneVoice::require_like(layer, ring(0), f_.output_size(), where, "voices'", "new Voices");
    }
    void set_weights(const Layer& layer) {
        f_.set(layer.W().value.data(), layer.b().value.data(), layer.options().activation);
    }

  private:
    using Ring = stream::WindowRing<S>;
    Ring& ring(Index column) { return rings_[static_cast<std::size_t>(column)]; }
    const Ring& ring(Index column) const { return rings_[static_cast<std::size_t>(column)]; }

    stream::DenseVoices<S> f_;
    std::vector<Ring> rings_; ///< of each column
    Buffer<S> windows_;
};

template <class L>
class VoicesPart<Residual<L>, typename L::Scalar> {
    using S = typename L::Scalar;
    using State = typename L::State;

  public:
    VoicesPart(const Residual<L>& layer, Index features, Index capacity)
        : part_(layer.layer(), features, capacity), features_(features), outputs_(layer.output_size(features)) {
        y_.zeros(outputs_ * capacity);
    }

    const S* operator()(const S* x, Index columns) noexcept {
        const S* const f = part_(x, columns);
        S* const y = y_.data();
        for (Index k = 0; k < outputs_ * columns; ++k)
            y[k] = f[k] + x[k];
        return y;
    }

    void reset(Index column) noexcept { part_.reset(column); }
    bool finite(Index column) const noexcept { return part_.finite(column); }
    void get(Index column, State& out) const { part_.get(column, out); }
    void check(const State& in) const { part_.check(in); }
    void set(Index column, const State& in) noexcept { part_.set(column, in); }
    void swap(Index a, Index b) noexcept { part_.swap(a, b); }

    void check_weights(const Residual<L>& layer) const {
        part_.check_weights(layer.layer());
        const Index output = layer.output_size(features_);
        require(output == outputs_, "Voices::set_weights", "the Residual layer is ", features_, " -> ", output,
                ", the voices' is ", features_, " -> ", outputs_, "; make new Voices of this model");
    }
    void set_weights(const Residual<L>& layer) { part_.set_weights(layer.layer()); }

  private:
    VoicesPart<L, S> part_;
    Index features_, outputs_;
    Buffer<S> y_;
};

} // namespace carousel
