// Can I train on a net that was trained elsewhere? A file of PyTorch or Keras is loaded, goes on learning from a series of numbers,
// and is saved for PyTorch or as ONNX. Without arguments: the program makes both, file and series, first.
#include "support/forecasts.hpp"
#include "support/interrupt.hpp"
#include "support/report.hpp"

#include <carousel/io/keras.hpp>
#include <carousel/io/onnx.hpp>
#include <carousel/io/pytorch.hpp>

#include <cstdio>
#include <numbers>

using namespace carousel;
using namespace example;

namespace {

const char* const footer = R"(
The net takes one number a step and forecasts as many values of the series as it has outputs:
  finetune net.keras data.csv --column Temp
  finetune net.pt data.csv --column Temp --architecture "LSTM, last, Linear" --save net.onnx
Without MODEL the program makes the files itself: a net that has learnt one wave, with PyTorch's names, and a short record of
another wave. A net of the same layers that starts from scratch learns from the same values for as long. The saved net, also
after Ctrl-C, can be trained further:
  finetune out/finetune.safetensors out/waves.csv --test-part 0.5
The last line printed is test_mse=…, of the loaded net after it trained on)";

const Recipe defaults{.hidden = 32, .epochs = 30, .batch_size = 16, .learning_rate = 3e-3, .anneal = true, .clip = 1};

struct Task {
    std::filesystem::path model, save;
    std::string architecture;
    SeriesOptions series;
    Index steps = 40, frozen = 0;
    bool as_is = false;
};

ModelFile<float> load(const Task& task) {
    const std::string type = task.model.extension().string();
    return type == ".keras" || type == ".h5" ? load_keras(task.model) : load_pytorch(task.model, task.architecture);
}

void save(const Task& task, const Model<float>& model, const Metadata& metadata) {
    if (task.save.extension() == ".onnx")
        save_onnx(task.save, model, {.metadata = metadata});
    else
        save_pytorch_safetensors(task.save, model, {.metadata = metadata});
    std::printf("%s saved\n", task.save.string().c_str());
}

/// Two waves on top of each other, and noise.
std::vector<float> two_waves(Index count, double period, double other, Random& random) {
    std::vector<float> values;
    for (Index t = 0; t < count; ++t) {
        const double angle = 2 * std::numbers::pi * static_cast<double>(t);
        values.push_back(
            static_cast<float>(std::sin(angle / period) + 0.6 * std::sin(angle / other) + 0.1 * random.normal()));
    }
    return values;
}

/// How the nets are trained, all of them.
template <class Optimizer>
History train(Model<float>& model, const Dataset<float>& data, Optimizer&& optimizer, const Recipe& recipe,
              std::uint64_t seed) {
    return fit(model, data, MeanSquaredError{}, optimizer,
               {.epochs = recipe.epochs,
                .batch_size = recipe.batch_size,
                .seed = seed,
                .clip_norm = recipe.clip,
                .schedule = schedule(recipe),
                .callbacks = {stop_on_interrupt(), progress_bar()}});
}

/// The files of the demonstration.
void make_files(Task& task, const Recipe& recipe, const Options& options) {
    task.model = options.folder / "stranger.safetensors";
    task.series = {.file = (options.folder / "waves.csv").string(), .column = "wave", .test_part = 0.5};
    Random random(options.seed);
    const Index horizon = 8;
    Model<float> model{recurrent_layer(recipe, 1), LastStep{}, Dense<float>{recipe.hidden, horizon}};
    model.initialize(random);
    std::fprintf(stderr, "a stranger's net learns his waves\n");
    const auto his = windows(two_waves(4000, 31, 12, random), {.steps = task.steps, .horizon = horizon});
    train(model, his, Rule(recipe), recipe, options.seed);
    save_pytorch_safetensors(task.model, model, {.modules = {"rnn", "linear"}});

    const std::vector<float> ours = two_waves(400, 23, 9, random);
    write_csv(task.series.file, {{"wave", {ours.begin(), ours.end()}}});
}

Dataset<float> data_for(const Model<float>& model, const std::vector<float>& series, Index steps) {
    return windows(series,
                   {.steps = steps, .horizon = model.output_size(1), .every_step = model.output_length(steps) > 1});
}

