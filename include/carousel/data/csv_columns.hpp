// The columns of a CSV file: which are numbers, which words, which dates.
#pragma once

#include "carousel/core/leading_number.hpp"
#include "carousel/data/column.hpp"
#include "carousel/data/csv.hpp"
#include "carousel/data/csv_options.hpp"

#include <limits>
#include <map>

namespace carousel::inline CAROUSEL_ABI::detail {

/// How the fields of one file are understood.
class CsvReading {
  public:
    CsvReading(const CsvFields& fields, const CsvOptions& options)
        : fields_(&fields), options_(&options), point_(options.decimal_point) {
        if (point_ == 0)
            point_ = found_decimal_point();
        if (options.header == Header::yes || (options.header == Header::find && finds_header()))
            header_ = fields.first_text();
        for (Index row = header_ + 1; row < fields.rows(); ++row)
            if (!options.skip_empty_rows || !is_empty_in_file(row))
                rows_.push_back(row);
        if (rows_.empty())
            fields.fail(fields.line(fields.first_text()), "there are no rows under the header");
    }

    Index rows() const { return static_cast<Index>(rows_.size()); }
    std::string_view field(Index row, Index column) const { return (*fields_)(of_file(row), column); }
    std::size_t line(Index row) const { return fields_->line(of_file(row)); }
    /// Whether a row has separators alone.
    bool is_empty(Index row) const { return is_empty_in_file(of_file(row)); }
    /// The first field of a column that isn't missing; empty if all are.
    std::string_view first_field(Index column) const {
        for (Index row = 0; row < rows(); ++row)
            if (!missing(field(row, column)))
                return field(row, column);
        return {};
    }

    std::string name(Index column) const {
        const std::string_view name = header_ >= 0 ? (*fields_)(header_, column) : std::string_view();
        return name.empty() ? decimal(column + 1) : std::string(name);
    }
    /// file:line: column 3, "OT", is "x", expected …
    std::string place(Index row, Index column, const std::string& expected) const {
        return fields_->source() + ":" + decimal(static_cast<std::intmax_t>(line(row))) + ": column " +
               decimal(column + 1) + ", \"" + shown_field(name(column)) + "\", is \"" +
               shown_field(field(row, column)) + "\", expected " + expected;
    }

    bool missing(std::string_view field) const {
        return std::find(options_->missing.begin(), options_->missing.end(), field) != options_->missing.end();
    }
    /// The whole field as a finite number, whatever the locale; NaN if it isn't one.
    double number(std::string_view field) const { return number(field, point_); }

    static bool is_any_date(std::string_view text) {
        return parse_date(text, DateOrder::month_first) || parse_date(text, DateOrder::day_first);
    }

    /// Column `column` of the file, of the kind that its fields say, or of words.
    Column column(Index column, bool words) const {
        const double none = std::numeric_limits<double>::quiet_NaN();
        Column result{name(column), ColumnKind::numbers, std::vector<double>(static_cast<std::size_t>(rows()), none)};
        Index numbers = 0, dates = 0, others = 0, foreign = 0, first_others = -1;
        for (Index row = 0; row < rows(); ++row) {
            const std::string_view text = field(row, column);
            if (missing(text))
                continue;
            const double value = words ? none : number(text);
            result.values[static_cast<std::size_t>(row)] = value;
            const bool is_number = !std::isnan(value);
            const bool is_date = !words && !is_number && is_any_date(text);
            numbers += is_number ? 1 : 0;
            dates += is_date ? 1 : 0;
            if (is_number || is_date)
                continue;
            first_others = others == 0 ? row : first_others;
            ++others;
            foreign += !words && foreign + 1 == others && is_foreign_number(text) ? 1 : 0;
        }
        if (dates + others == 0)
            return result;
        if (others > 0 && others == foreign)
            result.mixed = place(first_others, column, expected_number(field(first_others, column)));
        if (numbers + others == 0) {
            if (const auto order = date_order(column, result.mixed)) {
                result.values = seconds(column, *order);
                result.kind = ColumnKind::dates;
                return result;
            }
        } else if (numbers + dates > 0)
            result.mixed = mixed(column, numbers >= dates);
        become_categories(result, column);
        return result;
    }

