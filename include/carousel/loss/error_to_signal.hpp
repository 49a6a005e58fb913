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
#    include <numeric>
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
    Energies checked_energies(const SequenceView<S>& target, Index features) const;
    template <class S>
    bool count_row(const SequenceView<S>& target, Index t, std::vector<S>& counts) const;
    template <class S>
    std::vector<S> taps() const;
};

static_assert(Loss<ErrorToSignal>);

#ifdef CAROUSEL_BODIES

/// For each number of step t: 1 if it counts, else 0. Returns whether all count.
template <class S>
bool ErrorToSignal::count_row(const SequenceView<S>& target, Index t, std::vector<S>& counts) const {
    std::fill(counts.begin(), counts.end(), t >= warm_up ? S(1) : S(0));
    bool all = t >= warm_up;
    const Index features = target.features();
    for (Index b = 0; b < target.batch() && target.ragged(); ++b)
        if (!target.real(t, b)) {
            std::fill_n(counts.begin() + b * features, features, S(0));
            all = false;
        }
    const S* const row = target.data() + t * target.batch() * features;
    const auto size = static_cast<Index>(counts.size());
    for (Index s = skip_nan ? detail::non_finite_at(row, size) : size; s < size; ++s)
        if (detail::is_nan(row[s])) {
            counts[static_cast<std::size_t>(s)] = 0;
            all = false;
        }
    return all;
}

template <class S>
std::vector<S> ErrorToSignal::taps() const {
    std::vector<S> h(std::max<std::size_t>(pre_emphasis.size(), 1), S(1));
    std::transform(pre_emphasis.begin(), pre_emphasis.end(), h.begin(), [](double tap) { return static_cast<S>(tap); });
    return h;
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

    const std::vector<S> h = taps<S>();
    const auto size = static_cast<std::size_t>(target.batch() * features);
    std::vector<std::vector<S>> past(h.size(), std::vector<S>(size)); // the last steps, 0 where they don't count
    std::vector<S> counts(size), filtered(size);
    std::vector<double> of_filtered(size), of_plain(size), number(size); // of each series
    for (Index t = warm_up; t < target.steps(); ++t) {
        const bool all = count_row(target, t, counts);
        const S* const row = target.data() + t * target.batch() * features;
        std::rotate(past.begin(), past.end() - 1, past.end());
        std::vector<S>& now = past.front();
        if (all)
            std::copy_n(row, size, now.begin());
        else
            for (std::size_t s = 0; s < size; ++s)
                now[s] = counts[s] != 0 ? row[s] : S(0);
        const bool finite = detail::non_finite_at(now.data(), static_cast<Index>(size)) == static_cast<Index>(size);
        for (std::size_t s = 0; s < size && !finite; ++s)
            require(detail::is_finite(now[s]), where, "the target at feature ", static_cast<Index>(s) % features,
                    ", step ", t, " of sequence ", static_cast<Index>(s) / features, " is ", now[s],
                    ", expected a finite number", skip_nan ? "" : "; skip_nan passes over NaN");
        std::fill(filtered.begin(), filtered.end(), S(0));
        for (std::size_t k = 0; k < h.size(); ++k)
            for (std::size_t s = 0; s < size; ++s)
                filtered[s] += h[k] * past[k][s];
        for (std::size_t s = 0; s < size; ++s) {
            const auto f = static_cast<double>(counts[s] * filtered[s]), p = static_cast<double>(now[s]);
            of_filtered[s] += f * f;
            of_plain[s] += p * p;
            number[s] += static_cast<double>(counts[s]);
        }
    }
    const auto sum = [](const std::vector<double>& list) { return std::accumulate(list.begin(), list.end(), 0.0); };
    return {sum(of_filtered) + epsilon * sum(number), sum(of_plain) + epsilon * sum(number)};
}

template <std::floating_point S>
double ErrorToSignal::operator()(SequenceView<S> y, std::type_identity_t<SequenceView<S>> target,
                                 std::type_identity_t<Sequence<S>>* dy) const {
    detail::require_target("ErrorToSignal", y, target, y.features());
    const SequenceView<S> aim(target.data(), y.features(), y.steps(), y.batch(), y.lengths());
    const Energies energy = checked_energies(aim, y.features());
    detail::require_summands("ErrorToSignal", energy.filtered,
                             "padding, warm-up or NaN, or all are silent and epsilon is 0");
    const std::vector<S> h = taps<S>();
    const Index steps = y.steps(), row = y.batch() * y.features();
    const auto size = static_cast<std::size_t>(row);
    std::vector<S> counts(size), sum(size);
    std::vector<double> mean(size), number(size), square(size); // of each series

    // d, then h∗d, then the gradient stand in the same memory.
    Sequence<S> own;
    Sequence<S>& out = dy ? *dy : own;
    out.resize(y.features(), steps, y.batch(), y.lengths());
    for (Index t = 0; t < steps; ++t) {
        const bool all = count_row(aim, t, counts);
        S* const d = out.data() + t * row;
        const S *const from = y.data() + t * row, *const to = aim.data() + t * row;
        for (std::size_t s = 0; s < size; ++s)
            d[s] = from[s] - to[s];
        for (std::size_t s = 0; s < size && !all; ++s)
            if (counts[s] == 0)
                d[s] = 0;
        for (std::size_t s = 0; s < size; ++s) {
            mean[s] += static_cast<double>(d[s]);
            number[s] += static_cast<double>(counts[s]);
        }
    }
    double offset = 0;
    for (std::size_t s = 0; s < size; ++s)
        if (number[s] > 0) {
            mean[s] /= number[s];
            offset += number[s] * mean[s] * mean[s];
        }

    // sum = Σ_k h_k · step t ± k
    const auto filter = [&](Index t, Index direction) {
        std::fill(sum.begin(), sum.end(), S(0));
        for (std::size_t k = 0; k < h.size(); ++k) {
            const Index at = t + direction * static_cast<Index>(k);
            if (at < 0 || at >= steps)
                break;
            const S* const d = out.data() + at * row;
            for (std::size_t s = 0; s < size; ++s)
                sum[s] += h[k] * d[s];
        }
        count_row(aim, t, counts);
    };
    for (Index t = steps; t-- > 0;) { // the last step first, as a step needs d of those before it
        filter(t, -1);
        S* const filtered = out.data() + t * row;
        for (std::size_t s = 0; s < size; ++s) {
            filtered[s] = counts[s] * sum[s];
            square[s] += static_cast<double>(filtered[s]) * static_cast<double>(filtered[s]);
        }
    }
    const double error = std::accumulate(square.begin(), square.end(), 0.0);
    const double loss = esr / energy.filtered * error + (dc > 0 ? dc / energy.plain * offset : 0);
    if (!dy)
        return loss;

    const S of_error = static_cast<S>(2 * esr / energy.filtered);
    for (std::size_t s = 0; s < size; ++s)
        mean[s] *= dc > 0 ? 2 * dc / energy.plain : 0;
    for (Index t = 0; t < steps; ++t) { // the first step first, as a step needs h∗d of those after it
        filter(t, 1);
        S* const gradient = out.data() + t * row;
        for (std::size_t s = 0; s < size; ++s)
            gradient[s] = counts[s] * (of_error * sum[s] + static_cast<S>(mean[s]));
    }
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
