// What can an LSTM or a GRU remember that a simple recurrent net can't? Two tasks after Hochreiter & Schmidhuber
// (1997), "Long Short-Term Memory", for all three; the data are made here.
#include "support/curves.hpp"
#include "support/interrupt.hpp"
#include "support/recipe.hpp"

#include <carousel/io/safetensors.hpp>

#include <algorithm>
#include <cstdio>
#include <map>

using namespace carousel;
using namespace example;

namespace {

const char* const footer = R"(
Tasks:
  adding  two inputs, a number in 0 … 1 and a marker. Two steps are marked, one in each half: what is the sum of their
          numbers? Who remembers nothing does best to answer 1, and has a mean squared error of 1/6
  memory  the first letter is one of four, and then, for --lag steps, four others follow at random: which was the first?
The three nets get the same data, size, optimizer and number of epochs. LSTM and GRU start as Tallec & Ollivier propose
("Can recurrent neural networks warp time?", 2018), each unit with a memory of between 1 and as many steps as there are;
--plain leaves their gates as Keras starts them: then the memory defeats all three, and the adding problem needs luck.
The last line printed is lstm_mse=…, of the adding problem, or without it lstm_accuracy=…)";

struct Settings {
    std::string task = "both";
    Index steps = 200, lag = 1000; ///< of the task adding; of the task memory
    Index hidden = 32, epochs = 12, batch_size = 50;
    double learning_rate = 5e-3;
    bool plain = false, no_plots = false;
    int threads = 2;
    std::uint64_t seed = 1;
    std::filesystem::path folder = "out", load;
};

struct Task {
    std::string name;
    Dataset<float> training, test;
    Index outputs;
    std::vector<Metric> metrics;
    double solved; ///< training ends when the validation loss is below this
};

Dataset<float> adding(Index samples, Index steps, Random& random) {
    Dataset<float> data{Sequence<float>(2, steps, samples), Sequence<float>(1, 1, samples)};
    const Index half = steps / 2;
    for (Index b = 0; b < samples; ++b) {
        for (Index t = 0; t < steps; ++t)
            data.x.step(t)(0, b) = static_cast<float>(random.uniform());
        const Index first = random.below(half), second = half + random.below(steps - half);
        for (const Index t : {first, second}) {
            data.x.step(t)(1, b) = 1;
            data.y.values()(b) += data.x.step(t)(0, b);
        }
    }
    return data;
}

constexpr Index symbols = 4; ///< to be remembered; as many others distract; each has an input of its own

Dataset<float> memory(Index samples, Index lag, Random& random) {
    Dataset<float> data{Sequence<float>(2 * symbols, 1 + lag, samples), Sequence<float>(1, 1, samples)};
    for (Index b = 0; b < samples; ++b) {
        const Index first = random.below(symbols);
        data.x.step(0)(first, b) = 1;
        data.y.values()(b) = static_cast<float>(first);
        for (Index t = 1; t <= lag; ++t)
            data.x.step(t)(symbols + random.below(symbols), b) = 1;
    }
    return data;
}

/// Sets the biases of gates so that each unit keeps its content for about n steps, a random n for each: σ(log(n − 1)) = 1 − 1/n. The forget gate of an LSTM has
/// this bias and its input gate the negative, so that it lets in 1/n. A GRU's update gate does both. A simple RNN has no gates.
void open_gates(AnyLayer<float>& layer, Index steps, Random& random) {
    const auto found = parameters(layer);
    auto& b = std::find_if(found.begin(), found.end(), [](const auto& p) { return p.name == "b"; })->parameter->value;
    const Index H = layer.output_size(layer.input_size());
    for (Index u = 0; u < H; ++u) {
        const auto bias = static_cast<float>(std::log(random.uniform(1, static_cast<double>(steps - 1))));
        if (layer.name() == "LSTM") { // i, f, g, o
            b(u) = -bias;
            b(H + u) = bias;
        } else if (layer.name() == "GRU") // n, r, z, q
            b(2 * H + u) = bias;
    }
}

/// ‖∂(sum of the outputs)/∂x‖ for the steps before the last, the nearest first, averaged over some samples.
std::vector<double> gradient_by_lag(Model<float> model, const Dataset<float>& data) {
    Model<float>::Tape tape;
    const auto y = model.forward(data.x.view(), tape);
    const Matrix<float> ones = Matrix<float>::Ones(y.features(), y.columns());
    const auto dx = model.backward({ones.data(), y.features(), y.steps(), y.batch()}, tape);
    std::vector<double> norms;
    for (Index t = dx.steps() - 1; t >= 0; --t)
        norms.push_back(dx.step(t).cast<double>().colwise().norm().mean());
    return norms;
}

struct Outcome {
    std::string net;
    Evaluation test;
    History history;
    std::vector<double> gradient_before, gradient_after;
};

