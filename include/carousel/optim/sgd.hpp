// SGD: stochastic gradient descent, with momentum and Nesterov's variant of it.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/kernel/update.hpp"
#include "carousel/optim/rule.hpp"

#include <cmath>

namespace carousel::inline CAROUSEL_ABI {

/// Stochastic gradient descent; momentum as in Sutskever, Martens, Dahl and Hinton, "On the importance of
/// initialization and momentum in deep learning", 2013, eq. 1–4, in the form of the library that `formula` names:
///
///     d = g + weight_decay·w
///     no momentum        w −= learning_rate·d
///     Formula::pytorch   m = momentum·m + d
///                        w −= learning_rate·m, with nesterov: w −= learning_rate·(d + momentum·m)
///     Formula::keras     m = momentum·m + learning_rate·d
///                        w −= m, with nesterov: w −= learning_rate·d + momentum·m
///
/// As long as the learning rate stays the same, both are the same.
struct SGD {
    static constexpr const char* name = "SGD";

    double learning_rate = 1e-2;
    double momentum = 0;     ///< 0 <= momentum < 1; 0: none, and no memory for it
    bool nesterov = false;   ///< needs a momentum
    double weight_decay = 0; ///< of an L2 penalty ½·weight_decay·‖w‖²
    Formula formula = Formula::pytorch;
    bool decay_biases =
        true; ///< false: no weight decay of biases, nor of gains and shifts of normalisations (b, beta, gamma)

    CAROUSEL_INLINE void check() const;

    template <class Scalar>
    void check_for() const {
        RuleRange<Scalar>::check("SGD", "learning_rate", learning_rate);
        RuleRange<Scalar>::check("SGD", "weight_decay", weight_decay);
    }

    Index moments() const { return momentum > 0 ? 1 : 0; }

    SGD at(Index) const { return *this; }

    template <class S>
    void update(ParameterValues<S> w, ParameterGradient<S> g, ParameterMoments<S> moments) const {
        const bool rate_inside = momentum > 0 && formula == Formula::keras; // of the buffer
        const kernel::SgdStep<S> step{S(momentum), rate_inside ? S(learning_rate) : S(1),
                                      rate_inside ? S(1) : S(learning_rate), S(weight_decay), nesterov};
        kernel::optimizer_functions<S>().sgd(step, w.data(), g.data(), momentum > 0 ? moments.data() : nullptr,
                                             w.size());
    }
};

static_assert(OptimizerRule<SGD>);

#ifdef CAROUSEL_BODIES

CAROUSEL_INLINE void SGD::check() const {
    require(learning_rate >= 0 && std::isfinite(learning_rate), "SGD", "learning_rate is ", learning_rate,
            ", expected a finite number >= 0");
    require(momentum >= 0 && momentum < 1, "SGD", "momentum is ", momentum, ", expected 0 <= momentum < 1");
    require(!nesterov || momentum > 0, "SGD", "nesterov is set and momentum is 0, expected momentum > 0");
    require(weight_decay >= 0 && std::isfinite(weight_decay), "SGD", "weight_decay is ", weight_decay,
            ", expected a finite number >= 0");
}

#endif

} // namespace carousel
