// oneDNN's layers as peers (2.6 and 3.x). What a training step does is what oneDNN's own training example does: weights
// are re-packed for the forward and for the backward primitive, forward_training fills the workspace, gradients are set
// to zero because backward adds to them. Inference has its weights packed beforehand.
#pragma once

#include "peers/peer.hpp"

#include <dnnl.hpp>

#include <cstring>
#include <map>
#include <tuple>
#include <unordered_map>

namespace benchmarks {

class OneDnnPeer : public Peer {
  public:
    explicit OneDnnPeer(const Problem& p)
        : problem_(p), order_(orders(p.kind)), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
        using dnnl::algorithm;
        switch (p.kind) {
        case Kind::lstm:
        case Kind::peephole_lstm:
            build<dnnl::lstm_forward, dnnl::lstm_backward>();
            break;
        case Kind::gru_after:
            build<dnnl::lbr_gru_forward, dnnl::lbr_gru_backward>();
            break;
        case Kind::gru_before:
            build<dnnl::gru_forward, dnnl::gru_backward>();
            break;
        case Kind::simple_rnn:
            build<dnnl::vanilla_rnn_forward, dnnl::vanilla_rnn_backward>(algorithm::eltwise_tanh);
            break;
        }
    }

    void train() override {
        repack(training_);
        forward_.execute(stream_, training_);
        for (auto& [argument, memory] : sums_)
            std::memset(memory.get_data_handle(), 0, memory.get_desc().get_size());
        repack(backward_arguments_);
        backward_.execute(stream_, backward_arguments_);
        stream_.wait();
    }

    void infer() override {
        inference_.execute(stream_, inference_arguments_);
        stream_.wait();
    }

    Answers trained() const override {
        const auto diff = [&](int argument) { return numbers(backward_arguments_.at(argument)); };
        Answers a;
        a.y = numbers(training_.at(DNNL_ARG_DST_LAYER));
        a.dx = diff(DNNL_ARG_DIFF_SRC_LAYER);
        a.d_initial =
            stack(diff(DNNL_ARG_DIFF_SRC_ITER), is_lstm() ? diff(DNNL_ARG_DIFF_SRC_ITER_C) : list{}, hidden());
        a.dW = reorder(diff(DNNL_ARG_DIFF_WEIGHTS_LAYER), hidden(), inverse(order_.W));
        a.dU = reorder(diff(DNNL_ARG_DIFF_WEIGHTS_ITER), hidden(), inverse(order_.U));
        a.db = reorder(diff(DNNL_ARG_DIFF_BIAS), hidden(), inverse(order_.b));
        if (problem_.kind == Kind::peephole_lstm)
            a.dP = diff(DNNL_ARG_DIFF_WEIGHTS_PEEPHOLE);
        return a;
    }

    std::vector<float> inferred() const override { return numbers(inference_arguments_.at(DNNL_ARG_DST_LAYER)); }

  private:
    using list = std::vector<float>;
    using desc = dnnl::memory::desc;
    using Arguments = std::unordered_map<int, dnnl::memory>;

    /// oneDNN's blocks in terms of Carousel's: LSTM i, f, c, o; GRU u, r, o and, with reset after, a fourth bias u′.
    struct Orders {
        Order W, U, b;
    };
    static Orders orders(Kind kind) {
        switch (kind) {
        case Kind::lstm:
        case Kind::peephole_lstm:
            return {{0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}};
        case Kind::gru_after: // W: n, r, z; U: r, z, q; b: n, r, z, q
            return {{2, 1, 0}, {1, 0, 2}, {2, 1, 0, 3}};
        case Kind::gru_before: // r, z, n
            return {{1, 0, 2}, {1, 0, 2}, {1, 0, 2}};
        case Kind::simple_rnn:
            break;
        }
        return {{0}, {0}, {0}};
    }

    bool is_lstm() const { return blocks(problem_.kind).states == 2; }
    int hidden() const { return problem_.shape.hidden; }

