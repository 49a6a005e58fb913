// SafetensorsReader: a safetensors file that is open. Needs nlohmann-json.
#pragma once

#include "carousel/io/byte_order.hpp"
#include "carousel/io/byte_source.hpp"
#include "carousel/io/named_tensor.hpp"
#include "carousel/io/safetensors_header.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A safetensors file that is open. The header is read and checked at once, numbers when they are asked for.
class SafetensorsReader {
  public:
    /// `input` lives as long as this. Throws std::runtime_error "where: source: …" if it can't be read or the header isn't
    /// valid.
    explicit SafetensorsReader(Input& input) : input_(input) {
        std::uint64_t length = 0;
        const std::uint64_t size = input_.size();
        check(size >= sizeof length, "has ", size, " bytes, expected the header's length in the first 8");
        input_.read(0, std::as_writable_bytes(std::span(&length, 1)));
        turn_to_file_order(std::span(&length, 1));
        check(length <= largest_safetensors_header, "the header is said to have ", length, " bytes, expected at most ",
              largest_safetensors_header);
        check(length <= size - sizeof length, "the header is said to have ", length, " bytes, the file has ",
              size - sizeof length, " after the first 8");
        numbers_ = sizeof length + length;
        std::string text(static_cast<std::size_t>(length), '\0');
        input_.read(sizeof length, std::as_writable_bytes(std::span(text)));
        SafetensorsHeader header(size - numbers_);
        header.read(text);
        header.finish();
        check(header.error().empty(), header.error());
        entries_ = std::move(header.entries);
        metadata_ = std::move(header.metadata);
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
                numbers.resize(size_in_memory(entry) / static_cast<std::size_t>(bytes));
                input_.read(numbers_ + entry.begin, std::as_writable_bytes(std::span(numbers)));
                turn_to_file_order(std::span(numbers));
            },
            tensor.numbers);
        return tensor;
    }

    /// The bytes of the numbers of one of entries(), of any type, little-endian. Throws std::runtime_error if they can't be read.
    std::vector<std::byte> read_bytes(const SafetensorsEntry& entry) {
        std::vector<std::byte> bytes(size_in_memory(entry));
        input_.read(numbers_ + entry.begin, bytes);
        return bytes;
    }

    /// Throws std::runtime_error "where: source: parts…" when `holds` is false.
    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        input_.check(holds, parts...);
    }

  private:
    std::size_t size_in_memory(const SafetensorsEntry& entry) const {
        const std::uint64_t size = entry.end - entry.begin;
        constexpr std::uint64_t most = std::numeric_limits<std::size_t>::max();
        check(size <= most, "\"", entry.name, "\" has ", size, " bytes, a machine of 32 bits holds at most ", most);
        return static_cast<std::size_t>(size);
    }

    Input& input_;
    std::uint64_t numbers_ = 0; // where they begin in the file
    std::vector<SafetensorsEntry> entries_;
    Metadata metadata_;
};

} // namespace carousel::detail
