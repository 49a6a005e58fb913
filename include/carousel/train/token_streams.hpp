// token_streams: a long text as parallel streams, for stateful training of a net that says at each token which comes next.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/train/dataset.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>

namespace carousel::inline CAROUSEL_ABI {

/// A text of tokens (numbers of characters or words, 0, 1, …) cut into `streams` contiguous texts side by side, and each of these into
/// pieces of `steps` tokens: what PyTorch's example calls batchify. Sample k·streams + s is piece k of stream s, so in batches of
/// `streams` samples each goes on where the same one of the last batch ended:
///
///     fit(model, token_streams(text, 16, 50), SoftmaxCrossEntropy{}, Adam{},
///         {.batch_size = 16, .shuffle = false, .stateful = true});
///
/// x and y: 1 × steps × samples, the tokens' numbers, as Embedding takes them; the target of a step is the token after it. Tokens at the
/// end that make no further piece of every stream are left out. Throws std::invalid_argument if streams or steps is below 1, there are
/// not more than streams · steps tokens, or a token is below 0 or above 2²⁴ (of double 2⁵³, where an Index has 32 bits 2³⁰), up to
/// which a float has every integer.
template <std::floating_point S = float>
Dataset<S> token_streams(std::span<const Index> tokens, Index streams, Index steps) {
    const char* const where = "token_streams";
    constexpr int bits = std::min(std::numeric_limits<S>::digits, std::numeric_limits<Index>::digits - 1);
    constexpr Index most = Index(1) << bits; // S and Index have every integer up to it
    require(streams >= 1, where, "streams is ", streams, ", expected streams >= 1");
    require(steps >= 1, where, "steps is ", steps, ", expected steps >= 1");
    const auto count = static_cast<Index>(tokens.size());
    const Index pieces = count > 0 ? (count - 1) / streams / steps : 0, samples = pieces * streams;
    require(pieces >= 1, where, "there are ", count, " tokens, expected more than ", streams, " streams x ", steps,
            " steps: ask for fewer or shorter ones");
    for (Index at = 0; at < count; ++at) {
        const Index token = tokens[static_cast<std::size_t>(at)];
        require(token >= 0 && token <= most, where, "token ", at, " is ", token, ", expected 0 … ", most);
    }
    const auto number = [&](Index at) { return static_cast<S>(tokens[static_cast<std::size_t>(at)]); };
    Dataset<S> data{Sequence<S>(1, steps, samples), Sequence<S>(1, steps, samples)};
    for (Index k = 0; k < pieces; ++k)
        for (Index s = 0; s < streams; ++s)
            for (Index t = 0; t < steps; ++t) {
                const Index at = (s * pieces + k) * steps + t;
                data.x.step(t)(0, k * streams + s) = number(at);
                data.y.step(t)(0, k * streams + s) = number(at + 1);
            }
    return data;
}

} // namespace carousel
