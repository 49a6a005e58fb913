#include "carousel/optim/clip.hpp"

#include "catch.hpp"

#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

using namespace carousel;

namespace {

/// Gradients (3, −4) and (12): norms 5 and 12, global norm 13.
template <class Scalar>
struct Fixture {
    Parameter<Scalar> W{1, 2}, b{1, 1};
    std::vector<NamedParameter<Scalar>> list{{"W", &W}, {"b", &b}};

    Fixture() {
        W.grad << 3, -4;
        b.grad << 12;
    }

    bool holds(double w0, double w1, double b0) const {
        const double worst = std::abs(W.grad(0) - w0) + std::abs(W.grad(1) - w1) + std::abs(b.grad(0) - b0);
        return worst < (std::is_same_v<Scalar, float> ? 1e-6 : 1e-14);
    }
};

} // namespace

TEMPLATE_TEST_CASE("clip: a limit above the norm changes nothing", "", float, double) {
    Fixture<TestType> f;
    CHECK(global_norm(f.list) == 13);
    CHECK(clip_by_value(f.list, 12) == 13);
    CHECK(clip_by_norm(f.list, 12) == 13);
    CHECK(clip_by_global_norm(f.list, 13) == 13);
    CHECK((f.W.grad(0) == 3 && f.W.grad(1) == -4 && f.b.grad(0) == 12));
}

TEMPLATE_TEST_CASE("clip_by_value: numbers are cut to the limit", "", float, double) {
    Fixture<TestType> f;
    CHECK(clip_by_value(f.list, 3.5) == 13);
    CHECK(f.holds(3, -3.5, 3.5));
}

TEMPLATE_TEST_CASE("clip_by_norm: every parameter is scaled by itself", "", float, double) {
    Fixture<TestType> f;
    CHECK(clip_by_norm(f.list, 6) == 13);
    CHECK(f.holds(3, -4, 6));
    clip_by_norm(f.list, 1);
    CHECK(f.holds(0.6, -0.8, 1));
}

TEMPLATE_TEST_CASE("clip_by_global_norm: all are scaled together to exactly the limit", "", float, double) {
    Fixture<TestType> f;
    CHECK(clip_by_global_norm(f.list, 6.5) == 13);
    CHECK(f.holds(1.5, -2, 6));
    CHECK(global_norm(f.list) == Catch::Approx(6.5));
}

TEST_CASE("clip: a gradient that is not finite is reported and left alone") {
    for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        Fixture<double> f;
        CHECK(first_non_finite(f.list).empty());
        f.b.grad(0) = bad;
        CHECK(first_non_finite(f.list) == "b");
        CHECK_FALSE(std::isfinite(clip_by_value(f.list, 1)));
        CHECK_FALSE(std::isfinite(clip_by_norm(f.list, 1)));
        CHECK_FALSE(std::isfinite(clip_by_global_norm(f.list, 1)));
        CHECK_FALSE(std::isfinite(global_norm(f.list)));
        CHECK((f.W.grad(0) == 3 && f.W.grad(1) == -4));
        CHECK_FALSE(std::isfinite(f.b.grad(0)));
        f.W.grad(1) = bad;
        CHECK(first_non_finite(f.list) == "W");
    }
}

TEST_CASE("clip: the norm of float gradients is added up in double") {
    Parameter<float> w(1000, 1);
    w.grad.setConstant(1e30f); // the square is no float
    const std::vector<NamedParameter<float>> list{{"w", &w}};
    CHECK(clip_by_global_norm(list, 1) == Catch::Approx(std::sqrt(1000.0) * 1e30));
    CHECK(global_norm(list) == Catch::Approx(1));
}

TEMPLATE_TEST_CASE("global_norm: of any number of numbers", "", float, double) {
    for (Index size = 0; size < 40; ++size) {
        Parameter<TestType> w(size, 1);
        for (Index i = 0; i < size; ++i)
            w.grad(i) = static_cast<TestType>(i + 1);
        const std::vector<NamedParameter<TestType>> list{{"w", &w}};
        const auto n = static_cast<double>(size);
        CHECK(global_norm(list) == Catch::Approx(std::sqrt(n * (n + 1) * (2 * n + 1) / 6)));
    }
}

TEST_CASE("clip: of a sparse parameter the columns touched count, and are clipped") {
    auto w = Parameter<double>::sparse(2, 5);
    const std::vector<NamedParameter<double>> list{{"w", &w}};
    CHECK(global_norm(list) == 0);
    w.grad_column(3) << 3, 0;
    w.grad_column(1) << 0, -4;
    CHECK(global_norm(list) == 5);
    CHECK(clip_by_global_norm(list, 2.5) == 5);
    CHECK((w.grad.col(3) == Vector<double>{{1.5, 0.0}} && w.grad.col(1) == Vector<double>{{0.0, -2.0}}));
    CHECK(clip_by_norm(list, 1.25) == 2.5);
    CHECK(clip_by_value(list, 0.8) == 1.25);
    CHECK((w.grad.col(3) == Vector<double>{{0.75, 0.0}} && w.grad.col(1) == Vector<double>{{0.0, -0.8}}));
    CHECK(w.grad.cwiseAbs().sum() == Catch::Approx(1.55));
    CHECK(first_non_finite(list).empty());
    w.grad_column(0)(1) = std::numeric_limits<double>::infinity();
    CHECK(first_non_finite(list) == "w");
}

TEST_CASE("clip: of no parameters the norm is 0") {
    const std::vector<NamedParameter<float>> none;
    CHECK(clip_by_global_norm(none, 1) == 0);
    CHECK(first_non_finite(none).empty());
}

TEST_CASE("clip: a limit that is not positive is refused") {
    Fixture<float> f;
    REQUIRE_THROWS_WITH(clip_by_value(f.list, 0), "clip_by_value: limit is 0, expected limit > 0");
    REQUIRE_THROWS_WITH(clip_by_norm(f.list, -1), "clip_by_norm: limit is -1, expected limit > 0");
    REQUIRE_THROWS_WITH(clip_by_global_norm(f.list, std::numeric_limits<double>::quiet_NaN()),
                        "clip_by_global_norm: limit is nan, expected limit > 0");
}
