// Elementwise: a loss of one's own, from a function of one output and one target.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"
#include "carousel/loss/term_loss.hpp"

#include <concepts>
#include <span>
#include <type_traits>

namespace carousel::inline CAROUSEL_ABI {

/// The mean, or the sum, over all targets of what a function says of an output and its target:
///
///     const auto log_cosh = [](double y, double target) {
///         const double e = y - target;
///         return Term{std::log(std::cosh(e)), std::tanh(e)}; // the loss, and its derivative with respect to y
///     };
///     fit(model, data, Elementwise{log_cosh}, Adam{});
///
/// Padding, missing targets, weights and the checks are as with the losses of the library. Where a target has several outputs, as
/// a distribution's parameters, the function is a type of one's own, with two members:
///
///     Index outputs() const;                                             // of one target; they stand together
///     double operator()(std::span<const double> y, double target, std::span<double> dy) const; // writes all derivatives
///
/// check_gradients says whether the derivatives are right.
template <class Function>
struct Elementwise {
    static_assert(
        std::is_invocable_r_v<Term, const Function&, double, double> || requires(const Function& f) { f.outputs(); },
        "Elementwise: the function must take double y, double target and return a Term, or have outputs(): see "
        "elementwise.hpp");

    Function function; ///< of one output and its target
    Reduction reduction = Reduction::mean;
    bool skip_nan = false; ///< targets that are NaN don't count; otherwise they are refused

    /// y: outputs·F × steps × batch, target: F × steps × batch; see HuberLoss. Throws std::invalid_argument, before dy is touched,
    /// unless target fits y and, if it has lengths, has y's, a column is real and their targets are finite.
    template <std::floating_point S>
    double operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr, ColumnWeights weights = {}) const {
        return detail::term_loss(*this, y, target, dy, weights);
    }

    template <std::floating_point S>
    double operator()(const Sequence<S>& y, const Sequence<S>& target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const {
        return (*this)(y.view(), target.view(), dy);
    }

    /// What the sum is divided by: the number of targets for a mean, 1 for a sum, 0 if none counts.
    template <std::floating_point S>
    double weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target, ColumnWeights weights = {}) const {
        return detail::terms_weight(*this, y, target, weights);
    }

    /// The weight() of outputs with these targets, of their lengths. Throws std::invalid_argument as the loss itself.
    template <std::floating_point S>
    double check(SequenceView<S> target, Index features, ColumnWeights weights = {}) const {
        return detail::check_terms(*this, target, features, weights);
    }

    /// Stands in messages.
    static constexpr const char* name = "Elementwise";
    /// What the function says of one output.
    Term term(double y, double target) const requires std::is_invocable_r_v<Term, const Function&, double, double> {
        return function(y, target);
    }
    /// How many outputs a target has, if the function says it.
    Index outputs() const requires requires(const Function& f) { f.outputs(); }
    { return function.outputs(); }
    /// What the function says of several.
    double terms(std::span<const double> y, double target, std::span<double> dy) const requires
        requires(const Function& f) {
        f.outputs();
    }
    { return function(y, target, dy); }
};

template <class Function>
Elementwise(Function) -> Elementwise<Function>;
template <class Function>
Elementwise(Function, Reduction) -> Elementwise<Function>;
template <class Function>
Elementwise(Function, Reduction, bool) -> Elementwise<Function>;

} // namespace carousel
