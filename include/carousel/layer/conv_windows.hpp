// ConvWindows: what a convolution over time sees of its input.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/kernel/product.hpp"

#include <span>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Each output of a convolution sees a window of one sequence: `taps` steps, `dilation` apart. The window of the next output
/// begins `stride` steps later. In a batch of B sequences window w of sequence b has the number w·B + b, as outputs have.
struct ConvWindows {
    Index taps, dilation, stride;
    friend bool operator==(const ConvWindows&, const ConvWindows&) = default;

    /// Steps from a window's first to its last, both counted.
    Index span() const { return (taps - 1) * dilation + 1; }
    /// How many windows lie in so many steps.
    Index count(Index steps) const { return steps < span() ? 0 : (steps - span()) / stride + 1; }

    /// columns: (taps · features) × n, the windows first … first + n − 1 of x, each the features of its first step over those
    /// of its second …; x: features × (steps · batch).
    template <class S>
    void gather(const S* x, Index features, Index batch, Index first, Index n, S* columns) const {
        each_tap(features, batch, first, n, [&](Index in_columns, Index in_x) {
            kernel::copy_strided(columns + in_columns, x + in_x, 1, features);
        });
    }

    /// The reverse: adds every number of `columns` to that of x which gather() took it from.
    template <class S>
    void scatter_add(const S* columns, Index features, Index batch, Index first, Index n, S* x) const {
        each_tap(features, batch, first, n, [&](Index in_columns, Index in_x) {
            for (Index i = 0; i < features; ++i)
                x[in_x + i] += columns[in_columns + i];
        });
    }

  private:
    /// f(place in columns, place in x) for the features of every tap of these windows.
    template <class F>
    void each_tap(Index features, Index batch, Index first, Index n, F&& f) const {
        Index b = first % batch, step = first / batch * stride, place = 0;
        for (Index k = 0; k < n; ++k) {
            for (Index tap = 0; tap < taps; ++tap, place += features)
                f(place, ((step + tap * dilation) * batch + b) * features);
            if (++b == batch)
                b = 0, step += stride;
        }
    }
};

/// Of a batch whose sequences begin at step `first` and have these lengths, the columns past the ends become zero. Without
/// lengths there are none.
template <class S>
void zero_past_end(Matrix<S>& m, Index first, Index batch, std::span<const Index> lengths) {
    for (std::size_t b = 0; b < lengths.size(); ++b)
        for (Index column = (first + lengths[b]) * batch + static_cast<Index>(b); column < m.cols(); column += batch)
            m.col(column).setZero();
}

} // namespace carousel::detail
