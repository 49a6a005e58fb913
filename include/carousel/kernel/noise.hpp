// Noise: recurrent dropout and zoneout, the noise of training that acts inside the recurrence.
#pragma once

#include "carousel/kernel/unit_lane.hpp"

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel::inline CAROUSEL_ISA {

/// Null pointers where there is none. Arrays are H × batch, but `proposed` is kept as the states are.
template <class Scalar, int states>
struct Noise {
    using V = Lane<Scalar>;

    const Scalar* h_mask = nullptr;      ///< recurrent dropout: U multiplies mask∘h
    const Scalar* masked_prev = nullptr; ///< mask∘h before the step …
    Scalar* masked_next = nullptr;       ///< … and after it
    bool zoneout = false;                ///< next = k∘prev + (1 − k)∘(what the cell proposes)
    const Scalar* keep[states] = {};     ///< k of each state: 0 or 1 …
    Scalar rate[states] = {};            ///< … or, without, its mean
    Scalar* proposed[states] = {};       ///< what the cell proposed, for backward; null in inference

    /// x, with recurrent dropout mask∘x.
    template <class Units>
    [[gnu::always_inline]] V masked(V x, Units lane, Index column) const {
        return h_mask ? x * lane.load(h_mask, column) : x;
    }

    /// Zoneout: now = k∘before + (1 − k)∘now.
    template <class Units>
    void zone_out(const V (&before)[states], V (&now)[states], Units lane, Index column) const {
        for (int s = 0; s < states; ++s) {
            const V k = kept_share(s, lane, column);
            now[s] = k * before[s] + (Scalar(1) - k) * now[s];
        }
    }

    /// The gradient d of zone_out's outcome, split into those of what the cell proposed (left in d) and of the state before.
    template <class Units>
    void split(V (&d)[states], V (&kept)[states], Units lane, Index column) const {
        for (int s = 0; s < states; ++s) {
            const V k = kept_share(s, lane, column);
            kept[s] = k * d[s];
            d[s] = (Scalar(1) - k) * d[s];
        }
    }

  private:
    /// k of a state.
    template <class Units>
    V kept_share(int state, Units lane, Index column) const {
        return keep[state] ? lane.load(keep[state], column) : splat<V>(rate[state]);
    }
};

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
