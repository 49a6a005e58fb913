// Matcher with all its parts; here what it does with one node.
#pragma once

#include "carousel/io/onnx/match_convolution.hpp"
#include "carousel/io/onnx/match_graph.hpp"
#include "carousel/io/onnx/match_layers.hpp"
#include "carousel/io/onnx/match_parts.hpp"
#include "carousel/io/onnx/match_recurrent.hpp"
#include "carousel/io/onnx/match_shapes.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// The k-th input; null if it is left out.
inline const Value* Matcher::value(const Node& node, std::size_t k) const {
    if (k >= node.inputs.size() || node.inputs[k].empty())
        return nullptr;
    const auto found = values_.find(node.inputs[k]);
    check(found != values_.end(), node, "its input ", in_quotes(node.inputs[k]), " is made by no node before it");
    return &found->second;
}

inline Matcher::Values Matcher::run(const Node& node) {
    check(node.domain.empty() || node.domain == "ai.onnx", node, "it is of the operators ", in_quotes(node.domain),
          ", expected ONNX' own");
    bool constants = true, opaque = false;
    std::vector<const Constant*> inputs;
    std::size_t data_at = node.inputs.size();
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
        if (const auto tensor = initializers_.find(node.inputs[k]); tensor != initializers_.end())
            if (!values_.contains(tensor->first))
                values_[tensor->first] = read_numbers(source_, *tensor->second, budget_);
        const Value* const input = value(node, k);
        const Constant* const constant = input ? std::get_if<Constant>(input) : nullptr;
        constants = constants && (!input || constant);
        opaque = opaque || (input && std::holds_alternative<Opaque>(*input));
        if (input && std::holds_alternative<Data>(*input) && data_at == node.inputs.size())
            data_at = k;
        inputs.push_back(constant);
    }
    const Data* const data = data_at < node.inputs.size() ? std::get_if<Data>(value(node, data_at)) : nullptr;
    if (node.op_type == "Shape" || node.op_type == "Size") {
        if (data) {
            std::vector<Number> dims;
            for (const Axis& axis : data->axes)
                dims.push_back(axis_size(*data, chain_, axis));
            return {folder_.shape_numbers(node, dims)};
        }
        if (opaque) // the shape of a state says nothing of importance
            return {Opaque{}};
    }
    if (constants) {
        auto outputs = folder_(node, inputs);
        check(outputs.has_value(), node, "it computes a constant in a way that isn't known here");
        return {std::make_move_iterator(outputs->begin()), std::make_move_iterator(outputs->end())};
    }
    if (is_recurrent(node)) {
        check(data_at == 0, node, "its X isn't what the net computes from the graph's input ", in_quotes(input_));
        return recurrent(node, *data);
    }
    if (!data) {
        check(rearranges(node) || node.op_type == "Expand" || node.op_type == "ConstantOfShape", node,
              "it computes from a state or from an input of the graph besides ", in_quotes(input_),
              ", expected it to be handed to a recurrent node");
        // Numbers repeated in the shape of a state are constants, whatever that shape is.
        if (node.op_type == "ConstantOfShape" || (node.op_type == "Expand" && inputs.size() == 2 && inputs[0])) {
            inputs.back() = &some_shape_;
            auto outputs = folder_(node, inputs);
            check(outputs.has_value(), node, "it computes a constant in a way that isn't known here");
            return {std::make_move_iterator(outputs->begin()), std::make_move_iterator(outputs->end())};
        }
        Opaque made{.graph_input = node.op_type == "Identity" || node.op_type == "Cast"};
        for (std::size_t k = 0; k < node.inputs.size(); ++k) {
            const Value* const input = value(node, k);
            if (const Opaque* from = input ? std::get_if<Opaque>(input) : nullptr) {
                made.graph_input = made.graph_input && from->graph_input;
                made.computed = made.computed || from->computed;
            }
        }
        return Values(node.outputs.size(), made);
    }
    check(!opaque, node, "it puts a state, or an input of the graph besides ", in_quotes(input_),
          ", together with what the net computes");
    return match_node(node, *data);
}

