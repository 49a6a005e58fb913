// Table: a CSV file as columns of numbers, words and dates, by name; and the matrices that nets learn from. It isn't part of
// carousel.hpp, as most programs have no files to read.
#pragma once

#include "carousel/data/calendar.hpp"
#include "carousel/data/column.hpp"
#include "carousel/data/csv_options.hpp"

#include "carousel/core/require.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Columns of equal length with names, and where they are from. Missing values are NaN.
///
///     Table table = read_csv("ETTh1.csv");
///     fill_gaps(table.values("OT"), Fill::linear);
///     const Matrix<float> series = table.matrix<float>({"HUFL", "OT"});    // 2 × rows
class Table {
  public:
    Table() = default;
    /// Throws std::invalid_argument unless the columns have equally many rows, and values of categories are numbers of
    /// these or NaN. `source` is what messages call the table.
    explicit Table(std::vector<Column> columns, std::string source = "table");

    /// How many rows, and the columns in their order.
    Index rows() const { return columns_.empty() ? 0 : static_cast<Index>(columns_.front().values.size()); }
    const std::vector<Column>& columns() const { return columns_; }
    /// What messages call the table, such as the file's path.
    const std::string& source() const { return source_; }
    /// The columns' names in their order; of one kind, where it is given.
    std::vector<std::string> names() const;
    std::vector<std::string> names(ColumnKind kind) const;
    /// Whether there is a column of this name.
    bool has(std::string_view name) const;

    /// By its name or else by its number, from 1. Throws std::invalid_argument, which names the columns that are like it, if there
    /// is none or more than one.
    const Column& column(std::string_view name) const { return columns_[position(name)]; }
    /// A column's numbers, to be changed: NaN where they are missing.
    std::span<double> values(std::string_view name) { return columns_[position(name)].values; }
    std::span<const double> values(std::string_view name) const { return column(name).values; }

    /// The rows of a series, names × rows(): numbers, the numbers of categories, or seconds since 1970. Throws as
    /// column() does, and std::runtime_error with the place in the file if a column has words among its numbers, or a
    /// number that an S can't hold. A float holds a date to a minute or two: dates() has them exactly.
    template <std::floating_point S>
    Matrix<S> matrix(const std::vector<std::string>& names) const;
    /// Of all columns of numbers that aren't a part of the date.
    template <std::floating_point S>
    Matrix<S> matrix() const {
        return matrix<S>(number_names());
    }
    /// The names of the columns of numbers that aren't a part of the date.
    std::vector<std::string> number_names() const;

    /// Throws std::invalid_argument if there is a column of this name, it has not as many rows as the others, or a
    /// value of categories is the number of none.
    void add(Column column);
    /// A column of zeros and ones for each category of a column, "wind=NW"; NaN where it is missing. Returns their
    /// names. With `categories` these and no others, as a model knows them: throws std::runtime_error with the place of
    /// a word that isn't among them, std::invalid_argument if it isn't a column of categories, a value is the number of
    /// none, or a column that would be added is there already or named twice. Then no column is added.
    std::vector<std::string> add_one_hot(std::string_view name);
    std::vector<std::string> add_one_hot(std::string_view name, const std::vector<std::string>& categories);
    /// Two columns for each cycle, as "hour_of_day_sin" and "hour_of_day_cos"; returns their names. Throws as dates()
    /// does, and std::invalid_argument if a cycle is none or named twice, or its columns are there already. Then no
    /// column is added.
    std::vector<std::string> add_calendar(const std::vector<Calendar>& cycles);

    /// Whether every row has a date.
    bool has_dates() const { return !dates_.empty(); }
    /// One a row. Throws std::runtime_error, with the reason if a file has dates that can't be read, if there are none.
    const std::vector<DateTime>& dates() const;
    /// The columns that they are from.
    const std::vector<std::string>& date_columns() const { return date_columns_; }
    /// One date a row, and the columns that they are from, which number_names() leaves out. Throws
    /// std::invalid_argument unless there are as many as rows, and these columns.
    void set_dates(std::vector<DateTime> dates, std::vector<std::string> columns = {});

    /// What a row (from 0) is called: its date, or else its word in the first column if that has words, or else its
    /// number from 1. Throws std::invalid_argument unless 0 <= row < rows(), or if the first column's value is the
    /// number of no category.
    std::string label(Index row) const;
    /// file:line of a row, or "table, row 3" of row 2. Throws std::invalid_argument unless 0 <= row < rows().
    std::string place(Index row) const;

  private:
    friend Table parse_csv(std::string text, const CsvOptions& options, std::string source);
    std::size_t position(std::string_view name) const;
    std::vector<std::string> add_all(const char* where, std::vector<Column> added);

    std::vector<Column> columns_;
    std::string source_ = "table";
    std::vector<std::size_t> lines_; ///< of the file, one a row; or none
    std::vector<DateTime> dates_;
    std::vector<std::string> date_columns_;
    std::string why_no_dates_;
};

/// Reads a CSV file. A line of separators alone, ",,,", is a row of missing values, however many they are; one that is
/// empty or has blanks alone is none (a missing value of a file of one column is NA or ""), nor is what is above the
/// header. Throws std::runtime_error "file:line: …" if the file can't be read, is empty or has no row under the header,
/// a row with a text is longer or shorter than the first, a quote isn't closed, or what the options call dates aren't
/// any; and std::invalid_argument if they name a column that isn't there, the separator is a quote, a line's end or a
/// character of numbers, or the decimal point is neither '.' nor ','.
Table read_csv(const std::filesystem::path& path, const CsvOptions& options = {});

/// The same for the text of a file.
Table parse_csv(std::string text, const CsvOptions& options = {}, std::string source = "text");

} // namespace carousel

#include "carousel/data/table_bodies.hpp"
