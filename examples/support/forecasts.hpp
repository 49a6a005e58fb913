// Forecasts of a series beside one another: printed, as a CSV file, and as a picture.
#pragma once

#include "support/csv.hpp"
#include "support/plot.hpp"
#include "support/series.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace example {

/// What was held out, and the errors of all; the first is compared with each of the others.
inline void print(const TimeSeries& series, const std::vector<Forecasts>& all) {
    const Forecasts& model = all.front();
    const Index count = model.values.cols(), horizon = model.values.rows();
    std::printf("\n%s: %td values; the last %td, from %s on, held out: %td forecasts of %td step%s\n",
                series.name.c_str(), series.size(), series.held_out(), series.label(series.training).c_str(), count,
                horizon, horizon > 1 ? "s" : "");
    std::printf("%-24s %12s %12s   model's MSE\n", "", "MSE", "MAE");
    for (const Forecasts& one : all) {
        std::printf("%-24s %12.5g %12.5g", one.name.c_str(), one.mse, one.mae);
        if (&one != &model && one.mse > 0)
            std::printf("   %.0f %% %s", 100 * std::abs(1 - model.mse / one.mse),
                        model.mse < one.mse ? "lower" : "higher");
        std::printf("\n");
    }
}

/// The truth of each row held out, and what was forecast from there on: columns name_1, name_2, ….
inline void write_forecasts(const std::filesystem::path& path, const TimeSeries& series,
                            const std::vector<std::pair<std::string, Forecasts>>& all) {
    std::vector<CsvColumn> columns{{"row", {}}, {"truth", {}}};
    for (Index w = 0; w < all.front().second.values.cols(); ++w) {
        columns[0].values.push_back(static_cast<double>(series.training + w + 1));
        columns[1].values.push_back(series[series.training + w]);
    }
    for (const auto& [name, forecasts] : all)
        for (Index k = 0; k < forecasts.values.rows(); ++k) {
            const carousel::Vector<double> row = forecasts.values.row(k).transpose();
            columns.push_back({name + "_" + std::to_string(k + 1), {row.data(), row.data() + row.size()}});
        }
    write_csv(path, columns);
}

/// A curve of forecasts. Those of many steps would overlap, so each begins where the one before ends.
inline Series forecast_curve(const TimeSeries& series, const Forecasts& forecasts, const std::string& name,
                             Style style) {
    Series curve{name, {}, {}, style};
    const Index horizon = forecasts.values.rows();
    for (Index w = 0; w < forecasts.values.cols(); w += horizon) {
        const Index origin = series.training + w - 1;
        if (horizon > 1) { // the line begins at the last known value; a NaN keeps it apart from the forecast before
            const double nothing = std::numeric_limits<double>::quiet_NaN();
            const auto x = static_cast<double>(origin);
            curve.x.insert(curve.x.end(), {x, x});
            curve.y.insert(curve.y.end(), {nothing, series[origin]});
        }
        for (Index k = 0; k < horizon; ++k) {
            curve.x.push_back(static_cast<double>(origin + 1 + k));
            curve.y.push_back(forecasts.values(k, w));
        }
    }
    return curve;
}

/// The held-out part and half as much before it, with the curves of forecasts of `horizon` steps over it.
inline Plot forecast_plot(const TimeSeries& series, Index horizon, std::vector<Series> curves) {
    const Index first = std::max<Index>(0, series.training - series.held_out() / 2);
    Plot plot{.title = series.name + ", " + std::to_string(horizon) + (horizon > 1 ? " steps ahead" : " step ahead"),
              .x_label = "",
              .y_label = series.name,
              .series = {{"truth", {}, {}, Style::truth}}};
    for (Index k = first; k < series.size(); ++k) {
        plot.series[0].x.push_back(static_cast<double>(k));
        plot.series[0].y.push_back(series[k]);
    }
    for (Series& curve : curves)
        plot.series.push_back(std::move(curve));
    plot.marks = {static_cast<double>(series.training)};
    plot.x_labels = labels_that_fit(first, series.size() - first, [&](Index k) { return series.label(k); });
    return plot;
}

} // namespace example
