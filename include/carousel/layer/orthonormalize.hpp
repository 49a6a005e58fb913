// orthonormalize: the Q of a matrix' QR decomposition, in place.
#pragma once

#include "carousel/core/buffer.hpp"
#include "carousel/core/matrix.hpp"
#include "carousel/kernel/arrays.hpp"
#include "carousel/kernel/vectors.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Orthonormalises `columns` columns of `rows` numbers; returns the least share of its length that a column kept. The left half is
/// done first and then taken out of the right half, so that nearly all work is in products of large matrices.
template <class Scalar>
double least_share_left(Scalar* q, Index rows, Index columns, Buffer<Scalar>& scratch) {
    const auto& vectors = kernel::vector_functions<Scalar>();
    constexpr Index few = 8;
    if (columns <= few)
        return vectors.orthonormalize(q, rows, columns);
    const Index left = columns / 2, right = columns - left;
    const double least = least_share_left(q, rows, left, scratch);
    Scalar* const rest = q + left * rows;
    const auto length = [&](Index column) { return std::sqrt(vectors.squared_norm(rest + column * rows, rows)); };
    std::vector<double> lengths(static_cast<std::size_t>(right));
    for (Index k = 0; k < right; ++k)
        lengths[static_cast<std::size_t>(k)] = length(k);

    const kernel::Operand<Scalar> L{q, 1, rows};
    std::vector<Scalar> shares(static_cast<std::size_t>(left * right)); // R −= L·(Lᵀ·R)
    const auto& arrays = kernel::array_functions<Scalar>();
    arrays.multiply(shares.data(), left, left, right, rows, L.transposed(), {rest, 1, rows}, false, scratch);
    vectors.scale(Scalar(-1), shares.data(), left * right);
    arrays.multiply(rest, rows, rows, right, left, L, {shares.data(), 1, left}, true, scratch);
    double kept = 1;
    for (Index k = 0; k < right; ++k)
        kept = std::min(kept, length(k) / lengths[static_cast<std::size_t>(k)]);
    return std::min({least, kept, kept * least_share_left(rest, rows, right, scratch)});
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
    if (least_share_left(q.data(), q.rows(), q.cols(), scratch) < 0.5)
        least_share_left(q.data(), q.rows(), q.cols(), scratch);
}

} // namespace carousel::detail
