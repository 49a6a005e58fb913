// ErrorToSignal: for audio, how much energy the error has beside the target's, and the offset beside it.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/loss/loss.hpp"

#include <concepts>
#include <type_traits>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include "carousel/core/finite.hpp"

#    include <algorithm>
#    include <cmath>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// The loss of Wright, Damskägg and Välimäki, "Real-time black-box modelling with recurrent neural networks", DAFx 2019, and
/// of Wright, Damskägg, Juvela and Välimäki, "Real-time guitar amplifier emulation with deep learning", Applied Sciences
/// 2020: the error-to-signal ratio behind a pre-emphasis filter h, and a term for the offset (DC). A series is a feature of a
/// sequence. With N numbers that count, n_s of them in the series s, and 0 in place of those that don't:
///
///     d = y − target      (h∗d)_t = Σ_k h_k d_{t−k}, of what counts; before the first step there is silence
///     E = Σ (h∗target)² + εN      E₀ = Σ target² + εN      m_s = 1/n_s Σ_{t in s} d_t
///
///     loss = esr/E Σ (h∗d)² + dc/E₀ Σ_s n_s m_s²
///     dy_t = 2 esr/E Σ_k h_k (h∗d)_{t+k} + 2 dc/E₀ m_s
///
/// What counts is real and neither of the warm-up nor, with skip_nan, has the target NaN; the rest adds nothing and has the
/// gradient zero. One batch of whole sequences has, for {.esr = 0.75, .dc = 0.25}, the numbers of the PyTorch code of
/// https://github.com/Alec-Wright/CoreAudioML with {"ESRPre": 0.75, "DC": 0.25}, with which Automated-GuitarAmpModelling
/// and AIDA-X train. Without a filter and with dc = 0 it is the plain ratio, 0 for a perfect model and 1 for a silent one.
struct ErrorToSignal {
    double esr = 1;                                ///< weight of the ratio, >= 0
    double dc = 1;                                 ///< weight of the offset's term, >= 0
    std::vector<double> pre_emphasis = {1, -0.85}; ///< h: the taps of a FIR filter, the present first; empty: none
    double epsilon = 1e-5; ///< energy a sample that is added to the target's, against silence; >= 0
    /// The first steps of every sequence, which don't count: a net that starts from zero hasn't heard the past yet. Under
    /// truncated BPTT (FitOptions::truncate) a chunk is a sequence, so there mark the steps with NaN instead.
    Index warm_up = 0;
    bool skip_nan = false; ///< targets that are NaN don't count; otherwise they are refused

    /// y, target: features × steps × batch; which columns are real is said by y's lengths. dy takes y's shape and lengths,
    /// keeps its memory if it has that size already, and may be what y is a view of. Sums are double. Throws
    /// std::invalid_argument, before dy is touched, unless target has y's shape and, if it has lengths, y's lengths, an option
    /// is out of its range, a target that counts isn't finite, or the energy E is 0, as where nothing counts.
    template <std::floating_point S>
    double operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const;

    template <std::floating_point S>
    double operator()(const Sequence<S>& y, const Sequence<S>& target,
                      std::type_identity_t<Sequence<S>>* dy = nullptr) const {
        return (*this)(y.view(), target.view(), dy);
    }

    /// E: batches are averaged by their energy, Σ weight·loss / Σ weight, so that quiet ones weigh little and the mean ratio
    /// is that of all as one. 0 if nothing counts. Throws as check().
    template <std::floating_point S>
    double weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const;

    /// The weight() of outputs with these targets, of their lengths. Throws std::invalid_argument unless they have as many
    /// features, every one that counts is finite, and the options are in their ranges.
    template <std::floating_point S>
    double check(SequenceView<S> target, Index features) const;

  private:
    struct Energies {
        double filtered = 0, plain = 0; ///< E, E₀
    };
    template <class S>
    bool counts(const SequenceView<S>& target, Index t, Index b, Index series) const;
    template <class S>
    Energies checked_energies(const SequenceView<S>& target, Index features) const;
};

static_assert(Loss<ErrorToSignal>);

#ifdef CAROUSEL_BODIES

namespace detail {

/// f(b, s) for every series, s counted as the numbers of a step are.
template <class S, class F>
void each_series(const SequenceView<S>& y, const F& f) {
    for (Index b = 0, s = 0; b < y.batch(); ++b)
        for (Index feature = 0; feature < y.features(); ++feature, ++s)
            f(b, s);
}

} // namespace detail

/// `series` is b · features + feature.
template <class S>
bool ErrorToSignal::counts(const SequenceView<S>& target, Index t, Index b, Index series) const {
    return t >= warm_up && target.real(t, b) &&
           !(skip_nan && detail::is_nan(target.data()[t * target.batch() * target.features() + series]));
}

