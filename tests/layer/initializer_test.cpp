#include "carousel/layer/initializer.hpp"

#include "catch.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

using namespace carousel;

namespace {

Matrix<double> draw(const Initializer& initialize, Index rows, Index cols, Index fan_in, Index fan_out,
                    std::uint64_t seed = 1) {
    Matrix<double> block(rows, cols);
    Random random{seed};
    initialize(block, fan_in, fan_out, random);
    return block;
}

struct Moments {
    double mean, deviation, largest;
};

Moments moments(const Matrix<double>& block) {
    const double mean = block.mean();
    return {mean, std::sqrt((block.array() - mean).square().mean()), block.cwiseAbs().maxCoeff()};
}

/// Of 40 000 numbers, with fan_in 50 and fan_out 30.
Moments moments(const Initializer& initialize) {
    return moments(draw(initialize, 200, 200, 50, 30));
}

void check_orthonormal(const Matrix<double>& q, double gain) {
    const Matrix<double> small = q.rows() >= q.cols() ? (q.transpose() * q).eval() : (q * q.transpose()).eval();
    const Matrix<double> expected = gain * gain * Matrix<double>::Identity(small.rows(), small.cols());
    CHECK((small - expected).cwiseAbs().maxCoeff() < 1e-14);
}

} // namespace

TEST_CASE("initializer: uniform ones have their limits") {
    const auto check = [](const Initializer& initialize, double limit) {
        const Moments m = moments(initialize);
        CHECK(m.largest < limit);
        CHECK(m.largest > 0.999 * limit);
        CHECK(std::abs(m.mean) < 0.01 * limit);
        CHECK(m.deviation == Catch::Approx(limit / std::sqrt(3)).epsilon(0.01));
    };
    check(initializer::uniform(-0.5, 0.5), 0.5);
    check(initializer::glorot_uniform(), std::sqrt(6.0 / 80));
    check(initializer::he_uniform(), std::sqrt(6.0 / 50));
    check(initializer::pytorch(64), 1.0 / 8);
}

TEST_CASE("initializer: normal ones have their deviations") {
    const auto check = [](const Initializer& initialize, double mean, double deviation, double largest) {
        const Moments m = moments(initialize);
        CHECK(std::abs(m.mean - mean) < 0.02 * deviation);
        CHECK(m.deviation == Catch::Approx(deviation).epsilon(0.015));
        CHECK(std::abs(m.largest) < largest);
        return m.largest / deviation;
    };
    CHECK(check(initializer::normal(0, 0.3), 0, 0.3, 2) > 3.5);
    CHECK(check(initializer::normal(5, 0.1), 5, 0.1, 6) > 50);
    CHECK(check(initializer::dezero(), 0, std::sqrt(1.0 / 50), 1) > 3.5);
    // cut at two deviations of what was cut, and widened to the variance that is meant
    const double widened = 2 / 0.87962566103423978;
    const auto check_truncated = [&](const Initializer& initialize, double deviation) {
        CHECK(check(initialize, 0, deviation, widened * deviation) > 0.99 * widened);
    };
    check_truncated(initializer::glorot_normal(), std::sqrt(2.0 / 80));
    check_truncated(initializer::he_normal(), std::sqrt(2.0 / 50));
    check_truncated(initializer::lecun_normal(), std::sqrt(1.0 / 50));
}

TEST_CASE("initializer: constant and zeros fill") {
    CHECK(draw(initializer::constant(1.5), 2, 3, 0, 0) == Matrix<double>::Constant(2, 3, 1.5));
    CHECK(draw(initializer::zeros(), 2, 3, 0, 0) == Matrix<double>::Zero(2, 3));
    CHECK(initializer::zeros() == Initializer{});
}

TEST_CASE("initializer: orthogonal columns, or rows, are orthonormal") {
    for (const double gain : {1.0, 0.5})
        for (const auto& [rows, cols] : {std::pair<Index, Index>{1, 1}, {5, 1}, {1, 5}, {4, 4}, {16, 16}, {17, 17}})
            check_orthonormal(draw(initializer::orthogonal(gain), rows, cols, 1, 1), gain);
    check_orthonormal(draw(initializer::orthogonal(), 160, 40, 1, 1), 1); // U of an LSTM
    check_orthonormal(draw(initializer::orthogonal(), 40, 160, 1, 1), 1);
    check_orthonormal(draw(initializer::orthogonal(), 120, 120, 1, 1), 1);
    check_orthonormal(draw(initializer::orthogonal(), 130, 100, 1, 1), 1);
    check_orthonormal(draw(initializer::orthogonal(), 300, 299, 1, 1), 1);
}

