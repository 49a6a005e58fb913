#include "carousel/train/unpadded.hpp"

#include "catch.hpp"
#include "support.hpp"
#include "train/going_on.hpp"

#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"

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

TEST_CASE("unpadded: sequences that are padded in front train as they do without padding") {
    const auto data = training_data();
    const Dataset<double> in_front{padded_in_front(data.x), padded_in_front(data.y)};
    const auto losses = [](const Dataset<double>& with) {
        auto model = noisy_model();
        const auto history = fit(model, with, MeanSquaredError{}, Adam{}, {.epochs = 2, .batch_size = 4});
        return std::vector<double>{history.epochs[0].loss, history.epochs[1].loss};
    };
    const auto expected = losses(data);
    CHECK(losses(unpadded(in_front, data.x.lengths())) == expected);
    CHECK(losses(unpadded(in_front, 0)) == expected);
    const auto model = noisy_model();
    CHECK(model(unpadded(in_front.x, 0)).values() == model(data.x).values());
    const Dataset<double> one_each{in_front.x, Sequence<double>(1, 1, 12)};
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
