// The part of Matcher that finds Dense layers, residuals and functions. Include match.hpp.
#pragma once

#include "carousel/io/onnx/matcher.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

inline const Array<double>* Matcher::reals(const Node& node, std::size_t k) const {
    const Value* const input = value(node, k);
    const Constant* const constant = input ? std::get_if<Constant>(input) : nullptr;
    const Reals* const array = constant ? std::get_if<Reals>(constant) : nullptr;
    return array ? array->get() : nullptr;
}

inline std::optional<double> Matcher::scalar(const Node& node, std::size_t k) const {
    const Array<double>* const a = reals(node, k);
    return a && a->data.size() == 1 ? std::optional(a->data[0]) : std::nullopt;
}

/// MatMul or Gemm with constant weights.
inline Data Matcher::dense(const Node& node, Data data) {
    const Attributes attributes(source_, node);
    const bool gemm = node.op_type == "Gemm";
    const Array<double>* const W = reals(node, 1);
    check(W && W->rank() == 2 && is_data(node, 0), node,
          "it isn't the product of what the net computes and a constant matrix");
    check(!gemm || attributes.integer("transA", 0) == 0, node, "it has transA, expected the batch first");
    const bool transposed_W = gemm && attributes.integer("transB", 0) != 0;
    DenseStage stage;
    stage.input = W->dims[transposed_W ? 1 : 0], stage.output = W->dims[transposed_W ? 0 : 1];
    check(stage.input >= 1 && stage.output >= 1, node, "its matrix is empty");
    budget_.take(W->dims, sizeof(double));
    stage.W = transposed_W ? W->data : transposed(*W, {1, 0}).data;
    if (const double alpha = gemm ? attributes.real("alpha", 1) : 1; alpha != 1)
        for (double& w : stage.W)
            w *= alpha;

    check(data.rank() >= 1, node, "what it multiplies has no dimensions");
    const std::size_t last = data.rank() - 1;
    set_role(node, data, last, Role::features);
    require_one(node, data);
    const std::int64_t given = data.axes[last].empty() ? 1 : chain_[data.point()].features;
    check(given < 0 || given == stage.input, node, "it takes ", stage.input, " features, but the ones before are ",
          given);
    chain_.points[static_cast<std::size_t>(data.point())].features = stage.input;
    data.axes[last] = {feature_axis};
    const std::int64_t output = stage.output;
    if (gemm && value(node, 2)) {
        const Array<double>* const b = reals(node, 2);
        budget_.take({output}, sizeof(double));
        check(b && (b->data.size() == 1 ||
                    (b->data.size() == static_cast<std::size_t>(output) && b->dims.back() == output)),
              node, "its bias isn't a constant of ", output, " numbers");
        stage.b.assign(static_cast<std::size_t>(output), b->data[0]);
        if (b->data.size() > 1)
            stage.b = b->data;
        const double beta = attributes.real("beta", 1);
        for (double& shift : stage.b)
            shift *= beta;
    }
    return then(node, std::move(data), output, std::move(stage));
}

/// A constant that is added to or multiplied with data: one number, or one for each feature.
inline std::vector<double> Matcher::per_feature(const Node& node, const Data& data, const Array<double>& a) {
    check(!a.data.empty(), node, "its constant is empty");
    budget_.take(a.dims, sizeof(double));
    if (a.data.size() == 1)
        return a.data;
    const auto count = static_cast<std::int64_t>(a.data.size());
    std::size_t along = data.rank();
    for (std::size_t k = 0; k < a.rank(); ++k)
        if (a.dims[k] != 1) {
            check(along == data.rank() && a.rank() <= data.rank(), node,
                  "its constant has several dimensions, expected one number or one for each feature");
            along = data.rank() - a.rank() + k;
        }
    Data copy = data;
    set_role(node, copy, along, Role::features);
    const std::int64_t features = copy.axes[along].empty() ? 1 : chain_[data.point()].features;
    check(features == count, node, "its constant has ", count, " numbers, expected one or ", features,
          ", one for each feature");
    return a.data;
}

