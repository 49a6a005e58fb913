// The part of Matcher that follows steps, directions and halves of features, apart and together. Include match.hpp.
#pragma once

#include "carousel/io/onnx/matcher.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// The first or last step along a dimension, which is left with a size of 1.
inline Data Matcher::one_step(const Node& node, Data data, std::size_t axis, bool last) {
    set_role(node, data, axis, Role::time);
    check(!last || data.lengths != Data::Lengths::ragged, node,
          "it takes the last step of all sequences, though they have lengths of their own; expected Y_h");
    const std::int64_t features = chain_[data.point()].features;
    for (Index& point : data.points)
        point = add_point(node, point, features, EndStage{last});
    data.axes[axis].clear();
    return data;
}

/// The forward (or, second, the reverse) half of a bidirectional layer's features.
inline Index Matcher::half_of(const Node& node, Index point, bool second) {
    if (const BidirectionalStage* both = chain_.stage<BidirectionalStage>(point); both && !both->sum)
        return second ? both->reverse : both->forward;
    if (chain_.stage<BothEndsStage>(point)) // add a step of the half
        return add_point(node, half_of(node, chain_[point].parent, second), chain_[point].features / 2,
                         EndStage{!second});
    const EndStage* const end = chain_.stage<EndStage>(point);
    const BidirectionalStage* const before = end ? chain_.stage<BidirectionalStage>(chain_[point].parent) : nullptr;
    check(before && !before->sum, node,
          "it takes a part of the features, expected one half of a bidirectional layer's");
    return add_point(node, second ? before->reverse : before->forward, chain_[point].features / 2, *end);
}

inline Data Matcher::features_part(const Node& node, Data data, std::int64_t first, std::int64_t count) {
    require_one(node, data);
    const Index point = data.point();
    const std::int64_t features = chain_[point].features;
    if (first == 0 && count == features)
        return data;
    const auto is_bidirectional = [&](Index k) { return chain_.stage<BidirectionalStage>(k) != nullptr; };
    if (features % 2 == 0 && count == features / 2 && (first == 0 || first == count) &&
        (is_bidirectional(point) || chain_.stage<BothEndsStage>(point) ||
         (chain_.stage<EndStage>(point) && is_bidirectional(chain_[point].parent))))
        return at(std::move(data), half_of(node, point, first != 0));
    check(first == 0 && count >= 1, node, "it takes ", count, " of ", features, " features from ", first,
          " on, expected the first, for a residual, or one half of a bidirectional layer's");
    return then(node, std::move(data), count, FirstFeaturesStage{count});
}

inline Data Matcher::sliced_axis(const Node& node, Data data, std::size_t axis, std::int64_t start, std::int64_t end) {
    const Axis along = data.axes[axis];
    const Number size = axis_size(data, chain_, along);
    constexpr std::int64_t endless = INT32_MAX;
    if (start == 0 && (end >= endless || (size.known && end >= size.value)))
        return data;
    if (along == Axis{direction_axis}) {
        const auto [first, count] = slice_range(size.value, start, end, 1);
        check(count >= 1, node, "it takes none of the directions");
        const auto begin = data.points.begin() + static_cast<std::ptrdiff_t>(first);
        data.points = {begin, begin + static_cast<std::ptrdiff_t>(count)};
        if (count == 1)
            data.axes[axis].clear();
        return data;
    }
    const bool to_the_end = end >= endless || (size.known && end >= size.value);
    const bool is_last = to_the_end && (start == -1 || (size.known && start == size.value - 1));
    const bool may_be_features =
        role(along) == Role::features ||
        (role(along) == Role::unknown && axis + 1 == data.rank() && data.rank() == 3 && !is_last);
    if (may_be_features) {
        set_role(node, data, axis, Role::features);
        const std::int64_t features = along.empty() ? 1 : chain_[data.point()].features;
        check(features >= 1, node, "it takes a part of an unknown number of features");
        const auto [first, count] = slice_range(features, start, end, 1);
        Data part = features_part(node, std::move(data), first, count);
        if (part.axes[axis] != Axis{feature_axis})
            part.axes[axis] = {feature_axis};
        return part;
    }
    if (is_last)
        return one_step(node, std::move(data), axis, true);
    if (start == 0 && end == 1)
        return one_step(node, std::move(data), axis, false);
    // the end of what a Conv made of padding after the sequence
    const ConvStage* const conv = data.points.size() == 1 ? chain_.stage<ConvStage>(data.point()) : nullptr;
    check(start == 0 && end < 0 && conv && conv->right >= -(end + 1) + 1 && conv->stride == 1, node,
          "it takes a part of the sequence, expected its last step");
    budget_.take({static_cast<std::int64_t>(conv->W.size() + conv->b.size())}, sizeof(double));
    ConvStage cut = *conv;
    cut.right += end;
    set_role(node, data, axis, Role::time);
    const Index parent = chain_[data.point()].parent;
    const std::int64_t features = chain_[data.point()].features;
    data.points = {parent};
    return then(node, std::move(data), features, std::move(cut));
}

