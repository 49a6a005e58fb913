// Arithmetic of numbers that may be unknown sizes of the input.
#pragma once

#include "carousel/io/onnx/values.hpp"

#include <string_view>

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

inline Number unknown_number() {
    return {0, false, -1};
}

/// a op b for op Add, Sub, Mul, Div, Equal, Min or Max; unknown if it depends on an unknown size. What leaves a size
/// as it is (+ 0, · 1) keeps its dimension.
inline Number arithmetic(std::string_view op, Number a, Number b) {
    const auto is = [](Number n, std::int64_t value) { return n.known && n.dimension < 0 && n.value == value; };
    if (((op == "Add" || op == "Sub") && is(b, 0)) || ((op == "Mul" || op == "Div") && is(b, 1)))
        return a;
    if ((op == "Add" && is(a, 0)) || (op == "Mul" && is(a, 1)))
        return b;
    if (op == "Equal" && (!a.known || !b.known)) {
        const Number& other = a.known ? a : b; // no size is negative
        return other.known && other.value < 0 ? Number{0} : unknown_number();
    }
    if (!a.known || !b.known)
        return unknown_number();
    std::int64_t result = 0;
    bool overflow = false;
    if (op == "Add")
        overflow = __builtin_add_overflow(a.value, b.value, &result);
    else if (op == "Sub")
        overflow = __builtin_sub_overflow(a.value, b.value, &result);
    else if (op == "Mul")
        overflow = __builtin_mul_overflow(a.value, b.value, &result);
    else if (op == "Div") {
        overflow = b.value == 0 || (a.value == INT64_MIN && b.value == -1);
        result = overflow ? 0 : a.value / b.value;
    } else if (op == "Min")
        result = std::min(a.value, b.value);
    else if (op == "Max")
        result = std::max(a.value, b.value);
    else
        result = a.value == b.value;
    return overflow ? unknown_number() : Number{result};
}

inline double arithmetic(std::string_view op, double a, double b) {
    return op == "Add"   ? a + b
           : op == "Sub" ? a - b
           : op == "Mul" ? a * b
           : op == "Div" ? a / b
           : op == "Min" ? std::min(a, b)
           : op == "Max" ? std::max(a, b)
                         : static_cast<double>(a == b);
}

/// The values of a list of numbers; none if one is unknown.
inline std::optional<Dims> known_values(const std::vector<Number>& numbers) {
    Dims values;
    for (const Number n : numbers) {
        if (!n.known)
            return std::nullopt;
        values.push_back(n.value);
    }
    return values;
}

/// A Slice along a dimension of `size`: the first index, and how many; the step isn't 0. ONNX' rules: negative bounds
/// count from the end, bounds outside are moved to it.
struct SliceRange {
    std::int64_t first, count;
};
inline SliceRange slice_range(std::int64_t size, std::int64_t start, std::int64_t end, std::int64_t step) {
    const auto bounded = [&](std::int64_t at, std::int64_t low, std::int64_t high) {
        return std::clamp(at < 0 ? (at < -size ? std::int64_t(-1) : at + size) : at, low, high);
    };
    const std::int64_t first = step > 0 ? bounded(std::max(start, -size), 0, size) : bounded(start, -1, size - 1),
                       last = step > 0 ? bounded(std::max(end, -size), 0, size) : bounded(end, -1, size - 1);
    const std::int64_t distance = step > 0 ? last - first : first - last;
    if (distance <= 0)
        return {0, 0};
    const std::int64_t stride = step > 0 ? step : step == INT64_MIN ? INT64_MAX : -step;
    return {first, (distance - 1) / stride + 1};
}

} // namespace carousel::detail::onnx
