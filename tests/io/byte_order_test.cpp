#include "carousel/io/byte_order.hpp"

#include "catch.hpp"

#include <array>
#include <cstdint>

using namespace carousel;

TEST_CASE("turn_bytes: of each number, whatever its size") {
    const auto turned = [](std::size_t size) {
        std::array<unsigned char, 8> bytes{1, 2, 3, 4, 5, 6, 7, 8};
        detail::turn_bytes(std::as_writable_bytes(std::span(bytes)), size);
        return bytes;
    };
    using Bytes = std::array<unsigned char, 8>;
    CHECK(turned(1) == Bytes{1, 2, 3, 4, 5, 6, 7, 8});
    CHECK(turned(2) == Bytes{2, 1, 4, 3, 6, 5, 8, 7});
    CHECK(turned(4) == Bytes{4, 3, 2, 1, 8, 7, 6, 5});
    CHECK(turned(8) == Bytes{8, 7, 6, 5, 4, 3, 2, 1});
}

TEST_CASE("turn_to_file_order: the first byte of a file's number is its lowest") {
    std::array<std::uint32_t, 2> numbers{0x04030201, 0x08070605};
    detail::turn_to_file_order(std::span(numbers));
    const auto bytes = std::as_bytes(std::span(numbers));
    for (std::size_t k = 0; k < bytes.size(); ++k)
        CHECK(std::to_integer<std::size_t>(bytes[k]) == k + 1);
    detail::turn_to_file_order(std::span(numbers));
    CHECK(numbers[1] == 0x08070605);
}
