// Operand: a matrix that a product reads.
#pragma once

#include "carousel/core/matrix.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel {

/// A matrix to read: element (i, j) stands at data + i·row + j·column.
template <class Scalar>
struct Operand {
    const Scalar* data;
    Index row, column;
    Operand transposed() const { return {data, column, row}; }
    Operand from_row(Index i) const { return {at(i, 0), row, column}; }
    const Scalar* at(Index i, Index j) const { return data + i * row + j * column; }
};

/// A column-major matrix as an Operand.
template <class Derived>
Operand<typename Derived::Scalar> operand(const Eigen::MatrixBase<Derived>& m) {
    static_assert(!Derived::IsRowMajor);
    return {m.derived().data(), 1, m.derived().outerStride()};
}

} // namespace carousel::kernel
