// The part of a Stream that is an Attention. What it remembers comes by set_state.
#pragma once

#include "carousel/core/buffer.hpp"
#include "carousel/core/finite.hpp"
#include "carousel/layer/attention.hpp"
#include "carousel/stream/stream_part.hpp"

#include <algorithm>
#include <cmath>

namespace carousel::inline CAROUSEL_ABI {

/// Its state has room for as many steps as the layer's stream_steps say, those that don't count being zero; set() takes one of fewer.
template <class S>
class StreamPart<Attention<S>, S> {
  public:
    /// Throws std::invalid_argument if stream_steps is 0, or a parameter has another shape than the layer gave it.
    explicit StreamPart(const Attention<S>& layer)
        : score_(layer.options().score), query_(layer.input_size()), memory_(layer.memory_size()),
          keys_(score_ == AttentionScore::additive ? layer.options().units : memory_),
          room_(layer.options().stream_steps) {
        require(room_ >= 1, "Stream",
                "the Attention layer has stream_steps 0, expected the most steps that it is to "
                "remember; or decode a batch of states with generate(net, state, ...)");
        layer.check_parameters("Stream: Attention");
        state_.zeros(1 + memory_ * room_);
        projected_.zeros(score_ == AttentionScore::additive ? keys_ * room_ : 0);
        weights_.zeros(room_);
        asked_.zeros(keys_);
        y_.zeros(memory_ + query_);
        set_weights(layer);
    }

    const S* operator()(const S* x) noexcept {
        S *const context = y_.data(), *const weights = weights_.data();
        std::fill_n(context, memory_, S(0));
        std::copy_n(x, query_, context + memory_);
        const S* asked = x;
        if (score_ != AttentionScore::dot) {
            multiply(W_, x, asked_.data());
            asked = asked_.data();
        }
        const Index count = counted();
        S largest = 0, sum = 0;
        for (Index s = 0; s < count; ++s) {
            weights[s] = score(asked, s);
            largest = s == 0 || weights[s] > largest ? weights[s] : largest;
        }
        for (Index s = 0; s < count; ++s)
            sum += weights[s] = std::exp(weights[s] - largest);
        for (Index s = 0; s < count; ++s)
            for (Index k = 0; k < memory_; ++k)
                context[k] += weights[s] / sum * remembered(s)[k];
        return context;
    }

    /// Nothing is remembered.
    void reset() noexcept { std::fill_n(state_.data(), state_.size(), S(0)); }
    bool finite() const noexcept { return detail::non_finite_at(state_.data(), state_.size()) == state_.size(); }
    void get(Matrix<S>& out) const {
        if (out.rows() != state_.size() || out.cols() != 1)
            out = Matrix<S>(state_.size(), 1);
        std::copy_n(state_.data(), state_.size(), out.data());
    }
    void check(const Matrix<S>& in) const {
        constexpr const char* where = "Stream::set_state";
        const Index steps = in.size() == 0 ? 0 : (in.rows() - 1) / memory_;
        require(in.size() == 0 || (in.cols() == 1 && in.rows() == 1 + memory_ * steps), where,
                "the state of Attention is ", in.rows(), " x ", in.cols(), ", expected (1 + steps * ", memory_,
                ") x 1, as hand_over_outputs makes it");
        require(steps <= room_, where, "the state of Attention has ", steps, " steps, the stream has room for ", room_,
                "; make the layer with more stream_steps");
        if (in.size() > 0)
            require(in(0) > S(-0.5) && in(0) < static_cast<S>(steps) + S(0.5), where,
                    "the state of Attention says that ", in(0), " steps count, expected 0 to ", steps);
    }
    void set(const Matrix<S>& in) noexcept {
        reset();
        std::copy_n(in.data(), in.size(), state_.data());
        project();
    }

    void check_weights(const Attention<S>& layer) const {
        constexpr const char* where = "Stream::set_weights";
        const bool additive = layer.options().score == AttentionScore::additive;
        require(layer.options().score == score_ && layer.input_size() == query_ && layer.memory_size() == memory_ &&
                    (!additive || layer.options().units == keys_),
                where,
                "the Attention layer has another score or other sizes than the stream's; make a new Stream of "
                "this model");
        layer.check_parameters("Stream::set_weights: Attention");
    }
    void set_weights(const Attention<S>& layer) {
        W_ = layer.W().value;
        U_ = layer.U().value;
        v_ = layer.v().value;
        project();
    }
    Index memory() const {
        return state_.bytes() + projected_.bytes() + weights_.bytes() + asked_.bytes() + y_.bytes() +
               detail::memory_of(W_) + detail::memory_of(U_) + detail::memory_of(v_);
    }

  private:
    Index counted() const noexcept { return static_cast<Index>(std::llround(state_.data()[0])); }
    const S* remembered(Index s) const noexcept { return state_.data() + 1 + s * memory_; }

    S score(const S* asked, Index s) const noexcept {
        S sum = 0;
        if (score_ == AttentionScore::additive)
            for (Index k = 0; k < keys_; ++k)
                sum += v_.data()[k] * std::tanh(asked[k] + projected_.data()[s * keys_ + k]);
        else
            for (Index k = 0; k < memory_; ++k)
                sum += asked[k] * remembered(s)[k];
        return sum;
    }
    /// U·m of all that is remembered, for an additive score.
    void project() noexcept {
        if (score_ == AttentionScore::additive)
            for (Index s = 0; s < counted(); ++s)
                multiply(U_, remembered(s), projected_.data() + s * keys_);
    }
    static void multiply(const Matrix<S>& a, const S* x, S* to) noexcept {
        std::fill_n(to, a.rows(), S(0));
        for (Index j = 0; j < a.cols(); ++j)
            for (Index i = 0; i < a.rows(); ++i)
                to[i] += a.data()[j * a.rows() + i] * x[j];
    }

    AttentionScore score_;
    Index query_, memory_, keys_, room_;
    Matrix<S> W_, U_, v_;
    Buffer<S> state_, projected_, weights_, asked_, y_;
};

} // namespace carousel
