// Random: one seed gives the same numbers with every compiler, standard library and instruction set.
#pragma once

#include "carousel/core/bit_cast.hpp"
#include "carousel/core/fma.hpp"
#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

/// Random numbers: xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), its
/// state filled by splitmix64. A copyable value: a copy continues with the same numbers.
///
/// The distributions are written here because those of the standard library differ between implementations. They use
/// only operations that IEEE 754 rounds correctly (+ − × ÷ √ and fma), and wherever a product feeds a sum it is
/// fma, so that a compiler has nothing left to contract in its own way.
class Random {
  public:
    using result_type = std::uint64_t;

    /// Equal seeds give equal numbers on every machine.
    explicit Random(std::uint64_t seed = 0) {
        for (std::uint64_t& word : state_)
            word = splitmix64(seed);
    }

    /// The range of what operator() draws, as the standard library's distributions ask for it.
    static constexpr result_type min() { return 0; }
    static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

    /// 64 random bits.
    result_type operator()() {
        const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }

    /// One of the 2⁵³ multiples of 2⁻⁵³ in [0, 1), all equally likely.
    double uniform() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }

    /// In [low, high); `low` if they are equal. Throws std::invalid_argument unless low <= high and high − low is
    /// finite.
    double uniform(double low, double high) {
        require(low <= high && std::isfinite(high - low), "Random::uniform", "low ", low, " and high ", high,
                " must be finite and satisfy low <= high");
        const double number = detail::fma(high - low, uniform(), low);
        return number < high ? number : low; // rounding may reach high
    }

    /// 0 … n − 1, all equally likely. Throws std::invalid_argument unless n >= 1.
    Index below(Index n) {
        require(n >= 1, "Random::below", "n is ", n, ", expected n >= 1");
        const auto bound = static_cast<std::uint64_t>(n);
        const int bits = static_cast<int>(std::bit_width(bound - 1));
        if (bits == 0)
            return 0;
        std::uint64_t number = 0;
        do // draws as few bits as can hold n − 1, so that at least every other draw is below n
            number = (*this)() >> (64 - bits);
        while (number >= bound);
        return static_cast<Index>(number);
    }

    /// Mean 0, deviation 1: Marsaglia's polar method ("A convenient method for generating normal variables", 1964). The
    /// method yields two numbers; one is dropped, so that a generator's bits are all of its state.
    double normal() {
        double u = 0;
        double squared = 0;
        while (!point_in_circle(u, squared)) {
        }
        return u * std::sqrt(-2 * log(squared) / squared);
    }

    /// Fills `numbers` with what as many calls of normal() give, in a third of their time if compiled for FMA: the points of a
    /// block are drawn first, so that what follows has no branches and runs in vector registers.
    CAROUSEL_INLINE void normal(std::span<double> numbers);

    /// Puts the items in a random order; all orders are equally likely (Fisher and Yates).
    void shuffle(std::span<Index> items) {
        for (std::size_t left = items.size(); left > 1; --left)
            std::swap(items[left - 1], items[static_cast<std::size_t>(below(static_cast<Index>(left)))]);
    }

    /// A new generator, seeded with the next 64 bits of this one. Give one to each part of a program: however many numbers
    /// one part draws, the other parts draw the same as before.
    Random split() { return Random((*this)()); }

    /// The state: from it another program, or a file, makes a generator that goes on with the same numbers.
    using Words = std::array<std::uint64_t, 4>;
    /// The words of the state.
    const Words& words() const { return state_; }

    /// Throws std::invalid_argument if all words are 0, a state that no generator comes to and none leaves.
    static Random from_words(const Words& words) {
        require(words != Words{}, "Random::from_words", "all four words are 0, expected the words() of a generator");
        Random random;
        random.state_ = words;
        return random;
    }

    bool operator==(const Random&) const = default;

  private:
    static std::uint64_t splitmix64(std::uint64_t& seed) {
        std::uint64_t z = seed += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    /// A point of the square [−1, 1)²: u, and its squared distance from the middle. False outside of the unit circle and in
    /// its middle.
    bool point_in_circle(double& u, double& squared) {
        u = detail::fma(2.0, uniform(), -1.0);
        const double v = detail::fma(2.0, uniform(), -1.0);
        squared = detail::fma(u, u, v * v);
        return (squared < 1) & (squared > 0);
    }

    static double log(double x) {
        std::array<double, 1> result;
        log(std::array{x}, result);
        return result[0];
    }

    /// The natural logarithms of normal numbers x > 0, within a few units in the last place: x = m·2ᵉ with
    /// √½ <= m < √2, s = (m − 1) / (m + 1), log m = 2 (s + s³/3 + s⁵/5 + …); s² < 0.0295 makes s²³/23 the last that
    /// counts.
    template <std::size_t n>
    static void log(const std::array<double, n>& x, std::array<double, n>& result) {
        // The bits of a double are 2⁵² (1023 + e) + its fraction: those of x − those of √½ are 2⁵² e + what is left.
        constexpr auto root_half = detail::bit_cast<std::int64_t>(0.70710678118654752);
        // The bits of 1.5·2⁵² + e are those of 1.5·2⁵², plus e.
        constexpr double shift = 0x1.8p52;
        std::array<double, n> exponent, s, s2, series{};
        for (std::size_t k = 0; k < n; ++k) {
            const auto bits = detail::bit_cast<std::int64_t>(x[k]);
            const std::int64_t e = (bits - root_half) >> 52;
            const double m = detail::bit_cast<double>(bits - e * (std::int64_t(1) << 52));
            exponent[k] = detail::bit_cast<double>(detail::bit_cast<std::int64_t>(shift) + e) - shift;
            s[k] = (m - 1) / (m + 1);
            s2[k] = s[k] * s[k];
        }
        for (const double term : {1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9,
                                  1.0 / 7, 1.0 / 5, 1.0 / 3, 1.0})
            for (std::size_t k = 0; k < n; ++k)
                series[k] = detail::fma(series[k], s2[k], term);
        for (std::size_t k = 0; k < n; ++k)
            result[k] = detail::fma(exponent[k], 0.69314718055994531, 2 * s[k] * series[k]);
    }

    Words state_;
};

