// Gaps: values that are missing (NaN) in a series, filled from their neighbours or with a number.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <cmath>
#include <concepts>
#include <limits>
#include <span>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Where the value in a gap comes from.
enum class Fill {
    forward,  ///< the value before it, which a forecaster knows at that time; a gap at the beginning stays
    backward, ///< the value after it; a gap at the end stays
    linear,   ///< the line between both, by row; gaps at the ends take the nearest value
};

/// Which gaps are filled.
struct FillOptions {
    AnyIndex limit = std::numeric_limits<Index>::max(); ///< longer gaps stay as they are
};

namespace detail {

/// The gaps of values at data, data + stride, …; returns how many values were filled.
template <std::floating_point S>
Index fill_gaps(S* data, Index count, Index stride, Fill how, Index limit) {
    Index filled = 0;
    for (Index first = 0, end = 0; first < count; first = end + 1) {
        end = first;
        while (end < count && std::isnan(data[end * stride]))
            ++end;
        const bool before = first > 0, after = end < count;
        if (end == first || end - first > limit || (how == Fill::forward && !before) ||
            (how == Fill::backward && !after) || !(before || after))
            continue;
        const S from = data[(before && how != Fill::backward ? first - 1 : end) * stride];
        const S to = data[(after && how != Fill::forward ? end : first - 1) * stride];
        for (Index k = first; k < end; ++k, ++filled) {
            const S part = static_cast<S>(k - first + 1) / static_cast<S>(end - first + 1);
            data[k * stride] = how == Fill::linear ? std::lerp(from, to, part) : from;
        }
    }
    return filled;
}

} // namespace detail

/// Fills the gaps of each row of a series, features × length, or of one column of a table; returns how many values were
/// filled. Throws std::invalid_argument unless limit >= 1.
template <std::floating_point S>
Index fill_gaps(Matrix<S>& series, Fill how, FillOptions options = {}) {
    require(options.limit >= 1, "fill_gaps", "limit is ", Index(options.limit), ", expected limit >= 1");
    Index filled = 0;
    for (Index row = 0; row < series.rows(); ++row)
        filled += detail::fill_gaps(series.data() + row, series.cols(), series.rows(), how, options.limit);
    return filled;
}
template <std::floating_point S>
Index fill_gaps(std::span<S> series, Fill how, FillOptions options = {}) {
    require(options.limit >= 1, "fill_gaps", "limit is ", Index(options.limit), ", expected limit >= 1");
    return detail::fill_gaps(series.data(), static_cast<Index>(series.size()), Index(1), how, options.limit);
}
template <std::floating_point S>
Index fill_gaps(std::vector<S>& series, Fill how, FillOptions options = {}) {
    return fill_gaps(std::span<S>(series), how, options);
}

/// Every missing value becomes `value`; returns how many. Throws std::invalid_argument if that is NaN.
template <std::floating_point S>
Index fill_gaps(std::span<S> series, std::type_identity_t<S> value) {
    require(!std::isnan(value), "fill_gaps", "value is nan, expected a number to put where there is none");
    Index filled = 0;
    for (S& one : series)
        if (std::isnan(one)) {
            one = value;
            ++filled;
        }
    return filled;
}
template <std::floating_point S>
Index fill_gaps(Matrix<S>& series, std::type_identity_t<S> value) {
    return fill_gaps(std::span<S>(series.data(), static_cast<std::size_t>(series.size())), value);
}
template <std::floating_point S>
Index fill_gaps(std::vector<S>& series, std::type_identity_t<S> value) {
    return fill_gaps(std::span<S>(series), value);
}

} // namespace carousel
