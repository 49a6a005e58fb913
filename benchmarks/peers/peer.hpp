// Peer: one library's implementation of one layer on one problem. All peers get the same numbers and must give the same.
#pragma once

#include "shapes.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace benchmarks {

/// Inputs, in Carousel's layout: every array column-major; x: I × (T·N), dy (the gradient of the output): H × (T·N),
/// initial: (states·H) × N, h over c; W: rows × I, U: rows × H, b, P: H × 3; blocks in Carousel's order.
struct Problem {
    Kind kind;
    Shape shape;
    std::vector<float> x, dy, initial, W, U, b, P;
};

/// Results, in the same layout.
struct Answers {
    std::vector<float> y, dx, d_initial, dW, dU, db, dP;
};

class Peer {
  public:
    virtual ~Peer() = default;
    /// Forward and backward: all of Answers. The weights count as changed since the last call.
    virtual void train() = 0;
    /// The output of whole sequences: Answers::y. The weights are those of the call before.
    virtual void infer() = 0;
    virtual Answers trained() const = 0;
    virtual std::vector<float> inferred() const = 0;
};

using Order = std::vector<int>;

/// The row blocks of a column-major matrix in another order: block k of the result is block order[k] of `from`.
inline std::vector<float> reorder(const std::vector<float>& from, int hidden, const Order& order) {
    const std::size_t H = static_cast<std::size_t>(hidden), blocks = order.size(), columns = from.size() / (H * blocks);
    std::vector<float> to(from.size());
    for (std::size_t column = 0; column < columns; ++column)
        for (std::size_t k = 0; k < blocks; ++k)
            std::copy_n(from.data() + (column * blocks + static_cast<std::size_t>(order[k])) * H, H,
                        to.data() + (column * blocks + k) * H);
    return to;
}

/// The order that undoes `order`.
inline Order inverse(const Order& order) {
    Order back(order.size());
    for (std::size_t k = 0; k < order.size(); ++k)
        back[static_cast<std::size_t>(order[k])] = static_cast<int>(k);
    return back;
}

/// Rows first … first + count − 1 of a column-major matrix of `rows` rows.
inline std::vector<float> rows(const std::vector<float>& from, int rows, int first, int count) {
    std::vector<float> to;
    for (std::size_t at = static_cast<std::size_t>(first); at < from.size(); at += static_cast<std::size_t>(rows))
        to.insert(to.end(), from.begin() + static_cast<std::ptrdiff_t>(at),
                  from.begin() + static_cast<std::ptrdiff_t>(at) + count);
    return to;
}

/// An LSTM's state: h (H × N) over c (H × N); h alone if there is no c.
inline std::vector<float> stack(const std::vector<float>& h, const std::vector<float>& c, int hidden) {
    if (c.empty())
        return h;
    std::vector<float> to;
    for (std::size_t at = 0; at < h.size(); at += static_cast<std::size_t>(hidden))
        for (const auto* state : {&h, &c})
            to.insert(to.end(), state->begin() + static_cast<std::ptrdiff_t>(at),
                      state->begin() + static_cast<std::ptrdiff_t>(at) + hidden);
    return to;
}

/// Empty if the arrays agree, or else what differs by how much. The tolerance is relative to an array's largest number
/// and leaves room for sums of 64,000 float32 products in any order.
inline std::string difference(const char* what, const std::vector<float>& expected, const std::vector<float>& found,
                              double tolerance = 2e-5) {
    std::ostringstream message;
    if (expected.size() != found.size()) {
        message << what << " has " << found.size() << " numbers, expected " << expected.size() << "; ";
        return message.str();
    }
    double worst = 0, largest = 1e-30;
    for (std::size_t k = 0; k < expected.size(); ++k) {
        const double off = std::abs(double(expected[k]) - double(found[k]));
        worst = std::isfinite(off) ? std::max(worst, off) : INFINITY;
        largest = std::max(largest, std::abs(double(expected[k])));
    }
    if (worst > tolerance * largest)
        message << what << " is off by " << worst / largest << " of its largest number, allowed " << tolerance << "; ";
    return message.str();
}

inline std::string difference(const Answers& expected, const Answers& found, double tolerance = 2e-5) {
    return difference("y", expected.y, found.y, tolerance) + difference("dx", expected.dx, found.dx, tolerance) +
           difference("d_initial", expected.d_initial, found.d_initial, tolerance) +
           difference("dW", expected.dW, found.dW, tolerance) + difference("dU", expected.dU, found.dU, tolerance) +
           difference("db", expected.db, found.db, tolerance) + difference("dP", expected.dP, found.dP, tolerance);
}

} // namespace benchmarks
