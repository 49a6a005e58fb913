// Reads the structures of an ONNX file from its bytes.
#pragma once

#include "carousel/io/onnx/graph.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

inline Tensor read_tensor(const Source& source, Bytes message) {
    Tensor tensor;
    tensor.message = message;
    WireReader reader(source, message, "a tensor");
    while (reader.next())
        switch (reader.field()) {
        case field::tensor_dims:
            reader.each_number(0, [&](std::uint64_t n) { tensor.dims.push_back(static_cast<std::int64_t>(n)); });
            source.check(tensor.dims.size() <= most_dimensions, "a tensor has more than ", most_dimensions,
                         " dimensions");
            break;
        case field::data_type:
            tensor.type = static_cast<DataType>(reader.integer());
            break;
        case field::tensor_name:
            tensor.name = reader.text();
            break;
        case field::external_data:
            tensor.external = true;
            break;
        case field::data_location:
            tensor.external = tensor.external || reader.number() != 0;
            break;
        }
    for (const std::int64_t dim : tensor.dims)
        source.check(dim >= 0, "tensor ", in_quotes(tensor.name), " has a dimension of ", dim);
    return tensor;
}

inline Node read_node(const Source& source, Bytes message, std::size_t index) {
    Node node;
    node.index = index;
    WireReader reader(source, message, "a node");
    while (reader.next())
        switch (reader.field()) {
        case field::node_input:
            node.inputs.push_back(reader.text());
            break;
        case field::node_output:
            node.outputs.push_back(reader.text());
            break;
        case field::node_name:
            node.name = reader.text();
            break;
        case field::op_type:
            node.op_type = reader.text();
            break;
        case field::node_domain:
            node.domain = reader.text();
            break;
        case field::node_attribute: {
            Attribute attribute{{}, reader.bytes()};
            WireReader inner(source, attribute.message, "an attribute");
            while (inner.next())
                if (inner.field() == field::attribute_name)
                    attribute.name = inner.text();
            source.check(node.attributes.size() < most_attributes, "node ", index, " has more than ", most_attributes,
                         " attributes");
            node.attributes.push_back(attribute);
            break;
        }
        }
    source.check(!node.op_type.empty(), "node ", index, " has no operator");
    return node;
}

inline ValueInfo read_value_info(const Source& source, Bytes message) {
    ValueInfo value;
    const auto read_dim = [&](Bytes dim) {
        std::int64_t size = -1;
        WireReader reader(source, dim, "a dimension");
        while (reader.next())
            if (reader.field() == field::dim_value)
                size = reader.integer() >= 0 ? reader.integer() : -1;
        value.dims.push_back(size);
    };
    const auto read_shape = [&](Bytes shape) {
        value.has_shape = true;
        WireReader reader(source, shape, "a shape");
        while (reader.next())
            if (reader.field() == field::shape_dim) {
                source.check(value.dims.size() < most_dimensions, "an input or output has more than ", most_dimensions,
                             " dimensions");
                read_dim(reader.bytes());
            }
    };
    const auto read_type = [&](Bytes type) {
        WireReader reader(source, type, "a type");
        while (reader.next())
            if (reader.field() == field::tensor_type) {
                WireReader inner(source, reader.bytes(), "a tensor's type");
                while (inner.next())
                    if (inner.field() == field::element_type)
                        value.type = static_cast<DataType>(inner.integer());
                    else if (inner.field() == field::tensor_shape)
                        read_shape(inner.bytes());
            }
    };
    WireReader reader(source, message, "an input or output");
    while (reader.next())
        if (reader.field() == field::value_name)
            value.name = reader.text();
        else if (reader.field() == field::value_type)
            read_type(reader.bytes());
    return value;
}

inline Graph read_graph(const Source& source, Bytes message) {
    Graph graph;
    const auto add = [&](auto& list, auto&& part, const char* what) {
        source.check(list.size() < most_parts, "a graph has more than ", most_parts, " ", what);
        list.push_back(std::forward<decltype(part)>(part));
    };
    WireReader reader(source, message, "the graph");
    while (reader.next())
        switch (reader.field()) {
        case field::node:
            add(graph.nodes, read_node(source, reader.bytes(), graph.nodes.size()), "nodes");
            break;
        case field::initializer:
            add(graph.initializers, read_tensor(source, reader.bytes()), "tensors");
            break;
        case field::input:
            add(graph.inputs, read_value_info(source, reader.bytes()), "inputs");
            break;
        case field::output:
            add(graph.outputs, read_value_info(source, reader.bytes()), "outputs");
            break;
        case field::sparse_initializer:
            source.refuse("it has sparse tensors, which aren't read; save it with dense ones");
        }
    return graph;
}

/// Throws std::runtime_error if it isn't an ONNX file.
inline File read_file(const Source& source, Bytes bytes) {
    File file;
    bool has_graph = false;
    WireReader reader(source, bytes, "the file");
    while (reader.next())
        switch (reader.field()) {
        case field::model_graph:
            source.check(!has_graph, "it has two graphs");
            has_graph = true;
            file.graph = read_graph(source, reader.bytes());
            break;
        case field::opset_import: {
            std::string_view domain;
            std::int64_t version = 0;
            WireReader inner(source, reader.bytes(), "an operator set");
            while (inner.next())
                if (inner.field() == field::opset_domain)
                    domain = inner.text();
                else if (inner.field() == field::opset_version)
                    version = inner.integer();
            if (domain.empty() || domain == "ai.onnx")
                file.opset = version;
            break;
        }
        case field::metadata_props: {
            std::string_view key, value;
            WireReader inner(source, reader.bytes(), "the metadata");
            while (inner.next())
                if (inner.field() == field::entry_key)
                    key = inner.text();
                else if (inner.field() == field::entry_value)
                    value = inner.text();
            source.check(file.metadata.size() < most_parts, "it has more than ", most_parts, " metadata");
            file.metadata[std::string(key)] = std::string(value);
            break;
        }
        }
    source.check(has_graph, "it has no graph; is this an ONNX file?");
    source.check(file.opset >= 1, "it doesn't say which version of ONNX' operators it uses");
    return file;
}

} // namespace carousel::detail::onnx
