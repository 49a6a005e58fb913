// Matcher: reads a graph node by node and finds the chain of stages that it is. Batch, time and features are followed
// through every Transpose, Squeeze and Reshape. A node that no stage can be is refused by name.
#pragma once

#include "carousel/io/onnx/data.hpp"
#include "carousel/io/onnx/fold.hpp"
#include "carousel/io/onnx/recurrent_node.hpp"

#include <unordered_map>
#include <unordered_set>

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

class Matcher {
  public:
    /// All must outlive it. `output` names one of the graph's outputs; empty: the first.
    Matcher(const Source& source, const File& file, Budget& budget, std::string_view output)
        : source_(source), file_(file), budget_(budget), folder_(source, budget), output_(output) {}

    /// Throws std::runtime_error with the first node that doesn't fit, if the graph isn't a chain.
    Chain match();

  private:
    using Values = std::vector<Value>;

    /// Throws std::runtime_error "…: node 3 (LSTM "rnn"): parts…".
    template <class... Parts>
    [[noreturn]] void refuse(const Node& node, const Parts&... parts) const {
        source_.refuse(describe(node), ": ", parts...,
                       has_recurrent_ ? "; extract_onnx takes the weights of a recurrent node by its name" : "");
    }
    template <class... Parts>
    void check(bool holds, const Node& node, const Parts&... parts) const {
        if (!holds) [[unlikely]]
            refuse(node, parts...);
    }

    // match_graph.hpp: the graph as a whole
    void choose_output();
    std::unordered_set<std::string_view> needed_for(std::string_view output, bool data_only) const;
    void add_captured(const Node& node, std::unordered_set<std::string_view>& names, int depth) const;
    void choose_input(const std::unordered_set<std::string_view>& reached);
    void check_other_outputs(const std::unordered_set<std::string_view>& needed) const;
    void read_inputs();

    // match.hpp: one node
    const Value* value(const Node& node, std::size_t k) const;
    bool is_data(const Node& node, std::size_t k) const {
        const Value* const input = value(node, k);
        return input && std::holds_alternative<Data>(*input);
    }
    Values run(const Node& node);
    Values match_node(const Node& node, Data data);
    void check_stages(Index from, Index to, int depth) const;

    // match_shapes.hpp, match_parts.hpp: nodes that rearrange a tensor
    Data transposed_data(const Node& node, Data data) const;
    Data squeezed(const Node& node, Data data) const;
    Data unsqueezed(const Node& node, Data data) const;
    Data reshaped_data(const Node& node, Data data);
    Data flattened(const Node& node, Data data);
    Data with_merged_directions(const Node& node, Data data);
    Values split_data(const Node& node, const Data& data);
    Data sliced_data(const Node& node, Data data);
    Data sliced_axis(const Node& node, Data data, std::size_t axis, std::int64_t start, std::int64_t end);
    Data one_step(const Node& node, Data data, std::size_t axis, bool last);
    Data features_part(const Node& node, Data data, std::int64_t first, std::int64_t count);
    Data concatenated_data(const Node& node, Data data);
    Index half_of(const Node& node, Index point, bool second);
    Index bidirectional(const Node& node, Index forward, Index reverse, bool sum);

    // match_recurrent.hpp, match_layers.hpp, match_convolution.hpp: nodes that are layers or parts of them
    Values recurrent(const Node& node, Data data);
    Data embedding(const Node& node, Data data);
    Data dense(const Node& node, Data data);
    Data affine(const Node& node, Data data);
    Data sum_of(const Node& node, const Data& a, const Data& b);
    Data convolution(const Node& node, Data data);
    std::vector<double> whole_kernel(const Array<double>& W, std::int64_t groups, std::int64_t kernel);
    Data padded(const Node& node, Data data);
    Data batch_norm(const Node& node, Data data);
    Data layer_norm(const Node& node, Data data);
    Data prelu(const Node& node, Data data);
    Data dropout(const Node& node, Data data);
    std::optional<Activation> activation(const Node& node) const;
    const Array<double>* reals(const Node& node, std::size_t k) const;
    std::optional<double> scalar(const Node& node, std::size_t k) const;
    std::vector<double> per_feature(const Node& node, const Data& data, const Array<double>& a);

    Index add_point(const Node& node, Index parent, std::int64_t features, Stage stage) {
        const Index depth = chain_[parent].depth + 1;
        chain_.points.push_back({parent, depth, features, &node, std::make_shared<const Stage>(std::move(stage))});
        return static_cast<Index>(chain_.points.size()) - 1;
    }
    /// The same data at another point.
    Data at(Data data, Index point) const {
        data.points = {point};
        return data;
    }
    Data then(const Node& node, Data data, std::int64_t features, Stage stage) {
        require_one(node, data);
        const Index point = add_point(node, data.point(), features, std::move(stage));
        return at(std::move(data), point);
    }
    void require_one(const Node& node, const Data& data) const {
        check(data.points.size() == 1, node,
              "it takes both directions of a recurrent node apart; expected them as one dimension of features");
    }

    /// What a dimension is for: of the input's dimensions as far as it is known.
    Role role(const Axis& axis) const {
        if (axis.size() != 1 || axis[0] == direction_axis)
            return Role::unknown;
        return axis[0] == feature_axis ? Role::features : roles_[static_cast<std::size_t>(axis[0])];
    }
    /// Finds that this dimension has that role; one of size 1 may have any.
    void set_role(const Node& node, Data& data, std::size_t k, Role role);

    const Source& source_;
    const File& file_;
    Budget& budget_;
    Folder folder_;
    std::string_view output_, input_;
    bool has_recurrent_ = false;
    std::unordered_map<std::string_view, Value> values_;
    std::unordered_map<std::string_view, const Tensor*> initializers_;
    std::vector<Role> roles_; // of the input's dimensions
    std::unordered_map<std::int64_t, Index> pairs_;
    Chain chain_;
    Constant unknown_;
    Constant some_shape_ = std::make_shared<const Array<Number>>(Array<Number>{{1}, {unknown_number()}});
};

} // namespace carousel::detail::onnx
