// Metrics: what people read beside the loss. Accuracy, binary accuracy, mean absolute error, perplexity.
#pragma once

#include "carousel/loss/loss.hpp"
#include "carousel/loss/softmax_cross_entropy.hpp"

#include <functional>
#include <optional>
#include <string>

#ifdef CAROUSEL_BODIES
#    include <algorithm>
#    include <cmath>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// What a metric makes of a batch. Batches are added up, so that padding and a smaller last batch weigh what they are.
struct MetricSum {
    double sum = 0, weight = 0;

    MetricSum& operator+=(const MetricSum& other) {
        sum += other.sum;
        weight += other.weight;
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
    template <class Type>
    requires detail::MetricOfAKind<Type, Metric> Metric(Type metric)
        : name_(metric.name()), of_floats_(metric), of_doubles_(metric), value_([=](MetricSum sum) {
              if constexpr (requires { metric.value(sum); })
                  return metric.value(sum);
              else
                  return sum.mean();
          }) {}

    const std::string& name() const { return name_; }
    MetricSum operator()(SequenceView<float> y, SequenceView<float> target) const { return of_floats_(y, target); }
    MetricSum operator()(SequenceView<double> y, SequenceView<double> target) const { return of_doubles_(y, target); }
    double value(MetricSum sum) const { return value_(sum); }

  private:
    std::string name_;
    std::function<MetricSum(SequenceView<float>, SequenceView<float>)> of_floats_;
    std::function<MetricSum(SequenceView<double>, SequenceView<double>)> of_doubles_;
    std::function<double(MetricSum)> value_;
};

/// The part of the columns whose largest output is at the target's class; of equal outputs the first counts.
/// y: classes × columns, target: 1 × columns, class numbers. Throws std::invalid_argument if the shapes don't fit.
struct Accuracy {
    std::optional<Index> ignore = std::nullopt; ///< targets with this number don't count

    std::string name() const { return "accuracy"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const;
};

/// The part of the numbers that are on the target's side: a logit above 0 says yes, and so does a target of at least
/// ½. y, target: features × columns. Throws std::invalid_argument if the shapes differ.
struct BinaryAccuracy {
    std::string name() const { return "accuracy"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const;
};

/// Mean |y − target|. Throws std::invalid_argument if the shapes differ.
struct MeanAbsoluteError {
    std::string name() const { return "mae"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const;
};

/// e to the mean SoftmaxCrossEntropy of all batches: among how many equally likely classes the model would be as
/// uncertain. y: logits, classes × columns, target: 1 × columns. Throws what SoftmaxCrossEntropy throws, but not for a
/// batch without targets.
struct Perplexity {
    std::optional<Index> ignore = std::nullopt; ///< targets with this number don't count

    std::string name() const { return "perplexity"; }

    template <std::floating_point S>
    MetricSum operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const;
    double value(MetricSum sum) const { return std::exp(sum.mean()); }
};

#ifdef CAROUSEL_BODIES

namespace detail {

/// f(number, its target) of everything real, added up.
template <class S, class F>
MetricSum over_real_numbers(const char* where, const SequenceView<S>& y, const SequenceView<S>& target, const F& f) {
    require_target(where, y, target, y.features());
    MetricSum result;
    each_run(y, [&](Index column, Index count, bool real) {
        for (Index k = column * y.features(); real && k < (column + count) * y.features(); ++k)
            result += {f(y.data()[k], target.data()[k]), 1};
    });
    return result;
}

} // namespace detail

template <std::floating_point S>
MetricSum Accuracy::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const {
    detail::require_target("Accuracy", y, target, 1);
    require(y.features() >= 1, "Accuracy", "y has 0 features, expected one for each class");
    MetricSum result;
    for (Index t = 0; t < y.steps(); ++t)
        for (Index b = 0; b < y.batch(); ++b) {
            const S k = target.data()[t * y.batch() + b];
            if (!y.real(t, b) || (ignore && k == static_cast<S>(*ignore)))
                continue;
            const S* const outputs = y.data() + (t * y.batch() + b) * y.features();
            const Index largest = std::max_element(outputs, outputs + y.features()) - outputs;
            result += {static_cast<S>(largest) == k ? 1.0 : 0.0, 1};
        }
    return result;
}

template <std::floating_point S>
MetricSum BinaryAccuracy::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const {
    return detail::over_real_numbers("BinaryAccuracy", y, target,
                                     [](S logit, S q) { return (logit > 0) == (q >= S(0.5)) ? 1.0 : 0.0; });
}

template <std::floating_point S>
MetricSum MeanAbsoluteError::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const {
    return detail::over_real_numbers("MeanAbsoluteError", y, target,
                                     [](S a, S b) { return std::abs(static_cast<double>(a - b)); });
}

template <std::floating_point S>
MetricSum Perplexity::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const {
    const SoftmaxCrossEntropy loss{.ignore = ignore};
    const double weight = loss.weight(y, target);
    return {weight > 0 ? weight * loss(y, target) : 0, weight};
}

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_METRIC(S, Type) \
    template carousel::MetricSum carousel::Type::operator()(carousel::SequenceView<S>, carousel::SequenceView<S>) const
#define CAROUSEL_INSTANTIATE_METRICS(S)                \
    CAROUSEL_INSTANTIATE_METRIC(S, Accuracy);          \
    CAROUSEL_INSTANTIATE_METRIC(S, BinaryAccuracy);    \
    CAROUSEL_INSTANTIATE_METRIC(S, MeanAbsoluteError); \
    CAROUSEL_INSTANTIATE_METRIC(S, Perplexity)
