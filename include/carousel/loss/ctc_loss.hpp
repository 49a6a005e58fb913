// CTCLoss: sequences of labels without their places in time; from logits.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"

#include <concepts>
#include <span>
#include <type_traits>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include "carousel/core/finite.hpp"

#    include <algorithm>
#    include <cmath>
#    include <limits>
#    include <string>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// Connectionist temporal classification: Graves, Fernández, Gomez and Schmidhuber, ICML 2006. y are logits, one feature a label and
/// one for the blank, p_t = softmax(y_t). The target of a sequence of T steps is its L labels in their order, L <= T. A path says a
/// label or the blank at each step; read without repetitions and then without blanks it is a sequence of labels. With l′ the
/// labels with a blank before, between and after them (2L + 1 of them), and all in logarithms:
///
///     α_t(s) = p_t(l′_s) (α_{t−1}(s) + α_{t−1}(s − 1) + [l′_s is no blank and not l′_{s−2}] α_{t−1}(s − 2))
///     β_t(s) = the same from the other end, without p_t         P = Σ_s α_t(s) β_t(s), the same at each t
///     l = −log P                                               dl/dy_t(k) = p_t(k) − 1/P Σ_{s: l′_s = k} α_t(s) β_t(s)
///     Reduction::mean   loss = 1/N Σ l/max(L, 1), over N sequences     Reduction::sum   loss = Σ l
///
/// in nats, as PyTorch's CTCLoss. Padding has the gradient zero; a sequence without a step doesn't count. Targets have steps and
/// lengths of their own: Dataset{x, labels}, or sequences(x, labels) with labels of 1 × L. Under truncated BPTT there is no CTC.
struct CTCLoss {
    Index blank = 0; ///< which feature of y is the blank; no label has this number
    Reduction reduction = Reduction::mean;
    /// A sequence that is too short for its labels, which then have the probability 0 and an infinite loss, is refused. With this
    /// it adds 0, with the gradient 0, and N counts it, as PyTorch's option of this name.
    bool zero_infinity = false;
    bool skip_nan = false; ///< sequences with a label that is NaN don't count; otherwise they are refused

    /// y: classes × steps × batch, target: 1 × its steps × batch; how many are real is said by each one's lengths. dy takes y's
    /// shape and lengths, keeps its memory if it has that size already, and may be what y is a view of. Sums are double. Throws
    /// std::invalid_argument, before dy is touched, unless target has one feature and y's batch, its labels are numbers of y's
    /// features other than the blank, a sequence has steps, and each has enough for its labels: one for each, and one more for each
    /// that is the same as the one before it.
    template <std::floating_point S>
    double operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const;

    template <std::floating_point S>
    double operator()(const Sequence<S>& y, const Sequence<S>& target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const {
        return (*this)(y.view(), target.view(), dy);
    }

    /// What the sum is divided by: N for a mean, 1 for a sum, 0 if no sequence counts. Batches are averaged by it. Throws as the
    /// loss itself.
    template <std::floating_point S>
    double weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const;

    /// The weight() of outputs of so many features with these targets, if all have steps enough. Throws std::invalid_argument
    /// unless the labels are as above.
    template <std::floating_point S>
    double check(SequenceView<S> target, Index features) const;

    /// Targets needn't have the steps of the model's output.
    static constexpr bool own_steps = true;

  private:
    template <class S>
    bool missing(const SequenceView<S>& target, Index b) const;
    template <class S>
    void check_labels(const SequenceView<S>& target, Index features) const;
    template <class S>
    static std::vector<Index> labels_of(const SequenceView<S>& target, Index b);
};

static_assert(Loss<CTCLoss>);

#ifdef CAROUSEL_BODIES

namespace detail {

/// log(eᵃ + eᵇ)
inline double log_add(double a, double b) {
    constexpr double nothing = -std::numeric_limits<double>::infinity();
    if (a == nothing || b == nothing)
        return a == nothing ? b : a;
    return a > b ? a + std::log1p(std::exp(b - a)) : b + std::log1p(std::exp(a - b));
}

/// How many steps a path with these labels has at least.
inline Index least_ctc_steps(const std::vector<Index>& labels) {
    auto steps = static_cast<Index>(labels.size());
    for (std::size_t k = 1; k < labels.size(); ++k)
        steps += labels[k] == labels[k - 1] ? 1 : 0;
    return steps;
}

/// One sequence after the other, in memory that is kept.
class CtcPaths {
  public:
    CtcPaths(Index classes, Index blank) : of_class_(static_cast<std::size_t>(classes)), blank_(blank) {}

