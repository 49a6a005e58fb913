// QuantileLoss: several quantiles at once, which make intervals.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"

#include <concepts>
#include <span>
#include <type_traits>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include "carousel/loss/term_loss.hpp"
#endif

namespace carousel::inline CAROUSEL_ABI {

/// The pinball loss of Koenker and Bassett, "Regression quantiles", Econometrica 1978: the model has Q outputs for each of F
/// targets, one for each quantile q, which stand together: row f·Q + k of y is quantile k of row f of the target. So
/// QuantileLoss{{.1, .5, .9}} for a target of F rows trains a model that ends in Dense of 3F outputs, and
/// y.values().reshaped(3, F · columns) has a column for each target. With N real columns:
///
///     l = max(q (target − y), (q − 1)(target − y))
///     Reduction::mean   loss = 1/(Q·F·N) Σ l     dy = 1/(Q·F·N) d        d = −q where y < target, 1 − q where y > target,
///     Reduction::sum    loss = Σ l               dy = d                  0 where they are equal
///
/// Outputs between 10 % and 90 % contain 80 % of the targets, if the model is right (IntervalCoverage counts). Nothing keeps
/// neighbouring quantiles from crossing where they lie close together; sort them where that matters. Padding adds nothing and has
/// the gradient zero. With weights, each summand is multiplied by its column's and F·N is the sum of the weights that count.
struct QuantileLoss {
    std::vector<double> quantiles = {0.1, 0.5, 0.9}; ///< each above 0 and below 1
    Reduction reduction = Reduction::mean;
    bool skip_nan = false; ///< targets that are NaN don't count, and F·N is how many do; otherwise they are refused

    /// y: Q·F × steps × batch, target: F × steps × batch; which columns are real is said by y's lengths. dy takes y's shape and
    /// lengths, keeps its memory if it has that size already, and may be what y is a view of. Throws std::invalid_argument,
    /// before dy is touched, unless there is a quantile and each is above 0 and below 1, target has F rows, y's steps, batch
    /// and, if it has lengths, y's lengths, a column is real and their targets are finite.
    template <std::floating_point S>
    double operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr, ColumnWeights weights = {}) const;

    template <std::floating_point S>
    double operator()(const Sequence<S>& y, const Sequence<S>& target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const {
        return (*this)(y.view(), target.view(), dy);
    }

    /// What the sum is divided by: Q·F·N for a mean, 1 for a sum, 0 if nothing counts. Batches are averaged by it.
    template <std::floating_point S>
    double weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target, ColumnWeights weights = {}) const;

    /// The weight() of outputs with these targets, of their lengths. Throws std::invalid_argument as the loss itself.
    template <std::floating_point S>
    double check(SequenceView<S> target, Index features, ColumnWeights weights = {}) const;

    /// Stands in messages.
    static constexpr const char* name = "QuantileLoss";
    /// Throws std::invalid_argument unless the options are in their ranges.
    void check_options() const {
        require(!quantiles.empty(), name, "there are no quantiles, expected one or more, as {.1, .5, .9}");
        for (const double q : quantiles)
            require(q > 0 && q < 1, name, "a quantile is ", q, ", expected a number above 0 and below 1");
    }
    /// How many outputs a target has.
    Index outputs() const { return static_cast<Index>(quantiles.size()); }
    /// And into how many summands of a mean it goes.
    Index summands() const { return outputs(); }
    /// Of one target and its quantiles.
    double terms(std::span<const double> y, double target, std::span<double> dy) const {
        double sum = 0;
        for (std::size_t k = 0; k < y.size(); ++k) {
            const double error = y[k] - target;
            const double slope = error < 0 ? -quantiles[k] : error > 0 ? 1 - quantiles[k] : 0 * error; // NaN stays NaN
            sum += slope * error;
            dy[k] = slope;
        }
        return sum;
    }
};

static_assert(Loss<QuantileLoss>);

#ifdef CAROUSEL_BODIES

CAROUSEL_TERM_LOSS_BODIES(QuantileLoss)

#endif

} // namespace carousel
