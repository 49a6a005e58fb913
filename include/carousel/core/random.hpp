// Random: one seed gives the same numbers with every compiler, standard library and instruction set.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

namespace carousel {

/// Random numbers: xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), its
/// state filled by splitmix64. A copyable value: a copy continues with the same numbers.
///
/// The distributions are written here because those of the standard library differ between implementations. They use
/// only operations that IEEE 754 rounds correctly (+ − × ÷ √ and fma), and wherever a product feeds a sum it is
/// std::fma, so that a compiler has nothing left to contract in its own way.
class Random {
  public:
    using result_type = std::uint64_t;

    explicit Random(std::uint64_t seed = 0) {
        for (std::uint64_t& word : state_)
            word = splitmix64(seed);
    }

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
        const double number = std::fma(high - low, uniform(), low);
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
        do {
            u = std::fma(2.0, uniform(), -1.0);
            const double v = std::fma(2.0, uniform(), -1.0);
            squared = std::fma(u, u, v * v);
        } while (squared >= 1 || squared == 0);
        return u * std::sqrt(-2 * log(squared) / squared);
    }

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

    /// The natural logarithm of a normal number x > 0, within a few units in the last place: x = m·2ᵉ with
    /// √½ <= m < √2, s = (m − 1) / (m + 1), log m = 2 (s + s³/3 + s⁵/5 + …); s² < 0.0295 makes s²³/23 the last that
    /// counts.
    static double log(double x) {
        int exponent = 0;
        double m = std::frexp(x, &exponent);
        if (m < 0.70710678118654752) {
            m *= 2;
            --exponent;
        }
        const double s = (m - 1) / (m + 1);
        const double s2 = s * s;
        double series = 0;
        for (int k = 23; k >= 1; k -= 2)
            series = std::fma(series, s2, 1.0 / k);
        return std::fma(static_cast<double>(exponent), 0.69314718055994531, 2 * s * series);
    }

    Words state_;
};

} // namespace carousel
