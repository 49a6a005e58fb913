// Initialisers: how the numbers of a parameter are drawn before training; small values that an options struct can hold.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/random.hpp"
#include "carousel/core/require.hpp"

#include <concepts>
#include <cstddef>
#include <type_traits>

#ifdef CAROUSEL_BODIES
#    include "carousel/layer/orthonormalize.hpp"

#    include <algorithm>
#    include <cmath>
#    include <utility>
#    include <vector>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// Fills a block of a parameter. Made by the functions of namespace `initializer`:
///
///     LSTM<float> lstm{1, 64, {.U = initializer::orthogonal(0.5)}};
///
/// The numbers are drawn as double, column after column, and then rounded to the block's scalar: one seed gives the
/// same numbers everywhere; those of `orthogonal` up to the last bits, because vector units add in different orders. A large tall or
/// wide `orthogonal` block of float is drawn as double, but made orthogonal as float.
struct Initializer {
    /// The distribution.
    enum class Kind { constant, uniform, normal, truncated_normal, orthogonal };
    enum class Fan { none, in, average }; ///< what the variance is divided by

    /// The distribution, and what its variance is divided by.
    Kind kind = Kind::constant;
    Fan fan = Fan::none;
    /// With a fan the variance is a / fan and the mean is 0. Without: constant a; uniform in [a, b); (truncated) normal
    /// with mean a and deviation b; orthogonal with gain a.
    double a = 0;
    double b = 0;

    /// `block`: a matrix or a block of one (rows × columns); fan_in: how many numbers feed one output; fan_out: how
    /// many outputs one number feeds. Where a layer stacks the kernels of its gates, as Keras does, the whole stack is
    /// one block: for an LSTM's W, 4·hidden × input, fan_in is input and fan_out is 4·hidden. Throws
    /// std::invalid_argument if a fan is needed and fan_in or fan_out is below 1.
    template <class Block>
    requires std::floating_point<typename std::remove_cvref_t<Block>::Scalar>
    void operator()(Block&& block, Index fan_in, Index fan_out, Random& random) const {
        using Plain = std::remove_cvref_t<Block>;
        using Scalar = typename Plain::Scalar;
        constexpr bool drawn = std::same_as<Scalar, float> || std::same_as<Scalar, double>;
        if constexpr (drawn && (Plain::Flags & Eigen::DirectAccessBit) != 0) {
            fill(block.data(), block.rowStride(), block.colStride(), block.rows(), block.cols(), fan_in, fan_out,
                 random);
        } else {
            using Drawn = std::conditional_t<drawn, Scalar, double>;
            Matrix<Drawn> numbers(block.rows(), block.cols());
            fill(numbers.data(), 1, numbers.rows(), numbers.rows(), numbers.cols(), fan_in, fan_out, random);
            block = numbers.template cast<Scalar>();
        }
    }

    bool operator==(const Initializer&) const = default;

  private:
    /// Fills rows × columns numbers: (i, j) stands at to + i·row + j·column.
    template <class S>
    void fill(S* to, Index row, Index column, Index rows, Index columns, Index fan_in, Index fan_out,
              Random& random) const;
    template <class Real, class S>
    void fill_orthogonal(S* to, Index row, Index column, Index rows, Index columns, Random& random) const;

    /// The same distribution without a fan: its width is computed from fan_in and fan_out.
    CAROUSEL_INLINE Initializer without_fan(Index fan_in, Index fan_out) const;
    CAROUSEL_INLINE double draw(Random& random) const;
};

/// The first argument of a layer's constructor, before all others: parameters start as zero, as {.initialize = false} has it,
/// and the program has no code that draws them. This halves the code of a program that runs one small net, because an
/// orthogonal matrix takes matrix products.
///
///     LSTM<float, 1, 20> lstm{uninitialized, {.peephole = true}};
struct Uninitialized {
    explicit constexpr Uninitialized(std::nullptr_t) {} ///< {} means another argument, such as a cell
};
/// The argument that says so.
inline constexpr Uninitialized uninitialized{nullptr};

