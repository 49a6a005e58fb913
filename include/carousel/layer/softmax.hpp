// Softmax: each step's features as probabilities.
#pragma once

#include "carousel/kernel/arrays.hpp"
#include "carousel/layer/stepwise_layer.hpp"

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
        const kernel::SoftmaxFunctions<S>& functions = kernel::softmax_functions<S>();
        for (Index k = 0; k < features * columns; k += features)
            functions.softmax(x + k, y + k, features);
    }

    template <class S>
    void map_gradient(const S* dy, const S* y, S* dx, Index features, Index columns) const {
        const kernel::SoftmaxFunctions<S>& functions = kernel::softmax_functions<S>();
        for (Index k = 0; k < features * columns; k += features)
            functions.backward(dy + k, y + k, dx + k, features);
    }
};

} // namespace carousel
