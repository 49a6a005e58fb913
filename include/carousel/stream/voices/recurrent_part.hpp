// The part of Voices that is a recurrent layer.
#pragma once

#include "carousel/stream/recurrent_part.hpp"
#include "carousel/stream/voices/recurrent.hpp"
#include "carousel/stream/voices_part.hpp"

#include <utility>

namespace carousel::inline CAROUSEL_ABI {

template <Cell C, Index Input, Index Hidden>
class VoicesPart<Recurrent<C, Input, Hidden>, typename C::Scalar> {
    using S = typename C::Scalar;
    using Layer = Recurrent<C, Input, Hidden>;
    using OneVoice = StreamPart<Layer, S>;

  public:
    /// Throws std::invalid_argument as the layer's StreamPart does.
    VoicesPart(const Layer& layer, Index, Index capacity)
        : memory_{layer.cell(), layer.input_size(), layer.hidden_size(), capacity},
          functions_(&stream::recurrent_voices_functions<C>()) {
        OneVoice::require_streamable(layer, "Voices");
        functions_->prepare(memory_);
        for (auto* column : {&one_, &other_})
            column->zeros(state_size());
        set_weights(layer);
    }

    const S* operator()(const S* x, Index columns) noexcept { return functions_->step(memory_, x, columns); }

    void reset(Index column) noexcept { functions_->set(memory_, column, nullptr); }
    bool finite(Index column) const noexcept {
        functions_->get(memory_, column, one_.data());
        return detail::non_finite_at(one_.data(), state_size()) == state_size();
    }
    void get(Index column, Matrix<S>& out) const {
        if (out.rows() != state_size() || out.cols() != 1)
            out = Matrix<S>(state_size(), 1);
        functions_->get(memory_, column, out.data());
    }
    void check(const Matrix<S>& in) const {
        require(in.rows() == state_size() && in.cols() == 1, "Voices::set_state", "the state of ", +C::name, " is ",
                in.rows(), " x ", in.cols(), ", expected ", state_size(), " x 1");
    }
    void set(Index column, const Matrix<S>& in) noexcept { functions_->set(memory_, column, in.data()); }
    void swap(Index a, Index b) noexcept {
        functions_->get(memory_, a, one_.data());
        functions_->get(memory_, b, other_.data());
        functions_->set(memory_, a, other_.data());
        functions_->set(memory_, b, one_.data());
    }

    void check_weights(const Layer& layer) const {
        constexpr const char* where = "Voices::set_weights";
        OneVoice::require_streamable(layer, where);
        require(layer.input_size() == memory_.input && layer.hidden_size() == memory_.hidden, where, "the ", +C::name,
                " layer is ", layer.input_size(), " -> ", layer.hidden_size(), ", the voices' is ", memory_.input,
                " -> ", memory_.hidden, "; make new Voices of this model");
    }
    void set_weights(const Layer& layer) {
        memory_.cell = layer.cell();
        const auto rates = layer.zoneout_rates();
        for (int s = 0; s < C::states; ++s)
            memory_.zoneout[s] = static_cast<S>(rates[static_cast<std::size_t>(s)]);
        functions_->set_weights(memory_, {layer.W().value.data(), layer.U().value.data(), layer.b().value.data(),
                                          has_vectors(layer.cell()) ? layer.P().value.data() : nullptr});
    }

  private:
    Index state_size() const { return C::states * memory_.hidden; }

    stream::RecurrentVoicesMemory<C> memory_;
    const stream::RecurrentVoicesFunctions<C>* functions_;
    mutable Buffer<S> one_, other_; ///< states of two voices
};

} // namespace carousel
