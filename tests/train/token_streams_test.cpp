#include "carousel/core/number_text.hpp"
#include "carousel/train/token_streams.hpp"

#include "catch.hpp"

#include <limits>
#include <vector>

using namespace carousel;

TEST_CASE("token_streams: each stream goes on from batch to batch, the token after each is its target") {
    std::vector<Index> tokens;
    for (Index k = 0; k < 14; ++k)
        tokens.push_back(100 + k);
    const Dataset<double> data = token_streams<double>(tokens, 2, 2); // 100 … 105 | 106 … 111
    REQUIRE(data.size() == 6);
    REQUIRE(data.x.steps() == 2);
    const Matrix<double> x{{100, 106, 102, 108, 104, 110}, {101, 107, 103, 109, 105, 111}};
    CHECK(data.x.values().reshaped(6, 2).transpose() == x);
    CHECK(data.y.values().reshaped(6, 2).transpose() == (x.array() + 1).matrix());
}

TEST_CASE("token_streams: one token more than streams times steps is enough, and the last is a target") {
    const std::vector<Index> tokens{3, 1, 4, 1, 5, 9, 2};
    const Dataset<float> data = token_streams(tokens, 3, 2);
    REQUIRE(data.size() == 3);
    CHECK(data.x.values() == Matrix<float>{{3, 4, 5, 1, 1, 9}});
    CHECK(data.y.values() == Matrix<float>{{1, 1, 9, 4, 5, 2}});
    CHECK_THROWS_WITH(token_streams(std::span(tokens).first(6), 3, 2),
                      "token_streams: there are 6 tokens, expected more than 3 streams x 2 steps: ask for fewer or "
                      "shorter ones");
}

TEST_CASE("token_streams: what can't be cut is refused") {
    std::vector<Index> tokens{0, 1, 2};
    CHECK_THROWS_WITH(token_streams(tokens, 0, 1), "token_streams: streams is 0, expected streams >= 1");
    CHECK_THROWS_WITH(token_streams(tokens, 1, -2), "token_streams: steps is -2, expected steps >= 1");
    const Index large = std::numeric_limits<Index>::max();
    CHECK_THROWS_WITH(token_streams({}, large, large),
                      "token_streams: there are 0 tokens, expected more than " + detail::decimal(large) +
                          " streams x " + detail::decimal(large) + " steps: ask for fewer or shorter ones");
    tokens[1] = -1;
    CHECK_THROWS_WITH(token_streams(tokens, 1, 1), "token_streams: token 1 is -1, expected 0 … 16777216");
    tokens[1] = 16777217;
    CHECK_THROWS_WITH(token_streams(tokens, 1, 1), "token_streams: token 1 is 16777217, expected 0 … 16777216");
    CHECK(token_streams<double>(tokens, 1, 1).y.values()(0) == 16777217);
}
