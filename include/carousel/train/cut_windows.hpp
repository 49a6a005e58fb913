// How Windows finds its windows, and cuts them. Compiled once for a scalar.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/core/require.hpp"
#include "carousel/train/windows.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// What a message calls a series: by its number, if there are several.
inline std::string series_name(std::size_t number, std::size_t count) {
    return count > 1 ? message_of("series ", number) : "the series";
}

} // namespace detail

template <std::floating_point S>
void Windows<S>::begin(std::vector<SequenceView<S>> series, const WindowOptions& options) {
    const char* const where = "windows";
    series_ = std::move(series);
    steps_ = options.steps, horizon_ = options.horizon, stride_ = options.stride, gap_ = options.gap;
    require(steps_ >= 1 && horizon_ >= 1 && stride_ >= 1, where, "steps ", steps_, ", horizon ", horizon_,
            " and stride ", stride_, " must all be at least 1");
    require(gap_ >= 0, where, "gap is ", gap_, ", expected gap >= 0");
    require(!series_.empty(), where, "the list of series is empty");
    for (std::size_t k = 0; k < series_.size(); ++k) {
        require(series_[k].batch() == 1 && !series_[k].ragged(), where, "series ", k, " is a batch of ",
                series_[k].batch(), ", expected one sequence without lengths");
        require(series_[k].features() == series_[0].features(), where, "series ", k, " has ", series_[k].features(),
                " rows, expected ", series_[0].features(), " as the first has");
    }
    skip_missing_ = options.skip_missing;
    choose_rows(options);
    for (std::size_t k = 0; k < series_.size(); ++k)
        count(k);
    require(size_ > 0, where, "each of ", left_out_, " windows has an input that is NaN or infinite");
    target_steps_ = options.every_step ? steps_ : 1;
    shape_ = {inputs_.count() + known_.count() * (stacked_ ? horizon_ : 1), steps_, targets_.count() * horizon_,
              target_steps_};
}

template <std::floating_point S>
void Windows<S>::choose_rows(const WindowOptions& options) {
    const Index available = series_[0].features();
    inputs_ = rows("inputs", options.inputs, available);
    if (!options.known.empty())
        known_ = rows("known", options.known, available);
    std::vector<Index> targets = options.targets;
    const auto is_known = [&](Index row) {
        return std::find(known_.list.begin(), known_.list.end(), row) != known_.list.end();
    };
    for (Index row = 0; row < available && options.targets.empty(); ++row)
        if (!is_known(row))
            targets.push_back(row);
    require(!targets.empty() || available == 0, "windows",
            "every row is known in advance, expected one that is a target");
    targets_ = rows("targets", targets, available);
    for (const Index row : targets)
        require(!is_known(row), "windows", "row ", row, " is a target and known in advance, expected only one of both");
    stacked_ = options.known_layout == KnownLayout::stacked;
    require(known_.count() == 0 || stacked_ || steps_ >= horizon_, "windows", "steps ", steps_,
            " are fewer than horizon ", horizon_,
            ", so that known values wouldn't be seen: take at least as many, or KnownLayout::stacked");
}

/// These rows, or, of an empty list, all.
template <std::floating_point S>
auto Windows<S>::rows(const char* what, const std::vector<Index>& list, Index available) -> Rows {
    Rows chosen{list, true};
    if (list.empty()) {
        chosen.list.resize(static_cast<std::size_t>(available));
        std::iota(chosen.list.begin(), chosen.list.end(), Index(0));
    }
    for (std::size_t k = 0; k < list.size(); ++k) {
        require(list[k] >= 0 && list[k] < available, "windows", "row ", list[k], " is among ", what, ", expected 0 … ",
                available - 1);
        chosen.run = chosen.run && list[k] == list[0] + static_cast<Index>(k);
    }
    return chosen;
}

/// Writes these rows of a column to `to`; returns where they end.
template <std::floating_point S>
S* Windows<S>::Rows::copy(const S* column, S* to) const {
    if (list.size() == 1) { // the shortest run, without a call
        *to = column[list[0]];
        return to + 1;
    }
    if (run)
        return std::copy_n(column + (list.empty() ? 0 : list[0]), list.size(), to);
    for (const Index row : list)
        *to++ = column[row];
    return to;
}

/// Adds the windows of a series.
template <std::floating_point S>
void Windows<S>::count(std::size_t number) {
    const SequenceView<S>& series = series_[number];
    const Index length = series.steps();
    constexpr Index most = std::numeric_limits<Index>::max();
    const auto sum = [](Index a, Index b) { return a > most - b ? most : a + b; };
    const Index least = sum(sum(steps_, gap_), horizon_);
    require(least <= length, "windows", detail::series_name(number, series_.size()), " has ", length,
            " values, expected at least ", least, " (steps ", steps_,
            gap_ > 0 ? detail::message_of(" + gap ", gap_) : std::string(), " + horizon ", horizon_, ")");
    const Index windows = (length - least) / stride_ + 1, numbers = length * series.features();
    if (detail::non_finite_at(series.data(), numbers) < numbers)
        return count_with_missing(number, windows);
    runs_.push_back({size_, {static_cast<Index>(number), 0}});
    size_ += windows;
}