/// Add, Sum of two, Sub, Mul or Div: with a constant, or of two values that the net computes.
inline Data Matcher::affine(const Node& node, Data data) {
    const std::string_view op = node.op_type == "Sum" ? "Add" : node.op_type;
    check(node.inputs.size() == 2 && value(node, 0) && value(node, 1), node, "it hasn't two inputs");
    const bool first = is_data(node, 0), second = is_data(node, 1);
    if (first && second) {
        check(op == "Add", node, "no layer computes ", op, " of two values of the net");
        return sum_of(node, data, std::get<Data>(*value(node, 1)));
    }
    const Constant& other = std::get<Constant>(*value(node, first ? 1 : 0));
    const Filled* const filled = std::get_if<Filled>(&other);
    const Array<double>* const a = reals(node, first ? 1 : 0);
    check(a || (filled && filled->real), node, "its constant isn't of floats");
    std::vector<double> numbers = a ? per_feature(node, data, *a) : std::vector<double>{filled->value};
    AffineStage stage{{1}, {0}};
    if (op == "Add")
        stage.shift = std::move(numbers);
    else if (op == "Mul")
        stage.scale = std::move(numbers);
    else if (op == "Sub") {
        for (double& x : numbers)
            x = first ? -x : x;
        stage.shift = std::move(numbers);
        stage.scale = {first ? 1.0 : -1.0};
    } else {
        check(first, node, "no layer divides by what the net computes");
        for (double& x : numbers)
            x = 1 / x;
        stage.scale = std::move(numbers);
    }
    const std::int64_t features = chain_[data.point()].features;
    return then(node, std::move(data), features, std::move(stage));
}

/// Of two directions, or a residual: one of the two is an ancestor of the other.
inline Data Matcher::sum_of(const Node& node, const Data& a, const Data& b) {
    require_one(node, a);
    require_one(node, b);
    check(a.axes.size() == b.axes.size(), node, "it adds values of ", a.rank(), " and ", b.rank(), " dimensions");
    const RecurrentStage *x = chain_.stage<RecurrentStage>(a.point()), *y = chain_.stage<RecurrentStage>(b.point());
    if (x && y && x->reverse != y->reverse && chain_[a.point()].parent == chain_[b.point()].parent)
        return at(a, x->reverse ? bidirectional(node, b.point(), a.point(), true)
                                : bidirectional(node, a.point(), b.point(), true));
    // A part of x ends a branch of its own: what counts is where it was taken from.
    const auto origin = [&](const Data& data) {
        return chain_.stage<FirstFeaturesStage>(data.point()) ? chain_[data.point()].parent : data.point();
    };
    const bool a_is_deeper = chain_[origin(a)].depth >= chain_[origin(b)].depth;
    const Data &f = a_is_deeper ? a : b, &skip = a_is_deeper ? b : a;
    const Index from = origin(skip);
    Index k = f.point();
    while (k != from && chain_[k].depth > chain_[from].depth)
        k = chain_[k].parent;
    check(k == from && f.point() != from, node, "it adds values of two branches, expected a value and one before it");
    Data left = f, right = skip;
    for (std::size_t d = 0; d < f.rank(); ++d) {
        if (left.axes[d] == right.axes[d] && left.axes[d] != Axis{feature_axis})
            continue;
        set_role(node, left, d, Role::features);
        set_role(node, right, d, Role::features);
        check(left.axes[d].empty() == right.axes[d].empty() || chain_[f.point()].features == 1, node,
              "it adds values whose dimensions ", d, " differ");
    }
    const std::int64_t features = chain_[f.point()].features, others = chain_[skip.point()].features;
    check(others == features || others < 0, node, "it adds ", features, " and ", others, " features");
    for (const Index stage : chain_.path(from, f.point()))
        check(!chain_.stage<EndStage>(stage) && !chain_.stage<BothEndsStage>(stage), node,
              "it adds one step to all steps before it");
    return at(f, add_point(node, from, features, ResidualStage{from, f.point()}));
}

inline Data Matcher::batch_norm(const Node& node, Data data) {
    check(data.rank() >= 2 && is_data(node, 0), node, "what it normalizes isn't what the net computes");
    set_role(node, data, 1, Role::features);
    const Attributes attributes(source_, node);
    check(attributes.integer("training_mode", 0) == 0, node, "it is in training mode; export the model in eval mode");
    const std::int64_t features = data.axes[1].empty() ? 1 : chain_[data.point()].features;
    check(features >= 1, node, "the number of features that it normalizes isn't known");
    const auto count = static_cast<std::size_t>(features);
    const Array<double>* all[4];
    for (std::size_t k = 0; k < 4; ++k) {
        all[k] = reals(node, k + 1);
        check(all[k] && all[k]->data.size() == count, node, "its input ", k + 1, " isn't a constant of ", features,
              " numbers, one for each feature");
        budget_.take(all[k]->dims, sizeof(double));
    }
    const double epsilon = attributes.real("epsilon", 1e-5);
    NormStage stage{all[0]->data, all[1]->data, all[2]->data, all[3]->data, epsilon};
    return then(node, std::move(data), features, std::move(stage));
}

