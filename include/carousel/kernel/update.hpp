// The steps of the optimizers' rules: what happens to each number of a parameter. A door as arrays.hpp; the equations are those of
// optim/, in their symbols.
#pragma once

#include "carousel/kernel/compiled.hpp"
#include "carousel/simd/elementary.hpp"

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel {

/// Of a step of Adam or AdamW. `kept`: of w, before all else.
template <class S>
struct AdamStep {
    S beta1, beta1_rest, beta2, beta2_rest, rate, epsilon, weight_decay, kept; ///< the rest of 1
};
/// m = momentum·m + inside·d and w −= outside·m, or with nesterov w −= outside·(inside·d + momentum·m).
template <class S>
struct SgdStep {
    S momentum, inside, outside, weight_decay;
    bool nesterov;
};
/// u = d / (√(v + under_root) + beside_root), m = momentum·m + inside·u, w −= outside·m.
template <class S>
struct RmspropStep {
    S rho, rho_rest, under_root, beside_root, momentum, inside, outside, weight_decay;
};

template <class S>
struct OptimizerFunctions {
    void (*adam)(const AdamStep<S>& step, S* w, const S* g, S* m, S* v, S* largest, Index size);
    void (*sgd)(const SgdStep<S>& step, S* w, const S* g, S* m, Index size);
    void (*rmsprop)(const RmspropStep<S>& step, S* w, const S* g, S* v, S* a, S* m, Index size);
};

inline namespace CAROUSEL_ISA {

using namespace simd;

/// largest: AMSGrad's maximum of v so far; null without.
template <class S>
void adam(const AdamStep<S>& step, S* w, const S* g, S* m, S* v, S* largest, Index size) {
    using V = Lane<S>;
    const AdamStep<S> s = step;
    if (largest)
        return each_lane<S>(
            size, [&](Index k, Index count) __attribute__((always_inline)) {
                const V kept = s.kept * load<V>(w + k, count);
                const V d = load<V>(g + k, count) + s.weight_decay * kept;
                const V first = s.beta1 * load<V>(m + k, count) + s.beta1_rest * d;
                const V second = s.beta2 * load<V>(v + k, count) + s.beta2_rest * (d * d);
                const V before = load<V>(largest + k, count);
                const V most = second > before ? second : before;
                store<V>(m + k, first, count);
                store<V>(v + k, second, count);
                store<V>(largest + k, most, count);
                store<V>(w + k, kept - s.rate * first / (simd::sqrt(most) + s.epsilon), count);
            });
    each_lane<S>(
        size, [&](Index k, Index count) __attribute__((always_inline)) {
            const V kept = s.kept * load<V>(w + k, count);
            const V d = load<V>(g + k, count) + s.weight_decay * kept;
            const V first = s.beta1 * load<V>(m + k, count) + s.beta1_rest * d;
            const V second = s.beta2 * load<V>(v + k, count) + s.beta2_rest * (d * d);
            store<V>(m + k, first, count);
            store<V>(v + k, second, count);
            store<V>(w + k, kept - s.rate * first / (simd::sqrt(second) + s.epsilon), count);
        });
}

/// m: null without momentum.
template <class S>
void sgd(const SgdStep<S>& step, S* w, const S* g, S* m, Index size) {
    using V = Lane<S>;
    const SgdStep<S> s = step;
    if (!m)
        return each_lane<S>(
            size, [&](Index k, Index count) __attribute__((always_inline)) {
                const V old = load<V>(w + k, count);
                store<V>(w + k, old - s.outside * (load<V>(g + k, count) + s.weight_decay * old), count);
            });
    each_lane<S>(
        size, [&](Index k, Index count) __attribute__((always_inline)) {
            const V old = load<V>(w + k, count);
            const V d = s.inside * (load<V>(g + k, count) + s.weight_decay * old);
            const V moment = s.momentum * load<V>(m + k, count) + d;
            store<V>(m + k, moment, count);
            store<V>(w + k, old - s.outside * (s.nesterov ? d + s.momentum * moment : moment), count);
        });
}

/// a: null unless centred. m: null without momentum.
template <class S>
void rmsprop(const RmspropStep<S>& step, S* w, const S* g, S* v, S* a, S* m, Index size) {
    using V = Lane<S>;
    const RmspropStep<S> s = step;
    each_lane<S>(
        size, [&](Index k, Index count) __attribute__((always_inline)) {
            const V old = load<V>(w + k, count);
            const V d = load<V>(g + k, count) + s.weight_decay * old;
            V mean_square = s.rho * load<V>(v + k, count) + s.rho_rest * (d * d);
            store<V>(v + k, mean_square, count);
            if (a) {
                const V mean = s.rho * load<V>(a + k, count) + s.rho_rest * d;
                store<V>(a + k, mean, count);
                mean_square -= mean * mean;
                mean_square = mean_square < S(0) ? V{} : mean_square; // rounding may make a variance negative
            }
            V change = s.inside * (d / (simd::sqrt(mean_square + s.under_root) + s.beside_root));
            if (m) {
                change += s.momentum * load<V>(m + k, count);
                store<V>(m + k, change, count);
            }
            store<V>(w + k, old - s.outside * change, count);
        });
}

template <class S>
CAROUSEL_OWN inline constexpr OptimizerFunctions<S> optimizer_functions_here = {adam<S>, sgd<S>, rmsprop<S>};

} // namespace CAROUSEL_ISA

/// Those of the instruction set that runs.
template <class S>
const OptimizerFunctions<S>& optimizer_functions() {
    if constexpr (in_library<S>)
        return chosen<OptimizerFunctions<S>>();
    else
        return optimizer_functions_here<S>;
}

} // namespace carousel::kernel

#include "carousel/core/quiet_bounds_end.hpp"