/// The same of a series in which a number isn't finite. Windows come in order, so each column is looked at once.
template <std::floating_point S>
void Windows<S>::count_with_missing(std::size_t number, Index windows) {
    const SequenceView<S>& series = series_[number];
    struct Seen {
        Index end = 0, last_missing = -1; ///< of the columns before `end`
    } input, known;
    const auto has_missing = [&](Seen& seen, const Rows& rows, Index first, Index last) {
        const Index from = std::max(first, seen.end);
        if (const Index found = from < last ? missing(series, rows, from, last) : -1; found >= 0)
            seen.last_missing = found;
        seen.end = std::max(seen.end, last);
        return seen.last_missing >= first;
    };
    bool in_run = false;
    for (Index w = 0; w < windows; ++w) {
        const Index first = w * stride_, end = first + steps_, ahead = gap_ + horizon_;
        const bool input_missing = has_missing(input, inputs_, first, end);
        const bool known_missing =
            known_.count() > 0 && has_missing(known, known_, first + (stacked_ ? gap_ + 1 : ahead), end + ahead);
        if (!input_missing && !known_missing) {
            if (!in_run)
                runs_.push_back({size_, {static_cast<Index>(number), first}});
            in_run = true;
            ++size_;
            continue;
        }
        in_run = false;
        ++left_out_;
        if (skip_missing_)
            continue;
        const Rows& rows = input_missing ? inputs_ : known_;
        const Index column = input_missing ? input.last_missing : known.last_missing;
        for (const Index row : rows.list)
            if (const S value = series.data()[column * series.features() + row]; !detail::is_finite(value))
                require(false, "windows", detail::series_name(number, series_.size()), " is ", value, " at step ",
                        column, ", feature ", row,
                        ", expected finite inputs: fill the gap, or leave out the windows that have it, "
                        "{.skip_missing = true}");
    }
}

template <std::floating_point S>
Index Windows<S>::missing(const SequenceView<S>& series, const Rows& rows, Index first, Index last) {
    for (Index column = last; column-- > first;)
        for (const Index row : rows.list)
            if (!detail::is_finite(series.data()[column * series.features() + row]))
                return column;
    return -1;
}

template <std::floating_point S>
WindowPlace Windows<S>::place_of(Index k) const {
    const auto after = std::upper_bound(runs_.begin(), runs_.end(), k,
                                        [](Index number, const Run& run) { return number < run.number; });
    const Run& run = *(after - 1);
    return {run.place.series, run.place.column + (k - run.number) * stride_};
}

template <std::floating_point S>
WindowPlace Windows<S>::place(Index k) const {
    const Index count = runs_.empty() ? 0 : size_; // none, if they were moved away
    const bool inside = k >= 0 && k < count;
    require(inside, "Windows::place", "window ", k, " was asked for, ",
            count > 0 ? detail::message_of("expected 0 … ", count - 1) : std::string("these Windows were moved away"));
    return place_of(k);
}

template <std::floating_point S>
Index Windows<S>::target_row(Index steps_ahead, Index target) const {
    require(steps_ahead >= 1 && steps_ahead <= horizon_ && target >= 0 && target < targets_.count(),
            "Windows::target_row", "target ", target, " of ", steps_ahead, " steps ahead was asked for, expected 0 … ",
            targets_.count() - 1, " of 1 … ", horizon_);
    return carousel::target_row(steps_ahead, target, targets_.count());
}

template <std::floating_point S>
void Windows<S>::fill(std::span<const Index> windows, Sequence<S>& x, Sequence<S>& y) const {
    detail::require_samples("Windows::fill", windows, series_.empty() ? 0 : size_); // none, if it was moved away
    detail::require_batch_of("Windows::fill", shape_, windows.size(),
                             {x.features(), x.steps(), y.features(), y.steps()}, x.batch(), y.batch());
    const Index features = series_[0].features();
    std::vector<const S*> starts;
    for (const Index k : windows) {
        const WindowPlace at = place_of(k);
        starts.push_back(series_[static_cast<std::size_t>(at.series)].data() + at.column * features);
    }
    S* to = x.data();
    const Index nearest = stacked_ ? gap_ + 1 : gap_ + horizon_;
    for (Index t = 0; t < x.steps(); ++t)
        for (const S* const start : starts) {
            const S* const column = start + t * features;
            to = inputs_.copy(column, to);
            for (Index ahead = nearest; ahead <= gap_ + horizon_ && known_.count() > 0; ++ahead)
                to = known_.copy(column + ahead * features, to);
        }
    to = y.data();
    const bool whole = targets_.count() == features && targets_.run; // the columns of the horizon are one block
    for (Index t = 0; t < y.steps(); ++t)
        for (const S* const start : starts) {
            const S* const column = start + (steps_ - target_steps_ + t + gap_ + 1) * features;
            if (whole) {
                to = std::copy_n(column, horizon_ * features, to);
                continue;
            }
            for (Index ahead = 0; ahead < horizon_; ++ahead)
                to = targets_.copy(column + ahead * features, to);
        }
}

template <std::floating_point S>
Dataset<S> Windows<S>::dataset() const {
    Dataset<S> data{Sequence<S>(shape_.x_features, shape_.x_steps, size_),
                    Sequence<S>(shape_.y_features, shape_.y_steps, size_)};
    std::vector<Index> all(static_cast<std::size_t>(size_));
    std::iota(all.begin(), all.end(), Index(0));
    fill(all, data.x, data.y);
    return data;
}

template <std::floating_point S>
Dataset<S> windows(const Matrix<S>& series, const WindowOptions& options) {
    const std::vector<SequenceView<S>> views{{series.data(), series.rows(), series.cols(), 1}};
    return Windows<S>(views, options).dataset();
}

template <std::floating_point S>
Dataset<S> windows(const std::vector<Matrix<S>>& series, const WindowOptions& options) {
    std::vector<SequenceView<S>> views;
    for (const Matrix<S>& one : series)
        views.emplace_back(one.data(), one.rows(), one.cols(), 1);
    return Windows<S>(std::move(views), options).dataset();
}

template <class S>
Dataset<S> detail::windows(const S* series, Index length, const WindowOptions& options) {
    const std::vector<SequenceView<S>> views{{series, 1, length, 1}};
    return Windows<S>(views, options).dataset();
}

} // namespace carousel
