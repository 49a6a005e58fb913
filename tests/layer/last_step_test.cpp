#include "carousel/layer/last_step.hpp"

#include "catch.hpp"
#include "support.hpp"

#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

TEST_CASE("LastStep: of every sequence its last real step, and zeros of an empty one") {
    const LastStep last;
    LastStep::Tape<double> tape;
    Random random(27);
    auto x = random_sequence<double>(2, 5, 3, random);
    CHECK(last.forward(x.view(), tape).values() == x.step(4));
    CHECK(last.infer(x.view(), tape).values() == x.step(4));

    x.set_lengths(std::vector<Index>{2, 0, 5});
    const auto y = last.forward(x.view(), tape);
    CHECK((y.steps() == 1 && y.batch() == 3 && !y.ragged()));
    CHECK(y.values().col(0) == x.step(1).col(0));
    CHECK(y.values().col(1).isZero(0));
    CHECK(y.values().col(2) == x.step(4).col(2));
}

TEST_CASE("LastStep: dx is dy at every sequence's last real step, and zero elsewhere") {
    LastStep last;
    LastStep::Tape<double> tape;
    Random random(28);
    const auto x = random_sequence<double>(2, 5, 3, random, {2, 0, 5}), dy = random_sequence<double>(2, 1, 3, random);
    last.forward(x.view(), tape);
    const auto dx = last.backward(dy.view(), tape);
    Matrix<double> expected = Matrix<double>::Zero(2, 15);
    expected.col(1 * 3 + 0) = dy.values().col(0);
    expected.col(4 * 3 + 2) = dy.values().col(2);
    CHECK(dx.values() == expected);
    CHECK((dx.steps() == 5 && dx.batch() == 3 && dx.length(1) == 0));
    last.forward(x.view(), tape);
    CHECK(last.backward(dy.view(), tape, {.input_gradient = false}).columns() == 0);
}

TEST_CASE("LastStep: what doesn't fit is refused") {
    LastStep last;
    LastStep::Tape<float> tape;
    const Sequence<float> x(3, 4, 2), none(3, 0, 2), dy(3, 1, 2), wrong(3, 4, 2);
    REQUIRE_THROWS_AS(last.forward(none.view(), tape), std::invalid_argument);
    REQUIRE_THROWS_WITH(last.forward(none.view(), tape), "LastStep::forward: x has 0 steps, expected at least 1");
    const std::string no_pass =
        "LastStep::backward: the tape holds no forward pass (none was made, it was inference, or "
        "backward has consumed it)";
    REQUIRE_THROWS_AS(last.backward(dy.view(), tape), std::logic_error);
    REQUIRE_THROWS_WITH(last.backward(dy.view(), tape), no_pass);
    last.forward(x.view(), tape);
    REQUIRE_THROWS_WITH(last.backward(wrong.view(), tape), "LastStep::backward: dy is 3 x 8, expected 3 x 2");
    REQUIRE_NOTHROW(last.backward(dy.view(), tape));
    REQUIRE_THROWS_WITH(last.backward(dy.view(), tape), no_pass);
    last.infer(x.view(), tape);
    REQUIRE_THROWS_WITH(last.backward(dy.view(), tape), no_pass);
}

TEST_CASE("BothEnds: of every sequence the upper half of its last real step and the lower half of its first") {
    BothEnds ends;
    BothEnds::Tape<double> tape;
    Random random(29);
    const auto x = random_sequence<double>(4, 5, 3, random, {2, 0, 5}), dy = random_sequence<double>(4, 1, 3, random);
    const Matrix<double> y = ends.forward(x.view(), tape).values();
    const auto dx = ends.backward(dy.view(), tape);
    Matrix<double> expected = Matrix<double>::Zero(4, 3), expected_dx = Matrix<double>::Zero(4, 15);
    for (const Index b : {0, 2}) {
        const Index last = (b == 0 ? 1 : 4) * 3 + b;
        expected.col(b) << x.values().col(last).head(2), x.values().col(b).tail(2);
        expected_dx.col(last).head(2) = dy.values().col(b).head(2);
        expected_dx.col(b).tail(2) = dy.values().col(b).tail(2);
    }
    CHECK(y == expected);
    CHECK(dx.values() == expected_dx);
    CHECK((dx.steps() == 5 && dx.batch() == 3 && dx.length(1) == 0));
    CHECK(ends.infer(x.view(), tape).values() == expected);

    const Sequence<double> one_step(Matrix<double>(Matrix<double>::Random(4, 2)), 2);
    CHECK(ends.forward(one_step.view(), tape).values() == one_step.values());
    CHECK(ends.backward(one_step.view(), tape).values() == one_step.values());
}

TEST_CASE("BothEnds: what doesn't fit is refused") {
    BothEnds ends;
    BothEnds::Tape<float> tape;
    const Sequence<float> x(4, 4, 2), odd(3, 4, 2), none(4, 0, 2), dy(4, 1, 2);
    REQUIRE_THROWS_WITH(ends.forward(odd.view(), tape), "BothEnds: x has 3 features, expected an even number");
    REQUIRE_THROWS_WITH(ends.output_size(3), "BothEnds: x has 3 features, expected an even number");
    REQUIRE_THROWS_WITH(ends.forward(none.view(), tape), "BothEnds::forward: x has 0 steps, expected at least 1");
    REQUIRE_THROWS_WITH(ends.backward(dy.view(), tape),
                        "BothEnds::backward: the tape holds no forward pass (none was made, it was inference, or "
                        "backward has consumed it)");
    ends.forward(x.view(), tape);
    REQUIRE_THROWS_WITH(ends.backward(x.view(), tape), "BothEnds::backward: dy is 4 x 8, expected 4 x 2");
    REQUIRE_NOTHROW(ends.backward(dy.view(), tape));
}

TEST_CASE("FirstStep: of every sequence its first step, zeros of an empty one, and dx is dy there") {
    FirstStep first;
    FirstStep::Tape<double> tape;
    Random random(30);
    const auto x = random_sequence<double>(2, 5, 3, random, {2, 0, 5}), dy = random_sequence<double>(2, 1, 3, random);
    const Matrix<double> y = first.forward(x.view(), tape).values();
    const auto dx = first.backward(dy.view(), tape);
    Matrix<double> expected = Matrix<double>::Zero(2, 3), expected_dx = Matrix<double>::Zero(2, 15);
    for (const Index b : {0, 2}) {
        expected.col(b) = x.values().col(b);
        expected_dx.col(b) = dy.values().col(b);
    }
    CHECK(y == expected);
    CHECK(dx.values() == expected_dx);
    CHECK((dx.steps() == 5 && dx.batch() == 3 && dx.length(1) == 0));
    CHECK(first.infer(x.view(), tape).values() == expected);
    const Sequence<double> none(3, 0, 2);
    REQUIRE_THROWS_WITH(first.forward(none.view(), tape), "FirstStep::forward: x has 0 steps, expected at least 1");
    first.forward(x.view(), tape);
    REQUIRE_THROWS_WITH(first.backward(x.view(), tape), "FirstStep::backward: dy is 2 x 15, expected 2 x 3");
}
