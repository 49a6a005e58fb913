// The part of Matcher that finds recurrent layers and embeddings. Include match.hpp.
#pragma once

#include "carousel/io/onnx/matcher.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// Y, Y_h and Y_c of a recurrent node on `data`.
inline Matcher::Values Matcher::recurrent(const Node& node, Data data) {
    std::vector<const Constant*> constants;
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
        const Value* const input = value(node, k);
        const bool is_state = k == input_lengths || k == input_h || k == input_c;
        const Constant* const constant = input ? std::get_if<Constant>(input) : nullptr;
        const Opaque* const opaque = input && is_state ? std::get_if<Opaque>(input) : nullptr;
        if (input && k > 0)
            check(constant || (opaque && !opaque->computed), node, "its input ", k,
                  " is computed by the net, expected ",
                  is_state ? "an input of the graph or a constant" : "a constant");
        constants.push_back(constant || !input ? constant : &unknown_);
    }
    RecurrentNode read(source_, node, constants, budget_);
    std::vector<RecurrentStage> directions = read.take_directions();

    require_one(node, data);
    check(data.rank() == 3, node, "its X has ", data.rank(), " dimensions, expected 3");
    const std::size_t time = read.batch_first() ? 1 : 0, batch = 1 - time;
    set_role(node, data, time, Role::time);
    set_role(node, data, batch, Role::batch);
    set_role(node, data, 2, Role::features);
    const Index parent = data.point();
    const std::int64_t I = directions[0].input, H = directions[0].hidden;
    const std::int64_t given = data.axes[2].empty() ? 1 : chain_[parent].features;
    check(given < 0 || given == I, node, "its X has ", given, " features, expected ", I);
    chain_.points[static_cast<std::size_t>(parent)].features = I;

    using Lengths = Data::Lengths;
    Lengths lengths = Lengths::full;
    if (const Value* const given_lengths = value(node, input_lengths)) {
        const Opaque* const opaque = std::get_if<Opaque>(given_lengths);
        if (opaque) {
            check(opaque->graph_input, node, "its sequence_lens is computed, expected an input of the graph");
            lengths = Lengths::ragged;
        } else {
            const Constant& constant = std::get<Constant>(*given_lengths);
            const Filled* const filled = std::get_if<Filled>(&constant);
            const Integers* const numbers = std::get_if<Integers>(&constant);
            const auto is_all = [&](const Number& n) {
                const Number all = axis_size(data, chain_, data.axes[time]);
                return (n.dimension >= 0 && n.dimension == all.dimension) ||
                       (n.known && all.known && n.value == all.value);
            };
            check((filled && !filled->real && is_all(filled->number)) ||
                      (numbers && std::all_of((*numbers)->data.begin(), (*numbers)->data.end(), is_all)),
                  node, "its sequence_lens is a constant and not the number of steps, expected an input of the graph");
        }
    }
    check(data.lengths == Lengths::any || data.lengths == lengths, node,
          "it and the recurrent node before don't both take sequence_lens from the graph's input");

    data.lengths = lengths;
    Data y = data, last = data;
    y.points.clear();
    last.points.clear();
    for (RecurrentStage& direction : directions) {
        const bool reverse = direction.reverse;
        y.points.push_back(add_point(node, parent, H, std::move(direction)));
        last.points.push_back(add_point(node, y.points.back(), H, EndStage{!reverse}));
    }
    const Axis direction_part = y.points.size() == 2 ? Axis{direction_axis} : Axis{};
    const Axis features{feature_axis};
    if (read.batch_first()) {
        y.axes = {data.axes[0], data.axes[1], direction_part, features};
        last.axes = {data.axes[0], direction_part, features};
    } else {
        y.axes = {data.axes[0], direction_part, data.axes[1], features};
        last.axes = {direction_part, data.axes[1], features};
    }
    return {y, last, Opaque{.computed = true}};
}

/// Gather: tokens from a table, or one step or direction.
inline Data Matcher::embedding(const Node& node, Data data) {
    const std::int64_t axis = Attributes(source_, node).integer("axis", 0);
    if (is_data(node, 0)) {
        const auto k = axis_of(axis, data.rank());
        const Value* const index_value = value(node, 1);
        const Constant* const constant = index_value ? std::get_if<Constant>(index_value) : nullptr;
        const Integers* const indices = constant ? std::get_if<Integers>(constant) : nullptr;
        check(k && indices && (*indices)->data.size() == 1 && (*indices)->data[0].known, node,
              "it doesn't take one constant index along a dimension");
        const std::int64_t index = (*indices)->data[0].value;
        const Axis& along = data.axes[*k];
        if (along == Axis{direction_axis}) {
            const auto chosen = axis_of(index, data.points.size());
            check(chosen.has_value(), node, "there is no direction ", index);
            data = at(data, data.points[*chosen]);
            data.axes[*k].clear();
        } else if (along.empty())
            check(index == 0 || index == -1, node, "its index ", index, " is beyond a dimension of 1");
        else {
            const Number size = axis_size(data, chain_, along);
            const bool last = index == -1 || (size.known && index == size.value - 1);
            check(last || index == 0, node, "it takes step ", index, " of a sequence, expected the last");
            data = one_step(node, std::move(data), *k, last);
        }
        if ((*indices)->rank() == 0)
            data.axes.erase(data.axes.begin() + static_cast<std::ptrdiff_t>(*k));
        else
            check((*indices)->rank() == 1, node, "its index has ", (*indices)->rank(),
                  " dimensions, expected at most 1");
        return data;
    }
    const Array<double>* const table = reals(node, 0);
    check(table && table->rank() == 2 && axis_of(axis, 2) == std::size_t(0) && table->dims[0] >= 1 &&
              table->dims[1] >= 1,
          node, "its table isn't a constant of tokens x features");
    check(chain_.tokens && data.point() == 0, node, "its indices aren't the tokens of the graph's input ",
          in_quotes(input_));
    data.axes.push_back({feature_axis});
    chain_.points.front().features = 1;
    return then(node, std::move(data), table->dims[1],
                EmbeddingStage{std::get<Reals>(std::get<Constant>(*value(node, 0)))});
}

} // namespace carousel::detail::onnx
