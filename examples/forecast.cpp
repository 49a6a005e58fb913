// What comes next in this file? A recurrent net forecasts a column of any CSV file of a series, several steps at once, from that
// column or from others too, with intervals if they are asked for; the end of the file is held out and says how good that is.
#include "support/forecast_report.hpp"
#include "support/interrupt.hpp"
#include "support/processes.hpp"
#include "support/report.hpp"

#include <carousel/io/load_model.hpp>
#include <carousel/io/safetensors.hpp>

#include <cstdio>

using namespace carousel;
using namespace example;

namespace {

const char* const footer = R"(
Series to try, from https://github.com/jbrownlee/Datasets and https://github.com/zhouhaoyi/ETDataset:
  forecast monthly-sunspots.csv --horizon 12 --quantiles .1,.5,.9 --relative deviation --least-deviation .3
  forecast airline-passengers.csv --horizon 12 --log
  forecast ETTh1.csv --target OT --horizon 24 --steps 96 --split 8640,2880,2880 --relative deviation --hidden 48 \
      --initializer pytorch --dropout .2 --batch-size 64 --epochs 14
  forecast pollution.csv --target pm2.5 --inputs all --calendar hour_of_day,day_of_year --horizon 24 --steps 72 \
      --relative none --split .6,.2,.2 --batch-size 128 --epochs 6 --dropout .2
What is saved, also after Ctrl-C, is the net of the epoch with the lowest validation loss. It knows its task and its scale:
  forecast ETTh1.csv --load out/forecast.safetensors                  forecasts
  forecast ETTh1.csv --load out/forecast.safetensors --epochs 5       trains on before
The forecast of what lies behind the end of the file is written to forecast_next.csv. The last line printed is test_mse=…,
in the units of the file.)";

const Recipe defaults{.cell = "gru",
                      .hidden = 32,
                      .epochs = 150,
                      .batch_size = 16,
                      .learning_rate = 3e-3,
                      .anneal = true,
                      .warmup = 2,
                      .clip = 1};

struct Run {
    std::string file;
    ForecastTask task;
    CsvOptions csv;
    std::vector<double> split; ///< without: by the parts below
    double test_part = 0.2, validation_part = 0.15;
    Index season = 0; ///< in steps; 0: found by autocorrelation
    Index patience = 30, ensemble = 1;
    double dropout = 0;
    std::string initializer = "keras";
    std::filesystem::path load, save;

    std::vector<double> parts() const {
        if (!split.empty())
            return split;
        return {(1 - test_part) * (1 - validation_part), (1 - test_part) * validation_part, test_part};
    }
};

Model<float> net_of(const Run& run, const Recipe& recipe, Index inputs, std::uint64_t seed) {
    const Index outputs = run.task.horizon * (1 + static_cast<Index>(run.task.quantiles.size()));
    RecurrentOptions options;
    DenseOptions head;
    if (run.initializer == "pytorch") {
        options.W = options.U = initializer::pytorch(recipe.hidden);
        options.b = initializer::pytorch(recipe.hidden);
        head.W = head.b = initializer::pytorch(recipe.hidden);
    }
    Model<float> net{recurrent_layer(recipe, inputs, options), LastStep{}, Dropout{run.dropout},
                     Dense<float>{recipe.hidden, outputs, head}};
    net.initialize(seed);
    return net;
}

/// Trains each net; after Ctrl-C those that haven't begun are left out.
History train(ForecastNets& nets, const ForecastData& data, const Run& run, const Recipe& recipe,
              const Options& options, const Processes& processes) {
    const auto training = windows_of(data, nets.task, data.training),
               validation = windows_of(data, nets.task, data.validation);
    History history;
    for (std::size_t k = 0; k < nets.nets.size(); ++k) {
        if (k > 0 && processes.first_says(interrupted())) {
            nets.nets.resize(k);
            break;
        }
        if (nets.nets.size() > 1)
            std::printf("net %zu of %zu\n", k + 1, nets.nets.size());
        History one =
            processes.fit(nets.nets[k], training, validation, MeanAndQuantiles{nets.task.quantiles}, Rule(recipe),
                          FitOptions{.epochs = recipe.epochs,
                                     .batch_size = recipe.batch_size,
                                     .seed = options.seed + k,
                                     .clip_norm = recipe.clip,
                                     .schedule = schedule(recipe),
                                     .early_stopping = EarlyStopping{.patience = run.patience},
                                     .callbacks = {stop_on_interrupt(), progress_bar()}});
        if (k == 0)
            history = std::move(one);
    }
    return history;
}

