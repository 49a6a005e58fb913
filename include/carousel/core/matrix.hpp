// Matrix aliases: every array of the library is one of these, column-major as Eigen stores it.
#pragma once

#include "carousel/core/build.hpp"

#include <Eigen/Core>

#include <concepts>
#include <cstdint>
#include <limits>

namespace carousel::inline CAROUSEL_ABI {

/// The type of sizes and places: signed, 64 bits on 64-bit machines.
using Index = Eigen::Index;

/// A size that is given at run time.
inline constexpr Index Dynamic = Eigen::Dynamic;

/// An Index as a caller gives it: whatever converts to one and is no floating-point number. So braces and strict warnings take a
/// std::size_t, LSTM<float>{names.size(), 64}, without a cast. A std::size_t that went below zero
/// (n - 1 of an n of 0) is the negative number it was meant to be, which is then refused where it is used.
class AnyIndex {
  public:
    /// Of any whole number.
    template <class Integer>
    requires std::convertible_to<Integer, Index> &&(!std::floating_point<Integer>)constexpr AnyIndex(Integer n)
        : value_(static_cast<Index>(n)) {}

    /// The number.
    constexpr operator Index() const { return value_; }

  private:
    Index value_;
};

/// Eigen's matrices, but without its alignment, which depends on the flags of a file: a MatrixXf that is made in a file compiled for
/// AVX can't be freed in another that isn't. They take and give a MatrixXf by a copy, and are mapped or viewed as one.
template <class Scalar>
using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::DontAlign>;

/// A column of them, likewise without Eigen's alignment.
template <class Scalar>
using Vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1, Eigen::DontAlign>;

namespace detail {

/// 2ⁿ, as far as sums of two fit an Index: where it has 32 bits, 2²⁹.
constexpr Index power_of_two(int n) {
    constexpr int most = std::numeric_limits<Index>::digits - 2;
    return Index(1) << (n < most ? n : most);
}

/// m.resize(rows, columns), but a failed allocation leaves an empty matrix: Eigen's resize frees the memory first and then keeps
/// the stale pointer. An assignment resizes like that, too, so what may grow is reshaped before it is assigned.
template <class Scalar, int rows_at_compile_time, int columns_at_compile_time, int options>
void reshape(Eigen::Matrix<Scalar, rows_at_compile_time, columns_at_compile_time, options>& m, Index rows,
             Index columns) {
    if (m.size() != rows * columns)
        m.resize(rows_at_compile_time == Dynamic ? 0 : rows, columns_at_compile_time == Dynamic ? 0 : columns);
    m.resize(rows, columns);
}

/// m = from, reshaped before. `from` doesn't read m.
template <class Scalar, int rows, int columns, int options, class From>
void assign(Eigen::Matrix<Scalar, rows, columns, options>& m, const From& from) {
    reshape(m, from.rows(), from.cols());
    m = from;
}

} // namespace detail

} // namespace carousel
