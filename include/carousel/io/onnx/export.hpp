// A Model as an ONNX graph.
#pragma once

#include "carousel/io/onnx/build_model.hpp"
#include "carousel/io/onnx/recurrent_export.hpp"
#include "carousel/model/fast_gates.hpp"

#include <array>

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// Writes layer after layer. Inside the graph a sequence is (time, batch, features), or tokens (time, batch).
template <std::floating_point S>
class Exporter {
  public:
    /// `states`: the recurrent layers' states are inputs and outputs. `state`: of one sequence, where all begin; empty: zero.
    /// `where` is the public function that was called; messages begin with it.
    Exporter(const char* where, bool states, const std::vector<Matrix<S>>& state)
        : where_(where), states_(states), state_(state) {}

    std::string write(const Model<S>& model, const Metadata& metadata) {
        require(model.size() > 0, where_, "the model has no layers");
        features_ = model.input_size();
        require(features_ > 0, where_,
                "the model takes any number of features; begin it with a layer that takes a "
                "certain number, as Dense");
        const bool tokens = model.takes_tokens();
        std::vector<NamedSize> dims{"batch", "time"};
        if (!tokens)
            dims.emplace_back(features_);
        graph_.input("x", tokens ? DataType::int64 : type, dims);
        input_ = "x";
        x_ = tokens ? transposed("x", {1, 0}) : transposed("x", {1, 0, 2});
        row(model);
        require(state_.empty() || used_ == state_.size(), where_, "the state has ", state_.size(),
                " matrices, expected ", used_, ", or none for zero");
        graph_.add("Transpose", {x_}, {"y"}, {{"perm", std::vector<std::int64_t>{1, 0, 2}}});
        graph_.output("y", type, {"batch", "steps", features_});
        for (const auto& [name, final_dims] : finals_)
            graph_.output(name, type, final_dims);
        return graph_.file(metadata);
    }

  private:
    static constexpr DataType type = GraphWriter::type_of<S>();

    std::string transposed(const std::string& x, const std::vector<std::int64_t>& order) {
        return graph_.node("Transpose", {x}, {{"perm", order}});
    }
    std::string constant(double value) { return graph_.tensor({}, std::vector<S>{static_cast<S>(value)}); }
    std::string where(const std::string& name) const {
        return std::string(where_) + ": layer " + path_ + " (" + name + ")";
    }
    /// Takes a part along the last dimension.
    std::string features_of(const std::string& x, std::int64_t first, std::int64_t end) {
        return graph_.node("Slice", {x, graph_.integers({first}), graph_.integers({end}), graph_.integers({2})});
    }
    std::string step_of(const std::string& x, std::int64_t step) {
        return graph_.node("Gather", {x, graph_.integers({step})}, {{"axis", std::int64_t(0)}});
    }

    template <class Row>
    void row(const Row& model) {
        const std::string outer = path_;
        model.each_layer([&](auto k, const auto& layer) {
            path_ = outer + (outer.empty() ? "" : ".") + decimal(static_cast<std::intmax_t>(std::size_t(k)));
            any(layer);
        });
        path_ = outer;
    }

    void any(const AnyLayer<S>& layer) {
        constexpr Index D = Dynamic;
        const Index before = features_;
        const bool known =
            recurrent<SimpleRNN<S>>(layer) || recurrent<LSTM<S>>(layer) || recurrent<CoupledLSTM<S>>(layer) ||
            recurrent<GRU<S>>(layer) || recurrent<GRU<S, D, D, Reset::before>>(layer) ||
            recurrent<LSTM<S, D, D, ChosenGates>>(layer) || recurrent<CoupledLSTM<S, D, D, ChosenGates>>(layer) ||
            recurrent<GRU<S, D, D, Reset::after, ChosenGates>>(layer) ||
            recurrent<GRU<S, D, D, Reset::before, ChosenGates>>(layer) || if_is<Dense<S>>(layer) ||
            if_is<Conv1D<S>>(layer) || if_is<Embedding<S>>(layer) || if_is<LastStep>(layer) || if_is<BothEnds>(layer) ||
            if_is<FirstStep>(layer) || if_is<BatchNorm<S>>(layer) || if_is<LayerNorm<S>>(layer) ||
            if_is<PReLU<S>>(layer) || if_is<Dropout>(layer) || if_is<Activate>(layer) || if_is<Softmax>(layer) ||
            if_is<Gain>(layer) || if_is<Residual<Model<S>>>(layer) || if_is<Model<S>>(layer);
        require(known, where(layer.name()).c_str(), "ONNX has no operator for it, or it isn't known here",
                fast_gates_advice(layer));
        features_ = layer.output_size(before);
    }
    template <class L>
    bool if_is(const AnyLayer<S>& layer) {
        const L* const target = layer.template target<L>();
        if (!target)
            return false;
        put(*target);
        return true;
    }
    template <class L>
    bool recurrent(const AnyLayer<S>& layer) {
        return if_is<L>(layer) || if_is<Bidirectional<L>>(layer);
    }

