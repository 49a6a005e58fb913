// What fit asks of its options and data before anything is changed.
#pragma once

#include "carousel/core/sequence.hpp"
#include "carousel/train/data_checks.hpp"
#include "carousel/train/fit_options.hpp"
#include "carousel/train/sample_source.hpp"
#include "carousel/train/training_state.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// What is asked of the options and the data before anything is changed.
template <class S>
void check(const FitOptions& o, const SampleSource<S>& data) {
    const Index steps = data.shape().x_steps, target_steps = data.shape().y_steps;
    check_shape("fit", data);
    check(o);
    require(o.truncate == 0 || steps == target_steps, "fit", "truncate needs a target for every step: x has ", steps,
            " steps and the targets have ", target_steps);
    if (o.truncate > 0 && !data.y_lengths().empty())
        for (Index b = 0; b < data.size(); ++b)
            require(data.x_length(b) == data.y_length(b), "fit", "truncate needs a target for every step: sequence ",
                    data.number(b), " has ", data.x_length(b), " steps and its targets have ", data.y_length(b));
    require(o.bucket == 0 || data.block() == 0 || data.block() >= data.size(), "fit", "bucket is ", o.bucket,
            ", expected 0 for samples that come in an order of their own, ", data.block(), " of ", data.size(),
            " at a time");
}

/// A loss over a whole sequence, as CTC's, can't be cut into chunks.
template <class S>
void check_truncated(const FitOptions& o, const Evaluated<S>& model) {
    require(o.truncate == 0 || !model.own_steps(), "fit", "truncate is ", o.truncate,
            ", expected 0 with a loss over a whole sequence, as CTCLoss, which has no part for each chunk");
}

/// What is asked of a validation set beside the data.
template <class S>
void check_validation(const SampleSource<S>& validation, const SampleSource<S>& training) {
    const SampleShape given = validation.shape(), expected = training.shape();
    const auto check_features = [](const char* name, Index features, Index others) {
        require(features == others, "fit", name, " of the validation set has ", features, " features, expected ",
                others, " as in the training set");
    };
    require(validation.size() > 0 && given.x_steps > 0, "fit", "the validation set is empty");
    if (const Dataset<S>* const whole = validation.whole_dataset())
        require(whole->y.batch() == whole->size(), "fit", "x of the validation set has ", whole->size(),
                " samples and y ", whole->y.batch());
    check_features("x", given.x_features, expected.x_features);
    check_features("y", given.y_features, expected.y_features);
}

/// What is asked of the samples first … first + count − 1: that their numbers are finite, one has a step, each target is
/// one, as far as the loss can tell, and one counts.
template <class S>
void check_samples(const Evaluated<S>& model, const SampleSource<S>& data, Index first, Index count, const char* what) {
    const double weight = check_samples("fit", model, data, first, count);
    require(weight > 0, "fit", "there is no target to compare with in ", count, what,
            ", every one is padding, ignored or of weight 0");
    Index steps = 0;
    for (Index b = first; b < first + count; ++b)
        steps += data.x_length(b);
    require(steps > 0, "fit", "no sequence of x has a step in ", count, what);
}

/// A state that goes from batch to batch has one size.
inline void check_stateful(const FitOptions& o, Index training, Index validation) {
    const auto check_samples = [&](Index samples, const char* what) {
        require(!o.stateful || samples % o.batch_size == 0, "fit", "stateful needs batches of equal size: ", samples,
                what, " are no multiple of batch_size ", o.batch_size);
    };
    check_samples(training, " samples");
    check_samples(validation, " validation samples");
}

/// What is asked of the options beside a training that goes on.
template <class S>
void check_going_on(const FitOptions& o, const TrainingState<S>& state) {
    require(o.planned_epochs == 0 || o.planned_epochs - state.epochs >= o.epochs, "fit", "planned_epochs is ",
            o.planned_epochs, " with ", state.epochs, " epochs trained and ", o.epochs,
            " to train, expected at least their sum, or 0");
    if (state.history.epochs.empty())
        return;
    const std::vector<std::string>& names = state.history.metrics;
    const auto same = [](const Metric& metric, const std::string& name) { return metric.name() == name; };
    require(std::equal(o.metrics.begin(), o.metrics.end(), names.begin(), names.end(), same), "fit",
            "the metrics are not those of the training so far, of which the history has ", names.size(),
            "; ask for the same, or begin another Training");
}

} // namespace carousel::detail