    /// Versions before 3 describe an operation first and then its implementation.
    template <class Primitive, class... Arguments>
    auto describe(const Arguments&... arguments) const {
#if DNNL_VERSION_MAJOR >= 3
        return typename Primitive::primitive_desc(engine_, arguments...);
#else
        return typename Primitive::primitive_desc(typename Primitive::desc(arguments...), engine_);
#endif
    }
    template <class Primitive, class Hint, class... Arguments>
    auto describe_backward(const Hint& hint, const Arguments&... arguments) const {
#if DNNL_VERSION_MAJOR >= 3
        return typename Primitive::primitive_desc(engine_, arguments..., hint);
#else
        return typename Primitive::primitive_desc(typename Primitive::desc(arguments...), engine_, hint);
#endif
    }

    /// `algorithm`: which nonlinearity, for the layer that can be told.
    template <class Forward, class Backward, class... Algorithm>
    void build(Algorithm... algorithm) {
        using tag = dnnl::memory::format_tag;
        using dnnl::prop_kind, dnnl::memory;
        const auto [T, N, I, H] = problem_.shape;
        const auto f32 = [](const memory::dims& dims, tag format) {
            return desc(dims, memory::data_type::f32, format);
        };
        const int gates = blocks(problem_.kind).matrix, biases = blocks(problem_.kind).bias;

        // ldigo of one layer and direction is Carousel's column-major (gates · H) × I, tnc is its I × (T·N).
        const desc x = f32({T, N, I}, tag::tnc), y = f32({T, N, H}, tag::tnc), h = f32({1, 1, N, H}, tag::ldnc);
        const desc W = f32({1, 1, I, gates, H}, tag::ldigo), U = f32({1, 1, H, gates, H}, tag::ldigo);
        const desc b = f32({1, 1, biases, H}, tag::ldgo), P = f32({1, 1, 3, H}, tag::ldgo), none;
        const desc W_any = f32({1, 1, I, gates, H}, tag::any), U_any = f32({1, 1, H, gates, H}, tag::any);

        if constexpr (std::is_same_v<Forward, dnnl::lstm_forward>) {
            if (problem_.kind == Kind::peephole_lstm)
                create<Forward, Backward>(std::tuple(), std::tuple(x, h, h, W_any, U_any, P, b, y, none, none),
                                          std::tuple(x, h, h, W, U, P, b, y, none, none));
            else
                create<Forward, Backward>(std::tuple(), std::tuple(x, h, h, W_any, U_any, b, y, none, none),
                                          std::tuple(x, h, h, W, U, b, y, none, none));
        } else
            create<Forward, Backward>(std::tuple(algorithm...), std::tuple(x, h, W_any, U_any, b, y, none),
                                      std::tuple(x, h, W, U, b, y, none));

        const auto fill = [&](const desc& d, const list& from) {
            memory m(d, engine_);
            std::memcpy(m.get_data_handle(), from.data(), from.size() * sizeof(float));
            return m;
        };
        const list& initial = problem_.initial;
        weights_ = {{DNNL_ARG_WEIGHTS_LAYER, fill(W, reorder(problem_.W, H, order_.W))},
                    {DNNL_ARG_WEIGHTS_ITER, fill(U, reorder(problem_.U, H, order_.U))}};
        Arguments common{{DNNL_ARG_SRC_LAYER, fill(x, problem_.x)},
                         {DNNL_ARG_SRC_ITER, fill(h, is_lstm() ? rows(initial, 2 * H, 0, H) : initial)},
                         {DNNL_ARG_BIAS, fill(b, reorder(problem_.b, H, order_.b))}};
        sums_ = {{DNNL_ARG_DIFF_WEIGHTS_LAYER, memory(W, engine_)},
                 {DNNL_ARG_DIFF_WEIGHTS_ITER, memory(U, engine_)},
                 {DNNL_ARG_DIFF_BIAS, memory(b, engine_)}};
        Arguments diff{{DNNL_ARG_DIFF_DST_LAYER, fill(y, problem_.dy)},
                       {DNNL_ARG_DIFF_SRC_LAYER, memory(x, engine_)},
                       {DNNL_ARG_DIFF_SRC_ITER, memory(h, engine_)}};
        if (is_lstm()) {
            common.emplace(DNNL_ARG_SRC_ITER_C, fill(h, rows(initial, 2 * H, H, H)));
            diff.emplace(DNNL_ARG_DIFF_SRC_ITER_C, memory(h, engine_));
        }
        if (problem_.kind == Kind::peephole_lstm) {
            common.emplace(DNNL_ARG_WEIGHTS_PEEPHOLE, fill(P, problem_.P));
            sums_.emplace(DNNL_ARG_DIFF_WEIGHTS_PEEPHOLE, memory(P, engine_));
        }
        for (Arguments* to : {&training_, &backward_arguments_, &inference_arguments_})
            to->insert(common.begin(), common.end());
        inference_arguments_.emplace(DNNL_ARG_DST_LAYER, memory(y, engine_));
        training_.emplace(DNNL_ARG_DST_LAYER, memory(y, engine_));
        backward_arguments_.emplace(DNNL_ARG_DST_LAYER, training_.at(DNNL_ARG_DST_LAYER));
        backward_arguments_.emplace(DNNL_ARG_WORKSPACE, training_.at(DNNL_ARG_WORKSPACE));
        backward_arguments_.insert(sums_.begin(), sums_.end());
        backward_arguments_.insert(diff.begin(), diff.end());
        repack(inference_arguments_);
    }

