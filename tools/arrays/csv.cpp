// Tables of numbers as text: a row a line, columns between commas, with or without a line of names above them.
#include "array.hpp"

#include "carousel/core/leading_number.hpp"
#include "carousel/core/shown_text.hpp"
#include "carousel/io/byte_source.hpp"
#include "carousel/io/replace_file.hpp"
#include "message.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

namespace tool {

namespace {

/// Without the blanks and quotes around it.
std::string_view bare(std::string_view field) {
    const auto trim = [&] {
        constexpr std::string_view blanks = " \t";
        field.remove_prefix(std::min(field.find_first_not_of(blanks), field.size()));
        field.remove_suffix(field.size() - (field.find_last_not_of(blanks) + 1));
    };
    trim();
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"') {
        field = field.substr(1, field.size() - 2);
        trim();
    }
    return field;
}

/// NaN or infinity, as programs write it.
std::optional<float> not_finite(std::string_view field) {
    const bool negative = field.starts_with('-');
    std::string word(field.substr(negative || field.starts_with('+') ? 1 : 0));
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (word == "nan")
        return std::numeric_limits<float>::quiet_NaN();
    if (word == "inf" || word == "infinity")
        return negative ? -std::numeric_limits<float>::infinity() : std::numeric_limits<float>::infinity();
    return std::nullopt;
}

/// Whether a bare field is meant as a number: it has digits, and nothing that no number has.
bool means_number(std::string_view field) {
    return not_finite(field) || (field.find_first_of("0123456789") != field.npos &&
                                 field.find_first_not_of("0123456789+-.eE") == field.npos);
}

/// The whole of a bare field as a number; "nan" and "inf" are some. None if float32 can't hold it.
std::optional<float> number(std::string_view field) {
    if (const auto special = not_finite(field))
        return special;
    if (!means_number(field))
        return std::nullopt;
    if (field.starts_with('+') && !field.starts_with("+-"))
        field.remove_prefix(1);
    const carousel::detail::LeadingNumber leading = carousel::detail::leading_number(field);
    if (leading.length != field.size() ||
        std::abs(leading.value) > static_cast<double>(std::numeric_limits<float>::max()))
        return std::nullopt;
    return static_cast<float>(leading.value);
}

/// The fields of a line.
std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> fields;
    while (true) {
        const std::size_t end = line.find(',');
        fields.push_back(bare(line.substr(0, end)));
        if (end == line.npos)
            return fields;
        line.remove_prefix(end + 1);
    }
}

} // namespace

Array read_csv(const std::filesystem::path& path) {
    std::string text;
    {
        carousel::detail::Input input("read_csv", path);
        text.resize(static_cast<std::size_t>(input.size()));
        input.read(0, std::as_writable_bytes(std::span(text)));
    }
    std::string_view rest = text;
    if (constexpr std::string_view mark = "\xEF\xBB\xBF"; rest.starts_with(mark)) // of the byte order
        rest.remove_prefix(mark.size());

    Array array;
    Index columns = 0, rows = 0;
    bool names = false;
    for (std::size_t line = 1; !rest.empty(); ++line) {
        std::string_view row = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(row.size() + 1, rest.size()));
        if (row.ends_with('\r'))
            row.remove_suffix(1);
        if (row.find_first_not_of(" \t") == row.npos)
            continue;
        const auto place = [&] { return path.string() + ":" + std::to_string(line); };
        const std::vector<std::string_view> fields = split(row);
        const bool first = rows == 0 && !names;
        if (first)
            columns = static_cast<Index>(fields.size());
        check(static_cast<Index>(fields.size()) == columns, place(), ": the line has ",
              counted(static_cast<Index>(fields.size()), "field"), ", expected ", columns, " as the first one");
        if (first && std::none_of(fields.begin(), fields.end(), means_number)) {
            names = true; // of the columns
            continue;
        }
        for (std::size_t k = 0; k < fields.size(); ++k) {
            const auto value = number(fields[k]);
            check(value.has_value(), place(), ": field ", k + 1, " is \"", carousel::detail::shown(fields[k]),
                  "\", expected a number", means_number(fields[k]) ? " that float32 can hold" : "");
            array.numbers.push_back(*value);
        }
        ++rows;
    }
    check(rows > 0, path.string(), names ? ": there are no rows of numbers under the names" : ": is empty");
    array.shape = columns == 1 ? std::vector<Index>{rows} : std::vector<Index>{rows, columns};
    return array;
}

void check_csv(const std::filesystem::path& path, const Array& array) {
    check(array.shape.size() <= 2, path.string(), ": the output is ", shape_text(array.shape),
          ", which is no table; write a .npy file, or give one sequence");
}

void write_csv(const std::filesystem::path& path, const Array& array) {
    check_csv(path, array);
    const std::size_t columns = array.shape.size() < 2 ? 1 : static_cast<std::size_t>(array.shape[1]);
    std::string text;
    for (std::size_t k = 0; k < columns; ++k)
        text += (k > 0 ? ",y" : "y") + (columns > 1 ? std::to_string(k) : "");
    for (std::size_t k = 0; k < array.numbers.size(); ++k) {
        char digits[32];
        text += k % columns > 0 ? ',' : '\n';
        text.append(digits, std::to_chars(digits, digits + sizeof digits, array.numbers[k]).ptr);
    }
    text += '\n';
    carousel::replace_file(path, {std::as_bytes(std::span(text))}, "write_csv");
}

} // namespace tool
