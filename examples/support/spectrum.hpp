// The power spectrum of a signal, by Welch's method.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

namespace example {

/// X_k = Σ x_n e^(−2πi kn/N) in place, by Cooley and Tukey; N must be a power of two.
inline void fourier(std::vector<std::complex<double>>& x) {
    const std::size_t size = x.size();
    for (std::size_t k = 1, reversed = 0; k < size; ++k) {
        std::size_t bit = size / 2;
        for (; reversed & bit; bit /= 2)
            reversed ^= bit;
        reversed ^= bit;
        if (k < reversed)
            std::swap(x[k], x[reversed]);
    }
    for (std::size_t half = 1; half < size; half *= 2)
        for (std::size_t k = 0; k < half; ++k) {
            const auto turn = std::polar(1.0, -std::numbers::pi * static_cast<double>(k) / static_cast<double>(half));
            for (std::size_t first = k; first < size; first += 2 * half) {
                const auto odd = turn * x[first + half];
                x[first + half] = x[first] - odd;
                x[first] += odd;
            }
        }
}

/// Of `size` points (a power of two): the mean power at the frequencies 0, rate/size, … rate/2, over windows of Hann that
/// overlap by half, in decibels below that of a sine of amplitude 1. A signal shorter than a window is filled up with silence.
inline std::vector<double> decibels(std::span<const float> signal, std::size_t size) {
    std::vector<double> power(size / 2 + 1);
    std::vector<std::complex<double>> window(size);
    std::size_t windows = 0;
    for (std::size_t first = 0; first == 0 || first + size <= signal.size(); first += size / 2, ++windows) {
        for (std::size_t n = 0; n < size; ++n) {
            const double phase = 2 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(size);
            const double sample = first + n < signal.size() ? static_cast<double>(signal[first + n]) : 0;
            window[n] = sample * (1 - std::cos(phase)) / 2;
        }
        fourier(window);
        for (std::size_t k = 0; k < power.size(); ++k)
            power[k] += std::norm(window[k]);
    }
    const double of_a_sine = std::pow(static_cast<double>(size) / 4, 2) * static_cast<double>(windows);
    for (double& p : power)
        p = 10 * std::log10(std::max(p / of_a_sine, 1e-20));
    return power;
}

} // namespace example
