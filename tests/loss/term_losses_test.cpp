#include "carousel/loss/elementwise.hpp"
#include "carousel/loss/gaussian_nll_loss.hpp"
#include "carousel/loss/huber_loss.hpp"
#include "carousel/loss/l1_loss.hpp"
#include "carousel/loss/quantile_loss.hpp"
#include "carousel/loss/student_t_nll_loss.hpp"

#include "catch.hpp"
#include "golden.hpp"
#include "loss/loss_suite.hpp"

#include <string>

using namespace carousel;
using namespace carousel::test;

namespace {

const auto log_cosh = [](double y, double target) {
    const double e = y - target;
    return Term{std::log(std::cosh(e)), std::tanh(e)};
};

/// A loss of one's own with two outputs for a target: below it and above.
struct Band {
    Index outputs() const { return 2; }
    double operator()(std::span<const double> y, double target, std::span<double> dy) const {
        dy[0] = 2 * (y[0] - target + 1);
        dy[1] = 2 * (y[1] - target - 1);
        return (dy[0] * dy[0] + dy[1] * dy[1]) / 4;
    }
};

/// The loss and its gradient are those of the file under this name; it sees as many features of y as it needs.
template <class L>
void check_golden(const Golden& golden, const std::string& name, L loss, Index features) {
    INFO(name);
    const Sequence<double> y(Matrix<double>(golden.sequence("y").topRows(features)), 2);
    const Sequence<double> target(Matrix<double>(golden.sequence("target")), 2);
    for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
        const std::string key = name + (reduction == Reduction::mean ? "_mean" : "_sum");
        loss.reduction = reduction;
        Sequence<double> dy;
        CHECK(loss(y, target, &dy) == Catch::Approx(golden.scalar(key)).epsilon(1e-14));
        const Matrix<double> expected = golden.sequence("d_" + key);
        CHECK(difference(dy.values(), expected.topRows(features), 1e-3) < 1e-13);
        CHECK(expected.bottomRows(6 - features).isZero(0));
    }
}

} // namespace

TEST_CASE("L1, Huber, quantile, Gaussian and Student t losses: losses and gradients are PyTorch's") {
    const Golden golden("term_losses.txt");
    check_golden(golden, "l1", L1Loss{}, 2);
    check_golden(golden, "huber", HuberLoss{.delta = 0.7}, 2);
    check_golden(golden, "quantile", QuantileLoss{{.1, .5, .9}}, 6);
    check_golden(golden, "gaussian", GaussianNLLLoss{}, 4);
    check_golden(golden, "student", StudentTNLLLoss{}, 6);
    check_golden(golden, "student_fixed", StudentTNLLLoss{.degrees_of_freedom = 4.5}, 4);
}

TEST_CASE("L1Loss and HuberLoss: differences, ragged batches, missing targets and weights") {
    check_loss_of_terms(
        2, [](Reduction r, bool skip) { return L1Loss{.reduction = r, .skip_nan = skip}; }, NormalTargets{});
    check_loss_of_terms(
        2, [](Reduction r, bool skip) { return HuberLoss{.delta = 0.8, .reduction = r, .skip_nan = skip}; },
        NormalTargets{});
}

TEST_CASE("GaussianNLLLoss and StudentTNLLLoss: differences, ragged batches, missing targets and weights") {
    check_loss_of_terms(
        4, [](Reduction r, bool skip) { return GaussianNLLLoss{.reduction = r, .skip_nan = skip, .min_scale = 0.1}; },
        NormalTargets{});
    check_loss_of_terms(
        6, [](Reduction r, bool skip) { return StudentTNLLLoss{.reduction = r, .skip_nan = skip, .min_scale = 0.1}; },
        NormalTargets{});
    check_loss_of_terms(
        4,
        [](Reduction r, bool skip) {
            return StudentTNLLLoss{.reduction = r, .skip_nan = skip, .min_scale = 0.1, .degrees_of_freedom = 1};
        },
        NormalTargets{});
}

TEST_CASE("Elementwise: a loss of one's own, of one output for a target or of several, has all that others have") {
    check_loss_of_terms(
        2,
        [](Reduction r, bool skip) {
            return Elementwise{log_cosh, r, skip};
        },
        NormalTargets{});
    check_loss_of_terms(
        4,
        [](Reduction r, bool skip) {
            return Elementwise{Band{}, r, skip};
        },
        NormalTargets{});
    static_assert(Loss<Elementwise<decltype(log_cosh)>> && Loss<Elementwise<Band>>);
    const double scale = 2; // a lambda that captures can be copied, but not assigned
    const Elementwise scaled{[scale](double y, double target) { return Term{scale * y * target, scale * target}; }};
    static_assert(Loss<decltype(scaled)>);
    const Sequence<float> y(Matrix<float>{{3, 5}}), target(Matrix<float>{{2, 1}});
    Sequence<float> dy;
    CHECK(scaled(y, target, &dy) == 11);
    CHECK(dy.values() == Matrix<float>{{2, 1}});
}

