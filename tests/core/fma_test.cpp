#include "carousel/core/fma.hpp"

#include "catch.hpp"

#include <cmath>
#include <random>

using namespace carousel;

TEST_CASE("fma: by parts it is the library's to the last bit", "[core]") {
    CHECK(detail::fma(0x1.0000000000001p0, 0x1.0000000000001p0, -1.0) == 0x1.00000000000008p-51);
#ifndef __FP_FAST_FMA // otherwise it is for other processors
    CHECK(detail::fma_by_parts(0x1.0000000000001p0, 0x1.0000000000001p0, -1.0) == 0x1.00000000000008p-51);
    CHECK(detail::fma_by_parts(3, 4, -12) == 0);
    CHECK(detail::fma_by_parts(0, 4, 0.1) == 0.1);
    std::mt19937_64 random(1);
    int wrong = 0;
    for (int k = 0; k < 20000; ++k) {
        const auto number = [&](int exponents) {
            const double mantissa = static_cast<double>(random()) * 0x1p-63 - 1;
            return std::ldexp(mantissa, static_cast<int>(random() % static_cast<unsigned>(exponents)) - exponents / 2);
        };
        const double x = number(30), y = number(30), z = k % 2 ? number(120) : -x * y * (1 + number(100));
        wrong += std::fma(x, y, z) != detail::fma_by_parts(x, y, z);
    }
#    ifndef __MINGW32__ // whose std::fma isn't right
    CHECK(wrong == 0);
#    endif
#endif
}
