// The part of Folder that fills, joins and splits arrays and does arithmetic. Include fold.hpp.
#pragma once

#include "carousel/io/onnx/fold.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

inline Constant Folder::constant_of_shape(const Node& node, const Constant& dims) {
    const Integers* numbers = std::get_if<Integers>(&dims);
    if (!numbers || (*numbers)->data.size() > most_dimensions)
        return {};
    Filled filled{(*numbers)->data, true, 0, {}};
    if (const auto tensor = Attributes(source_, node).tensor("value")) {
        const Constant value = read_numbers(source_, *tensor, budget_);
        const Reals* real = std::get_if<Reals>(&value);
        const Integers* integer = std::get_if<Integers>(&value);
        if ((real ? (*real)->data.size() : (*integer)->data.size()) != 1)
            return {};
        filled.real = real != nullptr;
        filled.value = real ? (*real)->data[0] : 0;
        filled.number = integer ? (*integer)->data[0] : Number{};
    }
    return few(filled);
}

/// A small array of known shape is one; a large one stays a Filled.
inline Constant Folder::few(const Filled& filled) {
    constexpr std::int64_t small = 64;
    const auto dims = known_values(filled.dims);
    const auto count = dims ? count_of(*dims) : std::nullopt;
    if (!count || *count > small)
        return filled;
    const auto n = static_cast<std::size_t>(*count);
    return filled.real ? array(Array<double>{*dims, std::vector<double>(n, filled.value)})
                       : integers(*dims, std::vector<Number>(n, filled.number));
}

inline Constant Folder::expand(const Constant& from, const Constant& shape) {
    const Integers* numbers = std::get_if<Integers>(&shape);
    if (!numbers || (*numbers)->data.size() > most_dimensions)
        return {};
    const std::vector<Number>& to = (*numbers)->data;
    if (const Filled* filled = std::get_if<Filled>(&from)) {
        Filled wider = *filled;
        wider.dims.assign(std::max(to.size(), filled->dims.size()), unknown_number());
        return wider;
    }
    const auto known = known_values(to);
    return with_array(from, [&]<class T>(const Array<T>& a) -> Constant {
        constexpr bool real = std::is_same_v<T, double>;
        if (known) {
            const auto dims = broadcast(a.dims, *known);
            if (!dims || !count_of(*dims))
                return {};
            if (a.data.size() > 1) {
                budget_.take(*dims, sizeof(T));
                return array(expanded(a, *dims));
            }
        }
        if (a.data.size() == 1) {
            Filled filled{to, real, 0, {}};
            if (a.rank() > to.size()) // dimensions of 1 before those
                filled.dims.insert(filled.dims.begin(), a.rank() - to.size(), Number{1});
            if constexpr (real)
                filled.value = a.data[0];
            else
                filled.number = a.data[0];
            return few(filled);
        }
        if constexpr (real)
            return Repeated{std::get<Reals>(from)};
        return {};
    });
}

inline Constant Folder::concat(const Node& node, const Inputs& inputs) {
    const std::int64_t axis = Attributes(source_, node).integer("axis", 0);
    if (const Filled* filled = std::get_if<Filled>(inputs[0])) {
        for (const Constant* input : inputs) {
            const Filled* other = input ? std::get_if<Filled>(input) : nullptr;
            if (!other || other->real != filled->real || other->value != filled->value ||
                other->number != filled->number)
                return {};
        }
        Filled all = *filled;
        if (const auto k = axis_of(axis, all.dims.size()))
            all.dims[*k] = unknown_number();
        return all;
    }
    return with_array(*inputs[0], [&]<class T>(const Array<T>& a) -> Constant {
        const auto k = axis_of(axis, a.rank());
        std::vector<const Array<T>*> parts;
        Dims dims = a.dims;
        if (!k)
            return {};
        dims[*k] = 0;
        for (const Constant* input : inputs) {
            const auto* part = input ? std::get_if<std::shared_ptr<const Array<T>>>(input) : nullptr;
            if (!part || (*part)->rank() != a.rank())
                return {};
            for (std::size_t d = 0; d < a.rank(); ++d)
                if (d != *k && (*part)->dims[d] != a.dims[d])
                    return {};
            if (__builtin_add_overflow(dims[*k], (*part)->dims[*k], &dims[*k]))
                return {};
            parts.push_back(part->get());
        }
        budget_.take(dims, sizeof(T));
        return array(concatenated(parts, *k));
    });
}

