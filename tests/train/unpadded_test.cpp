#include "carousel/train/unpadded.hpp"

#include "catch.hpp"
#include "support.hpp"

#include <cmath>
#include <limits>

using namespace carousel;
using namespace carousel::test;

namespace {

/// The same sequences with their padding, zeros, in front.
Sequence<double> padded_in_front(const Sequence<double>& ragged) {
    Sequence<double> out(ragged.features(), ragged.steps(), ragged.batch());
    for (Index b = 0; b < ragged.batch(); ++b) {
        const Index length = ragged.view().length(b);
        for (Index t = 0; t < length; ++t)
            out.step(ragged.steps() - length + t).col(b) = ragged.step(t).col(b);
    }
    return out;
}

} // namespace

TEST_CASE(
    "unpadded: a model makes of each sequence what it makes of it alone, and training sees what was never padded") {
    Random random(40);
    const std::vector<Index> lengths{7, 3, 5, 1};
    const auto ragged = random_sequence<double>(2, 7, 4, random, lengths);
    const auto targets = random_sequence<double>(1, 7, 4, random, lengths);
    const Dataset<double> in_front{padded_in_front(ragged), padded_in_front(targets)};
    const SimpleRNN<double> model(2, 3, {}, {.seed = 1});
    const auto run = [&](SequenceView<double> x) {
        SimpleRNN<double>::Tape tape;
        const auto y = model.infer(x, tape);
        return Sequence<double>(y.values(), y.batch());
    };
    const auto x = unpadded(in_front.x, lengths);
    const auto together = run(x);
    for (Index b = 0; b < 4; ++b) {
        const Index length = x.view().length(b);
        CHECK(length == lengths[static_cast<std::size_t>(b)]);
        Sequence<double> alone(2, length);
        for (Index t = 0; t < length; ++t)
            alone.step(t) = ragged.step(t).col(b);
        const auto expected = run(alone);
        for (Index t = 0; t < length; ++t)
            CHECK(difference(together.step(t).col(b), expected.step(t)) < 1e-14);
    }
    // All that fit sees are batches.
    const Dataset<double> never_padded{ragged, targets};
    Sequence<double> x_batch, y_batch, expected_x, expected_y;
    for (const auto& data : {unpadded(in_front, lengths), unpadded(in_front, 0)})
        for (const std::vector<Index>& samples : {std::vector<Index>{3, 1}, {0, 2, 1}}) {
            data.batch(samples, x_batch, y_batch);
            never_padded.batch(samples, expected_x, expected_y);
            CHECK((x_batch.values() == expected_x.values() && y_batch.values() == expected_y.values()));
            CHECK((x_batch.lengths() == expected_x.lengths() && y_batch.lengths() == expected_y.lengths()));
        }
    const Dataset<double> one_each{in_front.x, Sequence<double>(1, 1, 4)};
    CHECK(unpadded(one_each, 0).y.values() == one_each.y.values());
}

TEST_CASE("unpadded: by lengths, by a padding value in front and by a mask anywhere") {
    const Sequence<double> x(Matrix<double>{{9, 9, 1, 9, 9, 2, 3, 4, 9}, {9, 9, 1, 8, 9, 2, 3, 4, 2}}, 3); // 3 steps
    const auto by_lengths = unpadded(x, std::vector<Index>{2, 0, 3});
    CHECK(by_lengths.lengths() == std::vector<Index>{2, 0, 3});
    CHECK(by_lengths.values().row(0) == Matrix<double>{{9, 0, 1, 3, 0, 2, 0, 0, 9}});
    const auto by_value = unpadded(x, 9); // where all features are 9
    CHECK(by_value.lengths() == std::vector<Index>{2, 1, 3});
    CHECK(by_value.values().row(0) == Matrix<double>{{9, 4, 1, 3, 0, 2, 0, 0, 9}});
    Eigen::Array<bool, Eigen::Dynamic, Eigen::Dynamic> mask(3, 3);
    mask << true, false, true, false, false, false, true, true, true;
    const auto by_mask = unpadded(x, mask);
    CHECK(by_mask.lengths() == std::vector<Index>{2, 1, 2});
    CHECK(by_mask.values().row(0) == Matrix<double>{{9, 4, 1, 3, 0, 9, 0, 0, 0}});
    CHECK(unpadded(x, std::vector<Index>{3, 3, 3}).lengths().empty());
    CHECK(unpadded(x, -1).values() == x.values());
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    const Sequence<double> missing(Matrix<double>{{nan, nan, 3, nan, 5, 6}, {nan, nan, 3, 4, nan, 6}}, 2);
    const auto by_nan = unpadded(missing, nan); // of a step that is padding each feature is NaN
    CHECK(by_nan.lengths() == std::vector<Index>{2, 2});
    CHECK((by_nan.step(0)(0, 0) == 3 && std::isnan(by_nan.step(0)(0, 1)) && by_nan.step(0)(1, 1) == 4));
}

TEST_CASE("unpadded: lengths and masks that don't fit are refused") {
    const Sequence<double> x(2, 3, 2);
    REQUIRE_THROWS_WITH(unpadded(x, std::vector<Index>{1}), "unpadded: 1 lengths were given for a batch of 2");
    REQUIRE_THROWS_WITH(unpadded(x, std::vector<Index>{1, 4}), "unpadded: a length is 4, expected 0 … 3");
    REQUIRE_THROWS_WITH(unpadded(x, Matrix<double>(2, 3)),
                        "unpadded: the mask is 2 x 3, expected steps x batch, 3 x 2");
    const Sequence<double> ragged(2, 3, 2, {1, 3});
    REQUIRE_THROWS_WITH(unpadded(ragged, std::vector<Index>{1, 3}),
                        "unpadded: x has lengths already, expected sequences padded in front");
    REQUIRE_THROWS_WITH(unpadded(ragged, Matrix<double>(3, 2)),
                        "unpadded: x has lengths already, expected a mask to say which steps are real");
    REQUIRE_THROWS_WITH(unpadded(Dataset<double>{x, Sequence<double>(1, 1, 3)}, 0),
                        "unpadded: x has 2 samples and y 3");
}
