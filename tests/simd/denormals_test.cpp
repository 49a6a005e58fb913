#include "carousel/simd/denormals.hpp"

#include "catch.hpp"

#include <cmath>
#include <limits>
#include <thread>

using namespace carousel;

namespace {

/// Whether arithmetic of this thread makes zero of denormal operands and of denormal results.
template <class S>
bool denormals_are_zero() {
    volatile S denormal = std::numeric_limits<S>::denorm_min(), smallest = std::numeric_limits<S>::min();
    const volatile S from_operand = denormal * S(4), result = smallest * S(0.5);
    const bool operand = std::fpclassify(from_operand) == FP_ZERO, of_result = std::fpclassify(result) == FP_ZERO;
    CHECK(operand == of_result);
    return operand;
}

} // namespace

TEMPLATE_TEST_CASE("DenormalsAreZero: holds while it lives, and one inside another changes nothing", "", float,
                   double) {
    REQUIRE_FALSE(denormals_are_zero<TestType>());
    {
        const DenormalsAreZero guard;
        CHECK(denormals_are_zero<TestType>() == DenormalsAreZero::supported);
        {
            const DenormalsAreZero inner;
            CHECK(denormals_are_zero<TestType>() == DenormalsAreZero::supported);
        }
        CHECK(denormals_are_zero<TestType>() == DenormalsAreZero::supported);
        volatile TestType one = 1;
        CHECK(one / 3 * 3 == 1); // rounding is as before
    }
    CHECK_FALSE(denormals_are_zero<TestType>());
}

#ifndef __EMSCRIPTEN__ // whose programs start no threads

TEST_CASE("DenormalsAreZero: holds in the threads that are started while it lives, and in no older one") {
    bool inside = false, outside = true;
    {
        const DenormalsAreZero guard;
        std::thread([&] { inside = denormals_are_zero<float>(); }).join();
    }
    std::thread([&] { outside = denormals_are_zero<float>(); }).join();
#    ifdef _WIN32
    CHECK_FALSE(inside); // a thread begins with the system's setting
#    else
    CHECK(inside == DenormalsAreZero::supported);
#    endif
    CHECK_FALSE(outside);
}

#endif
