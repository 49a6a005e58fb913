#include "support/recording.hpp"

#include "catch.hpp"

#include "support/circuit.hpp"
#include "support/spectrum.hpp"

#include <cmath>
#include <numbers>

using namespace carousel;
using namespace example;

namespace {

Recording counting(std::size_t samples, float from) {
    Recording recording;
    for (std::size_t k = 0; k < samples; ++k) {
        recording.dry.push_back(from + static_cast<float>(k));
        recording.wet.push_back(-recording.dry.back());
    }
    return recording;
}

std::pair<Index, Index> whole(const Recording& recording) {
    return {0, recording.size()};
}

} // namespace

TEST_CASE("segments: every sample counts once, behind a warm-up that doesn't") {
    const std::vector<Recording> recordings{counting(10, 1), counting(4, 101)};
    const auto data = segments(recordings, {.length = 4, .warm_up = 3}, whole);
    REQUIRE(data.size() == 4);
    CHECK(data.x.steps() == 7);
    const auto x = [&](Index k, Index t) { return data.x.step(t)(0, k); };
    const auto y = [&](Index k, Index t) { return data.y.step(t)(0, k); };
    CHECK((x(0, 2) == 0 && x(0, 3) == 1 && x(1, 0) == 2 && x(1, 6) == 8)); // silence, and then the samples before
    CHECK((x(2, 4) == 10 && x(2, 5) == 0));
    CHECK((x(3, 2) == 0 && x(3, 3) == 101)); // a recording doesn't hear the one before
    std::vector<float> counted;
    for (Index k = 0; k < data.size(); ++k)
        for (Index t = 0; t < 7; ++t)
            if (!std::isnan(y(k, t))) {
                CHECK(t >= 3);
                CHECK(y(k, t) == -x(k, t));
                counted.push_back(x(k, t));
            }
    CHECK(counted == std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 101, 102, 103, 104});
}

TEST_CASE("segments: what was held out begins with a warm-up from before it") {
    const auto data = segments(std::vector{counting(10, 1)}, {.length = 8, .warm_up = 2},
                               [](const Recording&) { return std::pair<Index, Index>(7, 10); });
    REQUIRE(data.size() == 1);
    CHECK(data.x.values().leftCols(6) == Matrix<float>{{6, 7, 8, 9, 10, 0}});
    CHECK((std::isnan(data.y.values()(1)) && data.y.values()(2) == -8 && std::isnan(data.y.values()(5))));
}

TEST_CASE("segments: a control is a second input, and a knob stays where it is in the silence around") {
    Recording recording = counting(3, 1);
    recording.control.assign(3, 0.5F);
    const auto data = segments(std::vector{recording}, {.length = 4, .warm_up = 1}, whole);
    CHECK(data.x.values() == Matrix<float>{{0, 1, 2, 3, 0}, {0.5F, 0.5F, 0.5F, 0.5F, 0.5F}});
}

TEST_CASE("segments: mistakes are named") {
    Recording recording = counting(3, 1), other = recording, controlled = recording;
    recording.name = "a";
    other.name = "b";
    other.wet.pop_back();
    controlled.name = "c";
    controlled.control.assign(3, 0);
    const auto refused = [](const std::vector<Recording>& list, const SegmentOptions& options,
                            const std::string& what) {
        REQUIRE_THROWS_WITH(segments(list, options, whole), "segments: " + what);
    };
    refused({recording}, {.length = 0}, "length 0 and warm_up 1024 must satisfy length >= 1, warm_up >= 0");
    refused({}, {}, "there is no sample, expected at least 1");
    refused({other}, {}, "b has 3 samples dry, 2 wet and 0 of the control, expected as many");
    refused({recording, controlled}, {}, "c has a control, but not a");
    refused({controlled, recording}, {}, "a has no control, but c");
}

TEST_CASE("error_to_signal: the energy of the error beside the target's") {
    const std::vector<float> target{1, -1, 2}, half{0.5F, -0.5F, 1}, silence(3);
    CHECK(error_to_signal(target, target) == 0);
    CHECK(error_to_signal(silence, target) == 1);
    CHECK(error_to_signal(half, target) == 0.25);
}

TEST_CASE("Overdrive: small signals pass with the gain, large ones are clipped, apart on both sides, and direct "
          "current is kept out") {
    const auto amplitude = [](double u, double frequency, double sign) {
        Overdrive circuit({.drive = 0, .rate = 48000});
        double most = 0;
        for (int k = 0; k < 9600; ++k) {
            const double v = static_cast<double>(
                circuit(static_cast<float>(u * std::sin(2 * std::numbers::pi * frequency * k / 48000))));
            if (k >= 4800)
                most = std::max(most, sign * v);
        }
        return most;
    };
    // g = 2, half of the volts, a diode's resistance of nV_T / (1.5 I_s) = 12 MΩ beside R; at 72 Hz 3 dB less
    CHECK(amplitude(1e-3, 1000, 1) == Catch::Approx(1e-3).epsilon(0.03));
    CHECK(amplitude(1e-3, 72.05, 1) == Catch::Approx(1e-3 / std::sqrt(2)).epsilon(0.02));
    // 3 dB less at 1 / (2π R C), and .5 dB by the implicit method, .7 dB by the lines between the samples
    CHECK(amplitude(1e-3, 7234, 1) == Catch::Approx(1e-3 / std::sqrt(2) * std::pow(10, -1.15 / 20)).epsilon(0.02));
    // where it is clipped the current through R is that of the diodes: v = nV_T log(i / I_s), and twice that
    const double above = 2 * amplitude(10, 200, 1), below = 2 * amplitude(10, 200, -1);
    CHECK(above == Catch::Approx(45.3e-3 * std::log((20 - above) / 2.2e3 / 2.52e-9)).epsilon(0.02));
    CHECK(below == Catch::Approx(2 * 45.3e-3 * std::log((20 - below) / 2.2e3 / 2.52e-9)).epsilon(0.02));
    Overdrive circuit({});
    float v = 0;
    for (int k = 0; k < 48000; ++k)
        v = circuit(0.5F);
    CHECK(std::abs(v) < 1e-5F);
}

TEST_CASE("guitar_like: a seed is a signal, below 1 and neither silent nor always loud") {
    const auto signal = guitar_like(48000 * 6, 48000, 1);
    CHECK(signal == guitar_like(48000 * 6, 48000, 1));
    CHECK(signal != guitar_like(48000 * 6, 48000, 2));
    float most = 0;
    double energy = 0;
    for (const float x : signal) {
        most = std::max(most, std::abs(x));
        energy += static_cast<double>(x) * static_cast<double>(x);
    }
    CHECK((most > 0.2F && most < 1));
    CHECK((energy / 288000 > 1e-4 && energy / 288000 < 0.1));
}

TEST_CASE("decibels: a sine of amplitude 1 is 0 dB at its frequency, and silence is far below") {
    std::vector<float> signal;
    for (int k = 0; k < 2000; ++k)
        signal.push_back(static_cast<float>(std::sin(2 * std::numbers::pi * k * 20 / 256)));
    const auto level = decibels(signal, 256);
    REQUIRE(level.size() == 129);
    CHECK(level[20] == Catch::Approx(0).margin(1e-4));
    CHECK(level[21] == Catch::Approx(-6.02).margin(0.01)); // Hann's
    CHECK(level[40] < -100);
    CHECK(decibels(std::vector<float>(10), 16)[3] == -200);
}
