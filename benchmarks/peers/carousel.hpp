// Carousel's layers as peers.
#pragma once

#include "peers/peer.hpp"

#include <carousel/layer/recurrent.hpp>

namespace benchmarks {

template <class Layer>
class CarouselPeer : public Peer {
  public:
    explicit CarouselPeer(const Problem& p)
        : layer_(p.shape.input, p.shape.hidden), x_(matrix(p.x, p.shape.input), p.shape.batch),
          dy_(matrix(p.dy, p.shape.hidden), p.shape.batch),
          initial_(matrix(p.initial, blocks(p.kind).states * p.shape.hidden)) {
        if constexpr (requires(typename Layer::CellType cell) { cell.peephole; })
            if (p.kind == Kind::peephole_lstm)
                layer_ = Layer(p.shape.input, p.shape.hidden, {.peephole = true});
        layer_.W().value = matrix(p.W, layer_.W().value.rows());
        layer_.U().value = matrix(p.U, layer_.U().value.rows());
        layer_.b().value = matrix(p.b, layer_.b().value.rows());
        if (!p.P.empty())
            layer_.P().value = matrix(p.P, p.shape.hidden);
        parameters_ = carousel::parameters(layer_);
    }

    void train() override {
        carousel::zero_gradients(parameters_);
        y_ = layer_.forward(x_, tape_, initial_);
        dx_ = layer_.backward(dy_, tape_, {.d_initial = &d_initial_});
    }

    void infer() override { y_ = layer_.infer(x_, inference_tape_, initial_); }

    Answers trained() const override {
        return {inferred(),
                list(dx_.values()),
                list(d_initial_),
                list(layer_.W().grad),
                list(layer_.U().grad),
                list(layer_.b().grad),
                list(layer_.P().grad)};
    }

    std::vector<float> inferred() const override { return list(y_.values()); }

  private:
    using Scalar = typename Layer::Scalar;
    using Matrix = carousel::Matrix<Scalar>;

    static Matrix matrix(const std::vector<float>& numbers, Eigen::Index rows) {
        return Eigen::Map<const Eigen::MatrixXf>(numbers.data(), rows, static_cast<Eigen::Index>(numbers.size()) / rows)
            .template cast<Scalar>();
    }
    template <class M>
    static std::vector<float> list(const M& matrix) {
        return {matrix.data(), matrix.data() + matrix.size()};
    }

    Layer layer_;
    carousel::Sequence<Scalar> x_, dy_;
    Matrix initial_, d_initial_;
    std::vector<carousel::NamedParameter<Scalar>> parameters_;
    typename Layer::Tape tape_, inference_tape_;
    carousel::SequenceView<Scalar> y_, dx_;
};

template <class Scalar = float>
std::unique_ptr<Peer> make_carousel(const Problem& p) {
    switch (p.kind) {
    case Kind::lstm:
    case Kind::peephole_lstm:
        return std::make_unique<CarouselPeer<carousel::LSTM<Scalar>>>(p);
    case Kind::gru_after:
        return std::make_unique<CarouselPeer<carousel::GRU<Scalar>>>(p);
    case Kind::gru_before:
        return std::make_unique<
            CarouselPeer<carousel::GRU<Scalar, carousel::Dynamic, carousel::Dynamic, carousel::Reset::before>>>(p);
    case Kind::simple_rnn:
        break;
    }
    return std::make_unique<CarouselPeer<carousel::SimpleRNN<Scalar>>>(p);
}

} // namespace benchmarks
