// RelativeToLast: windows of a series seen from their last value, as forecasts of levels that wander are made.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/train/samples.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What was taken from windows, to put it back into forecasts.
template <std::floating_point S>
struct WindowBase {
    Matrix<S> last, deviation; ///< of each target's row, targets × windows; deviations are 1 unless asked for
};

/// Takes from each window the last value of its rows `targets` (and `inputs`, each its own), from the target y too, so that a net
/// learns the change and not the level: on a level it hasn't seen it is as good as on others. With least_deviation > 0 these rows,
/// and y, are divided by sqrt(v + least_deviation²), v their variance within the window, so that calm windows count as much as lively
/// ones (reversible instance normalization, Kim et al. 2022, with the last value as its center). Missing values, NaN,
/// stay missing and have no part in the variance; a row whose last value in the window is missing becomes NaN in all of
/// it, and in y.
///
///     const RelativeToLast relative{.targets = {6}};
///     relative.apply(training.x, training.y);
///     const WindowBase<float> base = relative.apply(test.x);
///     Matrix<float> forecast = model(test.x).values();
///     relative.invert(forecast, base);
struct RelativeToLast {
    /// What y has the future of.
    std::vector<Index> targets = {
        0}; ///< the rows of x that y's are the future of: row k of y is of targets[k % targets.size()]
    std::vector<Index> inputs = {}; ///< further rows of x that become relative
    double least_deviation = 0;     ///< 0: no division; else that of a window that stands still

    /// x: features × steps × windows, which may have lengths of their own. Throws std::invalid_argument unless it has these rows,
    /// named once, every window has a step, and least_deviation >= 0 is a number that an S holds.
    template <std::floating_point S>
    WindowBase<S> apply(Sequence<S>& x) const {
        check("RelativeToLast::apply", x.features());
        const S least = static_cast<S>(least_deviation);
        require(least_deviation == 0 || (least > 0 && std::isfinite(least)), "RelativeToLast::apply",
                "least_deviation is ", least_deviation, ", which the windows' numbers can't hold, expected 0 or ",
                std::numeric_limits<S>::denorm_min(), " to ", std::numeric_limits<S>::max());
        for (Index w = 0; w < x.batch(); ++w)
            require(x.view().length(w) > 0, "RelativeToLast::apply", "window ", w,
                    " has no steps, expected at least one");
        WindowBase<S> base{Matrix<S>(static_cast<Index>(targets.size()), x.batch()),
                           Matrix<S>(static_cast<Index>(targets.size()), x.batch())};
        for (std::size_t k = 0; k < targets.size() + inputs.size(); ++k) {
            const Index row = k < targets.size() ? targets[k] : inputs[k - targets.size()];
            for (Index w = 0; w < x.batch(); ++w) {
                const S last = value(x, row, x.view().length(w) - 1, w), deviation = deviation_of(x, row, w);
                for (Index t = 0; t < x.view().length(w); ++t)
                    value(x, row, t, w) = (value(x, row, t, w) - last) / deviation;
                if (k < targets.size()) {
                    base.last(static_cast<Index>(k), w) = last;
                    base.deviation(static_cast<Index>(k), w) = deviation;
                }
            }
        }
        return base;
    }

    /// The same, and for y: (targets · horizon) × 1 × windows. Throws std::invalid_argument also unless y is one.
    template <std::floating_point S>
    WindowBase<S> apply(Sequence<S>& x, Sequence<S>& y) const {
        check("RelativeToLast::apply", x.features());
        require(y.steps() == 1 && y.batch() == x.batch(), "RelativeToLast::apply", "y has ", y.steps(), " steps of ",
                y.batch(), " windows, expected one step of x's ", x.batch(),
                ": a target at every step has no last value of its own");
        check_rows("RelativeToLast::apply", y.features(), static_cast<Index>(targets.size()));
        WindowBase<S> base = apply(x);
        each(y.data(), y.features(), 1, base,
             [](S& value, S last, S deviation) { value = (value - last) / deviation; });
        return base;
    }

    /// Forecasts, (targets · horizon) × windows, in the units of x again, in place; with several outputs for each target, which
    /// stand together as those of QuantileLoss do, (outputs · targets · horizon) × windows. Throws
    /// std::invalid_argument, before anything is changed, if there are no targets, the base isn't of these targets and
    /// windows, or the rows aren't such.
    template <std::floating_point S>
    void invert(Matrix<S>& forecast, const WindowBase<S>& base, AnyIndex outputs = 1) const {
        check_settings("RelativeToLast::invert");
        const auto count = static_cast<Index>(targets.size());
        require(base.last.rows() == count && base.deviation.rows() == count && base.last.cols() == forecast.cols() &&
                    base.deviation.cols() == forecast.cols(),
                "RelativeToLast::invert", "the base is of ", base.last.rows(), " targets and ", base.last.cols(),
                " windows, expected ", count, " and ", forecast.cols(), ": that which apply() gave for these windows");
        require(outputs >= 1 && outputs <= std::max(forecast.rows(), Index(1)), "RelativeToLast::invert", "outputs is ",
                Index(outputs), ", expected 1 <= outputs <= ", forecast.rows(), ", the rows of the forecast");
        check_rows("RelativeToLast::invert", forecast.rows(), count * outputs);
        each(forecast.data(), forecast.rows(), outputs, base,
             [](S& value, S last, S deviation) { value = value * deviation + last; });
    }

