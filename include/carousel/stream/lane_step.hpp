// A cell's equations for one lane of the units of a stream, whatever product its pre-activations come from.
#pragma once

#include "carousel/cell/cell.hpp"
#include "carousel/simd/lane.hpp"

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

/// from(s) is where state s of the lane stands.
template <class V, int states, class From>
[[gnu::always_inline]] inline void load_states(const From& from, V (&to)[states]) noexcept {
    for (int s = 0; s < states; ++s)
        to[s] = simd::load<V>(from(s));
}

/// Reads state s of the lane at from(s) and writes the next at to(s), of which zoneout[s] is the old value's share. a:
/// pre-activations; vector(k): the lane's numbers of the column k of P.
template <Cell C, class V, class Vector, class From, class To>
[[gnu::always_inline]] inline void step_lane(const C& cell, const typename C::Scalar (&zoneout)[C::states],
                                             V (&a)[C::blocks], const Vector& vector, const From& from,
                                             const To& to) noexcept {
    V p[C::vectors + 1] = {}, before[C::states], after[C::states];
    load_states(from, before);
    for (int k = 0; k < C::vectors; ++k)
        p[k] = vector(k);
    cell.forward(a, before, after, p);
    for (int s = 0; s < C::states; ++s) {
        if (zoneout[s] > 0)
            after[s] = zoneout[s] * before[s] + (typename C::Scalar(1) - zoneout[s]) * after[s];
        simd::store<V>(to(s), after[s]);
    }
}

} // namespace carousel::stream

#include "carousel/core/quiet_bounds_end.hpp"