template <Loss LossType>
Outcome train(const Settings& s, const Task& task, const AnyLayer<float>& layer, const LossType& loss) {
    Model<float> model{layer, LastStep{}, Dense<float>{s.hidden, task.outputs}};
    auto& recurrent = model.layer(0);
    Outcome outcome{.net = recurrent.name(), .test = {}, .history = {}, .gradient_before = {}, .gradient_after = {}};
    const std::string file = "longlag_" + task.name + "_" + outcome.net;
    Random random(s.seed);
    model.initialize(random);
    if (!s.plain)
        open_gates(recurrent, task.training.x.steps(), random);
    if (!s.load.empty())
        load_safetensors(s.load / (file + ".safetensors"), model);

    std::fprintf(stderr, "%s, %s\n", task.name.c_str(), outcome.net.c_str());
    const Dataset<float> some = task.test.slice(0, 20);
    outcome.gradient_before = gradient_by_lag(model, some);
    const auto stop_when_solved = [&](Progress& p) {
        p.stop = p.stop || (p.epoch_end && p.report.validation_loss < task.solved);
    };
    outcome.history = fit(model, task.training, loss, Adam{.learning_rate = s.learning_rate},
                          {.epochs = s.epochs,
                           .batch_size = s.batch_size,
                           .validation_split = 0.05,
                           .seed = s.seed,
                           .metrics = task.metrics,
                           .clip_norm = 1,
                           .callbacks = {stop_when_solved, stop_on_interrupt(), progress_bar()}});
    outcome.gradient_after = gradient_by_lag(model, some);
    outcome.test = evaluate(model, task.test, loss, {.metrics = task.metrics});
    save_safetensors(s.folder / (file + ".safetensors"), model);
    if (!s.no_plots && gnuplot_is_there())
        draw(curves(file + ".png", outcome.history, outcome.net + ", " + task.name), s.folder);
    return outcome;
}

/// Trains the three nets one after the other; Ctrl-C ends all.
template <Loss LossType>
std::vector<Outcome> train_all(const Settings& s, const Task& task, const LossType& loss) {
    std::vector<Outcome> all;
    for (const std::string cell : {"lstm", "gru", "simple"})
        if (!interrupted())
            all.push_back(
                train(s, task, recurrent_layer({.cell = cell, .hidden = s.hidden}, task.training.x.features()), loss));
    std::printf("%s, %td steps\n", task.name.c_str(), task.training.x.steps());
    for (const Outcome& outcome : all) {
        std::printf("  %-10s test loss %.5f", outcome.net.c_str(), outcome.test.loss);
        if (!outcome.test.metrics.empty())
            std::printf(", accuracy %.4f", outcome.test.metrics.front());
        std::printf(", %zu epochs\n", outcome.history.epochs.size());
    }
    return all;
}

/// How much of an error at the last step reaches the steps before it, for each net before and after its training.
Picture gradient_picture(const Task& task, const std::vector<Outcome>& all) {
    Picture picture{.file = "longlag_" + task.name + "_gradient.png", .frames = {}, .side_by_side = true};
    const std::map<std::string, Style> styles{
        {"LSTM", Style::prediction}, {"GRU", Style::second}, {"SimpleRNN", Style::truth}};
    for (const auto& [title, gradient] : {std::pair("At the start", &Outcome::gradient_before),
                                          std::pair("After training", &Outcome::gradient_after)}) {
        Plot plot{.title = title, .x_label = "lag, steps", .y_label = "norm of the gradient of x", .series = {}};
        plot.log_y = true;
        plot.y_range = {1e-15, 1e3};
        for (const Outcome& outcome : all) {
            Series series{outcome.net, {}, outcome.*gradient, styles.at(outcome.net)};
            for (std::size_t lag = 0; lag < series.y.size(); ++lag)
                series.x.push_back(static_cast<double>(lag));
            plot.series.push_back(std::move(series));
        }
        picture.frames.push_back(std::move(plot));
    }
    return picture;
}

void run(const Settings& s) {
    set_threads(s.threads);
    std::filesystem::create_directories(s.folder);
    Random random(s.seed);
    std::string result;
    const auto solve = [&](const Task& task, const char* name, const auto& loss) {
        if (interrupted())
            return;
        const auto all = train_all(s, task, loss);
        if (!s.no_plots && gnuplot_is_there())
            draw(gradient_picture(task, all), s.folder);
        const Evaluation& lstm = all.front().test;
        if (result.empty())
            result = name + std::to_string(lstm.metrics.empty() ? lstm.loss : lstm.metrics.front());
    };
    if (s.task != "memory")
        solve({"adding", adding(10000, s.steps, random), adding(1000, s.steps, random), 1, {}, 0.001},
              "lstm_mse=", MeanSquaredError{});
    if (s.task != "adding")
        solve({"memory", memory(2000, s.lag, random), memory(500, s.lag, random), symbols, {Accuracy{}}, 0.01},
              "lstm_accuracy=", SoftmaxCrossEntropy{});
    std::printf("%s\n", result.c_str());
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Long time lags: what an LSTM and a GRU can remember, and a simple recurrent net can't."};
    app.footer(footer);
    Settings s;
    const auto option = [&](const std::string& name, auto& value, const std::string& what, double low, double high) {
        app.add_option(name, value, what)->check(between(low, high))->capture_default_str();
    };
    app.add_option("--task", s.task, "What to learn")
        ->check(CLI::IsMember({"both", "adding", "memory"}))
        ->capture_default_str();
    option("--steps", s.steps, "Of the adding problem", 4, 1e5);
    option("--lag", s.lag, "Of the memory", 3, 1e5);
    option("--hidden", s.hidden, "Units", 1, 1e4);
    option("--epochs", s.epochs, "At most; a task that is solved ends earlier", 1, 1e6);
    option("--batch-size", s.batch_size, "Sequences a step", 1, 1e4);
    option("--learning-rate", s.learning_rate, "Adam's", 1e-12, 1e3);
    app.add_flag("--plain", s.plain, "Gates start as Keras starts them");
    option("--seed", s.seed, "Of everything random: one seed, one result", 0, 4294967295.0);
    option("--threads", s.threads, "Of the recurrent layers", 1, 1024);
    app.add_option("--out", s.folder, "Folder of the pictures and the trained nets")->capture_default_str();
    app.add_option("--load", s.load, "Folder of nets to go on from: an --out of before");
    app.add_flag("--no-plots", s.no_plots, "No pictures");
    return run_program(app, argc, argv, [&] { run(s); });
}
