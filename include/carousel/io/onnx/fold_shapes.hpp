// The part of Folder that rearranges arrays. Include fold.hpp.
#pragma once

#include "carousel/io/onnx/fold.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// The shape that Reshape gives an array of these dimensions; none if they don't hold as many numbers.
inline std::optional<Dims> reshaped_dims(const Dims& from, Dims to, bool zero_is_zero) {
    const auto count = count_of(from);
    std::optional<std::size_t> rest;
    for (std::size_t k = 0; k < to.size(); ++k)
        if (to[k] == -1) {
            if (rest)
                return std::nullopt;
            rest = k;
            to[k] = 1;
        } else if (to[k] == 0 && !zero_is_zero) {
            if (k >= from.size())
                return std::nullopt;
            to[k] = from[k];
        }
    const auto others = count_of(to);
    if (!count || !others || (rest && (*others == 0 || *count % *others != 0)) || (!rest && *count != *others))
        return std::nullopt;
    if (rest)
        to[*rest] = *count / *others;
    return to;
}

/// Squeeze, Unsqueeze, Reshape, Flatten, Transpose, Gather and Slice, of an array or of a Filled, whose dimensions are an
/// array of numbers themselves.
inline Constant Folder::reshaped(const Node& node, const Inputs& inputs) {
    const std::string_view op = node.op_type;
    const Attributes attributes(source_, node);
    const Constant* const second = inputs.size() > 1 ? inputs[1] : nullptr;
    if (const Filled* filled = std::get_if<Filled>(inputs[0])) {
        Filled out = *filled;
        const auto axes = named_axes(source_, node, second);
        const std::size_t added = op == "Unsqueeze" && axes ? axes->size() : 0;
        if (op == "Reshape") // the shape of one number everywhere is of no matter
            out.dims.assign(1, unknown_number());
        else if (op == "Unsqueeze" && axes && out.dims.size() + added <= most_dimensions)
            out.dims.insert(out.dims.end(), added, unknown_number());
        else if (op != "Squeeze" && op != "Slice" && op != "Gather" && op != "Transpose")
            return {};
        for (Number& dim : out.dims)
            dim = unknown_number();
        return out;
    }
    return with_array(*inputs[0], [&]<class T>(const Array<T>& a) -> Constant {
        const auto renamed = [&](std::optional<Dims> dims) -> Constant {
            if (!dims)
                return {};
            budget_.take(a.dims, sizeof(T));
            return array(Array<T>{std::move(*dims), a.data});
        };
        if (op == "Reshape") {
            const Integers* to = second ? std::get_if<Integers>(second) : nullptr;
            const auto dims = to && (*to)->data.size() <= most_dimensions ? known_values((*to)->data) : std::nullopt;
            return renamed(dims ? reshaped_dims(a.dims, *dims, attributes.integer("allowzero", 0) != 0) : dims);
        }
        if (op == "Squeeze" || op == "Unsqueeze") {
            const auto axes = named_axes(source_, node, second);
            if (op == "Unsqueeze" && (!axes || a.rank() + axes->size() > most_dimensions))
                return {};
            const std::size_t rank = a.rank() + (op == "Unsqueeze" ? axes->size() : 0);
            std::vector<bool> named(rank, false);
            for (const std::int64_t axis : axes.value_or(Dims{})) {
                const auto k = axis_of(axis, rank);
                if (!k || named[*k])
                    return {};
                named[*k] = true;
            }
            Dims dims;
            std::size_t from = 0;
            for (std::size_t k = 0; k < rank; ++k)
                if (op == "Unsqueeze")
                    dims.push_back(named[k] ? 1 : a.dims[from++]);
                else if (axes ? !named[k] : a.dims[k] != 1)
                    dims.push_back(a.dims[k]);
                else if (a.dims[k] != 1)
                    return {};
            return renamed(dims);
        }
        if (op == "Transpose") {
            std::vector<std::size_t> order;
            const Dims perm = attributes.integers("perm");
            for (std::size_t k = 0; k < a.rank(); ++k) {
                const auto axis = perm.empty()              ? std::optional(a.rank() - 1 - k)
                                  : perm.size() == a.rank() ? axis_of(perm[k], a.rank())
                                                            : std::nullopt;
                if (!axis || std::find(order.begin(), order.end(), *axis) != order.end())
                    return {};
                order.push_back(*axis);
            }
            budget_.take(a.dims, sizeof(T));
            return array(transposed(a, order));
        }
        if (op == "Slice") {
            const auto bounds = slice_bounds(source_, node, inputs);
            if (!bounds)
                return {};
            const Array<T>* from = &a;
            Array<T> out;
            for (std::size_t k = 0; k < bounds->axes.size(); ++k) {
                const auto axis = axis_of(bounds->axes[k], a.rank());
                if (!axis)
                    return {};
                const auto [first, count] =
                    slice_range(from->dims[*axis], bounds->starts[k], bounds->ends[k], bounds->steps[k]);
                Dims dims = from->dims;
                dims[*axis] = count;
                budget_.take(dims, sizeof(T));
                out = sliced(*from, *axis, first, count > 1 ? bounds->steps[k] : 1, count);
                from = &out;
            }
            return from == &a ? *inputs[0] : array(std::move(out));
        }
        if (op == "Gather") {
            const Integers* indices = second ? std::get_if<Integers>(second) : nullptr;
            const auto axis = axis_of(attributes.integer("axis", 0), a.rank());
            if (!axis || !indices || a.rank() - 1 + (*indices)->rank() > most_dimensions)
                return {};
            budget_.take((*indices)->dims, sizeof(std::int64_t));
            auto wanted = known_values((*indices)->data);
            if (!wanted)
                return {};
            const std::int64_t size = a.dims[*axis];
            for (std::int64_t& index : *wanted) {
                if (index < -size || index >= size)
                    return {};
                index += index < 0 ? size : 0;
            }
            Dims dims = a.dims;
            dims[*axis] = static_cast<std::int64_t>(wanted->size());
            budget_.take(dims, sizeof(T));
            Array<T> out = gathered(a, *axis, *wanted);
            out.dims.erase(out.dims.begin() + static_cast<std::ptrdiff_t>(*axis));
            out.dims.insert(out.dims.begin() + static_cast<std::ptrdiff_t>(*axis), (*indices)->dims.begin(),
                            (*indices)->dims.end());
            return array(std::move(out));
        }
        return {};
    });
}

} // namespace carousel::detail::onnx
