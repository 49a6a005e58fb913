#include "carousel/core/shown_text.hpp"

#include "catch.hpp"

#include <string>

using namespace carousel;

TEST_CASE("shown_text: names of files are shown in ASCII, what isn't printable as a question mark") {
    CHECK(detail::shown("") == "");
    CHECK(detail::shown("lstm.weight ~\n\x7f\x1b") == "lstm.weight ~???");
    CHECK(detail::shown("é") == "??");
    CHECK(detail::shown(std::string(100, 'a')) == std::string(100, 'a'));
    CHECK(detail::shown(std::string(101, 'a')) == std::string(100, 'a') + "...");
}

TEST_CASE("shown_text: fields are shown in UTF-8, of which no character is cut in two") {
    CHECK(detail::shown_field("Grün\t\x7f") == "Grün??");
    CHECK(detail::shown_field(std::string(60, 'a')) == std::string(60, 'a'));
    CHECK(detail::shown_field(std::string(59, 'a') + "é") == std::string(59, 'a') + "…");
    CHECK(detail::shown_field(std::string(57, 'a') + "😀") == std::string(57, 'a') + "…");
    CHECK(detail::shown_field(std::string(58, 'a') + "é") == std::string(58, 'a') + "é");
}

TEST_CASE("shown_text: bytes that are no UTF-8 are cut all the same") {
    const std::string bytes(200, '\x80');
    CHECK(detail::shown(bytes) == std::string(97, '?') + "...");
    CHECK(detail::shown_field(bytes) == std::string(57, '\x80') + "…");
}
