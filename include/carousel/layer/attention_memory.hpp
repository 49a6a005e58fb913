// What an Attention remembers, as a State.
#pragma once

#include "carousel/layer/layer.hpp"

#include <algorithm>
#include <cmath>

namespace carousel::inline CAROUSEL_ABI {

/// The output of one net becomes what an Attention in another remembers, its State: (1 + M·T) × batch, in each column the number of
/// steps that count (a sequence's length), then these steps one after the other, then zeros. With hand_over for the other states:
///
///     const auto outputs = encoder.forward(question, encoder_tape);
///     hand_over_outputs(outputs, state_of_attention);
///     …
///     hand_back_outputs(d_state_of_attention, outputs, d_outputs);
///     encoder.backward(d_outputs, encoder_tape, …);
template <std::floating_point S>
void hand_over_outputs(SequenceView<S> outputs, Matrix<S>& state) {
    const Index features = outputs.features(), batch = outputs.batch();
    detail::reshape(state, 1 + features * outputs.steps(), batch);
    for (Index b = 0; b < batch; ++b) {
        S* to = state.data() + b * state.rows();
        *to++ = static_cast<S>(outputs.length(b));
        for (Index t = 0; t < outputs.steps(); ++t, to += features)
            if (outputs.real(t, b))
                std::copy_n(outputs.data() + (t * batch + b) * features, features, to);
            else
                std::fill_n(to, features, S(0));
    }
}

/// The gradient of what hand_over_outputs did, added to that of the outputs: d_outputs, which takes their shape if it is empty. Throws
/// std::invalid_argument if d_state hasn't the shape of the outputs' state.
template <std::floating_point S>
void hand_back_outputs(const Matrix<S>& d_state, SequenceView<S> outputs, Sequence<S>& d_outputs) {
    const Index features = outputs.features(), batch = outputs.batch();
    detail::require_state("hand_back_outputs: ", "d_state", d_state, 1 + features * outputs.steps(), batch);
    if (d_outputs.steps() == 0) {
        d_outputs.resize(features, outputs.steps(), batch, outputs.lengths());
        std::fill_n(d_outputs.data(), d_outputs.values().size(), S(0));
    }
    if (d_state.size() == 0)
        return;
    for (Index t = 0; t < outputs.steps(); ++t)
        for (Index b = 0; b < batch; ++b)
            if (outputs.real(t, b))
                d_outputs.values().col(t * batch + b) += d_state.col(b).segment(1 + t * features, features);
}

namespace detail {

/// f(memory size) for each matrix of a layer's State in turn that is what an Attention remembers, f(0) for each other one.
template <class S, class L, class F>
void each_memory(const L& layer, F&& f) {
    if constexpr (requires { layer.each_memory(f); })
        layer.each_memory(f);
    else if constexpr (constexpr Index count = fixed_state_count<StateOf<L, S>>(); count != Dynamic)
        for (Index k = 0; k < count; ++k)
            f(Index(0));
    else
        for (Index k = 0; k < layer.states(); ++k)
            f(Index(0));
}

} // namespace detail

} // namespace carousel
