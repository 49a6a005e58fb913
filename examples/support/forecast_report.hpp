// Forecast report: how good forecasts are, in the series' units and scaled, beside those that need no net.
#pragma once

#include "support/forecast_nets.hpp"
#include "support/forecasts.hpp"
#include "support/linear_forecast.hpp"

#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace example {

/// Horizon × windows, the first made just before the test part, in both units.
struct Forecast {
    std::string name;
    carousel::Matrix<double> scaled, units;
    double mse = 0, mae = 0, scaled_mse = 0, scaled_mae = 0; ///< over targets that aren't missing
};

/// What belongs to the test part: the truth, and what turns scaled numbers into the series' units.
class Examination {
  public:
    Examination(const ForecastData& data, const ForecastTask& task)
        : data_(&data), horizon_(task.horizon), log_(task.log), scaler_(data.scaler.select({0})) {}

    carousel::Matrix<double> in_units(carousel::Matrix<double> scaled) const {
        scaler_.inverse_transform(scaled, {0});
        if (log_)
            scaled = scaled.array().exp().matrix();
        return scaled;
    }
    Index count() const { return data_->test.count - horizon_ + 1; }
    Index horizon() const { return horizon_; }
    const ForecastData& data() const { return *data_; }

    /// Of step k of the forecast number w; NaN where it is missing.
    double truth(Index k, Index w) const {
        return static_cast<double>(data_->series(data_->target_row(), data_->test.first + w + k));
    }
    Forecast operator()(std::string name, const carousel::Matrix<double>& scaled) const {
        Forecast result{std::move(name), scaled, in_units(scaled)};
        double counted = 0;
        carousel::Matrix<double> truths(scaled.rows(), scaled.cols());
        for (Index w = 0; w < scaled.cols(); ++w)
            for (Index k = 0; k < scaled.rows(); ++k)
                truths(k, w) = truth(k, w);
        const carousel::Matrix<double> units = in_units(truths);
        for (Index k = 0; k < scaled.size(); ++k) {
            if (std::isnan(truths.data()[k]))
                continue;
            const double small = scaled.data()[k] - truths.data()[k], large = result.units.data()[k] - units.data()[k];
            result.scaled_mse += small * small;
            result.scaled_mae += std::abs(small);
            result.mse += large * large;
            result.mae += std::abs(large);
            ++counted;
        }
        for (double* const error : {&result.mse, &result.mae, &result.scaled_mse, &result.scaled_mae})
            *error /= std::max(counted, 1.0);
        return result;
    }

    /// The latest value that is known and lies whole seasons before; of season 1: the last value.
    Forecast seasonal(const std::string& name, Index season) const {
        carousel::Matrix<double> scaled(horizon_, count());
        for (Index w = 0; w < count(); ++w)
            for (Index k = 0; k < horizon_; ++k)
                scaled(k, w) =
                    static_cast<double>(data_->series(0, data_->test.first + w + k - season * (k / season + 1)));
        return (*this)(name, scaled);
    }

    Forecast linear(Index steps) const {
        const Eigen::VectorXd series = data_->series.row(0).cast<double>().transpose(),
                              truth = data_->series.row(data_->target_row()).cast<double>().transpose();
        const LinearForecast line(series, truth, steps, horizon_, data_->training.end(), data_->validation.end());
        carousel::Matrix<double> scaled(horizon_, count());
        for (Index w = 0; w < count(); ++w)
            scaled.col(w) = line(series, data_->test.first + w);
        return (*this)("linear autoregression", scaled);
    }

    /// The target as a series of its own, in its units and without gaps, up to the end of the test part.
    TimeSeries series() const {
        const Index size = data_->test.end();
        const carousel::Matrix<double> values = in_units(data_->series.row(0).leftCols(size).cast<double>());
        TimeSeries series{data_->target, {values.data(), values.data() + size}, {}, data_->test.first};
        for (Index k = 0; k < size; ++k)
            series.labels.push_back(data_->label(k));
        return series;
    }

  private:
    const ForecastData* data_;
    Index horizon_;
    bool log_;
    carousel::Scaler scaler_;
};

