// What fit and evaluate ask of a data set, of its numbers and of the steps of its targets, before they begin.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/train/dataset.hpp"
#include "carousel/train/learner.hpp"

#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A target for each sample, and a step.
template <class S>
void check_shape(const char* where, const Dataset<S>& data) {
    require(data.y.batch() == data.size(), where, "x has ", data.size(), " samples and y ", data.y.batch());
    require(data.x.steps() >= 1, where, "the data set is empty");
}

/// Every real number of x in the samples first … first + count − 1 must be finite. Padding may hold anything.
template <class S>
void check_finite(const char* where, const SequenceView<S>& x, Index first, Index count) {
    const Index features = x.features();
    for (Index t = 0; t < x.steps(); ++t)
        for (Index b = first; b < first + count;) { // over runs of samples that are real at this step
            Index end = b;
            while (end < first + count && x.real(t, end))
                ++end;
            const S* const numbers = x.data() + (t * x.batch() + b) * features;
            if (const Index k = end > b ? non_finite_at(numbers, (end - b) * features) : 0; k < (end - b) * features)
                require(false, where, "x is ", numbers[k], " in sample ", b + k / features, " at step ", t,
                        ", feature ", k % features, ", expected finite numbers: leave the sample out, or fill the gap");
            b = end + 1;
        }
}

/// The targets must have as many steps as the model makes of x, in all and of each of these samples.
template <class S>
void check_steps(const char* where, const Evaluated<S>& model, const Dataset<S>& data, Index first, Index count) {
    const auto x = data.x.view(), y = data.y.view();
    require(x.steps() >= model.least_steps(), where, "x has ", x.steps(), " steps, expected at least ",
            model.least_steps(), ", which the model needs");
    const Index made = model.output_length(x.steps()), given = y.steps();
    const char* const advice = given == 1 && made == x.steps()
                                   ? "add LastStep{} to the model or give a target for every step"
                               : made == 1 ? "leave LastStep out of the model or give one target for each sequence"
                                           : "expected as many";
    require(made == given, where, "the model outputs ", made, made == 1 ? " step" : " steps", " and the targets have ",
            given, ": ", advice);
    for (Index b = first; y.ragged() && b < first + count; ++b) {
        const Index real = x.ragged() ? model.output_length(x.length(b)) : made;
        require(y.length(b) == real, where, "sequence ", b, " has targets for ", y.length(b),
                " steps and the model outputs ", real, ", expected as many");
    }
}

/// Checks the samples first … first + count − 1 and, if the loss can tell, their targets; returns what these weigh, or 1
/// if the loss can't tell. A loss that can't compares its targets as it likes, so their steps are its own affair, too.
template <class S>
double check_samples(const char* where, const Evaluated<S>& model, const Dataset<S>& data, Index first, Index count) {
    const auto x = data.x.view(), y = data.y.view();
    const Index outputs = model.output_size(x.features());
    check_finite(where, x, first, count);
    if (!model.checks())
        return 1;
    check_steps(where, model, data, first, count);
    std::vector<Index> lengths(static_cast<std::size_t>(y.batch())); // of all other samples 0: they are padding
    for (Index b = first; b < first + count; ++b)
        lengths[static_cast<std::size_t>(b)] = x.ragged() ? model.output_length(x.length(b)) : y.steps();
    return model.check(SequenceView<S>(y.data(), y.features(), y.steps(), y.batch(), lengths), outputs);
}

} // namespace carousel::detail
