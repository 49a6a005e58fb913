// Column: what a table has under a name, as numbers.
#pragma once

#include "carousel/core/matrix.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What a column of a table holds.
enum class ColumnKind {
    numbers,
    categories, ///< words, as the numbers of `categories`
    dates,      ///< in seconds since 1970
};

/// A column of a table, of whatever kind: its values are numbers.
struct Column {
    /// The name, as the file's first line has it, and what it holds.
    std::string name;
    ColumnKind kind = ColumnKind::numbers;
    std::vector<double> values;               ///< one a row; NaN where there was none
    std::vector<std::string> categories = {}; ///< sorted; value k is the name categories[k]
    /// Of categories found in a file: where and what, if numbers or dates were among the words, dates of two orders,
    /// or numbers with another decimal point or marks of thousands.
    std::string mixed = {};

    /// How many values are missing.
    Index missing() const {
        return std::count_if(values.begin(), values.end(), [](double value) { return std::isnan(value); });
    }
};

} // namespace carousel
