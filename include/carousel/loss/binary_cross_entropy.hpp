// BinaryCrossEntropy: for outputs that are yes or no, each by itself; from logits.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"

#include <concepts>
#include <type_traits>

#ifdef CAROUSEL_BODIES
#    include <algorithm>
#    include <cmath>
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

    /// y, target: features × steps × batch; which columns are real is said by y's lengths. dy takes y's
    /// shape and lengths, keeps its memory if it has that size already, and may be what y is a view of. Throws std::invalid_argument,
    /// before dy is touched, unless target has y's shape and, if it has lengths, y's lengths, a column is real and all
    /// their targets are within 0 … 1.
    template <std::floating_point S>
    double operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const;

    template <std::floating_point S>
    double operator()(const Sequence<S>& y, const Sequence<S>& target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const {
        return (*this)(y.view(), target.view(), dy);
    }

    /// What the sum is divided by: F·N for a mean, 1 for a sum, 0 without real columns. Batches are averaged by it:
    /// Σ weight·loss / Σ weight.
    template <std::floating_point S>
    double weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>>) const;

    /// The weight() of outputs with these targets, of their lengths. Throws std::invalid_argument unless they have
    /// as many features, every real one is within 0 … 1 and positive_weight is finite and >= 0.
    template <std::floating_point S>
    double check(SequenceView<S> target, Index features) const;
};

static_assert(Loss<BinaryCrossEntropy>);

#ifdef CAROUSEL_BODIES

template <std::floating_point S>
double BinaryCrossEntropy::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                      std::type_identity_t<Sequence<S>>* dy) const {
    detail::require_target("BinaryCrossEntropy", y, target, y.features());
    const double divisor =
        check(SequenceView<S>(target.data(), y.features(), y.steps(), y.batch(), y.lengths()), y.features());
    detail::require_summands("BinaryCrossEntropy", divisor);
    if (dy)
        dy->resize(y.features(), y.steps(), y.batch(), y.lengths());

    double sum = 0;
    detail::each_run(y, [&](Index column, Index count, bool real) {
        const Index end = (column + count) * y.features();
        for (Index k = column * y.features(); k < end; ++k) {
            if (!real) {
                if (dy)
                    dy->data()[k] = 0;
                continue;
            }
            const auto logit = static_cast<double>(y.data()[k]);
            const auto q = static_cast<double>(target.data()[k]);
            const double e = std::exp(-std::abs(logit)), softplus = std::log1p(e);
            sum +=
                positive_weight * q * (std::max(-logit, 0.0) + softplus) + (1 - q) * (std::max(logit, 0.0) + softplus);
            const double large = 1 / (1 + e), small = e / (1 + e); // σ(|y|) and σ(−|y|)
            if (dy)
                dy->data()[k] = static_cast<S>(
                    ((1 - q) * (logit > 0 ? large : small) - positive_weight * q * (logit > 0 ? small : large)) /
                    divisor);
        }
    });
    return sum / divisor;
}

template <std::floating_point S>
double BinaryCrossEntropy::weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>>) const {
    return detail::loss_weight(reduction, y);
}

template <std::floating_point S>
double BinaryCrossEntropy::check(SequenceView<S> target, Index features) const {
    require(target.features() == features, "BinaryCrossEntropy", "the targets have ", target.features(),
            " features, expected ", features);
    require(std::isfinite(positive_weight) && positive_weight >= 0, "BinaryCrossEntropy", "positive_weight is ",
            positive_weight, ", expected a finite number >= 0");
    for (Index t = 0; t < target.steps(); ++t)
        for (Index b = 0; b < target.batch(); ++b)
            for (Index f = 0; f < target.features() && target.real(t, b); ++f) {
                const S q = target.data()[(t * target.batch() + b) * target.features() + f];
                require(q >= 0 && q <= 1, "BinaryCrossEntropy", "the target at feature ", f, ", step ", t,
                        " of sequence ", b, " is ", q, ", expected 0 … 1");
            }
    return detail::loss_weight(reduction, target);
}

#endif

} // namespace carousel
