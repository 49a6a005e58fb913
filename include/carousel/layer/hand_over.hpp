// hand_over: the state of one net becomes that of another.
#pragma once

#include "carousel/layer/layer.hpp"

#include <algorithm>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

template <class State>
Index state_count(const State& state) {
    Index count = 0;
    each_state(state, [&](const auto&) { ++count; });
    return count;
}

/// Gives a State as many matrices as the layer's has, where that is decided at run time and may have changed.
template <class State, class L>
void resize_state(State& state, const L& layer) {
    if constexpr (fixed_state_count<State>() == Dynamic)
        if (state_count(state) != layer.states())
            state = layer.empty_state();
}

/// f(matrix of a, matrix of b) for the matrices of a and as many of the last ones of b.
template <class A, class B, class F>
void each_state_of_last(A& a, B& b, F&& f) {
    const Index skipped = state_count(b) - state_count(a);
    Index k = 0;
    each_state(a, [&](auto& one) {
        Index j = -skipped;
        each_state(b, [&](auto& other) {
            if (j++ == k)
                f(one, other);
        });
        ++k;
    });
}

/// `where: ` there must be state to hand over: at compile time where the numbers of matrices are known then.
template <class From, class To>
void require_states(const char* where, const From& from, const To& to) {
    constexpr Index all = fixed_state_count<From>(), count = fixed_state_count<To>();
    if constexpr (all != Dynamic && count != Dynamic)
        static_assert(count >= 1 && all >= count,
                      "hand_over, hand_back: `to` must have state, and `from` as many matrices of it");
    else
        require(state_count(to) >= 1 && state_count(from) >= state_count(to), where, "`to` has ", state_count(to),
                " matrices of state and `from` ", state_count(from),
                ", expected at least one in `to`, and as many in `from`");
}

/// How many matrices aren't remembered; `from` must have as many.
template <class From>
Index require_states_beside(const char* where, const std::vector<char>& memories, const From& from) {
    const auto count = static_cast<Index>(std::count(memories.begin(), memories.end(), false)), all = state_count(from);
    require(!memories.empty() && all >= count, where, "`to` has ", count, " matrices of state and `from` ", all,
            ", expected at least one in `to`, and as many in `from`");
    return count;
}
/// hand_over for a `to` of which some matrices are what an Attention remembers: those are left as they are.
template <class From, class To>
void hand_over_beside(const std::vector<char>& memories, const From& from, To& to) {
    const Index count = require_states_beside("hand_over", memories, from);
    Index skip = state_count(from) - count;
    std::size_t k = 0;
    each_state(to, [&](auto& target) {
        if (memories[k++])
            return;
        Index j = 0;
        each_state(from, [&](const auto& source) {
            if (j++ == skip)
                assign(target, source);
        });
        ++skip;
    });
}
/// hand_back likewise.
template <class To, class From>
void hand_back_beside(const std::vector<char>& memories, const To& d_to, From& d_from) {
    const Index count = require_states_beside("hand_back", memories, d_from);
    const Index skip = state_count(d_from) - count;
    Index j = 0;
    each_state(d_from, [&](auto& target) {
        if (j++ < skip)
            return target.resize(0, 0);
        Index rest = j - skip; // its place among those that aren't remembered
        std::size_t k = 0;
        each_state(d_to, [&](const auto& source) {
            if (!memories[k++] && --rest == 0)
                assign(target, source);
        });
    });
}

} // namespace detail

/// The state of one net becomes that of another, matrix by matrix in the order of their layers; if `from` has more of
/// them, its last ones do (those of the layers on top of a Bidirectional one, say). With hand_back this is all that two
/// nets need:
///
///     encoder.forward(question, encoder_tape);
///     encoder.final_state(encoder_tape, end);
///     hand_over(end, start);
///     const auto y = decoder.forward(previous, decoder_tape, start);
///     loss(y, answer, &dy);
///     decoder.backward(dy, decoder_tape, {.d_initial = &d_start});
///     hand_back(d_start, d_end);
///     encoder.backward({}, encoder_tape, {.d_final = &d_end});
///
/// `previous` is, under teacher forcing (Williams & Zipser 1989), the answer one step late, a start token before it.
///
/// A State whose number of matrices is decided at run time, as a Model's, must have them all (its empty_state()). Throws
/// std::invalid_argument, changing nothing, if `to` has none then or `from` has fewer.
template <class From, class To>
void hand_over(const From& from, To& to) {
    detail::require_states("hand_over", from, to);
    detail::each_state_of_last(to, from, [](auto& target, const auto& source) { detail::assign(target, source); });
}

/// The gradient of what hand_over did: d_to, of the state that was handed over, becomes d_from, empty (zero) where it
/// wasn't. As hand_over.
template <class To, class From>
void hand_back(const To& d_to, From& d_from) {
    detail::require_states("hand_back", d_from, d_to);
    Index rest = detail::state_count(d_from) - detail::state_count(d_to);
    each_state(d_from, [&](auto& matrix) {
        if (rest-- > 0)
            matrix.resize(0, 0);
    });
    detail::each_state_of_last(d_to, d_from, [](const auto& source, auto& target) { detail::assign(target, source); });
}

} // namespace carousel
