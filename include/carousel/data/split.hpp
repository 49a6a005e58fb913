// Splits by time: the parts of a series that are for training, validation and test, one after the other.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"
#include "carousel/data/date.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Rows first … first + count − 1 of a table, columns of a series: series.middleCols(range.first, range.count).
struct RowRange {
    /// The first row, and how many.
    Index first = 0, count = 0;

    /// One past the last. Throws std::invalid_argument unless first >= 0, count >= 0 and their sum is an Index.
    Index end() const {
        check("RowRange::end");
        return first + count;
    }
    /// With as many rows before it as a window's inputs have, or as there are: then the first target is the first of the range.
    /// Throws std::invalid_argument unless steps >= 0, and as end() does.
    RowRange with_history(AnyIndex steps) const {
        check("RowRange::with_history");
        require(steps >= 0, "RowRange::with_history", "steps is ", Index(steps), ", expected steps >= 0");
        const Index before = std::min(first, Index(steps));
        return {first - before, count + before};
    }
    bool operator==(const RowRange&) const = default;

  private:
    void check(const char* where) const {
        require(first >= 0 && count >= 0 && count <= std::numeric_limits<Index>::max() - first, where,
                "the range begins at ", first, " and has ", count,
                " rows, expected both >= 0, and an end that an Index holds");
    }
};

/// Parts of so many rows, from the first on; what is left over is in none. Throws std::invalid_argument if a count is
/// below 1, rows below 0, or they are more than `rows` together.
inline std::vector<RowRange> split_by_counts(AnyIndex rows, const std::vector<Index>& counts) {
    std::vector<RowRange> parts;
    Index first = 0;
    require(rows >= 0, "split_by_counts", "rows is ", Index(rows), ", expected rows >= 0");
    require(!counts.empty(), "split_by_counts", "no counts, expected one for each part");
    for (const Index count : counts) {
        require(count >= 1, "split_by_counts", "a part of ", count, " rows, expected at least 1");
        require(count <= rows - first, "split_by_counts", "parts of ", first, " and ", count, " rows, but there are ",
                Index(rows));
        parts.push_back({first, count});
        first += count;
    }
    return parts;
}

/// Parts that are these fractions of the rows, ends rounded; of fractions that sum up to 1, all rows. Throws std::invalid_argument
/// unless rows >= 0, each is > 0, they sum up to 1 at most (within 1e-9), and each part has a row.
inline std::vector<RowRange> split_by_fractions(AnyIndex rows, const std::vector<double>& fractions) {
    require(rows >= 0, "split_by_fractions", "rows is ", Index(rows), ", expected rows >= 0");
    require(!fractions.empty(), "split_by_fractions", "no fractions, expected one for each part");
    std::vector<RowRange> parts;
    double sum = 0;
    Index first = 0;
    for (const double fraction : fractions) {
        require(fraction > 0, "split_by_fractions", "a fraction is ", fraction, ", expected > 0");
        sum += fraction;
        require(sum <= 1 + 1e-9, "split_by_fractions", "the fractions sum up to ", sum, ", expected 1 at most");
        const Index end = sum >= 1 - 1e-9 ? Index(rows) // a double may hold neither the sum nor the rows
                                          : static_cast<Index>(std::llround(sum * static_cast<double>(rows)));
        require(end > first, "split_by_fractions", "a fraction of ", fraction, " of ", Index(rows),
                " rows has none, expected at least 1");
        parts.push_back({first, end - first});
        first = end;
    }
    return parts;
}

/// Parts of rows with dates in order: before cuts[0], from cuts[0] on and before cuts[1], …, from the last on. Throws
/// std::invalid_argument if the dates go back, cuts don't grow, or a part is empty.
inline std::vector<RowRange> split_by_dates(std::span<const DateTime> dates, const std::vector<DateTime>& cuts) {
    const auto back = std::adjacent_find(dates.begin(), dates.end(), [](DateTime a, DateTime b) { return b < a; });
    require(back == dates.end(), "split_by_dates", "the date of row ", back - dates.begin() + 2,
            " is before that of the row above it, expected dates in order: sort the rows");
    for (std::size_t k = 1; k < cuts.size(); ++k)
        require(cuts[k - 1] < cuts[k], "split_by_dates", "cut ", k, ", ", date_text(cuts[k]), ", isn't after cut ",
                k - 1, ", ", date_text(cuts[k - 1]), ": expected cuts that grow");
    std::vector<RowRange> parts;
    Index first = 0;
    for (std::size_t k = 0; k <= cuts.size(); ++k) {
        const Index end = k < cuts.size() ? std::lower_bound(dates.begin(), dates.end(), cuts[k]) - dates.begin()
                                          : static_cast<Index>(dates.size());
        require(end > first, "split_by_dates", "there is no row from ", k > 0 ? date_text(cuts[k - 1]) : "the first",
                " on and before ", k < cuts.size() ? date_text(cuts[k]) : "the end",
                ": cuts must grow within the dates");
        parts.push_back({first, end - first});
        first = end;
    }
    return parts;
}

} // namespace carousel
