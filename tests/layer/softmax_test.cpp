#include "carousel/layer/softmax.hpp"

#include "layer/stepwise.hpp"

#include <cmath>
#include <limits>

using namespace carousel;
using namespace carousel::test;

TEMPLATE_TEST_CASE("Softmax: the features of a step become probabilities in the ratio of their exponentials", "", float,
                   double) {
    using S = TestType;
    Random random(40);
    for (const Index features : {1, 2, 7, 16, 33}) {
        const auto x = random_sequence<S>(features, 3, 2, random);
        Softmax::Tape<S> tape;
        const Matrix<S> y = Softmax{}.infer(x.view(), tape).values(), e = x.values().array().exp().matrix();
        for (Index k = 0; k < e.cols(); ++k)
            CHECK(difference(y.col(k), e.col(k) / e.col(k).sum()) < rounding<S>);
    }
}

TEST_CASE("Softmax: gradients, streams, and float beside double") {
    check_stepwise(Softmax{});
    CHECK(Softmax{}.name() == "Softmax");
}

TEMPLATE_TEST_CASE("Softmax: large and infinite numbers", "", float, double) {
    using S = TestType;
    constexpr S infinity = std::numeric_limits<S>::infinity(), nan = std::numeric_limits<S>::quiet_NaN();
    const auto softmax = [](const Matrix<S>& x) {
        Softmax::Tape<S> tape;
        const Sequence<S> column(x);
        return Matrix<S>(Softmax{}.infer(column.view(), tape).values());
    };
    const S large = S(1e30);
    CHECK(softmax(Matrix<S>{{large}, {large}}) == Matrix<S>{{0.5}, {0.5}});
    CHECK(softmax(Matrix<S>{{-large}, {large}, {-infinity}}) == Matrix<S>{{0}, {1}, {0}});
    CHECK(softmax(Matrix<S>{{-large}, {-large}}) == Matrix<S>{{0.5}, {0.5}});
    CHECK(softmax(Matrix<S>{{nan}, {1}}).array().isNaN().all());
    CHECK(softmax(Matrix<S>{{1}, {nan}}).array().isNaN().all());
    CHECK(softmax(Matrix<S>{{infinity}, {1}}).array().isNaN().all());
    CHECK(softmax(Matrix<S>{{-infinity}, {-infinity}}).array().isNaN().all());
    CHECK(Softmax{}.output_size(3) == 3);
}

TEST_CASE("Softmax: what doesn't fit is refused") {
    check_refusals(Softmax{}, "Softmax");
}
