// RMSprop: every number's gradient divided by the root of its running mean square.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/kernel/update.hpp"
#include "carousel/optim/rule.hpp"

#include <cmath>

namespace carousel::inline CAROUSEL_ABI {

/// Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012; centred and with momentum as in
/// Graves, "Generating sequences with recurrent neural networks", 2013, eq. 38–41. The defaults are those of Keras
/// (PyTorch: rho, there alpha, 0.99; epsilon 1e-8; learning rate 1e-2).
///
///     d = g + weight_decay·w
///     v = rho·v + (1 − rho)·d²
///     a = rho·a + (1 − rho)·d                   if centred; else a = 0
///     u = d / (√(v − a²) + epsilon)             Formula::pytorch
///     u = d / √(v − a² + epsilon)               Formula::keras
///     no momentum        w −= learning_rate·u
///     Formula::pytorch   m = momentum·m + u                  w −= learning_rate·m
///     Formula::keras     m = momentum·m + learning_rate·u    w −= m
struct RMSprop {
    static constexpr const char* name = "RMSprop";

    double learning_rate = 1e-3;
    double rho = 0.9;        ///< 0 <= rho < 1: how much of the running means is kept
    double epsilon = 1e-7;   ///< > 0
    double momentum = 0;     ///< 0 <= momentum < 1
    bool centered = false;   ///< divide by the deviation instead of the root of the mean square
    double weight_decay = 0; ///< of an L2 penalty ½·weight_decay·‖w‖²
    Formula formula = Formula::pytorch;
    bool decay_biases =
        true; ///< false: no weight decay of biases, nor of gains and shifts of normalisations (b, beta, gamma)

    CAROUSEL_INLINE void check() const;

    template <class Scalar>
    void check_for() const {
        RuleRange<Scalar>::check("RMSprop", "learning_rate", learning_rate);
        RuleRange<Scalar>::check("RMSprop", "weight_decay", weight_decay);
        RuleRange<Scalar>::check_epsilon("RMSprop", epsilon);
    }

    Index moments() const { return 1 + (centered ? 1 : 0) + (momentum > 0 ? 1 : 0); }

    RMSprop at(Index) const { return *this; }

    template <class S>
    void update(ParameterValues<S> w, ParameterGradient<S> g, ParameterMoments<S> moments) const {
        // epsilon under the root and the rate inside the buffer (Keras), or both outside (PyTorch)
        const bool under_root = formula == Formula::keras, rate_inside = momentum > 0 && under_root;
        const kernel::RmspropStep<S> step{S(rho),
                                          S(1 - rho),
                                          S(under_root ? epsilon : 0),
                                          S(under_root ? 0 : epsilon),
                                          S(momentum),
                                          rate_inside ? S(learning_rate) : S(1),
                                          rate_inside ? S(1) : S(learning_rate),
                                          S(weight_decay)};
        S* const v = moments.data();
        S* const last = v + (moments.cols() - 1) * moments.outerStride();
        kernel::optimizer_functions<S>().rmsprop(step, w.data(), g.data(), v,
                                                 centered ? v + moments.outerStride() : nullptr,
                                                 momentum > 0 ? last : nullptr, w.size());
    }
};

static_assert(OptimizerRule<RMSprop>);

#ifdef CAROUSEL_BODIES

CAROUSEL_INLINE void RMSprop::check() const {
    require(learning_rate >= 0 && std::isfinite(learning_rate), "RMSprop", "learning_rate is ", learning_rate,
            ", expected a finite number >= 0");
    require(rho >= 0 && rho < 1, "RMSprop", "rho is ", rho, ", expected 0 <= rho < 1");
    require(epsilon > 0 && std::isfinite(epsilon), "RMSprop", "epsilon is ", epsilon, ", expected a finite number > 0");
    require(momentum >= 0 && momentum < 1, "RMSprop", "momentum is ", momentum, ", expected 0 <= momentum < 1");
    require(weight_decay >= 0 && std::isfinite(weight_decay), "RMSprop", "weight_decay is ", weight_decay,
            ", expected a finite number >= 0");
}

#endif

} // namespace carousel
