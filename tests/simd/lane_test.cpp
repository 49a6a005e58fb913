// A lane of units: what isn't arithmetic.
#include "carousel/simd/lane.hpp"

#include "catch.hpp"

using namespace carousel;
using namespace carousel::simd;

TEMPLATE_TEST_CASE("transpose: rows become columns", "", float, double) {
    using V = Lane<TestType>;
    constexpr int L = size_of<V>;
    V square[L];
    for (int i = 0; i < L; ++i)
        for (int j = 0; j < L; ++j)
            square[i][j] = static_cast<TestType>(100 * i + j);
    transpose(square);
    for (int i = 0; i < L; ++i)
        for (int j = 0; j < L; ++j)
            CHECK(square[i][j] == static_cast<TestType>(100 * j + i));
}

namespace {

template <int n, class V>
void check_sums_of() {
    V v[n];
    for (int i = 0; i < n; ++i)
        for (int k = 0; k < size_of<V>; ++k)
            v[i][k] = static_cast<scalar_of<V>>(i * i + k);
    const V sums = sums_of(v);
    constexpr int L = size_of<V>;
    for (int k = 0; k < L; ++k)
        CHECK(sums[k] == static_cast<scalar_of<V>>((k % n) * (k % n) * L + L * (L - 1) / 2));
    if constexpr (n > 1)
        check_sums_of<n / 2, V>();
}

} // namespace

TEMPLATE_TEST_CASE("sums_of: a unit for the sum of each vector", "", float, double) {
    using V = Lane<TestType>;
    check_sums_of<size_of<V>, V>();
}

TEMPLATE_TEST_CASE("widen: zeros behind, and sum_of: all units", "", float, double) {
    using V = Vec<TestType, (register_bytes > 16 ? register_bytes / 2 : 16)>; // what a register holds when it is wide
    constexpr int L = size_of<V>;
    V v;
    for (int k = 0; k < L; ++k)
        v[k] = static_cast<TestType>(k + 1);
    CHECK(sum_of(v) == L * (L + 1) / 2);
    if constexpr (2 * sizeof v <= register_bytes) {
        const auto wide = widen(v);
        static_assert(sizeof wide == 2 * sizeof v);
        for (int k = 0; k < 2 * L; ++k)
            CHECK(wide[k] == (k < L ? v[k] : 0));
    }
}

TEMPLATE_TEST_CASE("load and store: of a part of a lane they touch that part alone", "", float, double) {
    using V = Lane<TestType>;
    constexpr Index L = size_of<V>;
    for (Index count = 1; count <= L; ++count) {
        TestType from[L], to[L];
        for (Index k = 0; k < L; ++k)
            from[k] = static_cast<TestType>(k + 1), to[k] = -1;
        const V v = load<V>(from, count);
        store<V>(to, v, count);
        for (Index k = 0; k < L; ++k) {
            CHECK(v[k] == (k < count ? from[k] : 0));
            CHECK(to[k] == (k < count ? from[k] : -1));
        }
    }
}
