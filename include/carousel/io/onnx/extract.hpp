// One recurrent node of a graph, found by its name, and its weights.
#pragma once

#include "carousel/io/onnx/file_bytes.hpp"
#include "carousel/io/onnx/fold.hpp"
#include "carousel/io/onnx/recurrent_layer.hpp"
#include "carousel/io/onnx/recurrent_node.hpp"

#include <deque>
#include <unordered_map>
#include <unordered_set>

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// A node and the graphs around it, the outermost first; each but the last with the node that holds the next.
struct FoundNode {
    struct Place {
        const Graph* graph;
        std::size_t node;
    };
    std::deque<Graph> inner; ///< the graphs that are attributes of nodes
    std::vector<Place> places;

    const Node& node() const { return places.back().graph->nodes[places.back().node]; }
};

inline bool has_name(const Node& node, std::string_view name) {
    return node.name == name ||
           (node.name.empty() && !node.outputs.empty() && !name.empty() && node.outputs.front() == name);
}

/// Looks in a graph, then in those inside its nodes, and says what recurrent nodes there are instead.
inline bool find_node(const Source& source, const Graph& graph, std::string_view name, FoundNode& found,
                      std::string& others) {
    for (std::size_t k = 0; k < graph.nodes.size(); ++k) {
        const Node& node = graph.nodes[k];
        found.places.push_back({&graph, k});
        if (is_recurrent(node)) {
            if (has_name(node, name))
                return true;
            constexpr std::size_t enough = 400;
            if (others.size() < enough)
                others += (others.empty() ? "" : ", ") +
                          in_quotes(!node.name.empty() || node.outputs.empty() ? node.name : node.outputs.front());
        }
        bool inside = false;
        Attributes(source, node).each_graph([&](Bytes bytes) {
            if (inside)
                return;
            source.check(found.places.size() < most_nested_graphs, "more than ", most_nested_graphs,
                         " graphs are inside one another");
            found.inner.push_back(read_graph(source, bytes));
            inside = find_node(source, found.inner.back(), name, found, others);
            if (!inside)
                found.inner.pop_back();
        });
        if (inside)
            return true;
        found.places.pop_back();
    }
    return false;
}

inline FoundNode find_recurrent_node(const Source& source, const File& file, std::string_view name) {
    FoundNode found;
    std::string others;
    const bool there = find_node(source, file.graph, name, found, others);
    source.check(there, "it has no RNN, LSTM or GRU node ", in_quotes(name),
                 others.empty() ? ", and none at all" : "; it has ", others);
    return found;
}

/// The node as stages, one for each direction: all constants that it is made of are computed.
inline std::vector<RecurrentStage> recurrent_directions(const Source& source, const FoundNode& found, Budget& budget) {
    const Node& node = found.node();
    std::unordered_set<std::string_view> needed(node.inputs.begin(), node.inputs.end());
    for (auto place = found.places.rbegin(); place != found.places.rend(); ++place)
        for (std::size_t k = place->node; k-- > 0;) {
            const Node& before = place->graph->nodes[k];
            for (const std::string_view output : before.outputs)
                if (!output.empty() && needed.contains(output)) {
                    needed.insert(before.inputs.begin(), before.inputs.end());
                    break;
                }
        }

    std::unordered_map<std::string_view, Constant> values;
    Folder fold(source, budget);
    for (const auto& [graph, end] : found.places) {
        for (const Tensor& tensor : graph->initializers)
            if (needed.contains(tensor.name))
                values.insert_or_assign(tensor.name, read_numbers(source, tensor, budget));
        for (std::size_t k = 0; k < end; ++k) {
            const Node& before = graph->nodes[k];
            bool wanted = false, known = true;
            for (const std::string_view output : before.outputs)
                wanted = wanted || (!output.empty() && needed.contains(output));
            Folder::Inputs inputs;
            for (const std::string_view input : before.inputs) {
                const auto value = values.find(input);
                known = known && (input.empty() || value != values.end());
                inputs.push_back(value == values.end() ? nullptr : &value->second);
            }
            if (!wanted || !known)
                continue;
            if (auto outputs = fold(before, inputs))
                for (std::size_t j = 0; j < std::min(outputs->size(), before.outputs.size()); ++j)
                    values.insert_or_assign(before.outputs[j], std::move((*outputs)[j]));
        }
    }

    const Constant unknown;
    std::vector<const Constant*> inputs;
    for (const std::string_view input : node.inputs) {
        const auto value = values.find(input);
        inputs.push_back(input.empty() ? nullptr : value == values.end() ? &unknown : &value->second);
    }
    return RecurrentNode(source, node, inputs, budget).take_directions();
}

template <Cell C, Index Input, Index Hidden>
void give_weights(const Source& source, const Node& node, const std::vector<RecurrentStage>& directions,
                  Recurrent<C, Input, Hidden>& layer) {
    source.check(directions.size() == 1, describe(node), ": it has two directions, expected one for a ", layer.name(),
                 "; extract it into a Bidirectional layer");
    const std::string why = mismatch(layer, directions[0]);
    source.check(why.empty(), describe(node), ": ", why);
    set_recurrent_weights(layer, weights_of<typename C::Scalar>(directions[0]), onnx_layout,
                          source.prefix() + ": " + describe(node));
}

template <class L>
void give_weights(const Source& source, const Node& node, const std::vector<RecurrentStage>& directions,
                  Bidirectional<L>& layer) {
    source.check(directions.size() == 2, describe(node),
                 ": it has one direction, expected two for a Bidirectional layer");
    const std::string why =
        mismatch(layer.forward_layer(), directions[0]) + mismatch(layer.reverse_layer(), directions[1]);
    source.check(why.empty(), describe(node), ": ", why);
    give_weights(source, node, {directions[0]}, layer.forward_layer());
    give_weights(source, node, {directions[1]}, layer.reverse_layer());
}

} // namespace carousel::detail::onnx
