// The part of Matcher that sees the graph as a whole. Include match.hpp.
#pragma once

#include "carousel/io/onnx/matcher.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// Nodes that give a tensor's numbers in another shape, or a part of them.
inline bool rearranges(const Node& node) {
    constexpr std::string_view names[] = {"Squeeze", "Unsqueeze", "Concat", "Transpose", "Reshape", "Slice",
                                          "Gather",  "Identity",  "Split",  "Cast",      "Flatten"};
    return std::find(std::begin(names), std::end(names), node.op_type) != std::end(names);
}

/// The first output that isn't a state that a recurrent node ends in; if all are, the first.
inline void Matcher::choose_output() {
    const auto& outputs = file_.graph.outputs;
    source_.check(!outputs.empty(), "its graph has no output");
    if (!output_.empty()) {
        source_.check(
            std::any_of(outputs.begin(), outputs.end(), [&](const ValueInfo& o) { return o.name == output_; }),
            "it has no output ", in_quotes(output_), "; its first is ", in_quotes(outputs.front().name));
        return;
    }
    std::unordered_set<std::string_view> states;
    for (const Node& node : file_.graph.nodes)
        for (std::size_t k = 0; k < node.outputs.size(); ++k)
            if (is_recurrent(node) ? k > 0
                                   : rearranges(node) && !node.inputs.empty() && states.contains(node.inputs[0]))
                states.insert(node.outputs[k]);
    const auto found =
        std::find_if(outputs.begin(), outputs.end(), [&](const ValueInfo& o) { return !states.contains(o.name); });
    output_ = found == outputs.end() ? outputs.front().name : found->name;
}

/// The names of all values that an output is made of; `data_only`: along what the net computes, not through shapes,
/// initial states and lengths.
inline std::unordered_set<std::string_view> Matcher::needed_for(std::string_view output, bool data_only) const {
    std::unordered_set<std::string_view> needed{output};
    const auto& nodes = file_.graph.nodes;
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
        const bool wanted = std::any_of(node->outputs.begin(), node->outputs.end(),
                                        [&](std::string_view name) { return !name.empty() && needed.contains(name); });
        if (!wanted || (data_only && (node->op_type == "Shape" || node->op_type == "Size")))
            continue;
        for (std::size_t k = 0; k < node->inputs.size(); ++k)
            if (!(data_only && is_recurrent(*node) && k >= input_lengths && k <= input_c))
                needed.insert(node->inputs[k]);
        add_captured(*node, needed, 0);
    }
    return needed;
}

/// The names that the graphs inside a node read: some are of the graph around it.
inline void Matcher::add_captured(const Node& node, std::unordered_set<std::string_view>& names, int depth) const {
    Attributes(source_, node).each_graph([&](Bytes bytes) {
        check(depth < most_nested_graphs, node, "more than ", most_nested_graphs, " graphs are inside one another");
        for (const Node& inner : read_graph(source_, bytes).nodes) {
            names.insert(inner.inputs.begin(), inner.inputs.end());
            add_captured(inner, names, depth + 1);
        }
    });
}

/// The graph's input that the sequences come by.
inline void Matcher::choose_input(const std::unordered_set<std::string_view>& reached) {
    for (const ValueInfo& input : file_.graph.inputs)
        if (input_.empty() && reached.contains(input.name) && !initializers_.contains(input.name))
            input_ = input.name;
    source_.check(!input_.empty(), "its output ", in_quotes(output_), " doesn't depend on an input of the graph");
}

/// An output besides the one that is loaded may be a state, but not a second result, which would be lost.
inline void Matcher::check_other_outputs(const std::unordered_set<std::string_view>& needed) const {
    std::unordered_map<std::string_view, std::string_view> for_output; // a value, and the output that is made of it
    for (const ValueInfo& output : file_.graph.outputs)
        for_output.emplace(output.name, output.name);
    const auto& nodes = file_.graph.nodes;
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node)
        for (const std::string_view name : node->outputs) {
            const auto found = for_output.find(name);
            if (found == for_output.end() || needed.contains(name) || is_recurrent(*node))
                continue;
            check(rearranges(*node), *node, "the output ", in_quotes(found->second),
                  " is no state of the net that ends in ", in_quotes(output_),
                  "; OnnxOptions::output says which of the two to load");
            const std::string_view output = found->second;
            for (const std::string_view input : node->inputs)
                for_output.emplace(input, output);
        }
}

