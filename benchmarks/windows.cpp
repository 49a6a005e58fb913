// Windows of 100 over a series of 4 MB: fit with windows that are cut when they are needed, beside fit with all of them in memory.
// Each runs in a process of its own, in turn; printed are the medians of their peak memory and time, and of the paired ratios.
//
//   carousel_windows [repeats = 15]
#include <carousel/layer/dense.hpp>
#include <carousel/layer/last_step.hpp>
#include <carousel/layer/recurrent.hpp>
#include <carousel/layer/sequential.hpp>
#include <carousel/loss/mean_squared_error.hpp>
#include <carousel/optim/adam.hpp>
#include <carousel/train/fit.hpp>
#include <carousel/train/windows.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace carousel;

namespace {

struct Measured {
    double seconds = 0, megabytes = 0, loss = 0;
};

struct Way {
    std::string name;
    bool made = false; ///< all windows at once
    double validation_split = 0;
};

/// From a series to a trained model.
Measured train(const Way& way) {
    Matrix<float> series(1, 1000000);
    for (Index t = 0; t < series.cols(); ++t)
        series(0, t) =
            static_cast<float>(std::sin(0.05 * static_cast<double>(t)) + 0.1 * std::sin(1.3 * static_cast<double>(t)));
    Sequential model{GRU<float>{1, 8, {}, {.seed = 1}}, LastStep{}, Dense<float>{8, 1, {.seed = 2}}};
    const WindowOptions options{.steps = 100};
    const FitOptions fit_options{.epochs = 1, .batch_size = 256, .validation_split = way.validation_split};
    const auto start = std::chrono::steady_clock::now();
    const History history =
        way.made ? fit(model, windows(series, options), MeanSquaredError{}, Adam{}, fit_options)
                 : fit(model, Windows(std::move(series), options), MeanSquaredError{}, Adam{}, fit_options);
    return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 0, history.epochs[0].loss};
}

/// The same in a process of its own, whose peak memory the system knows.
Measured measure(const Way& way) {
    int ends[2];
    if (pipe(ends) != 0)
        std::exit(1);
    const pid_t child = fork();
    if (child == 0) {
        const Measured result = train(way);
        _exit(write(ends[1], &result, sizeof result) == sizeof result ? 0 : 1);
    }
    Measured result;
    rusage usage{};
    int status = 0;
    close(ends[1]);
    const bool read_all = read(ends[0], &result, sizeof result) == sizeof result;
    close(ends[0]);
    if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0 || !read_all)
        std::exit(1);
    result.megabytes = static_cast<double>(usage.ru_maxrss) / 1000;
    return result;
}

double median(std::vector<double> numbers) {
    std::sort(numbers.begin(), numbers.end());
    return numbers[numbers.size() / 2];
}

} // namespace

int main(int count, char** arguments) {
    const int repeats = count > 1 ? std::atoi(arguments[1]) : 15;
    for (const double split : {0.0, 0.3}) {
        const Way ways[] = {{"all at once", true, split}, {"when needed", false, split}};
        std::vector<double> seconds[2], megabytes[2], ratios;
        bool same = true;
        for (int k = 0; k < repeats; ++k) {
            const Measured results[] = {measure(ways[0]), measure(ways[1])};
            for (int way = 0; way < 2; ++way) {
                seconds[way].push_back(results[way].seconds);
                megabytes[way].push_back(results[way].megabytes);
            }
            ratios.push_back(results[1].seconds / results[0].seconds);
            same = same && results[0].loss == results[1].loss;
        }
        std::printf("validation split %.1f\n", split);
        for (int way = 0; way < 2; ++way)
            std::printf("  %-12s %7.1f MB  %6.2f s\n", ways[way].name.c_str(), median(megabytes[way]),
                        median(seconds[way]));
        std::printf("  ratio of the times %.3f, losses %s\n", median(ratios), same ? "equal" : "DIFFERENT");
    }
}
