// What fit and evaluate ask of their samples, of their numbers and of the steps of their targets, before they begin.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/core/number_text.hpp"
#include "carousel/core/require.hpp"
#include "carousel/train/learner.hpp"
#include "carousel/train/sample_source.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A target for each sample, and a step.
template <class S>
void check_shape(const char* where, const SampleSource<S>& data) {
    if (const Dataset<S>* const whole = data.whole_dataset())
        require(whole->y.batch() == whole->size(), where, "x has ", whole->size(), " samples and y ", whole->y.batch());
    require(data.size() >= 1 && data.shape().x_steps >= 1, where, "the data set is empty");
}

/// Every real number of x in the samples first … first + count − 1 must be finite. Padding may hold anything. The message calls sample b
/// of x number(b).
template <class S, class F>
void check_finite(const char* where, const SequenceView<S>& x, Index first, Index count, F&& number) {
    const Index features = x.features();
    for (Index t = 0; t < x.steps(); ++t)
        for (Index b = first; b < first + count;) { // over runs of samples that are real at this step
            Index end = b;
            while (end < first + count && x.real(t, end))
                ++end;
            const S* const numbers = x.data() + (t * x.batch() + b) * features;
            if (const Index k = end > b ? non_finite_at(numbers, (end - b) * features) : 0; k < (end - b) * features)
                require(false, where, "x is ", numbers[k], " in sample ", number(b + k / features), " at step ", t,
                        ", feature ", k % features, ", expected finite numbers: leave the sample out, or fill the gap");
            b = end + 1;
        }
}

/// The targets must have as many steps as the model makes of x, in all and of each of these samples.
template <class S>
void check_steps(const char* where, const Evaluated<S>& model, const SampleSource<S>& data, Index first, Index count) {
    const Index steps = data.shape().x_steps;
    require(steps >= model.least_steps(), where, "x has ", steps, " steps, expected at least ", model.least_steps(),
            ", which the model needs");
    const Index made = model.output_length(steps), given = data.shape().y_steps;
    const char* const advice = given == 1 && made == steps
                                   ? "add LastStep{} to the model or give a target for every step"
                               : made == 1 ? "leave LastStep out of the model or give one target for each sequence"
                                           : "expected as many";
    require(made == given, where, "the model outputs ", made, made == 1 ? " step" : " steps", " and the targets have ",
            given, ": ", advice);
    const bool ragged = !data.x_lengths().empty();
    for (Index b = first; !data.y_lengths().empty() && b < first + count; ++b) {
        const Index real = ragged ? model.output_length(data.x_length(b)) : made;
        require(data.y_length(b) == real, where, "sequence ", data.number(b), " has targets for ", data.y_length(b),
                " steps and the model outputs ", real, ", expected as many");
    }
}

/// SampleSource::batch for this model.
template <class S>
void batch(const Evaluated<S>& model, const SampleSource<S>& data, std::span<const Index> samples, Sequence<S>& x,
           Sequence<S>& y) {
    data.batch(samples, x, y, model.least_steps(), [&](Index steps) {
        return model.own_steps()
                   ? -1
                   : model.output_length(steps); // as many steps as no target has: they aren't cut as x is
    });
}

/// What the targets of y weigh, which must be some for the loss, of the samples first … first + count − 1: all others have the
/// length 0, as if they were padding.
template <class S>
double check_targets(const Evaluated<S>& model, const SequenceView<S>& x, const SequenceView<S>& y, Index first,
                     Index count) {
    std::vector<Index> lengths(static_cast<std::size_t>(y.batch()));
    for (Index b = first; b < first + count; ++b)
        lengths[static_cast<std::size_t>(b)] = model.own_steps() ? y.length(b)
                                               : x.ragged()      ? std::min(model.output_length(x.length(b)), y.steps())
                                                                 : y.steps();
    return model.check(SequenceView<S>(y.data(), y.features(), y.steps(), y.batch(), lengths),
                       model.output_size(x.features()));
}

/// The same, and that inputs are finite, of samples that are made batch by batch.
template <class S>
double check_batches(const char* where, const Evaluated<S>& model, const SampleSource<S>& data, Index first,
                     Index count) {
    const SampleShape shape = data.shape();
    const Index numbers = shape.x_features * shape.x_steps + shape.y_features * shape.y_steps;
    const Index at_once = std::clamp<Index>((Index(1) << 18) / std::max<Index>(numbers, 1), 1, 256);
    double weight = model.checks() ? 0 : 1;
    Sequence<S> x, y;
    std::vector<Index> samples;
    for (Index k = first; k < first + count; k += at_once) {
        samples.resize(static_cast<std::size_t>(std::min(at_once, first + count - k)));
        std::iota(samples.begin(), samples.end(), k);
        batch(model, data, samples, x, y);
        const auto number = [&](Index b) { return data.number(k + b); };
        if (!data.finite())
            check_finite(where, x.view(), 0, x.batch(), number);
        if (model.checks())
            weight += instead_of<std::invalid_argument>(
                [&] { return check_targets(model, x.view(), y.view(), 0, y.batch()); },
                [&](const std::invalid_argument& error) { // which counts the sequences of the batch
                    const std::string what = error.what();
                    for (Index b = 0; b < y.batch(); ++b)
                        if (const auto alone = caught([&] { check_targets(model, x.view(), y.view(), b, 1); });
                            alone && number(b) != b && what_of(alone) == what &&
                            what.find("sequence " + decimal(b)) != std::string::npos)
                            fail<std::invalid_argument>(what + "; sequence " + decimal(b) + " is sample " +
                                                        decimal(number(b)));
                });
    }
    return weight;
}

/// Checks the samples first … first + count − 1 and, if the loss can tell, their targets; returns what these weigh, or 1
/// if the loss can't tell. A loss that can't compares its targets as it likes, so their steps are its own affair, too.
template <class S>
double check_samples(const char* where, const Evaluated<S>& model, const SampleSource<S>& data, Index first,
                     Index count) {
    static_cast<void>(model.output_size(data.shape().x_features)); // which throws if the model takes others
    const Dataset<S>* const whole = data.whole_dataset();
    if (whole)
        check_finite(where, whole->x.view(), data.first() + first, count, std::identity());
    if (model.checks() && !model.own_steps())
        check_steps(where, model, data, first, count);
    if (!whole)
        return model.checks() || !data.finite() ? check_batches(where, model, data, first, count) : 1;
    return model.checks() ? check_targets(model, whole->x.view(), whole->y.view(), data.first() + first, count) : 1;
}

} // namespace carousel::detail
