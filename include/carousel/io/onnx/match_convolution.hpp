// The part of Matcher that finds convolutions over time. Include match.hpp.
#pragma once

#include "carousel/io/onnx/matcher.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// The weights of a convolution in groups, O × (I / groups) × K, as those of one without: zeros where outputs don't see
/// inputs.
inline std::vector<double> Matcher::whole_kernel(const Array<double>& W, std::int64_t groups, std::int64_t kernel) {
    budget_.take({groups, W.dims[0], W.dims[1], kernel}, sizeof(double));
    if (groups == 1)
        return W.data;
    const auto O = static_cast<std::size_t>(W.dims[0]), row = static_cast<std::size_t>(W.dims[1] * kernel),
               count = static_cast<std::size_t>(groups);
    std::vector<double> whole(O * count * row, 0.0);
    for (std::size_t o = 0; o < O; ++o) {
        const std::size_t group = o / (O / count);
        std::copy_n(W.data.begin() + static_cast<std::ptrdiff_t>(o * row), row,
                    whole.begin() + static_cast<std::ptrdiff_t>((o * count + group) * row));
    }
    return whole;
}

/// A Conv over time: X batch x features x time.
inline Data Matcher::convolution(const Node& node, Data data) {
    const Attributes attributes(source_, node);
    const Array<double>* const W = reals(node, 1);
    check(W && W->rank() == data.rank() && data.rank() >= 3 && is_data(node, 0), node,
          "it isn't a convolution of what the net computes with constant weights");
    constexpr std::int64_t most = 1 << 24;
    const std::int64_t groups = attributes.integer("group", 1);
    check(groups >= 1 && W->dims[0] % groups == 0 && W->dims[1] <= most / groups, node, "it has ", groups,
          " groups, which don't divide its ", W->dims[0], " outputs, or are too many");
    const std::size_t spatial = data.rank() - 2;
    std::size_t time = 2;
    for (std::size_t k = 2; k < data.rank(); ++k)
        if (!data.axes[k].empty())
            time = k;
    const auto list = [&](const char* name, std::size_t count, std::int64_t otherwise) {
        Dims values = attributes.integers(name);
        if (values.empty())
            values.assign(count, otherwise);
        check(values.size() == count, node, name, " has ", values.size(), " numbers, expected ", count);
        return values;
    };
    const Dims dilations = list("dilations", spatial, 1), strides = list("strides", spatial, 1),
               pads = list("pads", 2 * spatial, 0);
    ConvStage stage;
    stage.output = W->dims[0], stage.input = groups * W->dims[1], stage.kernel = W->dims[time];
    stage.dilation = dilations[time - 2], stage.stride = strides[time - 2];
    stage.left = pads[time - 2], stage.right = pads[spatial + time - 2];
    check(stage.output >= 1 && stage.input >= 1 && stage.kernel >= 1 && stage.kernel <= most && stage.dilation >= 1 &&
              stage.dilation <= most && stage.stride >= 1 && stage.stride <= most && stage.left >= 0 &&
              stage.left <= most * most && stage.right >= 0 && stage.right <= most * most,
          node, "its kernel, dilation, stride or pads are out of range");
    for (std::size_t k = 2; k < data.rank(); ++k)
        check(k == time || (data.axes[k].empty() && W->dims[k] == 1 && pads[k - 2] == 0 && pads[spatial + k - 2] == 0),
              node, "it runs over two dimensions, expected time alone");
    const std::string_view auto_pad = attributes.text("auto_pad", "NOTSET");
    check(auto_pad == "NOTSET" || auto_pad == "VALID" || stage.kernel == 1, node, "auto_pad is ", in_quotes(auto_pad),
          ", expected VALID, or pads");

    require_one(node, data);
    set_role(node, data, 0, Role::batch);
    set_role(node, data, 1, Role::features);
    set_role(node, data, time, Role::time);
    const std::int64_t given = data.axes[1].empty() ? 1 : chain_[data.point()].features;
    check(given < 0 || given == stage.input, node, "it takes ", stage.input, " features, but the ones before are ",
          given);
    Index parent = data.point();
    if (const PadStage* pad = chain_.stage<PadStage>(parent)) {
        stage.left += pad->left, stage.right += pad->right;
        parent = chain_[parent].parent;
    }
    chain_.points[static_cast<std::size_t>(parent)].features = stage.input;
    stage.W = whole_kernel(*W, groups, stage.kernel);
    if (value(node, 2)) {
        const Array<double>* const b = reals(node, 2);
        check(b && b->data.size() == static_cast<std::size_t>(stage.output), node, "its bias isn't a constant of ",
              stage.output, " numbers");
        budget_.take(b->dims, sizeof(double));
        stage.b = b->data;
    }
    data.axes[1] = {feature_axis};
    for (const int part : data.axes[time])
        data.sizes[static_cast<std::size_t>(part)] = -1;
    data.points = {parent};
    const std::int64_t output = stage.output;
    return then(node, std::move(data), output, std::move(stage));
}

/// Zero steps around a sequence: a part of a Conv.
inline Data Matcher::padded(const Node& node, Data data) {
    const Attributes attributes(source_, node);
    const auto integers = [&](std::size_t k) {
        const Constant* const constant = std::get_if<Constant>(value(node, k));
        const Integers* const numbers = constant ? std::get_if<Integers>(constant) : nullptr;
        const bool few = numbers && (*numbers)->data.size() <= 2 * most_dimensions;
        return few ? known_values((*numbers)->data) : std::nullopt;
    };
    std::optional<Dims> given = value(node, 1) ? integers(1) : attributes.integers("pads");
    if (given && value(node, 3)) { // pads of some dimensions alone
        const auto axes = integers(3);
        Dims all(2 * data.rank(), 0);
        bool fit = axes && given->size() == 2 * axes->size();
        for (std::size_t n = 0; fit && n < axes->size(); ++n) {
            const auto k = axis_of((*axes)[n], data.rank());
            fit = k.has_value();
            if (fit)
                all[*k] = (*given)[n], all[data.rank() + *k] = (*given)[axes->size() + n];
        }
        given = fit ? std::optional(all) : std::nullopt;
    }
    check(attributes.text("mode", "constant") == "constant" && scalar(node, 2).value_or(0) == 0 &&
              attributes.real("value", 0) == 0 && given && given->size() == 2 * data.rank(),
          node, "it pads with something else than zeros, or by an unknown number");
    const Dims& pads = *given;
    PadStage stage;
    for (std::size_t k = 0; k < data.rank(); ++k) {
        const std::int64_t before = pads[k], after = pads[data.rank() + k];
        constexpr std::int64_t most = std::int64_t(1) << 48;
        check(before >= 0 && after >= 0 && before <= most && after <= most, node, "it pads by ", before, " and ",
              after);
        if (before == 0 && after == 0)
            continue;
        set_role(node, data, k, Role::time);
        check(!data.axes[k].empty(), node, "it pads a dimension that isn't time");
        stage = {before, after};
        data.sizes[static_cast<std::size_t>(data.axes[k][0])] = -1;
    }
    if (stage.left == 0 && stage.right == 0)
        return data;
    const std::int64_t features = chain_[data.point()].features;
    return then(node, std::move(data), features, stage);
}

} // namespace carousel::detail::onnx
