// WindowRing: the last samples of a stream, and the window that a convolution sees at each.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"
#include "carousel/kernel/product.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

/// The ring holds the steps of a window, of which the last is the sample: one more than the State of a Conv1D. Its oldest step is
/// where the next sample goes.
template <class S>
class WindowRing {
  public:
    /// Of so many features, taps and steps between two taps; it begins as zeros. Throws std::bad_alloc.
    WindowRing(Index input, Index kernel, Index dilation, Index steps)
        : input_(input), kernel_(kernel), dilation_(dilation), steps_(steps) {
        ring_.setZero(input, steps);
    }

    Index input_size() const { return input_; }
    Index kernel() const { return kernel_; }
    Index dilation() const { return dilation_; }
    /// Bytes that it has on the heap.
    Index memory() const { return ring_.size() * static_cast<Index>(sizeof(S)); }

    /// Takes the sample x and writes its window, kernel · I numbers.
    void push(const S* x, S* window) noexcept {
        kernel::copy_strided(ring_.data() + next_ * input_, x, 1, input_);
        next_ = next_ + 1 < steps_ ? next_ + 1 : 0;
        Index step = next_; // the window's first
        for (Index tap = 0; tap < kernel_; ++tap) {
            kernel::copy_strided(window + tap * input_, ring_.data() + step * input_, 1, input_);
            step += dilation_;
            step = step < steps_ ? step : step - steps_;
        }
    }

    void reset() noexcept { ring_.setZero(); }

    bool finite() const noexcept {
        for (Index p = 0; p < steps_ - 1; ++p)
            if (detail::non_finite_at(ring_.data() + carried(p) * input_, input_) < input_)
                return false;
        return true;
    }

    /// As a State of Conv1D, for a batch of one.
    void get(Matrix<S>& out) const {
        if (out.rows() != (steps_ - 1) * input_ || out.cols() != 1)
            out = Matrix<S>((steps_ - 1) * input_, 1);
        for (Index p = 0; p < steps_ - 1; ++p)
            out.middleRows(p * input_, input_) = ring_.col(carried(p));
    }
    /// Throws std::invalid_argument, naming `where`, unless set() can take it.
    void check(const char* where, const Matrix<S>& in) const {
        require(in.rows() == (steps_ - 1) * input_ && in.cols() == 1, where, "the state of Conv1D is ", in.rows(),
                " x ", in.cols(), ", expected ", (steps_ - 1) * input_, " x 1");
    }
    void set(const Matrix<S>& in) noexcept {
        for (Index p = 0; p < steps_ - 1; ++p)
            ring_.col(carried(p)) = in.middleRows(p * input_, input_);
    }

  private:
    /// The ring's column with step p of the State; step 0 is the oldest.
    Index carried(Index p) const { return next_ + 1 + p < steps_ ? next_ + 1 + p : next_ + 1 + p - steps_; }

    Index input_, kernel_, dilation_, steps_, next_ = 0;
    Matrix<S> ring_; ///< I × steps
};

} // namespace carousel::stream
