#include "carousel/simd/elementary.hpp"

#include "catch.hpp"

#include "carousel/core/random.hpp"

#include <cmath>
#include <limits>
#include <string>

using namespace carousel;
using namespace carousel::simd;

namespace {

template <class S>
constexpr S infinity = std::numeric_limits<S>::infinity();
template <class S>
constexpr S not_a_number = std::numeric_limits<S>::quiet_NaN();

/// How far y is from `exact`, in units of the last place that a S next to `exact` has.
template <class S>
double ulps(S y, long double exact) {
    const S nearest = static_cast<S>(exact);
    const S spacing = std::nextafter(std::abs(nearest), infinity<S>) - std::abs(nearest);
    return static_cast<double>(std::abs(static_cast<long double>(y) - exact) / static_cast<long double>(spacing));
}

/// The largest error of f over numbers of both signs: all sizes from the smallest normal to `limit`, those within a few
/// units, and those next to `limit`.
template <class S, class F, class Exact>
double worst(S limit, F f, Exact exact) {
    using V = Lane<S>;
    Random random(3);
    const double smallest = std::log(static_cast<double>(std::numeric_limits<S>::min()));
    double error = 0;
    for (int k = 0; k < 200'000; k += static_cast<int>(lanes<S>)) {
        V x;
        for (Index l = 0; l < lanes<S>; ++l) {
            const double size = k % 3 == 0   ? std::exp(random.uniform(smallest, std::log(static_cast<double>(limit))))
                                : k % 3 == 1 ? random.uniform(0, 10)
                                             : random.uniform(0, static_cast<double>(limit));
            x[l] = std::min(limit, static_cast<S>(size)) * (random.uniform() < 0.5 ? S(-1) : S(1));
        }
        if (k == 0)
            x[0] = S(0);
        if (k == 0 && lanes < S >> 1)
            x[1] = -S(0);
        const V y = f(x);
        for (Index l = 0; l < lanes<S>; ++l)
            error = std::max(error, ulps<S>(y[l], exact(static_cast<long double>(x[l]))));
    }
    return error;
}

template <class S>
constexpr S largest = simd::detail::exp_constants<S>::largest;

/// The most by which f falls from a number to the next greater one, relative to f, in runs of neighbours between `low` and
/// `high`.
template <class S, class F>
double deepest_fall(S low, S high, F f) {
    using V = Lane<S>;
    Random random(4);
    double deepest = 0;
    for (int run = 0; run < 300; ++run) {
        S x = static_cast<S>(random.uniform(static_cast<double>(low), static_cast<double>(high)));
        S last = f(splat<V>(x))[0];
        for (int k = 0; k < 1000; k += static_cast<int>(lanes<S>)) {
            V neighbours;
            for (Index l = 0; l < lanes<S>; ++l)
                neighbours[l] = x = std::nextafter(x, infinity<S>);
            const V y = f(neighbours);
            for (Index l = 0; l < lanes<S>; ++l) {
                deepest = std::max(deepest, static_cast<double>((last - y[l]) / std::abs(last)));
                last = y[l];
            }
        }
    }
    return deepest;
}

} // namespace

TEMPLATE_TEST_CASE("exp, sigmoid, tanh, times_tanh: at most 4 units in the last place off", "", float, double) {
    using S = TestType;
    const auto one = static_cast<long double>(1);
    CHECK(worst<S>(
              largest<S>, [](auto x) { return simd::exp(x); }, [](long double x) { return std::exp(x); }) <= 4);
    CHECK(worst<S>(
              largest<S>, [](auto x) { return simd::sigmoid(x); },
              [&](long double x) { return one / (one + std::exp(-x)); }) <= 4);
    CHECK(worst<S>(
              S(1e6), [](auto x) { return simd::tanh(x); }, [](long double x) { return std::tanh(x); }) <= 4);
    for (const S y : {S(1), S(0.7)})
        CHECK(worst<S>(
                  S(1e6), [&](auto x) { return simd::times_tanh(splat<decltype(x)>(y), x); },
                  [&](long double x) { return static_cast<long double>(y) * std::tanh(x); }) <= 4);
}

TEST_CASE("exp, expm1, sigmoid: never fall from a float to the next greater one, and tanh by a unit in the last place "
          "at most") {
    const auto fall = [](auto f) { return std::max(deepest_fall(-10.0F, 10.0F, f), deepest_fall(-0.01F, 0.01F, f)); };
    CHECK(fall([](auto x) { return simd::exp(x); }) <= 0);
    CHECK(fall([](auto x) { return simd::expm1(x); }) <= 0);
    CHECK(fall([](auto x) { return simd::sigmoid(x); }) <= 0);
    CHECK(fall([](auto x) { return simd::tanh(x); }) <= 0x1p-23);
}

