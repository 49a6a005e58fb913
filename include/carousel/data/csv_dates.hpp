// The dates of a CSV file's rows, from one column or several.
#pragma once

#include "carousel/data/csv_columns.hpp"
#include "carousel/data/similar_names.hpp"

namespace carousel::inline CAROUSEL_ABI::detail {

struct CsvDates {
    std::vector<DateTime> dates; ///< one a row, or none
    std::vector<Index> columns;  ///< that they are from
    std::string why_none;
};

/// date(row) for all rows; where one is nothing, none of them and the reason: its field in the column `blamed`, which
/// date() may set.
template <class F>
CsvDates dates_by_row(const CsvReading& reading, std::vector<Index> columns, const Index& blamed, const char* expected,
                      const F& date) {
    CsvDates result{{}, std::move(columns), {}};
    for (Index row = 0; row < reading.rows(); ++row) {
        const std::optional<DateTime> one = date(row);
        if (!one)
            return {{},
                    {},
                    reading.place(row, blamed, expected) +
                        (reading.is_empty(row)
                             ? ": the whole row is empty, CsvOptions::skip_empty_rows leaves such rows out"
                             : "")};
        result.dates.push_back(*one);
    }
    return result;
}

/// The part of a date that a field is, 0 … 5 for year … second; a month may be a name. −1 if it is none.
inline int date_part(const CsvReading& reading, std::string_view field, std::size_t part) {
    constexpr std::array<int, 6> least{1, 1, 1, 0, 0, 0}, most{9999, 12, 31, 23, 59, 59};
    if (reading.missing(field))
        return -1;
    if (const int month = part == 1 ? month_of(lower_case(field)) : -1; month > 0)
        return month;
    const double value = reading.number(field);
    const bool is_part = value >= least[part] && value <= most[part] && value == std::floor(value);
    return is_part ? static_cast<int>(value) : -1;
}

/// Whether a column has this part of dates: its first field that is such a part or a whole date says so.
inline bool has_part(const CsvReading& reading, Index column, std::size_t part) {
    for (Index row = 0; row < reading.rows(); ++row) {
        const std::string_view field = reading.field(row, column);
        if (date_part(reading, field, part) >= 0)
            return true;
        if (CsvReading::is_any_date(field) || parse_compact_date(field))
            return false;
    }
    return false;
}

/// From the fields of year, month, day, hour, minute and second, whatever the kinds of their columns; at least the
/// year.
inline CsvDates dates_of_parts(const CsvReading& reading, const std::vector<Index>& columns) {
    Index blamed = columns.front();
    return dates_by_row(reading, columns, blamed,
                        "a part of a date: year, month, day, hour, minute, second, in this order",
                        [&](Index row) -> std::optional<DateTime> {
                            std::array<int, 6> parts{1, 1, 1, 0, 0, 0};
                            for (std::size_t k = 0; k < columns.size(); ++k) {
                                blamed = columns[k];
                                parts[k] = date_part(reading, reading.field(row, blamed), k);
                                if (parts[k] < 0)
                                    return std::nullopt;
                            }
                            blamed = columns[std::min(columns.size() - 1, std::size_t(2))]; // a month without this day
                            const auto day = date_of(parts[0], parts[1], parts[2]);
                            return day ? std::optional(*day + std::chrono::hours(parts[3]) +
                                                       std::chrono::minutes(parts[4]) + std::chrono::seconds(parts[5]))
                                       : std::nullopt;
                        });
}

inline bool is_midnight(DateTime time) {
    return time == std::chrono::floor<std::chrono::days>(time);
}

/// A column of dates, also of compact ones, and one of times of day if it is given.
inline CsvDates dates_and_times(const CsvReading& reading, const std::vector<Column>& all, Index dates,
                                std::optional<Index> times) {
    const Column& column = all[static_cast<std::size_t>(dates)];
    std::vector<Index> columns{dates};
    if (times)
        columns.push_back(*times);
    std::string why;
    const std::optional<DateOrder> order =
        column.kind == ColumnKind::dates ? DateOrder::month_first : reading.date_order(dates, why);
    if (!order)
        return {{}, {}, why};
    const auto day = [&](Index row) -> std::optional<DateTime> {
        if (column.kind == ColumnKind::dates) {
            const double seconds = column.values[static_cast<std::size_t>(row)];
            return std::isnan(seconds)
                       ? std::nullopt
                       : std::optional(DateTime(std::chrono::seconds(static_cast<std::int64_t>(seconds))));
        }
        const std::string_view text = reading.field(row, dates);
        if (reading.missing(text))
            return std::nullopt;
        const auto date = parse_date(text, *order);
        return date ? date : parse_compact_date(text);
    };
    CsvDates result = dates_by_row(reading, columns, dates, "a date", day);
    if (!times || result.dates.empty())
        return result;
    for (std::size_t row = 0; row < result.dates.size(); ++row)
        if (!is_midnight(result.dates[row]))
            return {{},
                    {},
                    reading.place(static_cast<Index>(row), dates,
                                  "a date without a time of day, as column \"" + reading.name(*times) + "\" has that")};
    return dates_by_row(reading, columns, *times, "a time of day", [&](Index row) -> std::optional<DateTime> {
        const std::string_view text = reading.field(row, *times);
        const auto time = reading.missing(text) ? std::nullopt : parse_time_of_day(text);
        return time ? std::optional(result.dates[static_cast<std::size_t>(row)] + *time) : std::nullopt;
    });
}

/// From the columns that the options name.
inline CsvDates named_dates(const CsvReading& reading, const std::vector<Column>& all,
                            const std::vector<Index>& columns) {
    if (columns.size() <= 2 && !has_part(reading, columns.front(), 0))
        return dates_and_times(reading, all, columns[0],
                               columns.size() == 2 ? std::optional(columns[1]) : std::nullopt);
    require(columns.size() <= 6, "read_csv", columns.size(),
            " columns for dates, expected at most 6: year, month, day, hour, minute, second");
    return dates_of_parts(reading, columns);
}

/// From the first column of dates, with one of times of day that is called "time" if all its dates are at midnight; or
/// from those called year, month, ….
inline CsvDates found_dates(const CsvReading& reading, const std::vector<Column>& all) {
    const auto called = [&](const char* name) -> std::optional<Index> {
        for (std::size_t k = 0; k < all.size(); ++k)
            if (lower_case(all[k].name) == name)
                return static_cast<Index>(k);
        return std::nullopt;
    };
    for (std::size_t k = 0; k < all.size(); ++k) {
        if (all[k].kind != ColumnKind::dates)
            continue;
        // Numbers, such as seconds since the start, are no times of day, though 12.25 could be one.
        std::optional<Index> times = called("time");
        if (times && (all[static_cast<std::size_t>(*times)].kind != ColumnKind::categories ||
                      !parse_time_of_day(reading.first_field(*times)) ||
                      !std::all_of(all[k].values.begin(), all[k].values.end(), [](double seconds) {
                          return std::isnan(seconds) || std::fmod(seconds, 86400) == 0;
                      })))
            times = std::nullopt;
        return dates_and_times(reading, all, static_cast<Index>(k), times);
    }
    std::vector<Index> parts;
    for (const char* const name : {"year", "month", "day", "hour", "minute", "second"}) {
        const std::optional<Index> column = called(name);
        if (!column || (all[static_cast<std::size_t>(*column)].kind != ColumnKind::numbers &&
                        !has_part(reading, *column, parts.size())))
            break;
        parts.push_back(*column);
    }
    if (parts.size() > 1)
        return dates_of_parts(reading, parts);
    for (const Column& column : all)
        if (column.mixed.find("\", expected a date") != std::string::npos)
            return {{}, {}, column.mixed};
    return {};
}

} // namespace carousel::detail
