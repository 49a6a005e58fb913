// check_gradients: a backward pass against central differences.
#pragma once

#include "carousel/layer/layer.hpp"
#include "carousel/loss/loss.hpp"

#include <cmath>
#include <limits>

namespace carousel::inline CAROUSEL_ABI {

/// The result for one array of numbers: its largest |analytic − numeric|, divided by its largest gradient (and where
/// that is tiny by a thousandth of the largest gradient of all arrays, so that rounding isn't taken for a mistake).
/// Infinite if a gradient isn't finite.
struct GradientError {
    std::string name; ///< a parameter's, "x", or "initial state"
    double error = 0;
    Index row = 0, column = 0; ///< where
    /// The two gradients there.
    double analytic = 0, numeric = 0;
};

/// The result for all arrays.
struct GradientCheck {
    /// The largest error of all.
    double worst = 0;
    std::string name; ///< where the worst is
    std::vector<GradientError> all;
};

/// How the numeric gradients are taken.
struct CheckOptions {
    double step = 1e-5; ///< h of (f(v + h) − f(v − h)) / 2h
};

namespace detail {

/// Puts a number back at the end of its scope.
template <class S>
class Restored {
  public:
    explicit Restored(S& number) : number_(number), kept_(number) {}
    ~Restored() { number_ = kept_; }
    Restored(const Restored&) = delete;
    Restored& operator=(const Restored&) = delete;

  private:
    S& number_;
    const S kept_;
};

} // namespace detail

/// Checks every parameter that isn't fixed, x if backward gives its gradient (that of tokens there is none), and, if `initial` isn't
/// empty, the initial state, of any layer or model under any loss.
/// The model comes out as it went in, but for gradients, which are set to zero. Dropout keeps its mask: every pass gets
/// a fresh tape. Use double: float has too few digits for differences. Throws what forward and the loss throw, and
/// std::invalid_argument unless options.step is finite and > 0.
template <class Model, class S, class LossType>
GradientCheck check_gradients(Model& model, Sequence<S> x, const Sequence<S>& target, const LossType& loss,
                              typename Model::State initial = {}, CheckOptions options = {}) {
    require(options.step > 0 && std::isfinite(options.step), "check_gradients", "step is ", options.step,
            ", expected a finite number > 0");
    using State = typename Model::State;
    using Tape = typename Model::Tape;
    const auto value = [&](Sequence<S>* dy, Tape& tape) {
        return loss(model.forward(x.view(), tape, initial), target.view(), dy);
    };

    const auto list = parameters(model);
    zero_gradients(list);
    Tape tape;
    Sequence<S> dy;
    State d_initial;
    value(&dy, tape);
    const Matrix<S> dx = model.backward(dy, tape, {.d_initial = &d_initial}).values();

    GradientCheck check;
    double largest = 0;
    std::vector<double> scales;
    const auto compare = [&](const std::string& name, Matrix<S>& values, const Matrix<S>& analytic) {
        GradientError worst{.name = name};
        double scale = 0;
        for (Index j = 0; j < values.cols(); ++j)
            for (Index i = 0; i < values.rows(); ++i) {
                const detail::Restored restored(values(i, j)); // also if a pass throws
                const S kept = values(i, j), h = static_cast<S>(options.step);
                Tape above, below;
                values(i, j) = kept + h;
                const double up = value(nullptr, above);
                values(i, j) = kept - h;
                const double down = value(nullptr, below);
                const double numeric = (up - down) / (2 * options.step), exact = static_cast<double>(analytic(i, j));
                double error = std::abs(exact - numeric);
                if (std::isfinite(error))
                    scale = std::max({scale, std::abs(numeric), std::abs(exact)});
                else
                    error = std::numeric_limits<double>::infinity(); // which compares, as NaN does not
                if (error > worst.error)
                    worst = {name, error, i, j, exact, numeric};
            }
        check.all.push_back(worst);
        scales.push_back(scale);
        largest = std::max(largest, scale);
    };
    for (const auto& [name, parameter] : list)
        if (!parameter->is_fixed())
            compare(name, parameter->value, parameter->grad);
    if (dx.size() > 0)
        compare("x", x.values(), dx);
    std::vector<const Matrix<S>*> exact;
    each_state(d_initial, [&](Matrix<S>& d) { exact.push_back(&d); });
    std::size_t k = 0;
    each_state(initial, [&](Matrix<S>& part) {
        if (part.size() > 0)
            compare("initial state", part, *exact[k]);
        ++k;
    });

    for (std::size_t n = 0; n < check.all.size(); ++n) {
        auto& entry = check.all[n];
        const double scale = std::max(scales[n], 1e-3 * largest);
        entry.error = scale > 0 ? entry.error / scale : entry.error;
        if (entry.error > check.worst || check.name.empty()) {
            check.worst = entry.error;
            check.name = entry.name;
        }
    }
    zero_gradients(list);
    return check;
}

} // namespace carousel
