// Embedding: a vector, learned, for each token of a vocabulary.
#pragma once

#include "carousel/layer/each_parameter.hpp"
#include "carousel/layer/initializer.hpp"
#include "carousel/layer/layer.hpp"

#include <cmath>
#include <limits>

namespace carousel::inline CAROUSEL_ABI {

/// What an Embedding may be told.
struct EmbeddingOptions {
    std::optional<Index> padding = std::nullopt;           ///< this token's vector is zero and isn't learned
    Initializer table = initializer::uniform(-0.05, 0.05); ///< Keras'; PyTorch's is normal(0, 1)
    std::optional<std::uint64_t> seed = std::nullopt;      ///< by default every layer of a program draws other numbers
    bool initialize =
        true; ///< false: parameters start as zero and nothing is drawn, for a model that is loaded at once
};

/// x: 1 × (T·B), tokens: the whole numbers 0 … vocabulary − 1; y: size × (T·B), zero past a sequence's end, where x isn't
/// read. table: size × vocabulary, a column for each token.
/// backward: dtable.col(x) += dy. Tokens have no gradient: what it returns is an empty view, so it is a first layer.
///
/// The table is a sparse parameter: a training step costs by the tokens in it, whatever the vocabulary. See Optimizer
/// for what that means to moments and weight decay.
template <std::floating_point S>
class Embedding : public detail::EachParameter<Embedding<S>> {
  public:
    using Scalar = S;

    using State = NoState;

    class Tape {
        friend Embedding;
        detail::PassRecord pass_;
        std::vector<Index> tokens_; ///< of every column, as x may be changed before backward; −1 where there is none
        Sequence<S> y_;
    };
    /// Throws std::invalid_argument if a size is below 1, padding is no token or S can't tell so many tokens apart (a
    /// float holds whole numbers up to 2²⁴).
    Embedding(AnyIndex vocabulary, AnyIndex size, EmbeddingOptions options = {})
        : Embedding(uninitialized, vocabulary, size, options) {
        Random random(options.seed ? *options.seed : detail::next_seed());
        if (options.initialize)
            initialize(random);
    }
    /// The same with parameters of zeros: nothing is drawn, whatever options.initialize says.
    Embedding(Uninitialized, AnyIndex vocabulary, AnyIndex size, EmbeddingOptions options = {})
        : options_(options), vocabulary_(vocabulary), size_(size) {
        constexpr Index most = detail::power_of_two(std::numeric_limits<S>::digits);
        require(vocabulary >= 1 && vocabulary <= most, "Embedding", "vocabulary is ", vocabulary, ", expected 1 … ",
                most);
        require(size >= 1, "Embedding", "size is ", size, ", expected at least 1");
        require(!options.padding || (*options.padding >= 0 && *options.padding < vocabulary), "Embedding",
                "padding is ", options.padding.value_or(0), ", expected 0 … ", vocabulary - 1);
        table_ = Parameter<S>::sparse(size, vocabulary);
    }

    /// How many tokens there are: 0 … vocabulary − 1.
    Index vocabulary() const { return vocabulary_; }
    Index input_size() const { return 1; }
    Index output_size() const { return size_; }
    const EmbeddingOptions& options() const { return options_; }
    static constexpr bool takes_tokens() { return true; } // so no gradient reaches a layer before it
    std::string name() const { return "Embedding"; }
    Index output_size(Index input) const {
        require(input == 1, "Embedding", "x has ", input, " features, expected 1");
        return output_size();
    }

    /// size × vocabulary, a column for each token; sparse.
    Parameter<S>& table() { return table_; }
    const Parameter<S>& table() const { return table_; }

    template <class F>
    void each_setting(F&& f) const {
        if (options_.padding)
            f("padding", *options_.padding);
    }

    template <class F>
    void each_option(F&& f) const {
        f("vocabulary", vocabulary_);
        f("output_size", size_);
    }

