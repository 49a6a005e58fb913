#include "carousel/simd/fast_elementary.hpp"

#include "catch.hpp"

#include <cmath>
#include <limits>

using namespace carousel;
using namespace carousel::simd;

namespace {

/// What a dense walk over both signs finds of a function: every 1/4096 up to 16, and every power of √2.
struct Walk {
    double error = 0, slope_error = 0, highest = 0, lowest = 0, asymmetry = 0, fall = 0;
};

/// `mirror` is f(x) + f(−x).
template <class V, class F, class Slope, class Exact>
Walk walk(F f, Slope slope, Exact exact, double mirror) {
    using S = scalar_of<V>;
    const auto first = [](V v) {
        if constexpr (std::is_arithmetic_v<V>)
            return v;
        else
            return v[size_of<V> - 1];
    };
    Walk found;
    double last = -2;
    const auto visit = [&](double number) {
        const S x = static_cast<S>(number);
        const double at = static_cast<double>(x), y = static_cast<double>(first(f(splat<V>(x)))),
                     opposite = static_cast<double>(first(f(splat<V>(-x))));
        found.error = std::max(found.error, std::abs(y - exact(at)));
        found.error = std::max(found.error, std::abs(opposite - exact(-at)));
        found.highest = std::max(found.highest, std::max(y, opposite));
        found.lowest = std::min(found.lowest, std::min(y, opposite));
        found.asymmetry = std::max(found.asymmetry, std::abs(y + opposite - mirror));
        found.fall = std::max(found.fall, last - y);
        last = y;
        const double step = 1e-6, exact_slope = (exact(at + step) - exact(at - step)) / (2 * step);
        found.slope_error =
            std::max(found.slope_error, std::abs(static_cast<double>(first(slope(splat<V>(x)))) - exact_slope));
    };
    for (int k = 0; k <= 16 * 4096; ++k)
        visit(k / 4096.0);
    last = -2;
    for (double x = static_cast<double>(std::numeric_limits<S>::min()); x < 1e30; x *= 1.4142)
        visit(x);
    return found;
}

template <class V>
void check_functions() {
    using S = scalar_of<V>;
    constexpr bool floats = std::is_same_v<S, float>;
    const Walk tanh = walk<V>([](V x) { return fast_tanh(x); }, [](V x) { return fast_tanh_slope(x); },
                              [](double x) { return std::tanh(x); }, 0);
    CHECK(tanh.error < 2e-6);
    CHECK(tanh.slope_error < 1.5e-5);
    CHECK(tanh.highest == 1);
    CHECK(tanh.lowest == -1);
    CHECK(tanh.asymmetry == 0);
    CHECK(tanh.fall < (floats ? 4e-7 : 1e-15)); // rounding alone

    const Walk sigmoid = walk<V>([](V x) { return fast_sigmoid(x); }, [](V x) { return fast_sigmoid_slope(x); },
                                 [](double x) { return 1 / (1 + std::exp(-x)); }, 1);
    CHECK(sigmoid.error < 2e-6);
    CHECK(sigmoid.slope_error < 1.5e-5);
    CHECK(sigmoid.highest == 1);
    CHECK(sigmoid.lowest == 0);
    CHECK(sigmoid.asymmetry < (floats ? 1.2e-7 : 2.3e-16));
    CHECK(sigmoid.fall < (floats ? 4e-7 : 1e-15));

    V x{};
    constexpr S infinity = std::numeric_limits<S>::infinity(), nan = std::numeric_limits<S>::quiet_NaN();
    const auto at = [&](auto f, S number) {
        if constexpr (std::is_arithmetic_v<V>)
            return f(x + number);
        else {
            x[0] = number;
            return f(x)[0];
        }
    };
    const auto tanh_of = [](V v) { return fast_tanh(v); };
    const auto sigmoid_of = [](V v) { return fast_sigmoid(v); };
    CHECK(at(tanh_of, infinity) == 1);
    CHECK(at(tanh_of, -infinity) == -1);
    CHECK(at(sigmoid_of, infinity) == 1);
    CHECK(at(sigmoid_of, -infinity) == 0);
    CHECK(std::isnan(at(tanh_of, nan)));
    CHECK(std::isnan(at(sigmoid_of, nan)));
    const auto tanh_slope_of = [](V v) { return fast_tanh_slope(v); };
    const auto sigmoid_slope_of = [](V v) { return fast_sigmoid_slope(v); };
    CHECK(std::isnan(at(tanh_slope_of, nan)));
    CHECK(std::isnan(at(sigmoid_slope_of, nan)));
    for (const S number : {infinity, -infinity}) {
        CHECK(at(tanh_slope_of, number) == 0);
        CHECK(at(sigmoid_slope_of, number) == 0);
    }
}

} // namespace

TEMPLATE_TEST_CASE(
    "fast_sigmoid, fast_tanh: within 2e-6, within their range, odd, rising; infinities give the limits and NaN "
    "gives NaN",
    "", float, double) {
    check_functions<Lane<TestType>>();
    check_functions<Vec<TestType, 16>>();
    check_functions<TestType>();
}
