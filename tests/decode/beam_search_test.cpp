#include "carousel/decode/beam_search.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/decode/generate.hpp"
#include "carousel/decode/sample.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/sequential.hpp"

#include <limits>
#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

using Net = Sequential<GRU<double>, Dense<double>>;

/// Of 3 tokens and logits that differ, after large random weights.
Net net(std::uint64_t seed) {
    Net net{GRU<double>{3, 4}, Dense<double>{4, 3}};
    Random random(seed);
    net.each_parameter([&](const std::string&, Parameter<double>& p) {
        p.value = random_matrix<double>(p.value.rows(), p.value.cols(), random, 1.5);
    });
    return net;
}
Net::State start_of(Index batch, Random& random) {
    return {random_matrix<double>(4, batch, random), {}};
}

/// ln of the probability that the net says these tokens, and then `end` if it is given, from state column b on.
double log_probability(const Net& net, const Net::State& state, Index b, Index start, std::vector<Index> tokens,
                       std::optional<Index> end) {
    if (end)
        tokens.push_back(*end);
    Sequence<double> x(3, static_cast<Index>(tokens.size()));
    for (Index t = 0; t < x.steps(); ++t)
        x.values()(t == 0 ? start : tokens[static_cast<std::size_t>(t - 1)], t) = 1;
    Net::Tape tape;
    const Net::State one{std::get<0>(state).col(b), {}};
    const auto y = net.infer(x, tape, one);
    double sum = 0;
    for (Index t = 0; t < x.steps(); ++t)
        sum += y.values()(tokens[static_cast<std::size_t>(t)], t) - std::log(y.values().col(t).array().exp().sum());
    return sum;
}

/// Every sequence there is of at most `steps` tokens, in the order of scores.
std::vector<Hypothesis> exhaustive(const Net& net, const Net::State& state, Index b, const BeamSearchOptions& options) {
    std::vector<Hypothesis> all;
    std::vector<std::vector<Index>> open{{}};
    for (Index length = 1; length <= options.steps; ++length) {
        std::vector<std::vector<Index>> next;
        for (const auto& tokens : open)
            for (Index token = 0; token < 3; ++token) {
                auto longer = tokens;
                longer.push_back(token);
                if (token == options.end)
                    all.push_back({tokens, log_probability(net, state, b, 0, tokens, options.end)});
                else if (length == options.steps)
                    all.push_back({longer, log_probability(net, state, b, 0, longer, std::nullopt)});
                else
                    next.push_back(longer);
                if (!all.empty() && all.back().score == 0)
                    all.back().score = all.back().log_probability /
                                       std::pow((5 + static_cast<double>(length)) / 6, options.length_penalty);
            }
        open = next;
    }
    std::sort(all.begin(), all.end(), [](const auto& one, const auto& other) { return one.score > other.score; });
    return all;
}

} // namespace

TEST_CASE("beam_search: with room for all beginnings it finds what a search through everything finds") {
    Random random(130);
    for (const std::uint64_t seed : {1U, 2U, 3U})
        for (const double penalty : {0.0, 0.6, 1.5}) {
            const Net model = net(seed);
            const auto state = start_of(2, random);
            const BeamSearchOptions options{.steps = 5, .width = 400, .end = 2, .best = 6, .length_penalty = penalty};
            const auto found = beam_search(model, state, 0, options);
            REQUIRE(found.size() == 2);
            for (Index b = 0; b < 2; ++b) {
                const auto expected = exhaustive(model, state, b, options);
                const auto& own = found[static_cast<std::size_t>(b)];
                REQUIRE(own.size() == 6);
                for (std::size_t k = 0; k < own.size(); ++k) {
                    CHECK(own[k].tokens == expected[k].tokens);
                    CHECK(std::abs(own[k].log_probability - expected[k].log_probability) < 1e-12);
                    CHECK(std::abs(own[k].score - expected[k].score) < 1e-12);
                }
            }
        }
}

TEST_CASE("beam_search: a width of 1 is greedy, and a wider one is at least as likely here") {
    Random random(131);
    for (const std::uint64_t seed : {4U, 5U, 6U, 7U}) {
        const Net model = net(seed);
        const auto state = start_of(3, random);
        const auto greedily = generate(model, state, 0, 6, greedy);
        const auto narrow = beam_search(model, state, 0, {.steps = 6, .width = 1});
        const auto wide = beam_search(model, state, 0, {.steps = 6, .width = 3, .best = 2});
        for (Index b = 0; b < 3; ++b) {
            const auto k = static_cast<std::size_t>(b);
            REQUIRE(narrow[k][0].tokens.size() == 6);
            for (Index t = 0; t < 6; ++t)
                CHECK(narrow[k][0].tokens[static_cast<std::size_t>(t)] == static_cast<Index>(greedily.step(t)(0, b)));
            CHECK(wide[k][0].log_probability >= narrow[k][0].log_probability - 1e-12);
            CHECK((wide[k].size() == 2 && wide[k][0].score >= wide[k][1].score));
            CHECK(std::abs(wide[k][1].log_probability -
                           log_probability(model, state, b, 0, wide[k][1].tokens, std::nullopt)) < 1e-12);
        }
        Stream stream{model};
        const Net::State one{std::get<0>(state).col(0), {}};
        stream.set_state(one);
        const auto ended = beam_search(model, one, 0, {.steps = 6, .width = 1, .end = 1});
        CHECK(ended[0][0].tokens == generate(stream, 0, 6, greedy, 1));
    }
}

TEST_CASE("beam_search: a token of logit minus infinity is never said, and what doesn't fit is refused") {
    Net model = net(8);
    Random random(132);
    const auto state = start_of(1, random);
    constexpr double infinity = std::numeric_limits<double>::infinity();
    model.layer<1>().b().value(1) = -infinity;
    const auto found = beam_search(model, state, 0, {.steps = 3, .width = 9, .best = 9});
    CHECK(found[0].size() == 8);
    for (const auto& one : found[0])
        CHECK(std::count(one.tokens.begin(), one.tokens.end(), 1) == 0);
    REQUIRE_THROWS_AS(beam_search(model, state, 0, {.steps = 0}), std::invalid_argument);
    REQUIRE_THROWS_WITH(beam_search(model, state, 0, {.steps = 0}),
                        "beam_search: steps 0, width 4 and best 1 must be at least 1");
    REQUIRE_THROWS_WITH(beam_search(model, state, 0, {.steps = 1, .length_penalty = -1}),
                        "beam_search: length_penalty is -1, expected a finite number >= 0");
    REQUIRE_THROWS_WITH(beam_search(model, state, 0, {.steps = 1, .end = 3}), "beam_search: end is 3, expected 0 … 2");
    REQUIRE_THROWS_WITH(beam_search(model, state, 3, {.steps = 1}), "beam_search: token is 3, expected 0 … 2");
    const Sequential two{GRU<double>{3, 4}, GRU<double>{4, 3}};
    REQUIRE_THROWS_WITH(beam_search(two, {Matrix<double>::Zero(4, 3), Matrix<double>::Zero(3, 1)}, 0, {.steps = 1}),
                        "beam_search: a matrix of the state has 1 columns and another 3, expected one for each "
                        "sequence in all of them");
    REQUIRE_THROWS_WITH(beam_search(model, {}, 0, {.steps = 1}),
                        "beam_search: the state is empty, expected a column for each sequence");
    model.layer<1>().b().value(1) = infinity;
    REQUIRE_THROWS_WITH(beam_search(model, state, 0, {.steps = 1}),
                        "beam_search: logit 1 is inf, expected a number below infinity");
}