/// LayerNormalization of the features alone.
inline Data Matcher::layer_norm(const Node& node, Data data) {
    check(is_data(node, 0) && data.rank() >= 1, node, "what it normalizes isn't what the net computes");
    const Attributes attributes(source_, node);
    const std::int64_t given = attributes.integer("axis", -1);
    const auto axis = axis_of(given, data.rank());
    check(axis && *axis + 1 == data.rank(), node, "its axis is ", given, " of ", data.rank(),
          " dimensions, expected the last, which has the features");
    set_role(node, data, *axis, Role::features);
    const std::int64_t features = data.axes[*axis].empty() ? 1 : chain_[data.point()].features;
    check(features >= 1, node, "the number of features that it normalizes isn't known");
    const auto numbers = [&](std::size_t k, const char* what) {
        const Array<double>* const a = reals(node, k);
        check(a && a->rank() >= 1 && a->dims.back() == features && a->data.size() == static_cast<std::size_t>(features),
              node, "its ", what, " isn't a constant of ", features, " numbers, one for each feature");
        budget_.take(a->dims, sizeof(double));
        return a->data;
    };
    LayerNormStage stage{numbers(1, "scale"), {}, attributes.real("epsilon", 1e-5)};
    stage.beta = value(node, 2) ? numbers(2, "bias") : std::vector<double>(stage.gamma.size());
    return then(node, std::move(data), features, std::move(stage));
}

/// One slope of at least 0 is a LeakyReLU; others are those of the features.
inline Data Matcher::prelu(const Node& node, Data data) {
    const Array<double>* const slope = reals(node, 1);
    check(slope && is_data(node, 0), node, "its slope isn't a constant");
    std::vector<double> slopes = per_feature(node, data, *slope);
    const std::int64_t features = chain_[data.point()].features;
    if (slopes.size() == 1 && slopes[0] >= 0)
        return then(node, std::move(data), features, ActivationStage{Activation::leaky_relu(slopes[0])});
    check(features >= 1, node, "its slope is ", slopes[0],
          " for as many features as aren't known, expected at least 0");
    budget_.take({features}, sizeof(double));
    if (slopes.size() == 1)
        slopes.assign(static_cast<std::size_t>(features), slopes[0]);
    return then(node, std::move(data), features, PReluStage{std::move(slopes)});
}

inline Data Matcher::dropout(const Node& node, Data data) {
    const double rate = scalar(node, 1).value_or(Attributes(source_, node).real("ratio", 0.5));
    check(rate >= 0 && rate < 1, node, "its ratio is ", rate, ", expected 0 <= ratio < 1");
    if (rate == 0)
        return data;
    const std::int64_t features = chain_[data.point()].features;
    return then(node, std::move(data), features, DropoutStage{rate});
}

/// The function of an elementwise node; none if it is another operator.
inline std::optional<Activation> Matcher::activation(const Node& node) const {
    const std::string_view op = node.op_type;
    const Attributes attributes(source_, node);
    const auto slope = [&](double otherwise) {
        const double alpha = attributes.real("alpha", otherwise);
        check(alpha >= 0, node, "its alpha is ", alpha, ", expected at least 0, as the derivative needs it");
        return alpha;
    };
    if (op == "Tanh")
        return Activation::tanh;
    if (op == "Sigmoid")
        return Activation::sigmoid;
    if (op == "Relu")
        return Activation::relu;
    if (op == "Softplus")
        return Activation::softplus;
    if (op == "Softsign")
        return Activation::softsign;
    if (op == "Exp")
        return Activation::exponential;
    if (op == "Selu") {
        const double alpha = attributes.real("alpha", 1.6732632), gamma = attributes.real("gamma", 1.0507010);
        check(std::abs(alpha - 1.6732632) < 1e-6 && std::abs(gamma - 1.0507010) < 1e-6, node,
              "its alpha and gamma are ", alpha, " and ", gamma,
              ", expected those of the paper, 1.6732632 and 1.050701");
        return Activation::selu;
    }
    if (op == "LeakyRelu")
        return Activation::leaky_relu(slope(0.01));
    if (op == "Elu")
        return Activation::elu(slope(1));
    if (op == "HardSigmoid")
        return Activation::hard_sigmoid(attributes.real("alpha", 0.2), attributes.real("beta", 0.5));
    if (op == "ThresholdedRelu")
        return Activation::thresholded_relu(attributes.real("alpha", 1));
    if (op == "Clip") {
        const auto low = value(node, 1) ? scalar(node, 1) : std::optional(attributes.real("min", -HUGE_VAL)),
                   high = value(node, 2) ? scalar(node, 2) : std::optional(attributes.real("max", HUGE_VAL));
        check(low && high && *high > 0 && (*low == 0 || *low == -*high), node,
              "it cuts to other bounds than 0 … max or -max … max");
        const Activation f = *low == 0 ? Activation::relu : Activation::linear;
        return std::isinf(*high) ? f : f.clipped(*high);
    }
    return std::nullopt;
}

} // namespace carousel::detail::onnx
