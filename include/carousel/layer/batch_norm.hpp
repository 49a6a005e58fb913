// BatchNorm: features brought to a common scale by statistics that are known. Ioffe & Szegedy (2015), "Batch Normalization:
// Accelerating Deep Network Training by Reducing Internal Covariate Shift", section 3.1, for inference.
#pragma once

#include "carousel/layer/each_parameter.hpp"
#include "carousel/layer/layer.hpp"

#include <cmath>

namespace carousel::inline CAROUSEL_ABI {

/// What a BatchNorm may be told.
struct BatchNormOptions {
    double epsilon = 1e-5; ///< PyTorch's, ONNX' and RTNeural's; Keras' is 1e-3
};

/// y = γ ∘ (x − mean) / √(variance + ε) + β at every step.
///
/// The statistics are fixed, in training, too, which is PyTorch's eval() mode and Keras' training=False: models that were
/// trained elsewhere are fine-tuned so. γ and β are trained.
///
/// x, y: F × (T·B); gamma, beta, mean, variance: F. mean and variance are fixed parameters: a file has them, an optimizer
/// leaves them. A new layer has γ = 1, β = 0, mean 0 and variance 1. Padding is mapped, too.
/// backward, with x̂ = (x − mean) / √(variance + ε): dγ += Σ dy∘x̂, dβ += Σ dy, dx = γ / √(variance + ε) ∘ dy.
template <std::floating_point S>
class BatchNorm : public detail::EachParameter<BatchNorm<S>> {
  public:
    using Scalar = S;
    using State = NoState;

    class Tape {
        friend BatchNorm;
        detail::PassRecord pass_;
        SequenceView<S> x_;
        Sequence<S> y_;
        Vector<S> inverse_, scale_, sum_; ///< 1 / √(variance + ε), γ times it
        Matrix<S> dx_;
    };

    /// Throws std::invalid_argument unless features >= 1 and epsilon is finite and >= 0.
    explicit BatchNorm(AnyIndex features, BatchNormOptions options = {}) : options_(options), features_(features) {
        require(features >= 1, "BatchNorm", "features is ", features_, ", expected at least 1");
        require(options.epsilon >= 0 && std::isfinite(options.epsilon), "BatchNorm", "epsilon is ", options.epsilon,
                ", expected a finite number >= 0");
        gamma_ = beta_ = Parameter<S>(features, 1);
        mean_ = variance_ = Parameter<S>::fixed(features, 1);
        gamma_.value.setOnes();
        variance_.value.setOnes();
    }

    Index input_size() const { return features_; }
    const BatchNormOptions& options() const { return options_; }
    std::string name() const { return "BatchNorm"; }
    Index output_size(Index input) const {
        require(input == features_, "BatchNorm", "x has ", input, " features, expected ", features_);
        return features_;
    }

    /// The parameters, F numbers each; mean and variance are fixed.
    Parameter<S>& gamma() { return gamma_; }
    Parameter<S>& beta() { return beta_; }
    Parameter<S>& mean() { return mean_; }
    Parameter<S>& variance() { return variance_; }
    const Parameter<S>& gamma() const { return gamma_; }
    const Parameter<S>& beta() const { return beta_; }
    const Parameter<S>& mean() const { return mean_; }
    const Parameter<S>& variance() const { return variance_; }

    template <class F>
    void each_setting(F&& f) const {
        f("epsilon", options_.epsilon);
    }
    template <class F>
    void each_option(F&& f) const {
        f("features", features_);
    }

    /// γ = 1 and β = 0: nothing is drawn. The statistics stay.
    void initialize(Random&) {
        gamma_.value.setOnes();
        beta_.value.setZero();
    }

    /// Throws std::invalid_argument unless every parameter is F × 1 and every variance + ε is above 0. `where` begins the
    /// message.
    void check_parameters(const char* where) const {
        this->each_parameter([&](const std::string& name, const Parameter<S>& parameter) {
            detail::require_shape(where, name.c_str(), ".value", parameter.value, features_, 1);
        });
        for (Index k = 0; k < features_; ++k)
            require(static_cast<double>(variance_.value(k)) + options_.epsilon > 0, where, "the variance of feature ",
                    k, " is ", variance_.value(k), ", expected variance + epsilon > 0; epsilon is ", options_.epsilon);
    }

