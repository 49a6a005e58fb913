// Series: a column of a file to be forecast, its scale, its season, and forecasts to be compared.
#pragma once

#include <carousel/core/matrix.hpp>
#include <carousel/data/table.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace example {

using carousel::Index;

struct SeriesOptions {
    std::string file, column; ///< no column: the last
    double test_part = 0.2;
    bool log = false;
};

/// The values of a column; those from `training` on are held out.
struct TimeSeries {
    std::string name;
    std::vector<double> values;
    std::vector<std::string> labels; ///< of the rows: dates, words of the first column, or numbers
    Index training = 0;

    Index size() const { return static_cast<Index>(values.size()); }
    Index held_out() const { return size() - training; }
    double operator[](Index k) const { return values[static_cast<std::size_t>(k)]; }
    const std::string& label(Index k) const { return labels[static_cast<std::size_t>(k)]; }
};

/// Throws std::runtime_error with the file's name and line if something is wrong with it, or if it is too short to train
/// on windows of `steps` values with `horizon` after them.
inline TimeSeries read_series(const SeriesOptions& options, Index steps, Index horizon) {
    const carousel::Table table = carousel::read_csv(options.file);
    const std::string name = options.column.empty() ? table.columns().back().name : options.column;
    const carousel::Matrix<double> values = table.matrix<double>({name});
    if (table.column(name).kind != carousel::ColumnKind::numbers)
        throw std::runtime_error(options.file + ": column \"" + name + "\" has no numbers: name another, --column");
    TimeSeries series{table.column(name).name, {values.data(), values.data() + values.size()}, {}};
    for (Index row = 0; row < table.rows(); ++row) {
        if (!std::isfinite(series[row]))
            throw std::runtime_error(table.place(row) + ": \"" + series.name + "\" is missing");
        if (options.log && !(series[row] > 0))
            throw std::runtime_error(table.place(row) + ": \"" + series.name + "\" has no logarithm");
        series.labels.push_back(table.label(row));
    }
    const Index part = static_cast<Index>(std::ceil(static_cast<double>(series.size()) * options.test_part));
    series.training = std::max<Index>(0, series.size() - std::max(part, horizon));
    const Index needed = steps + horizon + 9; // ten windows
    if (series.training < needed)
        throw std::runtime_error(options.file + ": " + std::to_string(series.size()) + " values leave " +
                                 std::to_string(series.training) + " to train on, " + std::to_string(steps) +
                                 " steps and a horizon of " + std::to_string(horizon) + " need " +
                                 std::to_string(needed));
    return series;
}

/// To units in which the training part has mean 0 and deviation 1, of the values or of their logarithms, and back.
class Scale {
  public:
    Scale() = default; ///< values as they are
    Scale(const TimeSeries& series, bool log) : log_(log) {
        Eigen::ArrayXd y = Eigen::Map<const Eigen::ArrayXd>(series.values.data(), series.training);
        if (log)
            y = y.log();
        mean_ = y.mean();
        if (const double deviation = std::sqrt((y - mean_).square().mean()); deviation > 0)
            deviation_ = deviation;
    }

    double back(double y) const { return log_ ? std::exp(y * deviation_ + mean_) : y * deviation_ + mean_; }

    /// Values first … end − 1.
    std::vector<float> operator()(const TimeSeries& series, Index first, Index end) const {
        std::vector<float> scaled;
        for (Index k = first; k < end; ++k)
            scaled.push_back(static_cast<float>(((log_ ? std::log(series[k]) : series[k]) - mean_) / deviation_));
        return scaled;
    }

  private:
    bool log_ = false;
    double mean_ = 0, deviation_ = 1;
};

/// The lag, past the first at which a series is unlike itself, at which it is most like itself; 0 if it isn't at any.
inline Index find_season(const Eigen::VectorXd& y) {
    const Index n = y.size(), longest = std::min<Index>(n / 2, 5000);
    const auto autocovariance = [&](Index lag) { return y.head(n - lag).dot(y.tail(n - lag)); };
    Index lag = 1, best = 0;
    while (lag < longest && autocovariance(lag) >= 0)
        ++lag;
    for (double most = 0.1 * autocovariance(0); lag <= longest; ++lag)
        if (const double now = autocovariance(lag); now > most) {
            most = now;
            best = lag;
        }
    return best;
}

/// The season of the training part without its linear trend, or else, where slow changes hide one, of its differences.
inline Index find_season(const TimeSeries& series) {
    const Index n = series.training;
    Eigen::VectorXd y = Eigen::Map<const Eigen::VectorXd>(series.values.data(), n);
    const Eigen::VectorXd t = Eigen::VectorXd::LinSpaced(n, -1, 1);
    const double rounding = 1e-20 * y.squaredNorm();
    y.array() -= y.mean();
    y -= t * (t.dot(y) / t.squaredNorm());
    if (y.squaredNorm() <= rounding) // a straight line
        return 0;
    if (const Index season = find_season(y); season > 0 || n < 3)
        return season;
    Eigen::VectorXd differences = y.tail(n - 1) - y.head(n - 1);
    differences.array() -= differences.mean();
    return differences.squaredNorm() > rounding ? find_season(differences) : 0;
}

/// Forecasts in the series' units, horizon × how many: the first is made just before the first value held out, the next
/// one step later.
struct Forecasts {
    std::string name;
    carousel::Matrix<double> values;
    double mse = 0, mae = 0;

    Forecasts(std::string by, carousel::Matrix<double> forecasts, const TimeSeries& truth)
        : name(std::move(by)), values(std::move(forecasts)) {
        for (Index w = 0; w < values.cols(); ++w)
            for (Index k = 0; k < values.rows(); ++k) {
                const double error = values(k, w) - truth[truth.training + w + k];
                mse += error * error / static_cast<double>(values.size());
                mae += std::abs(error) / static_cast<double>(values.size());
            }
    }
};

/// The latest value that is known and lies whole seasons before; of season 1: the last value.
inline carousel::Matrix<double> seasonal(const TimeSeries& series, Index season, Index horizon) {
    carousel::Matrix<double> forecasts(horizon, series.held_out() - horizon + 1);
    for (Index w = 0; w < forecasts.cols(); ++w)
        for (Index k = 0; k < horizon; ++k)
            forecasts(k, w) = series[series.training + w + k - season * (k / season + 1)];
    return forecasts;
}

} // namespace example
