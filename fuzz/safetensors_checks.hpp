// What must hold for any bytes that are taken for a safetensors file.
#pragma once

#include "check.hpp"

#include <carousel/io/safetensors.hpp>
#include <carousel/layer/dense.hpp>
#include <carousel/layer/embedding.hpp>
#include <carousel/layer/sequential.hpp>

#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>

namespace fuzz {

using namespace carousel;
using Bytes = std::span<const std::byte>;

/// The same, bit by bit: NaN is NaN.
inline bool equal(const NamedTensor& a, const NamedTensor& b) {
    return a.name == b.name && a.shape == b.shape && a.numbers.index() == b.numbers.index() &&
           std::visit(
               [&](const auto& numbers) {
                   const auto& others = std::get<std::remove_cvref_t<decltype(numbers)>>(b.numbers);
                   return numbers.size() == others.size() &&
                          (numbers.empty() ||
                           std::memcmp(numbers.data(), others.data(), numbers.size() * sizeof numbers.front()) == 0);
               },
               a.numbers);
}

/// What is read is written, and read again, without a change.
inline void check_reading(Bytes bytes) {
    std::optional<Safetensors> file;
    try {
        file = read_safetensors(bytes);
    } catch (const std::runtime_error&) {
        return;
    }
    const Safetensors again = read_safetensors(safetensors_bytes(file->tensors, file->metadata));
    check(again.metadata == file->metadata, "the metadata stays");
    check(again.tensors.size() == file->tensors.size(), "as many tensors stay");
    std::map<std::string, const NamedTensor*> tensors;
    for (const NamedTensor& tensor : again.tensors)
        tensors[tensor.name] = &tensor;
    for (const NamedTensor& tensor : file->tensors)
        check(tensors.contains(tensor.name) && equal(tensor, *tensors[tensor.name]), "a tensor stays");
}

/// A model has the file's values or, if the file is refused, its own.
inline void check_loading(Bytes bytes, const LoadOptions& options) {
    static const Sequential original{Embedding<float>{3, 1, {.padding = 0, .seed = 1}},
                                     Dense<float>{1, 2, {.seed = 2}}};
    Sequential model = original;
    try {
        load_safetensors(bytes, model, options);
    } catch (const std::runtime_error&) {
        check(model.layer<0>().table().value == original.layer<0>().table().value &&
                  model.layer<1>().W().value == original.layer<1>().W().value &&
                  model.layer<1>().b().value == original.layer<1>().b().value,
              "a refused file changes nothing");
    }
}

inline void check_file(Bytes bytes) {
    check_reading(bytes);
    check_loading(bytes, {});
    check_loading(bytes, {.names = {{"0.Embedding", "1.Dense"}, {"", "0.Embedding"}, {"W", "1.Dense.W"}},
                          .allow_missing = true,
                          .allow_extra = true});
}

} // namespace fuzz