inline Data Matcher::sliced_data(const Node& node, Data data) {
    std::vector<const Constant*> constants;
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
        const Value* const input = value(node, k);
        constants.push_back(!input                                                ? nullptr
                            : k == 0 || !std::holds_alternative<Constant>(*input) ? &unknown_
                                                                                  : std::get_if<Constant>(input));
    }
    const auto bounds = slice_bounds(source_, node, constants);
    check(bounds && is_data(node, 0), node, "its bounds aren't constants");
    for (std::size_t k = 0; k < bounds->axes.size(); ++k) {
        const auto axis = axis_of(bounds->axes[k], data.rank());
        check(axis && bounds->steps[k] == 1, node, "it has a step of ", bounds->steps[k], " along dimension ",
              bounds->axes[k], ", expected 1");
        data = sliced_axis(node, std::move(data), *axis, bounds->starts[k], bounds->ends[k]);
    }
    return data;
}

inline Matcher::Values Matcher::split_data(const Node& node, const Data& data) {
    const auto axis = axis_of(Attributes(source_, node).integer("axis", 0), data.rank());
    check(axis.has_value(), node, "there is no such dimension");
    const Value* const second = value(node, 1);
    const Constant* const sizes_given = second ? std::get_if<Constant>(second) : nullptr;
    const Number size = axis_size(data, chain_, data.axes[*axis]);
    check(size.known && (!second || sizes_given), node, "it splits a dimension of unknown size");
    const auto sizes = split_sizes(source_, node, sizes_given, size.value);
    check(sizes.has_value(), node, "its parts don't add up to ", size.value);
    Values parts;
    std::int64_t first = 0;
    for (const std::int64_t part : *sizes) {
        parts.push_back(sliced_axis(node, data, *axis, first, first + part));
        first += part;
    }
    return parts;
}

/// The point of a layer of both directions, whose outputs `forward` and `reverse` are, or whose final states.
inline Index Matcher::bidirectional(const Node& node, Index forward, Index reverse, bool sum) {
    const auto ends = [&](Index k) { return chain_.stage<EndStage>(k); };
    const bool final_states = ends(forward) && ends(reverse);
    if (final_states)
        check(ends(forward)->last && !ends(reverse)->last && !sum, node,
              "it puts steps of two directions together, expected the forward one's last and the reverse one's first");
    const Index f = final_states ? chain_[forward].parent : forward,
                r = final_states ? chain_[reverse].parent : reverse;
    const RecurrentStage *a = chain_.stage<RecurrentStage>(f), *b = chain_.stage<RecurrentStage>(r);
    check(a && b && !a->reverse && b->reverse && chain_[f].parent == chain_[r].parent, node,
          "it puts values of the net together, expected the outputs of a recurrent layer's two directions, the forward "
          "one first");
    check(a->kind == b->kind && a->hidden == b->hidden && a->coupled == b->coupled &&
              a->reset_after == b->reset_after && a->P.empty() == b->P.empty(),
          node, "it puts two recurrent layers together that differ in more than their weights");
    const std::int64_t key = (static_cast<std::int64_t>(f) << 32 | r) * 4 + (sum ? 1 : 0);
    Index& both = pairs_.emplace(key, -1).first->second;
    if (both < 0)
        both = add_point(node, chain_[f].parent, sum ? a->hidden : 2 * a->hidden, BidirectionalStage{f, r, sum});
    if (!final_states)
        return both;
    Index& end = pairs_.emplace(key + 2, -1).first->second;
    if (end < 0)
        end = add_point(node, pairs_[key], 2 * chain_[f].features, BothEndsStage{});
    return end;
}

/// Directions one over the other (along a dimension of 1), or as one dimension of features.
inline Data Matcher::concatenated_data(const Node& node, Data data) {
    const auto axis = axis_of(Attributes(source_, node).integer("axis", 0), data.rank());
    check(axis.has_value(), node, "there is no such dimension");
    std::vector<Index> points;
    bool stacked = true;
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
        check(is_data(node, k), node, "it puts a constant together with what the net computes");
        Data part = std::get<Data>(*value(node, k));
        stacked = stacked && (part.axes[*axis].empty() || part.axes[*axis] == Axis{direction_axis});
        check(part.rank() == data.rank(), node, "it puts values of different dimensions together");
        for (std::size_t d = 0; d < data.rank(); ++d)
            check(d == *axis || part.axes[d] == data.axes[d], node, "it puts values of different dimensions together");
        points.insert(points.end(), part.points.begin(), part.points.end());
        check(points.size() <= most_stacked, node, "it puts more than ", most_stacked, " values of the net together");
    }
    if (points.size() == 1)
        return data;
    if (stacked) {
        data.points = std::move(points);
        data.axes[*axis] = {direction_axis};
        return data;
    }
    check(points.size() == 2 && data.axes[*axis] == Axis{feature_axis}, node,
          "it puts values of the net together, expected the outputs of a recurrent layer's two directions");
    return at(std::move(data), bidirectional(node, points[0], points[1], false));
}

} // namespace carousel::detail::onnx
