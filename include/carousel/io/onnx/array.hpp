// Array: the numbers of a tensor in memory, row-major, and what nodes around weights do with them: views of strides that
// are copied out.
#pragma once

#include "carousel/core/build.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

using Dims = std::vector<std::int64_t>;

template <class T>
struct Array {
    Dims dims;
    std::vector<T> data;

    std::size_t rank() const { return dims.size(); }
};

/// The product of all; none if one is negative, or if the product of those that aren't 0 doesn't fit an int64, so that
/// strides fit one, too.
inline std::optional<std::int64_t> count_of(std::span<const std::int64_t> dims) {
    std::int64_t count = 1;
    bool zero = false;
    for (const std::int64_t dim : dims) {
        if (dim < 0 || count > INT64_MAX / std::max<std::int64_t>(dim, 1))
            return std::nullopt;
        zero = zero || dim == 0;
        count *= std::max<std::int64_t>(dim, 1);
    }
    return zero ? 0 : count;
}

/// How far apart neighbours along each dimension are in a row-major array. The count of `dims` fits an int64.
inline Dims strides_of(const Dims& dims) {
    Dims strides(dims.size());
    std::int64_t stride = 1;
    for (std::size_t k = dims.size(); k-- > 0; stride *= std::max<std::int64_t>(dims[k], 1))
        strides[k] = stride;
    return strides;
}

/// A negative axis counts from the end. None if there is no such axis.
inline std::optional<std::size_t> axis_of(std::int64_t axis, std::size_t rank) {
    const auto count = static_cast<std::int64_t>(rank);
    if (axis < -count || axis >= count)
        return std::nullopt;
    return static_cast<std::size_t>(axis < 0 ? axis + count : axis);
}

/// The array of shape `dims` whose element at an index is data[first + Σ index · stride]. All of these must be within
/// data.
template <class T>
Array<T> strided(const std::vector<T>& data, const Dims& dims, const Dims& strides, std::int64_t first) {
    Array<T> out{dims, {}};
    const auto count = static_cast<std::size_t>(*count_of(dims));
    out.data.reserve(count);
    Dims index(dims.size(), 0);
    std::int64_t at = first;
    for (std::size_t k = 0; k < count; ++k) {
        out.data.push_back(data[static_cast<std::size_t>(at)]);
        for (std::size_t d = dims.size(); d-- > 0;) { // the next index, and where it is
            at += strides[d];
            if (++index[d] < dims[d])
                break;
            at -= strides[d] * dims[d];
            index[d] = 0;
        }
    }
    return out;
}

/// Dimension k of the result is dimension order[k] of `from`; order is a permutation.
template <class T>
Array<T> transposed(const Array<T>& from, const std::vector<std::size_t>& order) {
    const Dims from_strides = strides_of(from.dims);
    Dims dims, strides;
    for (const std::size_t k : order) {
        dims.push_back(from.dims[k]);
        strides.push_back(from_strides[k]);
    }
    return strided(from.data, dims, strides, 0);
}

/// `count` elements along an axis: those at first, first + step …, which must be within it.
template <class T>
Array<T> sliced(const Array<T>& from, std::size_t axis, std::int64_t first, std::int64_t step, std::int64_t count) {
    Dims dims = from.dims, strides = strides_of(from.dims);
    const std::int64_t offset = count > 0 ? first * strides[axis] : 0;
    dims[axis] = count;
    strides[axis] *= step;
    return strided(from.data, dims, strides, offset);
}

/// The parts at `indices` along an axis, one after the other; all are within it, and the caller checked the result's
/// count.
template <class T>
Array<T> gathered(const Array<T>& from, std::size_t axis, const Dims& indices) {
    Array<T> out{from.dims, {}};
    out.dims[axis] = static_cast<std::int64_t>(indices.size());
    const std::int64_t count = *count_of(out.dims);
    if (count == 0)
        return out;
    out.data.reserve(static_cast<std::size_t>(count));
    const std::int64_t inner = strides_of(from.dims)[axis], outer = count / (inner * out.dims[axis]);
    for (std::int64_t k = 0; k < outer; ++k)
        for (const std::int64_t index : indices) {
            const auto first = from.data.begin() + static_cast<std::ptrdiff_t>((k * from.dims[axis] + index) * inner);
            out.data.insert(out.data.end(), first, first + static_cast<std::ptrdiff_t>(inner));
        }
    return out;
}

/// The parts one after the other along an axis; they have the same other dimensions, which the caller checked.
template <class T>
Array<T> concatenated(const std::vector<const Array<T>*>& parts, std::size_t axis) {
    Array<T> out{parts.front()->dims, {}};
    out.dims[axis] = 0;
    std::size_t count = 0, outer = 1;
    for (const Array<T>* part : parts) {
        out.dims[axis] += part->dims[axis];
        count += part->data.size();
    }
    for (std::size_t k = 0; k < axis; ++k)
        outer *= static_cast<std::size_t>(out.dims[k]);
    if (count == 0)
        return out;
    out.data.reserve(count);
    for (std::size_t k = 0; k < outer; ++k)
        for (const Array<T>* part : parts) {
            const std::size_t block = part->data.size() / outer;
            const auto from = part->data.begin() + static_cast<std::ptrdiff_t>(k * block);
            out.data.insert(out.data.end(), from, from + static_cast<std::ptrdiff_t>(block));
        }
    return out;
}

/// The shape that two shapes are broadcast to; none if they don't fit.
inline std::optional<Dims> broadcast(const Dims& a, const Dims& b) {
    Dims dims(std::max(a.size(), b.size()));
    for (std::size_t k = 0; k < dims.size(); ++k) { // counted from the last dimension
        const std::int64_t x = k < a.size() ? a[a.size() - 1 - k] : 1, y = k < b.size() ? b[b.size() - 1 - k] : 1;
        if (x != y && x != 1 && y != 1)
            return std::nullopt;
        dims[dims.size() - 1 - k] = x == 1 ? y : x;
    }
    return dims;
}

/// `from` repeated along dimensions of 1, and along new ones before its own, to a shape that it is broadcast to.
template <class T>
Array<T> expanded(const Array<T>& from, const Dims& dims) {
    Dims strides(dims.size(), 0);
    const Dims own = strides_of(from.dims);
    const std::size_t added = dims.size() - from.dims.size();
    for (std::size_t k = 0; k < own.size(); ++k)
        strides[added + k] = from.dims[k] == 1 ? 0 : own[k];
    return strided(from.data, dims, strides, 0);
}

} // namespace carousel::detail::onnx