/// The test part's first forecasts, as many as can be told apart, with the outermost quantiles.
Plot plot_of(const Examination& examined, const ForecastNets& nets, const Matrix<double>& outputs) {
    const Index horizon = examined.horizon(), rows = nets.outputs();
    TimeSeries series = examined.series();
    const Index shown = std::min(examined.count() + horizon - 1, std::max<Index>(300, 12 * horizon));
    series.values.resize(static_cast<std::size_t>(series.training + shown));
    const auto curve = [&](Index output, const std::string& name, Style style) {
        Matrix<double> one(horizon, shown - horizon + 1);
        for (Index k = 0; k < horizon; ++k)
            one.row(k) = outputs.row(k * rows + output).leftCols(one.cols());
        return forecast_curve(series, {name, examined.in_units(one), series}, name, style);
    };
    std::vector<Series> curves;
    if (rows > 2) {
        curves.push_back(curve(1, "quantiles", Style::second));
        curves.push_back(curve(rows - 1, "", Style::second));
    }
    curves.push_back(curve(0, "forecast", Style::prediction));
    const bool long_enough = examined.data().table.has_dates() && series.labels.back().size() > 10 && shown > 240;
    for (std::string& label : series.labels)
        if (long_enough) // days say enough
            label.resize(10);
    return forecast_plot(series, horizon, std::move(curves));
}

