// Can a recurrent net forecast this series better than its last value, or its value a season ago? Any CSV file with a
// column of numbers; the end of the series is held out and decides.
#include "support/forecasts.hpp"
#include "support/interrupt.hpp"
#include "support/report.hpp"

#include <carousel/io/safetensors.hpp>

#include <cstdio>

using namespace carousel;
using namespace example;

namespace {

const char* const footer = R"(
Series to try, from https://github.com/jbrownlee/Datasets:
  forecast monthly-sunspots.csv --column Sunspots --horizon 12
  forecast airline-passengers.csv --column Passengers --horizon 12 --log
  forecast daily-min-temperatures.csv --column Temp
The model of the epoch with the lowest validation loss is saved, also after Ctrl-C, and can be trained further:
  forecast daily-min-temperatures.csv --column Temp --load out/forecast.safetensors
The model sees each window relative to its last value, in units of the training part's deviation, and gives all steps of
the horizon at once. The last line printed is test_mse=…)";

const Recipe defaults{.cell = "gru",
                      .hidden = 32,
                      .epochs = 150,
                      .batch_size = 16,
                      .learning_rate = 3e-3,
                      .anneal = true,
                      .warmup = 2,
                      .clip = 1};

struct Task {
    SeriesOptions series;
    Index steps = 60, horizon = 1;
    Index season = 0; ///< in steps; 0: found by autocorrelation
    double validation_part = 0.15;
    Index patience = 30;
    std::filesystem::path load, save;

    std::filesystem::path saved(const Options& options) const {
        return save.empty() ? options.folder / "forecast.safetensors" : save;
    }
    /// What a model was trained to see and say: another task would misread its numbers.
    Metadata metadata() const {
        return {{"task", "--steps " + std::to_string(steps) + " --horizon " + std::to_string(horizon) +
                             (series.log ? " --log" : "")}};
    }
};

/// Throws std::runtime_error unless this program saved the model, for the same task.
template <class Model>
void load(const Task& task, Model& model) {
    Model loaded = model;
    const Metadata found = load_safetensors(task.load, loaded), expected = task.metadata();
    const auto saved_for = found.find("task");
    if (saved_for == found.end())
        throw std::runtime_error(task.load.string() + ": this program didn't save it");
    if (found != expected)
        throw std::runtime_error(task.load.string() + ": the model was saved for " + saved_for->second + ", not for " +
                                 expected.at("task"));
    model = std::move(loaded);
}

/// Windows as the model sees them, relative to their last values, and those values.
struct Windows {
    Dataset<float> data;
    Matrix<float> last; ///< of each window, 1 × windows

    Windows(const std::vector<float>& scaled, const Task& task)
        : data(windows(scaled, {.steps = task.steps, .horizon = task.horizon})), last(data.x.step(task.steps - 1)) {
        for (Index t = 0; t < task.steps; ++t)
            data.x.step(t) -= last;
        data.y.values().rowwise() -= last.row(0);
    }
};

void run(const Task& task, const Options& options) {
    const TimeSeries series = read_series(task.series, task.steps, task.horizon);
    const Index season = task.season > 0 ? task.season : find_season(series);
    require(season <= series.training, "--season", season, " is longer than the training part, ", series.training);
    const Scale scale(series, task.series.log);
    const Windows training(scale(series, 0, series.training), task);
    const Windows test(scale(series, series.training - task.steps, series.size()), task);
    const Recipe recipe = options.changed(defaults);
    std::filesystem::create_directories(options.folder);

    Model<float> model{recurrent_layer(recipe, 1), LastStep{}, Dense<float>{recipe.hidden, task.horizon}};
    model.initialize(options.seed);
    if (!task.load.empty())
        load(task, model);
    std::printf("%s", summary(model).c_str());
    const History history = fit(model, training.data, MeanSquaredError{}, Rule(recipe),
                                {.epochs = recipe.epochs,
                                 .batch_size = recipe.batch_size,
                                 .validation_split = task.validation_part,
                                 .seed = options.seed,
                                 .clip_norm = recipe.clip,
                                 .schedule = schedule(recipe),
                                 .early_stopping = EarlyStopping{.patience = task.patience},
                                 .callbacks = {stop_on_interrupt(), progress_bar()}});
    save_safetensors(task.saved(options), model, task.metadata());
    std::printf("%s saved\n", task.saved(options).string().c_str());

    Matrix<double> forecast = model(test.data.x).values().cast<double>();
    forecast.rowwise() += test.last.row(0).cast<double>();
    forecast = forecast.unaryExpr([&](double y) { return scale.back(y); });
    const std::string name = model.layer(0).name() + ", epoch " + std::to_string(history.best_epoch);
    std::vector<Forecasts> all{{name, forecast, series}, {"the last value", seasonal(series, 1, task.horizon), series}};
    if (season > 0)
        all.push_back({"a season ago, " + std::to_string(season), seasonal(series, season, task.horizon), series});
    print(series, all);
    if (task.season == 0)
        std::printf(season > 0 ? "season found by autocorrelation in the training part\n"
                               : "no season found in the training part\n");

    const std::vector<LossCurve> losses{training_loss(history), validation_loss(history)};
    write_forecasts(options.folder / "forecast.csv", series, {{"ahead", all.front()}});
    write_losses(options.folder / "forecast_loss.csv", history, losses);
    const Series curve = forecast_curve(series, all.front(), "forecast", Style::prediction);
    draw(options, {{"forecast.png", {forecast_plot(series, task.horizon, {curve})}},
                   {"forecast_loss.png", {loss_plot(losses)}}});
    std::printf("seconds=%.2f\ntest_mse=%.6g\n", training_seconds(history), all.front().mse);
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Forecasts a series of numbers with a recurrent net, several steps at once, and says how good that is."};
    app.footer(footer);
    Task task;
    Options options;
    const auto count = between(1, 1e6);
    app.add_option("FILE", task.series.file, "CSV file with a header")->required();
    app.add_option("--column", task.series.column, "Its name in the header, or its number from 1; by default the last");
    app.add_option("--steps", task.steps, "Values the model sees")->check(count)->capture_default_str()->group("Task");
    app.add_option("--horizon", task.horizon, "Values it forecasts")
        ->check(count)
        ->capture_default_str()
        ->group("Task");
    app.add_option("--season", task.season, "Of the baseline; by default found by autocorrelation")
        ->check(count)
        ->group("Task");
    app.add_option("--test-part", task.series.test_part, "Held out at the end")
        ->check(between(0.01, 0.9))
        ->capture_default_str()
        ->group("Task");
    app.add_flag("--log", task.series.log, "Model the logarithm: for what grows by percent")->group("Task");
    options.add_to(app, {"simple", "lstm", "peephole", "gru"}, defaults);
    app.add_option("--validation-part", task.validation_part, "Of the training windows, the last, for early stopping")
        ->check(between(0.01, 0.9))
        ->capture_default_str()
        ->group("Model and training");
    app.add_option("--patience", task.patience, "Epochs without a better validation loss before it stops")
        ->check(count)
        ->capture_default_str()
        ->group("Model and training");
    app.add_option("--load", task.load, "A model to go on from, saved by this program for the same task");
    app.add_option("--save", task.save, "Where to save the model; by default forecast.safetensors in --out");
    return run_program(app, argc, argv, [&] { run(task, options); });
}