TEST_CASE("times_tanh: falls by two units in the last place at most, and stays within the factor") {
    const auto tanh = [](auto x) { return simd::times_tanh(splat<decltype(x)>(1), x); };
    CHECK(std::max(deepest_fall(-10.0F, 10.0F, tanh), deepest_fall(-0.01F, 0.01F, tanh)) <= 0x1p-22);
    for (float x = 5; x < 12; x = std::nextafter(x * 1.0001F, infinity<float>)) {
        CHECK(tanh(splat<Lane<float>>(x))[0] <= 1);
        CHECK(tanh(splat<Lane<float>>(-x))[0] >= -1);
    }
}

TEMPLATE_TEST_CASE("sqrt: the standard library's, to the last bit, of every number and of a narrower lane", "", float,
                   double) {
    using S = TestType;
    using V = Lane<S>;
    using Narrow = Vec<S, 16>;
    Random random(6);
    for (int run = 0; run < 3000; ++run) {
        V x{};
        for (Index l = 0; l < lanes<S>; ++l)
            x[l] = static_cast<S>(std::exp(random.uniform(-80, 80)));
        const V y = simd::sqrt(x);
        for (Index l = 0; l < lanes<S>; ++l)
            CHECK(y[l] == std::sqrt(x[l]));
        CHECK(simd::sqrt(splat<Narrow>(x[0]))[0] == std::sqrt(x[0]));
        CHECK(simd::sqrt(x[0]) == std::sqrt(x[0]));
    }
    CHECK(simd::sqrt(splat<V>(0))[0] == 0);
    CHECK(simd::sqrt(splat<V>(infinity<S>))[0] == infinity<S>);
    CHECK(std::isnan(simd::sqrt(splat<V>(S(-1)))[0]));
}

TEMPLATE_TEST_CASE("sigmoid, tanh: infinities saturate", "", float, double) {
    using S = TestType;
    using V = Lane<S>;
    const S tiny = 2 * std::numeric_limits<S>::min();
    for (const S x : {infinity<S>, std::numeric_limits<S>::max(), S(1e4)}) {
        CHECK(simd::sigmoid(splat<V>(x))[0] == 1);
        CHECK(simd::sigmoid(splat<V>(-x))[0] >= 0);
        CHECK(simd::sigmoid(splat<V>(-x))[0] < tiny);
        CHECK(simd::tanh(splat<V>(x))[0] == 1);
        CHECK(simd::tanh(splat<V>(-x))[0] == -1);
        CHECK(simd::exp(splat<V>(x))[0] > 1 / tiny / 4);
        CHECK(simd::exp(splat<V>(-x))[0] >= 0);
        CHECK(simd::exp(splat<V>(-x))[0] < tiny);
    }
}

TEMPLATE_TEST_CASE("exp, sigmoid, tanh: NaN stays NaN, in its own place", "", float, double) {
    using S = TestType;
    auto x = splat<Lane<S>>(S(0.5));
    x[lanes<S> - 1] = not_a_number<S>;
    const auto check = [](auto y) {
        CHECK(std::isnan(y[lanes<S> - 1]));
        for (Index l = 0; l + 1 < lanes<S>; ++l)
            CHECK(std::isfinite(y[l]));
    };
    check(simd::exp(x));
    check(simd::sigmoid(x));
    check(simd::tanh(x));
}

TEMPLATE_TEST_CASE("exp, sigmoid, tanh: on a plain number they are the standard library's", "", float, double) {
    using S = TestType;
    for (const S x : {S(-3), S(0), S(0.25), S(20)}) {
        CHECK(simd::exp(x) == std::exp(x));
        CHECK(simd::sigmoid(x) == S(1) / (S(1) + std::exp(-x)));
        CHECK(simd::tanh(x) == std::tanh(x));
    }
}

TEMPLATE_TEST_CASE("load, store: of a part of a lane, the rest is zero and is left alone", "", float, double) {
    using S = TestType;
    using V = Lane<S>;
    Vector<S> from(2 * lanes<S>), to(2 * lanes<S>);
    from.setLinSpaced(S(1), S(2 * lanes<S>));
    for (Index count = 0; count <= lanes<S>; ++count) {
        const V v = load<V>(from.data(), count);
        to.setConstant(-1);
        store<V>(to.data(), v + S(1), count);
        for (Index k = 0; k < 2 * lanes<S>; ++k) {
            if (k < lanes<S>)
                CHECK(v[k] == (k < count ? from(k) : S(0)));
            CHECK(to(k) == (k < count ? from(k) + 1 : S(-1)));
        }
    }
}

TEMPLATE_TEST_CASE("map_lanes: every number, and none past the end", "", float, double) {
    using S = TestType;
    for (Index size = 0; size <= 3 * lanes<S> + 1; ++size) {
        Vector<S> a = Vector<S>::LinSpaced(size + 1, S(1), S(size + 1)), b = Vector<S>::Constant(size + 1, 10), sum = b;
        map_lanes(
            sum.data(), size, [](auto x, auto y) { return x + y; }, a.data(), b.data());
        map_lanes(
            b.data(), size, [](auto x) { return -x; }, b.data());
        CHECK((sum.head(size).array() == a.head(size).array() + S(10)).all());
        CHECK((b.head(size).array() == S(-10)).all());
        CHECK((sum(size) == 10 && b(size) == 10));
    }
}
