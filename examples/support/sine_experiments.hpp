// The experiments of the program `sine`: their data, models and training, as data.
#pragma once

#include "support/recipe.hpp"

#include <cmath>
#include <numbers>
#include <span>
#include <string>
#include <vector>

namespace example {

struct Signal {
    std::vector<float> at, value;

    Signal part(std::size_t first, std::size_t count) const {
        const auto cut = [=](const std::vector<float>& all) {
            const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
            return std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(count));
        };
        return {cut(at), cut(value)};
    }
};

struct Experiment {
    std::string name, title;
    std::string x_label = {};
    Signal train = {}, test = {};
    Index window = 30; ///< how many values the model sees before its first prediction
    Index pieces = 0;  ///< 0: a sample is a window, its target the next value; else a sequence of so many steps
                       ///< with a target at each
    double validation_split = 0; ///< the last part of the windows
    Index truncate = 0;          ///< steps of truncated BPTT; 0: whole samples
    bool summed = false;         ///< DeZero's way: the squared errors of a chunk are added up, not averaged
    bool stateful = false;       ///< the state goes from window to window, in training and afterwards
    std::size_t drawn = 0;       ///< how many predictions are drawn; 0: all
    std::size_t data_drawn = 0;  ///< how many values of the training data have a picture of their own; 0: none
    bool training_drawn = false; ///< the training data are drawn before the predictions
    bool noisy_test = true;      ///< the test data are drawn as points
    std::size_t free_run = 0;    ///< how many values at the end are predicted from predictions as well
    Index frame_every = 0;       ///< epochs between two frames of the animation; 0: none
    carousel::RecurrentOptions cell = {};
    carousel::DenseOptions dense = {};
    Recipe recipe = {};
    carousel::Random weights = carousel::Random(); ///< what the weights are drawn from
    std::uint64_t order = 0;                       ///< seed of the shuffling

    /// Whether predictions come from the state of a stream, and not from a window each.
    bool streams() const { return pieces > 0 || stateful; }
};

namespace detail {

/// f(x) at the `count` places x = start, start + step, ….
template <class F>
Signal signal(std::size_t count, double start, double step, F&& f) {
    Signal result;
    for (std::size_t k = 0; k < count; ++k) {
        const double x = std::fma(static_cast<double>(k), step, start);
        result.at.push_back(static_cast<float>(x));
        result.value.push_back(static_cast<float>(f(x)));
    }
    return result;
}

/// t = 0 … 4000, 80 steps a cycle, the noise inside the phase; the last tenth for the test.
inline void noisy_phase(Experiment& e, carousel::Random& noise) {
    const Signal all = signal(
        4001, 0, 1, [&](double t) { return std::sin(2 * std::numbers::pi * t / 80 + noise.uniform(-0.05, 0.05)); });
    e.train = all.part(0, 3601); // round(0.9 · 4001)
    e.test = all.part(3601, 400);
    e.x_label = "t";
}

} // namespace detail

/// Noisy sine, every step a target; then the model goes on alone.
inline Experiment stream_experiment(carousel::Random& noise) {
    Experiment e{.name = "stream",
                 .title = "Noisy sine: one step ahead, then alone on its own predictions",
                 .pieces = 400,
                 .free_run = 200,
                 .recipe = {.hidden = 64,
                            .epochs = 300,
                            .batch_size = 3,
                            .learning_rate = 1e-2,
                            .anneal = true,
                            .warmup = 3,
                            .clip = 1}};
    detail::noisy_phase(e, noise);
    return e;
}

/// Noisy sine, 30 steps in, 1 ahead.
inline Experiment keras_experiment(carousel::Random& noise, bool tuned) {
    Experiment e{.name = "keras",
                 .title = "Noisy sine: 30 steps in, 1 ahead",
                 .window = 30,
                 .validation_split = 0.05,
                 .drawn = 200,
                 .data_drawn = 160, // two cycles
                 .recipe = {.hidden = 300, .epochs = 15, .batch_size = 600, .optimizer = "rmsprop"}};
    if (tuned)
        e.recipe = {.hidden = 300,
                    .epochs = 15,
                    .batch_size = 64,
                    .learning_rate = 2e-3,
                    .anneal = true,
                    .warmup = 1,
                    .clip = 1};
    detail::noisy_phase(e, noise);
    return e;
}

/// Two waves to learn, eight to predict.
inline Experiment waves_experiment(carousel::Random& noise, bool tuned) {
    constexpr double pi = std::numbers::pi;
    const auto noisy_sine = [&](double x) { return std::sin(x) + noise.uniform(-0.1, 0.1); };
    Experiment e{.name = "waves",
                 .title = "Two waves to learn, eight to predict",
                 .x_label = "x",
                 .window = 10,
                 .validation_split = 0.1,
                 .training_drawn = true,
                 .frame_every = 4,
                 .recipe = {.hidden = 300, .epochs = 20, .batch_size = 32}};
    e.train = detail::signal(126, 0, 0.1, noisy_sine);           // 0, 0.1 … < 4π
    e.test = detail::signal(503, 4 * pi + 0.1, 0.1, noisy_sine); // eight waves more
    if (tuned) {
        // Windows begin one value apart and a batch has as many as a window has values, so window i of a batch goes on where window i of
        // the batch before ended: the state can be kept.
        e.stateful = true;
        e.recipe = {.hidden = 300,
                    .epochs = 20,
                    .batch_size = 10,
                    .optimizer = "adamw",
                    .learning_rate = 7e-4,
                    .weight_decay = 1,
                    .anneal = true,
                    .warmup = 1};
    }
    return e;
}

