// Safetensors files read and written, whatever they were made for: named tensors, and texts beside them
// (https://github.com/huggingface/safetensors). Needs nlohmann-json; in CMake, link carousel::safetensors.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/io/named_tensor.hpp"
#include "carousel/io/replace_file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace carousel {

static_assert(std::endian::native == std::endian::little && std::numeric_limits<double>::is_iec559,
              "safetensors: the numbers of a file are little-endian IEEE 754, and are not converted");

/// What a file says besides its numbers: a vocabulary, sizes, a date; UTF-8.
using Metadata = std::map<std::string, std::string>;

/// A whole file.
struct Safetensors {
    std::vector<NamedTensor> tensors; ///< in the order of their numbers in the file
    Metadata metadata;

    /// Null if there is none of this name.
    const NamedTensor* find(std::string_view name) const {
        const auto found =
            std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& t) { return t.name == name; });
        return found == tensors.end() ? nullptr : &*found;
    }
};

namespace detail {

inline constexpr std::uint64_t largest_safetensors_header = 100'000'000; // the reference's limit
inline constexpr const char* metadata_key = "__metadata__";

inline std::string shape_text(const std::vector<Index>& shape) {
    std::string text = shape.empty() ? "a single number" : "";
    for (std::size_t k = 0; k < shape.size(); ++k)
        text += (k > 0 ? " × " : "") + std::to_string(shape[k]);
    return text;
}

inline bool fits(const std::vector<Index>& shape, Index numbers) {
    double product = 1; // which can't overflow, and is exact where it isn't larger than memory
    for (const Index n : shape)
        product *= n < 0 ? std::numeric_limits<double>::infinity() : static_cast<double>(n);
    return product == static_cast<double>(numbers);
}

/// Reads one file; what is wrong with it is said with the function that was called and the path.
class SafetensorsReader {
  public:
    SafetensorsReader(const char* where, std::filesystem::path path) : where_(where), path_(std::move(path)) {}

    /// Throws std::runtime_error "where: path: parts…" when `holds` is false.
    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        if (holds)
            return;
        std::ostringstream message;
        message << where_ << ": " << path_.string() << ": ";
        (message << ... << parts);
        throw std::runtime_error(message.str());
    }

    Safetensors read() const {
        std::error_code error;
        const bool regular = std::filesystem::is_regular_file(path_, error);
        const std::uint64_t size = regular ? std::filesystem::file_size(path_, error) : 0;
        std::ifstream file(path_, std::ios::binary);
        check(regular && !error && file, "can't be opened");

        std::uint64_t length = 0;
        check(size >= sizeof length, "has ", size, " bytes, expected the header's length in the first 8");
        read(file, &length, sizeof length);
        check(length <= largest_safetensors_header, "the header is said to have ", length, " bytes, expected at most ",
              largest_safetensors_header);
        check(length <= size - sizeof length, "the header is said to have ", length, " bytes, the file has ",
              size - sizeof length, " after the first 8");
        std::string text(length, '\0');
        read(file, text.data(), length);

        Safetensors result;
        for (const Entry& entry : entries(parse(text), size - sizeof length - length, result.metadata)) {
            NamedTensor tensor{entry.name, entry.shape, {}};
            if (entry.number_size == sizeof(double))
                tensor.numbers = std::vector<double>();
            std::visit(
                [&](auto& numbers) {
                    numbers.resize((entry.end - entry.begin) / entry.number_size);
                    read(file, numbers.data(), entry.end - entry.begin);
                },
                tensor.numbers);
            result.tensors.push_back(std::move(tensor));
        }
        return result;
    }

  private:
    using Json = nlohmann::json;

    struct Entry {
        std::string name;
        std::vector<Index> shape;
        std::uint64_t number_size, begin, end;
    };

    void read(std::ifstream& file, void* to, std::uint64_t bytes) const {
        file.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
        check(static_cast<bool>(file), "can't be read");
    }

    /// The header: JSON by the library, but for what it lets pass: the same name twice, of which it keeps the last, and
    /// a zero byte, which it takes for the end. Deep nesting, which has no meaning here, would cost memory.
    Json parse(const std::string& text) const {
        check(text.starts_with('{'), "the header doesn't begin with {");
        std::vector<std::set<std::string>> names; // of the objects that are open
        const auto callback = [&](int depth, Json::parse_event_t event, Json& parsed) {
            using Event = Json::parse_event_t;
            if (event == Event::object_start || event == Event::array_start)
                check(depth < 3, "the header is nested too deeply");
            if (event == Event::object_start)
                names.emplace_back();
            else if (event == Event::object_end)
                names.pop_back();
            else if (event == Event::key)
                check(names.back().insert(parsed.get<std::string>()).second, parsed, " is twice in the header");
            return true;
        };
        const std::size_t zero = text.find('\0');
        check(zero == std::string::npos, "the header isn't JSON: byte ", zero + 1, " is wrong");
        try {
            return Json::parse(text, callback);
        } catch (const Json::parse_error& error) {
            check(false, "the header isn't JSON: byte ", error.byte, " is wrong");
            throw;
        } catch (const Json::out_of_range&) {
            check(false, "the header has a number that is too large");
            throw;
        }
    }

