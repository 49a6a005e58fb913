// What live.js calls of the net: functions of numbers alone. Numbers in rows go through one buffer, which never moves.
#include "wave_learner.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <string>

using namespace carousel;
using namespace carousel::live;

namespace {

std::array<float, 2 * WaveLearner::longest> buffer;
std::string error;
std::unique_ptr<WaveLearner> learner;
// One run is drawn, the other is heard: they are asked for samples at different times.
std::array<std::optional<FreeRun>, 2> runs;

/// f(), which returns a number; or NaN, and live_error() says why.
template <class F>
double guarded(F&& f) {
    error.clear();
    try {
        return static_cast<double>(f());
    } catch (const std::exception& failure) {
        error = failure.what();
        return std::numeric_limits<double>::quiet_NaN();
    }
}

std::span<float> of_buffer(int from, int count) {
    require(from >= 0 && count >= 0 && from <= static_cast<int>(buffer.size()) - count, "live", "the part is ", from,
            " … ", from, " + ", count, ", expected one of ", buffer.size(), " numbers");
    return std::span(buffer).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(count));
}

WaveLearner& begun() {
    require(learner != nullptr, "live", "there is no net yet, expected live_begin before");
    return *learner;
}

std::optional<FreeRun>& run_of(int which) {
    require(which == 0 || which == 1, "live", "the run is number ", which, ", expected 0 or 1");
    return runs[static_cast<std::size_t>(which)];
}

} // namespace

extern "C" {

/// The numbers that the other functions take and give, as many as live_capacity().
float* live_buffer() {
    return buffer.data();
}
int live_capacity() {
    return static_cast<int>(buffer.size());
}

/// Why the last call returned NaN.
const char* live_error() {
    return error.c_str();
}

/// A new net for the series of `length` numbers in the buffer. Returns how many weights it has. After a failure the net is the one
/// before.
double live_begin(int cell, double units, double learning_rate, int seed, int length) {
    return guarded([&] {
        const LearnerOptions options{static_cast<NetKind>(cell), units, learning_rate,
                                     static_cast<std::uint64_t>(seed)};
        learner = std::make_unique<WaveLearner>(of_buffer(0, length), options);
        runs = {};
        return learner->weights();
    });
}

/// The same net goes on with the series of `length` numbers in the buffer.
double live_series(int length) {
    return guarded([&] {
        begun().set_series(of_buffer(0, length));
        return length;
    });
}

double live_learning_rate(double rate) {
    return guarded([&] {
        begun().set_learning_rate(rate);
        return rate;
    });
}

/// Trains for an epoch. Returns its loss.
double live_epoch() {
    return guarded([&] {
        const double loss = begun().epoch();
        require(std::isfinite(loss), "live", "the loss is ", loss, "; start anew with a smaller learning rate");
        for (auto& run : runs)
            if (run)
                run->set_weights(*learner);
        return loss;
    });
}

/// Writes what the net expected of each value of the series, and behind it `ahead` values with which it goes on alone. Returns how
/// many there are.
double live_predict(int ahead) {
    return guarded([&] {
        FreeRun run(begun());
        const auto known = static_cast<int>(run.heard().size());
        const auto alone = of_buffer(known, ahead);
        std::copy(run.heard().begin(), run.heard().end(), buffer.begin());
        run.go_on(alone);
        return known + ahead;
    });
}

/// The run number `which`, 0 or 1, hears the series again.
double live_listen(int which) {
    return guarded([&] {
        run_of(which).emplace(begun());
        return which;
    });
}

/// Writes the next `count` values of that run. Returns how many there are.
double live_go_on(int which, int count) {
    return guarded([&] {
        auto& run = run_of(which);
        require(run.has_value(), "live", "the run number ", which, " has heard nothing, expected live_listen before");
        run->go_on(of_buffer(0, count));
        return count;
    });
}
}
