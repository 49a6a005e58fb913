// The engine of the losses that are a sum over the targets: the loops, padding, missing targets, weights, reduction and checks of
// all of them stand here, once.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/core/matrix.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"

#include <algorithm>
#include <concepts>
#include <span>
#include <type_traits>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// A loss of terms has
///   L::name                        in messages
///   reduction, skip_nan
///   term(y, target)                a Term: what an output and its target come to;
/// or, if several outputs, which stand together, have one target,
///   outputs()                      how many
///   terms(y, target, dy)           what they add to the loss; writes the derivatives to dy
/// and may have
///   summands()                     how many summands those of a target are in a mean; 1 if it doesn't say
///   check_options()                throws if they are out of their ranges
///   accepts(target), L::expected   whether a number may be a target, and what to say where it may not; if not: finite ones
///   run(y, target, size, scale, dy)   what so many terms add, and their derivatives · scale, which are faster together. Then
///                                  calls of the loss don't look for targets that aren't finite; only check() does.
template <class L>
concept LossOfSingleTerms = requires(const L& loss) {
    { loss.term(0.0, 0.0) } -> std::same_as<Term>;
};

template <class L>
Index outputs_of_target(const L& loss) {
    if constexpr (LossOfSingleTerms<L>)
        return 1;
    else
        return loss.outputs();
}

/// How many of these targets, the first of which is number `first` of `all`, count. Throws std::invalid_argument at one that
/// can't be a target.
template <class L, class S>
Index count_targets(const L& loss, const SequenceView<S>& all, Index first, Index size) {
    const S* const numbers = all.data() + first;
    const auto refuse_at = [&](Index k, const char* expected) {
        const Index place = first + k, column = place / all.features();
        require(false, L::name, "the target at feature ", place % all.features(), ", step ", column / all.batch(),
                " of sequence ", column % all.batch(), " is ", numbers[k], ", expected ", expected,
                is_nan(numbers[k]) ? "; skip_nan passes over NaN" : "");
    };
    Index missing = 0;
    if constexpr (requires { loss.accepts(0.0); }) {
        for (Index k = 0; k < size; ++k)
            if (loss.skip_nan && is_nan(numbers[k]))
                ++missing;
            else if (!loss.accepts(static_cast<double>(numbers[k])))
                refuse_at(k, L::expected);
    } else {
        for (Index k = 0; (k += non_finite_at(numbers + k, size - k)) < size; ++k) {
            if (!loss.skip_nan || !is_nan(numbers[k]))
                refuse_at(k, "a finite number");
            ++missing;
        }
    }
    return size - missing;
}

/// What a loss of terms divides its sum by. `look`: at the targets, even if none can be missing.
template <class L, class S>
double term_weight(const L& loss, const SequenceView<S>& target, ColumnWeights weights, bool look) {
    double sum = 0;
    if (!look && !loss.skip_nan && weights.empty())
        sum = static_cast<double>(target.features() * target.real_columns());
    else
        each_weighted_run(target, weights, [&](Index column, Index count, double w) {
            if (w > 0 && target.features() > 0)
                sum += w * static_cast<double>(
                               count_targets(loss, target, column * target.features(), count * target.features()));
        });
    if constexpr (requires { loss.summands(); })
        sum *= static_cast<double>(loss.summands());
    return loss_weight(loss.reduction, sum);
}

/// The check() of a loss of terms.
template <class L, class S>
double check_terms(const L& loss, const SequenceView<S>& target, Index features, ColumnWeights weights) {
    if constexpr (requires { loss.check_options(); })
        loss.check_options();
    const Index outputs = outputs_of_target(loss);
    if (outputs == 1)
        require(target.features() == features, L::name, "the targets have ", target.features(), " features, expected ",
                features);
    else
        require(target.features() * outputs == features, L::name, "the targets have ", target.features(),
                " features and the model ", features, " outputs, expected ", outputs, " outputs for each target");
    require_weights(L::name, target, weights);
    return term_weight(loss, target, weights, true);
}

/// target, of y's lengths. Throws std::invalid_argument unless it fits.
template <class L, class S>
SequenceView<S> target_of_terms(const L& loss, const SequenceView<S>& y, const SequenceView<S>& target) {
    if constexpr (requires { loss.check_options(); })
        loss.check_options();
    const Index outputs = outputs_of_target(loss);
    if (outputs != 1)
        require(y.features() == outputs * target.features(), L::name, "y has ", y.features(), " features and target ",
                target.features(), ", expected ", outputs, " outputs for each target");
    require_target(L::name, y, target, outputs == 1 ? y.features() : target.features());
    return {target.data(), target.features(), y.steps(), y.batch(), y.lengths()};
}