    /// The order of a column's dates: the one that is asked for, or else the one in which they are all dates and, if
    /// both are, closest to one another. Nothing, and why, if there is none; fields that are no date in either order
    /// have no say.
    std::optional<DateOrder> date_order(Index column, std::string& why) const {
        constexpr DateOrder orders[] = {DateOrder::month_first, DateOrder::day_first};
        Index only[] = {-1, -1}; // the first row that is a date in this order and not in the other
        double steps[] = {0, 0}; // of time, to and fro, from row to row
        std::optional<DateTime> last[2];
        for (Index row = 0; row < rows(); ++row) {
            const std::string_view text = field(row, column);
            if (missing(text))
                continue;
            const bool year_first = std::min(text.find_first_not_of("0123456789"), text.size()) == 4;
            std::optional<DateTime> dates[] = {parse_date(text, orders[0]), std::nullopt};
            dates[1] = year_first ? dates[0] : parse_date(text, orders[1]);
            for (std::size_t k = 0; k < 2; ++k) {
                if (only[k] < 0 && dates[k] && !dates[1 - k])
                    only[k] = row;
                if (dates[k] && last[k])
                    steps[k] += std::abs(static_cast<double>((*dates[k] - *last[k]).count()));
                if (dates[k])
                    last[k] = dates[k];
            }
        }
        const auto as = [&](std::size_t k) {
            return date_text(*parse_date(field(only[k], column), orders[k])) + (k == 0 ? ", month" : ", day") +
                   " first";
        };
        if (options_->date_order) {
            const std::size_t other = *options_->date_order == DateOrder::month_first ? 1 : 0;
            if (only[other] < 0)
                return options_->date_order;
            why = place(only[other], column,
                        std::string("a date with the ") + (other == 1 ? "month" : "day") +
                            " first, as CsvOptions::date_order says; it is " + as(other));
            return std::nullopt;
        }
        if (only[0] >= 0 && only[1] >= 0) {
            const std::size_t later = only[0] < only[1] ? 1 : 0;
            why = place(only[later], column,
                        "a date of the same order as above: it is " + as(later) + ", and \"" +
                            shown_field(field(only[1 - later], column)) + "\" in line " +
                            decimal(static_cast<std::intmax_t>(line(only[1 - later]))) + " is " + as(1 - later) +
                            "; write all in one order, as 2021-12-31");
            return std::nullopt;
        }
        if (only[0] >= 0 || only[1] >= 0)
            return orders[only[0] >= 0 ? 0 : 1];
        return orders[steps[1] < steps[0] ? 1 : 0];
    }

