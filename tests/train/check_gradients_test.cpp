#include "carousel/train/check_gradients.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/loss/mean_squared_error.hpp"

#include <limits>
#include <string>
#include <type_traits>

using namespace carousel;
using namespace carousel::test;

namespace {

/// A layer whose backward somebody got wrong: mistake(layer, dx, options) is done after the right one.
template <class L, class Mistake>
struct Mistaken : L {
    Mistake mistake;
    Matrix<double> dx = {};

    SequenceView<double> backward(SequenceView<double> dy, typename L::Tape& tape,
                                  const BackwardOptions<typename L::State>& options) {
        const auto right = L::backward(dy, tape, options);
        dx = right.values();
        mistake(*this, dx, options);
        return {dx.data(), right.features(), right.steps(), right.batch(), right.lengths()};
    }
};

template <class L, class Mistake>
GradientCheck check(const L& layer, Mistake mistake) {
    Mistaken<L, Mistake> mistaken{layer, mistake};
    Random random(60);
    const auto x = random_sequence<double>(2, 3, 2, random), target = random_sequence<double>(3, 3, 2, random);
    typename L::State initial{};
    if constexpr (std::is_same_v<decltype(initial), Matrix<double>>)
        initial = random_matrix<double>(3, 2, random);
    return check_gradients(mistaken, x, target, MeanSquaredError{}, initial);
}

const SimpleRNN<double> rnn{2, 3, {}, {.seed = 1}};
const Dense<double> dense{2, 3, {.seed = 1}};

} // namespace

TEST_CASE("check_gradients: a right backward passes, array for array") {
    const auto result = check(rnn, [](auto&, auto&, auto&) {});
    CHECK(result.worst < 1e-8);
    std::string names;
    for (const auto& entry : result.all) {
        names += entry.name + " ";
        CHECK(entry.error <= result.worst);
        CHECK(entry.analytic == Catch::Approx(entry.numeric).margin(1e-8));
    }
    CHECK(names == "W U b x initial state ");
}

TEST_CASE("check_gradients: a wrong gradient is noticed, with the name and the place") {
    const auto wrong_W = check(dense, [](auto& layer, auto&, auto&) { layer.W().grad(1, 0) *= 1.001; });
    CHECK(wrong_W.name == "W");
    CHECK(wrong_W.worst > 1e-5);
    CHECK((wrong_W.all[0].row == 1 && wrong_W.all[0].column == 0));
    CHECK(wrong_W.all[0].analytic == Catch::Approx(1.001 * wrong_W.all[0].numeric));
    CHECK(wrong_W.all[1].error < 1e-8);

    const auto forgotten = check(rnn, [](auto& layer, auto&, auto&) { layer.b().grad.setZero(); });
    CHECK(forgotten.name == "b");
    CHECK(forgotten.worst == Catch::Approx(1));

    const auto sign = check(rnn, [](auto&, auto& dx, auto&) { dx *= -1; });
    CHECK(sign.name == "x");
    CHECK(sign.worst == Catch::Approx(2));

    const auto state = check(rnn, [](auto&, auto&, auto& options) { *options.d_initial *= 2; });
    CHECK(state.name == "initial state");
    CHECK(state.worst == Catch::Approx(0.5));

    const auto nan =
        check(rnn, [](auto& layer, auto&, auto&) { layer.U().grad(2, 1) = std::numeric_limits<double>::quiet_NaN(); });
    CHECK(nan.name == "U");
    CHECK_FALSE(nan.worst < 1e-6);
}

TEST_CASE("check_gradients: leaves the model as it was, gradients at zero") {
    auto layer = dense;
    Random random(61);
    layer.W().grad.setOnes();
    const auto x = random_sequence<double>(2, 3, 2, random), target = random_sequence<double>(3, 3, 2, random);
    check_gradients(layer, x, target, MeanSquaredError{});
    CHECK(layer.W().value == dense.W().value);
    CHECK(layer.b().value == dense.b().value);
    CHECK(layer.W().grad.isZero(0));
    CHECK(layer.b().grad.isZero(0));
}

TEST_CASE("check_gradients: passes on what the layer and the loss refuse") {
    auto layer = dense;
    const Sequence<double> x(2, 3, 2), wrong(1, 3, 2);
    REQUIRE_THROWS_WITH(check_gradients(layer, wrong, x, MeanSquaredError{}),
                        "Dense::forward: x has 1 features, expected 2");
    REQUIRE_THROWS_WITH(check_gradients(layer, x, wrong, MeanSquaredError{}),
                        "MeanSquaredError: y is features 3 × steps 3 × batch 2 and target 1 × 3 × 2, expected the same "
                        "shape");
}
