#include "carousel/core/random.hpp"

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

using namespace carousel;

static_assert(std::uniform_random_bit_generator<Random>);

TEST_CASE("Random: a seed gives the same numbers everywhere") {
    Random random{42};
    CHECK(random() == 0x15780b2e0c2ec716);
    CHECK(random() == 0x6104d9866d113a7e);
    CHECK(random() == 0xae17533239e499a1);
    CHECK(random.uniform() == 0x1.d9715a8e0766cp-1);
    CHECK(random.uniform() == 0x1.fbcdb8ffc5d8bp-1);
    CHECK(random.uniform() == 0.76973946043424246);
    CHECK(random.uniform() == 0.71925857787791558);
    for (const Index expected : {9, 4, 5, 9, 1, 2, 6, 9, 5, 7})
        CHECK(random.below(10) == expected);
    CHECK(random.normal() == -0.46182374495446915);
    CHECK(random.normal() == 0.64054789024243453);
    CHECK(random.normal() == -1.2576886499316968);
    CHECK(random.normal() == 0.74412917970421266);
    std::array<Index, 8> items{0, 1, 2, 3, 4, 5, 6, 7};
    random.shuffle(items);
    CHECK(items == std::array<Index, 8>{5, 1, 7, 2, 4, 3, 0, 6});
    Random other = random.split();
    CHECK(other() == 0x440c31ece05bffc);
    CHECK(random() == 0xdb73c7b4d941a5a9);
}

TEST_CASE("Random: not a bit of ten thousand numbers differs") {
    Random random{7};
    std::uint64_t hash = 0;
    for (int i = 0; i < 10000; ++i) {
        hash = 31 * hash + detail::bit_cast<std::uint64_t>(random.normal());
        hash = 31 * hash + detail::bit_cast<std::uint64_t>(random.uniform(-0.3, 0.7));
    }
    CHECK(hash == 0xee3beae1e45317dc);
}

TEST_CASE("Random: many normal numbers at once are those of one call after the other") {
    Random one{3}, many{3};
    for (const std::size_t count : {0u, 1u, 63u, 64u, 65u, 200u}) {
        std::vector<double> expected(count), numbers(count);
        for (double& number : expected)
            number = one.normal();
        many.normal(numbers);
        CHECK(numbers == expected);
        CHECK(many == one);
    }
}

TEST_CASE("Random: copies go on with the same numbers, other seeds with others") {
    Random a{3};
    a.normal();
    Random b = a;
    CHECK(a == b);
    CHECK(a() == b());
    CHECK(Random{3} != Random{4});
    CHECK(Random{} == Random{0});
}

TEST_CASE("Random: uniform numbers fill their interval evenly") {
    Random random{1};
    std::array<int, 20> counts{};
    const int draws = 20000;
    for (int i = 0; i < draws; ++i) {
        const double x = random.uniform(-2, 3);
        REQUIRE((x >= -2 && x < 3));
        ++counts[static_cast<std::size_t>((x + 2) * 4)];
    }
    double chi_squared = 0; // 19 degrees of freedom: above 43.8 one time in a thousand
    for (const int count : counts)
        chi_squared += (count - draws / 20.0) * (count - draws / 20.0) / (draws / 20.0);
    CHECK(chi_squared < 43.8);

    CHECK(random.uniform(1.5, 1.5) == 1.5);
    const double next = std::nextafter(1.0, 2.0);
    for (int i = 0; i < 100; ++i)
        CHECK(random.uniform(1, next) == 1);
}

