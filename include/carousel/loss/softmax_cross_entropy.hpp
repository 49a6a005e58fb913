// SoftmaxCrossEntropy: for outputs that choose one class of many; from logits.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"

#include <concepts>
#include <optional>
#include <type_traits>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include "carousel/kernel/arrays.hpp"

#    include <algorithm>
#    include <cmath>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// y are logits, the model's last layer is linear, one feature a class. A target is the number k of the right class,
/// 0 … F − 1. Over the real columns (all, or those within the lengths) whose target isn't `ignore`, with w the
/// class_weights, or 1:
///
///     p = softmax(y)    l = −w_k log p_k = w_k (log Σ e^(y − max y) − (y_k − max y))
///     Reduction::mean   loss = Σ l / Σ w_k         dy = w_k / Σ w_k (p − onehot(k))
///     Reduction::sum    loss = Σ l                 dy = w_k (p − onehot(k))
///
/// in nats, as PyTorch's CrossEntropyLoss; no logit is too large. Padding and what is ignored add nothing and have the
/// gradient zero. For a target at the end alone the model ends in a single step, for one at every step in all of them.
struct SoftmaxCrossEntropy {
    Reduction reduction = Reduction::mean;
    std::vector<double> class_weights = {};     ///< one a class; empty: all 1
    std::optional<Index> ignore = std::nullopt; ///< targets with this number don't count
    bool skip_nan = false;                      ///< targets that are NaN don't count; otherwise they are refused

    /// y: classes × steps × batch, target: 1 × steps × batch; which columns are real is said by y's lengths. dy takes
    /// y's shape and lengths, keeps its memory if it has that size already, and may be what y is a view of. Throws
    /// std::invalid_argument, before dy is touched, unless target has y's steps, batch and, if it has lengths, y's
    /// lengths, its real numbers are classes, and what is to be compared weighs more than 0.
    template <std::floating_point S>
    double operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr, ColumnWeights weights = {}) const;

    template <std::floating_point S>
    double operator()(const Sequence<S>& y, const Sequence<S>& target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const {
        return (*this)(y.view(), target.view(), dy);
    }

    /// What the sum is divided by: the targets' class weights, or how many there are, for a mean, 1 for a sum; 0 if all
    /// are padding or ignored. Batches are averaged by it: Σ weight·loss / Σ weight. Throws as check(), and unless target
    /// has y's steps, batch and, if it has lengths, y's lengths.
    template <std::floating_point S>
    double weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target, ColumnWeights weights = {}) const;

    /// The weight() of outputs of so many features with these targets, of their lengths. Throws std::invalid_argument
    /// unless every real target is a class, 0 … features − 1, or ignored, and class_weights are empty or one a class,
    /// finite and >= 0.
    template <std::floating_point S>
    double check(SequenceView<S> target, Index features, ColumnWeights weights = {}) const;

  private:
    template <class S>
    bool ignores(S k) const {
        return (ignore && k == static_cast<S>(*ignore)) || (skip_nan && k != k);
    }

    template <class S>
    double class_weight(S k) const {
        return class_weights.empty() ? 1 : class_weights[static_cast<std::size_t>(k)];
    }
};

static_assert(Loss<SoftmaxCrossEntropy>);

#ifdef CAROUSEL_BODIES

template <std::floating_point S>
double SoftmaxCrossEntropy::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                       std::type_identity_t<Sequence<S>>* dy, ColumnWeights weights) const {
    const double divisor = weight(y, target, weights);
    detail::require_summands("SoftmaxCrossEntropy", divisor, "padding, ignored or of weight 0");
    if (dy)
        dy->resize(y.features(), y.steps(), y.batch(), y.lengths());

    const kernel::SoftmaxFunctions<S>& functions = kernel::softmax_functions<S>();
    double sum = 0;
    for (Index t = 0, column = 0; t < y.steps(); ++t)
        for (Index b = 0; b < y.batch(); ++b, ++column) {
            const S* const logits = y.data() + column * y.features();
            S* const gradient = dy ? dy->data() + column * y.features() : nullptr;
            const S k = target.data()[column];
            const double of_column = weights.empty() ? 1 : weights[static_cast<std::size_t>(column)];
            if (y.real(t, b) && of_column != 0 && !ignores(k)) {
                const double w = of_column * class_weight(k);
                sum += w * functions.loss(logits, y.features(), static_cast<Index>(k), w / divisor, gradient);
            } else if (gradient)
                std::fill_n(gradient, y.features(), S(0));
        }
    return sum / divisor;
}

template <std::floating_point S>
double SoftmaxCrossEntropy::weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                   ColumnWeights weights) const {
    detail::require_target("SoftmaxCrossEntropy", y, target, 1);
    return check(SequenceView<S>(target.data(), 1, y.steps(), y.batch(), y.lengths()), y.features(), weights);
}

template <std::floating_point S>
double SoftmaxCrossEntropy::check(SequenceView<S> target, Index features, ColumnWeights weights) const {
    require(class_weights.empty() || static_cast<Index>(class_weights.size()) == features, "SoftmaxCrossEntropy",
            class_weights.size(), " class weights were given for ", features, " classes");
    for (std::size_t k = 0; k < class_weights.size(); ++k)
        require(std::isfinite(class_weights[k]) && class_weights[k] >= 0, "SoftmaxCrossEntropy", "the weight of class ",
                k, " is ", class_weights[k], ", expected a finite number >= 0");
    require(target.features() == 1, "SoftmaxCrossEntropy", "target has ", target.features(),
            " features, expected 1: the number of the class");
    detail::require_weights("SoftmaxCrossEntropy", target, weights);
    double sum = 0;
    for (Index t = 0, column = 0; t < target.steps(); ++t)
        for (Index b = 0; b < target.batch(); ++b, ++column) {
            const S k = target.data()[column];
            const double of_column = weights.empty() ? 1 : weights[static_cast<std::size_t>(column)];
            if (!target.real(t, b) || of_column == 0 || ignores(k))
                continue;
            require(k >= 0 && k < static_cast<S>(features) && k == std::floor(k), "SoftmaxCrossEntropy",
                    "the target at step ", t, " of sequence ", b, " is ", k, ", expected a class, 0 … ", features - 1,
                    k != k ? "; skip_nan passes over NaN" : "");
            sum += of_column * class_weight(k);
        }
    return detail::loss_weight(reduction, sum);
}

#endif

} // namespace carousel
