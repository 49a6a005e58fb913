// A Model from an architecture line and the modules of a file.
#pragma once

#include "carousel/io/pytorch/architecture.hpp"
#include "carousel/io/pytorch/walk.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

template <class S>
class TorchBuilder {
  public:
    /// Both live as long as this.
    TorchBuilder(TorchMatch& match, const Input& input) : match_(match), input_(input) {}

    /// `features`: of the input, if they are known; else -1. Throws if a step finds no module or doesn't fit the one before.
    Model<S> model(const std::vector<TorchStep>& steps, Index features = -1) {
        Model<S> result;
        for (const TorchStep& step : steps) {
            step_ = &step;
            add(result, step, features);
            if (const Index input = result.input_size(); input > 0)
                features = result.output_size(input);
        }
        return result;
    }

  private:
    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        input_.check(holds, "the architecture: character ", step_->at + 1, ": ", shown(step_->written), " ", parts...);
    }

    template <class L>
    void append(Model<S>& model, L layer) const {
        instead_of<std::invalid_argument>([&] { model.add(std::move(layer)); },
                                          [&](const std::invalid_argument& error) {
                                              check(false, "doesn't fit the steps before it: ", error.what());
                                          });
    }

    const TorchStep::Value* value(const char* name) const {
        const auto found = step_->values.find(name);
        return found == step_->values.end() ? nullptr : &found->second;
    }
    double number(const char* name, double otherwise) const {
        const auto* const given = value(name);
        const auto* const number = given ? std::get_if<double>(given) : nullptr;
        check(!given || (number && std::isfinite(*number)), "needs a number as ", name);
        return number ? *number : otherwise;
    }
    Index whole(const char* name, Index otherwise, Index least) const {
        const double given = number(name, static_cast<double>(otherwise));
        check(!value(name) || (given == std::floor(given) && given >= static_cast<double>(least) && given <= 0x1p31),
              "needs a whole number of at least ", least, " as ", name);
        return static_cast<Index>(given);
    }
    std::optional<bool> truth(const char* name) const {
        const auto* const given = value(name);
        const auto* const truth = given ? std::get_if<bool>(given) : nullptr;
        check(!given || truth, "needs True or False as ", name);
        return truth ? std::optional(*truth) : std::nullopt;
    }

    void add(Model<S>& model, const TorchStep& step, Index features) {
        const std::string& type = step.type;
        if (type == "lstm" || type == "gru" || type == "rnn")
            add_recurrent(model, features);
        else if (type == "linear") {
            const TorchUnit& unit = take(TorchKind::matrix, "in_features", "out_features", features);
            append(model, with_weights(Dense<S>{unit.input, unit.output, {.initialize = false}}, unit));
        } else if (type == "embedding")
            add_embedding(model);
        else if (type == "conv1d")
            add_convolution(model, features);
        else if (type == "batchnorm1d")
            add_batch_norm(model, features);
        else if (type == "layernorm")
            add_layer_norm(model, features);
        else if (type == "prelu")
            add_prelu(model, features);
        else if (type == "residual") {
            Model<S> inner = TorchBuilder(match_, input_).model(step.inner, features);
            instead_of<std::invalid_argument>(
                [&] { model.add(Residual<Model<S>>(std::move(inner))); },
                [&](const std::invalid_argument& error) { check(false, "can't be: ", error.what()); });
        } else if (type == "last")
            append(model, LastStep{});
        else if (type == "both_ends")
            append(model, BothEnds{});
        else if (type == "dropout") {
            const double rate = number("p", 0.5);
            check(rate >= 0 && rate < 1, "needs 0 <= p < 1");
            append(model, Dropout{rate});
        } else if (type == "softmax") {
            check(number("dim", -1) == -1, "is only known over the features; leave out dim if it is");
            append(model, Softmax{});
        } else if (type != "identity")
            append(model, Activate{activation(type)});
    }

    Activation activation(const std::string& type) const {
        if (type == "relu")
            return Activation::relu;
        if (type == "relu6")
            return Activation::relu.clipped(6);
        if (type == "tanh")
            return Activation::tanh;
        if (type == "sigmoid")
            return Activation::sigmoid;
        if (type == "hardsigmoid") // relu6(x + 3)/6
            return Activation::hard_sigmoid(1.0 / 6, 0.5);
        if (type == "hardtanh")
            return Activation::linear.clipped(1);
        if (type == "softsign")
            return Activation::softsign;
        if (type == "softplus")
            return Activation::softplus;
        if (type == "leakyrelu") {
            const double slope = number("negative_slope", 0.01);
            check(slope >= 0, "needs negative_slope >= 0");
            return Activation::leaky_relu(slope);
        }
        check(type == "elu", "isn't known");
        const double alpha = number("alpha", 1);
        check(alpha >= 0, "needs alpha >= 0");
        return Activation::elu(alpha);
    }

    const TorchUnit& take(LayerNeed need) {
        need.what = "the architecture: character " + std::to_string(step_->at + 1) + ": " + shown(step_->written);
        need.module = step_->module;
        const TorchUnit& unit = match_.take(need);
        if (const auto bias = truth("bias"))
            check(*bias == unit.has_bias(), "says bias=", *bias ? "True" : "False", ", but ", unit_text(unit), " has ",
                  unit.has_bias() ? "one" : "none");
        return unit;
    }
    /// One whose sizes are given by arguments of these names, or are the file's.
    const TorchUnit& take(TorchKind kind, const char* input, const char* output, Index features) {
        return take({.what = {}, .kind = kind, .input = whole(input, features, 1), .output = whole(output, -1, 1)});
    }

    template <class L>
    static L with_weights(L layer, const TorchUnit& unit) {
        TorchLayer<L>::set(layer, unit);
        return layer;
    }

    void add_embedding(Model<S>& model) {
        const TorchUnit& unit = take({.what = {},
                                      .kind = TorchKind::matrix,
                                      .embedding = true,
                                      .input = whole("num_embeddings", -1, 1),
                                      .output = whole("embedding_dim", -1, 1)});
        const Index vocabulary = unit.output;
        constexpr Index most = power_of_two(std::numeric_limits<S>::digits);
        check(vocabulary <= most, "has ", vocabulary, " tokens, expected at most ", most,
              ", which the scalar type tells apart");
        EmbeddingOptions options{.initialize = false};
        if (value("padding_idx")) {
            options.padding = whole("padding_idx", 0, 0);
            check(*options.padding < vocabulary, "needs a padding_idx below ", vocabulary);
        }
        Embedding<S> layer{vocabulary, unit.input, options};
        const std::string refused = TorchLayer<Embedding<S>>::refused(layer, unit);
        check(refused.empty(), refused);
        append(model, with_weights(std::move(layer), unit));
    }

    void add_convolution(Model<S>& model, Index features) {
        check(number("groups", 1) == 1, "has groups, which no layer here has");
        const auto* const padding = value("padding");
        const auto* const text = padding ? std::get_if<std::string>(padding) : nullptr;
        check(
            text ? *text == "causal" || *text == "valid" : number("padding", 0) == 0,
            "pads both ends, which no layer here does; padding is 'causal' where the steps before the first are zeros, "
            "else 0");
        const TorchUnit& unit = take({.what = {},
                                      .kind = TorchKind::convolution,
                                      .input = whole("in_channels", features, 1),
                                      .output = whole("out_channels", -1, 1),
                                      .kernel = whole("kernel_size", -1, 1)});
        const Conv1DOptions options{.dilation = whole("dilation", 1, 1),
                                    .stride = whole("stride", 1, 1),
                                    .padding = text && *text == "causal" ? Padding::causal : Padding::valid,
                                    .initialize = false};
        instead_of<std::invalid_argument>(
            [&] {
                model.add(with_weights(Conv1D<S>{unit.input, unit.output, unit.kernel, options}, unit));
            },
            [&](const std::invalid_argument& error) { check(false, "can't be: ", error.what()); });
    }

    void add_batch_norm(Model<S>& model, Index features) {
        const Index size = whole("num_features", features, 1);
        const TorchUnit& unit = take({.what = {}, .kind = TorchKind::batch_norm, .input = size, .output = size});
        const double epsilon = number("eps", 1e-5);
        check(epsilon >= 0, "needs eps >= 0");
        BatchNorm<S> layer{unit.output, {.epsilon = epsilon}};
        const std::string refused = TorchLayer<BatchNorm<S>>::refused(layer, unit);
        check(refused.empty(), refused);
        append(model, with_weights(std::move(layer), unit));
    }

    void add_layer_norm(Model<S>& model, Index features) {
        const Index size = whole("normalized_shape", features, 1);
        check(truth("elementwise_affine").value_or(true) && truth("bias").value_or(true),
              "has no weights, or no bias; only one that has both is known");
        const TorchUnit& unit = take({.what = {}, .kind = TorchKind::layer_norm, .input = size, .output = size});
        const double epsilon = number("eps", 1e-5);
        check(static_cast<S>(epsilon) > 0, "needs eps > 0");
        append(model, with_weights(LayerNorm<S>{unit.output, {.epsilon = epsilon}}, unit));
    }

    /// A slope for each feature; of one slope for all, each gets a copy.
    void add_prelu(Model<S>& model, Index features) {
        const Index size = whole("num_parameters", -1, 1);
        const Index wanted = size > 1 || features < 0 ? size : features;
        const TorchUnit& unit = take({.what = {}, .kind = TorchKind::prelu, .input = wanted, .output = wanted});
        check(size < 0 || size == unit.input, "says num_parameters=", size, ", but ", unit_text(unit), " has ",
              unit.input);
        append(model, with_weights(PReLU<S>{unit.input == 1 && features > 0 ? features : unit.input}, unit));
    }

    /// All levels of a module, from the next one or the named.
    void add_recurrent(Model<S>& model, Index features) {
        const std::string& type = step_->type;
        check(whole("proj_size", 0, 0) == 0, "has a proj_size, which projects h; there is no such layer here");
        const double dropout = number("dropout", 0);
        check(dropout >= 0 && dropout < 1, "needs 0 <= dropout < 1");
        const Index levels = whole("num_layers", -1, 1);
        LayerNeed need{.what = {},
                       .kind = TorchKind::recurrent,
                       .gates = type == "lstm"  ? 4
                                : type == "gru" ? 3
                                                : 1,
                       .input = whole("input_size", features, 1),
                       .output = whole("hidden_size", -1, 1),
                       .bidirectional = truth("bidirectional")};
        const TorchUnit* unit = &take(need);
        need.output = unit->output;
        need.bidirectional = unit->bidirectional();
        need.input = unit->output * (unit->bidirectional() ? 2 : 1);
        for (Index level = 0;; ++level) {
            if (type == "lstm")
                append_recurrent(model, LSTM<S>{unit->input, unit->output, {}, {.initialize = false}}, *unit);
            else if (type == "gru")
                append_recurrent(model, GRU<S>{unit->input, unit->output, {}, {.initialize = false}}, *unit);
            else
                append_recurrent(
                    model,
                    SimpleRNN<S>{unit->input, unit->output, {.activation = nonlinearity()}, {.initialize = false}},
                    *unit);
            if (!match_.following()) {
                check(levels < 0 || level + 1 == levels, "says num_layers=", levels, ", but \"", shown(unit->module),
                      "\" has ", level + 1);
                return;
            }
            if (dropout > 0)
                append(model, Dropout{dropout});
            unit = &take(need);
        }
    }

    Activation nonlinearity() const {
        const auto* const given = value("nonlinearity");
        const auto* const text = given ? std::get_if<std::string>(given) : nullptr;
        check(!given || (text && (*text == "tanh" || *text == "relu")), "needs 'tanh' or 'relu' as nonlinearity");
        return text && *text == "relu" ? Activation::relu : Activation::tanh;
    }

    template <class L>
    void append_recurrent(Model<S>& model, L layer, const TorchUnit& unit) const {
        if (unit.bidirectional())
            append(model, with_weights(Bidirectional<L>{std::move(layer)}, unit));
        else
            append(model, with_weights(std::move(layer), unit));
    }

    TorchMatch& match_;
    const Input& input_;
    const TorchStep* step_ = nullptr;
};

} // namespace carousel::detail