TEST_CASE("Random: normal numbers have the moments and the tails of the normal distribution") {
    Random random{2};
    const int draws = 50000;
    double mean = 0, square = 0, cube = 0, fourth = 0, within1 = 0, beyond2 = 0;
    for (int i = 0; i < draws; ++i) {
        const double z = random.normal();
        mean += z / draws;
        square += z * z / draws;
        cube += z * z * z / draws;
        fourth += z * z * z * z / draws;
        within1 += (std::abs(z) < 1 ? 1.0 : 0.0) / draws;
        beyond2 += (std::abs(z) > 2 ? 1.0 : 0.0) / draws;
    }
    // four standard errors each
    CHECK(std::abs(mean) < 4 * std::sqrt(1.0 / draws));
    CHECK(std::abs(square - 1) < 4 * std::sqrt(2.0 / draws));
    CHECK(std::abs(cube) < 4 * std::sqrt(15.0 / draws));
    CHECK(std::abs(fourth - 3) < 4 * std::sqrt(96.0 / draws));
    CHECK(std::abs(within1 - 0.682689492137) < 4 * std::sqrt(0.2166 / draws));
    CHECK(std::abs(beyond2 - 0.045500263896) < 4 * std::sqrt(0.0434 / draws));
}

TEST_CASE("Random: below is uniform, also where n is no power of two") {
    Random random{3};
    std::array<int, 3> counts{};
    for (int i = 0; i < 9000; ++i)
        ++counts[static_cast<std::size_t>(random.below(3))];
    for (const int count : counts)
        CHECK(std::abs(count - 3000) < 4 * std::sqrt(2000.0));
    const Random before = random;
    CHECK(random.below(1) == 0);
    CHECK(random == before);
    const Index huge = std::numeric_limits<Index>::max() / 2 + 2; // a power of two, and 1
    Index largest = 0;
    for (int i = 0; i < 100; ++i)
        largest = std::max(largest, random.below(huge));
    CHECK((largest < huge && largest > huge / 2));
}

TEST_CASE("Random: shuffle gives every order equally often") {
    Random random{4};
    std::array<int, 27> counts{};
    for (int i = 0; i < 6000; ++i) {
        std::array<Index, 3> items{0, 1, 2};
        random.shuffle(items);
        ++counts[static_cast<std::size_t>(9 * items[0] + 3 * items[1] + items[2])];
    }
    CHECK(std::count(counts.begin(), counts.end(), 0) == 21);
    for (const int count : counts)
        CHECK((count == 0 || std::abs(count - 1000) < 4 * std::sqrt(6000 * 5.0 / 36)));
    random.shuffle({});
}

TEST_CASE("Random: split streams are not correlated with their origin or each other") {
    Random random{5};
    Random a = random.split();
    Random b = random.split();
    const int draws = 10000;
    double ab = 0, ar = 0;
    for (int i = 0; i < draws; ++i) {
        const double x = a.normal();
        ab += x * b.normal() / draws;
        ar += x * random.normal() / draws;
    }
    CHECK(std::abs(ab) < 4 / std::sqrt(draws));
    CHECK(std::abs(ar) < 4 / std::sqrt(draws));
}

TEST_CASE("Random: serves the algorithms of the standard library") {
    Random random{6};
    std::vector<int> items(10);
    std::iota(items.begin(), items.end(), 0);
    std::shuffle(items.begin(), items.end(), random);
    CHECK(std::accumulate(items.begin(), items.end(), 0) == 45);
}

TEST_CASE("Random: arguments out of their range are named") {
    Random random;
    volatile Index none = 0; // a constant would be followed by an endless loop, in which Wine's unwinding gets lost
    REQUIRE_THROWS_WITH(random.below(none), "Random::below: n is 0, expected n >= 1");
    REQUIRE_THROWS_WITH(random.uniform(1, 0),
                        "Random::uniform: low 1 and high 0 must be finite and satisfy low <= high");
    REQUIRE_THROWS_WITH(random.uniform(0, std::numeric_limits<double>::infinity()),
                        "Random::uniform: low 0 and high inf must be finite and satisfy low <= high");
}

TEST_CASE("Random: goes on from its words, and refuses those that no generator has") {
    Random random{7};
    random();
    Random again = Random::from_words(random.words());
    CHECK(again == random);
    CHECK(again() == random());
    REQUIRE_THROWS_AS(Random::from_words({}), std::invalid_argument);
    REQUIRE_THROWS_WITH(Random::from_words({}),
                        "Random::from_words: all four words are 0, expected the words() of a generator");
}