TEST_CASE("L1Loss and HuberLoss: where the target is met the gradient is 0, and NaN in an output stays") {
    const Sequence<double> y(Matrix<double>{{1, 3, -3}}), target(Matrix<double>{{1, 1, 1}});
    Sequence<double> dy;
    CHECK(L1Loss{Reduction::sum}(y, target, &dy) == 6);
    CHECK(dy.values() == Matrix<double>{{0, 1, -1}});
    CHECK(HuberLoss{.delta = 3, .reduction = Reduction::sum}(y, target, &dy) == 2 + 3 * 2.5);
    CHECK(dy.values() == Matrix<double>{{0, 2, -3}});
    const Sequence<double> broken(Matrix<double>{{1, std::numeric_limits<double>::quiet_NaN(), 0}});
    CHECK(std::isnan(L1Loss{}(broken, target, &dy)));
    CHECK(std::isnan(dy.data()[1]));
    CHECK(std::isnan(HuberLoss{}(broken, target)));
    CHECK(std::isnan(QuantileLoss{{.5}}(broken, target)));
}

TEST_CASE("StudentTNLLLoss: with many degrees of freedom it is the Gaussian's, and no digits are lost") {
    const Sequence<double> y(Matrix<double>{{0.3}, {0.5}, {1e9}}), target(Matrix<double>{{1.7}});
    Sequence<double> dy, expected;
    const Sequence<double> two(Matrix<double>(y.values().topRows(2)));
    CHECK(StudentTNLLLoss{}(y, target, &dy) == Catch::Approx(GaussianNLLLoss{}(two, target, &expected)).epsilon(1e-8));
    CHECK(difference(dy.values().topRows(2), expected.values()) < 1e-8);
    CHECK(std::abs(dy.data()[2]) < 1e-15);
    // Γ(1)/Γ(½) = 1/√π: ν = 1 is Cauchy's distribution.
    const double sigma = StudentTNLLLoss{}.scale(0.5), z = (1.7 - 0.3) / sigma;
    CHECK(StudentTNLLLoss{.degrees_of_freedom = 1}(two, target) ==
          Catch::Approx(std::log(std::numbers::pi * sigma * (1 + z * z))).epsilon(1e-15));
}

TEST_CASE("GaussianNLLLoss: large outputs and targets that are met exactly have finite losses and gradients") {
    const Sequence<double> y(Matrix<double>{{2, 2, 1e3}, {-1e4, 1e4, -1e4}}), target(Matrix<double>{{2, 2, 2}});
    Sequence<double> dy;
    CHECK(std::isfinite(GaussianNLLLoss{}(y, target, &dy)));
    CHECK(dy.values().allFinite());
    CHECK(GaussianNLLLoss{}.standard_deviation(-1e4) == 1e-3);
    CHECK(GaussianNLLLoss{}.standard_deviation(1e4) == 1e4 + 1e-3);
}

TEST_CASE("L1, Huber, Gaussian and Student t losses: mistakes are named") {
    const Sequence<float> y(4, 3, 2);
    Sequence<float> target(2, 3, 2);
    REQUIRE_THROWS_WITH(L1Loss{}(y, target),
                        "L1Loss: y is features 4 × steps 3 × batch 2 and target 2 × 3 × 2, expected "
                        "the same shape");
    REQUIRE_THROWS_WITH(HuberLoss{.delta = 0}.check(target.view(), 2),
                        "HuberLoss: delta is 0, expected a finite number > 0");
    REQUIRE_THROWS_WITH((GaussianNLLLoss{.min_scale = 0}(y, target)),
                        "GaussianNLLLoss: min_scale is 0, expected a finite number > 0");
    REQUIRE_THROWS_WITH(StudentTNLLLoss{}(y, target),
                        "StudentTNLLLoss: y has 4 features and target 2, expected 3 outputs for each target");
    REQUIRE_THROWS_WITH((StudentTNLLLoss{.degrees_of_freedom = -1}(y, target)),
                        "StudentTNLLLoss: degrees_of_freedom are -1, expected a finite number > 0");
    REQUIRE_THROWS_WITH((StudentTNLLLoss{.min_scale = -1}(y, target)),
                        "StudentTNLLLoss: min_scale is -1, expected a finite number > 0");
    target.values()(1, 3) = std::numeric_limits<float>::quiet_NaN();
    REQUIRE_THROWS_WITH(GaussianNLLLoss{}(y, target),
                        "GaussianNLLLoss: the target at feature 1, step 1 of sequence 1 is "
                        "nan, expected a finite number; skip_nan passes over NaN");
}
