// Report: what programs say about a training: losses by epoch as a table and as a picture, and its time.
#pragma once

#include "support/csv.hpp"
#include "support/plot.hpp"
#include "support/recipe.hpp"

#include <cstdio>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

namespace example {

struct LossCurve {
    std::string name; ///< what it was measured on
    std::vector<double> by_epoch;
};

/// `scale` turns what fit reports into a mean squared error.
inline LossCurve training_loss(const carousel::History& history, double scale = 1) {
    LossCurve curve{"training", {}};
    for (const carousel::EpochReport& report : history.epochs)
        curve.by_epoch.push_back(report.loss * scale);
    return curve;
}

inline LossCurve validation_loss(const carousel::History& history) {
    LossCurve curve{"validation", {}};
    for (const carousel::EpochReport& report : history.epochs)
        curve.by_epoch.push_back(report.validation_loss);
    return curve;
}

inline double training_seconds(const carousel::History& history) {
    return std::accumulate(history.epochs.begin(), history.epochs.end(), 0.0,
                           [](double sum, const carousel::EpochReport& report) { return sum + report.seconds; });
}

inline void write_losses(const std::filesystem::path& path, const carousel::History& history,
                         const std::vector<LossCurve>& curves) {
    std::vector<CsvColumn> columns{{"epoch", {}}, {"learning_rate", {}}, {"gradient_norm", {}}, {"seconds", {}}};
    for (const carousel::EpochReport& report : history.epochs) {
        columns[0].values.push_back(static_cast<double>(report.epoch));
        columns[1].values.push_back(report.learning_rate);
        columns[2].values.push_back(report.gradient_norm);
        columns[3].values.push_back(report.seconds);
    }
    for (const LossCurve& curve : curves)
        columns.push_back({curve.name, curve.by_epoch});
    write_csv(path, columns);
}

inline Plot loss_plot(const std::vector<LossCurve>& curves) {
    Plot plot{.title = "Loss by epoch", .x_label = "epoch", .y_label = "mean squared error", .series = {}};
    plot.log_y = true;
    for (const LossCurve& curve : curves) {
        std::vector<double> epochs(curve.by_epoch.size());
        std::iota(epochs.begin(), epochs.end(), 1.0);
        plot.series.push_back(
            {curve.name, epochs, curve.by_epoch, plot.series.empty() ? Style::second : Style::prediction});
    }
    return plot;
}

inline bool wants_pictures(const Options& options) {
    return !options.no_plots && gnuplot_is_there();
}

/// Says what is drawn, or why nothing is.
inline void draw(const Options& options, const std::vector<Picture>& pictures) {
    const std::string folder = options.folder.string();
    if (!wants_pictures(options)) {
        std::printf("CSV files in %s%s\n", folder.c_str(),
                    options.no_plots ? "" : ", no pictures: gnuplot is not on the PATH");
        return;
    }
    std::printf("CSV files in %s, and", folder.c_str());
    for (const Picture& picture : pictures)
        std::printf(draw(picture, options.folder) ? " %s" : " (gnuplot failed: %s)", picture.file.c_str());
    std::printf("\n");
}

} // namespace example
