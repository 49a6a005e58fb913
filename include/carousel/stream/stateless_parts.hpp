// The parts of a Stream that carry nothing from sample to sample: LastStep, Dropout, Dense and Embedding.
#pragma once

#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/stream/column_product.hpp"
#include "carousel/stream/stream_part.hpp"

#include <algorithm>
#include <cmath>

namespace carousel {

namespace detail {

/// What passes samples through and carries nothing.
template <class S>
struct PassThrough {
    const S* operator()(const S* x) noexcept { return x; }
    void reset() noexcept {}
    void get(NoState&) const {}
    void set(const NoState&) {}
};

} // namespace detail

template <class S>
class StreamPart<LastStep, S> : public detail::PassThrough<S> {
  public:
    explicit StreamPart(const LastStep&) {}
};

template <class S>
class StreamPart<Dropout, S> : public detail::PassThrough<S> {
  public:
    explicit StreamPart(const Dropout&) {}
};

template <class S, Index Input, Index Output>
class StreamPart<Dense<S, Input, Output>, S> : public detail::PassThrough<S> {
    using V = simd::Lane<S>;

  public:
    explicit StreamPart(const Dense<S, Input, Output>& layer)
        : input_{layer.input_size()}, output_{layer.output_size()}, activation_(layer.options().activation),
          product_(kernel::operand(layer.W().value), layer.b().value.data(), output_, input_, group()),
          rows_(layer.W().value), bias_(layer.b().value.col(0)), y_(simd::round_up_to_lanes<S>(output_)) {
        y_.setZero();
    }

    const S* operator()(const S* x) noexcept {
        if (output_ * 4 <= simd::lanes<S>) { // so few that most of a lane would be padding
            for (Index u = 0; u < output_; ++u)
                y_[u] = activation_(bias_[u] + kernel::dot(rows_.data() + u * input_, x, Index(input_)));
            return y_.data();
        }
        constexpr Index L = simd::lanes<S>;
        for (Index u = 0; u < output_; u += group()) {
            typename Product::Sums sums;
            product_(u, x, sums);
            for (Index l = 0; l < std::min<Index>(group(), output_ - u); l += L)
                simd::store<V>(y_.data() + u + l, activation_(sums.at(l, 0, L)));
        }
        return y_.data();
    }

  private:
    static constexpr bool fixed = Input != Dynamic && Output != Dynamic;
    using Product = stream::ColumnProduct<V, 1, Output, fixed ? stream::units_a_pass<V>(1, Input* Output) : Dynamic>;

    Index group() const { return stream::units_a_pass<V>(1, input_ * output_); }

    stream::Extent<Input> input_;
    stream::Extent<Output> output_;
    Activation activation_;
    Product product_;
    Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows_;
    Vector<S> bias_, y_;
};

/// A number that is no token has the vector zero, as nothing may throw here.
template <class S>
class StreamPart<Embedding<S>, S> : public detail::PassThrough<S> {
  public:
    explicit StreamPart(const Embedding<S>& layer) : table_(layer.output_size(), layer.vocabulary() + 1) {
        table_ << layer.table().value, Vector<S>::Zero(layer.output_size());
        if (layer.options().padding)
            table_.col(*layer.options().padding).setZero();
    }

    const S* operator()(const S* x) noexcept {
        const Index none = table_.cols() - 1;
        const bool known = *x >= 0 && *x < static_cast<S>(none) && *x == std::trunc(*x);
        return table_.col(known ? static_cast<Index>(*x) : none).data();
    }

  private:
    Matrix<S> table_; ///< and a column of zeros
};

} // namespace carousel
