// GraphWriter: an ONNX graph that is written node by node.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/io/byte_order.hpp"
#include "carousel/io/onnx/graph.hpp"
#include "carousel/io/onnx/wire_writer.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// An attribute of a node: a whole number, a list of them, a text, a list of texts, or floats.
class NodeAttribute {
  public:
    NodeAttribute(std::string_view name, std::int64_t value) : NodeAttribute(name, Type::integer) {
        message_.number(field::attribute_i, value);
    }
    NodeAttribute(std::string_view name, const std::vector<std::int64_t>& values)
        : NodeAttribute(name, Type::integers) {
        for (const std::int64_t value : values)
            message_.number(field::attribute_ints, value);
    }
    NodeAttribute(std::string_view name, double value) : NodeAttribute(name, Type::real) {
        message_.real(field::attribute_f, static_cast<float>(value));
    }
    NodeAttribute(std::string_view name, const std::vector<double>& values) : NodeAttribute(name, Type::reals) {
        for (const double value : values)
            message_.real(field::attribute_floats, static_cast<float>(value));
    }
    NodeAttribute(std::string_view name, const char* value) : NodeAttribute(name, Type::text) {
        message_.text(field::attribute_s, value);
    }
    NodeAttribute(std::string_view name, const std::vector<std::string>& values) : NodeAttribute(name, Type::texts) {
        for (const std::string& value : values)
            message_.text(field::attribute_strings, value);
    }
    const WireWriter& message() const { return message_; }

  private:
    enum class Type { real = 1, integer = 2, text = 3, reals = 6, integers = 7, texts = 8 };
    NodeAttribute(std::string_view name, Type type) {
        message_.text(field::attribute_name, name);
        message_.number(field::attribute_type, static_cast<std::int64_t>(type));
    }
    WireWriter message_;
};

/// One dimension of an input or output: a size, or a name for any.
using NamedSize = std::variant<std::int64_t, std::string>;

class GraphWriter {
  public:
    /// The graph has a node that came with this set of operators.
    void need_opset(std::int64_t version) { opset_ = std::max(opset_, version); }

    /// A name that no value has yet.
    std::string fresh(std::string_view what) { return std::string(what) + "_" + decimal(++names_); }

    /// A node of one output, whose name it returns.
    std::string node(const char* op, const std::vector<std::string>& inputs,
                     const std::vector<NodeAttribute>& attributes = {}) {
        std::string output = fresh(op);
        add(op, inputs, {output}, attributes);
        return output;
    }
    /// A node of these inputs and outputs; an empty name is one that is left out.
    void add(const char* op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
             const std::vector<NodeAttribute>& attributes) {
        WireWriter message;
        for (const std::string& input : inputs)
            message.text(field::node_input, input);
        for (const std::string& output : outputs)
            message.text(field::node_output, output);
        message.text(field::node_name, fresh("node"));
        message.text(field::op_type, op);
        for (const NodeAttribute& attribute : attributes)
            message.message(field::node_attribute, attribute.message());
        graph_.message(field::node, message);
    }

    /// Constants; return their names. Numbers are row-major.
    template <class Number>
    std::string tensor(const std::vector<std::int64_t>& dims, std::vector<Number> numbers) {
        const std::string name = fresh("constant");
        WireWriter message;
        for (const std::int64_t dim : dims)
            message.number(field::tensor_dims, dim);
        message.number(field::data_type, static_cast<std::int64_t>(type_of<Number>()));
        message.text(field::tensor_name, name);
        turn_to_file_order(std::span(numbers));
        message.text(field::raw_data, {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)});
        graph_.message(field::initializer, message);
        return name;
    }
    template <class S>
    std::string matrix(const std::vector<std::int64_t>& dims, const Matrix<S>& m) {
        const Matrix<S> transposed = m.transpose(); // its columns are m's rows
        return tensor(dims, std::vector<S>(transposed.data(), transposed.data() + transposed.size()));
    }
    std::string integers(const std::vector<std::int64_t>& numbers) {
        return tensor({static_cast<std::int64_t>(numbers.size())}, numbers);
    }

    void input(const std::string& name, DataType type, const std::vector<NamedSize>& dims) {
        graph_.message(field::input, value_info(name, type, dims));
    }
    void output(const std::string& name, DataType type, const std::vector<NamedSize>& dims) {
        graph_.message(field::output, value_info(name, type, dims));
    }

    template <class Number>
    static constexpr DataType type_of() {
        return std::is_same_v<Number, float>    ? DataType::float32
               : std::is_same_v<Number, double> ? DataType::float64
                                                : DataType::int64;
    }

    /// The whole file.
    std::string file(const std::map<std::string, std::string>& metadata) {
        WireWriter file, operators;
        file.number(field::ir_version, opset_ < 15 ? 7 : 8); // the oldest in which programs take these operators
        file.text(field::producer_name, "carousel");
        graph_.text(field::graph_name, "carousel");
        file.message(field::model_graph, graph_);
        operators.text(field::opset_domain, "");
        operators.number(field::opset_version, opset_);
        file.message(field::opset_import, operators);
        for (const auto& [key, value] : metadata) {
            WireWriter entry;
            entry.text(field::entry_key, key);
            entry.text(field::entry_value, value);
            file.message(field::metadata_props, entry);
        }
        return file.bytes();
    }

  private:
    static WireWriter value_info(const std::string& name, DataType type, const std::vector<NamedSize>& dims) {
        WireWriter shape, tensor, holder, value;
        for (const NamedSize& dim : dims) {
            WireWriter size;
            if (const auto* known = std::get_if<std::int64_t>(&dim))
                size.number(field::dim_value, *known);
            else
                size.text(field::dim_param, std::get<std::string>(dim));
            shape.message(field::shape_dim, size);
        }
        tensor.number(field::element_type, static_cast<std::int64_t>(type));
        tensor.message(field::tensor_shape, shape);
        holder.message(field::tensor_type, tensor);
        value.text(field::value_name, name);
        value.message(field::value_type, holder);
        return value;
    }

    WireWriter graph_;
    std::int64_t opset_ = 14;
    std::intmax_t names_ = 0;
};

} // namespace carousel::detail::onnx
