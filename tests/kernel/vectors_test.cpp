#include "carousel/core/random.hpp"
#include "carousel/kernel/update.hpp"
#include "carousel/kernel/vectors.hpp"

#include "catch.hpp"

#include <cmath>
#include <limits>
#include <vector>

using namespace carousel;

namespace {

template <class S>
std::vector<S> numbers(Index count, std::uint64_t seed) {
    Random random(seed);
    std::vector<S> list(static_cast<std::size_t>(count));
    for (S& number : list)
        number = static_cast<S>(random.normal());
    return list;
}

/// f(size) for sizes with every number of lanes, and rest of a lane, that the loops tell apart.
template <class F>
void each_size(F&& f) {
    for (Index size = 0; size < 70; ++size)
        f(size);
    f(Index(300));
}

} // namespace

TEMPLATE_TEST_CASE("vectors: norms and differences of any size are those of plain sums", "", float, double) {
    using S = TestType;
    const auto& vectors = kernel::vector_functions<S>();
    each_size([&](Index size) {
        const auto a = numbers<S>(size, 1), b = numbers<S>(size, 2);
        double norm = 0, difference = 0;
        for (std::size_t k = 0; k < a.size(); ++k) {
            norm += std::pow(static_cast<double>(a[k]), 2);
            difference += std::pow(static_cast<double>(a[k] - b[k]), 2);
        }
        CHECK(vectors.squared_norm(a.data(), size) == Approx(norm).epsilon(1e-14));
        CHECK(vectors.squared_difference(a.data(), b.data(), size) ==
              Approx(difference).epsilon(std::is_same_v<S, float> ? 1e-6 : 1e-14));
    });
}

TEMPLATE_TEST_CASE("vectors: what is scaled, clipped or subtracted is each number, and none behind the last", "", float,
                   double) {
    using S = TestType;
    const auto& vectors = kernel::vector_functions<S>();
    each_size([&](Index size) {
        const auto a = numbers<S>(size + 1, 1), b = numbers<S>(size + 1, 2);
        auto scaled = a, clipped = a, difference = a;
        vectors.scale(S(0.25), scaled.data(), size);
        vectors.clip(S(0.5), clipped.data(), size);
        vectors.scaled_difference(S(2), a.data(), b.data(), difference.data(), size);
        for (std::size_t k = 0; k < a.size(); ++k) {
            const bool inside = static_cast<Index>(k) < size;
            CHECK(scaled[k] == (inside ? a[k] / 4 : a[k]));
            CHECK(clipped[k] == (inside ? std::min(std::max(a[k], S(-0.5)), S(0.5)) : a[k]));
            CHECK(difference[k] == (inside ? 2 * (a[k] - b[k]) : a[k]));
        }
    });
}

TEMPLATE_TEST_CASE("vectors: a NaN stays one when it is clipped", "", float, double) {
    using S = TestType;
    std::vector<S> x(40, std::numeric_limits<S>::quiet_NaN());
    kernel::vector_functions<S>().clip(S(1), x.data(), 40);
    for (const S number : x)
        CHECK(std::isnan(number));
}

TEMPLATE_TEST_CASE("update: a number is changed alike wherever it stands among others", "", float, double) {
    using S = TestType;
    const auto& functions = kernel::optimizer_functions<S>();
    const kernel::AdamStep<S> adam{S(0.9), S(0.1), S(0.999), S(0.001), S(0.01), S(1e-8), S(0.1), S(0.99)};
    const kernel::SgdStep<S> sgd{S(0.9), S(1), S(0.1), S(0.1), true};
    const kernel::RmspropStep<S> rmsprop{S(0.9), S(0.1), S(0), S(1e-7), S(0.5), S(1), S(0.01), S(0.1)};
    using Vectors = std::vector<std::vector<S>>; // w, g and moments
    const auto check = [&](const auto& step) {
        each_size([&](Index size) {
            Vectors whole;
            for (std::uint64_t k = 0; k < 5; ++k)
                whole.push_back(numbers<S>(size + 1, k));
            for (S& number : whole[2]) // a mean of squares, above the squared mean
                number = number * number + 10;
            const Vectors before = whole;
            step(whole, 0, size);
            Vectors single = before;
            for (Index k = 0; k < size; ++k)
                step(single, k, 1);
            CHECK(whole == single);
            for (std::size_t k = 0; k < whole.size(); ++k)
                CHECK(whole[k].back() == before[k].back());
            if (size > 0)
                CHECK(whole[0] != before[0]);
        });
    };
    check([&](Vectors& v, Index k, Index size) {
        functions.adam(adam, &v[0][0] + k, &v[1][0] + k, &v[3][0] + k, &v[2][0] + k, nullptr, size);
    });
    check([&](Vectors& v, Index k, Index size) { // AMSGrad
        functions.adam(adam, &v[0][0] + k, &v[1][0] + k, &v[3][0] + k, &v[2][0] + k, &v[4][0] + k, size);
    });
    check([&](Vectors& v, Index k, Index size) { functions.sgd(sgd, &v[0][0] + k, &v[1][0] + k, &v[2][0] + k, size); });
    check([&](Vectors& v, Index k, Index size) { functions.sgd(sgd, &v[0][0] + k, &v[1][0] + k, nullptr, size); });
    check([&](Vectors& v, Index k, Index size) {
        functions.rmsprop(rmsprop, &v[0][0] + k, &v[1][0] + k, &v[2][0] + k, &v[3][0] + k, &v[4][0] + k, size);
    });
    check([&](Vectors& v, Index k, Index size) {
        functions.rmsprop(rmsprop, &v[0][0] + k, &v[1][0] + k, &v[2][0] + k, nullptr, nullptr, size);
    });
}
