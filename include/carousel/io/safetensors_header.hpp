// The header of a safetensors file: what its tensors are called, their types and shapes, and where their numbers are
// (https://github.com/huggingface/safetensors). Needs nlohmann-json.
#pragma once

#include "carousel/core/metadata.hpp"
#include "carousel/core/require.hpp"
#include "carousel/io/byte_source.hpp"
#include "carousel/io/named_tensor.hpp"
#include "carousel/io/strict_json.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace carousel {

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

/// A tensor of a file, without its numbers.
struct SafetensorsEntry {
    std::string name;
    std::string dtype;
    std::vector<Index> shape;
    std::uint64_t begin, end; // bytes from the first of the file's numbers on
};

/// Bytes of a number; 0 of a type whose numbers aren't read.
inline std::uint64_t number_size(const std::string& dtype) {
    return dtype == "F32" ? 4 : dtype == "F64" ? 8 : 0;
}

/// A safetensors file that is open. The header is read and checked at once, numbers when they are asked for.
class SafetensorsReader {
  public:
    /// Throws std::runtime_error "where: source: …" if it can't be read or the header isn't valid.
    SafetensorsReader(const char* where, const ByteSource& source) : input_(where, source) {
        std::uint64_t length = 0;
        const std::uint64_t size = input_.size();
        check(size >= sizeof length, "has ", size, " bytes, expected the header's length in the first 8");
        input_.read(0, std::as_writable_bytes(std::span(&length, 1)));
        check(length <= largest_safetensors_header, "the header is said to have ", length, " bytes, expected at most ",
              largest_safetensors_header);
        check(length <= size - sizeof length, "the header is said to have ", length, " bytes, the file has ",
              size - sizeof length, " after the first 8");
        numbers_ = sizeof length + length;
        std::string text(length, '\0');
        input_.read(sizeof length, std::as_writable_bytes(std::span(text)));
        const auto [header, error] = parse_strict_object(text, "the header");
        check(error.empty(), error);
        read_header(header, size - numbers_);
    }

    /// In the order of their numbers, which fill the rest of the file without a hole.
    const std::vector<SafetensorsEntry>& entries() const { return entries_; }
    const Metadata& metadata() const { return metadata_; }

    /// One of entries() with its numbers. Throws std::runtime_error if they can't be read or aren't F32 or F64.
    NamedTensor read(const SafetensorsEntry& entry) {
        NamedTensor tensor{entry.name, entry.shape, {}};
        const std::uint64_t bytes = number_size(entry.dtype);
        check(bytes > 0, "\"", entry.name, "\" is of type ", entry.dtype, ", expected F32 or F64");
        if (bytes == sizeof(double))
            tensor.numbers = std::vector<double>();
        std::visit(
            [&](auto& numbers) {
                numbers.resize((entry.end - entry.begin) / bytes);
                input_.read(numbers_ + entry.begin, std::as_writable_bytes(std::span(numbers)));
            },
            tensor.numbers);
        return tensor;
    }

    /// Throws std::runtime_error "where: source: parts…" when `holds` is false.
    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        input_.check(holds, parts...);
    }

  private:
    void read_header(const Json& header, std::uint64_t size) {
        for (const auto& [name, info] : header.items())
            if (name == metadata_key)
                metadata_ = strings(info);
            else
                entries_.push_back(entry(name, info, size));
        std::sort(entries_.begin(), entries_.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
            return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
        });
        std::uint64_t end = 0;
        for (const SafetensorsEntry& one : entries_) {
            check(one.begin == end, "the data of \"", one.name, "\" begins at byte ", one.begin, ", expected ", end,
                  ", where the data before it ends");
            end = one.end;
        }
        check(end == size, "the header speaks of ", end, " bytes of data, there are ", size);
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

    SafetensorsEntry entry(const std::string& name, const Json& info, std::uint64_t size) const {
        const auto whole = [](const Json& numbers) {
            return numbers.is_array() &&
                   std::all_of(numbers.begin(), numbers.end(), [](const Json& n) { return n.is_number_unsigned(); });
        };
        check(info.is_object() && info.contains("dtype") && info["dtype"].is_string(), "\"", name, "\" has no dtype");
        check(info.contains("shape") && whole(info["shape"]), "\"", name, "\" has no shape of whole numbers");
        check(info.contains("data_offsets") && whole(info["data_offsets"]) && info["data_offsets"].size() == 2, "\"",
              name, "\" has no data_offsets of two whole numbers");

        SafetensorsEntry result{name, info["dtype"], {}, info["data_offsets"][0], info["data_offsets"][1]};
        constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<Index>::max());
        const std::uint64_t number = number_size(result.dtype);
        std::uint64_t bytes = std::max(number, std::uint64_t(1));
        for (const std::uint64_t n : info["shape"]) {
            check(n <= largest && (n == 0 || bytes <= largest / n), "\"", name, "\" has shape ", info["shape"],
                  ", which is more than memory can be");
            bytes *= n;
            result.shape.push_back(static_cast<Index>(n));
        }
        const auto [begin, end] = std::pair(result.begin, result.end);
        check(begin <= end && end <= size, "\"", name, "\" has data_offsets [", begin, ", ", end,
              "], expected begin <= end <= ", size);
        check(number == 0 || end - begin == bytes, "\"", name, "\" has ", end - begin, " bytes of data, expected ",
              bytes, " for shape ", info["shape"], " of ", result.dtype);
        return result;
    }

    Input input_;
    std::uint64_t numbers_ = 0; // where they begin in the file
    std::vector<SafetensorsEntry> entries_;
    Metadata metadata_;
};

} // namespace detail

} // namespace carousel
