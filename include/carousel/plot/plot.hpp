// plot: a picture of curves, or of a training, in a line. By gnuplot, where it is installed; carousel.hpp doesn't include it.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/plot/curves.hpp"
#include "carousel/plot/gnuplot.hpp"
#include "carousel/plot/picture.hpp"
#include "carousel/train/history.hpp"

#include <filesystem>
#include <string>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

inline bool plot(const std::filesystem::path& path, Picture picture) {
    require(path.extension() == ".png" || path.extension() == ".svg", "plot", "the file is ", path.string(),
            ", expected a name that ends with .png or .svg");
    for (const Plot& frame : picture.frames)
        for (const PlotSeries& series : frame.series)
            require(series.x.size() == series.y.size(), "plot", "\"", series.name, "\" has ", series.x.size(),
                    " x and ", series.y.size(), " y, expected as many");
    picture.file = path.filename().string();
    return draw(picture, path.parent_path());
}

} // namespace detail

/// Draws curves into a PNG or an SVG file, by its name:
///
///     plot("forecast.svg", {.title = "Forecast", .x_label = "hour", .y_label = "°C", .series = {{"truth", hours, values}}});
///
/// Returns whether it is drawn: false where gnuplot isn't installed (gnuplot_is_there() asks), or if it couldn't, which it says on standard
/// error. Throws std::invalid_argument if the name ends otherwise or has a control character, there are no curves or
/// none has a point, a series has not as many x as y, or y_range isn't {low, high}. Numbers are drawn as exactly as they
/// are, whatever the locale.
inline bool plot(const std::filesystem::path& path, const Plot& curves) {
    return detail::plot(path, {.file = "", .frames = {curves}});
}

/// Draws a training: the loss by epoch, of training and validation, and beside it the first metric if there is one.
/// Likewise; a history without epochs has no points.
///
///     plot("training.png", fit(model, data, MeanSquaredError{}, Adam{}, {.epochs = 20}));
inline bool plot(const std::filesystem::path& path, const History& history, const std::string& title = "") {
    return detail::plot(path, curves("", history, title));
}

} // namespace carousel