    /// The tensors in the order of their numbers, which must fill the `size` bytes after the header without a hole.
    std::vector<Entry> entries(const Json& header, std::uint64_t size, Metadata& metadata) const {
        std::vector<Entry> list;
        for (const auto& [name, info] : header.items())
            if (name == metadata_key)
                metadata = strings(info);
            else
                list.push_back(entry(name, info, size));
        std::stable_sort(list.begin(), list.end(), [](const Entry& a, const Entry& b) {
            return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
        });
        std::uint64_t end = 0;
        for (const Entry& one : list) {
            check(one.begin == end, "the data of \"", one.name, "\" begins at byte ", one.begin, ", expected ", end,
                  ", where the data before it ends");
            end = one.end;
        }
        check(end == size, "the header speaks of ", end, " bytes of data, there are ", size);
        return list;
    }

    Metadata strings(const Json& info) const {
        Metadata metadata;
        check(info.is_object(), metadata_key, " is no object of strings");
        for (const auto& [key, value] : info.items()) {
            check(value.is_string(), metadata_key, " has \"", key, "\", which is no string");
            metadata[key] = value.get<std::string>();
        }
        return metadata;
    }

    Entry entry(const std::string& name, const Json& info, std::uint64_t size) const {
        const auto whole = [](const Json& numbers) {
            return numbers.is_array() &&
                   std::all_of(numbers.begin(), numbers.end(), [](const Json& n) { return n.is_number_unsigned(); });
        };
        check(info.is_object() && info.contains("dtype") && info["dtype"].is_string(), "\"", name, "\" has no dtype");
        check(info.contains("shape") && whole(info["shape"]), "\"", name, "\" has no shape of whole numbers");
        check(info.contains("data_offsets") && whole(info["data_offsets"]) && info["data_offsets"].size() == 2, "\"",
              name, "\" has no data_offsets of two whole numbers");
        const std::string dtype = info["dtype"];
        check(dtype == "F32" || dtype == "F64", "\"", name, "\" is of type ", dtype, ", expected F32 or F64");

        Entry result{name, {}, dtype == "F32" ? 4U : 8U, info["data_offsets"][0], info["data_offsets"][1]};
        constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<Index>::max());
        std::uint64_t bytes = result.number_size;
        for (const std::uint64_t n : info["shape"]) {
            check(n <= largest && (n == 0 || bytes <= largest / n), "\"", name, "\" has shape ", info["shape"],
                  ", which is more than memory can be");
            bytes *= n;
            result.shape.push_back(static_cast<Index>(n));
        }
        const auto [begin, end] = std::pair(result.begin, result.end);
        check(begin <= end && end <= size, "\"", name, "\" has data_offsets [", begin, ", ", end,
              "], expected begin <= end <= ", size);
        check(end - begin == bytes, "\"", name, "\" has ", end - begin, " bytes of data, expected ", bytes,
              " for shape ", info["shape"], " of ", dtype);
        return result;
    }

    const char* where_;
    std::filesystem::path path_;
};

inline void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                              const Metadata& metadata, const char* where) {
    using Json = nlohmann::json;
    const auto bytes = [](const NamedTensor& tensor) {
        return std::visit([](const auto& numbers) { return std::as_bytes(std::span(numbers)); }, tensor.numbers);
    };
    std::vector<const NamedTensor*> order; // double before float, so that each is aligned to its size
    for (const NamedTensor& tensor : tensors)
        order.push_back(&tensor);
    std::stable_sort(order.begin(), order.end(), [](const NamedTensor* a, const NamedTensor* b) {
        return a->numbers.index() > b->numbers.index();
    });

    Json header = Json::object();
    if (!metadata.empty())
        header[metadata_key] = metadata;
    std::vector<std::span<const std::byte>> parts(2);
    std::size_t end = 0;
    for (const NamedTensor* const tensor : order) {
        const std::size_t begin = end;
        parts.push_back(bytes(*tensor));
        end += parts.back().size();
        const Index numbers = static_cast<Index>(parts.back().size()) / (tensor->numbers.index() == 0 ? 4 : 8);
        require(fits(tensor->shape, numbers), where, "\"", tensor->name, "\" has ", numbers,
                " numbers, which don't fit its shape, ", shape_text(tensor->shape));
        require(tensor->name != metadata_key, where, "no tensor can have the name ", metadata_key);
        require(!header.contains(tensor->name), where, "\"", tensor->name, "\" is there twice");
        header[tensor->name] = {{"dtype", tensor->dtype()}, {"shape", tensor->shape}, {"data_offsets", {begin, end}}};
    }
    std::string text;
    try {
        text = header.dump();
    } catch (const Json::type_error&) {
        require(false, where, "a name or the metadata isn't UTF-8");
    }
    text.resize((text.size() + 7) / 8 * 8, ' '); // so that the numbers are aligned in the file
    const std::uint64_t length = text.size();
    require(length <= largest_safetensors_header, where, "the header has ", length, " bytes, expected at most ",
            largest_safetensors_header);
    parts[0] = std::as_bytes(std::span(&length, 1));
    parts[1] = std::as_bytes(std::span(text));
    replace_file(path, parts, where);
}

} // namespace detail

/// A file, whatever it was made for. Throws std::runtime_error "read_safetensors: path: …" if it can't be read or isn't
/// a valid safetensors file of float32 and float64 tensors. The limits are the reference's: a header of at most 100 MB,
/// tensors that fill the rest of the file without holes, no name twice.
inline Safetensors read_safetensors(const std::filesystem::path& path) {
    return detail::SafetensorsReader("read_safetensors", path).read();
}

/// Throws std::invalid_argument if the tensors' names aren't different, "__metadata__" is among them, a shape doesn't
/// fit its numbers, or a text isn't UTF-8; std::runtime_error if the file can't be written, the old one then being
/// whole (replace_file).
inline void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                              const Metadata& metadata = {}) {
    detail::write_safetensors(path, tensors, metadata, "write_safetensors");
}

} // namespace carousel
