#include "support/text.hpp"

#include "catch.hpp"

#include <random>

using namespace example;

namespace {

/// One a process, as the tests may run side by side.
const std::filesystem::path path =
    std::filesystem::temp_directory_path() / ("carousel_text_test_" + std::to_string(std::random_device{}()) + ".txt");

std::u32string read(const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
    struct Removed {
        ~Removed() { std::filesystem::remove(path); }
    } removed;
    return read_text(path);
}

} // namespace

TEST_CASE("text: UTF-8 is read and written, from one byte to four") {
    const std::u32string text = {0,     U'a',   0x7f,   0x80,   U'é',    0x7ff,   0x800,
                                 U'中', 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff};
    CHECK(encode_utf8(U"aé中😀") == "a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80");
    CHECK(decode_utf8("a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80", "") == U"aé中😀");
    CHECK(decode_utf8(encode_utf8(text), "") == text);
    for (char32_t code = 0; code < 0x110000; code += 37)
        if (code < 0xd800 || code > 0xdfff)
            REQUIRE(decode_utf8(encode_utf8({&code, 1}), "") == std::u32string(1, code));
}

TEST_CASE("text: the first byte that isn't UTF-8 is named") {
    const auto refused = [](const std::string& bytes, const std::string& where) {
        CHECK_THROWS_WITH(decode_utf8(bytes, "f"), "f:" + where + " isn't UTF-8");
    };
    refused("ab\n\nc\xFF", "3: byte 6 (0xff)");
    refused("\x80", "1: byte 1 (0x80)"); // goes on from nothing
    refused("\xC3", "1: byte 1 (0xc3)"); // ends too early
    refused("\xE4\xB8", "1: byte 1 (0xe4)");
    refused("\xF0\x9F\x98", "1: byte 1 (0xf0)");
    refused("\xC3\n", "1: byte 1 (0xc3)"); // doesn't go on
    refused("a\xE4\xB8z", "1: byte 2 (0xe4)");
    refused("\xC1\xBF", "1: byte 1 (0xc1)"); // overlong
    refused("\xE0\x9F\xBF", "1: byte 1 (0xe0)");
    refused("\xF0\x8F\xBF\xBF", "1: byte 1 (0xf0)");
    refused("\xED\xA0\x80", "1: byte 1 (0xed)");     // a surrogate
    refused("\xF4\x90\x80\x80", "1: byte 1 (0xf4)"); // past the last code point
    refused("\xF8\x88\x80\x80\x80", "1: byte 1 (0xf8)");
}

TEST_CASE("text: a file is read without its byte order mark, a missing, empty or binary one refused") {
    CHECK(read("\xEF\xBB\xBFzwei\r\n") == U"zwei\r\n");
    CHECK_THROWS_WITH(read(""), path.string() + ": is empty");
    CHECK_THROWS_WITH(read("\xEF\xBB\xBF"), path.string() + ": is empty");
    CHECK_THROWS_WITH(read("a\n\xB0"), path.string() + ":2: byte 3 (0xb0) isn't UTF-8");
    CHECK_THROWS_WITH(read_text("no such file"), "no such file: can't be opened");
    const auto folder = std::filesystem::temp_directory_path();
    CHECK_THROWS_WITH(read_text(folder), folder.string() + ": can't be opened");
}

TEST_CASE("text: an alphabet numbers the characters of a text, and is made again from its own") {
    const Alphabet alphabet(U"hello wörld");
    CHECK(alphabet.characters() == U" dehlorwö");
    CHECK(alphabet.size() == 9);
    CHECK(alphabet[3] == U'h');
    CHECK(alphabet.numbers(U"old ö", "") == std::vector<Index>{5, 4, 1, 0, 8});
    CHECK(Alphabet(alphabet.characters()).characters() == alphabet.characters());
    CHECK_THROWS_WITH(alphabet.numbers(U"hé", "--prime"), "--prime: 'é' isn't among the 9 characters of the alphabet");
}
