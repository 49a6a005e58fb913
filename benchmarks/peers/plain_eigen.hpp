// The plain Eigen LSTM as a peer.
#pragma once

#include "peers/peer.hpp"
#include "plain_eigen_lstm.hpp"

namespace benchmarks {

class PlainEigenPeer : public Peer {
  public:
    explicit PlainEigenPeer(const Problem& p)
        : lstm_(p.shape.input, p.shape.hidden), x_(matrix(p.x, p.shape.input)), dy_(matrix(p.dy, p.shape.hidden)),
          h0_(matrix(rows(p.initial, 2 * p.shape.hidden, 0, p.shape.hidden), p.shape.hidden)),
          c0_(matrix(rows(p.initial, 2 * p.shape.hidden, p.shape.hidden, p.shape.hidden), p.shape.hidden)) {
        lstm_.W = matrix(p.W, 4 * p.shape.hidden);
        lstm_.U = matrix(p.U, 4 * p.shape.hidden);
        lstm_.b = matrix(p.b, 4 * p.shape.hidden);
    }

    void train() override {
        y_ = lstm_.forward(x_, h0_, c0_).data();
        dx_ = &lstm_.backward(x_, dy_);
    }

    void infer() override { y_ = lstm_.forward(x_, h0_, c0_).data(); }

    Answers trained() const override {
        return {inferred(),
                list(*dx_),
                stack(list(lstm_.dh0()), list(lstm_.dc0()), static_cast<int>(h0_.rows())),
                list(lstm_.dW),
                list(lstm_.dU),
                list(lstm_.db),
                {}};
    }

    std::vector<float> inferred() const override { return {y_, y_ + dy_.size()}; }

  private:
    using Matrix = PlainEigenLstm::Matrix;

    static Matrix matrix(const std::vector<float>& numbers, int rows) {
        return Eigen::Map<const Matrix>(numbers.data(), rows, static_cast<Eigen::Index>(numbers.size()) / rows);
    }
    template <class M>
    static std::vector<float> list(const M& matrix) {
        return {matrix.data(), matrix.data() + matrix.size()};
    }

    PlainEigenLstm lstm_;
    Matrix x_, dy_, h0_, c0_;
    const float* y_ = nullptr;
    const Matrix* dx_ = nullptr;
};

} // namespace benchmarks
