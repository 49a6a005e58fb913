// CsvOptions: how a CSV file is read.
#pragma once

#include "carousel/data/date.hpp"

#include <optional>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Whether the first line has the columns' names.
enum class Header {
    find, ///< it has, unless none of its fields is a word, or words stand in it only where they do in the rows below
    yes,
    no, ///< columns are called "1", "2", …
};

/// How a file is read. The defaults find out by themselves.
struct CsvOptions {
    /// A mark, or a blank for columns that any number of blanks part; 0: the one of , ; TAB | that the first line has
    /// most of.
    char separator = 0;
    Header header = Header::find;
    char decimal_point = 0; ///< 0: a point; a comma where it doesn't separate fields and numbers have no points
    std::vector<std::string> missing = {"", "NA", "N/A", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "None", "-"};
    /// Rows of separators alone, as some programs write them under a table, are left out; else their values are
    /// missing.
    bool skip_empty_rows = false;
    /// The columns that make a row's date: one of dates; one of dates, all at midnight, and one of times of day; or
    /// year, month, day, hour, minute, second as numbers (the month also as an English name), as many as there are.
    /// Empty: found, by what is in them or (year, month …) by these names.
    std::vector<std::string> dates = {};
    /// Without: the one in which all are dates, close to one another. Rows of both orders are no dates: Table::dates()
    /// says where.
    std::optional<DateOrder> date_order = std::nullopt;
    std::vector<std::string> categories = {}; ///< columns of words, even if they look like numbers or dates
};

} // namespace carousel