namespace initializer {

/// Throws std::invalid_argument unless c is finite.
CAROUSEL_INLINE Initializer constant(double c);

/// 0, for biases.
CAROUSEL_INLINE Initializer zeros();

/// In [low, high). Throws std::invalid_argument unless low <= high and high − low is finite.
CAROUSEL_INLINE Initializer uniform(double low, double high);

/// Throws std::invalid_argument unless both are finite and deviation >= 0.
CAROUSEL_INLINE Initializer normal(double mean, double deviation);

/// U(±√(6 / (fan_in + fan_out))): Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
/// networks", 2010, eq. 16; Keras' default for W.
CAROUSEL_INLINE Initializer glorot_uniform();

/// Variance 2 / (fan_in + fan_out) (the paper's eq. 12), normal but cut at two deviations and widened to keep that
/// variance, as in Keras.
CAROUSEL_INLINE Initializer glorot_normal();

/// U(±√(6 / fan_in)): He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015, eq. 10.
CAROUSEL_INLINE Initializer he_uniform();

/// Variance 2 / fan_in (the paper's eq. 10), cut at two deviations as glorot_normal.
CAROUSEL_INLINE Initializer he_normal();

/// Variance 1 / fan_in: LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, eq. 16; cut as glorot_normal.
CAROUSEL_INLINE Initializer lecun_normal();

/// Variance 1 / fan_in, normal and not cut: what DeZero's layers start with.
CAROUSEL_INLINE Initializer dezero();

/// U(±1/√hidden): what PyTorch's recurrent layers start with, for every parameter. Throws std::invalid_argument unless
/// hidden >= 1.
CAROUSEL_INLINE Initializer pytorch(AnyIndex hidden);

/// gain times a matrix whose columns (if it is wide: whose rows) are orthonormal, uniform among all of them: Saxe,
/// McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
/// 2014; Keras' default for U. Throws std::invalid_argument unless gain is finite.
CAROUSEL_INLINE Initializer orthogonal(double gain = 1);

} // namespace initializer

#ifdef CAROUSEL_BODIES

template <class S>
void Initializer::fill(S* to, Index row, Index column, Index rows, Index columns, Index fan_in, Index fan_out,
                       Random& random) const {
    if (kind == Kind::orthogonal) {
        const Index longer = std::max(rows, columns), shorter = std::min(rows, columns);
        // Normal columns, half as many as rows or fewer, are nearly orthogonal to begin with: R's condition is at most
        // (√2 + 1) / (√2 − 1) = 5.8, and its Q keeps all but the last bits of the block's scalar. Double takes twice the
        // time, which matters for many columns only.
        if (shorter >= 256 && longer >= 2 * shorter)
            fill_orthogonal<S>(to, row, column, rows, columns, random);
        else
            fill_orthogonal<double>(to, row, column, rows, columns, random);
        return;
    }
    const Initializer distribution = without_fan(fan_in, fan_out);
    for (Index j = 0; j < columns; ++j)
        for (Index i = 0; i < rows; ++i)
            to[i * row + j * column] = static_cast<S>(distribution.draw(random));
}

template <class Real, class S>
void Initializer::fill_orthogonal(S* to, Index row, Index column, Index rows, Index columns, Random& random) const {
    const Index longer = std::max(rows, columns), shorter = std::min(rows, columns);
    Matrix<Real> q(longer, shorter);
    std::vector<double> drawn(static_cast<std::size_t>(longer));
    for (Index j = 0; j < shorter; ++j) {
        random.normal(drawn);
        for (Index i = 0; i < longer; ++i)
            q.data()[j * longer + i] = static_cast<Real>(drawn[static_cast<std::size_t>(i)]);
    }
    detail::orthonormalize(q);
    if (rows < columns)
        std::swap(row, column); // the rows are orthonormal
    for (Index j = 0; j < shorter; ++j)
        for (Index i = 0; i < longer; ++i)
            to[i * row + j * column] = static_cast<S>(q.data()[j * longer + i] * static_cast<Real>(a));
}

