#include "carousel/decode/generate.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/decode/sample.hpp"

#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

/// A net of four tokens with no head for numbers.
auto speaker() {
    Sequential model{SimpleRNN<double>{4, 8}, Dense<double>{8, 4}};
    model.initialize(4);
    return model;
}

} // namespace

TEST_CASE("generate: is the whole-sequence pass over what it says") {
    const auto model = speaker();
    Stream stream{model};
    const std::vector<Index> said = generate(stream, 2, 12, greedy);
    REQUIRE(said.size() == 12);
    Sequence<double> heard(4, 12);
    for (Index t = 0; t < 12; ++t)
        heard.values()(t == 0 ? 2 : said[static_cast<std::size_t>(t - 1)], t) = 1;
    const auto logits = model(heard);
    for (Index t = 0; t < 12; ++t)
        CHECK(greedy(std::span<const double>(logits.values().col(t).data(), 4)) == said[static_cast<std::size_t>(t)]);
}

TEST_CASE("generate: goes on where it ended, one seed one text, and stops before the end token") {
    const auto model = speaker();
    Stream stream{model}, parts{model};
    const auto hot = [random = Random(5)](auto logits) mutable { return sample(logits, 2, random); };
    auto pick = hot, again = hot, third = hot;
    const std::vector<Index> said = generate(stream, 0, 40, pick);
    std::vector<Index> pieces = generate(parts, 0, 15, again);
    for (const Index token : generate(parts, pieces.back(), 25, again))
        pieces.push_back(token);
    CHECK(pieces == said);

    stream.reset();
    const auto end = std::find(said.begin(), said.end(), 3);
    REQUIRE((end != said.begin() && end != said.end()));
    CHECK(generate(stream, 0, 40, third, 3) == std::vector<Index>(said.begin(), end));
    CHECK(generate(stream, 0, 0, pick).empty());
}

TEST_CASE("generate: a model of one input hears the token's number") {
    Dense<double> counter{1, 10}; // its largest logit is that of twice the number plus one, for 0 … 4
    for (Index k = 0; k < 10; ++k) {
        const double place = static_cast<double>(k);
        counter.W().value(k, 0) = 4 * place;
        counter.b().value(k, 0) = 2 * place - place * place; // maximal at k = 2x + 1
    }
    Stream stream{counter};
    CHECK(generate(stream, 0, 3, greedy) == std::vector<Index>{1, 3, 7});
}

TEST_CASE("generate: a batch of states says what each says alone") {
    const auto model = speaker();
    Random random(6);
    const std::tuple<Matrix<double>, NoState> states{random_matrix<double>(8, 5, random), {}};
    const auto together = generate(model, states, 1, 6, greedy);
    CHECK((together.features() == 1 && together.steps() == 6 && together.batch() == 5));
    Stream stream{model};
    for (Index b = 0; b < 5; ++b) {
        stream.set_state({std::get<0>(states).col(b), {}});
        const std::vector<Index> alone = generate(stream, 1, 6, greedy);
        for (Index t = 0; t < 6; ++t)
            CHECK(static_cast<Index>(together.step(t)(0, b)) == alone[static_cast<std::size_t>(t)]);
    }
    CHECK(generate(model, states, 1, 0, greedy).steps() == 0);
}

TEST_CASE("generate: what doesn't fit is refused") {
    const auto model = speaker();
    Stream stream{model};
    REQUIRE_THROWS_AS(generate(stream, 0, -1, greedy), std::invalid_argument);
    REQUIRE_THROWS_WITH(generate(stream, 0, -1, greedy), "generate: steps is -1, expected at least 0");
    REQUIRE_THROWS_WITH(generate(stream, 4, 1, greedy), "generate: token is 4, expected 0 … 3");
    REQUIRE_THROWS_WITH(generate(stream, -1, 1, greedy), "generate: token is -1, expected 0 … 3");
    REQUIRE_THROWS_WITH(generate(stream, 0, 2, [](auto) { return 7; }), "generate: token is 7, expected 0 … 3");
    const std::tuple<Matrix<double>, NoState> states{Matrix<double>(8, 2), {}};
    REQUIRE_THROWS_WITH(generate(model, {}, 0, 1, greedy),
                        "generate: the state is empty, expected a column for each sequence");
    REQUIRE_THROWS_WITH(generate(model, states, 0, -1, greedy), "generate: steps is -1, expected at least 0");
    REQUIRE_THROWS_WITH(generate(model, states, 9, 1, greedy), "generate: token is 9, expected 0 … 3");
    const Dense<double> one{1, 3};
    Stream numbers{one};
    REQUIRE_THROWS_WITH(generate(numbers, -2, 1, greedy), "generate: token is -2, expected at least 0");
}
