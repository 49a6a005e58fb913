// What scalers learn, and how they are kept as texts.
#pragma once

#include "carousel/core/leading_number.hpp"
#include "carousel/core/number_text.hpp"
#include "carousel/core/shown_text.hpp"
#include "carousel/data/scaler.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string_view>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// Calls fit(numbers, center, scale) for the numbers of each row, or of all of them.
template <class F>
Scaler fit_scaler(const char* where, const std::vector<Matrix<double>>& series, ScalerScope scope, const F& fit) {
    require(!series.empty(), where, "no series, expected at least one");
    const Index features = series.front().rows();
    for (const Matrix<double>& one : series)
        require(one.rows() == features, where, "a series has ", one.rows(), " rows and another ", features,
                ", expected the same features");
    require(features > 0, where, "the series has no rows, expected features × length");
    Index steps = 0;
    for (const Matrix<double>& one : series)
        steps += one.cols();
    require(scope == ScalerScope::all_rows || features == 1 || steps != 1, where, "the series has ", features,
            " rows of one step each, which no row can learn its scale from: a series of one feature is 1 × steps, ",
            "fit(series.transpose())");
    const Index parts = scope == ScalerScope::per_row ? features : 1;
    Scaler scaler{Vector<double>(parts), Vector<double>(parts)};
    std::vector<double> numbers;
    for (Index part = 0; part < parts; ++part) {
        numbers.clear();
        for (const Matrix<double>& one : series)
            for (Index t = 0; t < one.cols(); ++t)
                for (Index row = part; row < (parts == 1 ? features : part + 1); ++row) {
                    const double value = one(row, t);
                    if (std::isnan(value))
                        continue;
                    require(std::isfinite(value), where, "row ", row, " is ", value, " at step ", t,
                            ", expected finite numbers, or NaN where there is none");
                    numbers.push_back(value);
                }
        const std::string whose = scope == ScalerScope::per_row ? "row " + decimal(part) : "the series";
        require(!numbers.empty(), where, whose, " has no number to learn from, ",
                "only missing ones: fit on a part that has some, or leave the row out");
        const auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
        require(std::isfinite(*most - *least), where, whose, " reaches from ", *least, " to ", *most,
                ", a distance that no double holds: divide it first");
        double& center = scaler.center[part];
        double& scale = scaler.scale[part];
        fit(numbers, center, scale);
        if (scale == 0)
            scale = 1;
        require(std::isfinite(center) && std::isfinite(scale), where, whose, " reaches from ", *least, " to ", *most,
                ", whose center or scale no double holds: divide it first");
    }
    return scaler;
}

/// As NumPy's quantile: linear between the two nearest of the sorted numbers.
inline double quantile_of(const std::vector<double>& sorted, double q) {
    const double place = q * static_cast<double>(sorted.size() - 1);
    const auto below = std::min(static_cast<std::size_t>(place), sorted.size() - 1);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// Numbers with a comma between them.
inline std::string numbers_text(const Vector<double>& numbers) {
    std::string text;
    for (Index k = 0; k < numbers.size(); ++k)
        text += (k > 0 ? "," : "") + number_text(numbers[k]);
    return text;
}
inline bool read_numbers(std::string_view text, Vector<double>& numbers) {
    std::vector<double> list;
    for (;;) {
        const LeadingNumber number = leading_number(text);
        if (number.length == 0 || !std::isfinite(number.value))
            return false;
        list.push_back(number.value);
        text.remove_prefix(number.length);
        if (text.empty())
            break;
        if (!text.starts_with(','))
            return false;
        text.remove_prefix(1);
    }
    numbers = Eigen::Map<const Vector<double>>(list.data(), static_cast<Index>(list.size()));
    return true;
}

} // namespace detail

CAROUSEL_INLINE Scaler StandardScaler::fit(const std::vector<Matrix<double>>& series) const {
    return detail::fit_scaler("StandardScaler::fit", series, scope,
                              [](const std::vector<double>& numbers, double& center, double& scale) {
                                  const auto n = static_cast<double>(numbers.size());
                                  const auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
                                  center = *least;
                                  scale = 0;
                                  if (*least == *most)
                                      return;
                                  // In units of a power of two that is as large as the numbers, squares neither
                                  // overflow nor vanish, and x / unit is exact unless it is denormal,
                                  // next to nothing beside the largest.
                                  const double unit = std::ldexp(1., std::ilogb(std::max(-*least, *most)));
                                  double sum = 0, squares = 0;
                                  for (const double x : numbers)
                                      sum += x / unit / n;
                                  for (const double x : numbers)
                                      squares += (x / unit - sum) * (x / unit - sum) / n;
                                  center = std::clamp(sum * unit, *least, *most);
                                  scale = std::sqrt(squares) * unit;
                              });
}