    /// `open`: what the primitives work on, the layout of the weights left to them; `plain`: the same as the user has it,
    /// which is the layout of the gradients.
    template <class Forward, class Backward, class Algorithm, class Descs>
    void create(const Algorithm& algorithm, const Descs& open, const Descs& plain) {
        constexpr auto direction = dnnl::rnn_direction::unidirectional_left2right;
        const auto forward = [&](dnnl::prop_kind kind) {
            return std::apply([&](const auto&... all) { return describe<Forward>(all...); },
                              std::tuple_cat(std::tuple(kind), algorithm, std::tuple(direction), open));
        };
        const auto training = forward(dnnl::prop_kind::forward_training);
        const auto inference = forward(dnnl::prop_kind::forward_inference);
        const auto backward = std::apply(
            [&](const auto&... all) { return describe_backward<Backward>(training, all...); },
            std::tuple_cat(std::tuple(dnnl::prop_kind::backward), algorithm, std::tuple(direction), open, plain));
        forward_ = Forward(training);
        inference_ = Forward(inference);
        backward_ = Backward(backward);
        packed(training_, training);
        packed(inference_arguments_, inference);
        packed(backward_arguments_, backward);
        training_.emplace(DNNL_ARG_WORKSPACE, dnnl::memory(training.workspace_desc(), engine_));
    }

    /// Room for the weights as a primitive wants them.
    template <class Description>
    void packed(Arguments& arguments, const Description& description) {
        arguments.emplace(DNNL_ARG_WEIGHTS_LAYER, dnnl::memory(description.weights_layer_desc(), engine_));
        arguments.emplace(DNNL_ARG_WEIGHTS_ITER, dnnl::memory(description.weights_iter_desc(), engine_));
    }

    void repack(Arguments& arguments) {
        for (auto& [argument, from] : weights_) {
            dnnl::memory& to = arguments.at(argument);
            auto& reorder = reorders_[{&arguments, argument}];
            if (!reorder)
                reorder = dnnl::reorder(from, to);
            reorder.execute(stream_, from, to);
        }
    }

    static list numbers(const dnnl::memory& memory) {
        const float* const data = static_cast<const float*>(memory.get_data_handle());
        return {data, data + memory.get_desc().get_size() / sizeof(float)};
    }

    Problem problem_;
    Orders order_;
    dnnl::engine engine_;
    dnnl::stream stream_;
    dnnl::primitive forward_, backward_, inference_;
    Arguments weights_, sums_, training_, backward_arguments_, inference_arguments_;
    std::map<std::pair<const Arguments*, int>, dnnl::reorder> reorders_;
};

} // namespace benchmarks
