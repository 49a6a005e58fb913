// TensorNumbers: the numbers of a tensor, picked out of its storage's bytes by offset, shape and strides.
#pragma once

#include "carousel/core/bit_cast.hpp"
#include "carousel/core/matrix.hpp"
#include "carousel/io/half.hpp"
#include "carousel/io/pytorch/pickle.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// How a type of storage keeps a number.
struct NumberType {
    const char* name;
    std::size_t size; // bytes
    bool needs_double;
};

/// Null if the name isn't a storage's.
inline const NumberType* number_type(PickleName storage) {
    static constexpr std::array<NumberType, 11> types{{{"float32", 4, false},
                                                       {"float64", 8, true},
                                                       {"float16", 2, false},
                                                       {"bfloat16", 2, false},
                                                       {"int8", 1, false},
                                                       {"uint8", 1, false},
                                                       {"int16", 2, false},
                                                       {"int32", 4, true},
                                                       {"int64", 8, true},
                                                       {"bool", 1, false},
                                                       {"bytes", 1, false}}};
    const auto k = static_cast<std::size_t>(storage) - static_cast<std::size_t>(PickleName::float_storage);
    return storage >= PickleName::float_storage && k < types.size() ? &types[k] : nullptr;
}

/// A storage in the file's byte order.
struct StorageBytes {
    std::span<const std::byte> bytes;
    PickleName type;
    bool big_endian;

    /// The k-th number, rounded if it is whole and has more than 53 bits.
    template <class S>
    S number(std::size_t k) const {
        switch (type) {
        case PickleName::float_storage:
            return static_cast<S>(bit_cast<float>(bits<std::uint32_t>(k)));
        case PickleName::double_storage:
            return static_cast<S>(bit_cast<double>(bits<std::uint64_t>(k)));
        case PickleName::half_storage:
            return static_cast<S>(from_half(bits<std::uint16_t>(k)));
        case PickleName::bfloat16_storage:
            return static_cast<S>(from_bfloat16(bits<std::uint16_t>(k)));
        case PickleName::char_storage:
            return static_cast<S>(static_cast<std::int8_t>(bits<std::uint8_t>(k)));
        case PickleName::short_storage:
            return static_cast<S>(static_cast<std::int16_t>(bits<std::uint16_t>(k)));
        case PickleName::int_storage:
            return static_cast<S>(static_cast<std::int32_t>(bits<std::uint32_t>(k)));
        case PickleName::long_storage:
            return static_cast<S>(static_cast<std::int64_t>(bits<std::uint64_t>(k)));
        case PickleName::bool_storage:
            return static_cast<S>(bits<std::uint8_t>(k) != 0);
        default:
            return static_cast<S>(bits<std::uint8_t>(k));
        }
    }

  private:
    template <class Bits>
    Bits bits(std::size_t k) const {
        std::array<std::byte, sizeof(Bits)> raw;
        std::memcpy(raw.data(), bytes.data() + k * sizeof(Bits), sizeof(Bits));
        std::uint64_t value = 0;
        for (std::size_t n = 0; n < raw.size(); ++n)
            value = value << 8 | std::to_integer<std::uint64_t>(raw[big_endian ? n : raw.size() - 1 - n]);
        return static_cast<Bits>(value);
    }
};

/// A tensor of a file and where its numbers are.
struct TensorPlace {
    std::string name;
    std::string_view storage; // its key in the file
    PickleName type;
    std::uint64_t storage_count;       // numbers in the storage
    std::vector<Index> shape, strides; // as many; strides in numbers
    std::uint64_t offset, count;       // the first number; how many, the product of the shape
};

/// Row-major. Every index that shape and strides give lies in the storage.
template <class S>
std::vector<S> tensor_numbers(const TensorPlace& tensor, const StorageBytes& storage) {
    std::vector<S> numbers(tensor.count);
    std::vector<Index> index(tensor.shape.size(), 0);
    std::uint64_t from = tensor.offset;
    for (S& number : numbers) {
        number = storage.number<S>(from);
        for (std::size_t d = index.size(); d-- > 0;) {
            from += static_cast<std::uint64_t>(tensor.strides[d]);
            if (++index[d] < tensor.shape[d])
                break;
            from -= static_cast<std::uint64_t>(tensor.shape[d] * tensor.strides[d]);
            index[d] = 0;
        }
    }
    return numbers;
}

} // namespace carousel::detail
