// Matrix aliases: every array of the library is one of these, column-major as Eigen stores it.
#pragma once

#include <Eigen/Core>

#include <cstdint>

namespace carousel {

using Index = Eigen::Index;

/// A size that is given at run time.
inline constexpr Index Dynamic = Eigen::Dynamic;

template <class Scalar>
using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;

template <class Scalar>
using Vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

} // namespace carousel
