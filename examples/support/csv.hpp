// CSV: a table with a header, read strictly: what is wrong with a file is said with its name and line.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace example {

/// The fields of a file as text. Commas separate, double quotes may enclose a field ("" is a quote in it), lines end in
/// LF or CRLF, a byte order mark is skipped and so are empty lines.
struct CsvTable {
    struct Row {
        std::size_t line; ///< from 1; where the row begins, as a quoted field may hold line ends
        std::vector<std::string> fields;
    };
    std::string path;
    std::vector<std::string> header;
    std::vector<Row> rows;

    [[noreturn]] void fail(std::size_t line, const std::string& what) const {
        throw std::runtime_error(path + (line > 0 ? ":" + std::to_string(line) : "") + ": " + what);
    }

    /// A column's place, by its name in the header or else by its number, from 1.
    std::size_t column(const std::string& name) const {
        for (std::size_t k = 0; k < header.size(); ++k)
            if (header[k] == name)
                return k;
        std::size_t number = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (error == std::errc() && end == name.data() + name.size() && number >= 1 && number <= header.size())
            return number - 1;
        std::string names;
        for (const std::string& field : header)
            names += (names.empty() ? "\"" : ", \"") + field + "\"";
        fail(1, "no column \"" + name + "\", there are " + names);
    }

    /// The numbers of a column; every one must be there and finite.
    std::vector<double> numbers(std::size_t column) const {
        if (number(header[column]))
            fail(1, "the header's field " + std::to_string(column + 1) + " is \"" + header[column] +
                        "\", expected a name: is the header missing?");
        std::vector<double> values;
        for (const auto& [line, fields] : rows) {
            const auto value = number(fields[column]);
            if (!value)
                fail(line, "column \"" + header[column] + "\" is \"" + fields[column] + "\", expected a finite number");
            values.push_back(*value);
        }
        return values;
    }

    /// The whole field as a finite number, whatever the locale; blanks around it are allowed.
    static std::optional<double> number(const std::string& field) {
        const char* const begin = field.data() + std::min(field.find_first_not_of(" \t"), field.size());
        const char* const end = field.data() + (field.find_last_not_of(" \t") + 1); // of blanks alone: 0
        double value = 0;
        const auto [stop, error] = std::from_chars(begin, end, value);
        return begin < end && error == std::errc() && stop == end && std::isfinite(value) ? std::optional(value)
                                                                                          : std::nullopt;
    }
};

/// Throws std::runtime_error "path:line: …" if the file can't be read, has no row under the header, a row is longer or
/// shorter than the header, or a quote isn't closed.
inline CsvTable read_csv(const std::filesystem::path& path) {
    CsvTable table{path.string(), {}, {}};
    std::ifstream file(path, std::ios::binary);
    if (std::filesystem::is_directory(path) || !file)
        table.fail(0, "can't be opened");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text.starts_with("\xEF\xBB\xBF"))
        text.erase(0, 3);

    std::size_t line = 1;
    for (std::size_t at = 0; at < text.size();) {
        CsvTable::Row row{line, {""}};
        const auto ends_line = [&] {
            return text[at] == '\n' || (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n');
        };
        bool quoted = false, any = false;
        for (; at < text.size() && (quoted || !ends_line()); ++at, any = true) {
            const char c = text[at];
            line += c == '\n';
            if (quoted && c == '"' && at + 1 < text.size() && text[at + 1] == '"')
                row.fields.back() += text[++at];
            else if (c == '"' && (quoted || row.fields.back().empty()))
                quoted = !quoted;
            else if (c == ',' && !quoted)
                row.fields.emplace_back();
            else
                row.fields.back() += c;
        }
        if (quoted)
            table.fail(row.line, "a quote is opened and not closed");
        if (at < text.size())
            at += text[at] == '\r' ? 2 : 1;
        ++line;
        if (!any)
            continue;
        if (table.header.empty())
            table.header = std::move(row.fields);
        else if (row.fields.size() != table.header.size())
            table.fail(row.line, std::to_string(row.fields.size()) + (row.fields.size() > 1 ? " fields" : " field") +
                                     ", expected " + std::to_string(table.header.size()) + " as in the header");
        else
            table.rows.push_back(std::move(row));
    }
    if (table.header.empty())
        table.fail(0, "is empty");
    if (table.rows.empty())
        table.fail(1, "there are no rows under the header");
    return table;
}

/// A column to write; shorter ones are filled up with empty fields, and NaN is one.
struct CsvColumn {
    std::string name;
    std::vector<double> values;
};

/// Throws std::runtime_error if the file can't be written.
inline void write_csv(const std::filesystem::path& path, const std::vector<CsvColumn>& columns) {
    std::ofstream file(path, std::ios::binary);
    std::size_t rows = 0;
    for (std::size_t k = 0; k < columns.size(); ++k) {
        file << (k > 0 ? "," : "") << columns[k].name;
        rows = std::max(rows, columns[k].values.size());
    }
    file << '\n';
    for (std::size_t row = 0; row < rows; ++row, file << '\n')
        for (std::size_t k = 0; k < columns.size(); ++k) {
            file << (k > 0 ? "," : "");
            char text[32];
            if (row < columns[k].values.size() && !std::isnan(columns[k].values[row]))
                file.write(text, std::to_chars(text, text + sizeof text, columns[k].values[row]).ptr - text);
        }
    file.close();
    if (!file)
        throw std::runtime_error(path.string() + ": can't be written");
}

} // namespace example