CAROUSEL_INLINE Initializer Initializer::without_fan(Index fan_in, Index fan_out) const {
    if (fan == Fan::none)
        return *this;
    require(fan_in >= 1 && fan_out >= 1, "Initializer", "fan_in ", fan_in, " and fan_out ", fan_out,
            " must both be >= 1");
    const double in = static_cast<double>(fan_in);
    const double out = static_cast<double>(fan_out);
    const double variance = a / (fan == Fan::in ? in : (in + out) / 2);
    if (kind == Kind::uniform)
        return {.kind = kind, .a = -std::sqrt(3 * variance), .b = std::sqrt(3 * variance)};
    // Cut at two deviations, a normal distribution keeps this part of its deviation. Keras divides by it, too.
    const double left = kind == Kind::truncated_normal ? 0.87962566103423978 : 1;
    return {.kind = kind, .b = std::sqrt(variance) / left};
}

CAROUSEL_INLINE double Initializer::draw(Random& random) const {
    if (kind == Kind::constant)
        return a;
    if (kind == Kind::uniform)
        return random.uniform(a, b);
    double z = random.normal();
    while (kind == Kind::truncated_normal && std::abs(z) > 2)
        z = random.normal();
    return detail::fma(b, z, a);
}

namespace initializer {

CAROUSEL_INLINE Initializer constant(double c) {
    require(std::isfinite(c), "initializer::constant", "c is ", c, ", expected a finite number");
    return {.kind = Initializer::Kind::constant, .a = c};
}
CAROUSEL_INLINE Initializer zeros() {
    return {};
}
CAROUSEL_INLINE Initializer uniform(double low, double high) {
    require(low <= high && std::isfinite(high - low), "initializer::uniform", "low ", low, " and high ", high,
            " must be finite and satisfy low <= high");
    return {.kind = Initializer::Kind::uniform, .a = low, .b = high};
}
CAROUSEL_INLINE Initializer normal(double mean, double deviation) {
    require(std::isfinite(mean) && std::isfinite(deviation) && deviation >= 0, "initializer::normal", "mean ", mean,
            " and deviation ", deviation, " must be finite and satisfy deviation >= 0");
    return {.kind = Initializer::Kind::normal, .a = mean, .b = deviation};
}
CAROUSEL_INLINE Initializer glorot_uniform() {
    return {.kind = Initializer::Kind::uniform, .fan = Initializer::Fan::average, .a = 1};
}
CAROUSEL_INLINE Initializer glorot_normal() {
    return {.kind = Initializer::Kind::truncated_normal, .fan = Initializer::Fan::average, .a = 1};
}
CAROUSEL_INLINE Initializer he_uniform() {
    return {.kind = Initializer::Kind::uniform, .fan = Initializer::Fan::in, .a = 2};
}
CAROUSEL_INLINE Initializer he_normal() {
    return {.kind = Initializer::Kind::truncated_normal, .fan = Initializer::Fan::in, .a = 2};
}
CAROUSEL_INLINE Initializer lecun_normal() {
    return {.kind = Initializer::Kind::truncated_normal, .fan = Initializer::Fan::in, .a = 1};
}
CAROUSEL_INLINE Initializer dezero() {
    return {.kind = Initializer::Kind::normal, .fan = Initializer::Fan::in, .a = 1};
}
CAROUSEL_INLINE Initializer pytorch(AnyIndex hidden) {
    require(hidden >= 1, "initializer::pytorch", "hidden is ", hidden, ", expected hidden >= 1");
    const double limit = 1 / std::sqrt(static_cast<double>(hidden));
    return uniform(-limit, limit);
}
CAROUSEL_INLINE Initializer orthogonal(double gain) {
    require(std::isfinite(gain), "initializer::orthogonal", "gain is ", gain, ", expected a finite number");
    return {.kind = Initializer::Kind::orthogonal, .a = gain};
}

} // namespace initializer

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_INITIALIZER(S)                                                                           \
    template void carousel::Initializer::fill(S*, carousel::Index, carousel::Index, carousel::Index, carousel::Index, \
                                              carousel::Index, carousel::Index, carousel::Random&) const
