// evaluate: loss and metrics of a model on a data set.
#pragma once

#include "carousel/loss/loss.hpp"
#include "carousel/train/dataset.hpp"
#include "carousel/train/learner.hpp"
#include "carousel/train/metrics.hpp"
#include "carousel/train/sample_source.hpp"

#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What a model comes to on a data set: its loss and the metrics that were asked for, in that order.
struct Evaluation {
    /// Σ weight·loss / Σ weight over the batches: the mean over all targets; of Reduction::sum, which has the weight 1,
    /// the mean over the batches of their sums. And the metrics' values.
    double loss = 0;
    std::vector<double> metrics;
};

/// How evaluate() goes through the data, and what it measures besides the loss.
struct EvaluateOptions {
    /// Samples at a time. The loss as a mean, and the metrics, don't depend on it but for rounding; a loss of
    /// Reduction::sum is the mean over the batches of their sums, so as large as the batches are.
    Index batch_size = 256;
    std::vector<Metric> metrics = {}; ///< {Accuracy{}, …}
};

namespace detail {

template <class S>
Evaluation evaluate(Evaluated<S>& model, const SampleSource<S>& data, const EvaluateOptions& options);

} // namespace detail

/// Loss and metrics of the model's inference over a data set, or over any SampleSource, `batch_size` samples at a time:
///
///     evaluate(model, test, SoftmaxCrossEntropy{}, {.metrics = {Accuracy{}}}).metrics[0]
///
/// Throws std::invalid_argument, before it begins, if batch_size is below 1, x and y have different numbers of samples, a
/// real number of x is NaN or infinite, a target is none for the loss, the targets have other steps than the model's
/// output or there is nothing to compare with, as all are padding or ignored. A loss of one's own without check() meets
/// its targets batch by batch instead.
template <class Model, Loss LossType>
Evaluation evaluate(const Model& model, const SampleSource<typename Model::Scalar>& data, const LossType& loss,
                    const EvaluateOptions& options = {}) {
    detail::EvaluatedOf<Model, LossType> evaluated(model, loss);
    return detail::evaluate(evaluated, data, options);
}

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_EVALUATE(S)                      \
    template carousel::Evaluation carousel::detail::evaluate( \
        carousel::detail::Evaluated<S>&, const carousel::SampleSource<S>&, const carousel::EvaluateOptions&)

#ifdef CAROUSEL_BODIES
#    include "carousel/train/evaluate_loop.hpp"
#endif
