// Adam and AdamW: steps of adaptive moments, without and with decoupled weight decay; AMSGrad.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/kernel/update.hpp"
#include "carousel/optim/rule.hpp"

#include <cmath>

namespace carousel::inline CAROUSEL_ABI {

/// Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1. The defaults are the paper's and
/// PyTorch's (Keras: epsilon 1e-7).
///
///     d = g + weight_decay·w
///     m = beta1·m + (1 − beta1)·d
///     v = beta2·v + (1 − beta2)·d²
///     r = learning_rate·√(1 − beta2ᵗ) / (1 − beta1ᵗ)
///     w −= r·m / (√v + ε̂)       Formula::pytorch: ε̂ = epsilon·√(1 − beta2ᵗ), which is learning_rate·m̂ / (√v̂ + epsilon)
///                               Formula::keras:   ε̂ = epsilon
///
/// With amsgrad (Reddi, Kale and Kumar, "On the convergence of Adam and beyond", 2018, algorithm 2, as PyTorch and Keras have
/// it) the largest v so far stands in the root, and is a third moment.
struct Adam {
    static constexpr const char* name = "Adam";

    double learning_rate = 1e-3;
    double beta1 = 0.9;      ///< 0 <= beta1 < 1
    double beta2 = 0.999;    ///< 0 <= beta2 < 1
    double epsilon = 1e-8;   ///< > 0
    double weight_decay = 0; ///< of an L2 penalty ½·weight_decay·‖w‖²; AdamW's is another
    Formula formula = Formula::pytorch;
    /// Divides by the largest mean of squares so far: Reddi, Kale & Kumar (2018), "On the convergence of Adam and beyond".
    bool amsgrad = false;
    bool decay_biases =
        true; ///< false: no weight decay of biases, nor of gains and shifts of normalisations (b, beta, gamma)

    CAROUSEL_INLINE void check(const char* where = "Adam") const;

    template <class Scalar>
    void check_for(const char* where = "Adam") const {
        RuleRange<Scalar>::check(where, "learning_rate", learning_rate);
        RuleRange<Scalar>::check(where, "weight_decay", weight_decay);
        RuleRange<Scalar>::check_epsilon(where, epsilon);
    }

    Index moments() const { return amsgrad ? 3 : 2; }

    /// Step t, its corrections of bias made: rate is r, epsilon ε̂.
    struct Step {
        double beta1, beta2, rate, epsilon, weight_decay;
        double kept = 1; ///< of w, before the step
        bool amsgrad = false;

        template <class S>
        void update(ParameterValues<S> w, ParameterGradient<S> g, ParameterMoments<S> moments) const {
            const kernel::AdamStep<S> step{S(beta1), S(1 - beta1), S(beta2),        S(1 - beta2),
                                           S(rate),  S(epsilon),   S(weight_decay), S(kept)};
            kernel::optimizer_functions<S>().adam(
                step, w.data(), g.data(), moments.data(), moments.data() + moments.outerStride(),
                amsgrad ? moments.data() + 2 * moments.outerStride() : nullptr, w.size());
        }
    };
    CAROUSEL_INLINE Step at(Index t) const;
};

/// Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2, with the decay multiplied by the
/// learning rate as PyTorch and Keras do: w −= learning_rate·weight_decay·w, and then a step of Adam.
struct AdamW {
    static constexpr const char* name = "AdamW";

    double learning_rate = 1e-3;
    double beta1 = 0.9;         ///< 0 <= beta1 < 1
    double beta2 = 0.999;       ///< 0 <= beta2 < 1
    double epsilon = 1e-8;      ///< > 0
    double weight_decay = 0.01; ///< a fraction of w, times the learning rate
    Formula formula = Formula::pytorch;
    bool amsgrad = false;     ///< as Adam's
    bool decay_biases = true; ///< as Adam's

    void check() const { Adam{learning_rate, beta1, beta2, epsilon, weight_decay, formula}.check("AdamW"); }

    template <class Scalar>
    void check_for() const {
        Adam{learning_rate, beta1, beta2, epsilon, weight_decay, formula}.check_for<Scalar>("AdamW");
    }

    Index moments() const { return amsgrad ? 3 : 2; }

    /// As Adam's; weights have decayed before.
    struct Step : Adam::Step {};
    Step at(Index t) const {
        Step step{Adam{learning_rate, beta1, beta2, epsilon, 0, formula, amsgrad}.at(t)};
        step.kept = 1 - learning_rate * weight_decay;
        return step;
    }
};

static_assert(OptimizerRule<Adam> && OptimizerRule<AdamW>);

#ifdef CAROUSEL_BODIES

CAROUSEL_INLINE void Adam::check(const char* where) const {
    require(learning_rate >= 0 && std::isfinite(learning_rate), where, "learning_rate is ", learning_rate,
            ", expected a finite number >= 0");
    require(beta1 >= 0 && beta1 < 1, where, "beta1 is ", beta1, ", expected 0 <= beta1 < 1");
    require(beta2 >= 0 && beta2 < 1, where, "beta2 is ", beta2, ", expected 0 <= beta2 < 1");
    require(epsilon > 0 && std::isfinite(epsilon), where, "epsilon is ", epsilon, ", expected a finite number > 0");
    require(weight_decay >= 0 && std::isfinite(weight_decay), where, "weight_decay is ", weight_decay,
            ", expected a finite number >= 0");
}
CAROUSEL_INLINE Adam::Step Adam::at(Index t) const {
    const double correction1 = 1 - std::pow(beta1, static_cast<double>(t));
    const double correction2 = std::sqrt(1 - std::pow(beta2, static_cast<double>(t)));
    return {beta1,
            beta2,
            learning_rate * correction2 / correction1,
            formula == Formula::keras ? epsilon : epsilon * correction2,
            weight_decay,
            1,
            amsgrad};
}

#endif

} // namespace carousel
