// The program of choosing.md: trains cells, sizes and rates on two small tasks, and draws what they come to into the folder given.
#include <carousel/carousel.hpp>
#include <carousel/plot/plot.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <limits>
#include <numbers>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace carousel;

namespace {

struct Task {
    Dataset<float> training, test;
};

// A number and a marker at each step; wanted is the sum of the two numbers that are marked, one in each half.
Dataset<float> adding(Index samples, Index steps, Random& random) {
    Dataset<float> data{Sequence<float>(2, steps, samples), Sequence<float>(1, 1, samples)};
    for (Index b = 0; b < samples; ++b) {
        for (Index t = 0; t < steps; ++t)
            data.x.step(t)(0, b) = static_cast<float>(random.uniform());
        for (const Index t : {random.below(steps / 2), steps / 2 + random.below(steps / 2)}) {
            data.x.step(t)(1, b) = 1;
            data.y.values()(b) += data.x.step(t)(0, b);
        }
    }
    return data;
}

// Three sines under noise of variance 0.01, and the number after each window.
Dataset<float> waves(Index samples, Random& random) {
    std::vector<float> series;
    for (int t = 0; t < samples + 30; ++t) {
        double value = 0.1 * random.normal();
        for (const double period : {11.0, 23.0, 41.0})
            value += 0.4 * std::sin(2 * std::numbers::pi * t / period);
        series.push_back(static_cast<float>(value));
    }
    return windows(series, {.steps = 30});
}

enum class Kind { simple, lstm, gru };

Model<float> net(Kind kind, Index inputs, Index units, std::uint64_t seed) {
    Model<float> model;
    if (kind == Kind::simple)
        model.add(SimpleRNN<float>{inputs, units, {.seed = seed}});
    else if (kind == Kind::lstm)
        model.add(LSTM<float>{inputs, units, {.seed = seed}});
    else
        model.add(GRU<float>{inputs, units, {}, {.seed = seed}});
    model.add(LastStep{}).add(Dense<float>{units, 1, {.seed = seed + 100}});
    return model;
}

struct Recipe {
    double rate = 1e-2;
    Index epochs = 20, batch_size = 20;
    double clip = 1;
    bool falling = true; ///< the rate goes to zero along a cosine
};

// The test error after a training, the median of three seeds. An error that isn't finite counts as infinity.
double median_error(const Task& task, Kind kind, Index units, const Recipe& recipe) {
    std::array<double, 3> errors{};
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Model<float> model = net(kind, task.training.x.features(), units, seed);
        FitOptions options{
            .epochs = recipe.epochs, .batch_size = recipe.batch_size, .seed = seed, .clip_norm = recipe.clip};
        if (recipe.falling)
            options.schedule = CosineAnnealing{};
        fit(model, task.training, MeanSquaredError{}, Adam{.learning_rate = recipe.rate}, options);
        const double error = evaluate(model, task.test, MeanSquaredError{}).loss;
        errors[seed - 1] = std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
    }
    std::sort(errors.begin(), errors.end());
    return errors[1];
}

void answer(const char* question, bool holds) {
    std::printf("%s: %s\n", question, holds ? "yes" : "no");
}

std::vector<std::pair<double, std::string>> labels(const std::vector<std::string>& texts) {
    std::vector<std::pair<double, std::string>> result;
    for (std::size_t k = 0; k < texts.size(); ++k)
        result.emplace_back(static_cast<double>(k), texts[k]);
    return result;
}

} // namespace