  private:
    Index of_file(Index row) const { return rows_[static_cast<std::size_t>(row)]; }
    bool is_empty_in_file(Index row_of_file) const {
        for (Index column = 0; column < fields_->columns(); ++column)
            if (!(*fields_)(row_of_file, column).empty())
                return false;
        return true;
    }
    /// Since 1970, of the dates of a column; NaN where there is none.
    std::vector<double> seconds(Index column, DateOrder order) const {
        std::vector<double> all(static_cast<std::size_t>(rows()), std::numeric_limits<double>::quiet_NaN());
        for (Index row = 0; row < rows(); ++row)
            if (const auto date = parse_date(field(row, column), order); date && !missing(field(row, column)))
                all[static_cast<std::size_t>(row)] = static_cast<double>(date->time_since_epoch().count());
        return all;
    }
    static double number(std::string_view field, char point) {
        constexpr double none = std::numeric_limits<double>::quiet_NaN();
        if (field.starts_with('+') && !field.starts_with("+-"))
            field.remove_prefix(1);
        std::string with_point;
        if (point != '.') {
            if (field.find('.') != field.npos)
                return none;
            with_point = field;
            std::replace(with_point.begin(), with_point.end(), point, '.');
            field = with_point;
        }
        const LeadingNumber number = leading_number(field);
        if (!field.empty() && number.length == field.size())
            return std::isfinite(number.value) ? number.value : none;
        return vanishes(field) ? (field.starts_with('-') ? -0. : 0.) : none;
    }
    /// Whether it is a number whose negative exponent is beyond those of doubles, 1e-400.
    static bool vanishes(std::string_view field) {
        const std::size_t e = std::min(field.find_first_of("eE"), field.size());
        const std::string_view exponent = field.substr(std::min(e + 1, field.size()));
        return e > 0 && exponent.size() > 3 && exponent.starts_with('-') &&
               exponent.find_first_not_of("0123456789", 1) == exponent.npos &&
               leading_number(field.substr(0, e)).length == e;
    }
    /// 1,5, 1,234.5, 1.234.567, 1'234 or 1 234 where the point is a point: a number as another file would have it.
    bool is_foreign_number(std::string_view field) const {
        if (!std::isnan(number(field, point_ == '.' ? ',' : '.')))
            return true;
        for (const std::string_view mark : {".", ",", "'", "’", " ", "\u00A0", "\u202F"}) { // two blanks of Unicode
            const std::string plain = without_marks(std::string(field), mark);
            for (const char point : {'.', ','})
                if (plain.size() < field.size() && mark[0] != point && !std::isnan(number(plain, point)))
                    return true;
        }
        return false;
    }
    /// A number without the marks between its groups of three digits, up to the first that isn't one.
    static std::string without_marks(std::string field, std::string_view mark) {
        const auto digits = [&](std::size_t at) {
            return std::min(field.find_first_not_of("0123456789", at), field.size()) - at;
        };
        std::size_t end = std::min(field.find_first_not_of("+-"), field.size());
        const std::size_t first = digits(end);
        end += first;
        while (first >= 1 && first <= 3 && field.compare(end, mark.size(), mark) == 0 &&
               digits(end + mark.size()) == 3) {
            field.erase(end, mark.size());
            end += 3;
        }
        return field;
    }
    bool is_word(std::string_view field) const {
        return !missing(field) && std::isnan(number(field)) && !is_any_date(field);
    }

    char found_decimal_point() const {
        if (fields_->separator() == ',')
            return '.';
        for (Index row = 0; row < fields_->rows(); ++row)
            for (Index column = 0; column < fields_->columns(); ++column) {
                const std::string_view text = (*fields_)(row, column);
                if (text.find_first_of(".,") == text.npos)
                    continue;
                if (!std::isnan(number(text, '.')))
                    return '.';
                if (!std::isnan(number(text, ',')))
                    return ',';
            }
        return '.';
    }

    bool finds_header() const {
        const Index first = fields_->first_text();
        bool all = true;
        for (Index column = 0; column < fields_->columns(); ++column) {
            const std::string_view name = (*fields_)(first, column);
            if (!is_word(name)) {
                all = all && name.empty();
                continue;
            }
            bool below = false;
            for (Index row = first + 1; row < fields_->rows() && !below; ++row)
                below = is_word((*fields_)(row, column));
            if (!below && fields_->rows() > first + 1)
                return true;
        }
        return all;
    }

    /// What is said in place of a field that is none.
    std::string expected_number(std::string_view field) const {
        return std::string("a finite number") +
               (is_foreign_number(field) ? std::string(" with the decimal point '") + point_ +
                                               "' and without marks of thousands, or a word: then name the column in "
                                               "CsvOptions::categories"
                                         : std::string());
    }
    std::string mixed(Index column, bool numbers) const {
        for (Index row = 0; row < rows(); ++row) {
            const std::string_view text = field(row, column);
            if (!missing(text) && (numbers ? std::isnan(number(text)) : !is_any_date(text)))
                return place(row, column, numbers ? expected_number(text) : "a date");
        }
        return {};
    }

    void become_categories(Column& result, Index column) const {
        std::map<std::string_view, double> codes;
        for (Index row = 0; row < rows(); ++row)
            if (const std::string_view text = field(row, column); !missing(text))
                codes.emplace(text, 0);
        double next = 0;
        for (auto& [word, code] : codes) {
            code = next++;
            result.categories.emplace_back(word);
        }
        for (Index row = 0; row < rows(); ++row)
            if (const std::string_view text = field(row, column); !missing(text))
                result.values[static_cast<std::size_t>(row)] = codes.at(text);
        result.kind = ColumnKind::categories;
    }

    const CsvFields* fields_;
    const CsvOptions* options_;
    char point_;
    Index header_ = -1; ///< its row in the file; rows above it are empty
    std::vector<Index> rows_;
};

} // namespace carousel::detail