    /// −log P of `steps` columns of logits, the first at y, each `stride` numbers after the one before.
    template <class S>
    double loss(const S* y, Index stride, Index steps, const std::vector<Index>& labels) {
        const std::size_t count = 2 * labels.size() + 1, classes = of_class_.size();
        extended_.assign(count, blank_);
        for (std::size_t k = 0; k < labels.size(); ++k)
            extended_[2 * k + 1] = labels[k];
        const std::size_t length = static_cast<std::size_t>(steps);
        normaliser_.resize(length);
        emitted_.resize(length * count);
        alpha_.resize(length * count);
        for (std::size_t t = 0; t < length; ++t) {
            const S* const logits = y + static_cast<Index>(t) * stride;
            const double most = static_cast<double>(*std::max_element(logits, logits + classes));
            double sum = 0;
            for (std::size_t k = 0; k < classes; ++k)
                sum += std::exp(static_cast<double>(logits[k]) - most);
            normaliser_[t] = most + std::log(sum);
            double *const row = &alpha_[t * count], *const emitted = &emitted_[t * count];
            const double* const before = t > 0 ? row - count : nullptr;
            for (std::size_t s = 0; s < count; ++s) {
                emitted[s] = static_cast<double>(logits[extended_[s]]) - normaliser_[t];
                double paths = t > 0 ? before[s] : s < 2 ? 0 : nothing;
                if (t > 0 && s >= 1)
                    paths = log_add(paths, before[s - 1]);
                if (t > 0 && skips(s))
                    paths = log_add(paths, before[s - 2]);
                row[s] = paths + emitted[s];
            }
        }
        const double* const last = &alpha_[(length - 1) * count];
        logarithm_ = count > 1 ? log_add(last[count - 1], last[count - 2]) : last[0];
        return -logarithm_;
    }

    /// The gradient · scale of the loss of the last call, with the same logits, in whose place it may be.
    template <class S>
    void gradient(const S* y, S* dy, Index stride, double scale) {
        const std::size_t count = extended_.size(), classes = of_class_.size();
        beta_.assign(count, nothing);
        beta_[count - 1] = 0;
        if (count > 1)
            beta_[count - 2] = 0;
        for (std::size_t t = normaliser_.size(); t-- > 0;) {
            std::fill(of_class_.begin(), of_class_.end(), 0.0);
            for (std::size_t s = 0; s < count; ++s)
                of_class_[static_cast<std::size_t>(extended_[s])] +=
                    std::exp(alpha_[t * count + s] + beta_[s] - logarithm_);
            const Index column = static_cast<Index>(t) * stride;
            for (std::size_t k = 0; k < classes; ++k) {
                const double p = std::exp(static_cast<double>(y[column + static_cast<Index>(k)]) - normaliser_[t]);
                dy[column + static_cast<Index>(k)] = static_cast<S>(scale * (p - of_class_[k]));
            }
            for (std::size_t s = 0; s < count; ++s) // upwards: the places above are still those of step t
                beta_[s] += emitted_[t * count + s];
            for (std::size_t s = 0; s < count; ++s) {
                if (s + 1 < count)
                    beta_[s] = log_add(beta_[s], beta_[s + 1]);
                if (s + 2 < count && skips(s + 2))
                    beta_[s] = log_add(beta_[s], beta_[s + 2]);
            }
        }
    }

  private:
    /// Whether a path may come to place s from s − 2.
    bool skips(std::size_t s) const { return s >= 2 && extended_[s] != blank_ && extended_[s] != extended_[s - 2]; }