namespace detail {

/// The seed of a layer that was given none: 1 for the first of the program (or shared library), 2 for its second …, so that
/// equal layers start unequal and every run of a program starts alike.
CAROUSEL_OWN inline std::uint64_t next_seed() {
    static std::atomic<std::size_t> count{0}; // which every processor counts without a library
    return ++count;
}

} // namespace detail

#ifdef CAROUSEL_BODIES

CAROUSEL_INLINE void Random::normal(std::span<double> numbers) {
    constexpr std::size_t block = 64;
    std::array<double, block> u, squared, factor;
    squared.fill(0.5); // the last block may have fewer points
    while (!numbers.empty()) {
        const std::size_t count = std::min(block, numbers.size());
        for (std::size_t k = 0; k < count;)
            k += point_in_circle(u[k], squared[k]) ? 1u : 0u;
        log(squared, factor);
        // As arrays: std::sqrt sets errno, which keeps it out of vector registers. Of four: for eight Eigen takes AVX-512's
        // approximation, which rounds otherwise, and which numbers it takes alone would depend on where they stand.
        using Four = Eigen::Array<double, 4, 1>;
        for (std::size_t k = 0; k < block; k += 4) {
            Eigen::Map<Four> factors(factor.data() + k);
            factors = (-2 * factors / Eigen::Map<const Four>(squared.data() + k)).sqrt();
        }
        for (std::size_t k = 0; k < count; ++k)
            numbers[k] = u[k] * factor[k];
        numbers = numbers.subspan(count);
    }
}

#endif

} // namespace carousel
