// Safetensors files read and written, whatever they were made for: named tensors, and texts beside them
// (https://github.com/huggingface/safetensors). Needs nlohmann-json; in CMake, link carousel::safetensors.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/io/byte_order.hpp"
#include "carousel/io/byte_source.hpp"
#include "carousel/io/named_tensor.hpp"
#include "carousel/io/replace_file.hpp"
#include "carousel/io/safetensors_header.hpp"
#include "carousel/io/safetensors_reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// A whole file.
struct Safetensors {
    std::vector<NamedTensor> tensors; ///< in the order of their numbers in the file
    Metadata metadata;

    /// Null if there is none of this name. Looks at one tensor after the other.
    const NamedTensor* find(std::string_view name) const {
        const auto found =
            std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& t) { return t.name == name; });
        return found == tensors.end() ? nullptr : &*found;
    }
};

namespace detail {

/// A file as its parts, one after the other: the header's length, the header, and every tensor's numbers, which are
/// those of `tensors`, or on a big-endian machine `turned`.
struct SafetensorsParts {
    std::string head;
    std::vector<std::span<const std::byte>> numbers;
    std::vector<std::vector<std::byte>> turned;

    /// Throws std::invalid_argument as write_safetensors does.
    SafetensorsParts(const std::vector<NamedTensor>& tensors, const Metadata& metadata, const char* where) {
        std::vector<const NamedTensor*> order; // double before float, so that each is aligned to its size
        for (const std::size_t type : {1U, 0U})
            for (const NamedTensor& tensor : tensors)
                if (tensor.numbers.index() == type)
                    order.push_back(&tensor);

        std::vector<SafetensorsEntry> entries;
        for (const NamedTensor* const tensor : order) {
            const std::uint64_t begin = entries.empty() ? 0 : entries.back().end;
            numbers.push_back(
                std::visit([](const auto& values) { return std::as_bytes(std::span(values)); }, tensor->numbers));
            const std::size_t bytes = numbers.back().size();
            const auto count = static_cast<Index>(bytes / number_size(tensor->dtype()));
            require(fits(tensor->shape, count), where, "\"", tensor->name, "\" has ", count,
                    " numbers, which don't fit its shape, ", shape_text(tensor->shape));
            require(tensor->name != metadata_key, where, "no tensor can have the name ", metadata_key);
            entries.push_back({tensor->name, tensor->dtype(), tensor->shape, begin, begin + bytes});
        }
        require_different_names(entries, where);
        std::string text = instead_of<Json::type_error>(
            [&] { return header_text(entries, metadata); },
            [&](const auto&) { require(false, where, "a name or the metadata isn't UTF-8"); });
        if constexpr (big_endian_host) {
            for (std::size_t k = 0; k < order.size(); ++k) {
                turned.emplace_back(numbers[k].begin(), numbers[k].end());
                turn_bytes(turned.back(), number_size(order[k]->dtype()));
                numbers[k] = turned.back();
            }
        }
        text.resize((text.size() + 7) / 8 * 8, ' '); // so that the numbers are aligned in the file
        const std::uint64_t length = text.size();
        require(length <= largest_safetensors_header, where, "the header has ", length, " bytes, expected at most ",
                largest_safetensors_header);
        for (std::size_t k = 0; k < sizeof length; ++k)
            head += static_cast<char>(length >> 8 * k & 0xFF);
        head += text;
    }

    /// f(part) for one after the other.
    template <class F>
    void each(F&& f) const {
        f(std::as_bytes(std::span(head)));
        for (const auto part : numbers)
            f(part);
    }

  private:
    static void require_different_names(const std::vector<SafetensorsEntry>& entries, const char* where) {
        std::vector<std::string_view> names;
        for (const SafetensorsEntry& entry : entries)
            names.push_back(entry.name);
        std::sort(names.begin(), names.end());
        const auto twice = std::adjacent_find(names.begin(), names.end());
        require(twice == names.end(), where, "\"", twice == names.end() ? "" : *twice, "\" is there twice");
    }
};

inline Safetensors read_safetensors(const ByteSource& source, const char* where) {
    Input input(where, source);
    SafetensorsReader reader(input);
    Safetensors file{{}, reader.metadata()};
    for (const auto& entry : reader.entries())
        file.tensors.push_back(reader.read(entry));
    return file;
}

inline void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                              const Metadata& metadata, const char* where) {
    std::vector<std::span<const std::byte>> parts;
    const SafetensorsParts file(tensors, metadata, where);
    file.each([&](std::span<const std::byte> part) { parts.push_back(part); });
    replace_file(path, parts, where);
}

inline std::vector<std::byte> safetensors_bytes(const std::vector<NamedTensor>& tensors, const Metadata& metadata,
                                                const char* where) {
    std::vector<std::byte> bytes;
    const SafetensorsParts file(tensors, metadata, where);
    std::size_t size = 0;
    file.each([&](std::span<const std::byte> part) { size += part.size(); });
    bytes.reserve(size);
    file.each([&](std::span<const std::byte> part) { bytes.insert(bytes.end(), part.begin(), part.end()); });
    return bytes;
}

} // namespace detail

/// A file, by its path or its bytes in memory, whatever it was made for. Throws std::runtime_error "read_safetensors:
/// path: …" if it can't be read or isn't a valid safetensors file of float32 and float64 tensors. The limits are the
/// reference's: a header of at most 100 MB, tensors that fill the rest of the file without holes, no name twice. The
/// path must lead to a regular file: a pipe, a device or a folder is refused at once.
inline Safetensors read_safetensors(const ByteSource& source) {
    return detail::read_safetensors(source, "read_safetensors");
}

/// Throws std::invalid_argument if the tensors' names aren't different, "__metadata__" is among them, a shape doesn't
/// fit its numbers, or a text isn't UTF-8; std::runtime_error if the file can't be written, the old one then being
/// whole (replace_file).
inline void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                              const Metadata& metadata = {}) {
    detail::write_safetensors(path, tensors, metadata, "write_safetensors");
}

/// The bytes of the file that write_safetensors would write. Throws std::invalid_argument as it does.
inline std::vector<std::byte> safetensors_bytes(const std::vector<NamedTensor>& tensors,
                                                const Metadata& metadata = {}) {
    return detail::safetensors_bytes(tensors, metadata, "safetensors_bytes");
}

} // namespace carousel