inline void print(const Examination& examined, const std::vector<Forecast>& all) {
    const ForecastData& data = examined.data();
    const Forecast& model = all.front();
    std::printf("\n%s: %td values%s; test from %s to %s: %td forecasts of %td step%s\n", data.target.c_str(),
                data.series.cols(), data.missing > 0 ? (", " + std::to_string(data.missing) + " missing").c_str() : "",
                data.label(data.test.first).c_str(), data.label(data.test.end() - 1).c_str(), examined.count(),
                examined.horizon(), examined.horizon() > 1 ? "s" : "");
    std::printf("%-26s %11s %11s %11s %11s   model's MSE\n", "", "MSE", "MAE", "MSE scaled", "MAE scaled");
    for (const Forecast& one : all) {
        std::printf("%-26s %11.5g %11.5g %11.5f %11.5f", one.name.c_str(), one.mse, one.mae, one.scaled_mse,
                    one.scaled_mae);
        if (&one != &model && one.mse > 0)
            std::printf("   %.0f %% %s", 100 * std::abs(1 - model.mse / one.mse),
                        model.mse < one.mse ? "lower" : "higher");
        std::printf("\n");
    }
}

/// How many of the truths lie below each quantile, and between the outermost.
inline void print_coverage(const Examination& examined, const std::vector<double>& quantiles,
                           const carousel::Matrix<double>& outputs) {
    const auto rows = static_cast<Index>(quantiles.size()) + 1;
    std::vector<double> below(quantiles.size() + 1, 0);
    double counted = 0, inside = 0;
    for (Index w = 0; w < outputs.cols(); ++w)
        for (Index k = 0; k < examined.horizon(); ++k) {
            const double truth = examined.truth(k, w);
            if (std::isnan(truth))
                continue;
            ++counted;
            for (Index q = 1; q < rows; ++q)
                below[static_cast<std::size_t>(q)] += truth < outputs(k * rows + q, w) ? 1 : 0;
            inside += truth >= outputs(k * rows + 1, w) && truth <= outputs(k * rows + rows - 1, w) ? 1 : 0;
        }
    for (std::size_t q = 0; q < quantiles.size(); ++q)
        std::printf("%s%g %% of the truths should lie below quantile %g, %.1f %% do", q > 0 ? "\n" : "",
                    100 * quantiles[q], quantiles[q], 100 * below[q + 1] / std::max(counted, 1.0));
    if (quantiles.size() > 1)
        std::printf("\ninterval_coverage=%.4f, asked for %.4f", inside / std::max(counted, 1.0),
                    quantiles.back() - quantiles.front());
    std::printf("\n");
}

/// What comes after the file's end: a row a step, its date, the forecast and its quantiles.
inline void write_next(const std::filesystem::path& path, const Examination& examined, const ForecastNets& nets,
                       const carousel::Matrix<double>& units) {
    const carousel::Table& table = examined.data().table;
    std::ofstream file(path, std::ios::binary);
    file << (table.has_dates() ? "date" : "row") << ",forecast";
    for (const double q : nets.task.quantiles)
        file << ",quantile_" << carousel::detail::number_text(q);
    file << '\n';
    const Index rows = table.rows();
    for (Index k = 0; k < nets.task.horizon; ++k) {
        if (table.has_dates() && rows > 1) { // the step between rows, or whole months
            const auto& dates = table.dates();
            const auto last = dates.back(), before = dates[static_cast<std::size_t>(rows - 2)];
            const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(last)),
                earlier(std::chrono::floor<std::chrono::days>(before));
            const auto of_day = last - std::chrono::floor<std::chrono::days>(last);
            const auto months = (day.year() / day.month()) - (earlier.year() / earlier.month());
            const std::chrono::year_month_day then = day + months * (k + 1);
            const bool monthly = months.count() > 0 && day.day() == earlier.day() && then.ok();
            file << carousel::date_text(monthly ? std::chrono::sys_days(then) + of_day
                                                : last + (last - before) * (k + 1));
        } else
            file << rows + k + 1;
        for (Index output = 0; output < nets.outputs(); ++output)
            file << ',' << carousel::detail::number_text(units(k * nets.outputs() + output, 0));
        file << '\n';
    }
    file.close();
    if (!file)
        throw std::runtime_error(path.string() + ": can't be written");
}

} // namespace example
