// LayerNorm: the features of each step brought to mean 0 and variance 1. Ba, Kiros & Hinton (2016), "Layer Normalization",
// equations 3 and 4.
#pragma once

#include "carousel/layer/each_parameter.hpp"
#include "carousel/layer/layer.hpp"

#include <cmath>

namespace carousel::inline CAROUSEL_ABI {

/// What a LayerNorm may be told.
struct LayerNormOptions {
    double epsilon = 1e-5; ///< PyTorch's and ONNX'; Keras' is 1e-3
};

namespace detail {

/// x̂ = (x − μ) / √(σ² + ε) of a column of so many features, μ and σ² those of the column; returns 1 / √(σ² + ε). `to` may be x.
template <class S>
S standardize(const S* x, S* to, Index features, S epsilon) {
    S sum = 0;
    for (Index k = 0; k < features; ++k)
        sum += x[k];
    const S mean = sum / static_cast<S>(features);
    S squares = 0;
    for (Index k = 0; k < features; ++k)
        squares += (x[k] - mean) * (x[k] - mean);
    const S inverse = 1 / std::sqrt(squares / static_cast<S>(features) + epsilon);
    for (Index k = 0; k < features; ++k)
        to[k] = (x[k] - mean) * inverse;
    return inverse;
}

} // namespace detail

/// y = γ ∘ x̂ + β with x̂ = (x − μ) / √(σ² + ε) at every step, where μ and σ² = Σ (x − μ)² / F are those of the step's own F
/// features: nothing is learnt of the data, so a batch of one and a Stream give what a training gave.
///
/// x, y: F × (T·B); gamma, beta: F. A new layer has γ = 1 and β = 0. Padding is mapped, too.
/// backward, with g = γ∘dy: dγ += Σ dy∘x̂, dβ += Σ dy, dx = (g − mean(g) − x̂ · mean(g∘x̂)) / √(σ² + ε).
template <std::floating_point S>
class LayerNorm : public detail::EachParameter<LayerNorm<S>> {
  public:
    using Scalar = S;
    using State = NoState;

    class Tape {
        friend LayerNorm;
        detail::PassRecord pass_;
        Matrix<S> normalized_; ///< x̂
        Vector<S> inverse_;    ///< 1 / √(σ² + ε) of each column
        Sequence<S> y_;
        Matrix<S> dx_;
    };

    /// Throws std::invalid_argument unless features >= 1 and epsilon is finite and above 0, as a number of the scalar type.
    explicit LayerNorm(AnyIndex features, LayerNormOptions options = {}) : options_(options), features_(features) {
        require(features >= 1, "LayerNorm", "features is ", features_, ", expected at least 1");
        require(static_cast<S>(options.epsilon) > 0 && std::isfinite(static_cast<S>(options.epsilon)), "LayerNorm",
                "epsilon is ", options.epsilon, ", expected a finite number > 0");
        gamma_ = beta_ = Parameter<S>(features, 1);
        gamma_.value.setOnes();
    }

    Index input_size() const { return features_; }
    const LayerNormOptions& options() const { return options_; }
    std::string name() const { return "LayerNorm"; }
    Index output_size(Index input) const {
        require(input == features_, "LayerNorm", "x has ", input, " features, expected ", features_);
        return features_;
    }

    Parameter<S>& gamma() { return gamma_; }
    Parameter<S>& beta() { return beta_; }
    const Parameter<S>& gamma() const { return gamma_; }
    const Parameter<S>& beta() const { return beta_; }

    template <class F>
    void each_setting(F&& f) const {
        f("epsilon", options_.epsilon);
    }
    template <class F>
    void each_option(F&& f) const {
        f("features", features_);
    }

    /// γ = 1 and β = 0: nothing is drawn.
    void initialize(Random&) {
        gamma_.value.setOnes();
        beta_.value.setZero();
    }

