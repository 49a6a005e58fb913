// Texts of JSON, written piece by piece. Needs nlohmann-json.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/metadata.hpp"
#include "carousel/io/sample_rate.hpp"
#include "carousel/io/strict_json.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A text in quotes. Throws std::invalid_argument "where: what isn't UTF-8".
inline std::string json_string(const std::string& text, const char* where, const char* what) {
    return instead_of<Json::type_error>([&] { return Json(text).dump(); },
                                        [&](const auto&) { require(false, where, what, " isn't UTF-8"); });
}

/// A number that reads back as the same double, with the sign of a zero; of a float, too, for readers go by way of double.
inline std::string json_number(double number) {
    return number == 0 && std::signbit(number) ? "-0.0" : shortest(number);
}

/// The numbers of a vector.
template <class Derived>
std::string json_array(const Eigen::MatrixBase<Derived>& numbers) {
    std::string text = "[";
    for (Index k = 0; k < numbers.size(); ++k)
        text += (k > 0 ? ", " : "") + json_number(static_cast<double>(numbers(k)));
    return text + "]";
}

/// An array of rows.
template <class Derived>
std::string json_rows(const Eigen::MatrixBase<Derived>& numbers) {
    std::string text = "[";
    for (Index r = 0; r < numbers.rows(); ++r)
        text += (r > 0 ? ", " : "") + json_array(numbers.row(r));
    return text + "]";
}

/// Whether a text is exactly what JsonFile::add_metadata makes of a number, an object or an array, so that written as it
/// is it reads back as the same text.
inline bool is_json(const std::string& text, bool number) {
    constexpr std::size_t levels = 15; // of those that a reader allows, the file's object has one more
    if (text.empty() || (!number && text[0] != '{' && text[0] != '['))
        return false;
    const auto [object, error] = parse_strict_object("{\"\":" + text + "}", "", levels);
    return error.empty() && object.size() == 1 && object.begin()->is_number() == number &&
           object.begin()->dump() == text;
}

/// The members of an object, `"name": value, …`, of metadata but the `left_out`. The `numbers` are numbers if they can
/// be, objects and arrays in JSON stay so, everything else is text. Throws std::invalid_argument if a text isn't UTF-8.
inline std::string json_members(const Metadata& metadata, std::initializer_list<std::string_view> left_out,
                                std::initializer_list<std::string_view> numbers, const char* where) {
    const auto is_in = [](const auto& list, const std::string& name) {
        return std::find(list.begin(), list.end(), name) != list.end();
    };
    std::string text;
    for (const auto& [name, value] : metadata)
        if (!is_in(left_out, name)) {
            const bool as_it_is = (is_in(numbers, name) && is_json(value, true)) || is_json(value, false);
            text += (text.empty() ? "" : ", ") + json_string(name, where, "a name of the metadata") + ": " +
                    (as_it_is ? value : json_string(value, where, "the metadata"));
        }
    return text;
}

/// The "sample_rate" of metadata, or nothing. Throws std::invalid_argument if JsonFile::sample_rate wouldn't take it.
inline std::string json_sample_rate(const Metadata& metadata, const char* where) {
    const auto found = metadata.find("sample_rate");
    if (found == metadata.end())
        return "";
    const double rate = sample_rate_of(found->second);
    require(rate > 0, where, "the metadata has the sample_rate \"", found->second, "\"", expected_sample_rate());
    return json_number(rate);
}

} // namespace carousel::detail