  private:
    template <class S>
    static S& value(Sequence<S>& x, Index row, Index t, Index w) {
        return x.data()[(t * x.batch() + w) * x.features() + row];
    }

    template <class S>
    S deviation_of(Sequence<S>& x, Index row, Index w) const {
        if (least_deviation == 0)
            return 1;
        const auto each_known = [&](const auto& f) {
            for (Index t = 0; t < x.view().length(w); ++t)
                if (const auto one = static_cast<double>(value(x, row, t, w)); !std::isnan(one))
                    f(one);
        };
        double count = 0, mean = 0, largest = 0, variance = 0; // in units of largest², so that squares don't overflow
        each_known([&](double) { ++count; });
        each_known([&](double one) { mean += one / count; });
        each_known([&](double one) { largest = std::max(largest, std::abs(one - mean)); });
        if (largest > 0)
            each_known([&](double one) { variance += std::pow((one - mean) / largest, 2) / count; });
        return static_cast<S>(std::hypot(largest * std::sqrt(variance), least_deviation));
    }

    template <class S, class F>
    void each(S* values, Index rows, Index outputs, const WindowBase<S>& base, const F& f) const {
        const auto count = static_cast<Index>(targets.size());
        for (Index w = 0; w < base.last.cols(); ++w)
            for (Index row = 0; row < rows; ++row)
                f(values[w * rows + row], base.last(row / outputs % count, w),
                  base.deviation(row / outputs % count, w));
    }

    void check_settings(const char* where) const {
        require(!targets.empty(), where, "no targets, expected the rows of x that y's are the future of");
        require(least_deviation >= 0, where, "least_deviation is ", least_deviation, ", expected least_deviation >= 0");
    }
    void check(const char* where, Index features) const {
        check_settings(where);
        std::vector<Index> rows = targets;
        rows.insert(rows.end(), inputs.begin(), inputs.end());
        std::sort(rows.begin(), rows.end());
        for (const Index row : rows)
            require(row >= 0 && row < features, where, "row ", row, " of x, expected 0 <= row < ", features);
        const auto twice = std::adjacent_find(rows.begin(), rows.end());
        require(twice == rows.end(), where, "row ", twice == rows.end() ? Index(0) : *twice,
                " of x is named twice, expected once");
    }
    void check_rows(const char* where, Index rows, Index targets_and_outputs) const {
        require(rows % targets_and_outputs == 0, where, "y has ", rows, " rows, expected a multiple of ",
                targets_and_outputs, ", one for each target and output");
    }
};

/// The windows of a source (Windows, a type of one's own), each seen so when a batch needs it:
///
///     fit(model, RelativeSamples(Windows(series, {.steps = 96, .horizon = 24, .targets = {6}}), relative), …);
template <Samples Source>
class RelativeSamples {
  public:
    using Scalar = typename Source::Scalar;

    /// Keeps the source; one that has no copies, such as an IterableDataset, is moved here.
    RelativeSamples(Source source, RelativeToLast relative)
        : source_(std::move(source)), relative_(std::move(relative)) {}

    /// As the source says.
    Index size() const { return source_.size(); }
    SampleShape shape() const { return source_.shape(); }
    /// As the source says.
    std::span<const Index> x_lengths() const requires requires(const Source& source) { source.x_lengths(); }
    { return source_.x_lengths(); }
    /// As the source says.
    std::span<const Index> y_lengths() const requires requires(const Source& source) { source.y_lengths(); }
    { return source_.y_lengths(); }
    /// As the source says.
    Index block() const requires requires(const Source& source) { source.block(); }
    { return source_.block(); }
    /// As the source says.
    bool finite() const requires requires(const Source& source) { source.finite(); }
    { return source_.finite(); }
    /// As the source says.
    bool one_reader() const requires requires(const Source& source) { source.one_reader(); }
    { return source_.one_reader(); }
    /// Throws what the source and RelativeToLast::apply throw.
    void fill(std::span<const Index> samples, Sequence<Scalar>& x, Sequence<Scalar>& y) const {
        source_.fill(samples, x, y);
        relative_.apply(x, y);
    }
    /// What the windows are of.
    const Source& source() const { return source_; }

  private:
    Source source_;
    RelativeToLast relative_;
};

} // namespace carousel
