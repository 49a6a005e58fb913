// A loss of one's own: a forecast's mean and some of its quantiles at once.
#pragma once

#include <carousel/loss/loss.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace example {

using carousel::Index;

/// For each of F targets 1 + Q outputs, which stand together: the first learns the mean, by its squared error, the others quantiles,
/// by the pinball loss (see QuantileLoss). The sum of both, over F and the columns; targets that are missing (NaN) don't count.
struct MeanAndQuantiles {
    std::vector<double> quantiles;

    Index outputs() const { return 1 + static_cast<Index>(quantiles.size()); }

    template <std::floating_point S>
    double operator()(carousel::SequenceView<S> y, std::type_identity_t<carousel::SequenceView<S>> target,
                      std::type_identity_t<carousel::Sequence<S>>* dy = nullptr) const {
        const double divisor = weight(y, target);
        if (dy)
            dy->resize(y.features(), y.steps(), y.batch(), y.lengths());
        double sum = 0;
        const Index targets = target.features() * target.columns();
        for (Index k = 0; k < targets; ++k)
            for (Index output = 0; output < outputs(); ++output) {
                const Index at = k * outputs() + output;
                const double error = static_cast<double>(y.data()[at]) - static_cast<double>(target.data()[k]);
                double slope = 0;
                if (!std::isnan(target.data()[k])) {
                    const double q = output > 0 ? quantiles[static_cast<std::size_t>(output - 1)] : 0;
                    slope = output == 0 ? 2 * error : error > 0 ? 1 - q : -q;
                    sum += output == 0 ? error * error : slope * error;
                }
                if (dy)
                    dy->data()[at] = static_cast<S>(slope / std::max(divisor, 1.0));
            }
        return sum / std::max(divisor, 1.0);
    }

    template <std::floating_point S>
    double weight(carousel::SequenceView<S>, std::type_identity_t<carousel::SequenceView<S>> target) const {
        const Index targets = target.features() * target.columns();
        return static_cast<double>(
            std::count_if(target.data(), target.data() + targets, [](S value) { return !std::isnan(value); }));
    }
};
static_assert(carousel::Loss<MeanAndQuantiles>);

} // namespace example
