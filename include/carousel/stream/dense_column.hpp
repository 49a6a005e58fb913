// DenseColumn: f(W·x + b) of one column, for the parts of a Stream that are Dense or Conv1D.
#pragma once

#include "carousel/cell/activation.hpp"
#include "carousel/stream/column_product.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

/// W: O × I, b: O. The sizes may be known at compile time, else they are Dynamic.
template <class S, Index Input = Dynamic, Index Output = Dynamic>
class DenseColumn {
    using V = simd::Lane<S>;

  public:
    /// W and b are zero until set().
    DenseColumn(Index input, Index output)
        : input_{input}, output_{output}, activation_(Activation::linear), product_(output_, input_, group()) {
        rows_.setZero(output_, input_);
        bias_.setZero(output_);
        y_.setZero(simd::round_up_to_lanes<S>(output_));
    }

    Index input_size() const { return input_; }
    Index output_size() const { return output_; }

    /// Takes these from now on, without an allocation.
    void set(const Matrix<S>& W, const Matrix<S>& b, Activation activation) {
        activation_ = activation;
        product_.pack(kernel::operand(W), b.data());
        rows_ = W;
        bias_ = b.col(0);
    }

    /// f(W·x + b): O numbers, valid until the next call.
    const S* operator()(const S* x) noexcept {
        if (output_ * 4 <= simd::lanes<S>) { // A lane would be three quarters padding or more.
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
    using Product = ColumnProduct<V, 1, Output, fixed ? units_a_group<V>(1, Input* Output) : Dynamic>;

    Index group() const { return units_a_group<V>(1, input_ * output_); }

    Extent<Input> input_;
    Extent<Output> output_;
    Activation activation_;
    Product product_;
    Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows_;
    Vector<S> bias_, y_;
};

} // namespace carousel::stream
