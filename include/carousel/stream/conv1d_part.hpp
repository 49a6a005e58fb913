// The part of a Stream that is a Conv1D: the last steps of x, and a product.
#pragma once

#include "carousel/layer/conv1d.hpp"
#include "carousel/stream/dense_column.hpp"
#include "carousel/stream/stream_part.hpp"
#include "carousel/stream/window_ring.hpp"

namespace carousel::inline CAROUSEL_ABI {

template <class S>
class StreamPart<Conv1D<S>, S> {
    using Layer = Conv1D<S>;

  public:
    /// Throws std::invalid_argument if the layer doesn't give one output a sample, because it has a stride or is valid, or if a
    /// parameter has another shape than the layer gave it.
    explicit StreamPart(const Layer& layer)
        : ring_(layer.input_size(), layer.kernel(), layer.options().dilation, layer.carried_steps() + 1),
          f_(layer.kernel() * layer.input_size(), layer.output_size()) {
        require_streamable(layer, "Stream");
        window_.setZero(f_.input_size());
        set_weights(layer);
    }

    const S* operator()(const S* x) noexcept {
        ring_.push(x, window_.data());
        return f_(window_.data());
    }

    void reset() noexcept { ring_.reset(); }
    bool finite() const noexcept { return ring_.finite(); }
    void get(Matrix<S>& out) const { ring_.get(out); }
    void check(const Matrix<S>& in) const { ring_.check("Stream::set_state", in); }
    void set(const Matrix<S>& in) noexcept { ring_.set(in); }

    void check_weights(const Layer& layer) const {
        constexpr const char* where = "Stream::set_weights";
        require_streamable(layer, where);
        require_like(layer, ring_, f_.output_size(), where, "stream's", "a new Stream");
    }
    void set_weights(const Layer& layer) {
        f_.set(layer.W().value.data(), layer.b().value.data(), layer.options().activation);
    }
    Index memory() const { return ring_.memory() + detail::memory_of(window_) + f_.memory(); }

    /// Throws std::invalid_argument, naming `where`, as the constructor does.
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

    /// Throws std::invalid_argument unless the layer has the sizes of what runs one, `whose`; `anew` is to be made else.
    static void require_like(const Layer& layer, const stream::WindowRing<S>& ring, Index outputs, const char* where,
                             const char* whose, const char* anew) {
        require(layer.input_size() == ring.input_size() && layer.output_size() == outputs &&
                    layer.kernel() == ring.kernel() && layer.options().dilation == ring.dilation(),
                where, "the Conv1D layer is ", layer.input_size(), " -> ", layer.output_size(), " with kernel ",
                layer.kernel(), " and dilation ", layer.options().dilation, ", the ", whose, " is ", ring.input_size(),
                " -> ", outputs, " with kernel ", ring.kernel(), " and dilation ", ring.dilation(), "; make ", anew,
                " of this model");
    }

  private:
    stream::WindowRing<S> ring_;
    Vector<S> window_;
    stream::DenseColumn<S> f_;
};

} // namespace carousel
