// What does a recurrent net make of a sine? Four experiments: data, training, the error on values it hasn't seen, pictures.
#include "support/report.hpp"
#include "support/sine_experiments.hpp"

#include <cstdio>

using namespace carousel;
using namespace example;

namespace {

const char* const footer = R"(
Experiments (every option changes them; seeds change noise, weights and order):
  stream  noisy sine, 80 steps a cycle: LSTM 64, Dense at every step; then the model runs alone on its own predictions
          300 epochs of 9 sequences of 400 steps, batch 3, Adam 1e-2, warm-up, annealing, clipping; no other --tuned
  keras   the same data, 30 steps in, 1 ahead: LSTM 300, last step, Dense
          15 epochs, batch 600, RMSprop 1e-3; tuned: batch 64, Adam 2e-3, warm-up, annealing, clipping
  waves   two noisy waves to learn, eight to predict, 10 steps in, 1 ahead: LSTM 300, last step, Dense
          20 epochs, batch 32, Adam 1e-3; tuned: stateful, batch 10, AdamW 7e-4, warm-up, annealing
  cosine  noisy sine to learn, cosine to predict: simple RNN 100, Dense at every step, truncated BPTT over 30 steps
          100 epochs, Adam 1e-3; tuned: AdamW 1.5e-3, annealing; --optimizer sgd: 5e-5; --cell mlp: Dense 100, 100, 1
The last line printed is test_mse=…)";

std::vector<double> numbers(const std::vector<float>& values) {
    return {values.begin(), values.end()};
}

/// Draws the test data and over them the predictions, which begin after the first e.window values.
Plot prediction_plot(const Experiment& e, const std::vector<double>& predictions, const std::string& title) {
    const std::size_t count = e.drawn > 0 ? e.drawn : predictions.size();
    const auto window = static_cast<std::size_t>(e.window);
    const Signal all = e.test.part(0, window + count), predicted = e.test.part(window, count);
    Plot plot{.title = title, .x_label = e.x_label, .y_label = "y", .series = {}, .y_range = {-1.25, 1.25}};
    if (e.training_drawn) {
        plot.series.push_back({"training data", numbers(e.train.at), numbers(e.train.value), Style::second});
        plot.marks = {e.test.at.front()};
    }
    plot.series.push_back({"truth", numbers(all.at), numbers(all.value), e.noisy_test ? Style::points : Style::truth});
    plot.series.push_back({"one step ahead", numbers(predicted.at), predictions, Style::prediction});
    return plot;
}

/// What tables, pictures and printed numbers are made of.
struct Outcome {
    History history;
    std::vector<LossCurve> losses;
    std::vector<double> predictions, alone; ///< made one step ahead from the data; made from earlier predictions
    std::vector<Plot> frames;
};

void write_tables(const Experiment& e, const Outcome& outcome, const std::filesystem::path& folder) {
    const auto last = [&](const std::vector<double>& values) { // values at the end, NaN before them
        std::vector<double> all(e.test.at.size() - values.size(), std::numeric_limits<double>::quiet_NaN());
        all.insert(all.end(), values.begin(), values.end());
        return all;
    };
    write_csv(folder / (e.name + "_data.csv"), {{e.x_label + "_train", numbers(e.train.at)},
                                                {"y_train", numbers(e.train.value)},
                                                {e.x_label + "_test", numbers(e.test.at)},
                                                {"y_test", numbers(e.test.value)}});
    write_csv(folder / (e.name + "_prediction.csv"), {{e.x_label, numbers(e.test.at)},
                                                      {"truth", numbers(e.test.value)},
                                                      {"one_step_ahead", last(outcome.predictions)},
                                                      {"alone", last(outcome.alone)}});
    write_losses(folder / (e.name + "_loss.csv"), outcome.history, outcome.losses);
}

std::vector<Picture> pictures(const Experiment& e, const Outcome& outcome) {
    Plot prediction = prediction_plot(e, outcome.predictions, e.title);
    if (!outcome.alone.empty()) {
        const Signal predicted = e.test.part(e.test.at.size() - outcome.alone.size(), outcome.alone.size());
        prediction.series.back().y.resize(outcome.predictions.size() - outcome.alone.size());
        prediction.series.push_back({"on its own predictions", numbers(predicted.at), outcome.alone, Style::second});
        prediction.marks = {predicted.at.front()};
    }
    std::vector<Picture> all{{e.name + "_prediction.png", {prediction}},
                             {e.name + "_loss.png", {loss_plot(outcome.losses)}}};
    if (e.data_drawn > 0) {
        const Signal data = e.train.part(0, e.data_drawn);
        all.push_back({e.name + "_data.png",
                       {Plot{.title = "The data",
                             .x_label = e.x_label,
                             .y_label = "y",
                             .series = {{"", numbers(data.at), numbers(data.value)}},
                             .y_range = {-1.25, 1.25}}}});
    }
    if (!outcome.frames.empty())
        all.push_back({e.name + "_learning.gif", outcome.frames, e.frame_every >= 4 ? 100 : 15});
    return all;
}

