// Pickle: what a pickle of PyTorch says, as plain values that refer to the pickle's bytes. Nothing of it is ever run.
#pragma once

#include "carousel/core/build.hpp"

#include "carousel/core/shown_text.hpp"
#include "carousel/io/pytorch/known_names.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Longer keys are not looked at: a pickle can say a long text again and again in two bytes.
inline constexpr std::size_t most_key_size = 200;

struct PickleNone {};

/// Bytes of the pickle: a string, or a whole number of more than 64 bits.
struct PickleText {
    std::uint32_t first, size;
};
struct PickleBigInteger {
    std::uint32_t first, size;
};

/// Some of Pickle::items.
struct PickleTuple {
    std::uint32_t first, size;
};

/// A storage is the tuple by which PyTorch names it: ("storage", its type, its key in the file, device, count).
struct PickleStorage {
    PickleTuple what;
};

/// A tensor is the tuple from which PyTorch rebuilds it: (storage, offset, shape, strides, …).
struct PickleTensor {
    PickleTuple what;
};

/// One of Pickle::containers.
struct PickleList {
    std::uint32_t id;
};
/// One of Pickle::containers: a key, its value, the next key ….
struct PickleDictionary {
    std::uint32_t id;
};

/// A class that is known and passed over, or an object of it, of which nothing is kept: one of known_names.
struct PickleObject {
    std::uint32_t name;
};

/// 16 bytes, so that a file of many small objects takes little more memory than its bytes.
using PickleValue = std::variant<PickleNone, bool, std::int64_t, double, PickleText, PickleBigInteger, PickleTuple,
                                 PickleStorage, PickleTensor, PickleList, PickleDictionary, PickleName, PickleObject>;

/// A pickle that was read. Containers may hold themselves.
struct Pickle {
    std::span<const std::byte> bytes;
    PickleValue root;
    std::vector<PickleValue> items; // of all tuples
    std::vector<std::vector<PickleValue>> containers;
    std::vector<PickleStorage> storages; // in the order in which they are named, each as often as it is
    std::vector<std::pair<std::uint32_t, PickleValue>> attributes; // of dictionaries, by their id

    std::string_view text(PickleText text) const {
        return {reinterpret_cast<const char*>(bytes.data()) + text.first, text.size};
    }
    /// The text that a value is.
    std::optional<std::string_view> text(const PickleValue& value) const {
        const auto* const found = std::get_if<PickleText>(&value);
        return found ? std::optional(text(*found)) : std::nullopt;
    }
    std::span<const PickleValue> of(PickleTuple tuple) const {
        return std::span(items).subspan(tuple.first, tuple.size);
    }
    std::span<const PickleValue> of(PickleList list) const { return containers[list.id]; }
    std::span<const PickleValue> of(PickleDictionary dictionary) const { return containers[dictionary.id]; }

    /// The value of a text among a dictionary's keys, the last if there are more; null if it isn't there.
    const PickleValue* find(PickleDictionary dictionary, std::string_view key) const {
        const auto entries = of(dictionary);
        for (std::size_t k = entries.size(); k >= 2; k -= 2)
            if (text(entries[k - 2]) == key)
                return &entries[k - 1];
        return nullptr;
    }
    /// The whole numbers of a tuple or list; none if it is something else, one of them isn't whole or there are more than
    /// any weight has dimensions.
    std::optional<std::vector<std::int64_t>> whole_numbers(const PickleValue& value) const {
        std::span<const PickleValue> parts;
        if (const auto* const tuple = std::get_if<PickleTuple>(&value))
            parts = of(*tuple);
        else if (const auto* const list = std::get_if<PickleList>(&value))
            parts = of(*list);
        else
            return std::nullopt;
        constexpr std::size_t most_dimensions = 8;
        if (parts.size() > most_dimensions)
            return std::nullopt;
        std::vector<std::int64_t> numbers;
        for (const PickleValue& part : parts) {
            const auto* const number = std::get_if<std::int64_t>(&part);
            if (!number)
                return std::nullopt;
            numbers.push_back(*number);
        }
        return numbers;
    }
};

} // namespace carousel::detail
