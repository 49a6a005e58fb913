// Activate: an activation function as a layer of its own.
#pragma once

#include "carousel/kernel/arrays.hpp"
#include "carousel/layer/stepwise_layer.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// y = f(x) for every number. backward: dx = dy ∘ f′. Like Dropout, a layer of float or double and of any number of
/// features:
///
///     Sequential model{LSTM<float>{1, 64}, Activate{Activation::relu}, Dense<float>{64, 1}};
///
/// A Dense or Conv1D with the same function as its option is a little faster. A file has to know the function.
class Activate : public StepwiseLayer<Activate> {
  public:
    static constexpr const char* where = "Activate::backward";

    /// The layer of this function.
    explicit Activate(Activation f) : f_(f) {}

    /// The function.
    const Activation& activation() const { return f_; }
    std::string name() const { return "Activation"; }

    template <class F>
    void each_setting(F&& f) const {
        f("activation", description(f_));
    }

    template <class S>
    void map(const S* x, S* y, Index features, Index columns) const {
        kernel::array_functions<S>().activate(f_, x, y, features * columns);
    }
    template <class S>
    void map_gradient(const S* dy, const S* y, S* dx, Index features, Index columns) const {
        kernel::array_functions<S>().activate_backward(f_, dy, y, dx, features * columns);
    }

  private:
    Activation f_;
};

} // namespace carousel
