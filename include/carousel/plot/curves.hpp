// Curves: a training as a picture, loss and metric by epoch, of training and validation.
#pragma once

#include "carousel/plot/picture.hpp"
#include "carousel/train/history.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace carousel::inline CAROUSEL_ABI {

namespace detail::curve {

/// A curve of of(report) over the epochs.
template <class F>
PlotSeries by_epoch(const History& history, std::string name, PlotStyle style, const F& of) {
    PlotSeries series{.name = std::move(name), .x = {}, .y = {}, .style = style};
    for (const EpochReport& report : history.epochs) {
        series.x.push_back(static_cast<double>(report.epoch));
        series.y.push_back(of(report));
    }
    return series;
}

/// A plot of the curves of training and validation; without validation only the first.
template <class Training, class Validation>
Plot both(const History& history, const std::string& title, const std::string& what, const Training& training,
          const Validation& validation) {
    Plot plot{.title = title, .x_label = "epoch", .y_label = what, .series = {}};
    plot.series.push_back(by_epoch(history, "training", PlotStyle::second, training));
    PlotSeries validated = by_epoch(history, "validation", PlotStyle::prediction, validation);
    if (std::any_of(validated.y.begin(), validated.y.end(), [](double y) { return std::isfinite(y); }))
        plot.series.push_back(std::move(validated));
    return plot;
}

} // namespace detail::curve

/// A picture of the loss by epoch, under the name that it has in this training, and beside it the first metric if there is
/// one. draw() draws it.
inline Picture curves(const std::string& file, const History& history, const std::string& title,
                      const std::string& loss = "loss") {
    Picture picture{.file = file, .frames = {}, .side_by_side = true};
    picture.frames.push_back(detail::curve::both(
        history, title, loss, [](const auto& report) { return report.loss; },
        [](const auto& report) { return report.validation_loss; }));
    const auto first = [](const std::vector<double>& metrics) {
        return metrics.empty() ? std::numeric_limits<double>::quiet_NaN() : metrics.front();
    };
    if (!history.metrics.empty())
        picture.frames.push_back(detail::curve::both(
            history, "", history.metrics.front(), [&](const auto& report) { return first(report.metrics); },
            [&](const auto& report) { return first(report.validation_metrics); }));
    return picture;
}

} // namespace carousel
