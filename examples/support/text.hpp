// Text as numbers: characters are Unicode code points, read from UTF-8, and each has a number in an alphabet.
#pragma once

#include <carousel/core/matrix.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace example {

using carousel::Index;

/// Throws std::runtime_error "name:line: byte 12 (0xff) isn't UTF-8", the bytes counted from 1, at the first that isn't: overlong forms,
/// surrogates and what is past U+10FFFF aren't.
inline std::u32string decode_utf8(std::string_view bytes, const std::string& name) {
    std::u32string text;
    text.reserve(bytes.size());
    for (std::size_t at = 0; at < bytes.size();) {
        const auto byte = [&](std::size_t k) {
            return static_cast<std::uint8_t>(at + k < bytes.size() ? bytes[at + k] : 0);
        };
        static constexpr char32_t smallest[] = {0, 0x80, 0x800, 0x10000}; // with so many bytes after the first
        const std::uint8_t lead = byte(0);
        const std::size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        bool valid = lead < 0x80 || (lead >= 0xc0 && lead < 0xf8);
        char32_t code = more == 0 ? lead : lead & (0x3fU >> more);
        for (std::size_t k = 1; k <= more; ++k) {
            valid = valid && (byte(k) & 0xc0U) == 0x80;
            code = code << 6U | (byte(k) & 0x3fU);
        }
        if (!valid || code < smallest[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
            char hex[8];
            std::snprintf(hex, sizeof hex, "0x%02x", static_cast<unsigned>(lead));
            const auto line = 1 + std::count(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at), '\n');
            throw std::runtime_error(name + ":" + std::to_string(line) + ": byte " + std::to_string(at + 1) + " (" +
                                     hex + ") isn't UTF-8");
        }
        text += code;
        at += more + 1;
    }
    return text;
}

inline std::string encode_utf8(std::u32string_view text) {
    std::string bytes;
    const auto put = [&](char32_t lead, char32_t code, unsigned shift) { // the last bytes, six bits each
        bytes += static_cast<char>(lead | code >> shift);
        for (; shift > 0; shift -= 6)
            bytes += static_cast<char>(0x80 | (code >> (shift - 6) & 0x3f));
    };
    for (const char32_t code : text)
        if (code < 0x80)
            put(0, code, 0);
        else if (code < 0x800)
            put(0xc0, code, 6);
        else if (code < 0x10000)
            put(0xe0, code, 12);
        else
            put(0xf0, code, 18);
    return bytes;
}

/// A file's text, without a byte order mark. Throws std::runtime_error if it can't be opened, is empty or isn't UTF-8.
inline std::u32string read_text(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (std::filesystem::is_directory(path) || !file)
        throw std::runtime_error(path.string() + ": can't be opened");
    std::u32string text = decode_utf8(std::string{std::istreambuf_iterator<char>(file), {}}, path.string());
    if (text.starts_with(U'\ufeff'))
        text.erase(0, 1);
    if (text.empty())
        throw std::runtime_error(path.string() + ": is empty");
    return text;
}

/// The characters a model knows, numbered 0, 1, … in the order of their code points.
class Alphabet {
  public:
    /// Those that occur in `text`.
    explicit Alphabet(std::u32string text) : characters_(std::move(text)) {
        std::sort(characters_.begin(), characters_.end());
        characters_.erase(std::unique(characters_.begin(), characters_.end()), characters_.end());
    }

    Index size() const { return static_cast<Index>(characters_.size()); }
    /// All of them, from which the same alphabet can be made again.
    const std::u32string& characters() const { return characters_; }
    char32_t operator[](Index number) const { return characters_[static_cast<std::size_t>(number)]; }

    /// The number of each character. Throws std::runtime_error "name: 'é' isn't among the 65 characters of the
    /// alphabet".
    std::vector<Index> numbers(std::u32string_view text, const std::string& name) const {
        std::vector<Index> numbers;
        numbers.reserve(text.size());
        for (const char32_t c : text) {
            const auto found = std::lower_bound(characters_.begin(), characters_.end(), c);
            if (found == characters_.end() || *found != c)
                throw std::runtime_error(name + ": '" + encode_utf8({&c, 1}) + "' isn't among the " +
                                         std::to_string(size()) + " characters of the alphabet");
            numbers.push_back(found - characters_.begin());
        }
        return numbers;
    }

  private:
    std::u32string characters_;
};

} // namespace example
