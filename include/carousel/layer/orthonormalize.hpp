// orthonormalize: the Q of a matrix' QR decomposition, in place.
#pragma once

#include "carousel/core/buffer.hpp"
#include "carousel/core/matrix.hpp"
#include "carousel/kernel/arrays.hpp"

#include <algorithm>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Orthonormalises columns begin … end − 1; returns the least share of its length that a column kept. The left half is
/// done first and then taken out of the right half, so that nearly all work is in products of large matrices.
template <class Scalar>
Scalar least_share_left(Matrix<Scalar>& q, Index begin, Index end, Buffer<Scalar>& scratch) {
    constexpr Index few = 8;
    if (end - begin <= few) {
        Scalar least = 1;
        for (Index k = begin; k < end; ++k) {
            const Scalar length = static_cast<Scalar>(q.col(k).template cast<double>().norm());
            for (Index j = begin; j < k; ++j)
                q.col(k) -= q.col(j).dot(q.col(k)) * q.col(j);
            const Scalar left = static_cast<Scalar>(q.col(k).template cast<double>().norm());
            q.col(k) /= left;
            least = std::min(least, left / length);
        }
        return least;
    }
    const Index middle = begin + (end - begin) / 2, left = middle - begin, right = end - middle, rows = q.rows();
    const Scalar least = least_share_left(q, begin, middle, scratch);
    const auto L = kernel::operand(q.middleCols(begin, left));
    auto R = q.middleCols(middle, right);
    const Vector<Scalar> lengths = R.colwise().norm();
    Matrix<Scalar> shares(left, right); // R −= L·(Lᵀ·R)
    kernel::array_functions<Scalar>().multiply(shares.data(), left, left, right, rows, L.transposed(),
                                               kernel::operand(R), false, scratch);
    shares *= -1;
    kernel::array_functions<Scalar>().multiply(R.data(), rows, rows, right, left, L, kernel::operand(shares), true,
                                               scratch);
    const Scalar kept = (R.colwise().norm().transpose().array() / lengths.array()).minCoeff();
    return std::min({least, kept, kept * least_share_left(q, middle, end, scratch)});
}

/// Makes the columns of q, of which there are at most as many as rows, orthonormal: q becomes the Q of its QR decomposition
/// whose R has a positive diagonal.
///
/// Gram and Schmidt. As the lengths it divides by are positive, so is R's diagonal: a normal q becomes uniformly (Haar)
/// distributed without a correction of signs (Mezzadri, "How to generate random matrices from the classical compact
/// groups", 2007). A column that loses most of its length keeps too few digits, and all are done a second time ("twice
/// is enough": Giraud et al., "Rounding error analysis of the classical Gram-Schmidt orthogonalization process", 2005);
/// that is so where q is nearly square.
template <class Scalar>
void orthonormalize(Matrix<Scalar>& q) {
    Buffer<Scalar> scratch;
    if (least_share_left(q, 0, q.cols(), scratch) < Scalar(0.5))
        least_share_left(q, 0, q.cols(), scratch);
}

} // namespace carousel::detail
