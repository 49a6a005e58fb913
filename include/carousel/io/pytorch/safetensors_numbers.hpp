// Tensors of a safetensors file of PyTorch, whose types of numbers may be any that a file of torch.save has.
#pragma once

#include "carousel/io/pytorch/tensor_numbers.hpp"
#include "carousel/io/safetensors_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// As a safetensors file names a type of numbers; null if they aren't read.
inline const PickleName* safetensors_number_type(std::string_view dtype) {
    using enum PickleName;
    static constexpr std::pair<std::string_view, PickleName> types[] = {
        {"F16", half_storage},  {"BF16", bfloat16_storage}, {"I8", char_storage},  {"U8", byte_storage},
        {"I16", short_storage}, {"I32", int_storage},       {"I64", long_storage}, {"BOOL", bool_storage}};
    for (const auto& [name, type] : types)
        if (dtype == name)
            return &type;
    return nullptr;
}

/// One of the reader's entries with its numbers: float32 of those of up to 16 bits, as read_pytorch has them. Throws
/// std::runtime_error if they can't be read.
inline NamedTensor read_torch_tensor(SafetensorsReader& reader, const SafetensorsEntry& entry) {
    if (number_size(entry.dtype) > 0)
        return reader.read(entry);
    const PickleName* const type = safetensors_number_type(entry.dtype);
    reader.check(type, "\"", shown(entry.name), "\" is of type ", shown(entry.dtype),
                 ", which is not read; convert it, as with .float(), and save the file again");
    const NumberType& number = *number_type(*type);
    const std::vector<std::byte> bytes = reader.read_bytes(entry);
    std::uint64_t count = 1; // which the header's reader has found to be no more than memory can be
    for (const Index n : entry.shape)
        count *= static_cast<std::uint64_t>(n);
    reader.check(bytes.size() % number.size == 0 && bytes.size() / number.size == count, "\"", shown(entry.name),
                 "\" has ", bytes.size(), " bytes of data, expected ", count, " numbers of ", number.size);
    const StorageBytes storage{bytes, *type, false};
    const auto numbers = [&](auto zero) {
        std::vector<decltype(zero)> result(static_cast<std::size_t>(count));
        for (std::size_t k = 0; k < result.size(); ++k)
            result[k] = storage.number<decltype(zero)>(k);
        return result;
    };
    NamedTensor tensor{entry.name, entry.shape, {}};
    if (number.needs_double)
        tensor.numbers = numbers(double{});
    else
        tensor.numbers = numbers(float{});
    return tensor;
}

} // namespace carousel::detail
