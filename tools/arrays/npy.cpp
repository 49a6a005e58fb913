// NumPy's .npy files: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include "array.hpp"

#include "carousel/core/shown_text.hpp"
#include "carousel/io/byte_source.hpp"
#include "carousel/io/half.hpp"
#include "carousel/io/replace_file.hpp"
#include "message.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

namespace tool {

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t most_dimensions = 32; // NumPy's own limit before version 2

/// The header, a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 10), }.
class Header {
  public:
    Header(const carousel::detail::Input& input, std::string_view text) : input_(input), rest_(text) {
        expect("{");
        while (!accept("}")) {
            const std::string_view key = quoted();
            expect(":");
            if (key == "descr" && once(0))
                read_type(quoted());
            else if (key == "fortran_order" && once(1)) {
                fortran = accept("True");
                if (!fortran)
                    expect("False");
            } else if (key == "shape" && once(2))
                read_shape();
            else
                fail("\"", carousel::detail::shown(key), "\" is unknown or there twice");
            if (!accept(",")) {
                expect("}");
                break;
            }
        }
        skip();
        if (!rest_.empty())
            fail("something stands after its end");
        if (seen_ != 7)
            fail("it must have 'descr', 'fortran_order' and 'shape'");
    }

    char kind = 0; ///< f, i, u or b, as NumPy calls them
    std::size_t size = 0;
    bool big_endian = false, fortran = false;
    std::vector<Index> shape;

  private:
    template <class... Parts>
    [[noreturn]] void fail(const Parts&... parts) const {
        input_.check(false, "the header of the .npy file isn't as NumPy writes it: ", parts...);
        std::abort();
    }
    void skip() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }
    bool accept(std::string_view token) {
        skip();
        if (!rest_.starts_with(token))
            return false;
        rest_.remove_prefix(token.size());
        return true;
    }
    void expect(std::string_view token) {
        if (!accept(token))
            fail("\"", carousel::detail::shown(rest_.substr(0, 20)), "\" where ", token, " was expected");
    }
    std::string_view quoted() {
        expect("'");
        const std::size_t end = rest_.find('\'');
        if (end == rest_.npos)
            fail("a ' is missing");
        const std::string_view text = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return text;
    }
    bool once(int bit) {
        const bool first = (seen_ >> bit & 1) == 0;
        seen_ |= 1 << bit;
        return first;
    }
    void read_type(std::string_view type) {
        constexpr std::string_view known[] = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"};
        const bool is_known = type.size() == 3 && std::string_view("<>|=").find(type[0]) != std::string_view::npos &&
                              std::find(std::begin(known), std::end(known), type.substr(1)) != std::end(known);
        input_.check(is_known, "the array is of type '", carousel::detail::shown(type),
                     "', expected floats or whole numbers: '<f4', '<f8', '<i8' …");
        kind = type[1];
        size = static_cast<std::size_t>(type[2] - '0');
        big_endian = type[0] == '>' || (type[0] == '=' && std::endian::native == std::endian::big);
    }
    void read_shape() {
        expect("(");
        while (!accept(")")) {
            skip();
            Index n = -1;
            const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), n);
            if (error != std::errc() || n < 0)
                fail("\"", carousel::detail::shown(rest_.substr(0, 24)), "\" is no size");
            rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
            shape.push_back(n);
            if (shape.size() > most_dimensions)
                fail("there are more than ", most_dimensions, " dimensions");
            if (!accept(",")) {
                expect(")");
                break;
            }
        }
    }

    const carousel::detail::Input& input_;
    std::string_view rest_;
    int seen_ = 0;
};

template <class Number>
float number(std::span<const std::byte> bytes) {
    Number value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return static_cast<float>(value);
}

/// One number, whose bytes are in this machine's order.
float number_of(char kind, std::span<const std::byte> bytes) {
    switch (kind) {
    case 'f':
        if (bytes.size() == 2) {
            std::uint16_t half = 0;
            std::memcpy(&half, bytes.data(), sizeof half);
            return carousel::detail::from_half(half);
        }
        return bytes.size() == 4 ? number<float>(bytes) : number<double>(bytes);
    case 'i':
        return bytes.size() == 1   ? number<std::int8_t>(bytes)
               : bytes.size() == 2 ? number<std::int16_t>(bytes)
               : bytes.size() == 4 ? number<std::int32_t>(bytes)
                                   : number<std::int64_t>(bytes);
    default: // u and b
        return bytes.size() == 1   ? number<std::uint8_t>(bytes)
               : bytes.size() == 2 ? number<std::uint16_t>(bytes)
               : bytes.size() == 4 ? number<std::uint32_t>(bytes)
                                   : number<std::uint64_t>(bytes);
    }
}

