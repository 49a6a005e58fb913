// PReLU: a rectifier that learns how steep each feature is below zero. He et al. (2015), "Delving Deep into Rectifiers:
// Surpassing Human-Level Performance on ImageNet Classification".
#pragma once

#include "carousel/layer/each_parameter.hpp"
#include "carousel/layer/layer.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// y = x where x > 0, else a ∘ x, at every step, with a slope for each feature.
///
/// x, y: F × (T·B); a ("slope"): F. A new layer has slopes of 1/4, as PyTorch's. Padding is mapped, too. For one slope that
/// isn't trained there is Activate{Activation::leaky_relu(slope)}.
/// backward: dx = dy where x > 0, else a ∘ dy; da += Σ dy ∘ x where x <= 0.
template <std::floating_point S>
class PReLU : public detail::EachParameter<PReLU<S>> {
  public:
    using Scalar = S;
    using State = NoState;

    class Tape {
        friend PReLU;
        detail::PassRecord pass_;
        SequenceView<S> x_;
        Sequence<S> y_;
        Matrix<S> dx_;
    };

    /// Throws std::invalid_argument unless features >= 1.
    explicit PReLU(AnyIndex features) : features_(features) {
        require(features >= 1, "PReLU", "features is ", features_, ", expected at least 1");
        slope_ = Parameter<S>(features, 1);
        slope_.value.setConstant(first_slope);
    }

    Index input_size() const { return features_; }
    std::string name() const { return "PReLU"; }
    Index output_size(Index input) const {
        require(input == features_, "PReLU", "x has ", input, " features, expected ", features_);
        return features_;
    }

    /// What negative numbers are multiplied by, one for each feature or one for all.
    Parameter<S>& slope() { return slope_; }
    const Parameter<S>& slope() const { return slope_; }

    template <class F>
    void each_setting(F&&) const {}
    template <class F>
    void each_option(F&& f) const {
        f("features", features_);
    }

    /// Slopes of 1/4: nothing is drawn.
    void initialize(Random&) { slope_.value.setConstant(first_slope); }

    /// Throws std::invalid_argument if x doesn't have input_size() features or the slopes aren't F × 1.
    SequenceView<S> forward(SequenceView<S> x, Tape& tape, NoState = {}) const {
        constexpr const char* where = "PReLU::forward";
        require(x.features() == features_, where, "x has ", x.features(), " features, expected ", features_);
        detail::require_shape(where, "slope", ".value", slope_.value, features_, 1);
        tape.pass_.begin();
        tape.x_ = x;
        tape.y_.resize(features_, x.steps(), x.batch(), x.lengths());
        for (Index k = 0; k < x.columns(); ++k)
            tape.y_.values().col(k) = rectified(x.values().col(k), x.values().col(k));
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
        constexpr const char* where = "PReLU::backward";
        tape.pass_.require_recorded(where, this, features_, features_);
        detail::require_shape(where, "slope", ".value", slope_.value, features_, 1);
        detail::require_shape(where, "slope", ".grad", slope_.grad, features_, 1);
    }

    /// Throws std::invalid_argument if dy hasn't y's shape or a parameter not the shape it was made with, std::logic_error if
    /// the tape holds no forward pass of this layer.
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, const BackwardOptions<NoState>& options = {}) {
        check_backward(tape, options);
        const auto& y = tape.y_;
        const Index columns = y.values().cols();
        require(dy.features() == features_ && dy.columns() == columns, "PReLU::backward", "dy is ", dy.features(),
                " x ", dy.columns(), ", expected ", features_, " x ", columns);
        tape.pass_.consume();

        const S *const x = tape.x_.data(), *const d = dy.data();
        for (Index k = 0, column = 0; column < columns; ++column)
            for (Index feature = 0; feature < features_; ++feature, ++k)
                slope_.grad(feature) += x[k] > S(0) ? S(0) : d[k] * x[k];
        if (!options.input_gradient)
            return {};
        detail::reshape(tape.dx_, features_, columns);
        for (Index k = 0; k < columns; ++k)
            tape.dx_.col(k) = rectified(tape.x_.values().col(k), dy.values().col(k));
        return {tape.dx_.data(), features_, y.steps(), y.batch(), y.lengths()};
    }

  private:
    friend detail::EachParameter<PReLU>;
    template <class Self, class F>
    static void visit_parameters(Self& self, F& f) {
        f(std::string("slope"), self.slope_);
    }

    static constexpr S first_slope = S(0.25);

    /// v where x > 0, else a ∘ v.
    template <class X, class V>
    auto rectified(const X& x, const V& v) const {
        return (x.array() > S(0)).select(v, slope_.value.col(0).cwiseProduct(v));
    }

    Index features_;
    Parameter<S> slope_;
};

} // namespace carousel
