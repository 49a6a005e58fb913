// Softmax: each step's features as probabilities.
#pragma once

#include "carousel/layer/stepwise_layer.hpp"
#include "carousel/simd/elementary.hpp"

#include <limits>

namespace carousel::inline CAROUSEL_ABI {

/// y = e^(x − max x) / Σ e^(x − max x) over the features of a step, which so add up to 1.
/// backward: dx = y ∘ (dy − Σ dy∘y).
///
/// A layer of float or double and of any number of features. To train a classifier use SoftmaxCrossEntropy, which takes
/// the logits before this layer and is exact where a probability is 0. A feature of −∞ has probability 0; if one is NaN or
/// +∞, or all are −∞, all probabilities of that step are NaN.
class Softmax : public StepwiseLayer<Softmax> {
  public:
    static constexpr const char* where = "Softmax::backward";

    std::string name() const { return "Softmax"; }

    /// So that the file of a model that ends in logits isn't taken for one that ends in probabilities.
    template <class F>
    void each_setting(F&& f) const {
        f("over", "features");
    }

    template <class S>
    void map(const S* x, S* y, Index features, Index columns) const {
        for (Index column = 0; column < columns; ++column)
            map_column(x + column * features, y + column * features, features);
    }

    template <class S>
    void map_gradient(const S* dy, const S* y, S* dx, Index features, Index columns) const {
        using Column = Eigen::Map<const Vector<S>>;
        for (Index k = 0; k < features * columns; k += features) {
            const S mean = Column(dy + k, features).dot(Column(y + k, features));
            simd::for_each_lane(dy + k, y + k, dx + k, features, [mean](auto d, auto p) { return p * (d - mean); });
        }
    }

  private:
    template <class S>
    static void map_column(const S* x, S* y, Index features) {
        S largest = -std::numeric_limits<S>::infinity();
        for (Index k = 0; k < features; ++k)
            largest = x[k] > largest ? x[k] : largest;
        simd::for_each_lane(x, y, features, [largest](auto v) {
            v -= largest;
            const auto e = simd::exp(v);
            return v < least_exponent<S> ? decltype(v){} : e; // exp of a lane doesn't go below the normal numbers
        });
        S sum = 0;
        for (Index k = 0; k < features; ++k)
            sum += y[k];
        simd::for_each_lane(y, features, [sum](auto e) { return e / sum; });
    }

    /// Below it eˣ is taken for 0: it is less than 1e-37 (float) or 1e-307 (double) of the largest.
    template <class S>
    static constexpr S least_exponent = std::is_same_v<S, float> ? S(-86) : S(-707);
};

} // namespace carousel
