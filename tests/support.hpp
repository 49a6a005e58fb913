// What the tests share: random numbers, one measure of agreement, and what a pass of a recurrent layer is given and gives.
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

} // namespace carousel::test