    void initialize(Random& random) {
        options_.table(table_.value, vocabulary(), output_size(), random);
        if (options_.padding)
            table_.value.col(*options_.padding).setZero();
    }

    /// Throws std::invalid_argument if x doesn't have one feature, a number of it is no token or the table not the shape
    /// it was made with.
    SequenceView<S> forward(SequenceView<S> x, Tape& tape, NoState = {}) const {
        require_tokens(x);
        detail::require_shape("Embedding::forward", "table", ".value", table_.value, size_, vocabulary_);
        tape.pass_.begin();
        const Index padding = options_.padding.value_or(-1);
        tape.tokens_.assign(static_cast<std::size_t>(x.columns()), -1);
        for (Index t = 0, column = 0; t < x.steps(); ++t)
            for (Index b = 0; b < x.batch(); ++b, ++column)
                if (x.real(t, b))
                    if (const auto token = static_cast<Index>(x.data()[column]); token != padding)
                        tape.tokens_[static_cast<std::size_t>(column)] = token;
        tape.y_.resize(output_size(), x.steps(), x.batch(), x.lengths());
        if (x.ragged() || options_.padding)
            tape.y_.values().setZero();
        each_token(tape, [&](Index column, Index token) { tape.y_.values().col(column) = table_.value.col(token); });
        tape.pass_.end(true, this, vocabulary_, size_);
        return tape.y_;
    }

    SequenceView<S> infer(SequenceView<S> x, Tape& tape, NoState = {}) const {
        const auto y = forward(x, tape);
        tape.pass_.consume();
        return y;
    }

    void final_state(const Tape&, NoState&) const {}

    /// Throws what backward would throw, but for dy.
    void check_backward(const Tape& tape, const BackwardOptions<NoState>&) const {
        tape.pass_.require_recorded("Embedding::backward", this, vocabulary_, size_);
        detail::require_shape("Embedding::backward", "table", ".grad", table_.grad, size_, vocabulary_);
    }

    /// Throws std::invalid_argument if dy hasn't y's shape or the table not the shape it was made with, std::logic_error
    /// if the tape holds no forward pass of this layer.
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, const BackwardOptions<NoState>& options = {}) {
        check_backward(tape, options);
        const Index columns = tape.y_.values().cols();
        require(dy.features() == output_size() && dy.columns() == columns, "Embedding::backward", "dy is ",
                dy.features(), " x ", dy.columns(), ", expected ", output_size(), " x ", columns);
        tape.pass_.consume();
        each_token(tape, [&](Index column, Index token) { table_.grad_column(token) += dy.values().col(column); });
        return {};
    }

  private:
    friend detail::EachParameter<Embedding>;
    /// f(name, parameter) for every one, const if `self` is.
    template <class Self, class F>
    static void visit_parameters(Self& self, F& f) {
        f(std::string("table"), self.table_);
    }

    void require_tokens(SequenceView<S> x) const {
        require(x.features() == 1, "Embedding::forward", "x has ", x.features(), " features, expected 1");
        const S end = static_cast<S>(vocabulary());
        for (Index t = 0; t < x.steps(); ++t)
            for (Index b = 0; b < x.batch(); ++b) {
                const S token = x.data()[t * x.batch() + b];
                if (!x.real(t, b) || (token >= 0 && token < end && token == std::trunc(token)))
                    continue;
                require(false, "Embedding::forward", "token ", token, " at step ", t, " of sequence ", b,
                        token >= 0 && token < end ? " is not whole, expected 0 … " : " is not within 0 … ",
                        vocabulary() - 1);
            }
    }

    /// f(column, token) for every token of the pass but padding.
    template <class F>
    static void each_token(const Tape& tape, F&& f) {
        for (std::size_t column = 0; column < tape.tokens_.size(); ++column)
            if (tape.tokens_[column] >= 0)
                f(static_cast<Index>(column), tape.tokens_[column]);
    }

    EmbeddingOptions options_;
    Index vocabulary_, size_;
    Parameter<S> table_;
};

} // namespace carousel
