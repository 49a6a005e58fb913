// Scalers: bring columns of data to units of like size, as learnt from the training part, and back.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/metadata.hpp"
#include "carousel/core/require.hpp"
#include "carousel/core/sequence.hpp"

#include <concepts>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// What a scaler is fitted on: features × length. A column vector is a series of one feature.
template <class Derived>
Matrix<double> scaler_series(const Eigen::MatrixBase<Derived>& series) {
    if constexpr (Derived::ColsAtCompileTime == 1 && Derived::RowsAtCompileTime != 1)
        return series.template cast<double>().transpose();
    else
        return series.template cast<double>();
}
template <class S>
Matrix<double> scaler_series(std::span<const S> series) {
    return Eigen::Map<const Matrix<S>>(series.data(), 1, static_cast<Index>(series.size())).template cast<double>();
}

/// What a scaler changes: rows × count numbers, column by column.
template <class S>
struct ScaledRows {
    S* data;
    Index rows, count;
};
template <std::floating_point S, int rows, int columns, int options>
requires((options & Eigen::RowMajor) == 0) ScaledRows<S> scaled_rows(Eigen::Matrix<S, rows, columns, options>& x) {
    return {x.data(), x.rows(), x.cols()};
}
template <std::floating_point S>
ScaledRows<S> scaled_rows(Sequence<S>& x) {
    return {x.data(), x.features(), x.values().cols()};
}
template <std::floating_point S>
requires(!std::is_const_v<S>) ScaledRows<S> scaled_rows(std::span<S> x) {
    return {x.data(), 1, static_cast<Index>(x.size())};
}
template <std::floating_point S>
ScaledRows<S> scaled_rows(std::vector<S>& x) {
    return scaled_rows(std::span<S>(x));
}
/// What transform() takes.
template <class Numbers>
concept Scaled = requires(Numbers& x) {
    scaled_rows(x);
};

} // namespace detail

/// x' = (x − center)/scale for each row of a series (features × length, or × steps × batch), or with one center and scale for all
/// rows. It is made by StandardScaler{}.fit(training part) and its like, or by hand.
///
///     const Scaler scaler = StandardScaler{}.fit(series.leftCols(8640));
///     scaler.transform(series);
///     …
///     Matrix<float> forecast = model(windows.x).values();
///     scaler.inverse_transform(forecast, {target});
struct Scaler {
    Vector<double> center, scale; ///< of each row, or one number for all of them

    /// In place. x is a Matrix (features × length) or a Sequence; a column, VectorXf: a series of one feature if one center was
    /// fitted, else one step of all features; or a std::vector or std::span of numbers, a series of one feature. Throws
    /// std::invalid_argument unless x has as many rows as were fitted (or there is one center for all), and each scale is a finite
    /// number that isn't 0.
    template <detail::Scaled Numbers>
    void transform(Numbers&& x) const {
        apply("Scaler::transform", detail::scaled_rows(x), {}, false);
    }
    /// Back to the units of the data, in place. Takes and throws what transform() does.
    template <detail::Scaled Numbers>
    void inverse_transform(Numbers&& x) const {
        apply("Scaler::inverse_transform", detail::scaled_rows(x), {}, true);
    }
    /// A copy of any expression. A column is, as for transform(), a series of one feature or one step of all.
    template <class Derived>
    Matrix<typename Derived::Scalar> transformed(const Eigen::MatrixBase<Derived>& x) const {
        Matrix<typename Derived::Scalar> result = x;
        transform(result);
        return result;
    }
    /// A copy in the units of the data.
    template <class Derived>
    Matrix<typename Derived::Scalar> inverse_transformed(const Eigen::MatrixBase<Derived>& x) const {
        Matrix<typename Derived::Scalar> result = x;
        inverse_transform(result);
        return result;
    }

    /// The same for rows that are other columns of the data, as targets are: row k is columns[k % columns.size()], so a forecast of
    /// several steps, (targets · horizon) × windows, needs its targets once. Throws std::invalid_argument also if a column wasn't
    /// fitted, or the rows aren't a multiple of them.
    template <std::floating_point S>
    void transform(Matrix<S>& y, const std::vector<Index>& columns) const {
        check_columns("Scaler::transform", columns);
        apply("Scaler::transform", detail::scaled_rows(y), columns, false);
    }
    template <std::floating_point S>
    void inverse_transform(Matrix<S>& y, const std::vector<Index>& columns) const {
        check_columns("Scaler::inverse_transform", columns);
        apply("Scaler::inverse_transform", detail::scaled_rows(y), columns, true);
    }

    /// A scaler of these columns alone, in this order.
    Scaler select(const std::vector<Index>& columns) const;

    /// "name.center" and "name.scale", numbers that read back exactly, for save_safetensors(path, model, metadata).
    void save(Metadata& metadata, const std::string& name = "scaler") const;
    /// Throws std::runtime_error if there is no scaler of this name, or what is there isn't one.
    static Scaler load(const Metadata& metadata, const std::string& name = "scaler");

