// The structures of an ONNX file (https://onnx.ai/onnx/repo-docs/IR.html), as far as a reader of recurrent nets needs them. All
// are views of the file's bytes, which must outlive them: nothing is copied, and attributes and the numbers of tensors are
// read where they are asked for.
#pragma once

#include "carousel/io/onnx/wire.hpp"

#include <bit>
#include <map>
#include <optional>
#include <variant>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// The numbers that name the fields of onnx.proto's messages.
namespace field {
enum ModelProto { ir_version = 1, producer_name = 2, model_graph = 7, opset_import = 8, metadata_props = 14 };
enum OperatorSetIdProto { opset_domain = 1, opset_version = 2 };
enum StringStringEntryProto { entry_key = 1, entry_value = 2 };
enum GraphProto { node = 1, graph_name = 2, initializer = 5, input = 11, output = 12, sparse_initializer = 15 };
enum NodeProto { node_input = 1, node_output = 2, node_name = 3, op_type = 4, node_attribute = 5, node_domain = 7 };
enum AttributeProto {
    attribute_name = 1,
    attribute_f = 2,
    attribute_i = 3,
    attribute_s = 4,
    attribute_t = 5,
    attribute_g = 6,
    attribute_floats = 7,
    attribute_ints = 8,
    attribute_strings = 9,
    attribute_type = 20
};
enum TensorProto {
    tensor_dims = 1,
    data_type = 2,
    float_data = 4,
    int32_data = 5,
    int64_data = 7,
    tensor_name = 8,
    raw_data = 9,
    double_data = 10,
    uint64_data = 11,
    external_data = 13,
    data_location = 14
};
enum ValueInfoProto { value_name = 1, value_type = 2 };
enum TypeProto { tensor_type = 1 };
enum TypeProtoTensor { element_type = 1, tensor_shape = 2 };
enum TensorShapeProto { shape_dim = 1 };
enum Dimension { dim_value = 1, dim_param = 2 };
} // namespace field

/// TensorProto.DataType
enum class DataType {
    undefined = 0,
    float32 = 1,
    uint8 = 2,
    int8 = 3,
    uint16 = 4,
    int16 = 5,
    int32 = 6,
    int64 = 7,
    string = 8,
    boolean = 9,
    float16 = 10,
    float64 = 11,
    uint32 = 12,
    uint64 = 13,
    bfloat16 = 16
};

inline constexpr std::size_t most_dimensions = 8;  // of a tensor
inline constexpr std::size_t most_parts = 1 << 14; // nodes, tensors, inputs or outputs of a graph
inline constexpr std::size_t most_attributes = 64; // of a node
inline constexpr std::size_t most_stacked = 64;    // values of a net, one over the other in one tensor
inline constexpr int most_nested_graphs = 16;      // graphs in one another

struct Tensor {
    std::string_view name;
    std::vector<std::int64_t> dims;
    DataType type = DataType::undefined;
    bool external = false; ///< its numbers are in another file
    Bytes message;
};

struct Attribute {
    std::string_view name;
    Bytes message;
};

struct Node {
    std::size_t index = 0; ///< in its graph
    std::string_view op_type, name, domain;
    std::vector<std::string_view> inputs, outputs; ///< names of values; empty: left out
    std::vector<Attribute> attributes;
};

/// An input or output of a graph.
struct ValueInfo {
    std::string_view name;
    DataType type = DataType::undefined;
    bool has_shape = false;
    std::vector<std::int64_t> dims; ///< -1: unknown, or a name
};

struct Graph {
    std::vector<Node> nodes;
    std::vector<Tensor> initializers;
    std::vector<ValueInfo> inputs, outputs;
};

struct File {
    std::int64_t opset = 0;
    std::map<std::string, std::string> metadata;
    Graph graph;
};

/// "node 3 (LSTM "rnn")"
inline std::string describe(const Node& node) {
    std::string text = "node " + decimal(static_cast<std::intmax_t>(node.index)) + " (" + shown(node.op_type) +
                       (node.name.empty() ? "" : " " + in_quotes(node.name));
    return text + ")";
}

} // namespace carousel::detail::onnx
