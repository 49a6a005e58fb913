// Tables of numbers as text: a row a line, columns between commas, with or without a line of names above them.
#include "array.hpp"

#include "carousel/io/byte_source.hpp"
#include "carousel/io/replace_file.hpp"
#include "carousel/io/shown_text.hpp"
#include "message.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

namespace tool {

namespace {

/// The whole field, without the blanks and quotes around it, as a number; "nan" and "inf" are some.
std::optional<float> number(std::string_view field) {
    constexpr std::string_view blanks = " \t";
    const auto trim = [&] {
        field.remove_prefix(std::min(field.find_first_not_of(blanks), field.size()));
        field.remove_suffix(field.size() - (field.find_last_not_of(blanks) + 1));
    };
    trim();
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"') {
        field = field.substr(1, field.size() - 2);
        trim();
    }
    if (field.starts_with('+'))
        field.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error == std::errc::result_out_of_range && end == field.data() + field.size() && !field.empty())
        value = field.find("e-") != field.npos || field.find("E-") != field.npos
                    ? 0
                    : std::numeric_limits<double>::infinity();
    else if (error != std::errc() || end != field.data() + field.size() || field.empty())
        return std::nullopt;
    return static_cast<float>(value);
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
        const Index fields = 1 + std::count(row.begin(), row.end(), ',');
        const bool first = rows == 0 && !names;
        if (first)
            columns = fields;
        check(fields == columns, place(), ": the line has ", fields, fields == 1 ? " field" : " fields", ", expected ",
              columns, " as the first one");
        for (Index k = 1; k <= columns; ++k) {
            const std::string_view field = row.substr(0, row.find(','));
            row.remove_prefix(std::min(field.size() + 1, row.size()));
            const auto value = number(field);
            if (!value && first && k == 1) {
                names = true; // of the columns
                break;
            }
            check(value.has_value(), place(), ": field ", k, " is \"", carousel::detail::shown(field),
                  "\", expected a number");
            array.numbers.push_back(*value);
        }
        rows += names && first ? 0 : 1;
    }
    check(rows > 0, path.string(), names ? ": there are no rows of numbers under the names" : ": is empty");
    array.shape = columns == 1 ? std::vector<Index>{rows} : std::vector<Index>{rows, columns};
    return array;
}

void write_csv(const std::filesystem::path& path, const Array& array) {
    check(array.shape.size() <= 2, path.string(), ": the output is ", shape_text(array.shape),
          ", which is no table; write a .npy file, or give one sequence");
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
