// The header of a safetensors file, read and written: what its tensors are called, their types and shapes, and where their
// numbers are (https://github.com/huggingface/safetensors). Needs nlohmann-json.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/metadata.hpp"
#include "carousel/core/require.hpp"
#include "carousel/io/strict_json.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

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

/// [2,3]
template <class Number>
std::string list_text(const std::vector<Number>& numbers) {
    std::string text = "[";
    for (const Number number : numbers) {
        if (text.size() > 1)
            text += ',';
        text += std::to_string(number);
    }
    return text + ']';
}

/// The text of a header. Throws Json::type_error if a name or the metadata isn't UTF-8.
inline std::string header_text(const std::vector<SafetensorsEntry>& entries, const Metadata& metadata) {
    std::string text = "{";
    if (!metadata.empty()) {
        append_name(text, metadata_key);
        text += '{';
        for (const auto& [key, value] : metadata) {
            append_name(text, key);
            text += Json(value).dump();
        }
        text += '}';
    }
    for (const SafetensorsEntry& entry : entries) {
        append_name(text, entry.name);
        text += R"({"dtype":")" + entry.dtype + R"(","shape":)" + list_text(entry.shape) + R"(,"data_offsets":)" +
                list_text(std::vector{entry.begin, entry.end}) + '}';
    }
    return text + '}';
}

/// A header that is read: each tensor goes from the parser's events into an entry, which is checked where its text ends.
/// What a tensor has besides its type, its shape and its place is passed over.
class SafetensorsHeader : public StrictJsonReader {
  public:
    std::vector<SafetensorsEntry> entries; ///< in the order of their numbers, which fill the data without a hole
    Metadata metadata;

    /// `size`: the bytes of all numbers in the file.
    explicit SafetensorsHeader(std::uint64_t size) : StrictJsonReader("the header", most_levels), size_(size) {}

    /// Once the text has been read: puts the entries in order, or says what is wrong with them.
    void finish() {
        if (!error().empty())
            return;
        const auto order = [this](auto key) {
            std::sort(entries.begin(), entries.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
        };
        order([](const SafetensorsEntry& entry) { return std::tie(entry.name); });
        const auto twice = std::adjacent_find(entries.begin(), entries.end(),
                                              [](const auto& a, const auto& b) { return a.name == b.name; });
        if (twice != entries.end()) {
            fail_twice(twice->name);
            return;
        }
        order([](const SafetensorsEntry& entry) { return std::tie(entry.begin, entry.end, entry.name); });
        std::uint64_t end = 0;
        for (const SafetensorsEntry& entry : entries) {
            if (entry.begin != end) {
                fail("the data of \"", entry.name, "\" begins at byte ", entry.begin, ", expected ", end,
                     ", where the data before it ends");
                return;
            }
            end = entry.end;
        }
        if (end != size_)
            fail("the header speaks of ", end, " bytes of data, there are ", size_);
    }

  private:
    static constexpr std::size_t most_levels = 3; // the header, a tensor, its shape
    using Numbers = std::vector<std::uint64_t>;

    /// What is read of a tensor so far.
    struct Tensor {
        std::string name;
        std::optional<std::string> dtype = {};
        std::optional<Numbers> shape = {}, offsets = {};
    };

    bool member(std::string& name) override {
        if (level() == 1) {
            in_metadata_ = name == metadata_key;
            if (in_metadata_ && std::exchange(has_metadata_, true))
                return fail_twice(name);
            tensor_ = {std::move(name)};
            key_.clear();
        } else if (level() == 2) {
            const bool twice = in_metadata_
                                   ? metadata.contains(name)
                                   : (name == "dtype" && tensor_.dtype) || (name == "shape" && tensor_.shape) ||
                                         (name == "data_offsets" && tensor_.offsets);
            if (twice)
                return fail_twice(name);
            key_ = std::move(name);
        }
        return true;
    }

    bool single(Json value) override {
        if (in_metadata_) {
            if (level() == 1 || !value.is_string())
                return refuse_metadata();
            metadata.emplace(key_, std::move(value.get_ref<std::string&>()));
        } else if (level() == 1) {
            return add_entry();
        } else if (level() == 2) {
            if (key_ != "dtype" || !value.is_string())
                return pass_over();
            tensor_.dtype = std::move(value.get_ref<std::string&>());
        } else if (numbers_) {
            if (!value.is_number_unsigned())
                return pass_over();
            numbers_->push_back(value.get<std::uint64_t>());
        }
        return true;
    }

    bool begin(bool object) override {
        if (in_metadata_)
            return (level() == 1 && object) || refuse_metadata();
        if (level() < 2)
            return true;
        if (!object && key_ == "shape")
            numbers_ = &tensor_.shape.emplace();
        else if (!object && key_ == "data_offsets")
            numbers_ = &tensor_.offsets.emplace();
        else
            return pass_over();
        return true;
    }

    bool end() override {
        numbers_ = nullptr;
        return level() != 1 || in_metadata_ || add_entry();
    }

    bool refuse_metadata() {
        return level() == 1 ? fail(metadata_key, " is no object of strings")
                            : fail(metadata_key, " has \"", key_, "\", which is no string");
    }

    /// Of a member that this library doesn't know any value will do; fails if it knows it, as it expects another.
    bool pass_over() {
        return key_ == "dtype"          ? refuse(no_dtype)
               : key_ == "shape"        ? refuse(no_shape)
               : key_ == "data_offsets" ? refuse(no_offsets)
                                        : true;
    }

    template <class... Parts>
    bool refuse(const Parts&... parts) {
        return fail("\"", tensor_.name, "\" has ", parts...);
    }

    /// The tensor that is read becomes an entry, or is refused.
    bool add_entry() {
        if (!tensor_.dtype)
            return refuse(no_dtype);
        if (!tensor_.shape)
            return refuse(no_shape);
        if (!tensor_.offsets || tensor_.offsets->size() != 2)
            return refuse(no_offsets);
        SafetensorsEntry entry{
            tensor_.name, std::move(*tensor_.dtype), {}, (*tensor_.offsets)[0], (*tensor_.offsets)[1]};
        constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<Index>::max());
        const std::uint64_t number = number_size(entry.dtype);
        std::uint64_t bytes = std::max(number, std::uint64_t(1));
        for (const std::uint64_t n : *tensor_.shape) {
            if (n > largest || (n > 0 && bytes > largest / n))
                return refuse("shape ", list_text(*tensor_.shape), ", which is more than memory can be");
            bytes *= n;
            entry.shape.push_back(static_cast<Index>(n));
        }
        if (entry.begin > entry.end || entry.end > size_)
            return refuse("data_offsets [", entry.begin, ", ", entry.end, "], expected begin <= end <= ", size_);
        if (number > 0 && entry.end - entry.begin != bytes)
            return refuse(entry.end - entry.begin, " bytes of data, expected ", bytes, " for shape ",
                          list_text(*tensor_.shape), " of ", entry.dtype);
        entries.push_back(std::move(entry));
        return true;
    }

    static constexpr const char* no_dtype = "no dtype";
    static constexpr const char* no_shape = "no shape of whole numbers";
    static constexpr const char* no_offsets = "no data_offsets of two whole numbers";

    const std::uint64_t size_;
    bool has_metadata_ = false, in_metadata_ = false;
    Tensor tensor_;
    std::string key_;            // of the member of the tensor, or of the metadata, that is read
    Numbers* numbers_ = nullptr; // of the list that is read: a shape or the offsets; null: another
};

} // namespace detail

} // namespace carousel
