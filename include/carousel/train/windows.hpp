// Windows over series: which of their rows are inputs, targets or known in advance; cut when a batch needs them, or all at once.
#pragma once

#include "carousel/core/sequence.hpp"
#include "carousel/train/dataset.hpp"
#include "carousel/train/sample_shape.hpp"

#include <concepts>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// How values that are known in advance are put beside the inputs of a step.
enum class KnownLayout {
    shifted, ///< those of gap + horizon steps later, one for each known row: the last `horizon` steps have those of all targets
    stacked ///< those of all its targets, the nearest first: known · horizon for each step
};

/// A window has `steps` consecutive columns of a series and, `gap` columns after its last, `horizon` columns of targets:
///
///     window w:  w·stride … w·stride + steps − 1 | gap | horizon
///
/// Its inputs at a step are the rows `inputs` of that column, in the order in which they are listed, and below them the rows
/// `known` of columns that lie ahead (KnownLayout): what is known in advance, such as the hour, a holiday or a weather forecast.
/// For a horizon of 1 that is the next column's, as in darts' RNNModel and in DeepAR; a longer one needs as many steps as it
/// is long, or the stacked layout, so that the net sees the known values of every target.
///
/// Its targets are stacked, the nearest column first, and of each column the rows `targets` in the order in which they are
/// listed: target k of h columns ahead, h = 1 … horizon, is in row (h − 1)·targets + k, which is target_row(h, k, targets).
struct WindowOptions {
    AnyIndex steps = 1;              ///< values in
    AnyIndex horizon = 1;            ///< values ahead: the target is all of them
    AnyIndex stride = 1;             ///< from the start of one window to that of the next
    bool every_step = false;         ///< a target at every step: what follows it, not what follows the window
    AnyIndex gap = 0;                ///< values between the last one in and the first target
    std::vector<Index> inputs = {};  ///< rows of the series; empty: all
    std::vector<Index> targets = {}; ///< rows; empty: all but those that are known
    std::vector<Index> known = {};   ///< rows whose values over the horizon are known in advance
    KnownLayout known_layout = KnownLayout::shifted;
    /// Windows with an input that is NaN or infinite are left out; else it is refused. Targets may be missing, if the loss
    /// doesn't count those.
    bool skip_missing = false;
};

/// The row of a window's targets, and of its forecasts, in which that of `steps_ahead` (1 … horizon) and of the target number
/// `target` among `targets` is.
constexpr Index target_row(Index steps_ahead, Index target, Index targets = 1) {
    return (steps_ahead - 1) * targets + target;
}

/// Where a window is: its first input is this column of this series.
struct WindowPlace {
    /// Both from 0.
    Index series, column;
};

/// Every window over one series (features × length) or several, none of which reaches from one into the next. They are cut when a
/// batch needs them, so that they take no memory beside the series; windows() makes all of them at once.
///
///     const Windows data(series, {.steps = 96, .horizon = 24, .targets = {0}, .known = {1, 2}});
///     fit(model, data, MeanSquaredError{}, Adam{}, {.validation_split = 0.2});
///
/// x is (inputs + known) × steps, or, stacked, (inputs + known · horizon) × steps; y is (targets · horizon) × 1, with
/// every_step × steps. Series are kept: a Matrix that is moved here isn't copied, views are of numbers that must outlive
/// them. Copies share them.
template <std::floating_point S>
class Windows {
  public:
    using Scalar = S;

    /// Throws std::invalid_argument if steps, horizon or stride is below 1 or gap below 0, a row isn't there, is a target and
    /// known in advance, or the series have different rows; a series is too short for one window; a number that would be an
    /// input is NaN or infinite, unless those windows are to be left out, and a window remains; or known values of a horizon
    /// longer than `steps` are to be shifted.
    Windows(Matrix<S>&& series, const WindowOptions& options) : Windows(one(std::move(series)), options) {}
    Windows(std::vector<Matrix<S>> series, const WindowOptions& options)
        : owned_(std::make_unique<const std::vector<Matrix<S>>>(std::move(series))) {
        begin(views(*owned_), options);
    }
    /// Of numbers that are kept elsewhere, as in a mapped file: each a batch of one sequence without lengths.
    Windows(std::vector<SequenceView<S>> series, const WindowOptions& options) { begin(std::move(series), options); }
    /// Any Eigen expression; a column vector, VectorXf or Matrix<float, Dynamic, 1>, is a series of one feature.
    template <class Derived>
    requires std::same_as<typename Derived::Scalar, S> Windows(const Eigen::DenseBase<Derived>& series,
                                                               const WindowOptions& options)
        : Windows(matrix_of(series), options) {}
    /// Of one feature.
    Windows(std::span<const S> series, const WindowOptions& options)
        : Windows(Matrix<S>(Eigen::Map<const Matrix<S>>(series.data(), 1, static_cast<Index>(series.size()))),
                  options) {}
    Windows(const std::vector<S>& series, const WindowOptions& options)
        : Windows(std::span<const S>(series), options) {}

    Index size() const { return size_; }
    SampleShape shape() const { return shape_; }
    bool finite() const { return true; }
    /// See Samples. Throws std::invalid_argument, before anything is changed, unless there are these windows and x and y have
    /// their shape.
    void fill(std::span<const Index> windows, Sequence<S>& x, Sequence<S>& y) const;

