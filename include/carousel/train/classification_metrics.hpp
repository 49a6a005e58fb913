// Metrics of classes: F1, and which class is taken for which.
#pragma once

#include "carousel/loss/loss.hpp"
#include "carousel/train/evaluate.hpp"
#include "carousel/train/metrics.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include <cmath>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// How the F1 scores of several classes become one.
enum class Average {
    macro,  ///< their mean, over the classes that occur in targets or outputs
    micro,  ///< of all counts together; where each column has one class, it is the accuracy
    binary, ///< the score of yes: y are logits, above 0 says yes, and so does a target of at least ½
};

/// F1 = 2 TP / (2 TP + FP + FN), 0 where there is nothing to count, as scikit-learn's f1_score; over all batches. A class is said by
/// the largest output, as with Accuracy. y: classes × columns, target: 1 × columns, class numbers; binary: features × columns both.
/// Throws std::invalid_argument if the shapes don't fit or a target is no class.
struct F1Score {
    Average average = Average::macro;           ///< how the classes' scores become one
    std::optional<Index> ignore = std::nullopt; ///< targets with this number don't count; not for binary

    std::string name() const { return "f1"; }

    /// Its parts are, of each class, TP, FP and FN.
    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                         ColumnWeights weights = {}) const;
    CAROUSEL_INLINE double value(const MetricSum& sum) const;
};

/// How often which class is taken for which: the parts of its sum, and table() of them. As a metric its value is the accuracy.
/// y: classes × columns, target: 1 × columns, class numbers. Throws std::invalid_argument if the shapes don't fit or a target is
/// no class.
struct ConfusionMatrix {
    std::optional<Index> ignore = std::nullopt; ///< targets with this number don't count

    std::string name() const { return "confusion matrix"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                         ColumnWeights weights = {}) const;

    /// Classes × classes: in row i and column j the number of targets i that were taken for j. Empty if nothing has been added.
    CAROUSEL_INLINE Matrix<double> table(const MetricSum& sum) const;
};

namespace detail {

/// Keeps the sum of another metric.
template <class Inner>
struct KeepsSum {
    Inner inner;
    MetricSum* kept;

    std::string name() const { return inner.name(); }
    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const {
        return inner(y, target);
    }
    double value(const MetricSum& sum) const {
        *kept = sum;
        return sum.mean();
    }
};

} // namespace detail

/// The ConfusionMatrix of a model on a data set, classes × classes: confusion_matrix(model, test). Throws what evaluate throws with
/// SoftmaxCrossEntropy.
template <class Model>
Matrix<double> confusion_matrix(const Model& model, const Dataset<typename Model::Scalar>& data,
                                const ConfusionMatrix& metric = {}, Index batch_size = 256) {
    MetricSum sum;
    evaluate(model, data, SoftmaxCrossEntropy{.ignore = metric.ignore, .skip_nan = true},
             {.batch_size = batch_size, .metrics = {detail::KeepsSum<ConfusionMatrix>{metric, &sum}}});
    return metric.table(sum);
}

#ifdef CAROUSEL_BODIES

template <std::floating_point S>
MetricSum F1Score::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                              ColumnWeights weights) const {
    const char* const where = "F1Score";
    MetricSum result;
    if (average == Average::binary) {
        result.parts.resize(3);
        detail::each_counted_number(where, y, target, weights, [&](Index, double logit, double q, double w) {
            const bool said = logit > 0, yes = q >= 0.5;
            if (said || yes)
                result.parts[said && yes ? 0 : said ? 1 : 2] += w;
            result.weight += w;
        });
        return result;
    }
    result.parts.resize(3 * static_cast<std::size_t>(y.features()));
    detail::each_counted_class(where, y, target, ignore, weights, [&](Index column, S actual, Index said, double w) {
        const auto is = 3 * static_cast<std::size_t>(detail::class_of(where, y, column, actual));
        const auto taken = 3 * static_cast<std::size_t>(said);
        if (is == taken)
            result.parts[is] += w;
        else {
            result.parts[taken + 1] += w;
            result.parts[is + 2] += w;
        }
        result.weight += w;
    });
    return result;
}

CAROUSEL_INLINE double F1Score::value(const MetricSum& sum) const {
    double scores = 0, classes = 0, hits = 0, misses = 0;
    for (std::size_t k = 0; k + 3 <= sum.parts.size(); k += 3) {
        const double right = sum.parts[k], wrong = sum.parts[k + 1] + sum.parts[k + 2];
        if (right + wrong > 0) {
            scores += 2 * right / (2 * right + wrong);
            ++classes;
        }
        hits += right;
        misses += wrong;
    }
    if (sum.weight == 0 || classes == 0)
        return sum.weight == 0 ? sum.mean() : 0;
    return average == Average::macro ? scores / classes : 2 * hits / (2 * hits + misses);
}

template <std::floating_point S>
MetricSum ConfusionMatrix::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                      ColumnWeights weights) const {
    const char* const where = "ConfusionMatrix";
    MetricSum result;
    const auto classes = static_cast<std::size_t>(y.features());
    result.parts.resize(classes * classes);
    detail::each_counted_class(where, y, target, ignore, weights, [&](Index column, S actual, Index said, double w) {
        const auto is = static_cast<std::size_t>(detail::class_of(where, y, column, actual));
        result.parts[is * classes + static_cast<std::size_t>(said)] += w;
        result.sum += static_cast<std::size_t>(said) == is ? w : 0;
        result.weight += w;
    });
    return result;
}

CAROUSEL_INLINE Matrix<double> ConfusionMatrix::table(const MetricSum& sum) const {
    const auto classes = static_cast<Index>(std::sqrt(static_cast<double>(sum.parts.size())) + 0.5);
    require(classes * classes == static_cast<Index>(sum.parts.size()), "ConfusionMatrix::table", "the sum has ",
            sum.parts.size(), " parts, expected those of a ConfusionMatrix");
    Matrix<double> result(classes, classes);
    for (Index i = 0; i < classes; ++i)
        for (Index j = 0; j < classes; ++j)
            result(i, j) = sum.parts[static_cast<std::size_t>(i * classes + j)];
    return result;
}

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_CLASSIFICATION_METRICS(S) \
    CAROUSEL_INSTANTIATE_METRIC(S, F1Score);           \
    CAROUSEL_INSTANTIATE_METRIC(S, ConfusionMatrix)
