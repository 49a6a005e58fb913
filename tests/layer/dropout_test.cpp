#include "carousel/layer/dropout.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/train/check_gradients.hpp"

#include <limits>
#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

TEMPLATE_TEST_CASE("Dropout: zeroes numbers at its rate and scales the others so that the mean stays", "", float,
                   double) {
    using S = TestType;
    const Sequence<S> ones(Matrix<S>(Matrix<S>::Ones(10, 10'000)));
    for (const double rate : {0.0, 0.2, 0.5, 0.9}) {
        const Dropout dropout(rate, {.seed = 1});
        Dropout::Tape<S> tape;
        const auto y = dropout.forward(ones.view(), tape);
        const double n = 1e5, zeros = static_cast<double>((y.values().array() == 0).count());
        INFO("rate " << rate);
        CHECK(std::abs(zeros - rate * n) <= 4 * std::sqrt(n * rate * (1 - rate))); // four deviations
        const S kept = static_cast<S>(1 / (1 - rate));
        CHECK((y.values().array() == 0 || y.values().array() == kept).all());
    }
}

TEST_CASE("Dropout: inference is the identity") {
    const Dropout dropout(0.5);
    Dropout::Tape<float> tape;
    Random random(24);
    const auto x = random_sequence<float>(3, 4, 2, random);
    CHECK(dropout.infer(x.view(), tape).values() == x.values());
}

TEST_CASE("Dropout: every pass has a new mask, a fresh tape repeats them, another layer has others") {
    const Dropout dropout(0.5, {.seed = 7}), same(0.5, {.seed = 7}), first(0.5), second(0.5);
    const Sequence<float> ones(Matrix<float>(Matrix<float>::Ones(10, 20)));
    const auto masks = [&](const Dropout& layer) {
        Dropout::Tape<float> tape;
        const Matrix<float> one = layer.forward(ones.view(), tape).values();
        layer.infer(ones.view(), tape); // draws nothing
        return std::pair(one, Matrix<float>(layer.forward(ones.view(), tape).values()));
    };
    CHECK(masks(dropout).first != masks(dropout).second);
    CHECK(masks(dropout) == masks(dropout));
    CHECK(masks(dropout) == masks(same));
    CHECK(masks(first) != masks(second));
}

TEST_CASE("Dropout: backward uses forward's mask") {
    Dropout dropout(0.5, {.seed = 1});
    Dropout::Tape<double> tape;
    Random random(25);
    const auto x = random_sequence<double>(3, 4, 2, random), dy = random_sequence<double>(3, 4, 2, random);
    const Matrix<double> mask = dropout.forward(x.view(), tape).values().cwiseQuotient(x.values());
    CHECK(difference(dropout.backward(dy.view(), tape).values(), dy.values().cwiseProduct(mask)) < 1e-14);
    dropout.forward(x.view(), tape);
    CHECK(dropout.backward(dy.view(), tape, {.input_gradient = false}).columns() == 0);
}

TEST_CASE(
    "Dropout: per sequence, every step has the mask of the first and every sequence its own, in both directions") {
    Dropout dropout(0.5, {.per_sequence = true, .seed = 2});
    Dropout::Tape<double> tape;
    const Sequence<double> ones(Matrix<double>(Matrix<double>::Ones(20, 12)), 3);
    const Matrix<double> y = dropout.forward(ones.view(), tape).values(), mask = y.leftCols(3);
    CHECK(y == mask.replicate(1, 4));
    CHECK((mask.array() == 0 || mask.array() == 2).all());
    CHECK((mask.col(0) != mask.col(1) && mask.col(1) != mask.col(2)));
    CHECK(dropout.backward(ones.view(), tape).values() == y);
    CHECK(dropout.forward(ones.view(), tape).values() != y); // the next pass, or chunk of a sequence, draws anew
    const Sequence<double> shorter(Matrix<double>(Matrix<double>::Ones(20, 2)), 2);
    CHECK(dropout.forward(shorter.view(), tape).values().cols() == 2);
    CHECK(dropout.infer(ones.view(), tape).values() == ones.values());

    const auto count = [](const Matrix<double>& m) { return static_cast<double>((m.array() == 0).count()); };
    const Sequence<double> many(Matrix<double>(Matrix<double>::Ones(10, 20'000)), 10'000);
    const double zeros = count(Dropout(0.2, {.per_sequence = true, .seed = 3}).forward(many.view(), tape).values()) / 2;
    CHECK(std::abs(zeros - 2e4) <= 4 * std::sqrt(1e5 * 0.2 * 0.8)); // four deviations
}

TEST_CASE("Dropout: check_gradients sees one mask, between layers too") {
    Random random(26);
    Sequential model{Dense<double>{3, 5}, Dropout{0.4}, Dense<double>{5, 2}};
    const auto check = check_gradients(model, random_sequence<double>(3, 4, 2, random),
                                       random_sequence<double>(2, 4, 2, random), MeanSquaredError{});
    CHECK(check.worst < 1e-6);

    Sequential per_sequence{Dense<double>{3, 5}, Dropout{0.4, {.per_sequence = true}}, Dense<double>{5, 2}};
    CHECK(check_gradients(per_sequence, random_sequence<double>(3, 4, 2, random, {4, 2}),
                          random_sequence<double>(2, 4, 2, random), MeanSquaredError{})
              .worst < 1e-6);
}

TEST_CASE("Dropout: what doesn't fit is refused") {
    REQUIRE_THROWS_AS(Dropout(1), std::invalid_argument);
    REQUIRE_THROWS_WITH(Dropout(1), "Dropout: rate is 1, expected 0 <= rate < 1");
    REQUIRE_THROWS_WITH(Dropout(-0.25), "Dropout: rate is -0.25, expected 0 <= rate < 1");
    REQUIRE_THROWS_WITH(Dropout(std::numeric_limits<double>::quiet_NaN()),
                        "Dropout: rate is nan, expected 0 <= rate < 1");

    Dropout dropout(0.5);
    Dropout::Tape<float> tape;
    const Sequence<float> x(3, 4, 2), wrong(3, 3, 2);
    const std::string no_pass =
        "Dropout::backward: the tape holds no forward pass (none was made, it was inference, or "
        "backward has consumed it)";
    REQUIRE_THROWS_AS(dropout.backward(x.view(), tape), std::logic_error);
    REQUIRE_THROWS_WITH(dropout.backward(x.view(), tape), no_pass);
    dropout.forward(x.view(), tape);
    REQUIRE_THROWS_WITH(dropout.backward(wrong.view(), tape), "Dropout::backward: dy is 3 x 6, expected 3 x 8");
    REQUIRE_NOTHROW(dropout.backward(x.view(), tape));
    REQUIRE_THROWS_WITH(dropout.backward(x.view(), tape), no_pass);
    dropout.infer(x.view(), tape);
    REQUIRE_THROWS_WITH(dropout.backward(x.view(), tape), no_pass);
}
