// RankMessage: numbers and texts as bytes, as ranks exchange them.
#pragma once

#include "carousel/core/matrix.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

using Bytes = std::vector<std::byte>;

/// Bytes that are written from front to end.
class RankMessage {
  public:
    template <class T>
    requires std::is_trivially_copyable_v<T> RankMessage& put(const T& value) {
        return put(std::span<const T>(&value, 1));
    }
    template <class T>
    requires std::is_trivially_copyable_v<T> RankMessage& put(std::span<const T> values) {
        const auto bytes = std::as_bytes(values);
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    RankMessage& put(const std::string& text) { return put(std::span<const char>(text)); }

    const Bytes& bytes() const { return bytes_; }

  private:
    Bytes bytes_;
};

/// And read so. Of bytes that end too early what is missing is zero.
class RankReader {
  public:
    explicit RankReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    template <class T>
    requires std::is_trivially_copyable_v<T> T get() {
        T value{};
        get(std::span<T>(&value, 1));
        return value;
    }
    template <class T>
    requires std::is_trivially_copyable_v<T>
    void get(std::span<T> values) {
        const std::size_t size = std::min(values.size_bytes(), bytes_.size());
        if (size > 0)
            std::memcpy(values.data(), bytes_.data(), size);
        bytes_ = bytes_.subspan(size);
    }
    /// All that is left.
    std::string text() {
        std::string text(bytes_.size(), ' ');
        get(std::span<char>(text));
        return text;
    }
    std::size_t left() const { return bytes_.size(); }

  private:
    std::span<const std::byte> bytes_;
};

/// A number that other bytes hardly have: FNV-1a, eight bytes at a time.
class Fingerprint {
  public:
    template <class T>
    requires std::is_trivially_copyable_v<T>
    void add(std::span<const T> values) {
        auto bytes = std::as_bytes(values);
        for (; bytes.size() >= sizeof(std::uint64_t); bytes = bytes.subspan(sizeof(std::uint64_t))) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes.data(), sizeof word);
            mix(word);
        }
        for (const std::byte byte : bytes)
            mix(static_cast<std::uint64_t>(byte));
        mix(values.size());
    }
    template <class T>
    requires std::is_trivially_copyable_v<T>
    void add(const T& value) { add(std::span<const T>(&value, 1)); }
    template <class S>
    void add(const Matrix<S>& matrix) {
        add(std::span<const S>(matrix.data(), static_cast<std::size_t>(matrix.size())));
    }
    template <class S>
    void add(const std::vector<Matrix<S>>& matrices) {
        for (const Matrix<S>& matrix : matrices)
            add(matrix);
    }

    std::uint64_t value() const { return value_; }

  private:
    void mix(std::uint64_t word) {
        value_ = (value_ ^ word) * 0x100000001b3U;
        value_ ^= value_ >> 32; // high bits reach the low ones, too
    }

    std::uint64_t value_ = 0xcbf29ce484222325U;
};

} // namespace carousel::detail
