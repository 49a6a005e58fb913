// BinaryCrossEntropy: for outputs that are yes or no, each by itself; from logits.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <type_traits>

#ifdef CAROUSEL_BODIES
#    include "carousel/loss/term_loss.hpp"
#endif

namespace carousel::inline CAROUSEL_ABI {

/// y are logits, the model's last layer is linear: the probability of yes is p = σ(y). With targets q in 0 … 1, F
/// features, N real columns (steps · batch, or the sum of the lengths) and w = positive_weight:
///
///     l = −w q log σ(y) − (1 − q) log σ(−y)        −log σ(y) = max(−y, 0) + log(1 + e^−|y|)
///     Reduction::mean   loss = 1/(F·N) Σ l         dy = 1/(F·N) ((1 − q) σ(y) − w q σ(−y))
///     Reduction::sum    loss = Σ l                 dy = (1 − q) σ(y) − w q σ(−y)
///
/// in nats, as PyTorch's BCEWithLogitsLoss; no logit is too large. Padding adds nothing and has the gradient zero.
struct BinaryCrossEntropy {
    Reduction reduction = Reduction::mean;
    double positive_weight = 1; ///< so many times counts a yes; negatives / positives evens out rare ones
    bool skip_nan = false; ///< targets that are NaN don't count, and F·N is how many do; otherwise they are refused

    /// y, target: features × steps × batch; which columns are real is said by y's lengths. dy takes y's
    /// shape and lengths, keeps its memory if it has that size already, and may be what y is a view of. Throws std::invalid_argument,
    /// before dy is touched, unless target has y's shape and, if it has lengths, y's lengths, a column is real and all
    /// their targets are within 0 … 1.
    template <std::floating_point S>
    double operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr, ColumnWeights weights = {}) const;

    template <std::floating_point S>
    double operator()(const Sequence<S>& y, const Sequence<S>& target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const {
        return (*this)(y.view(), target.view(), dy);
    }

    /// What the sum is divided by: F·N for a mean, 1 for a sum, 0 without real columns. Batches are averaged by it:
    /// Σ weight·loss / Σ weight.
    template <std::floating_point S>
    double weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target, ColumnWeights weights = {}) const;

    /// The weight() of outputs with these targets, of their lengths. Throws std::invalid_argument unless they have
    /// as many features, every real one is within 0 … 1 and positive_weight is finite and >= 0.
    template <std::floating_point S>
    double check(SequenceView<S> target, Index features, ColumnWeights weights = {}) const;

    /// Stand in messages.
    static constexpr const char *name = "BinaryCrossEntropy", *expected = "0 … 1";
    /// Whether it may be a target.
    bool accepts(double target) const { return target >= 0 && target <= 1; }
    /// Throws std::invalid_argument unless the options are in their ranges.
    void check_options() const {
        require(std::isfinite(positive_weight) && positive_weight >= 0, name, "positive_weight is ", positive_weight,
                ", expected a finite number >= 0");
    }
    /// Of one number.
    Term term(double y, double target) const {
        const double e = std::exp(-std::abs(y)), softplus = std::log1p(e);
        const double large = 1 / (1 + e), small = e / (1 + e); // σ(|y|) and σ(−|y|)
        return {positive_weight * target * (std::max(-y, 0.0) + softplus) +
                    (1 - target) * (std::max(y, 0.0) + softplus),
                (1 - target) * (y > 0 ? large : small) - positive_weight * target * (y > 0 ? small : large)};
    }
};

static_assert(Loss<BinaryCrossEntropy>);

#ifdef CAROUSEL_BODIES

CAROUSEL_TERM_LOSS_BODIES(BinaryCrossEntropy)

#endif

} // namespace carousel
