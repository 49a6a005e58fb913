// Forecast nets: one net or several that forecast together, in a file each; their outputs, and intervals that hold what they say.
#pragma once

#include "support/forecast_settings.hpp"
#include "support/mean_and_quantiles.hpp"

#include <carousel/carousel.hpp>
#include <carousel/io/load_model.hpp>
#include <carousel/io/safetensors.hpp>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace example {

/// Nets that forecast together, and what for.
struct ForecastNets : ForecastSettings {
    std::vector<carousel::Model<float>> nets;
};

/// Windows whose targets lie in these columns, as the nets see them.
inline carousel::SampleSource<float> windows_of(const ForecastData& data, const ForecastTask& task,
                                                carousel::RowRange range) {
    using namespace carousel;
    std::vector<Index> inputs(data.inputs.size());
    std::iota(inputs.begin(), inputs.end(), Index(0));
    const RowRange columns = range.with_history(task.steps);
    Windows<float> windows(
        Matrix<float>(data.series.middleCols(columns.first, columns.count)),
        {.steps = task.steps, .horizon = task.horizon, .inputs = inputs, .targets = {data.target_row()}});
    if (task.relative == "none")
        return SampleSource<float>(std::move(windows));
    return SampleSource<float>(
        RelativeSamples(std::move(windows),
                        RelativeToLast{.least_deviation = task.relative == "deviation" ? task.least_deviation : 0}));
}

/// What was taken from x, windows of the series: zeros and ones if nothing is.
inline carousel::WindowBase<float> base_of(const ForecastTask& task, carousel::Sequence<float>& x) {
    using namespace carousel;
    if (task.relative == "none")
        return {Matrix<float>::Zero(1, x.batch()), Matrix<float>::Ones(1, x.batch())};
    return RelativeToLast{.least_deviation = task.relative == "deviation" ? task.least_deviation : 0}.apply(x);
}

/// The mean of the nets' outputs, quantiles shifted and in order: (outputs · horizon) × windows.
inline carousel::Matrix<float> outputs_of(const ForecastNets& nets, const carousel::Sequence<float>& x) {
    using namespace carousel;
    Matrix<float> sum;
    for (const Model<float>& net : nets.nets) {
        const Sequence<float> y = predict(net, x.view());
        if (sum.size() == 0)
            sum = y.values();
        else
            sum += y.values();
    }
    sum /= static_cast<float>(nets.nets.size());
    if (!nets.shifts.empty())
        sum.colwise() += Eigen::Map<const Eigen::VectorXd>(nets.shifts.data(), sum.rows()).cast<float>();
    for (Index k = 0; k < sum.size(); k += nets.outputs())
        std::sort(sum.data() + k + 1, sum.data() + k + nets.outputs());
    return sum;
}

/// Forecasts of the windows with targets in these columns, scaled: (outputs · horizon) × windows.
inline carousel::Matrix<float> forecasts_of(const ForecastNets& nets, const ForecastData& data,
                                            carousel::RowRange range) {
    using namespace carousel;
    ForecastTask plain = nets.task;
    plain.relative = "none";
    Sequence<float> x = windows_of(data, plain, range).dataset().x;
    const WindowBase<float> base = base_of(nets.task, x);
    Matrix<float> forecasts = outputs_of(nets, x);
    RelativeToLast{}.invert(forecasts, base, nets.outputs());
    return forecasts;
}

/// Of what lies behind the last row: (outputs · horizon) × 1.
inline carousel::Matrix<float> forecast_next(const ForecastNets& nets, const ForecastData& data) {
    using namespace carousel;
    const Index features = static_cast<Index>(data.inputs.size());
    Sequence<float> x(Matrix<float>(data.series.topRows(features).rightCols(nets.task.steps)), 1);
    const WindowBase<float> base = base_of(nets.task, x);
    Matrix<float> forecast = outputs_of(nets, x);
    RelativeToLast{}.invert(forecast, base, nets.outputs());
    return forecast;
}

/// Shifts each quantile of each step so far that as many of the validation part's targets lie below it as it says: trained on other
/// data, quantiles lie too close together (conformalized quantile regression, Romano et al. 2019).
inline void calibrate(ForecastNets& nets, const ForecastData& data) {
    using namespace carousel;
    if (nets.outputs() == 1)
        return;
    const Dataset<float> validation = windows_of(data, nets.task, data.validation).dataset();
    const Matrix<float> y = outputs_of(nets, validation.x);
    nets.shifts.assign(static_cast<std::size_t>(y.rows()), 0);
    for (Index row = 0; row < y.rows(); ++row) {
        if (row % nets.outputs() == 0)
            continue;
        std::vector<float> errors;
        for (Index w = 0; w < y.cols(); ++w)
            if (const float error = validation.y.values()(row / nets.outputs(), w) - y(row, w); !std::isnan(error))
                errors.push_back(error);
        if (errors.empty())
            continue;
        std::sort(errors.begin(), errors.end());
        const double q = nets.task.quantiles[static_cast<std::size_t>(row % nets.outputs() - 1)];
        const auto place = static_cast<std::size_t>(q * static_cast<double>(errors.size()));
        nets.shifts[static_cast<std::size_t>(row)] = static_cast<double>(errors[std::min(place, errors.size() - 1)]);
    }
}

/// forecast.safetensors, forecast-2.safetensors, …
inline std::filesystem::path member_path(const std::filesystem::path& path, std::size_t k) {
    return k == 0
               ? path
               : path.parent_path() / (path.stem().string() + "-" + std::to_string(k + 1) + path.extension().string());
}

inline void save(const ForecastNets& all, const std::filesystem::path& path) {
    const carousel::Metadata metadata = metadata_of(all, all.nets.size());
    for (std::size_t k = 0; k < all.nets.size(); ++k)
        carousel::save_safetensors(member_path(path, k), all.nets[k], metadata);
}

/// Throws std::runtime_error unless the net makes of these inputs what these settings say.
inline void check_net(const carousel::Model<float>& net, const ForecastSettings& settings, const std::string& file) {
    const auto inputs = static_cast<Index>(settings.inputs.size()),
               outputs = settings.task.horizon * settings.outputs(), steps = settings.task.steps;
    const auto fail = [&](const std::string& what) {
        throw std::runtime_error(file + ": the net doesn't fit its settings: " + what);
    };
    if (net.size() == 0)
        fail("it has no layers");
    try {
        if (const Index made = net.output_size(inputs); made != outputs)
            fail("it has " + std::to_string(made) + " outputs, expected " + std::to_string(outputs));
        const Index least = carousel::detail::least_steps(net);
        if (steps < least || carousel::detail::output_length(net, steps) != 1)
            fail("it doesn't make one step of " + std::to_string(steps));
    } catch (const std::invalid_argument& error) {
        fail(error.what());
    }
}

/// Throws std::runtime_error if a file can't be read, this program didn't save it, or it doesn't fit.
inline ForecastNets load_forecast(const std::filesystem::path& path) {
    ForecastNets all;
    carousel::Metadata first;
    for (std::size_t k = 0, count = 1; k < count; ++k) {
        const std::filesystem::path file = member_path(path, k);
        auto [model, metadata, state] = carousel::load_model_file<float>(file);
        if (k == 0) {
            std::tie(static_cast<ForecastSettings&>(all), count) = settings_of(metadata, file.string());
            first = std::move(metadata);
        } else if (metadata != first)
            throw std::runtime_error(file.string() + ": its settings aren't those of " + path.string() +
                                     ", expected a net that was saved with it");
        check_net(model, all, file.string());
        all.nets.push_back(std::move(model));
    }
    return all;
}

} // namespace example