/// The weight() of a loss of terms.
template <class L, class S>
double terms_weight(const L& loss, const SequenceView<S>& y, const SequenceView<S>& target, ColumnWeights weights) {
    const SequenceView<S> aim = target_of_terms(loss, y, target);
    require_weights(L::name, aim, weights);
    return term_weight(loss, aim, weights, false);
}

/// Σ of `count` targets' terms; their derivatives · scale / divisor to dy, unless it is null.
template <class L, class S>
double add_terms(const L& loss, const S* y, const S* target, Index count, double scale, double divisor, S* dy,
                 std::span<double> memory) {
    if constexpr (requires { loss.run(y, target, count, scale, dy); }) {
        return loss.run(y, target, count, scale / divisor, dy);
    } else if constexpr (LossOfSingleTerms<L>) {
        double sum = 0;
        for (Index k = 0; k < count; ++k) {
            const Term term = loss.term(static_cast<double>(y[k]), static_cast<double>(target[k]));
            sum += term.loss;
            if (dy)
                dy[k] = static_cast<S>(scale * term.derivative / divisor);
        }
        return sum;
    } else {
        const std::size_t outputs = memory.size() / 2;
        const auto from = memory.first(outputs), to = memory.last(outputs);
        double sum = 0;
        for (Index k = 0; k < count; ++k) {
            const Index first = k * static_cast<Index>(outputs);
            for (std::size_t j = 0; j < outputs; ++j)
                from[j] = static_cast<double>(y[first + static_cast<Index>(j)]);
            sum += loss.terms(std::span<const double>(from), static_cast<double>(target[k]), to);
            for (std::size_t j = 0; dy && j < outputs; ++j)
                dy[first + static_cast<Index>(j)] = static_cast<S>(scale * to[j] / divisor);
        }
        return sum;
    }
}

/// A loss of terms.
template <class L, class S>
double term_loss(const L& loss, const SequenceView<S>& y, const SequenceView<S>& target, Sequence<S>* dy,
                 ColumnWeights weights) {
    const SequenceView<S> aim = target_of_terms(loss, y, target);
    require_weights(L::name, aim, weights);
    constexpr bool looks = !requires(S number) {
        loss.run(&number, &number, Index(1), 1.0, &number);
    };
    const double divisor = term_weight(loss, aim, weights, looks);
    require_summands(L::name, divisor, loss.skip_nan ? "padding, NaN or of weight 0" : "padding");
    if (dy)
        dy->resize(y.features(), y.steps(), y.batch(), y.lengths());

    const Index outputs = outputs_of_target(loss), rows = aim.features();
    std::vector<double> memory(LossOfSingleTerms<L> ? 0 : 2 * static_cast<std::size_t>(outputs));
    double sum = 0;
    each_weighted_run(y, weights, [&](Index column, Index count, double w) {
        const Index end = (column + count) * rows;
        for (Index k = column * rows; k < end;) {
            const Index size = w == 0 ? 0 : loss.skip_nan ? non_finite_at(aim.data() + k, end - k) : end - k;
            S* const to = dy ? dy->data() + k * outputs : nullptr;
            if (size > 0)
                sum += w * add_terms(loss, y.data() + k * outputs, aim.data() + k, size, w, divisor, to, memory);
            k += size;
            const Index left_out = w == 0 ? end - k : std::min<Index>(end - k, 1);
            if (dy)
                std::fill_n(dy->data() + k * outputs, left_out * outputs, S(0));
            k += left_out;
        }
    });
    return sum / divisor;
}

} // namespace detail

} // namespace carousel

/// The members of a loss of terms, which are the same for all.
#define CAROUSEL_TERM_LOSS_BODIES(Type)                                                                         \
    template <std::floating_point S>                                                                            \
    double Type::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,                    \
                            std::type_identity_t<Sequence<S>>* dy, ColumnWeights weights) const {               \
        return detail::term_loss(*this, y, target, dy, weights);                                                \
    }                                                                                                           \
    template <std::floating_point S>                                                                            \
    double Type::weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target, ColumnWeights weights) \
        const {                                                                                                 \
        return detail::terms_weight(*this, y, target, weights);                                                 \
    }                                                                                                           \
    template <std::floating_point S>                                                                            \
    double Type::check(SequenceView<S> target, Index features, ColumnWeights weights) const {                   \
        return detail::check_terms(*this, target, features, weights);                                           \
    }
