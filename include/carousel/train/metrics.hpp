// Metrics: what people read beside the loss. Accuracy, binary accuracy, mean absolute error, perplexity; more in the headers beside.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/loss/loss.hpp"
#include "carousel/loss/softmax_cross_entropy.hpp"

#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What a metric makes of a batch. Batches are added up, so that padding and a smaller last batch weigh what they are.
struct MetricSum {
    /// What is summed, and what the sum is divided by.
    double sum = 0, weight = 0;
    std::vector<double> parts = {}; ///< of a metric that needs more than two numbers

    /// Adds another batch.
    MetricSum& operator+=(const MetricSum& other) {
        sum += other.sum;
        weight += other.weight;
        if (parts.size() < other.parts.size())
            parts.resize(other.parts.size());
        for (std::size_t k = 0; k < other.parts.size(); ++k)
            parts[k] += other.parts[k];
        return *this;
    }
    /// NaN if nothing has been added.
    double mean() const { return sum / weight; }
};

/// A metric of one's own has, for float and double,
///   metric(y, target)     a MetricSum over what is real; y's lengths say what that is
///   metric.name()         in reports and pictures
/// and, unless its value is the mean,
///   metric.value(sum)     of the MetricSum of all batches
/// and, unless batches are added up by +=,
///   metric.merge(all, batch)   makes `all`, empty before the first, that of another batch as well
/// and may take weights of columns as a last argument of metric(y, target), for Weighted. The metrics of the library all do, and
/// pass over targets that are NaN: they are missing, if the loss has let them through.
template <class Type>
concept MetricFunction = std::copyable<Type> &&
    requires(const Type& metric, SequenceView<float> f, SequenceView<double> d) {
    { metric(f, f) } -> std::same_as<MetricSum>;
    { metric(d, d) } -> std::same_as<MetricSum>;
    { metric.name() } -> std::convertible_to<std::string>;
};

namespace detail {

/// In this order, or copying a Metric would ask whether a Metric can be copied.
template <class Type, class Metric>
concept MetricOfAKind = !std::same_as<Type, Metric> && MetricFunction<Type>;

} // namespace detail

/// Any metric, so that options can hold a list: FitOptions{.metrics = {Accuracy{}}}.
class Metric {
  public:
    /// Takes any MetricFunction.
    template <class Type>
    requires detail::MetricOfAKind<Type, Metric> Metric(Type metric)
        : name_(metric.name()), of_floats_(metric), of_doubles_(metric), value_([=](const MetricSum& sum) {
              if constexpr (requires { metric.value(sum); })
                  return metric.value(sum);
              else
                  return sum.mean();
          }),
          merge_([=](MetricSum& all, const MetricSum& batch) {
              if constexpr (requires(MetricSum & sum) { metric.merge(sum, sum); })
                  metric.merge(all, batch);
              else
                  all += batch;
          }) {}

    const std::string& name() const { return name_; }
    MetricSum operator()(SequenceView<float> y, SequenceView<float> target) const { return of_floats_(y, target); }
    MetricSum operator()(SequenceView<double> y, SequenceView<double> target) const { return of_doubles_(y, target); }
    /// The metric of what all batches have summed up.
    double value(const MetricSum& sum) const { return value_(sum); }
    void merge(MetricSum& all, const MetricSum& batch) const { merge_(all, batch); }

  private:
    std::string name_;
    std::function<MetricSum(SequenceView<float>, SequenceView<float>)> of_floats_;
    std::function<MetricSum(SequenceView<double>, SequenceView<double>)> of_doubles_;
    std::function<double(const MetricSum&)> value_;
    std::function<void(MetricSum&, const MetricSum&)> merge_;
};

/// The part of the columns whose largest output is at the target's class; of equal outputs the first counts.
/// y: classes × columns, target: 1 × columns, class numbers. Throws std::invalid_argument if the shapes don't fit.
struct Accuracy {
    std::optional<Index> ignore = std::nullopt; ///< targets with this number don't count

    std::string name() const { return "accuracy"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                         ColumnWeights weights = {}) const;
};

/// The part of the numbers that are on the target's side: a logit above 0 says yes, and so does a target of at least
/// ½. y, target: features × columns. Throws std::invalid_argument if the shapes differ.
struct BinaryAccuracy {
    std::string name() const { return "accuracy"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                         ColumnWeights weights = {}) const;
};

/// Mean |y − target|. Throws std::invalid_argument if the shapes differ.
struct MeanAbsoluteError {
    std::string name() const { return "mae"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                         ColumnWeights weights = {}) const;
};

/// e to the mean SoftmaxCrossEntropy of all batches: among how many equally likely classes the model would be as
/// uncertain. y: logits, classes × columns, target: 1 × columns. Throws what SoftmaxCrossEntropy throws, but not for a
/// batch without targets.
struct Perplexity {
    std::optional<Index> ignore = std::nullopt; ///< targets with this number don't count

