// What the functions of a Table do.
#pragma once

#include "carousel/data/csv.hpp"
#include "carousel/data/csv_columns.hpp"
#include "carousel/data/csv_dates.hpp"
#include "carousel/data/similar_names.hpp"
#include "carousel/data/table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// The category of a column of categories in a row; nullptr if it is missing. Throws std::invalid_argument if there is
/// none of this number, as values may be changed.
inline const std::string* category(const char* where, const Column& column, Index row) {
    const double code = column.values[static_cast<std::size_t>(row)];
    if (std::isnan(code))
        return nullptr;
    require(code >= 0 && code < static_cast<double>(column.categories.size()) && code == std::floor(code), where,
            "column \"", column.name, "\" is ", code, " in row ", row + 1, ", expected the number of one of its ",
            column.categories.size(), " categories, from 0, or NaN");
    return &column.categories[static_cast<std::size_t>(code)];
}
inline void check_codes(const char* where, const Column& column) {
    for (std::size_t row = 0; column.kind == ColumnKind::categories && row < column.values.size(); ++row)
        category(where, column, static_cast<Index>(row));
}

} // namespace detail

inline Table::Table(std::vector<Column> columns, std::string source)
    : columns_(std::move(columns)), source_(std::move(source)) {
    for (const Column& column : columns_)
        require(static_cast<Index>(column.values.size()) == rows(), "Table", "column \"", column.name, "\" has ",
                column.values.size(), " rows and \"", columns_.front().name, "\" has ", rows(),
                ", expected as many in each");
    for (const Column& column : columns_)
        detail::check_codes("Table", column);
}

inline std::vector<std::string> Table::names() const {
    std::vector<std::string> names;
    for (const Column& column : columns_)
        names.push_back(column.name);
    return names;
}

inline std::vector<std::string> Table::names(ColumnKind kind) const {
    std::vector<std::string> names;
    for (const Column& column : columns_)
        if (column.kind == kind)
            names.push_back(column.name);
    return names;
}

inline std::vector<std::string> Table::number_names() const {
    std::vector<std::string> names = this->names(ColumnKind::numbers);
    std::erase_if(names, [&](const std::string& name) {
        return std::find(date_columns_.begin(), date_columns_.end(), name) != date_columns_.end();
    });
    return names;
}

inline bool Table::has(std::string_view name) const {
    return std::any_of(columns_.begin(), columns_.end(), [&](const Column& column) { return column.name == name; });
}

inline std::size_t Table::position(std::string_view name) const {
    std::size_t found = columns_.size();
    for (std::size_t k = 0; k < columns_.size(); ++k)
        if (columns_[k].name == name) {
            require(found == columns_.size(), "Table", source_, " has two columns that are called \"",
                    std::string(name), "\": say which by its number, ", found + 1, " or ", k + 1);
            found = k;
        }
    if (found == columns_.size()) {
        std::size_t number = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (error == std::errc() && end == name.data() + name.size() && number >= 1 && number <= columns_.size())
            return number - 1;
        require(false, "Table", source_, " has no column \"", std::string(name), "\"",
                detail::names_like(name, names()));
    }
    return found;
}

template <std::floating_point S>
Matrix<S> Table::matrix(const std::vector<std::string>& names) const {
    std::vector<const Column*> chosen;
    for (const std::string& name : names) {
        chosen.push_back(&column(name));
        if (!chosen.back()->mixed.empty())
            detail::fail<std::runtime_error>(chosen.back()->mixed);
    }
    Matrix<S> series(static_cast<Index>(names.size()), rows());
    for (Index k = 0; k < series.rows(); ++k)
        for (Index row = 0; row < rows(); ++row) {
            const Column& from = *chosen[static_cast<std::size_t>(k)];
            const double value = from.values[static_cast<std::size_t>(row)];
            if (std::abs(value) > std::numeric_limits<S>::max() && std::isfinite(value))
                detail::fail<std::runtime_error>(
                    place(row) + ": column \"" + detail::shown_field(from.name) + "\" is " +
                    detail::number_text(value) +
                    ", which a float can't hold: ask for a matrix of double and scale that");
            series(k, row) = static_cast<S>(value);
        }
    return series;
}

inline void Table::add(Column column) {
    require(!has(column.name), "Table::add", "there is a column \"", column.name,
            "\" already: give this one another name");
    require(columns_.empty() || static_cast<Index>(column.values.size()) == rows(), "Table::add", "column \"",
            column.name, "\" has ", column.values.size(), " rows, expected ", rows());
    detail::check_codes("Table::add", column);
    columns_.push_back(std::move(column));
}

inline std::vector<std::string> Table::add_one_hot(std::string_view name) {
    return add_one_hot(name, std::vector<std::string>(column(name).categories));
}

inline std::vector<std::string> Table::add_one_hot(std::string_view name, const std::vector<std::string>& categories) {
    const Column& from = column(name);
    require(from.kind == ColumnKind::categories, "Table::add_one_hot", "\"", from.name,
            "\" is no column of words: name it in CsvOptions::categories");
    std::vector<Column> added;
    for (const std::string& category : categories)
        added.push_back({from.name + "=" + category, ColumnKind::numbers,
                         std::vector<double>(from.values.size(), std::numeric_limits<double>::quiet_NaN())});
    for (Index row = 0; row < rows(); ++row) {
        const std::string* const word = detail::category("Table::add_one_hot", from, row);
        if (!word)
            continue;
        const auto found = std::find(categories.begin(), categories.end(), *word);
        if (found == categories.end())
            detail::fail<std::runtime_error>(place(row) + ": column \"" + from.name + "\" is \"" +
                                             detail::shown_field(*word) + "\", which isn't one of its " +
                                             detail::decimal(static_cast<std::intmax_t>(categories.size())) +
                                             " known words");
        for (std::size_t k = 0; k < added.size(); ++k)
            added[k].values[static_cast<std::size_t>(row)] = &categories[k] == &*found ? 1 : 0;
    }
    return add_all("Table::add_one_hot", std::move(added));
}

