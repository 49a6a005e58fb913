// Beam search: the likeliest sequences of tokens that a net can say, as far as a few best beginnings lead to them. Graves (2012),
// "Sequence Transduction with Recurrent Neural Networks"; Sutskever, Vinyals & Le (2014), section 3.2.
#pragma once

#include "carousel/decode/put_token.hpp"
#include "carousel/layer/layer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// How far a search goes, and how wide.
struct BeamSearchOptions {
    Index steps;                             ///< a sequence has at most so many tokens
    Index width = 4;                         ///< so many beginnings are followed at a time
    std::optional<Index> end = std::nullopt; ///< ends a sequence, without being in it
    Index best = 1;                          ///< so many sequences are returned, or fewer if no more were found
    double length_penalty = 0; ///< α of Wu et al. (2016), equation 14: the larger, the longer; 0: likelihood alone
};

/// A sequence that was found.
struct Hypothesis {
    /// Without the end.
    std::vector<Index> tokens;
    double log_probability = 0; ///< of the tokens and, if it came, of the end
    double score = 0;           ///< log_probability / ((5 + n) / 6)^α for n tokens, the end counted
};

namespace detail {

inline double length_normalized(double log_probability, Index tokens, double penalty) {
    return log_probability / std::pow(static_cast<double>(5 + tokens) / 6, penalty);
}

/// A beginning that may go on; its state is in the column of its place.
struct Beam {
    std::vector<Index> tokens;
    double log_probability = 0;
};

/// A token after a beam.
struct BeamStep {
    double log_probability;
    Index beam, token;
};

/// Appends every token that can follow a beam, with the log softmax of the logits.
template <class S>
void append_steps(std::span<const S> logits, double so_far, Index beam, std::vector<BeamStep>& to) {
    S largest = -std::numeric_limits<S>::infinity();
    for (std::size_t k = 0; k < logits.size(); ++k) {
        require(logits[k] < std::numeric_limits<S>::infinity(), "beam_search", "logit ", k, " is ", logits[k],
                ", expected a number below infinity");
        largest = std::max(largest, logits[k]);
    }
    require(std::isfinite(largest), "beam_search", "every logit is ", largest, ", expected one that is finite");
    double sum = 0;
    for (const S logit : logits)
        sum += std::exp(static_cast<double>(logit) - static_cast<double>(largest));
    for (std::size_t k = 0; k < logits.size(); ++k)
        if (std::isfinite(logits[k]))
            to.push_back({so_far + static_cast<double>(logits[k]) - static_cast<double>(largest) - std::log(sum), beam,
                          static_cast<Index>(k)});
}

/// The search for one sequence of a batch, which begins in a state of one column.
template <class Net>
class BeamSearch {
    using S = typename Net::Scalar;
    using State = typename Net::State;

  public:
    BeamSearch(const Net& net, Index start, const BeamSearchOptions& options)
        : net_(net), start_(start), options_(options) {}

    std::vector<Hypothesis> operator()(const State& state) {
        state_ = state;
        beams_.assign(1, {});
        found_.clear();
        for (Index length = 1; length <= options_.steps && !beams_.empty(); ++length)
            step(length);
        for (const Beam& beam : beams_)
            found(beam.tokens, beam.log_probability, static_cast<Index>(beam.tokens.size()));
        return found_;
    }

  private:
    void step(Index length) {
        Sequence<S> x(net_.input_size(), 1, static_cast<Index>(beams_.size()));
        for (std::size_t k = 0; k < beams_.size(); ++k)
            put_token(
                std::span(x.data() + static_cast<Index>(k) * x.features(), static_cast<std::size_t>(x.features())),
                beams_[k].tokens.empty() ? start_ : beams_[k].tokens.back(), "beam_search");
        const auto y = net_.infer(x, tape_, state_);
        net_.final_state(tape_, state_);
        steps_.clear();
        for (std::size_t k = 0; k < beams_.size(); ++k)
            append_steps(std::span<const S>(y.data() + static_cast<Index>(k) * y.features(),
                                            static_cast<std::size_t>(y.features())),
                         beams_[k].log_probability, static_cast<Index>(k), steps_);
        // The likeliest first; of equals the earlier beam, then the lower token: a search has one result.
        std::sort(steps_.begin(), steps_.end(), [](const BeamStep& a, const BeamStep& b) {
            return a.log_probability != b.log_probability ? a.log_probability > b.log_probability
                   : a.beam != b.beam                     ? a.beam < b.beam
                                                          : a.token < b.token;
        });
        std::vector<Beam> next;
        std::vector<Index> from;
        for (const BeamStep& one : steps_) {
            if (static_cast<Index>(next.size()) == options_.width)
                break;
            const Beam& beam = beams_[static_cast<std::size_t>(one.beam)];
            if (one.token == options_.end) {
                found(beam.tokens, one.log_probability, length);
                continue;
            }
            if (!can_win(one.log_probability))
                break; // and none after it
            next.push_back(beam);
            next.back().tokens.push_back(one.token);
            next.back().log_probability = one.log_probability;
            from.push_back(one.beam);
        }
        beams_ = std::move(next);
        each_state(state_, [&](Matrix<S>& part) {
            if (part.size() == 0)
                return;
            Matrix<S> chosen(part.rows(), static_cast<Index>(from.size()));
            for (std::size_t k = 0; k < from.size(); ++k)
                chosen.col(static_cast<Index>(k)) = part.col(from[k]);
            part = std::move(chosen);
        });
    }