CAROUSEL_INLINE Scaler MinMaxScaler::fit(const std::vector<Matrix<double>>& series) const {
    require(low < high && std::isfinite(high - low), "MinMaxScaler::fit", "low ", low, " and high ", high,
            ", expected low < high, both finite");
    return detail::fit_scaler("MinMaxScaler::fit", series, scope,
                              [&](const std::vector<double>& numbers, double& center, double& scale) {
                                  const auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
                                  scale = (*most - *least) / (high - low);
                                  center = *least - low * (scale > 0 ? scale : 1);
                              });
}

CAROUSEL_INLINE Scaler RobustScaler::fit(const std::vector<Matrix<double>>& series) const {
    require(lower >= 0 && lower < upper && upper <= 1, "RobustScaler::fit", "lower ", lower, " and upper ", upper,
            ", expected 0 <= lower < upper <= 1");
    return detail::fit_scaler("RobustScaler::fit", series, scope,
                              [&](std::vector<double> numbers, double& center, double& scale) {
                                  std::sort(numbers.begin(), numbers.end());
                                  center = detail::quantile_of(numbers, 0.5);
                                  scale = detail::quantile_of(numbers, upper) - detail::quantile_of(numbers, lower);
                              });
}

CAROUSEL_INLINE void Scaler::check(const char* where, Index rows, const std::vector<Index>& columns) const {
    const Index fitted = std::max(center.size(), scale.size());
    require(center.size() > 0 && center.size() == scale.size(), where, center.size(), " centers and ", scale.size(),
            " scales, expected one of each for a row: fit it first, StandardScaler{}.fit(series)");
    for (Index k = 0; k < scale.size(); ++k)
        require(std::isfinite(center[k]) && std::isfinite(scale[k]) && scale[k] != 0, where, "center ", center[k],
                " and scale ", scale[k], " of row ", k, ", expected finite numbers, the scale not 0");
    if (columns.empty()) {
        require(fitted == 1 || rows == fitted, where, "x has ", rows, " rows, expected ", fitted, " as were fitted",
                ": name the columns that its rows are");
        return;
    }
    const auto count = static_cast<Index>(columns.size());
    require(rows % count == 0, where, "y has ", rows, " rows, expected a multiple of its ", count, " columns");
    for (const Index column : columns)
        require(column >= 0 && (fitted == 1 || column < fitted), where, "column ", column, ", expected 0 <= column < ",
                fitted);
}

CAROUSEL_INLINE void Scaler::check_columns(const char* where, const std::vector<Index>& columns) const {
    require(!columns.empty(), where, "no columns, expected those that the rows are");
}

CAROUSEL_INLINE Scaler Scaler::select(const std::vector<Index>& columns) const {
    const auto count = static_cast<Index>(columns.size());
    check_columns("Scaler::select", columns);
    check("Scaler::select", count, columns);
    Scaler chosen{Vector<double>(count), Vector<double>(count)};
    for (Index k = 0; k < count; ++k) {
        const Index column = center.size() == 1 ? 0 : columns[static_cast<std::size_t>(k)];
        chosen.center[k] = center[column];
        chosen.scale[k] = scale[column];
    }
    return chosen;
}

CAROUSEL_INLINE void Scaler::save(Metadata& metadata, const std::string& name) const {
    check("Scaler::save", center.size(), {});
    metadata[name + ".center"] = detail::numbers_text(center);
    metadata[name + ".scale"] = detail::numbers_text(scale);
}

CAROUSEL_INLINE Scaler Scaler::load(const Metadata& metadata, const std::string& name) {
    Scaler scaler;
    for (const auto& [part, numbers] : {std::pair{".center", &scaler.center}, std::pair{".scale", &scaler.scale}}) {
        const auto found = metadata.find(name + part);
        if (found == metadata.end())
            detail::fail<std::runtime_error>("Scaler::load: the metadata has no \"" + name + part +
                                             "\": it was saved without a scaler, or with one of another name");
        if (!detail::read_numbers(found->second, *numbers))
            detail::fail<std::runtime_error>("Scaler::load: \"" + name + part + "\" is \"" +
                                             detail::shown_field(found->second) +
                                             "\", expected finite numbers with commas between them");
    }
    if (scaler.center.size() != scaler.scale.size() || (scaler.scale.array() == 0).any())
        detail::fail<std::runtime_error>("Scaler::load: \"" + name +
                                         "\" isn't as many centers as scales that aren't 0");
    return scaler;
}

} // namespace carousel
