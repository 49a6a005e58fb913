#include "catch.hpp"
#include "stream/streams.hpp"
#include "support.hpp"

#include <algorithm>
#include <span>
#include <stdexcept>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

using Net = Sequential<LSTM<float>, Dense<float>>;
static_assert(noexcept(std::declval<Stream<Net>&>()(std::span<const float>{}, std::span<float>{})));
static_assert(noexcept(std::declval<Stream<Net>&>()(std::span<const float* const>{}, std::span<float* const>{}, 1)));
static_assert(noexcept(std::declval<Stream<Net>&>().reset_to_rest()));

} // namespace

TEST_CASE("Stream: a block gives the numbers of single samples, interleaved or planar") {
    const Net model{LSTM<float>{2, 5}, Dense<float>{5, 3}};
    Random random(90);
    const Matrix<float> x = random_matrix<float>(2, 20, random);
    Stream single{model}, interleaved{model}, planar{model};
    const Matrix<float> expected = run(single, x);

    Matrix<float> y(3, 20);
    const std::span in(x.data(), 40);
    const std::span out(y.data(), 60);
    CHECK(interleaved(in.first(14), out.first(21)));
    CHECK(interleaved(in.subspan(14), out.subspan(21)));
    CHECK(interleaved(std::span<const float>{}, std::span<float>{}));
    CHECK(y == expected);

    const Matrix<float> features = x.transpose();
    Matrix<float> outputs(20, 3);
    for (const Index first : {0, 13}) {
        const std::vector<const float*> from{features.col(0).data() + first, features.col(1).data() + first};
        const std::vector<float*> to{outputs.col(0).data() + first, outputs.col(1).data() + first,
                                     outputs.col(2).data() + first};
        CHECK(planar(from, to, first == 0 ? 13 : 7));
    }
    CHECK(outputs.transpose() == expected);
    CHECK(same(planar.state(), single.state()));
}

TEST_CASE("Stream: a block's outputs may stand where its samples stood") {
    const auto check = [](const auto& model, std::size_t features, std::size_t outputs) {
        Random random(91);
        Matrix<float> x = random_matrix<float>(static_cast<Index>(4 * features), 1, random);
        const std::span<float> in(x.data(), 4 * features);
        std::vector<float> y(4 * outputs);
        Stream apart{model}, in_place{model};
        CHECK(apart(in, y));
        CHECK(in_place(in, in.first(y.size())));
        CHECK(std::equal(y.begin(), y.end(), in.begin()));
    };
    check(Net{LSTM<float>{1, 5}, Dense<float>{5, 1}}, 1, 1);
    check(Net{LSTM<float>{3, 5}, Dense<float>{5, 2}}, 3, 2);
    check(Sequential{Dropout{0.5}, LastStep{}, Dense<float>{3, 2}, Dropout{0.5}}, 3, 2); // parts that return x itself
}

TEST_CASE("Stream: a block of a wrong size changes nothing") {
    const Net model{LSTM<float>{2, 5}, Dense<float>{5, 3}};
    Stream stream{model};
    const auto before = stream.state();
    const std::vector<float> x(8, 1);
    std::vector<float> y(12, -1);
    const auto refused = [&](std::size_t in, std::size_t out) {
        return !stream(std::span(x).first(in), std::span(y).first(out));
    };
    CHECK(refused(7, 12));
    CHECK(refused(8, 11));
    CHECK(refused(6, 12));
    CHECK(refused(0, 3));
    CHECK(refused(1, 0));
    CHECK(refused(8, 0));
    const float* in[3] = {x.data(), x.data(), nullptr};
    float* out[3] = {y.data(), y.data(), y.data()};
    CHECK_FALSE(stream(std::span(in), std::span(out), 1));
    CHECK_FALSE(stream(std::span(in).first(1), std::span(out), 1));
    CHECK_FALSE(stream(std::span(in).first(2), std::span(out).first(2), 1));
    CHECK_FALSE(stream(std::span(in).first(2), std::span(out), -1));
    CHECK_FALSE(stream(std::span(in).last(2), std::span(out), 1));
    out[1] = nullptr;
    CHECK_FALSE(stream(std::span(in).first(2), std::span(out), 1));
    CHECK(same(stream.state(), before));
    CHECK(y == std::vector<float>(12, -1));
}

TEST_CASE("Stream: goes back to the state of rest that zeros leave") {
    Net model{LSTM<float>{2, 5}, Dense<float>{5, 3}};
    model.layer<0>().b().value.setConstant(0.5F);
    const std::vector<float> zeros(2), x{0.5F, -1};
    Stream stream{model}, rest{model};
    feed(stream, x);
    stream.reset_to_rest(); // none yet
    CHECK(same(stream.state(), rest.state()));
    for (int t = 0; t < 30; ++t)
        feed(rest, zeros);
    feed(stream, x);
    stream.prewarm(30);
    CHECK(same(stream.state(), rest.state()));
    feed(stream, x);
    auto copy = stream;
    stream.reset_to_rest();
    copy.reset_to_rest();
    CHECK(same(stream.state(), rest.state()));
    CHECK(same(copy.state(), rest.state()));
    stream.prewarm(0);
    CHECK(same(stream.state(), Stream{model}.state()));
    feed(stream, x);
    const auto before = stream.state();
    REQUIRE_THROWS_AS(stream.prewarm(-1), std::invalid_argument);
    REQUIRE_THROWS_WITH(stream.prewarm(-1), "Stream::prewarm: samples is -1, expected at least 0");
    CHECK(same(stream.state(), before));
}