    /// 1 / √(variance + ε) of feature k, computed in double.
    S inverse_deviation(Index k) const {
        return static_cast<S>(1 / std::sqrt(static_cast<double>(variance_.value(k)) + options_.epsilon));
    }

    /// Throws std::invalid_argument if x doesn't have input_size() features, or as check_parameters does.
    SequenceView<S> forward(SequenceView<S> x, Tape& tape, NoState = {}) const {
        require(x.features() == features_, "BatchNorm::forward", "x has ", x.features(), " features, expected ",
                features_);
        check_parameters("BatchNorm::forward");
        tape.pass_.begin();
        tape.x_ = x;
        tape.y_.resize(features_, x.steps(), x.batch(), x.lengths());
        detail::reshape(tape.inverse_, features_, 1);
        detail::reshape(tape.scale_, features_, 1);
        for (Index k = 0; k < features_; ++k)
            tape.inverse_[k] = inverse_deviation(k);
        tape.scale_ = gamma_.value.col(0).cwiseProduct(tape.inverse_);
        each_number(x.columns(), [&, from = x.data(), to = tape.y_.data(), mean = mean_.value.data(),
                                  scale = tape.scale_.data(), beta = beta_.value.data()](Index k, Index feature) {
            to[k] = (from[k] - mean[feature]) * scale[feature] + beta[feature];
        });
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
        constexpr const char* where = "BatchNorm::backward";
        tape.pass_.require_recorded(where, this, features_, features_);
        detail::require_shape(where, "mean", ".value", mean_.value, features_, 1);
        detail::require_shape(where, "gamma", ".grad", gamma_.grad, features_, 1);
        detail::require_shape(where, "beta", ".grad", beta_.grad, features_, 1);
    }

    /// Throws std::invalid_argument if dy hasn't y's shape or a gradient not the shape it was made with, std::logic_error if
    /// the tape holds no forward pass of this layer.
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, const BackwardOptions<NoState>& options = {}) {
        check_backward(tape, options);
        const auto& y = tape.y_;
        const Index columns = y.values().cols();
        require(dy.features() == features_ && dy.columns() == columns, "BatchNorm::backward", "dy is ", dy.features(),
                " x ", dy.columns(), ", expected ", features_, " x ", columns);
        tape.pass_.consume();

        detail::reshape(tape.sum_, features_, 1);
        tape.sum_.setZero(); // Σ dy∘(x − mean)
        each_number(columns, [&, x = tape.x_.data(), d = dy.data(), sum = tape.sum_.data(), mean = mean_.value.data(),
                              beta = beta_.grad.data()](Index k, Index feature) {
            sum[feature] += d[k] * (x[k] - mean[feature]);
            beta[feature] += d[k];
        });
        for (Index feature = 0; feature < features_; ++feature)
            gamma_.grad(feature) += tape.sum_[feature] * tape.inverse_[feature];
        if (!options.input_gradient)
            return {};
        detail::reshape(tape.dx_, features_, columns);
        each_number(columns, [&, d = dy.data(), dx = tape.dx_.data(),
                              scale = tape.scale_.data()](Index k, Index feature) { dx[k] = d[k] * scale[feature]; });
        return {tape.dx_.data(), features_, y.steps(), y.batch(), y.lengths()};
    }

  private:
    friend detail::EachParameter<BatchNorm>;

    /// f(k, feature) for each number k of a matrix of so many columns.
    template <class F>
    void each_number(Index columns, F&& f) const {
        for (Index k = 0, column = 0; column < columns; ++column)
            for (Index feature = 0; feature < features_; ++feature, ++k)
                f(k, feature);
    }

    /// f(name, parameter) for every one, const if `self` is.
    template <class Self, class F>
    static void visit_parameters(Self& self, F& f) {
        f(std::string("gamma"), self.gamma_);
        f(std::string("beta"), self.beta_);
        f(std::string("mean"), self.mean_);
        f(std::string("variance"), self.variance_);
    }

    BatchNormOptions options_;
    Index features_;
    Parameter<S> gamma_, beta_, mean_, variance_;
};

} // namespace carousel