void forecast(Run run, const Options& options, const Processes& processes) {
    const Recipe recipe = options.changed(defaults);
    std::sort(run.task.quantiles.begin(), run.task.quantiles.end());
    ForecastNets nets;
    if (!run.load.empty())
        nets = load_forecast(run.load);
    const bool loaded = !nets.nets.empty();
    if (loaded)
        run.task = nets.task;
    const ForecastData data = forecast_data(run.file, run.task, run.parts(), run.csv, loaded ? &nets.scaler : nullptr);
    run.task.target = data.target;
    if (loaded && data.inputs != nets.inputs)
        throw std::runtime_error(run.load.string() + ": the model's inputs are " + joined(nets.inputs) +
                                 ", and the file gives " + joined(data.inputs));
    std::filesystem::create_directories(options.folder);
    std::printf("inputs: %s\n", joined(data.inputs).c_str());

    History history;
    if (!loaded) {
        nets.task = run.task;
        nets.scaler = data.scaler;
        nets.inputs = data.inputs;
        for (Index k = 0; k < run.ensemble; ++k)
            nets.nets.push_back(net_of(run, recipe, static_cast<Index>(data.inputs.size()),
                                       options.seed + static_cast<std::uint64_t>(k)));
    }
    std::printf("%s", summary(nets.nets.front()).c_str());
    const bool trains = !loaded || options.epochs;
    if (trains)
        history = train(nets, data, run, recipe, options, processes);
    if (!processes.is_first())
        return;
    if (trains) {
        processes.report();
        nets.shifts.clear();
        calibrate(nets, data);
        const auto path = run.save.empty() ? options.folder / "forecast.safetensors" : run.save;
        save(nets, path);
        std::printf("%s saved%s\n", path.string().c_str(),
                    nets.nets.size() > 1 ? (", and the others as " + member_path(path, 1).string() + " …").c_str()
                                         : "");
    } else if (!run.save.empty())
        save(nets, run.save);

    const Examination examined(data, run.task);
    const Matrix<double> outputs = forecasts_of(nets, data, data.test).cast<double>();
    Matrix<double> means(run.task.horizon, outputs.cols());
    for (Index k = 0; k < means.rows(); ++k)
        means.row(k) = outputs.row(k * nets.outputs());
    std::string name = nets.nets.front().layer(0).name();
    if (nets.nets.size() > 1)
        name = std::to_string(nets.nets.size()) + " nets of " + name;
    else if (trains)
        name += ", epoch " + std::to_string(history.best_epoch);
    TimeSeries known = examined.series();
    const Index season = run.season > 0 ? run.season : find_season(known);
    require(season <= data.test.first, "--season", season, " is longer than what lies before the test part, ",
            data.test.first);
    std::vector<Forecast> all{examined(name, means), examined.linear(run.task.steps),
                              examined.seasonal("the last value", 1)};
    if (season > 1)
        all.push_back(examined.seasonal("a season ago, " + std::to_string(season), season));
    print(examined, all);
    if (run.season == 0)
        std::printf(season > 0 ? "season found by autocorrelation before the test part\n"
                               : "no season found before the test part\n");
    if (nets.outputs() > 1)
        print_coverage(examined, run.task.quantiles, outputs);

    std::vector<CsvColumn> columns{{"row", {}}, {"truth", {}}};
    for (Index w = 0; w < outputs.cols(); ++w) {
        columns[0].values.push_back(static_cast<double>(data.first + data.test.first + w + 1));
        columns[1].values.push_back(known[data.test.first + w]);
    }
    const Matrix<double> units = examined.in_units(outputs);
    for (Index row = 0; row < units.rows(); ++row) {
        const Index output = row % nets.outputs();
        const Vector<double> values = units.row(row).transpose();
        columns.push_back({"ahead_" + std::to_string(row / nets.outputs() + 1) +
                               (output > 0 ? "_q" + carousel::detail::number_text(
                                                        run.task.quantiles[static_cast<std::size_t>(output - 1)])
                                           : std::string()),
                           {values.data(), values.data() + values.size()}});
    }
    write_csv(options.folder / "forecast.csv", columns);
    write_next(options.folder / "forecast_next.csv", examined, nets,
               examined.in_units(forecast_next(nets, data).cast<double>()));
    std::vector<Picture> pictures{{"forecast.png", {plot_of(examined, nets, outputs)}}};
    if (trains) {
        const std::vector<LossCurve> losses{training_loss(history), validation_loss(history)};
        write_losses(options.folder / "forecast_loss.csv", history, losses);
        pictures.push_back({"forecast_loss.png", {loss_plot(losses)}});
    }
    draw(options, pictures);
    std::printf("seconds=%.2f\ntest_mse_scaled=%.6g test_mae_scaled=%.6g\ntest_mse=%.6g\n", training_seconds(history),
                all.front().scaled_mse, all.front().scaled_mae, all.front().mse);
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Forecasts a column of a CSV file with a recurrent net, several steps at once, and says how good that is."};
    app.footer(footer);
    Run run;
    Processes processes;
    ForecastTask& task = run.task;
    Options options;
    const auto count = between(1, 1e6);
    const auto part = between(0.01, 0.9);
    app.add_option("FILE", run.file, "CSV file, a row a step; separators, header and dates are found")->required();
    std::vector<CLI::Option*> of_task;
    const auto in_task = [&](CLI::Option* option) {
        of_task.push_back(option->group("Task"));
        return option;
    };
    in_task(app.add_option("--target,--column", task.target,
                           "Its name in the header, or its number from 1; by default the last of numbers"));
    in_task(app.add_option("--inputs", task.inputs,
                           "target: itself alone; all: all columns of numbers and words; or names with commas between "
                           "them (a name's own "
                           "as \\,)"))
        ->capture_default_str();
    in_task(app.add_option("--calendar", task.calendar,
                           "Inputs from the dates: hour_of_day, day_of_week, day_of_month, day_of_year, month_of_year"))
        ->delimiter(',');
    app.add_option("--dates", run.csv.dates, "The columns of the date, as year,month,day; by default found")
        ->delimiter(',')
        ->group("Task");
    in_task(app.add_option("--steps", task.steps, "Values the model sees"))->check(count)->capture_default_str();
    in_task(app.add_option("--horizon", task.horizon, "Values it forecasts"))->check(count)->capture_default_str();
    in_task(app.add_option("--quantiles", task.quantiles, "Forecast besides the mean, as .1,.5,.9"))
        ->delimiter(',')
        ->check(between(1e-6, 1 - 1e-6));
    in_task(app.add_option("--scale", task.scale, "Learnt from the training part"))
        ->check(CLI::IsMember({"standard", "minmax", "robust", "none"}))
        ->capture_default_str();
    in_task(app.add_option("--relative", task.relative,
                           "The model sees the target relative to its last value; divided by its deviation in the "
                           "window; or as it is"))
        ->check(CLI::IsMember({"last", "deviation", "none"}))
        ->capture_default_str();
    in_task(app.add_option("--least-deviation", task.least_deviation, "Of a window that stands still, scaled"))
        ->check(between(1e-6, 1e6))
        ->capture_default_str();
    in_task(app.add_flag("--log", task.log, "Model the logarithm: for what grows by percent"));
    app.add_option("--split", run.split, "Training, validation, test: rows as 8640,2880,2880, or parts as .7,.1,.2")
        ->delimiter(',')
        ->expected(3)
        ->check(between(1e-6, 1e12))
        ->group("Task");
    app.add_option("--test-part", run.test_part, "Held out at the end, without --split")
        ->check(part)
        ->capture_default_str()
        ->group("Task");
    app.add_option("--validation-part", run.validation_part, "Of the rest, the last, without --split")
        ->check(part)
        ->capture_default_str()
        ->group("Task");
    app.add_option("--season", run.season, "Of the baseline, in rows; by default found by autocorrelation")
        ->check(count)
        ->group("Task");
    const std::vector<std::string> cells{"simple", "lstm", "peephole", "gru"};
    options.add_to(app, cells, defaults);
    app.add_option("--model", options.cell, "Another name of --cell")
        ->check(CLI::IsMember(cells))
        ->group("Model and training");
    app.add_option("--dropout", run.dropout, "Of the last layer's inputs")
        ->check(between(0, 0.95))
        ->capture_default_str()
        ->group("Model and training");
    app.add_option("--initializer", run.initializer, "Whose")
        ->check(CLI::IsMember({"keras", "pytorch"}))
        ->capture_default_str()
        ->group("Model and training");
    app.add_option("--ensemble", run.ensemble, "So many nets, whose mean is the forecast")
        ->check(between(1, 100))
        ->capture_default_str()
        ->group("Model and training");
    app.add_option("--patience", run.patience, "Epochs without a better validation loss before it stops")
        ->check(count)
        ->capture_default_str()
        ->group("Model and training");
    CLI::Option* const load = app.add_option(
        "--load", run.load, "A model that this program saved: it forecasts, or with --epochs trains on before");
    for (CLI::Option* const option : of_task) // the file says it
        load->excludes(option);
    app.add_option("--save", run.save, "Where to save the model; by default forecast.safetensors in --out");
    return processes.run(app, argc, argv, [&] { forecast(run, options, processes); });
}
