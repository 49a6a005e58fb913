// The parts of a Stream that have no state: LastStep, Dropout, Slice, every StepwiseLayer, PReLU, BatchNorm, LayerNorm, Dense
// and Embedding.
#pragma once

#include "carousel/layer/batch_norm.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/layer_norm.hpp"
#include "carousel/layer/prelu.hpp"
#include "carousel/layer/slice.hpp"
#include "carousel/layer/stepwise_layer.hpp"
#include "carousel/stream/dense_column.hpp"
#include "carousel/stream/stream_part.hpp"

#include <cmath>
#include <concepts>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// The functions of a StreamPart that has no state. Called with a sample, it returns the sample.
template <class S>
struct StatelessPart {
    const S* operator()(const S* x) noexcept { return x; }
    void reset() noexcept {}
    bool finite() const noexcept { return true; }
    void get(NoState&) const {}
    void check(const NoState&) const {}
    void set(const NoState&) noexcept {}
    Index memory() const { return 0; }
};

} // namespace detail

template <class S>
class StreamPart<LastStep, S> : public detail::StatelessPart<S> {
  public:
    explicit StreamPart(const LastStep&) {}
    void check_weights(const LastStep&) const {}
    void set_weights(const LastStep&) {}
};

template <class S>
class StreamPart<Dropout, S> : public detail::StatelessPart<S> {
  public:
    explicit StreamPart(const Dropout&) {}
    void check_weights(const Dropout&) const {}
    void set_weights(const Dropout&) {}
};

/// The features stand next to each other in a sample: nothing is copied.
template <class S>
class StreamPart<Slice, S> : public detail::StatelessPart<S> {
  public:
    explicit StreamPart(const Slice& layer) : layer_(layer) {}

    const S* operator()(const S* x) noexcept { return x + layer_.options().first; }
    void check_weights(const Slice& layer) const {
        const auto &given = layer.options(), &own = layer_.options();
        require(layer.input_size() == layer_.input_size() && given.first == own.first && given.count == own.count,
                "Stream::set_weights", "the Slice layer takes ", given.count, " features from ", given.first,
                " on, of ", layer.input_size(), ", the stream's ", own.count, " from ", own.first, " on, of ",
                layer_.input_size(), "; make a new Stream of this model");
    }
    void set_weights(const Slice&) {}

  private:
    Slice layer_;
};

template <class L, class S>
requires std::derived_from<L, StepwiseLayer<L>>
class StreamPart<L, S> : public detail::StatelessPart<S> {
  public:
    StreamPart(const L& layer, Index features) : layer_(layer) { y_.setZero(features); }

    const S* operator()(const S* x) noexcept {
        layer_.map(x, y_.data(), y_.size(), 1);
        return y_.data();
    }
    void check_weights(const L&) const {}
    void set_weights(const L& layer) { layer_ = layer; }
    Index memory() const { return detail::memory_of(y_); }

  private:
    L layer_;
    Vector<S> y_;
};

template <class S>
class StreamPart<PReLU<S>, S> : public detail::StatelessPart<S> {
  public:
    /// Throws std::invalid_argument if the slopes have another shape than the layer gave them.
    explicit StreamPart(const PReLU<S>& layer) {
        require_slope(layer, "Stream");
        y_.setZero(layer.input_size());
        set_weights(layer);
    }

    const S* operator()(const S* x) noexcept {
        for (Index k = 0; k < y_.size(); ++k)
            y_[k] = x[k] > S(0) ? x[k] : slope_[k] * x[k];
        return y_.data();
    }

    void check_weights(const PReLU<S>& layer) const {
        constexpr const char* where = "Stream::set_weights";
        require(layer.input_size() == y_.size(), where, "the PReLU layer has ", layer.input_size(),
                " features, the stream's has ", y_.size(), "; make a new Stream of this model");
        require_slope(layer, where);
    }
    void set_weights(const PReLU<S>& layer) { slope_ = layer.slope().value.col(0); }
    Index memory() const { return detail::memory_of(slope_) + detail::memory_of(y_); }

  private:
    static void require_slope(const PReLU<S>& layer, const char* where) {
        detail::require_weights(where, "PReLU", "slope", layer.slope().value, layer.input_size(), 1);
    }

    Vector<S> slope_, y_;
};

template <class S>
class StreamPart<BatchNorm<S>, S> : public detail::StatelessPart<S> {
  public:
    /// Throws std::invalid_argument if a parameter has another shape than the layer gave it, or where
    /// BatchNorm::check_parameters refuses a variance.
    explicit StreamPart(const BatchNorm<S>& layer) {
        layer.check_parameters("Stream: BatchNorm");
        for (Vector<S>* const part : {&mean_, &scale_, &beta_, &y_})
            part->setZero(layer.input_size());
        set_weights(layer);
    }

    const S* operator()(const S* x) noexcept {
        for (Index k = 0; k < y_.size(); ++k)
            y_[k] = (x[k] - mean_[k]) * scale_[k] + beta_[k];
        return y_.data();
    }

    void check_weights(const BatchNorm<S>& layer) const {
        constexpr const char* where = "Stream::set_weights";
        require(layer.input_size() == y_.size(), where, "the BatchNorm layer has ", layer.input_size(),
                " features, the stream's has ", y_.size(), "; make a new Stream of this model");
        layer.check_parameters("Stream::set_weights: BatchNorm");
    }
    void set_weights(const BatchNorm<S>& layer) {
        mean_ = layer.mean().value.col(0);
        beta_ = layer.beta().value.col(0);
        for (Index k = 0; k < y_.size(); ++k)
            scale_[k] = layer.gamma().value(k) * layer.inverse_deviation(k);
    }
    Index memory() const { return 4 * detail::memory_of(y_); }