/// Sine to cosine with truncated BPTT.
inline Experiment cosine_experiment(carousel::Random& noise, bool tuned) {
    constexpr double pi = std::numbers::pi;
    using carousel::initializer::dezero;
    Experiment e{.name = "cosine",
                 .title = "Learnt on a noisy sine, tested on a cosine",
                 .x_label = "x",
                 .window = 1,
                 .pieces = 999,
                 .truncate = 30,
                 .summed = true,
                 .noisy_test = false,
                 .frame_every = 2,
                 .cell = {.W = dezero(), .U = dezero()},
                 .dense = {.W = dezero()},
                 .recipe = {.cell = "simple", .hidden = 100, .epochs = 100, .batch_size = 1, .epsilon = 1e-8}};
    e.train = detail::signal(1000, 0, 2 * pi / 999, [&](double x) { return std::sin(x) + noise.uniform(-0.05, 0.05); });
    e.test = detail::signal(1000, 0, 4 * pi / 999, [](double x) { return std::cos(x); });
    if (tuned) {
        e.recipe.optimizer = "adamw";
        e.recipe.weight_decay = 0.2;
        e.recipe.learning_rate = 1.5e-3;
        e.recipe.anneal = true;
    }
    return e;
}

/// One seed, three generators: weights, noise, and the order of the samples.
inline Experiment experiment(const std::string& name, bool tuned, std::uint64_t seed) {
    carousel::Random random(seed);
    const carousel::Random weights = random.split();
    carousel::Random noise = random.split();
    Experiment e = name == "keras"    ? keras_experiment(noise, tuned)
                   : name == "waves"  ? waves_experiment(noise, tuned)
                   : name == "cosine" ? cosine_experiment(noise, tuned)
                                      : stream_experiment(noise);
    e.weights = weights;
    e.order = random();
    return e;
}

/// Cuts a signal into the samples of the experiment.
inline carousel::Dataset<float> samples(const Experiment& e, const Signal& signal) {
    if (e.pieces == 0)
        return carousel::windows(signal.value, {.steps = e.window});
    const Index length = e.pieces, count = (static_cast<Index>(signal.value.size()) - 1) / length;
    carousel::Dataset<float> data{carousel::Sequence<float>(1, length, count),
                                  carousel::Sequence<float>(1, length, count)};
    for (Index k = 0; k < count; ++k)
        for (Index t = 0; t < length; ++t) {
            data.x.step(t)(0, k) = signal.value[static_cast<std::size_t>(k * length + t)];
            data.y.step(t)(0, k) = signal.value[static_cast<std::size_t>(k * length + t + 1)];
        }
    return data;
}

/// Where errors are summed, fit reports the mean over chunks of the sum over a chunk. Times this, it is the mean over single values.
inline double per_number(const Experiment& e) {
    const Index chunk = e.truncate > 0 ? e.truncate : e.pieces, chunks = (e.pieces + chunk - 1) / chunk;
    return static_cast<double>(chunks) / static_cast<double>(e.pieces);
}

/// Predictions one step ahead; the k-th is of values[e.window + k].
template <class Model>
std::vector<double> predict(const Experiment& e, const Model& model, const std::vector<float>& values) {
    std::vector<double> result;
    if (e.streams()) {
        const carousel::DenormalsAreZero guard; // as in an audio callback: no sample costs more than another
        carousel::Stream stream{model};
        for (std::size_t k = 0; k + 1 < values.size(); ++k)
            if (const float next = stream(values[k]); k + 1 >= static_cast<std::size_t>(e.window))
                result.push_back(next);
    } else {
        const auto y = model(carousel::windows(values, {.steps = e.window}).x);
        result.assign(y.values().data(), y.values().data() + y.values().size());
    }
    return result;
}

/// Predictions of the last `count` values, each made from the predictions before it.
template <class Model>
std::vector<double> run_free(const Model& model, const std::vector<float>& values, std::size_t count) {
    const carousel::DenormalsAreZero guard; // as in predict
    carousel::Stream stream{model};
    std::vector<double> result;
    float next = 0;
    for (std::size_t k = 0; k < values.size() - count; ++k)
        next = stream(values[k]);
    for (; result.size() < count; next = stream(next))
        result.push_back(next);
    return result;
}

/// The mean squared error of predictions of the last values.
inline double mean_squared_error(const std::vector<double>& predictions, std::span<const float> values) {
    const std::span<const float> truth = values.last(predictions.size());
    double sum = 0;
    for (std::size_t k = 0; k < truth.size(); ++k)
        sum += (predictions[k] - truth[k]) * (predictions[k] - truth[k]);
    return sum / static_cast<double>(truth.size());
}

} // namespace example
