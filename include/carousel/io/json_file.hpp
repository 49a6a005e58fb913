// JsonFile: a JSON file that is read at once, with checks of its values whose messages name the place. Needs nlohmann-json.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/metadata.hpp"
#include "carousel/io/byte_source.hpp"
#include "carousel/io/json_value.hpp"
#include "carousel/io/sample_rate.hpp"
#include "carousel/io/strict_json.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace carousel::inline CAROUSEL_ABI::detail {

/// "1 input", "2 inputs"
inline std::string counted(Index n, const std::string& what) {
    return decimal(n) + " " + what + (n == 1 ? "" : "s");
}

/// An object of a file, with all its numbers. `what` in the functions below is how a message calls a value, with its place:
/// "layer 0 (lstm): the kernel". All throw std::runtime_error "where: source: …".
class JsonFile {
  public:
    static constexpr std::uint64_t largest = std::uint64_t(1) << 30; // bytes
    static constexpr std::size_t most_levels = 16;

    /// `largest_number` is what the numbers of matrices may be at most: what the scalar of the model can hold.
    JsonFile(const char* where, const ByteSource& source, double largest_number)
        : input_(where, source), largest_number_(largest_number) {
        check(input_.size() <= largest, "has ", input_.size(), " bytes, expected at most ", largest);
        std::string text(static_cast<std::size_t>(input_.size()), '\0');
        input_.read(0, std::as_writable_bytes(std::span(text)));
        constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
        if (text.starts_with(byte_order_mark))
            text.erase(0, byte_order_mark.size());
        text.erase(0, std::min(text.find_first_not_of(" \t\r\n"), text.size()));
        auto [root, error] = parse_strict_object(text, "the file", most_levels);
        check(error.empty(), error);
        root_ = std::move(root);
    }

    const Json& root() const { return root_; }

    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        input_.check(holds, parts...);
    }

    /// One that must be there. `place` is a message's beginning, "layer 0: ".
    const Json& get(const Json& object, const char* name, const std::string& place) const {
        const Json* const found = member(object, name);
        check(found != nullptr, place, "has no \"", name, "\"");
        return *found;
    }
    const Json& object(const Json& value, const std::string& what) const {
        check(value.is_object(), what, " is ", shown_json(value), ", expected an object");
        return value;
    }
    const Json& array(const Json& value, const std::string& what) const {
        check(value.is_array(), what, " is ", shown_json(value), ", expected an array");
        return value;
    }
    std::string text(const Json& value, const std::string& what) const {
        check(value.is_string(), what, " is ", shown_json(value), ", expected a text");
        return value.get<std::string>();
    }
    double number(const Json& value, const std::string& what) const {
        check(value.is_number(), what, " is ", shown_json(value), ", expected a number");
        return value.get<double>();
    }
    /// A whole number, least <= n <= most; 3.0 is one, too.
    Index whole(const Json& value, const std::string& what, Index least, Index most) const {
        const double n = value.is_number() ? value.get<double>() : std::nan("");
        check(n >= static_cast<double>(least) && n <= static_cast<double>(most) && n == std::floor(n), what, " is ",
              shown_json(value), ", expected a whole number from ", least, " to ", most);
        return static_cast<Index>(n);
    }

    /// An array of `rows` arrays of `columns` numbers each. `why` says after a message what they are expected for.
    Matrix<double> matrix(const Json& value, const std::string& what, Index rows, Index columns,
                          const std::string& why = "") const {
        const auto size = [](const Json& part) { return static_cast<Index>(part.size()); };
        const bool nested = value.is_array() && !value.empty() && value[0].is_array();
        check(nested, what, " is ", shown_json(value), ", expected an array of arrays of numbers, ", rows, " x ",
              columns, why);
        check(size(value) == rows && size(value[0]) == columns, what, " is ", size(value), " x ", size(value[0]),
              ", expected ", rows, " x ", columns, why);
        for (Index r = 0; r < rows; ++r) { // all of them before memory is taken for as many
            const Json& row = value[static_cast<std::size_t>(r)];
            check(row.is_array() && size(row) == columns, what, " has ", shown_json(row), " as row ", r,
                  ", expected an array of ", columns);
        }
        Matrix<double> numbers(rows, columns);
        for (Index r = 0; r < rows; ++r)
            for (Index c = 0; c < columns; ++c)
                numbers(r, c) = element(value[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)], what, c);
        return numbers;
    }
    /// An array of `size` numbers, as one column.
    Matrix<double> column(const Json& value, const std::string& what, Index size) const {
        check(value.is_array() && static_cast<Index>(value.size()) == size, what, " is ", shown_json(value),
              ", expected an array of ", size);
        Matrix<double> numbers(size, 1);
        for (Index k = 0; k < size; ++k)
            numbers(k, 0) = element(value[static_cast<std::size_t>(k)], what, k);
        return numbers;
    }

    /// A sample rate in Hz, which may be written as a text, "48000".
    double sample_rate(const Json& value, const std::string& what) const {
        const double rate = value.is_string()   ? sample_rate_of(value.get_ref<const std::string&>())
                            : value.is_number() ? value.get<double>()
                                                : 0;
        check(is_sample_rate(rate), what, " is ", shown_json(value), expected_sample_rate());
        return rate;
    }

    /// All members of an object but the `left_out` and what is null, added to `to`: a text as it is, anything else as JSON.
    static void add_metadata(const Json& object, std::initializer_list<std::string_view> left_out, Metadata& to) {
        for (const auto& [name, value] : object.items())
            if (!value.is_null() && std::find(left_out.begin(), left_out.end(), name) == left_out.end())
                to[name] = value.is_string() ? value.get<std::string>() : value.dump();
    }

  private:
    double element(const Json& value, const std::string& what, Index k) const {
        check(value.is_number(), what, " has ", shown_json(value), " as number ", k, ", expected a number");
        const double n = value.get<double>();
        check(std::abs(n) <= largest_number_, what, " has ", shown_json(value), " as number ", k, ", expected at most ",
              largest_number_, ", which the model's numbers can hold");
        return n;
    }

    Input input_;
    double largest_number_;
    Json root_;
};

} // namespace carousel::detail
