// CSV: a file's fields as texts, read strictly: what is wrong with a file is said with its name and line.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"
#include "carousel/core/shown_text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// The fields of a file: rows of equally many. Separators part them, double quotes may enclose a field ("" is a quote
/// in it), lines end in LF, CRLF or CR, a byte order mark is skipped, and so are lines that have blanks alone. A line
/// that has separators and no text is a row of empty fields, as many as the others have, however many separators it
/// has. If the separator is a blank, so are several of them, and there are no empty fields without quotes.
class CsvFields {
  public:
    /// `source` is what messages call the text. A separator of 0 is found: the one of , ; TAB | that the first line has most of,
    /// outside quotes.
    CsvFields(std::string text, std::string source, char separator) : source_(std::move(source)) {
        text_ = std::make_unique<std::string>(std::move(text));
        const std::string_view all = *text_;
        at_ = all.starts_with("\xEF\xBB\xBF") ? 3 : 0;
        if (all.starts_with("\xFF\xFE") || all.starts_with("\xFE\xFF"))
            fail(1, "is in UTF-16: save it in UTF-8");
        separator_ = separator != 0 ? separator : found_separator();
        while (at_ < all.size())
            read_row();
        if (first_text_ < 0)
            fail(0, "is empty");
    }

    /// The first row that has a field which isn't empty: there is one.
    Index first_text() const { return first_text_; }
    Index rows() const { return static_cast<Index>(lines_.size()); }
    Index columns() const { return columns_; }
    char separator() const { return separator_; }
    const std::string& source() const { return source_; }
    /// From 1; where the row begins, as a quoted field may hold line ends.
    std::size_t line(Index row) const { return lines_[static_cast<std::size_t>(row)]; }
    /// Without the blanks around it, unless it was in quotes.
    std::string_view operator()(Index row, Index column) const {
        return fields_[static_cast<std::size_t>(row * columns_ + column)];
    }

    /// Throws std::runtime_error "source:line: what"; a line of 0 is left out.
    [[noreturn]] void fail(std::size_t line, const std::string& what) const { fail_in(source_, line, what); }
    [[noreturn]] static void fail_in(const std::string& source, std::size_t line, const std::string& what) {
        detail::fail<std::runtime_error>(source + (line > 0 ? ":" + decimal(static_cast<std::intmax_t>(line)) : "") +
                                         ": " + what);
    }

  private:
    bool ends_line(std::size_t at) const { return (*text_)[at] == '\n' || (*text_)[at] == '\r'; }

    char found_separator() const {
        constexpr std::array<char, 4> candidates{',', ';', '\t', '|'};
        std::array<std::size_t, candidates.size()> counts{};
        bool quoted = false, begins = true, any = false; // a field begins; a line has something
        for (std::size_t at = at_; at < text_->size() && (quoted || !any || !ends_line(at)); ++at) {
            const char c = (*text_)[at];
            const bool blank = c == ' ' || c == '\t' || ends_line(at), quote = c == '"' && (quoted || begins);
            quoted ^= quote;
            any = any || !blank;
            const auto found = std::find(candidates.begin(), candidates.end(), c);
            begins = quote || (begins && blank) || found != candidates.end(); // "" in quotes closes and opens
            if (!quoted && found != candidates.end())
                ++counts[static_cast<std::size_t>(found - candidates.begin())];
        }
        const auto most = std::max_element(counts.begin(), counts.end());
        return candidates[static_cast<std::size_t>(most - counts.begin())];
    }

    /// The field at at_, which is left behind it, at a separator, a line's end or the text's.
    std::string_view read_field() {
        const std::string_view all = *text_;
        while (at_ < all.size() && (all[at_] == ' ' || (all[at_] == '\t' && separator_ != '\t')))
            ++at_;
        const std::size_t begin = at_;
        quoted_ = at_ < all.size() && all[at_] == '"';
        if (quoted_)
            return read_quoted();
        while (at_ < all.size() && all[at_] != separator_ && !ends_line(at_))
            ++at_;
        std::string_view field = all.substr(begin, at_ - begin);
        while (!field.empty() && (field.back() == ' ' || field.back() == '\t'))
            field.remove_suffix(1);
        return field;
    }

