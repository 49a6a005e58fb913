// Layers made of the recurrent stages of an ONNX graph, and layers that are given their weights.
#pragma once

#include "carousel/io/onnx/chain.hpp"
#include "carousel/io/recurrent_weights.hpp"
#include "carousel/layer/bidirectional.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

template <class S>
Matrix<S> matrix_of(const std::vector<double>& row_major, Index rows, Index columns) {
    using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    return Eigen::Map<const RowMajor>(row_major.data(), rows, columns).template cast<S>();
}

/// The weights of one direction, in ONNX' order.
template <class S>
RecurrentWeights<S> weights_of(const RecurrentStage& stage) {
    const Index H = stage.hidden, rows = stage.gates() * H;
    RecurrentWeights<S> weights{matrix_of<S>(stage.W, rows, stage.input), matrix_of<S>(stage.R, rows, H), {}, {}, {}};
    if (!stage.b.empty()) {
        weights.b = matrix_of<S>(stage.b, rows, 1);
        weights.b_recurrent = matrix_of<S>(stage.b_recurrent, rows, 1);
    }
    if (!stage.P.empty())
        weights.P = matrix_of<S>(stage.P, 3, H).transpose();
    return weights;
}

/// The initial state that the file has: h over c, units × sequences; empty if it has none.
template <class S>
Matrix<S> state_of(const RecurrentStage& stage) {
    if (stage.h.empty())
        return {};
    const Index H = stage.hidden, batch = static_cast<Index>(stage.h.size()) / H;
    const Matrix<S> h = matrix_of<S>(stage.h, batch, H).transpose();
    if (stage.kind != RecurrentStage::Kind::lstm)
        return h;
    Matrix<S> state(2 * H, batch);
    state << h, matrix_of<S>(stage.c, batch, H).transpose();
    return state;
}

/// Which stages a cell can be, and the cell of a stage.
template <class C>
struct CellOf;

template <class S>
struct CellOf<SimpleRnnCell<S>> {
    static bool fits(const RecurrentStage& s) { return s.kind == RecurrentStage::Kind::rnn; }
    static SimpleRnnCell<S> make(const RecurrentStage& s) { return {s.functions[0]}; }
    static std::vector<Activation> functions(const SimpleRnnCell<S>& cell) { return {cell.activation}; }
    static bool peephole(const SimpleRnnCell<S>&) { return false; }
};

template <class S, bool coupled, class Gates>
struct CellOf<LstmCell<S, coupled, Gates>> {
    using C = LstmCell<S, coupled, Gates>;
    static bool fits(const RecurrentStage& s) { return s.kind == RecurrentStage::Kind::lstm && s.coupled == coupled; }
    static C make(const RecurrentStage& s) {
        if constexpr (std::same_as<Gates, ChosenGates>)
            return {!s.P.empty(), {s.functions[0], s.functions[1], s.functions[2]}};
        else
            return {!s.P.empty(), {}};
    }
    static std::vector<Activation> functions(const C& cell) { return {cell.gates.f, cell.gates.g, cell.gates.h}; }
    static bool peephole(const C& cell) { return cell.peephole; }
};

template <class S, Reset reset, class Gates>
struct CellOf<GruCell<S, reset, Gates>> {
    using C = GruCell<S, reset, Gates>;
    static bool fits(const RecurrentStage& s) {
        return s.kind == RecurrentStage::Kind::gru && s.reset_after == (reset == Reset::after);
    }
    static C make(const RecurrentStage& s) {
        if constexpr (std::same_as<Gates, ChosenGates>)
            return {{s.functions[0], s.functions[1]}};
        else
            return {};
    }
    static std::vector<Activation> functions(const C& cell) { return {cell.gates.f, cell.gates.g}; }
    static bool peephole(const C&) { return false; }
};

/// Whether σ and tanh are a stage's functions, so that they are known at compile time.
inline bool has_standard_functions(const RecurrentStage& s) {
    for (std::size_t k = 0; k < s.functions.size(); ++k)
        if (s.functions[k] != (k == 0 && s.kind != RecurrentStage::Kind::rnn ? Activation::sigmoid : Activation::tanh))
            return false;
    return true;
}

template <class L>
L make_recurrent(const RecurrentStage& stage, const std::string& where) {
    using C = typename L::CellType;
    RecurrentOptions options;
    options.reverse = stage.reverse;
    options.initialize = false;
    L layer(stage.input, stage.hidden, CellOf<C>::make(stage), options);
    set_recurrent_weights(layer, weights_of<typename C::Scalar>(stage), onnx_layout, where);
    return layer;
}

/// f.template operator()<L>() with the type of layer that a stage is.
template <class S, class F>
void with_layer_type(const RecurrentStage& stage, F&& f) {
    using Kind = RecurrentStage::Kind;
    constexpr Index D = Dynamic;
    const bool standard = has_standard_functions(stage);
    if (stage.kind == Kind::rnn)
        f.template operator()<SimpleRNN<S>>();
    else if (stage.kind == Kind::lstm && stage.coupled)
        standard ? f.template operator()<CoupledLSTM<S>>() : f.template operator()<CoupledLSTM<S, D, D, ChosenGates>>();
    else if (stage.kind == Kind::lstm)
        standard ? f.template operator()<LSTM<S>>() : f.template operator()<LSTM<S, D, D, ChosenGates>>();
    else if (stage.reset_after)
        standard ? f.template operator()<GRU<S>>() : f.template operator()<GRU<S, D, D, Reset::after, ChosenGates>>();
    else
        standard ? f.template operator()<GRU<S, D, D, Reset::before>>()
                 : f.template operator()<GRU<S, D, D, Reset::before, ChosenGates>>();
}

/// What keeps a layer from being a stage; empty: nothing.
template <Cell C, Index Input, Index Hidden>
std::string mismatch(const Recurrent<C, Input, Hidden>& layer, const RecurrentStage& stage) {
    std::ostringstream text;
    const auto functions = CellOf<C>::functions(layer.cell());
    if (!CellOf<C>::fits(stage))
        text << "the layer is a " << layer.name() << ", expected "
             << (stage.kind == RecurrentStage::Kind::rnn    ? "a SimpleRNN"
                 : stage.kind == RecurrentStage::Kind::lstm ? stage.coupled ? "a CoupledLSTM" : "an LSTM"
                 : stage.reset_after                        ? "a GRU with Reset::after"
                                                            : "a GRU with Reset::before");
    else if (layer.input_size() != stage.input || layer.hidden_size() != stage.hidden)
        text << "the layer is " << layer.input_size() << " -> " << layer.hidden_size() << ", expected " << stage.input
             << " -> " << stage.hidden;
    else if (layer.options().reverse != stage.reverse)
        text << "the layer runs " << (stage.reverse ? "forward, expected in reverse" : "in reverse, expected forward");
    else if (CellOf<C>::peephole(layer.cell()) != !stage.P.empty())
        text << "the layer has " << (stage.P.empty() ? "peepholes, expected none" : "no peepholes, expected some");
    else
        for (std::size_t k = 0; k < functions.size(); ++k)
            if (functions[k] != stage.functions[k]) {
                text << "the layer's function " << std::string_view("fgh").substr(k, 1) << " is "
                     << description(functions[k]) << ", expected " << description(stage.functions[k]);
                break;
            }
    return text.str();
}

} // namespace carousel::detail::onnx
