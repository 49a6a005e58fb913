// Plot and Picture: what is to be drawn, as values. How it is drawn stands in gnuplot.hpp.
#pragma once

#include "carousel/core/build.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// How a series looks: a thin grey line, grey points, a red line, a blue one.
enum class PlotStyle { truth, points, prediction, second };

/// A curve.
struct PlotSeries {
    std::string name;         ///< in the legend; empty: not there
    std::vector<double> x, y; ///< a NaN interrupts the line
    /// How the line looks.
    PlotStyle style = PlotStyle::truth;
};

/// Axes with curves.
struct Plot {
    /// What is written above and at the axes; empty: nothing.
    std::string title, x_label, y_label;
    /// The curves, the first at the bottom.
    std::vector<PlotSeries> series;
    bool log_y = false;                                        ///< where the curves span a decade or more
    std::vector<double> y_range = {};                          ///< empty: whatever the curves need; else low, high
    std::vector<double> marks = {};                            ///< vertical lines
    std::vector<std::pair<double, std::string>> x_labels = {}; ///< empty: numbers
};

/// Labels for `count` places first, first + 1, …: label(k) of as many, evenly spaced, as fit side by side under a PNG's plot. They stand
/// in the middle of their shares of the axis, so that none reaches past its ends.
template <class F>
std::vector<std::pair<double, std::string>> labels_that_fit(std::ptrdiff_t first, std::ptrdiff_t count,
                                                            const F& label) {
    constexpr std::size_t characters = 100, gap = 3, most = 8; // of its font, a PNG's plot is so wide
    std::size_t longest = 1;                                   // in bytes, so a little cautious
    for (std::ptrdiff_t k = first; k < first + count; ++k)
        longest = std::max(longest, std::string(label(k)).size());
    const auto fitting = static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(characters / (longest + gap), 1, most));
    const std::ptrdiff_t shares = std::min(fitting, count);
    std::vector<std::pair<double, std::string>> labels;
    for (std::ptrdiff_t share = 0; share < shares; ++share) {
        const std::ptrdiff_t k = first + (2 * share + 1) * count / (2 * shares);
        labels.emplace_back(static_cast<double>(k), label(k));
    }
    return labels;
}

/// A file to be drawn: of one plot a PNG or, by its name, an SVG, of more an animated GIF with so many hundredths of a second a frame, or side
/// by side again a PNG or an SVG.
struct Picture {
    /// The path, whose end says the format.
    std::string file;
    /// One plot, or more.
    std::vector<Plot> frames;
    /// Hundredths of a second a frame of a GIF.
    int delay = 0;
    /// The plots beside each other, instead of one after the other.
    bool side_by_side = false;
};

} // namespace carousel