/// From Fortran's order, the first index the fastest, to C's.
std::vector<float> in_c_order(const std::vector<float>& numbers, const std::vector<Index>& shape) {
    std::vector<std::size_t> step(shape.size(), 1), at(shape.size(), 0);
    for (std::size_t d = shape.size(); d-- > 1;)
        step[d - 1] = step[d] * static_cast<std::size_t>(shape[d]);
    std::vector<float> result(numbers.size());
    std::size_t to = 0;
    for (const float value : numbers) {
        result[to] = value;
        for (std::size_t d = 0; d < shape.size(); ++d) {
            to += step[d];
            if (++at[d] < static_cast<std::size_t>(shape[d]))
                break;
            to -= at[d] * step[d];
            at[d] = 0;
        }
    }
    return result;
}

} // namespace

Array read_npy(const std::filesystem::path& path) {
    carousel::detail::Input input("read_npy", path);
    constexpr std::size_t fixed = 10; // the magic number, the version and the header's length in two bytes
    std::byte start[fixed + 2]{};
    input.check(input.size() >= fixed, "has ", input.size(), " bytes, too few for a .npy file");
    input.read(0,
               std::span(start).first(static_cast<std::size_t>(std::min<std::uint64_t>(sizeof start, input.size()))));
    const auto byte = [&](std::size_t k) { return std::to_integer<std::uint64_t>(start[k]); };
    input.check(std::memcmp(start, magic.data(), magic.size()) == 0,
                "is no .npy file: it doesn't begin with \\x93NUMPY");
    const std::uint64_t version = byte(6);
    input.check(version >= 1 && version <= 3, "is a .npy file of version ", version, ", expected 1, 2 or 3");
    const bool wide = version > 1;
    const std::uint64_t begin = fixed + (wide ? 2 : 0);
    const std::uint64_t length = byte(8) | byte(9) << 8 | (wide ? byte(10) << 16 | byte(11) << 24 : std::uint64_t(0));
    input.check(begin <= input.size() && length <= input.size() - begin, "the header is said to have ", length,
                " bytes, the file is shorter");
    std::string text(static_cast<std::size_t>(length), '\0');
    input.read(begin, std::as_writable_bytes(std::span(text)));
    const Header header(input, text);

    const std::uint64_t bytes = input.size() - begin - length, most = bytes / header.size;
    std::uint64_t count = 1;
    for (const Index n : header.shape) {
        input.check(n > 0, "the array's shape is ", shape_text(header.shape), ", it has no numbers");
        input.check(static_cast<std::uint64_t>(n) <= most / count, "the array's shape is ", shape_text(header.shape),
                    ", the file has only ", bytes, " bytes of numbers");
        count *= static_cast<std::uint64_t>(n);
    }
    input.check(count * header.size == bytes, "the array's shape is ", shape_text(header.shape), ", ", count,
                " numbers of ", header.size, " bytes, but the file has ", bytes, " bytes of numbers");

    Array array{header.shape, std::vector<float>(static_cast<std::size_t>(count)), 0};
    const bool turn = header.big_endian != (std::endian::native == std::endian::big) && header.size > 1;
    std::vector<std::byte> block(header.size * std::min<std::size_t>(array.numbers.size(), std::size_t(1) << 16));
    std::uint64_t from = begin + length;
    for (std::size_t k = 0; k < array.numbers.size();) {
        const std::span<std::byte> part(block.data(), std::min(block.size(), (array.numbers.size() - k) * header.size));
        input.read(from, part);
        from += part.size();
        for (std::size_t at = 0; at < part.size(); at += header.size, ++k) {
            const auto one = part.subspan(at, header.size);
            if (turn)
                std::reverse(one.begin(), one.end());
            array.numbers[k] = number_of(header.kind, one);
        }
    }
    if (header.fortran && header.shape.size() > 1)
        array.numbers = in_c_order(array.numbers, array.shape);
    return array;
}

void write_npy(const std::filesystem::path& path, const Array& array) {
    std::string text = std::string("{'descr': '") + (std::endian::native == std::endian::big ? ">" : "<") +
                       "f4', 'fortran_order': False, 'shape': " + shape_text(array.shape) + ", }";
    constexpr std::size_t fixed = 10, alignment = 64;
    text.resize((fixed + text.size() + 1 + alignment - 1) / alignment * alignment - fixed - 1, ' ');
    text += '\n';
    std::string head(magic);
    head += {'\x01', '\x00', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
    head += text;
    carousel::replace_file(path, {std::as_bytes(std::span(head)), std::as_bytes(std::span(array.numbers))},
                           "write_npy");
}

} // namespace tool
