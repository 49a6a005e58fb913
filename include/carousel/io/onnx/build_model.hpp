// Makes a Model of a Chain. Everything that knows layers is here and in recurrent_layer.hpp.
#pragma once

#include "carousel/io/onnx/recurrent_layer.hpp"
#include "carousel/layer/activate.hpp"
#include "carousel/layer/batch_norm.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/gain.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/prelu.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/layer/softmax.hpp"
#include "carousel/model/model_file.hpp"

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

template <std::floating_point S>
class ModelBuilder {
  public:
    /// Both must outlive it.
    ModelBuilder(const Source& source, const Chain& chain) : source_(source), chain_(chain) {}

    /// The layers behind point `from` up to point `to`. Throws std::runtime_error if one of them can't be made.
    Model<S> build(Index from, Index to) {
        Model<S> model;
        const std::vector<Index> path = chain_.path(from, to);
        for (at_ = path.begin(), end_ = path.end(); at_ != end_;) {
            const Index point = *at_++;
            std::visit([&](const auto& stage) { add(model, point, stage); }, *chain_[point].stage);
        }
        return model;
    }

    /// The initial states of the file, for Model::State; empty if it has none.
    typename Model<S>::State state() {
        const bool any = std::any_of(states_.begin(), states_.end(), [](const Matrix<S>& m) { return m.size() > 0; });
        return any ? std::move(states_) : typename Model<S>::State{};
    }

  private:
    /// Adds a layer; what it throws is said with the node.
    template <class L>
    void put(Model<S>& model, Index point, L layer) {
        instead_of<std::invalid_argument>(
            [&] { model.add(std::move(layer)); },
            [&](const auto& error) { source_.refuse(describe(*chain_[point].node), ": ", error.what()); });
    }
    /// f(), which makes a layer.
    template <class F>
    auto made(Index point, F&& f) {
        return instead_of<std::invalid_argument>(
            f, [&](const auto& error) { source_.refuse(describe(*chain_[point].node), ": ", error.what()); });
    }
    std::string where(Index point) const { return source_.prefix() + ": " + describe(*chain_[point].node); }

    /// The stage at the next point, if it is of that type.
    template <class T>
    const T* next() const {
        return at_ != end_ ? chain_.stage<T>(*at_) : nullptr;
    }

    /// y ← scale∘y + shift for what W·x + b gives.
    static void fold(std::vector<double>& W, std::vector<double>& b, std::int64_t outputs, const AffineStage& affine) {
        const auto O = static_cast<std::size_t>(outputs), I = W.size() / O;
        b.resize(O, 0.0);
        for (std::size_t o = 0; o < O; ++o) {
            const double scale = affine.scale[affine.scale.size() > 1 ? o : 0];
            for (std::size_t i = 0; i < I; ++i)
                W[o * I + i] *= scale;
            b[o] = scale * b[o] + affine.shift[affine.shift.size() > 1 ? o : 0];
        }
    }
    /// The affine stages and the function that follow are taken into a layer of weights.
    Activation take_following(std::vector<double>& W, std::vector<double>& b, std::int64_t outputs) {
        for (; const AffineStage* affine = next<AffineStage>(); ++at_)
            fold(W, b, outputs, *affine);
        const ActivationStage* const activation = next<ActivationStage>();
        if (!activation)
            return Activation::linear;
        ++at_;
        return take_clipped(activation->function);
    }
    /// A Clip, and the function that follows it, are one.
    Activation take_clipped(const Activation& f) {
        const ActivationStage* const following = next<ActivationStage>();
        if (f.unclipped() != Activation::linear || std::isinf(f.clip()) || !following ||
            !std::isinf(following->function.clip()))
            return f;
        ++at_;
        return following->function.clipped(f.clip());
    }