    std::string name() const { return "perplexity"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                         ColumnWeights weights = {}) const;
    /// e to the mean.
    double value(const MetricSum& sum) const { return std::exp(sum.mean()); }
};

namespace detail {

/// f(number of y, its target, weight) of everything that counts.
template <class S, class F>
void each_counted_number(const char* where, const SequenceView<S>& y, const SequenceView<S>& target,
                         ColumnWeights weights, const F& f) {
    require_target(where, y, target, y.features());
    require_weights(where, y, weights);
    each_weighted_run(y, weights, [&](Index column, Index count, double w) {
        for (Index k = column * y.features(); w > 0 && k < (column + count) * y.features(); ++k)
            if (!is_nan(target.data()[k]))
                f(k, static_cast<double>(y.data()[k]), static_cast<double>(target.data()[k]), w);
    });
}

/// The weighted mean of f(number of y, its target).
template <class S, class F>
MetricSum mean_of_numbers(const char* where, const SequenceView<S>& y, const SequenceView<S>& target,
                          ColumnWeights weights, const F& f) {
    MetricSum result;
    each_counted_number(where, y, target, weights, [&](Index, double a, double b, double w) {
        result.sum += w * f(a, b);
        result.weight += w;
    });
    return result;
}

/// f(target, place of the largest output, weight) of every column that counts; of equal outputs the first is the largest.
template <class S, class F>
void each_counted_class(const char* where, const SequenceView<S>& y, const SequenceView<S>& target,
                        std::optional<Index> ignore, ColumnWeights weights, const F& f) {
    require_target(where, y, target, 1);
    require(y.features() >= 1, where, "y has 0 features, expected one for each class");
    require_weights(where, y, weights);
    each_weighted_run(y, weights, [&](Index column, Index count, double w) {
        for (Index k = column; w > 0 && k < column + count; ++k) {
            const S actual = target.data()[k];
            if (is_nan(actual) || (ignore && actual == static_cast<S>(*ignore)))
                continue;
            const S* const outputs = y.data() + k * y.features();
            Index largest = 0;
            for (Index j = 1; j < y.features(); ++j)
                if (outputs[j] > outputs[largest])
                    largest = j;
            f(k, actual, largest, w);
        }
    });
}

/// The class that the target of a column is. Throws std::invalid_argument if there is none.
template <class S>
Index class_of(const char* where, const SequenceView<S>& y, Index column, S target) {
    require(target >= 0 && target < static_cast<S>(y.features()) && target == std::floor(target), where,
            "the target at step ", column / y.batch(), " of sequence ", column % y.batch(), " is ", target,
            ", expected a class, 0 … ", y.features() - 1);
    return static_cast<Index>(target);
}

} // namespace detail

#ifdef CAROUSEL_BODIES

template <std::floating_point S>
MetricSum Accuracy::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                               ColumnWeights weights) const {
    MetricSum result;
    detail::each_counted_class("Accuracy", y, target, ignore, weights, [&](Index, S actual, Index k, double w) {
        result.sum += static_cast<S>(k) == actual ? w : 0;
        result.weight += w;
    });
    return result;
}

template <std::floating_point S>
MetricSum BinaryAccuracy::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                     ColumnWeights weights) const {
    return detail::mean_of_numbers("BinaryAccuracy", y, target, weights,
                                   [](double logit, double q) { return (logit > 0) == (q >= 0.5) ? 1.0 : 0.0; });
}

template <std::floating_point S>
MetricSum MeanAbsoluteError::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                        ColumnWeights weights) const {
    return detail::mean_of_numbers("MeanAbsoluteError", y, target, weights,
                                   [](double a, double b) { return std::abs(a - b); });
}

template <std::floating_point S>
MetricSum Perplexity::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                 ColumnWeights weights) const {
    const SoftmaxCrossEntropy loss{.ignore = ignore, .skip_nan = true};
    const double weight = loss.weight(y, target, weights);
    return {weight > 0 ? weight * loss(y, target, nullptr, weights) : 0, weight};
}

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_METRIC(S, Type)                                                                      \
    template carousel::MetricSum carousel::Type::operator()(carousel::SequenceView<S>, carousel::SequenceView<S>, \
                                                            carousel::ColumnWeights) const
#define CAROUSEL_INSTANTIATE_METRICS(S)                \
    CAROUSEL_INSTANTIATE_METRIC(S, Accuracy);          \
    CAROUSEL_INSTANTIATE_METRIC(S, BinaryAccuracy);    \
    CAROUSEL_INSTANTIATE_METRIC(S, MeanAbsoluteError); \
    CAROUSEL_INSTANTIATE_METRIC(S, Perplexity)
