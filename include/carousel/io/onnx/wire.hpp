// The wire format of protobuf, which ONNX files are written in: a message is a row of fields, each a number that names it
// and a value (https://protobuf.dev/programming-guides/encoding). Needs libprotobuf; in CMake, link carousel::onnx.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/core/shown_text.hpp"

#include <google/protobuf/io/coded_stream.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

using Bytes = std::span<const std::byte>;

/// A name of a file as messages show it, in quotes.
inline std::string in_quotes(std::string_view name) {
    return "\"" + shown(name) + "\"";
}

/// Who reads what: the public function that was called and the name of its file. Every refusal says both.
class Source {
  public:
    Source(const char* where, std::string name) : where_(where), name_(std::move(name)) {}

    const char* where() const { return where_; }
    /// "load_onnx: model.onnx"
    std::string prefix() const { return std::string(where_) + ": " + name_; }

    /// Throws std::runtime_error "load_onnx: model.onnx: parts…".
    template <class... Parts>
    [[noreturn]] void refuse(const Parts&... parts) const {
        detail::fail<std::runtime_error>(detail::message_of(prefix(), ": ", parts...));
    }
    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        if (!holds) [[unlikely]]
            refuse(parts...);
    }

  private:
    const char* where_;
    std::string name_;
};

/// Walks through a message field by field, without a copy. Throws std::runtime_error if it isn't one.
class WireReader {
  public:
    /// `subject` is what messages call it: "the graph". The source must outlive the reader.
    WireReader(const Source& source, Bytes message, const char* subject)
        : source_(source), subject_(subject), message_(message),
          stream_(reinterpret_cast<const std::uint8_t*>(message.data()), checked_size(source, message, subject)) {}

    /// Reads the next field; false at the end of the message.
    bool next() {
        if (stream_.CurrentPosition() == static_cast<int>(message_.size()))
            return false;
        const std::uint32_t tag = stream_.ReadTag();
        require_valid(tag >> 3 != 0);
        field_ = static_cast<int>(tag >> 3);
        type_ = static_cast<int>(tag & 7);
        std::uint32_t word = 0;
        switch (type_) {
        case varint:
            require_valid(stream_.ReadVarint64(&number_));
            break;
        case fixed64:
            require_valid(stream_.ReadLittleEndian64(&number_));
            break;
        case fixed32:
            require_valid(stream_.ReadLittleEndian32(&word));
            number_ = word;
            break;
        case length_delimited: {
            require_valid(stream_.ReadVarint32(&word));
            const auto at = static_cast<std::size_t>(stream_.CurrentPosition());
            require_valid(word <= message_.size() - at);
            bytes_ = message_.subspan(at, word);
            require_valid(stream_.Skip(static_cast<int>(word)));
            break;
        }
        default:
            require_valid(false);
        }
        return true;
    }

    int field() const { return field_; }
    /// Whether the field holds a number of its own, and not bytes, as a packed row of numbers does.
    bool is_number() const { return type_ != length_delimited; }

    /// The value of the field. Throws std::runtime_error if it is of another type.
    std::uint64_t number() const {
        require_valid(is_number());
        return number_;
    }
    std::int64_t integer() const { return static_cast<std::int64_t>(number()); }
    Bytes bytes() const {
        require_valid(!is_number());
        return bytes_;
    }
    std::string_view text() const {
        const Bytes characters = bytes();
        return {reinterpret_cast<const char*>(characters.data()), characters.size()};
    }

    /// f(number) for each number of a repeated field, which has one of them or a packed row. `width`: 0 varint, or the
    /// bytes of a fixed one.
    template <class F>
    void each_number(int width, F&& f) const {
        if (is_number())
            return f(number_);
        google::protobuf::io::CodedInputStream packed(reinterpret_cast<const std::uint8_t*>(bytes_.data()),
                                                      static_cast<int>(bytes_.size()));
        while (packed.CurrentPosition() < static_cast<int>(bytes_.size())) {
            std::uint64_t number = 0;
            std::uint32_t word = 0;
            require_valid(width == 0   ? packed.ReadVarint64(&number)
                          : width == 8 ? packed.ReadLittleEndian64(&number)
                                       : packed.ReadLittleEndian32(&word));
            f(width == 4 ? word : number);
        }
    }

    void require_valid(bool valid) const {
        source_.check(valid, subject_, " isn't a protobuf message: byte ", stream_.CurrentPosition(), " of its ",
                      message_.size(), " is wrong; is this an ONNX file?");
    }

  private:
    enum WireType { varint = 0, fixed64 = 1, length_delimited = 2, fixed32 = 5 };

    static int checked_size(const Source& source, Bytes message, const char* subject) {
        source.check(message.size() <= std::numeric_limits<int>::max(), subject, " has ", message.size(),
                     " bytes, expected less than 2 GB, the most that protobuf can hold");
        return static_cast<int>(message.size());
    }

    const Source& source_;
    const char* subject_;
    Bytes message_;
    google::protobuf::io::CodedInputStream stream_;
    int field_ = 0, type_ = 0;
    std::uint64_t number_ = 0;
    Bytes bytes_;
};

} // namespace carousel::detail::onnx
