// NamedTensor: a tensor of a file, as plain numbers or as a matrix.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <concepts>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// A tensor of a file. Any number of dimensions can be read and written; `matrix()` gives those of up to two.
struct NamedTensor {
    /// Its name in the file, and its dimensions; none for a single number.
    std::string name;
    std::vector<Index> shape;
    std::variant<std::vector<float>, std::vector<double>> numbers; ///< row-major, the last index fastest (C order)

    NamedTensor() = default;
    /// Of numbers in row-major order, as many as the shape says.
    NamedTensor(std::string n, std::vector<Index> s, std::variant<std::vector<float>, std::vector<double>> values)
        : name(std::move(n)), shape(std::move(s)), numbers(std::move(values)) {}
    /// Of an Eigen matrix: shape [rows, columns], or [n] where the type is a vector's.
    template <class Derived>
    NamedTensor(std::string n, const Eigen::MatrixBase<Derived>& values)
        : name(std::move(n)), shape{values.rows(), values.cols()} {
        using S = typename Derived::Scalar;
        if constexpr (Derived::IsVectorAtCompileTime)
            shape = {values.size()};
        std::vector<S> row_major(static_cast<std::size_t>(values.size()));
        Eigen::Map<RowMajor<S>>(row_major.data(), values.rows(), values.cols()) = values;
        numbers = std::move(row_major);
    }

    /// As the file names it: F32 or F64.
    const char* dtype() const { return numbers.index() == 0 ? "F32" : "F64"; }

    /// Shape [rows, columns] as that matrix, [n] as n × 1, [] as 1 × 1. Throws std::invalid_argument if the numbers are
    /// of another type or count, or there are more dimensions.
    template <std::floating_point S>
    Matrix<S> matrix() const {
        const auto* const values = std::get_if<std::vector<S>>(&numbers);
        require(values && shape.size() <= 2, "NamedTensor::matrix", "\"", name, "\" is of type ", dtype(), " with ",
                shape.size(), " dimensions, expected ", sizeof(S) == 4 ? "F32" : "F64", " and at most 2");
        const Index rows = shape.empty() ? 1 : shape[0], cols = shape.size() < 2 ? 1 : shape[1];
        require(rows >= 0 && cols >= 0 && static_cast<Index>(values->size()) == rows * cols, "NamedTensor::matrix",
                "\"", name, "\" has ", values->size(), " numbers, expected ", rows, " × ", cols);
        return Eigen::Map<const RowMajor<S>>(values->data(), rows, cols);
    }

  private:
    template <class S>
    using RowMajor = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
};

} // namespace carousel
