// generate: a net is fed the tokens that are picked from its own output. One to many from a stream, many to many from a batch
// of states.
#pragma once

#include "carousel/decode/put_token.hpp"
#include "carousel/stream/stream.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// One to many: feeds `start` to the stream and then each token that was picked, and returns the tokens picked: `steps`, or fewer if
/// `end` is given and picked, which ends the list without being in it. pick(logits) chooses a token from the stream's output:
///
///     generate(stream, start, 4, greedy);
///     generate(stream, start, 200, [&](auto logits) { return sample(logits, 0.8, random); });
///
/// A model with one input feature (it begins with an Embedding) is fed the token's number, any other model a 1 in the token's
/// place among input_size() features. The stream begins in the state it is in. The last token is picked but not fed: to go on, give it
/// as `start`. Throws what pick throws, and std::invalid_argument if steps < 0 or a token has no place
/// among the features.
template <class Model, class Pick>
std::vector<Index> generate(Stream<Model>& stream, AnyIndex start, AnyIndex steps, Pick&& pick,
                            std::optional<Index> end = std::nullopt) {
    using S = typename Stream<Model>::Scalar;
    require(steps >= 0, "generate", "steps is ", steps, ", expected at least 0");
    std::vector<S> x(static_cast<std::size_t>(stream.input_size()));
    std::vector<Index> tokens;
    for (Index token = start; static_cast<Index>(tokens.size()) < steps; tokens.push_back(token)) {
        detail::put_token(std::span(x), token, "generate");
        token = pick(stream(std::span<const S>(x)));
        if (token == end)
            break;
    }
    return tokens;
}

/// Many to many, delayed: the same for a batch of sequences, each beginning in its own column of `state`, a state of `net` such as
/// EncoderDecoder::read returns. Returns the tokens' numbers, 1 × steps × batch. Throws as above, or if the state is empty.
template <class Net, class Pick>
Sequence<typename Net::Scalar> generate(const Net& net, typename Net::State state, AnyIndex start, AnyIndex steps,
                                        Pick&& pick) {
    using S = typename Net::Scalar;
    require(steps >= 0, "generate", "steps is ", steps, ", expected at least 0");
    Index batch = 0;
    each_state(state, [&](const auto& matrix) { batch = batch > 0 ? batch : matrix.cols(); });
    require(batch >= 1, "generate", "the state is empty, expected a column for each sequence");
    typename Net::Tape tape;
    Sequence<S> x(net.input_size(), 1, batch), tokens(1, steps, batch);
    for (Index t = 0; t < steps; ++t) {
        for (Index b = 0; b < batch; ++b)
            detail::put_token(std::span(x.values().col(b).data(), static_cast<std::size_t>(x.features())),
                              t == 0 ? Index(start) : static_cast<Index>(tokens.step(t - 1)(0, b)), "generate");
        const auto y = net.infer(x, tape, state);
        net.final_state(tape, state);
        for (Index b = 0; b < batch; ++b)
            tokens.step(t)(0, b) = static_cast<S>(
                pick(std::span<const S>(y.data() + b * y.features(), static_cast<std::size_t>(y.features()))));
    }
    return tokens;
}

} // namespace carousel
