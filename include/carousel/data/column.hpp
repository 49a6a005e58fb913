// Column: what a table has under a name, as numbers.
#pragma once

#include "carousel/core/matrix.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

enum class ColumnKind {
    numbers,
    categories, ///< words, as the numbers of `categories`
    dates,      ///< in seconds since 1970
};

struct Column {
    std::string name;
    ColumnKind kind = ColumnKind::numbers;
    std::vector<double> values;               ///< one a row; NaN where there was none
    std::vector<std::string> categories = {}; ///< sorted; value k is the name categories[k]
    std::string mixed = {}; ///< of categories found in a file: where and what, if numbers or dates were among the words

    Index missing() const {
        return std::count_if(values.begin(), values.end(), [](double value) { return std::isnan(value); });
    }
};

} // namespace carousel
