// What is measured: layers and shapes.
#pragma once

#include <array>
#include <charconv>
#include <optional>
#include <string>

namespace benchmarks {

enum class Kind { lstm, peephole_lstm, gru_after, gru_before, simple_rnn };

inline constexpr std::array kinds{Kind::lstm, Kind::peephole_lstm, Kind::gru_after, Kind::gru_before, Kind::simple_rnn};

constexpr const char* name(Kind kind) {
    switch (kind) {
    case Kind::lstm:
        return "LSTM";
    case Kind::peephole_lstm:
        return "peephole LSTM";
    case Kind::gru_after:
        return "GRU, reset after";
    case Kind::gru_before:
        return "GRU, reset before";
    case Kind::simple_rnn:
        break;
    }
    return "SimpleRNN";
}

/// How many blocks of H rows W, U and b have, and how many states a unit has.
struct Blocks {
    int matrix, bias, states;
};
constexpr Blocks blocks(Kind kind) {
    switch (kind) {
    case Kind::lstm:
    case Kind::peephole_lstm:
        return {4, 4, 2};
    case Kind::gru_after:
        return {3, 4, 1}; // the candidate has a bias on either side of the reset gate
    case Kind::gru_before:
        return {3, 3, 1};
    case Kind::simple_rnn:
        break;
    }
    return {1, 1, 1};
}

struct Shape {
    int steps, batch, input, hidden;
};

constexpr bool operator==(Shape a, Shape b) {
    return a.steps == b.steps && a.batch == b.batch && a.input == b.input && a.hidden == b.hidden;
}

inline std::string name(Shape s, const std::string& comma = ",") {
    return std::to_string(s.steps) + comma + std::to_string(s.batch) + comma + std::to_string(s.input) + comma +
           std::to_string(s.hidden);
}

/// As name writes it; nothing if it isn't four positive numbers.
inline std::optional<Shape> read_shape(const std::string& text) {
    std::array<int, 4> sizes{};
    const char *at = text.data(), *const end = at + text.size();
    for (std::size_t k = 0; k < sizes.size(); ++k) {
        const auto [behind, error] = std::from_chars(at, end, sizes[k]);
        const bool last = k + 1 == sizes.size();
        if (error != std::errc{} || sizes[k] < 1 || (last ? behind != end : behind == end || *behind != ','))
            return {};
        at = behind + 1;
    }
    return Shape{sizes[0], sizes[1], sizes[2], sizes[3]};
}

inline constexpr std::array<Shape, 8> shapes{{
    {30, 600, 1, 300},
    {10, 64, 1, 300},
    {100, 32, 64, 128},
    {50, 64, 256, 512},
    {500, 128, 32, 32},
    {100, 1, 64, 128},
    {30, 1, 1, 100},
    {100, 1, 1, 20},
}};

/// The shape whose training step is compared with the FMA peak.
inline constexpr Shape peak_shape = shapes[3];

/// How cost grows: one size at a time, from a middling shape.
struct Sweep {
    char size;
    Shape shape;
};
inline constexpr std::array sweeps{
    Sweep{'T', {10, 32, 64, 128}},  Sweep{'T', {32, 32, 64, 128}},   Sweep{'T', {100, 32, 64, 128}},
    Sweep{'T', {320, 32, 64, 128}}, Sweep{'T', {1000, 32, 64, 128}}, Sweep{'N', {50, 1, 64, 128}},
    Sweep{'N', {50, 4, 64, 128}},   Sweep{'N', {50, 16, 64, 128}},   Sweep{'N', {50, 64, 64, 128}},
    Sweep{'N', {50, 256, 64, 128}}, Sweep{'I', {50, 32, 1, 128}},    Sweep{'I', {50, 32, 16, 128}},
    Sweep{'I', {50, 32, 64, 128}},  Sweep{'I', {50, 32, 256, 128}},  Sweep{'I', {50, 32, 1024, 128}},
    Sweep{'H', {50, 32, 64, 16}},   Sweep{'H', {50, 32, 64, 32}},    Sweep{'H', {50, 32, 64, 64}},
    Sweep{'H', {50, 32, 64, 128}},  Sweep{'H', {50, 32, 64, 256}},   Sweep{'H', {50, 32, 64, 512}},
    Sweep{'H', {50, 32, 64, 1024}}, Sweep{'H', {50, 32, 64, 2048}},
};

constexpr int value(const Sweep& s) {
    switch (s.size) {
    case 'T':
        return s.shape.steps;
    case 'N':
        return s.shape.batch;
    case 'I':
        return s.shape.input;
    default:
        return s.shape.hidden;
    }
}

/// Useful flops of a pass: those of W·x and U·h₋. Training has three times as many: dW and dU, dx and dh₋.
constexpr double flops(Kind kind, Shape s, bool train) {
    return (train ? 3. : 1.) * 2 * s.steps * s.batch * blocks(kind).matrix * s.hidden * (s.input + s.hidden);
}

} // namespace benchmarks