    /// Where window k is. Throws std::invalid_argument unless 0 <= k < size(), or if these Windows were moved away.
    WindowPlace place(Index k) const;
    /// How many windows were left out, because of a missing input.
    Index left_out() const { return left_out_; }
    /// The row of the target of so many columns ahead, 1 … horizon, and of this number in the list of target rows. Throws
    /// std::invalid_argument if there is none.
    Index target_row(Index steps_ahead, Index target = 0) const;

    /// All of them at once.
    Dataset<S> dataset() const;

  private:
    /// Rows of a column; whether they are neighbours, and in order.
    struct Rows {
        std::vector<Index> list;
        bool run = true;
        Index count() const { return static_cast<Index>(list.size()); }
        S* copy(const S* column, S* to) const;
    };
    /// Windows without one left out between them, one stride apart: the number of the first, and its place.
    struct Run {
        Index number;
        WindowPlace place;
    };

    static std::vector<Matrix<S>> one(Matrix<S>&& series) {
        std::vector<Matrix<S>> list;
        list.push_back(std::move(series));
        return list;
    }
    static std::vector<SequenceView<S>> views(const std::vector<Matrix<S>>& list) {
        std::vector<SequenceView<S>> all;
        for (const Matrix<S>& series : list)
            all.emplace_back(series.data(), series.rows(), series.cols(), 1);
        return all;
    }
    template <class Derived>
    static Matrix<S> matrix_of(const Eigen::DenseBase<Derived>& series) {
        if constexpr (Derived::ColsAtCompileTime == 1 && Derived::RowsAtCompileTime != 1)
            return series.derived().matrix().transpose();
        else
            return series.derived().matrix();
    }

    void begin(std::vector<SequenceView<S>> series, const WindowOptions& options);
    void choose_rows(const WindowOptions& options);
    static Rows rows(const char* what, const std::vector<Index>& list, Index available);
    void count(std::size_t number);
    void count_with_missing(std::size_t number, Index windows);
    /// Of columns first … last − 1 the last in which one of these rows isn't finite, or −1.
    static Index missing(const SequenceView<S>& series, const Rows& rows, Index first, Index last);
    WindowPlace place_of(Index k) const;

    std::shared_ptr<const std::vector<Matrix<S>>> owned_; ///< none of views
    std::vector<SequenceView<S>> series_;
    Index steps_ = 0, horizon_ = 0, stride_ = 0, gap_ = 0, target_steps_ = 0;
    bool stacked_ = false, skip_missing_ = false;
    Rows inputs_, targets_, known_;
    std::vector<Run> runs_;
    SampleShape shape_;
    Index size_ = 0, left_out_ = 0;
};

template <class Derived>
Windows(const Eigen::DenseBase<Derived>&, WindowOptions) -> Windows<typename Derived::Scalar>;
template <class Number, std::size_t extent>
Windows(std::span<Number, extent>, WindowOptions) -> Windows<std::remove_const_t<Number>>;

/// All windows of a series at once: what Windows has, as a Dataset. Throws what Windows throws.
template <std::floating_point S>
Dataset<S> windows(const Matrix<S>& series, const WindowOptions& options);

/// Any Eigen expression, features × length; a column vector, VectorXf or Matrix<float, Dynamic, 1>, is a series of one feature.
template <class Derived>
requires std::floating_point<typename Derived::Scalar> Dataset<typename Derived::Scalar>
windows(const Eigen::DenseBase<Derived>& series, const WindowOptions& options) {
    return Windows<typename Derived::Scalar>(series, options).dataset();
}

/// Of several series, of which each has windows of its own.
template <std::floating_point S>
Dataset<S> windows(const std::vector<Matrix<S>>& series, const WindowOptions& options);

namespace detail {

template <class S>
Dataset<S> windows(const S* series, Index length, const WindowOptions& options);

} // namespace detail

/// A series of one feature.
template <class Number, std::size_t extent>
requires std::floating_point<std::remove_const_t<Number>> Dataset<std::remove_const_t<Number>>
windows(std::span<Number, extent> series, const WindowOptions& options) {
    return detail::windows<std::remove_const_t<Number>>(series.data(), static_cast<Index>(series.size()), options);
}
template <std::floating_point S>
Dataset<S> windows(const std::vector<S>& series, const WindowOptions& options) {
    return detail::windows(series.data(), static_cast<Index>(series.size()), options);
}

} // namespace carousel

#ifdef CAROUSEL_BODIES
#    include "carousel/train/cut_windows.hpp"
#endif

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_WINDOWS(S)                                                                          \
    template class carousel::Windows<S>;                                                                         \
    template carousel::Dataset<S> carousel::windows(const carousel::Matrix<S>&, const carousel::WindowOptions&); \
    template carousel::Dataset<S> carousel::windows(const std::vector<carousel::Matrix<S>>&,                     \
                                                    const carousel::WindowOptions&);                             \
    template carousel::Dataset<S> carousel::detail::windows(const S*, carousel::Index, const carousel::WindowOptions&)
