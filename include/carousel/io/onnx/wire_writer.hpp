// Writes protobuf messages: fields appended one after the other.
#pragma once

#include "carousel/core/bit_cast.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

class WireWriter {
  public:
    const std::string& bytes() const { return bytes_; }

    void number(int field, std::int64_t value) {
        varint(static_cast<std::uint64_t>(field) << 3);
        varint(static_cast<std::uint64_t>(value));
    }
    void real(int field, float value) {
        varint(static_cast<std::uint64_t>(field) << 3 | 5);
        const auto bits = bit_cast<std::uint32_t>(value);
        for (int k = 0; k < 4; ++k)
            bytes_ += static_cast<char>(bits >> 8 * k & 0xFF);
    }
    void text(int field, std::string_view value) {
        varint(static_cast<std::uint64_t>(field) << 3 | 2);
        varint(value.size());
        bytes_ += value;
    }
    void message(int field, const WireWriter& value) { text(field, value.bytes_); }

  private:
    void varint(std::uint64_t value) {
        for (; value > 0x7F; value >>= 7)
            bytes_ += static_cast<char>((value & 0x7F) | 0x80);
        bytes_ += static_cast<char>(value);
    }

    std::string bytes_;
};

} // namespace carousel::detail::onnx
