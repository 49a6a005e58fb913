#include "carousel/core/number_text.hpp"

#include "carousel/core/bit_cast.hpp"

#include "catch.hpp"

#include <cstdint>
#include <limits>
#include <random>

using namespace carousel;

TEMPLATE_TEST_CASE("number_text: the shortest text that reads back, with or without std::to_chars", "[core]", float,
                   double) {
    using Limits = std::numeric_limits<TestType>;
    const struct {
        TestType number;
        const char *text, *fixed;
    } cases[] = {{TestType(0), "0", "0"},
                 {-TestType(0), "-0", "-0"},
                 {TestType(0.1), "0.1", "0.1"},
                 {TestType(-2.5), "-2.5", "-2.5"},
                 {TestType(1e-5), "1e-05", "0.00001"},
                 {TestType(0.0001), "1e-04", "0.0001"},
                 {TestType(100000), "1e+05", "100000"},
                 {TestType(123456), "123456", "123456"},
                 {TestType(1.5e30), "1.5e+30", nullptr},
                 {Limits::infinity(), "inf", nullptr},
                 {-Limits::infinity(), "-inf", nullptr},
                 {Limits::quiet_NaN(), "nan", nullptr}};
    for (const auto& one : cases) {
        CHECK(detail::number_text(one.number) == one.text);
        CHECK(detail::number_text_by_stream(one.number, false) == one.text);
        if (one.fixed) {
            CHECK(detail::number_text(one.number, true) == one.fixed);
            CHECK(detail::number_text_by_stream(one.number, true) == one.fixed);
        }
    }
    if constexpr (detail::HasToChars<TestType>) {
        using Bits = std::conditional_t<sizeof(TestType) == 4, std::uint32_t, std::uint64_t>;
        std::mt19937_64 random(1);
        for (int k = 0; k < 300; ++k) {
            const auto number = detail::bit_cast<TestType>(static_cast<Bits>(random()));
            if (number == number) // the sign of NaN is no matter
                CHECK(detail::number_text_by_stream(number, false) == detail::number_text(number));
        }
        for (const TestType number : {Limits::max(), Limits::min(), Limits::denorm_min(), Limits::epsilon()})
            CHECK(detail::number_text_by_stream(number, false) == detail::number_text(number));
    }
}