TEST_CASE("initializer: large orthogonal matrices of float differ from those of double in the last bits only") {
    const auto check = [](Index rows, Index cols, double bound) {
        Matrix<float> U(rows, cols);
        Random random{1};
        initializer::orthogonal()(U, 1, 1, random);
        const Matrix<double> expected = draw(initializer::orthogonal(), rows, cols, 1, 1);
        const double spacing = 0x1p-24 * expected.cwiseAbs().maxCoeff(); // half of what is between two floats
        CHECK((U.cast<double>() - expected).cwiseAbs().maxCoeff() <= bound * spacing);
        const Matrix<double> q = U.cast<double>();
        const Matrix<double> small = rows >= cols ? (q.transpose() * q).eval() : (q * q.transpose()).eval();
        CHECK((small - Matrix<double>::Identity(small.rows(), small.cols())).cwiseAbs().maxCoeff() < 5e-7);
    };
    check(1024, 256, 20); // U of an LSTM
    check(256, 512, 20);
    check(256, 256, 1); // its last columns depend on the first ones, so that float would lose them
}

TEST_CASE("initializer: orthogonal matrices are uniform among all of them") {
    // Moments of the Haar distribution of 3 × 3 matrices: E q = 0, E q² = 1/3, E q⁴ = 3/15, E trace² = 1, and half of
    // the determinants are −1.
    const int draws = 4000;
    Random random{9};
    Matrix<double> q(3, 3), first = Matrix<double>::Zero(3, 3), second = first, fourth = first;
    double trace = 0, determinant = 0;
    for (int i = 0; i < draws; ++i) {
        initializer::orthogonal()(q, 3, 3, random);
        first += q / draws;
        second += q.array().pow(2).matrix() / draws;
        fourth += q.array().pow(4).matrix() / draws;
        trace += q.trace() * q.trace() / draws;
        for (Index j = 0; j < 3; ++j)
            determinant +=
                q(0, j) * (q(1, (j + 1) % 3) * q(2, (j + 2) % 3) - q(1, (j + 2) % 3) * q(2, (j + 1) % 3)) / draws;
    }
    CHECK(first.cwiseAbs().maxCoeff() < 0.04);
    CHECK((second.array() - 1.0 / 3).abs().maxCoeff() < 0.03);
    CHECK((fourth.array() - 1.0 / 5).abs().maxCoeff() < 0.03);
    CHECK(std::abs(trace - 1) < 0.1);
    CHECK(std::abs(determinant) < 0.07);
}

TEST_CASE("initializer: float gets the numbers of double, rounded, and only the block is filled") {
    for (const Initializer& initialize : {initializer::glorot_uniform(), initializer::orthogonal()}) {
        Random random{1};
        Matrix<float> U = Matrix<float>::Zero(5, 4);
        initialize(U.middleRows(1, 3), 4, 3, random);
        CHECK(Matrix<float>(U.middleRows(1, 3)) == draw(initialize, 3, 4, 4, 3).cast<float>());
        CHECK(U.row(0).isZero(0));
        CHECK(U.row(4).isZero(0));
    }
}

TEST_CASE("initializer: a seed gives the same numbers everywhere") {
    const Matrix<double> W = draw(initializer::glorot_normal(), 2, 2, 2, 2, 42);
    CHECK(W(0, 0) == -0.5837875132889625);
    CHECK(W(1, 0) == 0.17815637041990853);
    CHECK(W(0, 1) == 0.37313932304214609);
    CHECK(W(1, 1) == 1.1867161803599022);
    const Matrix<double> U = draw(initializer::orthogonal(), 2, 2, 2, 2, 42); // the last bits may differ
    CHECK(U(0, 0) == Catch::Approx(-0.95645368334110104).epsilon(1e-14));
    CHECK(U(1, 0) == Catch::Approx(0.29188414075321195).epsilon(1e-14));
    CHECK(U(0, 1) == Catch::Approx(0.29188414075321195).epsilon(1e-14));
    CHECK(U(1, 1) == Catch::Approx(0.95645368334110104).epsilon(1e-14));
}

TEST_CASE("initializer: arguments out of their range are named") {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    REQUIRE_THROWS_WITH(initializer::constant(infinity), "initializer::constant: c is inf, expected a finite number");
    REQUIRE_THROWS_WITH(initializer::uniform(1, -1),
                        "initializer::uniform: low 1 and high -1 must be finite and satisfy low <= high");
    REQUIRE_THROWS_WITH(initializer::normal(0, -1),
                        "initializer::normal: mean 0 and deviation -1 must be finite and satisfy deviation >= 0");
    REQUIRE_THROWS_WITH(initializer::orthogonal(infinity),
                        "initializer::orthogonal: gain is inf, expected a finite number");
    REQUIRE_THROWS_WITH(initializer::pytorch(0), "initializer::pytorch: hidden is 0, expected hidden >= 1");
    REQUIRE_THROWS_WITH(draw(initializer::glorot_uniform(), 2, 2, 0, 3),
                        "Initializer: fan_in 0 and fan_out 3 must both be >= 1");
}
