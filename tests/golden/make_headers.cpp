// Makes tests/golden/headers/*.hpp, from the repository's root:
//
//     g++ -std=c++20 -Iinclude -isystem /usr/include/eigen3 -Itests tests/golden/make_headers.cpp -o make_headers && ./make_headers
#include "carousel/io/header.hpp"

#include "golden/header_models.hpp"

int main() {
    using namespace carousel;
    save_header("tests/golden/headers/amplifier.hpp", test::amplifier(), {.name = "amplifier"});
    save_header("tests/golden/headers/effect.hpp", test::effect(), {.name = "effect"});
    save_header("tests/golden/headers/reader.hpp", test::reader(), {.name = "reader"});
}