inline void Matcher::read_inputs() {
    for (const ValueInfo& input : file_.graph.inputs) {
        if (initializers_.contains(input.name))
            continue;
        if (input.name != input_) {
            values_[input.name] = Opaque{.graph_input = true};
            continue;
        }
        source_.check(input.has_shape && !input.dims.empty(), "the shape of its input ", in_quotes(input.name),
                      " isn't known; expected dimensions for batch, time and features");
        source_.check(is_real(input.type) || input.type == DataType::int32 || input.type == DataType::int64,
                      "its input ", in_quotes(input.name), " is of ONNX' type ", static_cast<int>(input.type),
                      ", expected floats, int32 or int64");
        Data data;
        data.points = {0};
        data.sizes = input.dims;
        for (std::size_t k = 0; k < input.dims.size(); ++k)
            data.axes.push_back({static_cast<int>(k)});
        chain_.tokens = !is_real(input.type);
        chain_.points.push_back({});
        roles_.assign(input.dims.size(), Role::unknown);
        values_[input.name] = data;
    }
}

inline Chain Matcher::match() {
    const Graph& graph = file_.graph;
    constexpr std::int64_t oldest = 7; // before, Add broadcasts by other rules and BatchNormalization has is_test
    source_.check(file_.opset >= oldest, "it is of operator set ", file_.opset, ", expected ", oldest,
                  " or newer; convert it (onnx.version_converter.convert_version(model, 14))");
    has_recurrent_ = std::any_of(graph.nodes.begin(), graph.nodes.end(), is_recurrent);
    for (const Tensor& tensor : graph.initializers)
        source_.check(initializers_.emplace(tensor.name, &tensor).second, "the tensor ", in_quotes(tensor.name),
                      " is there twice");
    choose_output();
    const auto needed = needed_for(output_, false);
    choose_input(needed_for(output_, true));
    read_inputs();
    for (const Node& node : graph.nodes) {
        const bool wanted = std::any_of(node.outputs.begin(), node.outputs.end(),
                                        [&](std::string_view name) { return !name.empty() && needed.contains(name); });
        if (!wanted)
            continue;
        Values outputs = run(node);
        for (std::size_t k = 0; k < node.outputs.size(); ++k)
            if (!node.outputs[k].empty())
                check(values_.emplace(node.outputs[k], k < outputs.size() ? std::move(outputs[k]) : Value{}).second,
                      node, "it makes ", in_quotes(node.outputs[k]), ", which a node or the input before is called");
    }
    check_other_outputs(needed);

    const auto found = values_.find(output_);
    const Data* data = found == values_.end() ? nullptr : std::get_if<Data>(&found->second);
    source_.check(data, "its output ", in_quotes(output_), " is a constant or a state, expected what the net computes");
    Index end = data->point();
    if (data->points.size() == 2) // the directions of the last node, apart
        end = bidirectional(*chain_[end].node, data->points[0], data->points[1], false);
    source_.check(data->points.size() <= 2, "its output ", in_quotes(output_), " is made of several layers' outputs");
    chain_.end = end;
    check_stages(0, end, 0);
    return std::move(chain_);
}

/// Refuses what is only a part of something and was left alone.
inline void Matcher::check_stages(Index from, Index to, int depth) const {
    for (const Index k : chain_.path(from, to)) {
        const Node& node = *chain_[k].node;
        check(!chain_.stage<PadStage>(k), node, "it pads the sequence, and no Conv follows");
        check(!chain_.stage<FirstFeaturesStage>(k), node,
              "it takes a part of the features, which is only known as a part of a residual");
        if (const ConvStage* conv = chain_.stage<ConvStage>(k))
            check(conv->right == 0 && (conv->left == 0 || conv->left == (conv->kernel - 1) * conv->dilation), node,
                  "it pads ", conv->left, " steps before the sequence and ", conv->right,
                  " after it, expected none, or ", (conv->kernel - 1) * conv->dilation, " before it (causal)");
        if (const ResidualStage* residual = chain_.stage<ResidualStage>(k)) {
            check(depth < most_nested_graphs, node, "more than ", most_nested_graphs,
                  " residuals are inside one another");
            check_stages(residual->from, residual->to, depth + 1);
        }
    }
}

} // namespace carousel::detail::onnx