/// The sizes of a Split's outputs along a dimension of `size`, from the attribute or the second input, or equal parts;
/// none if they are unknown or don't add up.
inline std::optional<Dims> split_sizes(const Source& source, const Node& node, const Constant* second,
                                       std::int64_t size) {
    Dims sizes = Attributes(source, node).integers("split");
    if (second) {
        const Integers* const numbers = std::get_if<Integers>(second);
        const bool fit = numbers && (*numbers)->data.size() == node.outputs.size();
        const auto values = fit ? known_values((*numbers)->data) : std::nullopt;
        if (!values)
            return std::nullopt;
        sizes = *values;
    }
    const auto outputs = static_cast<std::int64_t>(node.outputs.size());
    if (sizes.empty() && outputs > 0) {
        const std::int64_t part = size / outputs + (size % outputs != 0); // the last may be smaller
        for (std::int64_t k = 0; k < outputs; ++k)
            sizes.push_back(std::clamp<std::int64_t>(size - k * part, 0, part));
    }
    std::int64_t sum = 0;
    for (const std::int64_t part : sizes) {
        if (part < 0 || part > size - sum)
            return std::nullopt;
        sum += part;
    }
    return sum == size && sizes.size() == node.outputs.size() ? std::optional(sizes) : std::nullopt;
}

inline std::optional<Folder::Outputs> Folder::split(const Node& node, const Inputs& inputs) {
    Outputs outputs;
    with_array(*inputs[0], [&]<class T>(const Array<T>& a) -> Constant {
        const auto axis = axis_of(Attributes(source_, node).integer("axis", 0), a.rank());
        const auto sizes =
            axis ? split_sizes(source_, node, inputs.size() > 1 ? inputs[1] : nullptr, a.dims[*axis]) : std::nullopt;
        if (!sizes)
            return {};
        budget_.take(a.dims, sizeof(T));
        std::int64_t first = 0;
        for (const std::int64_t size : *sizes) {
            outputs.push_back(array(sliced(a, *axis, first, 1, size)));
            first += size;
        }
        return {};
    });
    return outputs.empty() ? std::nullopt : std::optional(std::move(outputs));
}

inline Constant Folder::binary(std::string_view op, const Constant& a, const Constant& b) {
    return with_array(a, [&]<class T>(const Array<T>& x) -> Constant {
        const auto* other = std::get_if<std::shared_ptr<const Array<T>>>(&b);
        const auto dims = other ? broadcast(x.dims, (*other)->dims) : std::nullopt;
        if (!dims)
            return {};
        budget_.take(*dims, 3 * sizeof(T));
        Array<T> left = expanded(x, *dims);
        const Array<T> right = expanded(**other, *dims);
        for (std::size_t k = 0; k < left.data.size(); ++k)
            left.data[k] = arithmetic(op, left.data[k], right.data[k]);
        if constexpr (std::is_same_v<T, double>)
            if (op == "Equal")
                return {};
        return array(std::move(left));
    });
}

inline Constant Folder::where(const Constant& condition, const Constant& yes, const Constant& no) {
    const Integers* which = std::get_if<Integers>(&condition);
    if (!which)
        return {};
    return with_array(yes, [&]<class T>(const Array<T>& x) -> Constant {
        const auto* other = std::get_if<std::shared_ptr<const Array<T>>>(&no);
        auto dims = other ? broadcast(x.dims, (*other)->dims) : std::nullopt;
        if (dims)
            dims = broadcast(*dims, (*which)->dims);
        if (!dims)
            return {};
        budget_.take(*dims, 2 * sizeof(T) + sizeof(Number));
        Array<T> chosen = expanded(x, *dims);
        const Array<T> otherwise = expanded(**other, *dims);
        const Array<Number> choice = expanded(**which, *dims);
        for (std::size_t k = 0; k < chosen.data.size(); ++k) {
            if (!choice.data[k].known)
                return {};
            if (choice.data[k].value == 0)
                chosen.data[k] = otherwise.data[k];
        }
        return array(std::move(chosen));
    });
}

} // namespace carousel::detail::onnx