template <class S>
ErrorToSignal::Energies ErrorToSignal::checked_energies(const SequenceView<S>& target, Index features) const {
    const char* const where = "ErrorToSignal";
    const auto check_number = [&](const char* name, double value) {
        require(value >= 0 && std::isfinite(value), where, name, " is ", value, ", expected a finite number >= 0");
    };
    check_number("esr", esr);
    check_number("dc", dc);
    check_number("epsilon", epsilon);
    require(warm_up >= 0, where, "warm_up is ", warm_up, ", expected warm_up >= 0");
    for (std::size_t k = 0; k < pre_emphasis.size(); ++k)
        require(std::isfinite(pre_emphasis[k]), where, "tap ", k, " of pre_emphasis is ", pre_emphasis[k],
                ", expected a finite number");
    require(target.features() == features, where, "the targets have ", target.features(), " features, expected ",
            features);

    const Index taps = static_cast<Index>(pre_emphasis.size()), row = target.batch() * features;
    Energies sum;
    Index count = 0;
    for (Index t = warm_up; t < target.steps(); ++t)
        detail::each_series(target, [&](Index b, Index s) {
            if (!counts(target, t, b, s))
                return;
            const S* const now = target.data() + t * row + s;
            if (!detail::is_finite(*now))
                require(false, where, "the target at feature ", s % features, ", step ", t, " of sequence ", b, " is ",
                        *now, ", expected a finite number", skip_nan ? "" : "; skip_nan passes over NaN");
            const auto plain = static_cast<double>(*now);
            double filtered = taps > 0 ? pre_emphasis[0] * plain : plain;
            for (Index k = 1; k < taps && k <= t; ++k)
                if (counts(target, t - k, b, s))
                    filtered += pre_emphasis[static_cast<std::size_t>(k)] * static_cast<double>(*(now - k * row));
            sum.plain += plain * plain;
            sum.filtered += filtered * filtered;
            ++count;
        });
    const double floor = epsilon * static_cast<double>(count);
    return {sum.filtered + floor, sum.plain + floor};
}

template <std::floating_point S>
double ErrorToSignal::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                 std::type_identity_t<Sequence<S>>* dy) const {
    detail::require_target("ErrorToSignal", y, target, y.features());
    const SequenceView<S> aim(target.data(), y.features(), y.steps(), y.batch(), y.lengths());
    const Energies energy = checked_energies(aim, y.features());
    detail::require_summands("ErrorToSignal", energy.filtered,
                             "padding, warm-up or NaN, or all are silent and epsilon is 0");
    const Index taps = static_cast<Index>(pre_emphasis.size()), row = y.batch() * y.features(), steps = y.steps();

    // d, then h∗d, then the gradient stand in the same memory.
    Sequence<S> own;
    Sequence<S>& out = dy ? *dy : own;
    out.resize(y.features(), steps, y.batch(), y.lengths());
    S* const d = out.data();
    std::vector<double> mean(static_cast<std::size_t>(row)), size(mean.size());
    for (Index t = 0; t < steps; ++t)
        detail::each_series(aim, [&](Index b, Index s) {
            const Index at = t * row + s;
            const bool real = counts(aim, t, b, s);
            d[at] = real ? y.data()[at] - aim.data()[at] : S(0);
            mean[static_cast<std::size_t>(s)] += static_cast<double>(d[at]);
            size[static_cast<std::size_t>(s)] += real ? 1 : 0;
        });
    double offset = 0;
    for (std::size_t s = 0; s < mean.size(); ++s)
        if (size[s] > 0) {
            mean[s] /= size[s];
            offset += size[s] * mean[s] * mean[s];
        }

    const auto tap = [&](Index k) { return pre_emphasis[static_cast<std::size_t>(k)]; };
    double error = 0;
    for (Index t = steps; t-- > 0;) // backward, as a step needs d of those before it
        detail::each_series(aim, [&](Index b, Index s) {
            const Index at = t * row + s;
            double sum = taps > 0 ? tap(0) * static_cast<double>(d[at]) : static_cast<double>(d[at]);
            for (Index k = 1; k < taps && k <= t; ++k)
                sum += tap(k) * static_cast<double>(d[at - k * row]);
            d[at] = counts(aim, t, b, s) ? static_cast<S>(sum) : S(0);
            error += static_cast<double>(d[at]) * static_cast<double>(d[at]);
        });
    const double loss = esr / energy.filtered * error + (dc > 0 ? dc / energy.plain * offset : 0);
    if (!dy)
        return loss;

    const double of_error = 2 * esr / energy.filtered, of_mean = dc > 0 ? 2 * dc / energy.plain : 0;
    for (Index t = 0; t < steps; ++t) // forward, as a step needs h∗d of those after it
        detail::each_series(aim, [&](Index b, Index s) {
            const Index at = t * row + s;
            double sum = taps > 0 ? tap(0) * static_cast<double>(d[at]) : static_cast<double>(d[at]);
            for (Index k = 1; k < taps && k < steps - t; ++k)
                sum += tap(k) * static_cast<double>(d[at + k * row]);
            d[at] = counts(aim, t, b, s) ? static_cast<S>(of_error * sum + of_mean * mean[static_cast<std::size_t>(s)])
                                         : S(0);
        });
    return loss;
}

template <std::floating_point S>
double ErrorToSignal::weight(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target) const {
    detail::require_target("ErrorToSignal", y, target, y.features());
    return check(SequenceView<S>(target.data(), y.features(), y.steps(), y.batch(), y.lengths()), y.features());
}

template <std::floating_point S>
double ErrorToSignal::check(SequenceView<S> target, Index features) const {
    return checked_energies(target, features).filtered;
}

#endif

} // namespace carousel
