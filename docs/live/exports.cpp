// What live.js calls of the net: functions of numbers alone. Numbers in rows go through one buffer, which never moves. Each function
// returns NaN where it fails, and live_error() says why. A value that is refused changes nothing.
#include "wave_learner.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>

using namespace carousel;
using namespace carousel::live;

namespace {

std::array<float, 2 * WaveLearner::longest> buffer;
std::unique_ptr<WaveLearner> learner;
// One run is drawn, the other is heard: they are asked for values at different times.
std::array<std::optional<FreeRun>, 2> runs;
std::string error;

/// f(), which returns a number; NaN where it throws.
template <class F>
double guarded(F&& f) {
    try {
        return static_cast<double>(f());
    } catch (const std::exception& failure) {
        error = failure.what();
        return std::numeric_limits<double>::quiet_NaN();
    }
}

std::span<float> of_buffer(int from, int count) {
    const auto size = static_cast<int>(buffer.size());
    require(from >= 0 && from <= size && count >= 0 && count <= size - from, "live", count, " numbers from number ",
            from, " on are asked for, expected some of ", size);
    return std::span(buffer).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(count));
}

WaveLearner& begun() {
    require(learner != nullptr, "live", "there is no net, expected a call of live_begin before");
    return *learner;
}

std::optional<FreeRun>& run_of(int which) {
    require(which == 0 || which == 1, "live", "the run is number ", which, ", expected 0 or 1");
    return runs[static_cast<std::size_t>(which)];
}

} // namespace

extern "C" {

/// The numbers that the other functions take and give, and how many there is room for.
float* live_buffer() {
    return buffer.data();
}
int live_capacity() {
    return static_cast<int>(buffer.size());
}

/// What the last failure says.
const char* live_error() {
    return error.c_str();
}

/// A new net for the series of `length` numbers in the buffer. Returns how many weights it has.
double live_begin(int cell, double units, double learning_rate, int seed, int length) {
    return guarded([&] {
        learner = std::make_unique<WaveLearner>(
            of_buffer(0, length),
            LearnerOptions{static_cast<NetKind>(cell), units, learning_rate, static_cast<std::uint64_t>(seed)});
        runs = {};
        return learner->weights();
    });
}

/// The same net goes on with the series of `length` numbers in the buffer. Returns length.
double live_series(int length) {
    return guarded([&] {
        begun().set_series(of_buffer(0, length));
        return length;
    });
}

/// From the next epoch on. Returns the rate.
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
        for (auto& run : runs)
            if (run)
                run->set_weights(*learner);
        require(std::isfinite(loss), "live", "the loss is ", loss,
                ", expected a number; start anew with a lower learning rate");
        return loss;
    });
}

/// Writes what the net expected of each value of the series, and behind it `ahead` values with which it goes on alone. Returns how
/// many there are.
double live_predict(int ahead) {
    return guarded([&] {
        const auto known = static_cast<int>(begun().series().size());
        const auto alone = of_buffer(known, ahead);
        FreeRun run(*learner);
        std::copy(run.heard().begin(), run.heard().end(), buffer.begin());
        run.go_on(alone);
        return known + ahead;
    });
}

/// The run number `which`, 0 or 1, begins anew: it hears the series. Returns its number.
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
        require(run.has_value(), "live", "the run number ", which,
                " has heard nothing, expected a call of live_listen before");
        run->go_on(of_buffer(0, count));
        return count;
    });
}
}