  private:
    Vector<S> mean_, scale_, beta_, y_;
};

template <class S>
class StreamPart<LayerNorm<S>, S> : public detail::StatelessPart<S> {
  public:
    /// Throws std::invalid_argument if a parameter has another shape than the layer gave it.
    explicit StreamPart(const LayerNorm<S>& layer) {
        require_shapes(layer, "Stream");
        for (Vector<S>* const part : {&gamma_, &beta_, &y_})
            part->setZero(layer.input_size());
        set_weights(layer);
    }

    const S* operator()(const S* x) noexcept {
        detail::standardize(x, y_.data(), y_.size(), epsilon_);
        for (Index k = 0; k < y_.size(); ++k)
            y_[k] = gamma_[k] * y_[k] + beta_[k];
        return y_.data();
    }

    void check_weights(const LayerNorm<S>& layer) const {
        constexpr const char* where = "Stream::set_weights";
        require(layer.input_size() == y_.size(), where, "the LayerNorm layer has ", layer.input_size(),
                " features, the stream's has ", y_.size(), "; make a new Stream of this model");
        require_shapes(layer, where);
    }
    void set_weights(const LayerNorm<S>& layer) {
        gamma_ = layer.gamma().value.col(0);
        beta_ = layer.beta().value.col(0);
        epsilon_ = static_cast<S>(layer.options().epsilon);
    }
    Index memory() const { return 3 * detail::memory_of(y_); }

  private:
    static void require_shapes(const LayerNorm<S>& layer, const char* where) {
        detail::require_weights(where, "LayerNorm", "gamma", layer.gamma().value, layer.input_size(), 1);
        detail::require_weights(where, "LayerNorm", "beta", layer.beta().value, layer.input_size(), 1);
    }

    Vector<S> gamma_, beta_, y_;
    S epsilon_ = 0;
};

template <class S, Index Input, Index Output>
class StreamPart<Dense<S, Input, Output>, S> : public detail::StatelessPart<S> {
    using Layer = Dense<S, Input, Output>;

  public:
    /// Throws std::invalid_argument if a parameter has another shape than the layer gave it.
    explicit StreamPart(const Layer& layer) : f_(layer.input_size(), layer.output_size()) {
        require_shapes(layer, "Stream");
        set_weights(layer);
    }

    const S* operator()(const S* x) noexcept { return f_(x); }

    void check_weights(const Layer& layer) const {
        constexpr const char* where = "Stream::set_weights";
        require(layer.input_size() == f_.input_size() && layer.output_size() == f_.output_size(), where,
                "the Dense layer is ", layer.input_size(), " -> ", layer.output_size(), ", the stream's is ",
                f_.input_size(), " -> ", f_.output_size(), "; make a new Stream of this model");
        require_shapes(layer, where);
    }
    void set_weights(const Layer& layer) {
        f_.set(layer.W().value.data(), layer.b().value.data(), layer.options().activation);
    }
    Index memory() const { return f_.memory(); }

    /// Throws std::invalid_argument, naming `where`, as the constructor does.
    static void require_shapes(const Layer& layer, const char* where) {
        const Index inputs = layer.input_size(), outputs = layer.output_size();
        detail::require_weights(where, "Dense", "W", layer.W().value, outputs, inputs);
        detail::require_weights(where, "Dense", "b", layer.b().value, outputs, 1);
    }

  private:
    stream::DenseColumn<S, Input, Output> f_;
};

/// Nothing may throw here, so a number that is no token gives zeros.
template <class S>
class StreamPart<Embedding<S>, S> : public detail::StatelessPart<S> {
  public:
    explicit StreamPart(const Embedding<S>& layer) {
        require_table(layer, "Stream");
        table_.setZero(layer.output_size(), layer.vocabulary() + 1);
        set_weights(layer);
    }

    const S* operator()(const S* x) noexcept {
        const Index none = table_.cols() - 1;
        const bool known = *x >= 0 && *x < static_cast<S>(none) && *x == std::trunc(*x);
        return table_.col(known ? static_cast<Index>(*x) : none).data();
    }

    void check_weights(const Embedding<S>& layer) const {
        constexpr const char* where = "Stream::set_weights";
        require(layer.vocabulary() == table_.cols() - 1 && layer.output_size() == table_.rows(), where,
                "the Embedding layer is ", layer.vocabulary(), " -> ", layer.output_size(), ", the stream's is ",
                table_.cols() - 1, " -> ", table_.rows(), "; make a new Stream of this model");
        require_table(layer, where);
    }
    void set_weights(const Embedding<S>& layer) {
        table_.leftCols(layer.vocabulary()) = layer.table().value;
        if (layer.options().padding)
            table_.col(*layer.options().padding).setZero();
    }
    Index memory() const { return detail::memory_of(table_); }

  private:
    static void require_table(const Embedding<S>& layer, const char* where) {
        detail::require_weights(where, "Embedding", "table", layer.table().value, layer.output_size(),
                                layer.vocabulary());
    }

    Matrix<S> table_; ///< of the layer, and one more column, of zeros
};

} // namespace carousel