inline Matcher::Values Matcher::match_node(const Node& node, Data data) {
    const std::string_view op = node.op_type;
    constexpr const char* integers = "it makes integers of what the net computes";
    if (op == "Identity")
        return {data};
    if (op == "Cast") {
        const auto to = static_cast<DataType>(Attributes(source_, node).integer("to", 0));
        check(is_real(to) || (chain_.tokens && data.point() == 0), node, integers);
        return {data};
    }
    if (op == "CastLike") { // PyTorch's exporter casts constants to the type of the data, and data to that of constants
        check(node.inputs.size() == 2 && value(node, 0) && value(node, 1), node, "it hasn't two inputs");
        const auto is_token = [&](const Value& of) {
            const Data* const one = std::get_if<Data>(&of);
            return one && chain_.tokens && one->point() == 0;
        };
        const Value &from = *value(node, 0), &like = *value(node, 1);
        const Constant *const constant = std::get_if<Constant>(&from), *const type = std::get_if<Constant>(&like);
        check(!constant || is_of_floats(*constant), node,
              "it isn't of what the net computes or of a constant of floats");
        check(is_token(from) || (type ? is_of_floats(*type) : !is_token(like)), node, integers);
        return {*value(node, 0)};
    }
    if (op == "Neg") {
        const std::int64_t features = chain_[data.point()].features;
        return {then(node, std::move(data), features, AffineStage{{-1}, {0}})};
    }
    if (op == "Dropout")
        return {dropout(node, std::move(data))};
    if (op == "Transpose")
        return {transposed_data(node, std::move(data))};
    if (op == "Squeeze")
        return {squeezed(node, std::move(data))};
    if (op == "Unsqueeze")
        return {unsqueezed(node, std::move(data))};
    if (op == "Reshape")
        return {reshaped_data(node, std::move(data))};
    if (op == "Flatten")
        return {flattened(node, std::move(data))};
    if (op == "Split")
        return split_data(node, data);
    if (op == "Slice")
        return {sliced_data(node, std::move(data))};
    if (op == "Gather")
        return {embedding(node, std::move(data))};
    if (op == "Concat")
        return {concatenated_data(node, std::move(data))};
    if (op == "MatMul" || op == "Gemm")
        return {dense(node, std::move(data))};
    if (op == "Add" || op == "Sum" || op == "Sub" || op == "Mul" || op == "Div")
        return {affine(node, std::move(data))};
    if (op == "Conv")
        return {convolution(node, std::move(data))};
    if (op == "Pad")
        return {padded(node, std::move(data))};
    if (op == "PRelu")
        return {prelu(node, std::move(data))};
    if (op == "BatchNormalization")
        return {batch_norm(node, std::move(data))};
    if (op == "LayerNormalization")
        return {layer_norm(node, std::move(data)), Opaque{.computed = true},
                Opaque{.computed = true}}; // mean, deviation
    if (op == "Softmax") {
        const auto axis = axis_of(Attributes(source_, node).integer("axis", file_.opset < 13 ? 1 : -1), data.rank());
        check(axis && *axis + 1 == data.rank(), node, "it runs over dimension ", axis.value_or(0),
              ", expected the last, which has the features");
        set_role(node, data, *axis, Role::features);
        const std::int64_t features = chain_[data.point()].features;
        return {then(node, std::move(data), features, SoftmaxStage{})};
    }
    if (const auto f = activation(node)) {
        const std::int64_t features = chain_[data.point()].features;
        return {then(node, std::move(data), features, ActivationStage{*f})};
    }
    refuse(node, "no layer computes ", shown(op));
}

inline void Matcher::set_role(const Node& node, Data& data, std::size_t k, Role wanted) {
    const Axis& axis = data.axes[k];
    constexpr const char* names[] = {"", "the batch", "time", "features"};
    if (axis.empty())
        return;
    Role& known = axis.size() == 1 && axis[0] >= 0 ? roles_[static_cast<std::size_t>(axis[0])] : roles_.front();
    const bool fits = axis.size() == 1 && axis[0] != direction_axis &&
                      (axis[0] == feature_axis ? wanted == Role::features : known == Role::unknown || known == wanted);
    check(fits, node, "dimension ", k, " of what it takes is ",
          axis.size() > 1               ? "several in one"
          : role(axis) == Role::unknown ? "the directions"
                                        : names[static_cast<int>(role(axis))],
          ", expected ", names[static_cast<int>(wanted)]);
    if (axis[0] == feature_axis || known == wanted)
        return;
    check(std::find(roles_.begin(), roles_.end(), wanted) == roles_.end(), node, "dimension ", k,
          " of what it takes is ", names[static_cast<int>(wanted)], ", as another dimension of the input is already");
    known = wanted;
    if (wanted != Role::features)
        return;
    // the input's own features, whose number may not have been known
    const std::int64_t size = data.sizes[static_cast<std::size_t>(axis[0])];
    check(size != 0, node, "dimension ", k, " of what it takes has no features");
    if (chain_[data.point()].features < 0)
        chain_.points[static_cast<std::size_t>(data.point())].features = size;
}

} // namespace carousel::detail::onnx