    /// Names of initial_h and initial_c, and of Y_h and Y_c, for a node of so many states and directions.
    struct States {
        std::array<std::string, 2> initial, finals;
    };
    States states(int count, std::int64_t directions, std::int64_t hidden, const std::string& name) {
        States names;
        std::vector<const Matrix<S>*> given;
        for (std::int64_t d = 0; d < directions; ++d, ++used_)
            if (used_ < state_.size() && state_[used_].size() > 0) {
                const Matrix<S>& m = state_[used_];
                require(m.rows() == count * hidden && m.cols() == 1, where(name).c_str(), "its state is ", m.rows(),
                        " x ", m.cols(), ", expected ", count * hidden, " x 1");
                given.push_back(&m);
            }
        for (int s = 0; s < count; ++s) {
            const std::string letter(1, "hc"[s]), suffix = letter + "_" + path_;
            const auto k = static_cast<std::size_t>(s);
            if (states_) {
                const std::vector<NamedSize> dims{directions, "batch", hidden};
                names.initial[k] = "initial_" + suffix;
                names.finals[k] = "final_" + suffix;
                graph_.input(names.initial[k], type, dims);
                finals_.push_back({names.finals[k], dims});
            } else if (static_cast<std::int64_t>(given.size()) == directions) {
                std::vector<S> numbers;
                for (const Matrix<S>* m : given)
                    append_rows(numbers, Matrix<S>(m->middleRows(s * hidden, hidden)));
                names.initial[k] = for_any_batch(graph_.tensor({directions, 1, hidden}, numbers), directions, hidden);
            } else
                require(given.empty(), where(name).c_str(), "one of its directions has a state and the other none");
        }
        return names;
    }
    /// A state of one sequence, for as many as the graph's input has.
    std::string for_any_batch(const std::string& state, std::int64_t directions, std::int64_t hidden) {
        const std::string batch =
            graph_.node("Gather", {graph_.node("Shape", {input_}), graph_.integers({0})}, {{"axis", std::int64_t(0)}});
        const std::string shape = graph_.node(
            "Concat", {graph_.integers({directions}), batch, graph_.integers({hidden})}, {{"axis", std::int64_t(0)}});
        return graph_.node("Expand", {state, shape});
    }