/// In the series' units, from what the model knows at the end of each window.
Forecasts forecasts(const std::string& name, const Model<float>& model, const Dataset<float>& test,
                    const TimeSeries& series, const Scale& scale) {
    const auto y = model(test.x);
    const Matrix<double> last = y.step(y.steps() - 1).cast<double>();
    return {name, last.unaryExpr([&](double value) { return scale.back(value); }), series};
}

void run(Task task, const Options& options) {
    const Recipe recipe = options.changed(defaults);
    std::filesystem::create_directories(options.folder);
    if (task.save.empty())
        task.save = options.folder / "finetune.safetensors";
    if (task.model.empty())
        make_files(task, recipe, options);

    auto [model, metadata, state] = load(task);
    require(!model.takes_tokens() && model.input_size() == 1, task.model.string().c_str(), "the net takes ",
            model.takes_tokens() ? "tokens" : std::to_string(model.input_size()) + " features",
            ", expected one number a step");
    std::printf("%s: %s", task.model.string().c_str(), summary(model).c_str());
    const Index horizon = model.output_size(1);
    const TimeSeries series = read_series(task.series, task.steps, horizon);
    const Scale scale = task.as_is ? Scale() : Scale(series, false);
    const auto training = data_for(model, scale(series, 0, series.training), task.steps);
    const auto test = data_for(model, scale(series, series.training - task.steps, series.size()), task.steps);

    const Forecasts before = forecasts("as it was loaded", model, test, series, scale);
    Model<float> fresh = model;
    fresh.initialize(options.seed);
    auto trained = parameters(model);
    std::erase_if(trained, [&](const auto& p) { return std::stoll(p.name) < task.frozen; }); // "0.LSTM.W"
    require(!trained.empty(), "--freeze", task.frozen, " leaves nothing to train of the net's ", model.size(),
            " layers");
    Optimizer optimizer{trained, Rule(recipe)};
    const History history = train(model, training, optimizer, recipe, options.seed);
    save(task, model, metadata);
    const History from_scratch = train(fresh, training, Rule(recipe), recipe, options.seed);

    const Forecasts after = forecasts("trained on", model, test, series, scale);
    print(series, {after,
                   before,
                   forecasts("from scratch", fresh, test, series, scale),
                   {"the last value", seasonal(series, 1, horizon), series}});
    write_forecasts(options.folder / "finetune.csv", series, {{"before", before}, {"after", after}});
    const std::vector<LossCurve> losses{{"from scratch", training_loss(from_scratch).by_epoch},
                                        {"trained on", training_loss(history).by_epoch}};
    write_losses(options.folder / "finetune_loss.csv", history, losses);
    draw(options, {{"finetune.png",
                    {forecast_plot(series, horizon,
                                   {forecast_curve(series, before, "as it was loaded", Style::second),
                                    forecast_curve(series, after, "trained on", Style::prediction)})}},
                   {"finetune_loss.png", {loss_plot(losses)}}});
    std::printf("test_mse=%.6g\n", after.mse);
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Trains a net of PyTorch or Keras on, and saves it for others."};
    app.footer(footer);
    Task task;
    Options options;
    auto* const model = app.add_option("MODEL", task.model, ".pt, .safetensors, .keras or .h5");
    auto* const file = app.add_option("SERIES", task.series.file, "CSV file with a header");
    model->needs(file);
    app.add_option("--column", task.series.column, "Its name in the header, or its number from 1; by default the last");
    app.add_option("--architecture", task.architecture,
                   "Of a file of PyTorch, which doesn't say it: \"LSTM, last, Linear\"");
    app.add_option("--steps", task.steps, "Values the net sees")
        ->check(between(1, 1e6))
        ->capture_default_str()
        ->group("Task");
    app.add_option("--test-part", task.series.test_part, "Held out at the end")
        ->check(between(0.01, 0.9))
        ->capture_default_str()
        ->group("Task");
    app.add_flag("--as-is", task.as_is, "The net takes the series' own numbers; else its mean is 0 and its deviation 1")
        ->group("Task");
    app.add_option("--freeze", task.frozen, "So many layers, the first, stay as they are")
        ->check(between(0, 1e6))
        ->capture_default_str()
        ->group("Model and training");
    options.add_to(app, {"simple", "lstm", "gru"}, defaults);
    app.add_option("--save", task.save,
                   "Where to save the net, with PyTorch's names or as .onnx; by default finetune.safetensors in --out");
    return run_program(app, argc, argv, [&] { run(task, options); });
}
