// What the tests share: random numbers, one measure of agreement, and a recurrent layer as its definition reads.
#pragma once

#include "carousel/layer/recurrent.hpp"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace carousel::test {

template <class S>
Matrix<S> random_matrix(Index rows, Index cols, Random& random, double deviation = 1) {
    Matrix<S> result(rows, cols);
    for (Index k = 0; k < result.size(); ++k)
        result.data()[k] = static_cast<S>(deviation * random.normal());
    return result;
}

/// Past the end of a sequence there are numbers, too: they must not matter.
template <class S>
Sequence<S> random_sequence(Index features, Index steps, Index batch, Random& random, std::vector<Index> lengths = {}) {
    return Sequence<S>(random_matrix<S>(features, steps * batch, random), batch, std::move(lengths));
}

/// The tests' measure of agreement: the largest |a − b|, divided by the largest |b|, or by `least` if that is larger.
/// Infinite if the shapes differ or a number isn't finite.
template <class A, class B>
double difference(const Eigen::MatrixBase<A>& a, const Eigen::MatrixBase<B>& b, double least = 1) {
    if (a.rows() != b.rows() || a.cols() != b.cols() || !a.allFinite() || !b.allFinite())
        return std::numeric_limits<double>::infinity();
    double error = 0, scale = least;
    for (Index j = 0; j < b.cols(); ++j)
        for (Index i = 0; i < b.rows(); ++i) {
            const double expected = static_cast<double>(b(i, j));
            error = std::max(error, std::abs(static_cast<double>(a(i, j)) - expected));
            scale = std::max(scale, std::abs(expected));
        }
    return error > 0 ? error / scale : 0;
}

/// So many threads for as long as it lives.
struct Threads {
    explicit Threads(int n) { set_threads(n); }
    ~Threads() { set_threads(1); }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;
};

/// What a recurrent layer's forward and backward pass are given; what is empty isn't given.
template <class S>
struct Pass {
    Sequence<S> x;
    Matrix<S> initial, dy, d_final;
};

/// What they give: output, final state, and gradients.
template <class S>
struct Outcome {
    Matrix<S> y, final_state, dW, dU, db, dP, dx, d_initial;
};

/// The worst difference() of all that two passes gave.
template <class A, class B>
double difference(const Outcome<A>& a, const Outcome<B>& b) {
    return std::max({difference(a.y, b.y), difference(a.final_state, b.final_state), difference(a.dW, b.dW),
                     difference(a.dU, b.dU), difference(a.db, b.db), difference(a.dP, b.dP), difference(a.dx, b.dx),
                     difference(a.d_initial, b.d_initial)});
}

/// A pass of Recurrent<Cell> as its definition reads: one sequence after the other, over its real steps only, number by
/// number, in double and with the standard library's functions.
template <class Layer>
class Reference {
    using C = typename Layer::CellType;
    using S = typename Layer::Scalar;

  public:
    explicit Reference(const Layer& layer)
        : cell_(layer.cell()), H_(layer.hidden_size()), I_(layer.input_size()), reverse_(layer.options().reverse),
          W_(layer.W().value.template cast<double>()), U_(layer.U().value.template cast<double>()),
          b_(layer.b().value.template cast<double>()), P_(layer.P().value.template cast<double>()) {}

    Outcome<double> operator()(const Pass<S>& pass) {
        const Index T = pass.x.steps(), B = pass.x.batch();
        out_ = {Matrix<double>::Zero(H_, T * B),
                Matrix<double>::Zero(C::states * H_, B),
                Matrix<double>::Zero(W_.rows(), W_.cols()),
                Matrix<double>::Zero(U_.rows(), U_.cols()),
                Matrix<double>::Zero(b_.rows(), b_.cols()),
                Matrix<double>::Zero(P_.rows(), P_.cols()),
                Matrix<double>::Zero(I_, T * B),
                Matrix<double>::Zero(C::states * H_, B)};
        for (Index b = 0; b < B; ++b) {
            std::vector<Index> columns; // of the sequence's real steps, in processing order
            for (Index p = 0, length = pass.x.view().length(b); p < length; ++p)
                columns.push_back((reverse_ ? length - 1 - p : p) * B + b);
            sequence(pass, b, columns);
        }
        return out_;
    }

  private:
    struct Unit {
        double a[C::blocks] = {}, prev[C::states] = {}, next[C::states] = {};
    };
    using Units = std::vector<Unit>;

    Unit& at(Units& units, Index u) const { return units[static_cast<std::size_t>(u)]; }

    void sequence(const Pass<S>& pass, Index b, const std::vector<Index>& columns) {
        Matrix<double> state = Matrix<double>::Zero(H_, C::states), d = state;
        for (Index u = 0; u < H_; ++u)
            for (Index s = 0; s < C::states; ++s) {
                state(u, s) = pass.initial.size() > 0 ? static_cast<double>(pass.initial(s * H_ + u, b)) : 0;
                d(u, s) = pass.d_final.size() > 0 ? static_cast<double>(pass.d_final(s * H_ + u, b)) : 0;
            }

        std::vector<Units> steps;
        for (const Index column : columns) {
            Units units(static_cast<std::size_t>(H_));
            forward(units, pass.x.values().col(column).template cast<double>(), state);
            out_.y.col(column) = state.col(0);
            steps.push_back(units);
        }
        out_.final_state.col(b) = state.reshaped();

        for (std::size_t p = columns.size(); p-- > 0;) {
            if (pass.dy.size() > 0)
                d.col(0) += pass.dy.col(columns[p]).template cast<double>();
            out_.dx.col(columns[p]) = backward(steps[p], pass.x.values().col(columns[p]).template cast<double>(), d);
        }
        out_.d_initial.col(b) = d.reshaped();
    }

