// What fit asks of its options and data before anything is changed.
#pragma once

#include "carousel/core/sequence.hpp"
#include "carousel/train/dataset.hpp"
#include "carousel/train/fit_options.hpp"

#include <vector>

namespace carousel::detail {

/// What is asked of the options and the data before anything is changed.
template <class S>
void check(const FitOptions& o, const Dataset<S>& data) {
    const Index steps = data.x.steps(), target_steps = data.y.steps();
    require(data.y.batch() == data.size(), "fit", "x has ", data.size(), " samples and y ", data.y.batch());
    require(steps >= 1, "fit", "the data set is empty");
    check(o);
    require(o.truncate == 0 || steps == target_steps, "fit", "truncate needs a target for every step: x has ", steps,
            " steps and the targets have ", target_steps);
    const auto x = data.x.view(), y = data.y.view();
    if (o.truncate > 0 && y.ragged())
        for (Index b = 0; b < data.size(); ++b)
            require(x.length(b) == y.length(b), "fit", "truncate needs a target for every step: sequence ", b, " has ",
                    x.length(b), " steps and its targets have ", y.length(b));
}

/// What is asked of a validation set beside the data.
template <class S>
void check_validation(const Dataset<S>& validation, const Dataset<S>& training) {
    const auto check_features = [](const char* name, const Sequence<S>& given, const Sequence<S>& expected) {
        require(given.features() == expected.features(), "fit", name, " of the validation set has ", given.features(),
                " features, expected ", expected.features(), " as in the training set");
    };
    require(validation.x.values().cols() > 0, "fit", "the validation set is empty");
    require(validation.y.batch() == validation.size(), "fit", "x of the validation set has ", validation.size(),
            " samples and y ", validation.y.batch());
    check_features("x", validation.x, training.x);
    check_features("y", validation.y, training.y);
}

/// What is asked of the samples first … first + count − 1: one must have a step; and, if the loss can tell, each target must be
/// one, and one must count. A target has x's lengths where it has none of its own and as many steps.
template <class S, class LossType>
void check_samples(const LossType& loss, const Dataset<S>& data, Index first, Index count, Index outputs,
                   const char* what) {
    const auto x = data.x.view(), y = data.y.view();
    if constexpr (requires { loss.check(y, outputs); }) {
        const bool in_step = !y.ragged() && y.steps() == x.steps();
        std::vector<Index> lengths(static_cast<std::size_t>(y.batch())); // of all other samples 0: they are padding
        for (Index b = first; b < first + count; ++b)
            lengths[static_cast<std::size_t>(b)] = (in_step ? x : y).length(b);
        const double weight =
            loss.check(SequenceView<S>(y.data(), y.features(), y.steps(), y.batch(), lengths), outputs);
        require(weight > 0, "fit", "there is no target to compare with in ", count, what,
                ", every one is padding, ignored or of weight 0");
    }
    Index steps = 0;
    for (Index b = first; b < first + count; ++b)
        steps += x.length(b);
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

} // namespace carousel::detail
