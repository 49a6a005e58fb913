// generate: one to many. A net hears what it says.
#pragma once

#include "carousel/stream/stream.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace carousel {

/// Feeds `start` to the stream, then every token picked, and returns those: at most `steps`, and, if `end` is given, those before
/// it. pick(logits) gives the next token from the stream's output:
///
///     generate(stream, start, 4, greedy);
///     generate(stream, start, 200, [&](auto logits) { return sample(logits, 0.8, random); });
///
/// A model of one input is fed the token's number (one that begins with an Embedding), any other a 1 in the token's place among
/// input_size() features. Begins in the stream's state and leaves it where the next token would go on. Throws what pick throws,
/// and std::invalid_argument if steps < 0 or a token has no place among the features.
template <class Model, class Pick>
std::vector<Index> generate(Stream<Model>& stream, Index start, Index steps, Pick&& pick,
                            std::optional<Index> end = std::nullopt) {
    using S = typename Stream<Model>::Scalar;
    require(steps >= 0, "generate", "steps is ", steps, ", expected at least 0");
    const Index inputs = stream.input_size();
    std::vector<S> x(static_cast<std::size_t>(inputs));
    std::vector<Index> tokens;
    for (Index token = start; static_cast<Index>(tokens.size()) < steps; tokens.push_back(token)) {
        require(token >= 0 && (inputs == 1 || token < inputs), "generate", "token is ", token, ", expected ",
                inputs == 1 ? "at least 0" : "0 … " + std::to_string(inputs - 1));
        std::fill(x.begin(), x.end(), S(0));
        if (inputs == 1)
            x[0] = static_cast<S>(token);
        else
            x[static_cast<std::size_t>(token)] = 1;
        token = pick(stream(std::span<const S>(x)));
        if (token == end)
            break;
    }
    return tokens;
}

} // namespace carousel