int main(int count, char** arguments) {
    const std::filesystem::path out = count > 1 ? arguments[1] : ".";
    std::filesystem::create_directories(out);
    std::ofstream table(out / "choosing.txt"); // all errors; other processors' differ
    table << std::fixed << std::setprecision(4);
    Random random(1);
    const Task sum{adding(1000, 30, random), adding(500, 30, random)};
    const Task forecast{waves(800, random), waves(800, random)};

    // Cells and rates, on the adding problem.
    const std::vector<double> rates{1e-3, 3e-3, 1e-2, 3e-2, 1e-1};
    Plot by_rate{"Adding problem, 30 steps, 16 units", "learning rate", "test MSE", {}, true};
    by_rate.x_labels = labels({"0.001", "0.003", "0.01", "0.03", "0.1"});
    for (const auto& [kind, name, style] :
         {std::tuple{Kind::simple, "SimpleRNN", PlotStyle::truth},
          std::tuple{Kind::lstm, "LSTM", PlotStyle::prediction}, std::tuple{Kind::gru, "GRU", PlotStyle::second}}) {
        PlotSeries curve{name, {}, {}, style};
        for (const double rate : rates) {
            curve.x.push_back(static_cast<double>(curve.x.size()));
            curve.y.push_back(median_error(sum, kind, 16, {.rate = rate}));
            table << name << ", rate " << rate << ": " << curve.y.back() << "\n";
        }
        by_rate.series.push_back(curve);
    }
    plot(out / "rates.svg", by_rate);
    const auto errors = [&](std::size_t cell) { return by_rate.series[cell].y; };
    const auto all_of = [](const std::vector<double>& y, std::size_t first, auto holds) {
        return std::all_of(y.begin() + static_cast<std::ptrdiff_t>(first), y.end(), holds);
    };
    const auto learnt = [](double error) { return error < 0.02; };
    answer("LSTM and GRU add within 0.02 at rates from 0.01 to 0.1",
           all_of(errors(1), 2, learnt) && all_of(errors(2), 2, learnt));
    answer("SimpleRNN doesn't at any", all_of(errors(0), 0, [&](double error) { return !learnt(error); }));
    answer("at 0.001 none is below 0.1 after 20 epochs",
           errors(0)[0] > 0.1 && errors(1)[0] > 0.1 && errors(2)[0] > 0.1);

    // Sizes, on both.
    Plot by_size{"LSTM, rate 0.01", "units", "test MSE", {}, true};
    by_size.x_labels = labels({"2", "4", "8", "16", "32", "64"});
    for (const auto& [task, name, style] :
         {std::tuple{&sum, "adding", PlotStyle::second}, std::tuple{&forecast, "waves", PlotStyle::prediction}}) {
        PlotSeries curve{name, {}, {}, style};
        for (Index units = 2; units <= 64; units *= 2) {
            curve.x.push_back(static_cast<double>(curve.x.size()));
            curve.y.push_back(median_error(*task, Kind::lstm, units, {}));
            table << name << ", LSTM " << units << ": " << curve.y.back() << "\n";
        }
        by_size.series.push_back(curve);
    }
    plot(out / "sizes.svg", by_size);
    const std::vector<double>&to_add = by_size.series[0].y, &to_forecast = by_size.series[1].y;
    answer("2 units can't add, 32 can", to_add[0] > 0.1 && learnt(to_add[4]));
    answer("waves: 4 units are worse than 16 by half, 64 better by less than a tenth",
           to_forecast[1] > 1.5 * to_forecast[3] && to_forecast[5] > 0.9 * to_forecast[3]);

    // What else is chosen: one thing changed at a time.
    const auto both = [&](const char* name, const Recipe& recipe) {
        const std::pair result{median_error(sum, Kind::lstm, 16, recipe),
                               median_error(forecast, Kind::lstm, 16, recipe)};
        table << name << ", LSTM 16: adding " << result.first << ", waves " << result.second << "\n";
        return result;
    };
    const auto plain = both("as above", {}), constant = both("a rate that stays", {.falling = false}),
               large = both("batches of 100", {.batch_size = 100}),
               longer = both("batches of 100, 5 times the epochs", {.epochs = 100, .batch_size = 100});
    both("no clipping", {.clip = 0});
    answer("waves: a rate that falls ends lower than one that stays", plain.second < constant.second);
    answer("batches five times as large need five times the epochs", large.first > 0.1 && learnt(longer.first));
}
