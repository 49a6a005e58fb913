// Gain: a fixed factor as a layer.
#pragma once

#include "carousel/layer/stepwise_layer.hpp"
#include "carousel/simd/lane.hpp"

#include <cmath>
#include <limits>

namespace carousel::inline CAROUSEL_ABI {

/// y = factor · x. backward: dx = factor · dy. The factor isn't trained; a file has to know it. For files that say their
/// gain in decibels it is 10^(dB / 20). A layer of float or double and of any number of features.
class Gain : public StepwiseLayer<Gain> {
  public:
    static constexpr const char* where = "Gain::backward";

    /// Throws std::invalid_argument unless a float can hold the factor: NaN, infinity and numbers beyond 3.4e38 are refused.
    explicit Gain(double factor) : factor_(factor) {
        require(std::abs(factor) <= std::numeric_limits<float>::max(), "Gain", "factor is ", factor,
                ", expected a finite number that a float can hold");
    }

    /// What everything is multiplied by.
    double factor() const { return factor_; }
    std::string name() const { return "Gain"; }

    template <class F>
    void each_setting(F&& f) const {
        f("factor", factor_);
    }

    template <class S>
    void map(const S* x, S* y, Index features, Index columns) const {
        simd::map_lanes(
            y, features * columns, [factor = static_cast<S>(factor_)](auto v) { return factor * v; }, x);
    }
    template <class S>
    void map_gradient(const S* dy, const S*, S* dx, Index features, Index columns) const {
        map(dy, dx, features, columns);
    }

  private:
    double factor_;
};

} // namespace carousel
