// Data: a value of the graph that the net computes, and which dimensions of its tensor are batch, time and features.
#pragma once

#include "carousel/io/onnx/chain.hpp"
#include "carousel/io/onnx/number.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

enum class Role { unknown, batch, time, features };

/// A dimension of a tensor is made of none of these (its size is 1), one, or several that a Reshape put together: a
/// dimension of the graph's input (0, 1 …), the features of a layer's output, the directions of a recurrent node.
inline constexpr int feature_axis = -1, direction_axis = -2;
using Axis = std::vector<int>;

struct Data {
    std::vector<Index> points; ///< of a direction axis one for each, else one
    std::vector<Axis> axes;
    Dims sizes;                                                      ///< of the input's dimensions; -1: unknown
    enum class Lengths { any, full, ragged } lengths = Lengths::any; ///< how the recurrent nodes before took them

    Index point() const { return points.front(); }
    std::size_t rank() const { return axes.size(); }
};

/// A value of which nothing is known but that it is a state: a graph's input for one, or what a cell ended in.
struct Opaque {
    bool graph_input = false; ///< as it was given, not a part of it
    bool computed = false;    ///< by the net: what a cell ended in, or a part of it
};

using Value = std::variant<Constant, Data, Opaque>;

/// The size of one part of a dimension.
inline Number part_size(const Data& data, const Chain& chain, int part) {
    if (part == feature_axis)
        return {chain[data.point()].features};
    if (part == direction_axis)
        return {static_cast<std::int64_t>(data.points.size())};
    const std::int64_t size = data.sizes[static_cast<std::size_t>(part)];
    return {std::max<std::int64_t>(size, 0), size >= 0, part};
}

/// The size of a dimension.
inline Number axis_size(const Data& data, const Chain& chain, const Axis& axis) {
    Number size{1};
    for (const int part : axis)
        size = arithmetic("Mul", size, part_size(data, chain, part));
    return size;
}

/// How Reshape groups the parts of a tensor's dimensions anew; none if it doesn't keep them whole. An entry of `shape` is
/// a size, 0 (as before, unless zero_is_zero), or -1 or an unknown number (the rest, once).
inline std::optional<std::vector<Axis>> regrouped(const Data& data, const Chain& chain,
                                                  const std::vector<Number>& shape, bool zero_is_zero) {
    std::vector<int> parts;
    for (const Axis& axis : data.axes)
        parts.insert(parts.end(), axis.begin(), axis.end());
    std::vector<Axis> groups(shape.size());
    std::size_t begin = 0, end = parts.size();

    // Takes the parts that entry k stands for from the front or the back; false if there are none that fit.
    const auto take = [&](std::size_t k, bool front) {
        Axis& group = groups[k];
        const auto next = [&] { return front ? parts[begin] : parts[end - 1]; };
        const auto take_one = [&] {
            group.insert(front ? group.end() : group.begin(), next());
            front ? ++begin : --end;
        };
        if (shape[k].known && shape[k].value == 0 && !zero_is_zero) {
            if (k >= data.rank())
                return false;
            Axis copied = data.axes[k];
            if (!front)
                std::reverse(copied.begin(), copied.end());
            for (const int part : copied) {
                if (begin == end || next() != part)
                    return false;
                take_one();
            }
            return true;
        }
        if (shape[k].dimension >= 0 && begin < end && next() == shape[k].dimension) {
            take_one();
            return true;
        }
        if (!shape[k].known)
            return false;
        if (shape[k].value == 1) { // a dimension of its own, unless one of that size is due
            if (begin < end && part_size(data, chain, next()).known && part_size(data, chain, next()).value == 1)
                take_one();
            return true;
        }
        for (std::int64_t size = 1; size != shape[k].value;) {
            if (begin == end)
                return false;
            const Number part = part_size(data, chain, next());
            if (!part.known) { // a size of the one shape that was exported
                if (size != 1)
                    return false;
                take_one();
                return true;
            }
            if (part.value < 1 || size > shape[k].value / part.value)
                return false;
            size *= part.value;
            take_one();
        }
        return true;
    };
    const auto is_rest = [&](const Number& n) { return n.known ? n.value == -1 : n.dimension < 0; };

    std::optional<std::size_t> rest;
    for (std::size_t k = 0; k < shape.size() && !rest; ++k)
        if (is_rest(shape[k]))
            rest = k;
        else if (!take(k, true))
            return std::nullopt;
    if (!rest) {
        for (; begin < end; ++begin)
            if (const Number left = part_size(data, chain, parts[begin]); !left.known || left.value != 1)
                return std::nullopt;
        return groups;
    }
    for (std::size_t k = shape.size() - 1; k > *rest; --k)
        if (is_rest(shape[k]) || !take(k, false))
            return std::nullopt;
    groups[*rest].assign(parts.begin() + static_cast<std::ptrdiff_t>(begin),
                         parts.begin() + static_cast<std::ptrdiff_t>(end));
    return groups;
}

} // namespace carousel::detail::onnx