  private:
    void check(const char* where, Index rows, const std::vector<Index>& columns) const;
    void check_columns(const char* where, const std::vector<Index>& columns) const;

    template <std::floating_point S>
    void apply(const char* where, const detail::ScaledRows<S>& x, const std::vector<Index>& columns,
               bool inverse) const {
        check(where, x.rows, columns);
        for (Index k = 0; k < x.rows; ++k) {
            const Index row = columns.empty() ? k : columns[static_cast<std::size_t>(k) % columns.size()];
            const double c = center[center.size() == 1 ? 0 : row], s = scale[scale.size() == 1 ? 0 : row];
            for (Index t = 0; t < x.count; ++t) {
                S& value = x.data[k + t * x.rows];
                value =
                    static_cast<S>(inverse ? static_cast<double>(value) * s + c : (static_cast<double>(value) - c) / s);
            }
        }
    }
};

/// What a scaler learns: a center and a scale for each row, or for all numbers together, as for series of one kind.
enum class ScalerScope { per_row, all_rows };

/// Mean 0 and standard deviation 1 (of N, not N − 1). As for the other scalers: NaN is skipped; a row whose scale would be 0 has 1,
/// so that it becomes 0 everywhere.
struct StandardScaler {
    /// A center and a scale for each row, or for all numbers together.
    ScalerScope scope = ScalerScope::per_row;

    /// series: features × length, the training part of it; a column vector (VectorXf, a column of a matrix) is a series
    /// of one feature. Throws std::invalid_argument if a row has no number but NaN, or an infinite one; if a double
    /// can't hold the distance of its largest to its smallest, or what is learnt; or if there are several rows of one
    /// step each, of which no row can learn its scale.
    template <class Derived>
    Scaler fit(const Eigen::MatrixBase<Derived>& series) const {
        return fit(std::vector<Matrix<double>>{detail::scaler_series(series)});
    }
    /// Of one feature: as columns of a Table are, table.values("OT").
    template <class S>
    requires std::floating_point<std::remove_const_t<S>> Scaler fit(std::span<S> series)
    const { return fit(std::vector<Matrix<double>>{detail::scaler_series(std::span<const S>(series))}); }
    template <std::floating_point S>
    Scaler fit(const std::vector<S>& series) const {
        return fit(std::span<const S>(series));
    }
    /// One scaler for several series of the same features, each features × length (of one feature: 1 × length). For one
    /// each, fit each.
    Scaler fit(const std::vector<Matrix<double>>& series) const;
};

/// The smallest value becomes `low`, the largest `high`; a constant row becomes `low`.
struct MinMaxScaler {
    /// What the smallest and the largest value become.
    double low = 0, high = 1;
    /// A center and a scale for each row, or for all numbers together.
    ScalerScope scope = ScalerScope::per_row;

    /// Throws as StandardScaler::fit does, and unless low < high, both finite.
    template <class Derived>
    Scaler fit(const Eigen::MatrixBase<Derived>& series) const {
        return fit(std::vector<Matrix<double>>{detail::scaler_series(series)});
    }
    /// Of one feature: as columns of a Table are, table.values("OT").
    template <class S>
    requires std::floating_point<std::remove_const_t<S>> Scaler fit(std::span<S> series)
    const { return fit(std::vector<Matrix<double>>{detail::scaler_series(std::span<const S>(series))}); }
    template <std::floating_point S>
    Scaler fit(const std::vector<S>& series) const {
        return fit(std::span<const S>(series));
    }
    Scaler fit(const std::vector<Matrix<double>>& series) const;
};

/// The median becomes 0 and the distance between two quantiles 1: outliers have no say. Quantiles are interpolated as NumPy's are.
struct RobustScaler {
    /// The quantiles whose distance becomes 1.
    double lower = 0.25, upper = 0.75;
    /// A center and a scale for each row, or for all numbers together.
    ScalerScope scope = ScalerScope::per_row;

    /// Throws as StandardScaler::fit does, and unless 0 <= lower < upper <= 1.
    template <class Derived>
    Scaler fit(const Eigen::MatrixBase<Derived>& series) const {
        return fit(std::vector<Matrix<double>>{detail::scaler_series(series)});
    }
    /// Of one feature: as columns of a Table are, table.values("OT").
    template <class S>
    requires std::floating_point<std::remove_const_t<S>> Scaler fit(std::span<S> series)
    const { return fit(std::vector<Matrix<double>>{detail::scaler_series(std::span<const S>(series))}); }
    template <std::floating_point S>
    Scaler fit(const std::vector<S>& series) const {
        return fit(std::span<const S>(series));
    }
    Scaler fit(const std::vector<Matrix<double>>& series) const;
};

} // namespace carousel

#ifdef CAROUSEL_BODIES
#    include "carousel/data/scaler_bodies.hpp"
#endif
