// Chain: a net as a row of stages, before layers are made of it: what a graph says, in ONNX' orders, in double.
#pragma once

#include "carousel/cell/activation.hpp"
#include "carousel/io/onnx/values.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

/// One direction of an RNN, LSTM or GRU node. Matrices are row-major, gates in ONNX' order (LSTM: i o f c, GRU: z r h).
struct RecurrentStage {
    enum class Kind { rnn, lstm, gru };

    Kind kind = Kind::rnn;
    std::int64_t input = 0, hidden = 0;
    bool reverse = false;
    bool coupled = false;               ///< LSTM: f = 1 − i
    bool reset_after = false;           ///< GRU: linear_before_reset
    std::vector<Activation> functions;  ///< with the clip: of RNN f, of LSTM f, g, h, of GRU f, g
    std::vector<double> W, R;           ///< (G·H) × I, (G·H) × H
    std::vector<double> b, b_recurrent; ///< G·H, or empty
    std::vector<double> P;              ///< 3 · H for i, o, f, or empty
    std::vector<double> h, c;           ///< initial states of the file, N × H, or empty

    int gates() const { return kind == Kind::lstm ? 4 : kind == Kind::gru ? 3 : 1; }
};

struct DenseStage {
    std::int64_t input = 0, output = 0;
    std::vector<double> W, b; ///< O × I row-major; O, or empty
    Activation activation = Activation::linear;
};

/// y = scale∘x + shift, each of one number or of one for each feature.
struct AffineStage {
    std::vector<double> scale, shift;
};

/// y = gamma∘(x − mean) / √(variance + epsilon) + beta, numbers of each feature.
struct NormStage {
    std::vector<double> gamma, beta, mean, variance;
    double epsilon = 0;
};

/// y = gamma∘x̂ + beta, x̂ the features of a step with mean 0 and variance 1.
struct LayerNormStage {
    std::vector<double> gamma, beta;
    double epsilon = 0;
};

struct ActivationStage {
    Activation function = Activation::linear;
};
/// y = x where x > 0, else slope∘x, a slope of each feature.
struct PReluStage {
    std::vector<double> slope;
};
struct SoftmaxStage {};
struct DropoutStage {
    double rate = 0;
};

struct EmbeddingStage {
    Reals table; ///< vocabulary × size
};

/// Over time, of one group. `left` and `right`: zero steps around the sequence.
struct ConvStage {
    std::int64_t input = 0, output = 0, kernel = 0, dilation = 1, stride = 1, left = 0, right = 0;
    std::vector<double> W, b; ///< (O, I, kernel) row-major; O, or empty
};

/// Zero steps before and after each sequence: only a part of a ConvStage.
struct PadStage {
    std::int64_t left = 0, right = 0;
};
/// The first or the last step of each sequence.
struct EndStage {
    bool last = true;
};
struct BothEndsStage {};
/// The first so many features: only a part of a residual.
struct FirstFeaturesStage {
    std::int64_t count = 0;
};

/// Two points with the same parent, a recurrent stage and its reverse twin.
struct BidirectionalStage {
    Index forward = 0, reverse = 0;
    bool sum = false; ///< else the features of both, one over the other
};

/// y = f(x) + x, f the stages behind point `from` up to point `to`; x may have more features, whose first are added.
struct ResidualStage {
    Index from = 0, to = 0;
};

using Stage = std::variant<RecurrentStage, DenseStage, AffineStage, ActivationStage, SoftmaxStage, DropoutStage,
                           EmbeddingStage, ConvStage, PadStage, EndStage, BothEndsStage, FirstFeaturesStage,
                           BidirectionalStage, ResidualStage, NormStage, LayerNormStage, PReluStage>;

/// A place in the net: what a stage makes of the point before. Points are a tree, whose root is the graph's input.
struct Point {
    Index parent = -1, depth = 0;
    std::int64_t features = -1; ///< -1: of the input, not known yet
    const Node* node = nullptr;
    std::shared_ptr<const Stage> stage; ///< null: the root
};

/// What a graph was found to be.
struct Chain {
    std::vector<Point> points;
    Index end = 0;
    bool tokens = false; ///< the input is tokens, not numbers

    const Point& operator[](Index k) const { return points[static_cast<std::size_t>(k)]; }
    /// The stage of a point if it is of that type, else null.
    template <class S>
    const S* stage(Index k) const {
        const auto& stage = (*this)[k].stage;
        return stage ? std::get_if<S>(stage.get()) : nullptr;
    }
    /// The points behind `from` up to `to`, in order; `from` is an ancestor of `to`.
    std::vector<Index> path(Index from, Index to) const {
        std::vector<Index> points_between;
        for (Index k = to; k != from; k = (*this)[k].parent)
            points_between.push_back(k);
        std::reverse(points_between.begin(), points_between.end());
        return points_between;
    }
};

} // namespace carousel::detail::onnx