FitOptions fit_options(const Experiment& e) {
    return {.epochs = e.recipe.epochs,
            .batch_size = e.recipe.batch_size,
            .validation_split = e.stateful ? 0 : e.validation_split,
            .shuffle = !e.stateful,
            .seed = e.order,
            .clip_norm = e.recipe.clip,
            .truncate = e.truncate,
            .stateful = e.stateful,
            .schedule = schedule(e.recipe),
            .callbacks = {progress_bar()}};
}

void run(const Experiment& e, const Options& options, Model<float> model) {
    Random weights = e.weights;
    model.initialize(weights);
    std::printf("%s", summary(model).c_str());
    std::filesystem::create_directories(options.folder);

    Dataset<float> data = samples(e, e.train);
    FitOptions fitting = fit_options(e);
    Outcome outcome;
    const auto frame = [&](Index epoch) {
        outcome.frames.push_back(prediction_plot(e, predict(e, model, e.test.value), "Epoch " + std::to_string(epoch)));
    };
    if (wants_pictures(options) && e.frame_every > 0) {
        frame(0);
        fitting.callbacks.push_back(every_epoch([&](const EpochReport& r) { frame(r.epoch); }, e.frame_every));
    }
    LossCurve watched; // a loss that a callback measures because fit can't
    const auto watch = [&](const char* name, const Signal& signal, std::size_t last) {
        watched.name = name;
        fitting.callbacks.push_back(every_epoch([&, &signal = signal, last](const EpochReport&) {
            const std::vector<double> all = predict(e, model, signal.value);
            watched.by_epoch.push_back(
                mean_squared_error({all.end() - static_cast<std::ptrdiff_t>(last), all.end()}, signal.value));
        }));
    };
    if (e.stateful) { // the held-out windows are predicted with the state that those before them leave
        const auto held_out = static_cast<Index>(std::ceil(static_cast<double>(data.size()) * e.validation_split));
        const Index kept = data.size() - held_out;
        data = data.slice(0, kept - kept % e.recipe.batch_size);
        watch("validation", e.train, static_cast<std::size_t>(held_out));
    } else if (e.pieces > 0 && wants_pictures(options))
        watch("test", e.test, e.test.at.size() - static_cast<std::size_t>(e.window));

    outcome.history =
        fit(model, data, MeanSquaredError{e.summed ? Reduction::sum : Reduction::mean}, Rule(e.recipe), fitting);
    outcome.predictions = predict(e, model, e.test.value);
    if (e.free_run > 0)
        outcome.alone = run_free(model, e.test.value, e.free_run);
    outcome.losses = {training_loss(outcome.history, e.summed ? per_number(e) : 1)};
    if (fitting.validation_split > 0)
        outcome.losses.push_back(validation_loss(outcome.history));
    else if (!watched.name.empty())
        outcome.losses.push_back(watched);

    write_tables(e, outcome, options.folder);
    draw(options, pictures(e, outcome));
    for (const LossCurve& curve : outcome.losses)
        if (curve.name != "test")
            std::printf("%s_mse=%.6f\n", curve.name == "training" ? "train" : "validation", curve.by_epoch.back());
    std::printf("seconds=%.2f\ntest_mse=%.6f\n", training_seconds(outcome.history),
                mean_squared_error(outcome.predictions, e.test.value));
}

/// The model that the recipe names.
Model<float> model_of(const Experiment& e) {
    const Recipe& recipe = e.recipe;
    const Dense<float> head{recipe.hidden, 1, e.dense};
    if (recipe.cell == "mlp") {
        DenseOptions hidden = e.dense;
        hidden.activation = Activation::sigmoid;
        return Model<float>{Dense<float>{1, recipe.hidden, hidden}, Dense<float>{recipe.hidden, recipe.hidden, hidden},
                            head};
    }
    Model<float> model{recurrent_layer(recipe, 1, e.cell)};
    if (e.pieces == 0)
        model.add(LastStep{});
    return model.add(head);
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Trains a recurrent net on a noisy sine and tests it on values it hasn't seen."};
    app.footer(footer);
    std::string name = "stream";
    bool tuned = false;
    Options options;
    app.add_option("--experiment", name, "Data, model and training")
        ->check(CLI::IsMember({"stream", "keras", "waves", "cosine"}))
        ->capture_default_str()
        ->group("Experiment");
    app.add_flag("--tuned", tuned, "The same model, data and epochs, trained better")->group("Experiment");
    options.add_to(app, {"simple", "lstm", "peephole", "gru", "mlp"});

    return run_program(app, argc, argv, [&] {
        Experiment e = experiment(name, tuned, options.seed);
        if (options.optimizer == "sgd" && !options.learning_rate)
            e.recipe.learning_rate = e.summed ? 5e-5 : 1e-2;
        e.recipe = options.changed(e.recipe);
        require(!e.stateful || e.recipe.batch_size == e.window, "--batch-size",
                "the state is kept from window to window, ", "which takes batches of ", e.window);
        require(e.recipe.cell != "mlp" || e.pieces > 0, "--cell", "mlp sees one value at a time: not for windows");
        run(e, options, model_of(e));
    });
}
