// What live.js calls of the net: functions of numbers alone. Numbers in rows go through one buffer, which never moves. Compiled without
// exceptions, which would make it half as large again: a failure leaves as an exception of JavaScript, which runs no destructor. So
// what can be refused is refused before anything is taken or changed.
#include "wave_learner.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>

#include <emscripten.h>

using namespace carousel;
using namespace carousel::live;

// clang-format off
EM_JS(void, live_throw, (const char* message), { throw new Error(UTF8ToString(message)); })
// clang-format on

namespace {

[[maybe_unused]] const FailureHandler none_before = set_failure_handler(live_throw);

std::array<float, 2 * WaveLearner::longest> buffer;
std::unique_ptr<WaveLearner> learner;
// One run is drawn, the other is heard: they are asked for values at different times.
std::array<std::optional<FreeRun>, 2> runs;

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

/// A new net for the series of `length` numbers in the buffer. Returns how many weights it has.
int live_begin(int cell, double units, double learning_rate, int seed, int length) {
    learner = std::make_unique<WaveLearner>(
        of_buffer(0, length),
        LearnerOptions{static_cast<NetKind>(cell), units, learning_rate, static_cast<std::uint64_t>(seed)});
    runs = {};
    return static_cast<int>(learner->weights());
}

/// The same net goes on with the series of `length` numbers in the buffer.
void live_series(int length) {
    begun().set_series(of_buffer(0, length));
}

void live_learning_rate(double rate) {
    begun().set_learning_rate(rate);
}

/// Trains for an epoch. Returns its loss.
double live_epoch() {
    const double loss = begun().epoch();
    for (auto& run : runs)
        if (run)
            run->set_weights(*learner);
    require(std::isfinite(loss), "live", "the loss is ", loss,
            ", expected a number; start anew with a lower learning rate");
    return loss;
}

/// Writes what the net expected of each value of the series, and behind it `ahead` values with which it goes on alone. Returns how
/// many there are.
int live_predict(int ahead) {
    const auto known = static_cast<int>(begun().series().size());
    const auto alone = of_buffer(known, ahead);
    FreeRun run(*learner);
    std::copy(run.heard().begin(), run.heard().end(), buffer.begin());
    run.go_on(alone);
    return known + ahead;
}

/// The run number `which`, 0 or 1, begins anew: it hears the series.
void live_listen(int which) {
    run_of(which).emplace(begun());
}

/// Writes the next `count` values of that run.
void live_go_on(int which, int count) {
    auto& run = run_of(which);
    require(run.has_value(), "live", "the run number ", which,
            " has heard nothing, expected a call of live_listen before");
    run->go_on(of_buffer(0, count));
}
}
