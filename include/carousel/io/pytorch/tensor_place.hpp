// Where the numbers of a tensor of a PyTorch file are: what its pickle says of it, checked.
#pragma once

#include "carousel/io/pytorch/checkpoint.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Where a tensor's numbers are. Throws std::runtime_error unless they all lie in its storage.
inline TensorPlace tensor_place(const Checkpoint& file, const std::string& name, PickleTensor tensor) {
    const Pickle& pickle = file.pickle();
    const auto check = [&](bool holds, const auto&... parts) {
        file.input().check(holds, "\"", shown(name), "\" ", parts...);
    };
    const auto parts = pickle.of(tensor.what);
    const auto storage = pickle.of(std::get_if<PickleStorage>(&parts[0])->what);
    const auto* type = std::get_if<PickleName>(&storage[1]);
    const auto key = pickle.text(storage[2]);
    const auto* const count = std::get_if<std::int64_t>(&storage[4]);
    const bool untyped = type && *type == PickleName::untyped_storage; // its count is of bytes, its type beside it
    if (untyped && parts.size() > 6) {
        const auto* const other = std::get_if<PickleObject>(&parts[6]);
        check(!other, "has numbers of type ", other ? name_text(known_names[other->name]) : "",
              ", which are not read; convert the tensor, as with .float(), and save it again");
        type = std::get_if<PickleName>(&parts[6]);
    }
    const std::size_t metadata_at = untyped ? 7 : 6;
    if (const auto* const metadata =
            parts.size() > metadata_at ? std::get_if<PickleDictionary>(&parts[metadata_at]) : nullptr)
        for (const char* const view : {"neg", "conj"}) {
            const PickleValue* const value = pickle.find(*metadata, view);
            const bool* const is_view = value ? std::get_if<bool>(value) : nullptr;
            check(!is_view || !*is_view, "is a view whose numbers are stored otherwise (", view,
                  "); resolve it, as with .resolve_neg() or .resolve_conj(), and save it again");
        }
    check(type && *type != PickleName::untyped_storage && number_type(*type) && key && key->size() <= most_key_size &&
              count && *count >= 0,
          "is of a storage without type, key or count");
    check(storage.size() < 6 || std::holds_alternative<PickleNone>(storage[5]),
          "is of a part of a storage, as PyTorch had it before 0.4; load and save the file in a newer one");

    const std::int64_t bytes = untyped ? static_cast<std::int64_t>(number_type(*type)->size) : 1;
    check(*count % bytes == 0, "is of a storage of ", *count, " bytes, expected a multiple of ", bytes);

    const auto* const offset = std::get_if<std::int64_t>(&parts[1]);
    const auto shape = pickle.whole_numbers(parts[2]), strides = pickle.whole_numbers(parts[3]);
    check(offset && *offset >= 0 && shape && strides && shape->size() == strides->size(),
          "has no offset, shape and strides that fit each other");
    TensorPlace place{name,
                      *key,
                      *type,
                      static_cast<std::uint64_t>(*count / bytes),
                      {shape->begin(), shape->end()},
                      {strides->begin(), strides->end()},
                      static_cast<std::uint64_t>(*offset),
                      1};
    constexpr std::uint64_t most = std::uint64_t(1) << 48; // numbers, so that no product of two sizes overflows
    for (const std::int64_t size : *shape) {
        check(size >= 0, "has a negative size");
        place.count *= size > 0;
    }
    std::uint64_t last = place.offset;
    for (std::size_t d = 0; d < shape->size() && place.count > 0; ++d) {
        const std::int64_t size = (*shape)[d], stride = (*strides)[d];
        check(stride >= 0, "has a negative stride");
        check(static_cast<std::uint64_t>(size) <= most / place.count, "has more numbers than memory can hold");
        place.count *= static_cast<std::uint64_t>(size);
        const auto steps = static_cast<std::uint64_t>(size - 1), step = static_cast<std::uint64_t>(stride);
        check(last <= place.storage_count && (steps == 0 || step <= (place.storage_count - last) / steps),
              "reaches beyond the ", place.storage_count, " numbers of its storage");
        last += steps * step;
    }
    check(place.count == 0 || last < place.storage_count, "reaches beyond the ", place.storage_count,
          " numbers of its storage");
    return place;
}

} // namespace carousel::detail
