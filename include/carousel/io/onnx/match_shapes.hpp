// The part of Matcher that follows dimensions through nodes that rearrange a tensor. Include match.hpp.
#pragma once

#include "carousel/io/onnx/matcher.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

inline Data Matcher::transposed_data(const Node& node, Data data) const {
    Dims order = Attributes(source_, node).integers("perm");
    if (order.empty())
        for (std::size_t k = data.rank(); k-- > 0;)
            order.push_back(static_cast<std::int64_t>(k));
    check(order.size() == data.rank(), node, "perm has ", order.size(), " numbers, expected ", data.rank());
    std::vector<Axis> axes;
    std::vector<bool> used(data.rank(), false);
    for (const std::int64_t axis : order) {
        const auto k = axis_of(axis, data.rank());
        check(k && !used[*k], node, "perm isn't a permutation");
        used[*k] = true;
        axes.push_back(data.axes[*k]);
    }
    data.axes = std::move(axes);
    return data;
}

inline Data Matcher::squeezed(const Node& node, Data data) const {
    const Value* const second = value(node, 1);
    const auto named = named_axes(source_, node, second ? std::get_if<Constant>(second) : nullptr);
    check(named || !second, node, "its axes aren't constants");
    std::vector<bool> drop(data.rank(), false);
    for (std::size_t k = 0; k < data.rank(); ++k)
        drop[k] = !named && data.axes[k].empty();
    for (const std::int64_t axis : named.value_or(Dims{})) {
        const auto k = axis_of(axis, data.rank());
        check(k.has_value(), node, "there is no dimension ", axis);
        const Number size = axis_size(data, chain_, data.axes[*k]);
        check(!size.known || size.value == 1, node, "dimension ", axis, " has a size of ", size.value, ", expected 1");
        drop[*k] = true;
    }
    std::vector<Axis> axes;
    for (std::size_t k = 0; k < data.rank(); ++k)
        if (!drop[k])
            axes.push_back(data.axes[k]);
    data.axes = std::move(axes);
    return data;
}

inline Data Matcher::unsqueezed(const Node& node, Data data) const {
    const Value* const second = value(node, 1);
    const auto named = named_axes(source_, node, second ? std::get_if<Constant>(second) : nullptr);
    check(named && data.rank() + named->size() <= most_dimensions, node, "its axes aren't constants, or too many");
    const std::size_t rank = data.rank() + named->size();
    std::vector<bool> added(rank, false);
    for (const std::int64_t axis : *named) {
        const auto k = axis_of(axis, rank);
        check(k && !added[*k], node, "it can't add a dimension ", axis);
        added[*k] = true;
    }
    std::vector<Axis> axes;
    std::size_t from = 0;
    for (std::size_t k = 0; k < rank; ++k)
        axes.push_back(added[k] ? Axis{} : data.axes[from++]);
    data.axes = std::move(axes);
    return data;
}

/// Where a Reshape put directions and features together, these become the features of a bidirectional layer.
inline Data Matcher::with_merged_directions(const Node& node, Data data) {
    for (Axis& axis : data.axes) {
        const bool features = std::any_of(axis.begin(), axis.end(), [&](int part) {
            return part == feature_axis || part == direction_axis ||
                   roles_[static_cast<std::size_t>(part)] == Role::features;
        });
        if (axis.size() < 2 || !features)
            continue;
        if (axis == Axis{direction_axis, feature_axis} && data.points.size() == 2) {
            axis = {feature_axis};
            const Index both = bidirectional(node, data.points[0], data.points[1], false);
            return at(std::move(data), both);
        }
        std::erase_if(axis, [&](int part) {
            const Number size = part_size(data, chain_, part);
            return part >= 0 && size.known && size.value == 1;
        });
        check(axis.size() < 2, node, "it puts features and other dimensions together in a way that isn't known here");
    }
    return data;
}

inline Data Matcher::reshaped_data(const Node& node, Data data) {
    const Value* const second = value(node, 1);
    const Constant* const constant = second ? std::get_if<Constant>(second) : nullptr;
    const Integers* const shape = constant ? std::get_if<Integers>(constant) : nullptr;
    check(shape && (*shape)->data.size() <= most_dimensions && is_data(node, 0), node, "its shape isn't a constant");
    const bool zero_is_zero = Attributes(source_, node).integer("allowzero", 0) != 0;
    const auto axes = regrouped(data, chain_, (*shape)->data, zero_is_zero);
    check(axes.has_value(), node, "its shape cuts through batch, time or features");
    data.axes = *axes;
    return with_merged_directions(node, std::move(data));
}

inline Data Matcher::flattened(const Node& node, Data data) {
    const std::int64_t axis = Attributes(source_, node).integer("axis", 1);
    const auto rank = static_cast<std::int64_t>(data.rank());
    check(axis >= -rank && axis <= rank, node, "there is no dimension ", axis);
    const std::int64_t split = axis < 0 ? axis + rank : axis;
    std::vector<Axis> axes(2);
    for (std::int64_t k = 0; k < rank; ++k) {
        const Axis& from = data.axes[static_cast<std::size_t>(k)];
        Axis& to = axes[k < split ? 0 : 1];
        to.insert(to.end(), from.begin(), from.end());
    }
    data.axes = std::move(axes);
    return with_merged_directions(node, std::move(data));
}

} // namespace carousel::detail::onnx