    void forward(Units& units, const Vector<double>& x, Matrix<double>& state) {
        for (Index u = 0; u < H_; ++u) {
            Unit& unit = at(units, u);
            for (Index s = 0; s < C::states; ++s)
                unit.prev[s] = state(u, s);
            for (Index g = 0; g < biased_blocks<C>(); ++g)
                unit.a[g] = b_(g * H_ + u);
            for (Index g = 0; g < C::input.count; ++g)
                for (Index k = 0; k < I_; ++k)
                    unit.a[C::input.first + g] += W_(g * H_ + u, k) * x(k);
            for (Index g = 0; g < C::recurrent.count; ++g)
                for (Index k = 0; k < H_; ++k)
                    unit.a[C::recurrent.first + g] += U_(g * H_ + u, k) * state(k, 0);
        }
        if constexpr (TwoProductCell<C>) {
            for (Unit& unit : units)
                cell_.gate(unit.a, unit.prev);
            for (Index u = 0; u < H_; ++u)
                for (Index g = 0; g < C::second.count; ++g)
                    for (Index k = 0; k < H_; ++k)
                        at(units, u).a[C::second.first + g] +=
                            U_((C::recurrent.count + g) * H_ + u, k) * at(units, k).a[C::operand];
        }
        for (Index u = 0; u < H_; ++u) {
            double p[C::vectors + 1] = {};
            for (Index k = 0; k < P_.cols(); ++k)
                p[k] = P_(u, k);
            Unit& unit = at(units, u);
            cell_.forward(unit.a, unit.prev, unit.next, p);
            for (Index s = 0; s < C::states; ++s)
                state(u, s) = unit.next[s];
        }
    }

    /// Returns dx; d becomes the gradient of the state before.
    Vector<double> backward(Units& units, const Vector<double>& x, Matrix<double>& d) {
        for (Index u = 0; u < H_; ++u) {
            double d_unit[C::states], p[C::vectors + 1] = {}, dp[C::vectors + 1] = {};
            for (Index s = 0; s < C::states; ++s)
                d_unit[s] = d(u, s);
            for (Index k = 0; k < P_.cols(); ++k)
                p[k] = P_(u, k);
            const Unit& unit = at(units, u);
            cell_.backward(at(units, u).a, unit.prev, unit.next, d_unit, p, dp);
            for (Index k = 0; k < P_.cols(); ++k)
                out_.dP(u, k) += dp[k];
            for (Index s = 0; s < C::states; ++s)
                d(u, s) = d_unit[s];
        }
        if constexpr (TwoProductCell<C>) {
            Vector<double> d_operand = Vector<double>::Zero(H_);
            for (Index g = 0; g < C::second.count; ++g)
                for (Index u = 0; u < H_; ++u)
                    for (Index k = 0; k < H_; ++k) {
                        const Index row = (C::recurrent.count + g) * H_ + u;
                        d_operand(k) += U_(row, k) * at(units, u).a[C::second.first + g];
                        out_.dU(row, k) += at(units, u).a[C::second.first + g] * at(units, k).a[C::operand];
                    }
            for (Index u = 0; u < H_; ++u) {
                Unit& unit = at(units, u);
                double d_unit[C::states];
                for (Index s = 0; s < C::states; ++s)
                    d_unit[s] = d(u, s);
                cell_.gate_backward(unit.a, unit.prev, d_operand(u), d_unit);
                for (Index s = 0; s < C::states; ++s)
                    d(u, s) = d_unit[s];
            }
        }
        Vector<double> dx = Vector<double>::Zero(I_);
        for (Index u = 0; u < H_; ++u) { // every a is da now
            const Unit& unit = at(units, u);
            for (Index g = 0; g < biased_blocks<C>(); ++g)
                out_.db(g * H_ + u) += unit.a[g];
            for (Index g = 0; g < C::input.count; ++g)
                for (Index k = 0; k < I_; ++k) {
                    dx(k) += W_(g * H_ + u, k) * unit.a[C::input.first + g];
                    out_.dW(g * H_ + u, k) += unit.a[C::input.first + g] * x(k);
                }
            for (Index g = 0; g < C::recurrent.count; ++g)
                for (Index k = 0; k < H_; ++k) {
                    d(k, 0) += U_(g * H_ + u, k) * unit.a[C::recurrent.first + g];
                    out_.dU(g * H_ + u, k) += unit.a[C::recurrent.first + g] * at(units, k).prev[0];
                }
        }
        return dx;
    }

    C cell_;
    Index H_, I_;
    bool reverse_;
    Matrix<double> W_, U_, b_, P_;
    Outcome<double> out_;
};

} // namespace carousel::test
