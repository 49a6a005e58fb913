#include "carousel/core/leading_number.hpp"

#include "catch.hpp"

#include <limits>

using namespace carousel;

TEST_CASE("leading_number: a decimal number is read and what follows is left", "[core]") {
    const struct {
        const char* text;
        double value;
        std::size_t length;
    } cases[] = {{"0.25, 1", 0.25, 4},
                 {"-3)", -3, 2},
                 {"1e-3x", 1e-3, 4},
                 {"2E+2", 200, 4},
                 {"5e", 5, 1},
                 {"5e+ 1", 5, 1},
                 {"7.", 7, 2},
                 {".5", 0.5, 2},
                 {"1.2.3", 1.2, 3},
                 {"0.1", 0.1, 3},
                 {"1.7976931348623157e308", std::numeric_limits<double>::max(), 22},
                 {"", 0, 0},
                 {"-", 0, 0},
                 {".", 0, 0},
                 {"+1", 0, 0},
                 {" 1", 0, 0},
                 {"e5", 0, 0},
                 {"1e999", 0, 0},
                 {"tanh", 0, 0}};
    for (const auto& one : cases)
        for (const auto& number : {detail::leading_number(one.text), detail::leading_number_by_stream(one.text)}) {
            CAPTURE(one.text);
            CHECK(number.length == one.length);
            CHECK(number.value == one.value);
        }
}