    /// Throws std::invalid_argument if x doesn't have input_size() features or a parameter not the shape it was made with.
    SequenceView<S> forward(SequenceView<S> x, Tape& tape, NoState = {}) const {
        require(x.features() == features_, "LayerNorm::forward", "x has ", x.features(), " features, expected ",
                features_);
        detail::require_shape("LayerNorm::forward", "gamma", ".value", gamma_.value, features_, 1);
        detail::require_shape("LayerNorm::forward", "beta", ".value", beta_.value, features_, 1);
        tape.pass_.begin();
        tape.y_.resize(features_, x.steps(), x.batch(), x.lengths());
        detail::reshape(tape.normalized_, features_, x.columns());
        detail::reshape(tape.inverse_, x.columns(), 1);
        const S *const gamma = gamma_.value.data(), *const beta = beta_.value.data();
        for (Index column = 0; column < x.columns(); ++column) {
            S* const normalized = tape.normalized_.data() + column * features_;
            S* const y = tape.y_.data() + column * features_;
            tape.inverse_[column] = detail::standardize(x.data() + column * features_, normalized, features_,
                                                        static_cast<S>(options_.epsilon));
            for (Index k = 0; k < features_; ++k)
                y[k] = gamma[k] * normalized[k] + beta[k];
        }
        tape.pass_.end(true, this, features_, features_);
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
        constexpr const char* where = "LayerNorm::backward";
        tape.pass_.require_recorded(where, this, features_, features_);
        detail::require_shape(where, "gamma", ".value", gamma_.value, features_, 1);
        detail::require_shape(where, "gamma", ".grad", gamma_.grad, features_, 1);
        detail::require_shape(where, "beta", ".grad", beta_.grad, features_, 1);
    }

    /// Throws std::invalid_argument if dy hasn't y's shape or a parameter not the shape it was made with, std::logic_error if
    /// the tape holds no forward pass of this layer.
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, const BackwardOptions<NoState>& options = {}) {
        check_backward(tape, options);
        const auto& y = tape.y_;
        const Index columns = y.values().cols();
        require(dy.features() == features_ && dy.columns() == columns, "LayerNorm::backward", "dy is ", dy.features(),
                " x ", dy.columns(), ", expected ", features_, " x ", columns);
        tape.pass_.consume();

        if (options.input_gradient)
            detail::reshape(tape.dx_, features_, columns);
        const S* const gamma = gamma_.value.data();
        S *const d_gamma = gamma_.grad.data(), *const d_beta = beta_.grad.data();
        for (Index column = 0; column < columns; ++column) {
            const S* const d = dy.data() + column * features_;
            const S* const normalized = tape.normalized_.data() + column * features_;
            S sum = 0, product = 0; // Σ g and Σ g∘x̂
            for (Index k = 0; k < features_; ++k) {
                const S g = gamma[k] * d[k];
                sum += g;
                product += g * normalized[k];
                d_gamma[k] += d[k] * normalized[k];
                d_beta[k] += d[k];
            }
            if (!options.input_gradient)
                continue;
            sum /= static_cast<S>(features_);
            product /= static_cast<S>(features_);
            S* const dx = tape.dx_.data() + column * features_;
            for (Index k = 0; k < features_; ++k)
                dx[k] = (gamma[k] * d[k] - sum - normalized[k] * product) * tape.inverse_[column];
        }
        if (!options.input_gradient)
            return {};
        return {tape.dx_.data(), features_, y.steps(), y.batch(), y.lengths()};
    }

  private:
    friend detail::EachParameter<LayerNorm>;

    /// f(name, parameter) for every one, const if `self` is.
    template <class Self, class F>
    static void visit_parameters(Self& self, F& f) {
        f(std::string("gamma"), self.gamma_);
        f(std::string("beta"), self.beta_);
    }

    LayerNormOptions options_;
    Index features_;
    Parameter<S> gamma_, beta_;
};

} // namespace carousel