    std::string_view read_quoted() {
        const std::string_view all = *text_;
        const std::size_t row_line = line_, begin = ++at_;
        bool doubled = false;
        for (;; ++at_) {
            if (at_ >= all.size())
                fail(row_line, "a quote is opened and not closed");
            line_ += ends_line(at_) && !all.substr(at_).starts_with("\r\n") ? 1U : 0U;
            if (all[at_] != '"')
                continue;
            if (at_ + 1 >= all.size() || all[at_ + 1] != '"')
                break;
            doubled = true;
            ++at_;
        }
        std::string_view field = all.substr(begin, at_ - begin);
        for (++at_; at_ < all.size() && all[at_] != separator_ && !ends_line(at_); ++at_)
            if (all[at_] != ' ' && all[at_] != '\t')
                fail(line_, "behind the closing quote of \"" + shown_field(field) + "\" stands \"" + all[at_] +
                                "\", expected a separator: a quote within a field is written twice");
        if (doubled) {
            std::string& once = unquoted_.emplace_back();
            for (std::size_t k = 0; k < field.size(); ++k) {
                once += field[k];
                k += field[k] == '"' ? 1U : 0U;
            }
            field = once;
        }
        return field;
    }

    void read_row() {
        const std::string_view all = *text_;
        const std::size_t line = line_, first = fields_.size();
        bool any = false, quoted = false;
        for (;;) {
            fields_.push_back(read_field());
            quoted = quoted || quoted_;
            any = any || !fields_.back().empty();
            if (separator_ == ' ') // one for as many as there are; those at the line's end separate nothing
                at_ = std::min(all.find_first_not_of(" \t", at_), all.size());
            if (separator_ == ' ' && at_ < all.size() && !ends_line(at_))
                continue;
            if (at_ >= all.size() || all[at_] != separator_)
                break;
            ++at_;
        }
        if (at_ < all.size()) {
            at_ += all.substr(at_).starts_with("\r\n") ? 2U : 1U;
            ++line_;
        }
        const auto count = static_cast<Index>(fields_.size() - first);
        if (!any && count == 1 && !quoted) { // blanks alone
            fields_.resize(first);
            return;
        }
        if (first_text_ < 0 && any) {
            columns_ = count;
            first_text_ = rows();
            fields_.insert(fields_.begin(), static_cast<std::size_t>(first_text_ * columns_), std::string_view());
        } else if (first_text_ < 0 || (!any && !quoted))
            fields_.resize(first + static_cast<std::size_t>(columns_)); // 0 above the first text
        else if (count != columns_)
            fail(line, decimal(count) + (count > 1 ? " fields" : " field") + ", expected " + decimal(columns_) +
                           " as in line " + decimal(static_cast<std::intmax_t>(this->line(first_text_))));
        lines_.push_back(line);
    }

    std::unique_ptr<std::string> text_; ///< in a place of its own, as fields are views of it
    std::deque<std::string> unquoted_;
    std::vector<std::string_view> fields_; ///< row by row
    std::vector<std::size_t> lines_;
    std::string source_;
    char separator_ = ',';
    bool quoted_ = false; ///< the field that was read last
    std::size_t at_ = 0, line_ = 1;
    Index columns_ = 0, first_text_ = -1;
};

/// The bytes of a file. Throws std::runtime_error "path: can't be …".
inline std::string file_text(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::error_code ignored;
    if (!file || std::filesystem::is_directory(path, ignored))
        CsvFields::fail_in(path.string(), 0, "can't be opened");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (file.bad())
        CsvFields::fail_in(path.string(), 0, "can't be read");
    return text;
}

} // namespace carousel::detail