    void add(Model<S>& model, Index point, const RecurrentStage& stage) {
        with_layer_type<S>(stage, [&]<class L>() {
            put(model, point, made(point, [&] { return make_recurrent<L>(stage, where(point)); }));
        });
        states_.push_back(state_of<S>(stage));
    }
    void add(Model<S>& model, Index point, const BidirectionalStage& both) {
        const auto &forward = *chain_.stage<RecurrentStage>(both.forward),
                   &reverse = *chain_.stage<RecurrentStage>(both.reverse);
        const Merge merge = both.sum ? Merge::sum : Merge::concatenate;
        const auto add_both = [&]<class L>() {
            put(model, point, made(point, [&] {
                    return Bidirectional<L>(make_recurrent<L>(forward, where(point)),
                                            make_recurrent<L>(reverse, where(point)), merge);
                }));
        };
        with_layer_type<S>(has_standard_functions(forward) ? reverse : forward, add_both);
        states_.push_back(state_of<S>(forward));
        states_.push_back(state_of<S>(reverse));
    }
    void add(Model<S>& model, Index point, const DenseStage& stage) {
        std::vector<double> W = stage.W, b = stage.b;
        const Activation f = take_following(W, b, stage.output);
        Dense<S> layer =
            made(point, [&] { return Dense<S>(stage.input, stage.output, {.activation = f, .initialize = false}); });
        layer.W().value = matrix_of<S>(W, stage.output, stage.input);
        if (!b.empty())
            layer.b().value = matrix_of<S>(b, stage.output, 1);
        put(model, point, std::move(layer));
    }
    void add(Model<S>& model, Index point, const ConvStage& stage) {
        std::vector<double> W = stage.W, b = stage.b;
        const Activation f = take_following(W, b, stage.output);
        const bool causal = stage.left > 0 || stage.kernel == 1;
        Conv1D<S> layer = made(point, [&] {
            return Conv1D<S>(stage.input, stage.output, stage.kernel,
                             {.dilation = stage.dilation,
                              .stride = stage.stride,
                              .padding = causal ? Padding::causal : Padding::valid,
                              .activation = f,
                              .initialize = false});
        });
        const Index I = stage.input, K = stage.kernel;
        for (Index o = 0; o < stage.output; ++o)
            for (Index i = 0; i < I; ++i)
                for (Index k = 0; k < K; ++k)
                    layer.W().value(o, k * I + i) = static_cast<S>(W[static_cast<std::size_t>((o * I + i) * K + k)]);
        if (!b.empty())
            layer.b().value = matrix_of<S>(b, stage.output, 1);
        put(model, point, std::move(layer));
        states_.emplace_back();
    }
    void add(Model<S>& model, Index point, const AffineStage& stage) {
        if (stage.scale.size() == 1 && stage.shift.size() == 1) {
            if (stage.shift[0] == 0)
                return put(model, point, made(point, [&] { return Gain(stage.scale[0]); }));
            return put(model, point, Activate(Activation::affine(stage.scale[0], stage.shift[0])));
        }
        const std::size_t F = std::max(stage.scale.size(), stage.shift.size());
        const auto each = [&](const std::vector<double>& v) {
            return v.size() == 1 ? std::vector<double>(F, v[0]) : v;
        };
        add(model, point,
            NormStage{each(stage.scale), each(stage.shift), std::vector<double>(F, 0.0), std::vector<double>(F, 1.0),
                      0});
    }
    void add(Model<S>& model, Index point, const NormStage& stage) {
        const auto features = static_cast<Index>(stage.gamma.size());
        BatchNorm<S> layer = made(point, [&] {
            BatchNorm<S> made_layer(features, {.epsilon = stage.epsilon});
            made_layer.gamma().value = matrix_of<S>(stage.gamma, features, 1);
            made_layer.beta().value = matrix_of<S>(stage.beta, features, 1);
            made_layer.mean().value = matrix_of<S>(stage.mean, features, 1);
            made_layer.variance().value = matrix_of<S>(stage.variance, features, 1);
            made_layer.check_parameters("BatchNorm");
            return made_layer;
        });
        put(model, point, std::move(layer));
    }
    void add(Model<S>& model, Index point, const LayerNormStage& stage) {
        const auto features = static_cast<Index>(stage.gamma.size());
        LayerNorm<S> layer = made(point, [&] { return LayerNorm<S>(features, {.epsilon = stage.epsilon}); });
        layer.gamma().value = matrix_of<S>(stage.gamma, features, 1);
        layer.beta().value = matrix_of<S>(stage.beta, features, 1);
        put(model, point, std::move(layer));
    }
    void add(Model<S>& model, Index point, const PReluStage& stage) {
        const auto features = static_cast<Index>(stage.slope.size());
        PReLU<S> layer(features);
        layer.slope().value = matrix_of<S>(stage.slope, features, 1);
        put(model, point, std::move(layer));
    }
    void add(Model<S>& model, Index point, const EmbeddingStage& stage) {
        const Array<double>& table = *stage.table;
        Embedding<S> layer =
            made(point, [&] { return Embedding<S>(table.dims[0], table.dims[1], {.initialize = false}); });
        layer.table().value = matrix_of<S>(table.data, table.dims[0], table.dims[1]).transpose();
        put(model, point, std::move(layer));
    }
    void add(Model<S>& model, Index point, const ActivationStage& stage) {
        put(model, point, Activate(stage.function));
    }
    void add(Model<S>& model, Index point, const SoftmaxStage&) { put(model, point, Softmax{}); }
    void add(Model<S>& model, Index point, const DropoutStage& stage) { put(model, point, Dropout(stage.rate)); }
    void add(Model<S>& model, Index point, const EndStage& stage) {
        stage.last ? put(model, point, LastStep{}) : put(model, point, FirstStep{});
    }
    void add(Model<S>& model, Index point, const BothEndsStage&) { put(model, point, BothEnds{}); }
    void add(Model<S>& model, Index point, const ResidualStage& stage) {
        const auto at = at_, end = end_;
        Model<S> inner = build(stage.from, stage.to);
        at_ = at, end_ = end;
        put(model, point, made(point, [&] { return Residual<Model<S>>(std::move(inner)); }));
    }
    void add(Model<S>&, Index, const PadStage&) {}           // refused by the Matcher,
    void add(Model<S>&, Index, const FirstFeaturesStage&) {} // unless it is a part of something

    const Source& source_;
    const Chain& chain_;
    std::vector<Index>::const_iterator at_, end_;
    std::vector<Matrix<S>> states_;
};

} // namespace carousel::detail::onnx
