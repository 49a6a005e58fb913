// PlainEigenLstm: an LSTM on Eigen as one writes it down from the equations, without packing, blocking or fused gates.
// The reference that a faster implementation has to be worth its lines against.
//
// forward     a = W·x + U·h₋ + b;  i, f, o = σ(a), g = tanh(a);  c = f∘c₋ + i∘g;  h = o∘tanh(c)
// backward    the same backwards in time, then dW = da·xᵀ, dU = da·h₋ᵀ, db = Σ da, dx = Wᵀ·da over all steps
// shapes      x: I × (T·N), step t the columns t·N …; W: 4H × I, U: 4H × H, b: 4H, rows i, f, g, o
#pragma once

#include <Eigen/Core>

namespace benchmarks {

class PlainEigenLstm {
  public:
    using Index = Eigen::Index;
    using Matrix = Eigen::MatrixXf;

    Matrix W, U, dW, dU;
    Eigen::VectorXf b, db;

    PlainEigenLstm(Index input, Index hidden) : W(4 * hidden, input), U(4 * hidden, hidden), b(4 * hidden) {}

    /// h of all steps, H × (T·N), from the initial state h0 and c0, H × N.
    auto forward(const Matrix& x, const Matrix& h0, const Matrix& c0) {
        const Index H = U.cols(), N = h0.cols(), T = x.cols() / N;
        h_.resize(H, (T + 1) * N);
        c_.resize(H, (T + 1) * N);
        h_.leftCols(N) = h0;
        c_.leftCols(N) = c0;

        a_.noalias() = W * x;
        a_.colwise() += b;
        for (Index t = 0; t < T; ++t) {
            auto a = a_.middleCols(t * N, N);
            a.noalias() += U * h_.middleCols(t * N, N);
            auto i = a.topRows(H).array(), f = a.middleRows(H, H).array();
            auto g = a.middleRows(2 * H, H).array(), o = a.bottomRows(H).array();
            i = i.logistic();
            f = f.logistic();
            g = g.tanh();
            o = o.logistic();
            auto c = c_.middleCols((t + 1) * N, N).array();
            c = f * c_.middleCols(t * N, N).array() + i * g;
            h_.middleCols((t + 1) * N, N).array() = o * c.tanh();
        }
        return h_.rightCols(T * N);
    }

    /// After forward of the same x; dy: H × (T·N). Writes dW, dU, db; returns dx.
    const Matrix& backward(const Matrix& x, const Matrix& dy) {
        const Index H = U.cols(), N = h_.cols() - dy.cols(), T = dy.cols() / N;
        dh_.setZero(H, N);
        dc_.setZero(H, N);
        for (Index t = T - 1; t >= 0; --t) {
            auto a = a_.middleCols(t * N, N);
            auto i = a.topRows(H).array(), f = a.middleRows(H, H).array();
            auto g = a.middleRows(2 * H, H).array(), o = a.bottomRows(H).array();
            auto c_before = c_.middleCols(t * N, N).array();
            auto dh = dh_.array(), dc = dc_.array();
            tanh_c_ = c_.middleCols((t + 1) * N, N).array().tanh();

            dh += dy.middleCols(t * N, N).array();
            dc += dh * o * (1 - tanh_c_.square());
            o = dh * tanh_c_ * o * (1 - o);
            scratch_ = dc * g * i * (1 - i); // g needs i still
            g = dc * i * (1 - g.square());
            i = scratch_;
            scratch_ = dc * f;
            f = dc * c_before * f * (1 - f);
            dc = scratch_;
            dh_.noalias() = U.transpose() * a;
        }
        dW.noalias() = a_ * x.transpose();
        dU.noalias() = a_ * h_.leftCols(T * N).transpose();
        db = a_.rowwise().sum();
        dx_.noalias() = W.transpose() * a_;
        return dx_;
    }

    /// c of the initial and all steps, H × (T + 1)·N.
    const Matrix& c() const { return c_; }
    /// The gradient of the initial state, after backward.
    const Matrix& dh0() const { return dh_; }
    const Matrix& dc0() const { return dc_; }

  private:
    Matrix a_, h_, c_, dh_, dc_, dx_;
    Eigen::ArrayXXf tanh_c_, scratch_;
};

} // namespace benchmarks
