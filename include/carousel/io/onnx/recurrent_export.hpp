// RNN, LSTM and GRU nodes of recurrent layers.
#pragma once

#include "carousel/io/onnx/graph_writer.hpp"
#include "carousel/io/onnx/recurrent_layer.hpp"

#include <cmath>

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// The functions of a node as attributes.
class FunctionAttributes {
  public:
    explicit FunctionAttributes(std::string where) : where_(std::move(where)) {}

    void add(const Activation& f) {
        using Kind = Activation::Kind;
        const Kind kind = f.kind();
        const bool linear = kind == Kind::linear;
        require(kind != Kind::selu && kind != Kind::exponential, where_.c_str(), "its function is ", description(f),
                ", which ONNX' recurrent operators don't have");
        names_.emplace_back(name_of(kind));
        if (linear || kind == Kind::affine || kind == Kind::leaky_relu || kind == Kind::thresholded_relu ||
            kind == Kind::scaled_tanh || kind == Kind::hard_sigmoid || kind == Kind::elu)
            alphas_.push_back(linear ? 1 : f.alpha());
        if (linear || kind == Kind::affine || kind == Kind::scaled_tanh || kind == Kind::hard_sigmoid)
            betas_.push_back(linear ? 0 : f.beta());
    }
    /// A node has one clip, which bounds what its gates are functions of. `f` is of such a gate.
    void clip(const Activation& f) {
        require(names_.size() == 1 || f.clip() == clip_, where_.c_str(), "its functions are clipped at ", clip_,
                " and ", f.clip(), "; ONNX has one clip for all of a node");
        clip_ = f.clip();
    }
    void no_clip(const Activation& f) const {
        require(std::isinf(f.clip()), where_.c_str(), "its function of c is clipped at ", f.clip(),
                "; ONNX' clip bounds the gates alone");
    }

    void put(std::vector<NodeAttribute>& to) const {
        to.emplace_back("activations", names_);
        if (!alphas_.empty())
            to.emplace_back("activation_alpha", alphas_);
        if (!betas_.empty())
            to.emplace_back("activation_beta", betas_);
        if (!std::isinf(clip_))
            to.emplace_back("clip", clip_);
    }

  private:
    static const char* name_of(Activation::Kind kind) {
        constexpr const char* names[] = {"Affine",      "Tanh",      "Sigmoid",         "Relu",
                                         "Affine",      "LeakyRelu", "ThresholdedRelu", "ScaledTanh",
                                         "HardSigmoid", "Elu",       "Softsign",        "Softplus"};
        return names[static_cast<int>(kind)];
    }

    std::string where_;
    std::vector<std::string> names_;
    std::vector<double> alphas_, betas_;
    double clip_ = HUGE_VAL;
};

template <class C>
struct NodeOf;
template <class S>
struct NodeOf<SimpleRnnCell<S>> {
    static constexpr const char* op = "RNN";
    static void attributes(const SimpleRnnCell<S>&, std::vector<NodeAttribute>&) {}
};
template <class S, bool coupled, class Gates>
struct NodeOf<LstmCell<S, coupled, Gates>> {
    static constexpr const char* op = "LSTM";
    static void attributes(const LstmCell<S, coupled, Gates>&, std::vector<NodeAttribute>& to) {
        if (coupled)
            to.emplace_back("input_forget", std::int64_t(1));
    }
};
template <class S, Reset reset, class Gates>
struct NodeOf<GruCell<S, reset, Gates>> {
    static constexpr const char* op = "GRU";
    static void attributes(const GruCell<S, reset, Gates>&, std::vector<NodeAttribute>& to) {
        to.emplace_back("linear_before_reset", std::int64_t(reset == Reset::after));
    }
};

/// Appends a matrix' numbers row by row.
template <class S>
void append_rows(std::vector<S>& to, const Matrix<S>& m) {
    for (Index r = 0; r < m.rows(); ++r)
        for (Index c = 0; c < m.cols(); ++c)
            to.push_back(m(r, c));
}

/// A node of one or two layers (directions). `states`: names of initial_h and initial_c, or empty ones; `finals`: those of
/// Y_h and Y_c. Returns the name of Y: (time, directions, batch, units).
template <class C, Index Input, Index Hidden>
std::string write_recurrent(GraphWriter& graph, const std::string& where, const std::string& x,
                            const std::vector<const Recurrent<C, Input, Hidden>*>& layers,
                            const std::array<std::string, 2>& states, const std::array<std::string, 2>& finals) {
    using S = typename C::Scalar;
    std::vector<S> W, R, B, P;
    FunctionAttributes functions(where);
    bool biased = false;
    const bool peephole =
        std::any_of(layers.begin(), layers.end(), [](const auto* layer) { return CellOf<C>::peephole(layer->cell()); });
    for (const auto* layer : layers) {
        const RecurrentOptions& options = layer->options();
        require(options.zoneout == 0 && options.zoneout_cell == 0, where.c_str(), "its zoneout is ",
                std::max(options.zoneout, options.zoneout_cell), ", which ONNX can't say");
        const RecurrentWeights<S> weights = recurrent_weights(*layer, onnx_layout);
        append_rows(W, weights.W);
        append_rows(R, weights.U);
        append_rows(B, weights.b);
        append_rows(B, weights.b_recurrent);
        biased = biased || !weights.b.isZero(0) || !weights.b_recurrent.isZero(0);
        if (peephole) { // ours are i, f, o and a node's i, o, f; zeros for a direction that has none
            Matrix<S> p = Matrix<S>::Zero(3, layer->hidden_size());
            if (weights.P.size() > 0)
                p << weights.P.col(0).transpose(), weights.P.col(2).transpose(), weights.P.col(1).transpose();
            append_rows(P, p);
        }
        const auto all = CellOf<C>::functions(layer->cell());
        for (std::size_t k = 0; k < all.size(); ++k) {
            functions.add(all[k]);
            k == 2 ? functions.no_clip(all[k]) : functions.clip(all[k]);
        }
    }
    const auto D = static_cast<std::int64_t>(layers.size());
    const std::int64_t I = layers[0]->input_size(), H = layers[0]->hidden_size(),
                       rows = static_cast<std::int64_t>(R.size()) / (D * H);
    std::vector<NodeAttribute> attributes;
    attributes.emplace_back("hidden_size", H);
    attributes.emplace_back("direction", D == 2                         ? "bidirectional"
                                         : layers[0]->options().reverse ? "reverse"
                                                                        : "forward");
    NodeOf<C>::attributes(layers[0]->cell(), attributes);
    functions.put(attributes);

    std::vector<std::string> inputs{x,
                                    graph.tensor({D, rows, I}, W),
                                    graph.tensor({D, rows, H}, R),
                                    biased ? graph.tensor({D, 2 * rows}, B) : "",
                                    "",
                                    states[0],
                                    states[1],
                                    P.empty() ? "" : graph.tensor({D, 3 * H}, P)};
    while (inputs.back().empty())
        inputs.pop_back();
    std::vector<std::string> outputs{graph.fresh(NodeOf<C>::op), finals[0], finals[1]};
    while (outputs.back().empty())
        outputs.pop_back();
    graph.add(NodeOf<C>::op, inputs, outputs, attributes);
    return outputs[0];
}

} // namespace carousel::detail::onnx