inline std::vector<std::string> Table::add_calendar(const std::vector<Calendar>& cycles) {
    const Matrix<double> features = calendar_features<double>(dates(), cycles);
    std::vector<Column> added;
    for (Index k = 0; k < features.rows(); ++k) {
        Column& column = added.emplace_back();
        column.name = calendar_name(cycles[static_cast<std::size_t>(k / 2)]) + (k % 2 == 0 ? "_sin" : "_cos");
        for (Index row = 0; row < features.cols(); ++row)
            column.values.push_back(features(k, row));
    }
    return add_all("Table::add_calendar", std::move(added));
}

inline std::vector<std::string> Table::add_all(const char* where, std::vector<Column> added) {
    std::vector<std::string> names;
    for (const Column& column : added) {
        require(!has(column.name), where, "there is a column \"", column.name, "\" already");
        require(std::find(names.begin(), names.end(), column.name) == names.end(), where, "column \"", column.name,
                "\" would be added twice, expected each once");
        names.push_back(column.name);
    }
    columns_.reserve(columns_.size() + added.size()); // what follows throws nothing
    for (Column& column : added)
        columns_.push_back(std::move(column));
    return names;
}

inline const std::vector<DateTime>& Table::dates() const {
    if (dates_.empty())
        detail::fail<std::runtime_error>(
            why_no_dates_.empty() ? source_ + ": has no column of dates, and none was named" : why_no_dates_);
    return dates_;
}

inline void Table::set_dates(std::vector<DateTime> dates, std::vector<std::string> columns) {
    require(static_cast<Index>(dates.size()) == rows(), "Table::set_dates", dates.size(), " dates for ", rows(),
            " rows, expected one for each");
    for (std::string& name : columns)
        name = column(name).name;
    dates_ = std::move(dates);
    date_columns_ = std::move(columns);
}

inline std::string Table::label(Index row) const {
    require(row >= 0 && row < rows(), "Table::label", "row ", row, ", expected 0 <= row < ", rows());
    const auto k = static_cast<std::size_t>(row);
    if (has_dates())
        return date_text(dates_[k]);
    const bool words = columns_.front().kind == ColumnKind::categories;
    if (const std::string* word = words ? detail::category("Table::label", columns_.front(), row) : nullptr)
        return *word;
    return detail::decimal(row + 1);
}

inline std::string Table::place(Index row) const {
    require(row >= 0 && row < rows(), "Table::place", "row ", row, ", expected 0 <= row < ", rows());
    return lines_.empty()
               ? source_ + ", row " + detail::decimal(row + 1)
               : source_ + ":" + detail::decimal(static_cast<std::intmax_t>(lines_[static_cast<std::size_t>(row)]));
}

inline Table parse_csv(std::string text, const CsvOptions& options, std::string source) {
    require(std::string_view("\"\r\n+-.0123456789eE").find(options.separator) == std::string_view::npos, "read_csv",
            "the separator is '", std::string(1, options.separator), "', expected a mark such as , ; | or a tab");
    require(options.decimal_point == 0 || options.decimal_point == '.' || options.decimal_point == ',', "read_csv",
            "the decimal point is '", std::string(1, options.decimal_point), "', expected '.' or ','");
    const detail::CsvFields fields(std::move(text), std::move(source), options.separator);
    const detail::CsvReading reading(fields, options);
    Table table;
    table.source_ = fields.source();
    for (Index row = 0; row < reading.rows(); ++row)
        table.lines_.push_back(reading.line(row));
    for (Index column = 0; column < fields.columns(); ++column)
        table.columns_.push_back({reading.name(column), ColumnKind::numbers, {}});
    std::vector<bool> words(table.columns_.size(), false);
    for (const std::string& name : options.categories)
        words[table.position(name)] = true;
    std::vector<Index> of_dates;
    for (const std::string& name : options.dates)
        of_dates.push_back(static_cast<Index>(table.position(name)));
    for (std::size_t column = 0; column < words.size(); ++column)
        table.columns_[column] = reading.column(static_cast<Index>(column), words[column]);
    detail::CsvDates dates = of_dates.empty() ? detail::found_dates(reading, table.columns_)
                                              : detail::named_dates(reading, table.columns_, of_dates);
    table.dates_ = std::move(dates.dates);
    table.why_no_dates_ = std::move(dates.why_none);
    if (!of_dates.empty() && table.dates_.empty())
        detail::fail<std::runtime_error>(table.why_no_dates_);
    if (!table.dates_.empty())
        for (const Index column : dates.columns)
            table.date_columns_.push_back(table.columns_[static_cast<std::size_t>(column)].name);
    return table;
}

inline Table read_csv(const std::filesystem::path& path, const CsvOptions& options) {
    return parse_csv(detail::file_text(path), options, path.string());
}

} // namespace carousel