    /// Whether a sequence that goes on from here can be among the best: it gets no likelier, and its longest form has the best score.
    bool can_win(double log_probability) const {
        return static_cast<Index>(found_.size()) < options_.best ||
               length_normalized(log_probability, options_.steps, options_.length_penalty) > found_.back().score;
    }
    void found(const std::vector<Index>& tokens, double log_probability, Index length) {
        Hypothesis one{tokens, log_probability, length_normalized(log_probability, length, options_.length_penalty)};
        const auto place = std::find_if(found_.begin(), found_.end(),
                                        [&](const Hypothesis& other) { return one.score > other.score; });
        found_.insert(place, std::move(one));
        if (static_cast<Index>(found_.size()) > options_.best)
            found_.pop_back();
    }

    const Net& net_;
    Index start_;
    const BeamSearchOptions& options_;
    typename Net::Tape tape_;
    State state_;
    std::vector<Beam> beams_;
    std::vector<BeamStep> steps_;
    std::vector<Hypothesis> found_; ///< the best first
};

} // namespace detail

/// For each sequence of a batch, which begins in its column of `state`, the best that were found, the best first. As generate() feeds a
/// net, this feeds it `start` and then tokens; but it follows the `width` likeliest beginnings, by the sum of their tokens' log
/// softmax. A beginning that ends is kept aside, and those that can't come before the kept ones any more are left. What has
/// `steps` tokens without an end counts as well. With a width of 1, without a penalty, it is greedy; with one of all beginnings it is
/// exhaustive.
///
///     const auto answers = beam_search(model.decoder(), model.read(questions), start, {.steps = 20, .width = 8, .end = stop});
///     answers[0][0].tokens                                      // the best for the first question
///
/// Throws std::invalid_argument if the state is empty or its matrices have different columns, an option is out of its range, a token has no place among the features, or a logit
/// is NaN or +∞.
template <class Net>
std::vector<std::vector<Hypothesis>> beam_search(const Net& net, const typename Net::State& state, AnyIndex start,
                                                 const BeamSearchOptions& options) {
    using S = typename Net::Scalar;
    constexpr const char* where = "beam_search";
    require(options.steps >= 1 && options.width >= 1 && options.best >= 1, where, "steps ", options.steps, ", width ",
            options.width, " and best ", options.best, " must be at least 1");
    require(options.length_penalty >= 0 && std::isfinite(options.length_penalty), where, "length_penalty is ",
            options.length_penalty, ", expected a finite number >= 0");
    const Index outputs = net.output_size(net.input_size());
    require(!options.end || (*options.end >= 0 && *options.end < outputs), where, "end is ", options.end.value_or(0),
            ", expected 0 … ", outputs - 1);
    Index batch = 0;
    each_state(state, [&](const auto& matrix) { batch = batch > 0 ? batch : matrix.cols(); });
    require(batch >= 1, where, "the state is empty, expected a column for each sequence");
    each_state(state, [&](const auto& matrix) {
        require(matrix.size() == 0 || matrix.cols() == batch, where, "a matrix of the state has ", matrix.cols(),
                " columns and another ", batch, ", expected one for each sequence in all of them");
    });
    std::vector<std::vector<Hypothesis>> all;
    detail::BeamSearch<Net> search(net, start, options);
    for (Index b = 0; b < batch; ++b) {
        typename Net::State one = state;
        each_state(one, [&](Matrix<S>& part) {
            if (part.size() > 0)
                part = Matrix<S>(part.col(b));
        });
        all.push_back(search(one));
    }
    return all;
}

} // namespace carousel
