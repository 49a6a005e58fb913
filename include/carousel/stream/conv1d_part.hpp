// The part of a Stream that is a Conv1D: the last steps of x, and a product.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/stream/dense_column.hpp"
#include "carousel/stream/stream_part.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// The ring holds the steps of a window, of which the last is the sample: one more than the State. Its oldest step is where
/// the next sample goes.
template <class S>
class StreamPart<Conv1D<S>, S> {
    using Layer = Conv1D<S>;

  public:
    /// Throws std::invalid_argument if the layer doesn't give one output a sample, because it has a stride or is valid, or if a
    /// parameter has another shape than the layer gave it.
    explicit StreamPart(const Layer& layer)
        : input_(layer.input_size()), kernel_(layer.kernel()), dilation_(layer.options().dilation),
          steps_(layer.carried_steps() + 1), f_(kernel_ * input_, layer.output_size()) {
        require_streamable(layer, "Stream");
        ring_.setZero(input_, steps_);
        window_.setZero(kernel_ * input_);
        set_weights(layer);
    }

    const S* operator()(const S* x) noexcept {
        kernel::copy_strided(ring_.data() + next_ * input_, x, 1, input_);
        next_ = next_ + 1 < steps_ ? next_ + 1 : 0;
        Index step = next_; // the window's first
        for (Index tap = 0; tap < kernel_; ++tap) {
            kernel::copy_strided(window_.data() + tap * input_, ring_.data() + step * input_, 1, input_);
            step += dilation_;
            step = step < steps_ ? step : step - steps_;
        }
        return f_(window_.data());
    }

    void reset() noexcept { ring_.setZero(); }

    bool finite() const noexcept {
        for (Index p = 0; p < steps_ - 1; ++p)
            if (detail::non_finite_at(ring_.data() + carried(p) * input_, input_) < input_)
                return false;
        return true;
    }

    void get(Matrix<S>& out) const {
        if (out.rows() != (steps_ - 1) * input_ || out.cols() != 1)
            out = Matrix<S>((steps_ - 1) * input_, 1);
        for (Index p = 0; p < steps_ - 1; ++p)
            out.middleRows(p * input_, input_) = ring_.col(carried(p));
    }
    void check(const Matrix<S>& in) const {
        require(in.rows() == (steps_ - 1) * input_ && in.cols() == 1, "Stream::set_state", "the state of Conv1D is ",
                in.rows(), " x ", in.cols(), ", expected ", (steps_ - 1) * input_, " x 1");
    }
    void set(const Matrix<S>& in) noexcept {
        for (Index p = 0; p < steps_ - 1; ++p)
            ring_.col(carried(p)) = in.middleRows(p * input_, input_);
    }

    void check_weights(const Layer& layer) const {
        constexpr const char* where = "Stream::set_weights";
        require_streamable(layer, where);
        require(layer.input_size() == input_ && layer.output_size() == f_.output_size() && layer.kernel() == kernel_ &&
                    layer.options().dilation == dilation_,
                where, "the Conv1D layer is ", layer.input_size(), " -> ", layer.output_size(), " with kernel ",
                layer.kernel(), " and dilation ", layer.options().dilation, ", the stream's is ", input_, " -> ",
                f_.output_size(), " with kernel ", kernel_, " and dilation ", dilation_,
                "; make a new Stream of this model");
    }
    void set_weights(const Layer& layer) {
        f_.set(layer.W().value.data(), layer.b().value.data(), layer.options().activation);
    }

  private:
    /// The ring's column with step p of the State; step 0 is the oldest.
    Index carried(Index p) const { return next_ + 1 + p < steps_ ? next_ + 1 + p : next_ + 1 + p - steps_; }

    static void require_streamable(const Layer& layer, const char* where) {
        const auto& options = layer.options();
        require(
            options.stride == 1, where, "the Conv1D layer has stride ", options.stride,
            " and can't be streamed, for it gives no output for most samples; run whole sequences through the model");
        require(layer.least_steps() <= 1, where,
                "the Conv1D layer has padding valid and can't be streamed, for it gives no "
                "output for the first ",
                layer.least_steps() - 1,
                " samples; make it with Padding::causal and the same weights, whose outputs are the same from then on");
        const Index inputs = layer.kernel() * layer.input_size(), outputs = layer.output_size();
        detail::require_weights(where, "Conv1D", "W", layer.W().value, outputs, inputs);
        detail::require_weights(where, "Conv1D", "b", layer.b().value, outputs, 1);
    }

    Index input_, kernel_, dilation_, steps_, next_ = 0;
    Matrix<S> ring_; ///< I × steps
    Vector<S> window_;
    stream::DenseColumn<S> f_;
};

} // namespace carousel