    static constexpr double nothing = -std::numeric_limits<double>::infinity();
    std::vector<double> of_class_, normaliser_, emitted_, alpha_, beta_;
    std::vector<Index> extended_;
    Index blank_;
    double logarithm_ = 0;
};

} // namespace detail

template <class S>
bool CTCLoss::missing(const SequenceView<S>& target, Index b) const {
    for (Index k = 0; skip_nan && k < target.length(b); ++k)
        if (detail::is_nan(target.data()[k * target.batch() + b]))
            return true;
    return false;
}

template <class S>
std::vector<Index> CTCLoss::labels_of(const SequenceView<S>& target, Index b) {
    std::vector<Index> labels;
    for (Index k = 0; k < target.length(b); ++k)
        labels.push_back(static_cast<Index>(target.data()[k * target.batch() + b]));
    return labels;
}

template <class S>
void CTCLoss::check_labels(const SequenceView<S>& target, Index features) const {
    require(blank >= 0 && blank < features, "CTCLoss", "blank is ", blank, ", expected a feature of the outputs, 0 … ",
            features - 1);
    require(target.features() == 1, "CTCLoss", "target has ", target.features(),
            " features, expected 1: the number of the label");
    for (Index b = 0; b < target.batch(); ++b) {
        const Index labels = missing(target, b) ? 0 : target.length(b);
        for (Index k = 0; k < labels; ++k) {
            const S label = target.data()[k * target.batch() + b];
            require(label >= 0 && label < static_cast<S>(features) && label == std::floor(label) &&
                        label != static_cast<S>(blank),
                    "CTCLoss", "the target at step ", k, " of sequence ", b, " is ", label, ", expected a label, 0 … ",
                    features - 1, " but not the blank, ", blank,
                    detail::is_nan(label) ? "; skip_nan passes over such sequences" : "");
        }
    }
}

template <std::floating_point S>
double CTCLoss::weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const {
    require(y.batch() == target.batch(), "CTCLoss", "y has ", y.batch(), " sequences and target ", target.batch(),
            ", expected as many");
    check_labels(target, y.features());
    double count = 0;
    for (Index b = 0; b < y.batch(); ++b) {
        if (y.length(b) == 0 || missing(target, b))
            continue;
        const Index least = zero_infinity ? 0 : detail::least_ctc_steps(labels_of(target, b));
        require(least <= y.length(b), "CTCLoss", "sequence ", b, " has ", y.length(b), " steps and ", target.length(b),
                " labels, which need ", least,
                ", as those that are repeated have a blank between them; zero_infinity passes over such sequences");
        ++count;
    }
    return detail::loss_weight(reduction, count);
}

template <std::floating_point S>
double CTCLoss::check(SequenceView<S> target, Index features) const {
    check_labels(target, features);
    double count = 0;
    for (Index b = 0; b < target.batch(); ++b)
        count += missing(target, b) ? 0 : 1;
    return detail::loss_weight(reduction, count);
}

template <std::floating_point S>
double CTCLoss::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                           std::type_identity_t<Sequence<S>>* dy) const {
    const double divisor = weight(y, target);
    detail::require_summands("CTCLoss", divisor, "of a sequence without steps, or NaN");
    if (dy)
        dy->resize(y.features(), y.steps(), y.batch(), y.lengths());
    detail::CtcPaths paths(y.features(), blank);
    const Index classes = y.features(), stride = y.batch() * classes;
    double sum = 0;
    for (Index b = 0; b < y.batch(); ++b) {
        Index real = y.length(b);
        if (real > 0 && !missing(target, b)) {
            const std::vector<Index> labels = labels_of(target, b);
            const double mean =
                reduction == Reduction::mean ? static_cast<double>(std::max<std::size_t>(labels.size(), 1)) : 1;
            const double loss = paths.loss(y.data() + b * classes, stride, real, labels);
            const bool left_out = zero_infinity && loss == std::numeric_limits<double>::infinity();
            sum += left_out ? 0 : loss / mean;
            if (dy && !left_out)
                paths.gradient(y.data() + b * classes, dy->data() + b * classes, stride, 1 / mean / divisor);
            real = left_out ? 0 : real;
        } else
            real = 0;
        for (Index t = real; dy && t < y.steps(); ++t)
            std::fill_n(dy->data() + t * stride + b * classes, classes, S(0));
    }
    return sum / divisor;
}

#endif

} // namespace carousel