    template <class C, Index I, Index H>
    void put(const Recurrent<C, I, H>& layer) {
        const States names = states(C::states, 1, layer.hidden_size(), layer.name());
        const std::string y =
            write_recurrent<C, I, H>(graph_, where(layer.name()), x_, {&layer}, names.initial, names.finals);
        x_ = graph_.node("Squeeze", {y, graph_.integers({1})});
    }
    template <class C, Index I, Index H>
    void put(const Bidirectional<Recurrent<C, I, H>>& layer) {
        const std::int64_t hidden = layer.forward_layer().hidden_size();
        const States names = states(C::states, 2, hidden, layer.name());
        const std::string y =
            write_recurrent<C, I, H>(graph_, where(layer.name()), x_, {&layer.forward_layer(), &layer.reverse_layer()},
                                     names.initial, names.finals);
        if (layer.merge() == Merge::concatenate) {
            x_ = graph_.node("Reshape", {transposed(y, {0, 2, 1, 3}), graph_.integers({0, 0, -1})});
            return;
        }
        std::string parts[2] = {graph_.fresh("forward"), graph_.fresh("reverse")};
        graph_.add("Split", {y, graph_.integers({1, 1})}, {parts[0], parts[1]}, {{"axis", std::int64_t(1)}});
        for (std::string& part : parts)
            part = graph_.node("Squeeze", {part, graph_.integers({1})});
        x_ = graph_.node("Add", {parts[0], parts[1]});
        if (layer.merge() == Merge::average)
            x_ = graph_.node("Mul", {x_, constant(0.5)});
    }
    void put(const Dense<S>& layer) {
        const std::int64_t O = layer.output_size(), I = layer.input_size();
        x_ = graph_.node("MatMul", {x_, graph_.matrix({I, O}, Matrix<S>(layer.W().value.transpose()))});
        x_ = graph_.node("Add", {x_, graph_.matrix({O}, layer.b().value)});
        function(layer.options().activation);
    }
    void put(const Conv1D<S>& layer) {
        require(!states_, where(layer.name()).c_str(),
                "its state, the steps before, can't be an input of ONNX' Conv; leave out .states");
        require(layer.carried_steps() == 0 || used_ >= state_.size() || state_[used_].isZero(0),
                where(layer.name()).c_str(), "its state isn't zero, which ONNX' Conv can't say");
        ++used_;
        const Conv1DOptions& options = layer.options();
        const std::int64_t O = layer.output_size(), I = layer.input_size(), K = layer.kernel();
        std::vector<S> W;
        for (Index o = 0; o < O; ++o)
            for (Index i = 0; i < I; ++i)
                for (Index k = 0; k < K; ++k)
                    W.push_back(layer.W().value(o, k * I + i));
        const std::vector<std::int64_t> pads{layer.carried_steps(), 0};
        x_ = graph_.node("Conv",
                         {transposed(x_, {1, 2, 0}), graph_.tensor({O, I, K}, W), graph_.matrix({O}, layer.b().value)},
                         {{"kernel_shape", std::vector<std::int64_t>{K}},
                          {"dilations", std::vector<std::int64_t>{options.dilation}},
                          {"strides", std::vector<std::int64_t>{options.stride}},
                          {"pads", pads}});
        x_ = transposed(x_, {2, 0, 1});
        function(options.activation);
    }
    void put(const Embedding<S>& layer) {
        x_ = graph_.node(
            "Gather",
            {graph_.matrix({layer.vocabulary(), layer.output_size()}, Matrix<S>(layer.table().value.transpose())), x_});
    }
    void put(const LastStep&) { x_ = step_of(x_, -1); }
    void put(const FirstStep&) { x_ = step_of(x_, 0); }
    void put(const BatchNorm<S>& layer) {
        const std::int64_t F = layer.input_size();
        const auto vector = [&](const Parameter<S>& p) { return graph_.matrix({F}, p.value); };
        x_ = graph_.node("BatchNormalization",
                         {transposed(x_, {1, 2, 0}), vector(layer.gamma()), vector(layer.beta()), vector(layer.mean()),
                          vector(layer.variance())},
                         {{"epsilon", layer.options().epsilon}});
        x_ = transposed(x_, {2, 0, 1});
    }
    void put(const LayerNorm<S>& layer) {
        graph_.need_opset(17);
        const std::int64_t F = layer.input_size();
        x_ = graph_.node("LayerNormalization",
                         {x_, graph_.matrix({F}, layer.gamma().value), graph_.matrix({F}, layer.beta().value)},
                         {{"axis", std::int64_t(-1)}, {"epsilon", layer.options().epsilon}});
    }
    void put(const PReLU<S>& layer) {
        x_ = graph_.node("PRelu", {x_, graph_.matrix({layer.input_size()}, layer.slope().value)});
    }
    void put(const BothEnds&) {
        const std::int64_t half = features_ / 2;
        x_ = graph_.node("Concat", {step_of(features_of(x_, 0, half), -1), step_of(features_of(x_, half, 2 * half), 0)},
                         {{"axis", std::int64_t(2)}});
    }
    void put(const Dropout& layer) {
        x_ = graph_.node("Dropout", {x_, graph_.tensor({}, std::vector<S>{static_cast<S>(layer.rate())})});
    }
    void put(const Activate& layer) { function(layer.activation()); }
    void put(const Softmax&) { x_ = graph_.node("Softmax", {x_}, {{"axis", std::int64_t(-1)}}); }
    void put(const Gain& layer) { x_ = graph_.node("Mul", {x_, constant(layer.factor())}); }
    void put(const Model<S>& model) { row(model); }
    void put(const Residual<Model<S>>& residual) {
        const std::string skip = x_;
        const Index input = features_;
        row(residual.layer());
        const Index output = features_;
        x_ = graph_.node("Add", {x_, output == input ? skip : features_of(skip, 0, output)});
    }

    /// An activation as nodes.
    void function(const Activation& f) {
        using Kind = Activation::Kind;
        if (!std::isinf(f.clip()))
            x_ = graph_.node("Clip", {x_, constant(-f.clip()), constant(f.clip())});
        const auto apply = [&](const char* op, const std::vector<NodeAttribute>& attributes = {}) {
            x_ = graph_.node(op, {x_}, attributes);
        };
        const auto scale = [&](double factor) { x_ = graph_.node("Mul", {x_, constant(factor)}); };
        switch (f.kind()) {
        case Kind::linear:
            return;
        case Kind::tanh:
            return apply("Tanh");
        case Kind::sigmoid:
            return apply("Sigmoid");
        case Kind::relu:
            return apply("Relu");
        case Kind::affine:
            scale(f.alpha());
            x_ = graph_.node("Add", {x_, constant(f.beta())});
            return;
        case Kind::leaky_relu:
            return apply("LeakyRelu", {{"alpha", f.alpha()}});
        case Kind::thresholded_relu:
            return apply("ThresholdedRelu", {{"alpha", f.alpha()}});
        case Kind::scaled_tanh:
            scale(f.beta());
            apply("Tanh");
            return scale(f.alpha());
        case Kind::hard_sigmoid:
            return apply("HardSigmoid", {{"alpha", f.alpha()}, {"beta", f.beta()}});
        case Kind::elu:
            return apply("Elu", {{"alpha", f.alpha()}});
        case Kind::softsign:
            return apply("Softsign");
        case Kind::softplus:
            return apply("Softplus");
        case Kind::selu:
            return apply("Selu");
        case Kind::exponential:
            return apply("Exp");
        }
    }

    const char* where_;
    bool states_;
    const std::vector<Matrix<S>>& state_;
    std::size_t used_ = 0; // matrices of the state
    GraphWriter graph_;
    std::string input_, x_, path_; // x_: what the layers before give; path_: the layer's place, as "2.0"
    std::vector<std::pair<std::string, std::vector<NamedSize>>> finals_; // outputs besides y
    Index features_ = 0;
};

} // namespace carousel::detail::onnx
