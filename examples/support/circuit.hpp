// A recording to learn from, where there is none: an overdrive, simulated from its circuit, and something like a guitar that
// plays through it.
#pragma once

#include <carousel/core/random.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

namespace example {

/// A capacitor that keeps direct current out, an amplifier, and a diode clipper as of Yeh, Abel and Smith, "Simplified,
/// physically-informed models of distortion and overdrive guitar effects pedals", DAFx 2007 (R, C, I_s, nV_T are theirs), with
/// two diodes in a row on one side, so that the halves of a wave are clipped apart:
///
///     u ──┤C₁├──┬── ×g ──R──┬────┬────┬── v
///               R₁          C    D    D D (the other way)
///     C₁ du_c/dt = (u − u_c)/R₁                 u_c: voltage of C₁
///     C  dv/dt   = (g (u − u_c) − v)/R − i(v)   v: voltage of C, the output
///     i(v)       = I_s (e^(v/nV_T) − 1) − I_s (e^(−v/2nV_T) − 1)
///
/// The first equation is solved exactly for an input that stays from sample to sample; the second by the implicit Euler method,
/// which doesn't ring where the diodes make it stiff, with Newton's, four times a sample, u between two samples on the line from
/// one to the other.
class Overdrive {
  public:
    struct Settings {
        double drive = 0.5; ///< 0 … 1: g = 2 · 100^drive
        double rate = 48000;
    };

    explicit Overdrive(const Settings& settings)
        : gain_(2 * std::pow(100, settings.drive)), step_(1 / (settings.rate * oversampling)),
          fall_(1 - std::exp(-step_ / (R1 * C1))) {}

    /// Volts in, half the volts out: about −0.7 … 0.4.
    float operator()(float sample) {
        const auto next = static_cast<double>(sample);
        for (int k = 1; k <= oversampling; ++k)
            advance(before_ + (next - before_) * k / oversampling);
        before_ = next;
        return static_cast<float>(v_ / 2);
    }

  private:
    static constexpr int oversampling = 4;
    static constexpr double R1 = 47e3, C1 = 47e-9; ///< 72 Hz
    static constexpr double R = 2.2e3, C = 10e-9, Is = 2.52e-9, nVt = 45.3e-3;

    static double current(double v) { return Is * (std::exp(v / nVt) - std::exp(-v / (2 * nVt))); }
    static double conductance(double v) { return Is / nVt * (std::exp(v / nVt) + std::exp(-v / (2 * nVt)) / 2); }

    void advance(double u) {
        capacitor_ += fall_ * (u - capacitor_);
        const double drive = gain_ * (u - capacitor_), before = v_;
        for (int iteration = 0; iteration < 50; ++iteration) { // of v − h/C ((g (u − u_c) − v)/R − i(v)) = the v before
            const double residual = v_ - step_ / C * ((drive - v_) / R - current(v_)) - before;
            const double derivative = 1 + step_ / C * (1 / R + conductance(v_));
            const double change = std::clamp(residual / derivative, -2 * nVt, 2 * nVt); // e^v grows fast: no long steps
            v_ -= change;
            if (std::abs(change) < 1e-12)
                break;
        }
    }

    double gain_, step_, fall_;
    double before_ = 0, capacitor_ = 0, v_ = 0;
};

/// Plucked strings (Karplus and Strong 1983), single and as chords, loud and soft, damped and ringing on; every fifth second a
/// sweep from 40 Hz to 8 kHz whose loudness rises, or noise that fades. Peaks are below 1.
inline std::vector<float> guitar_like(std::size_t samples, double rate, std::uint64_t seed) {
    carousel::Random random(seed);
    std::vector<double> signal(samples);
    const auto pluck = [&](std::size_t at, double frequency, double amplitude, double decay) {
        const auto period = static_cast<std::size_t>(std::max(2.0, std::round(rate / frequency - 0.5)));
        std::vector<double> string(period);
        double smooth = 0;
        for (double& x : string) // a soft pick
            x = smooth = 0.6 * smooth + 0.4 * random.normal();
        double mean = 0;
        for (const double x : string)
            mean += x / static_cast<double>(period);
        const double keep = std::pow(0.001, 1 / (frequency * decay));
        for (std::size_t n = at, k = 0; n < samples; ++n, k = (k + 1) % period) {
            const double x = string[k];
            if (n - at > static_cast<std::size_t>(1.2 * decay * rate))
                break;
            signal[n] += amplitude * (x - mean);
            string[k] = keep * 0.5 * (x + string[(k + 1) % period]);
        }
    };
    const auto second = static_cast<std::size_t>(rate);
    std::size_t beat = 0;
    for (std::size_t at = 0, number = 0; at < samples; at += beat, ++number) {
        beat = static_cast<std::size_t>(rate * random.uniform(0.12, 0.5));
        if (at / second % 5 == 4)
            continue;
        const double root = 82.4 * std::pow(2, static_cast<double>(random.below(30)) / 12);
        const double amplitude = 0.5 * std::pow(10, -random.uniform(0, 1.2)), decay = random.uniform(0.2, 2.5);
        const bool chord = number % 3 == 0;
        for (const double interval : {0.0, 7.0, 12.0})
            if (interval == 0 || chord)
                pluck(at, root * std::pow(2, interval / 12), amplitude, decay);
    }
    for (std::size_t first = 4 * second, number = 0; first < samples; first += 5 * second, ++number) {
        double phase = 0;
        for (std::size_t n = first; n < std::min(samples, first + second); ++n) {
            const double part = static_cast<double>(n - first) / rate;
            phase += 2 * std::numbers::pi * 40 * std::pow(200, part) / rate;
            signal[n] += number % 2 == 0 ? (0.05 + 0.45 * part) * std::sin(phase)
                                         : 0.25 * std::pow(10, -2 * part) * random.normal();
        }
    }
    std::vector<float> result(samples);
    std::transform(signal.begin(), signal.end(), result.begin(),
                   [](double x) { return static_cast<float>(std::clamp(0.8 * x, -0.99, 0.99)); });
    return result;
}

} // namespace example
