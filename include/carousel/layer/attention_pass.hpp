// AttentionPass: the arithmetic of an Attention, forward and backward.
#pragma once

#include "carousel/core/sequence.hpp"
#include "carousel/kernel/arrays.hpp"
#include "carousel/layer/attention_options.hpp"

#include <algorithm>
#include <cmath>

namespace carousel::inline CAROUSEL_ABI::detail {

/// What a pass remembers.
template <class S>
struct AttentionNumbers {
    SequenceView<S> x;
    Sequence<S> y, weights; ///< weights: α, remembered steps × (T·B)
    Matrix<S> state, d_state;
    Matrix<S> queries, keys, d_queries, d_keys; ///< W·x (x for a dot score); U·m, all sequences side by side
    Matrix<S> dx;
    Buffer<S> scores, tanh, d_scores, d_tanh; ///< of one sequence; of one step
    Buffer<S> scratch;
};

/// One pass. A sequence's memory is M × T_s in the state; a query's features are `keys`, which its products with that are made of.
template <class S>
class AttentionPass {
  public:
    AttentionPass(AttentionScore score, Index query, Index memory, const Matrix<S>& W, const Matrix<S>& U,
                  const Matrix<S>& v, AttentionNumbers<S>& numbers)
        : additive_(score == AttentionScore::additive), dot_(score == AttentionScore::dot), query_(query),
          memory_(memory), keys_(dot_ ? query : W.rows()), W_(W), U_(U), v_(v), n_(numbers), batch_(numbers.x.batch()),
          steps_(numbers.x.steps()), remembered_(numbers.state.size() == 0 ? 0 : (numbers.state.rows() - 1) / memory) {}

    /// How many steps a column of a state says that count.
    static Index counted(const Matrix<S>& state, Index b) { return static_cast<Index>(std::llround(state(0, b))); }

    void forward() {
        const Index output = memory_ + query_;
        n_.y.resize(output, steps_, batch_, n_.x.lengths());
        n_.weights.resize(remembered_, steps_, batch_, n_.x.lengths());
        std::fill_n(n_.y.data(), n_.y.values().size(), S(0));
        std::fill_n(n_.weights.data(), n_.weights.values().size(), S(0));
        if (!dot_)
            detail::reshape(n_.queries, keys_, n_.x.columns());
        if (!dot_ && n_.x.columns() > 0)
            multiply(n_.queries.data(), keys_, keys_, n_.x.columns(), query_, kernel::operand(W_),
                     kernel::operand(n_.x.values()), false);
        if (additive_)
            zeros(n_.keys, keys_, remembered_ * batch_);
        for (Index b = 0; b < batch_; ++b) {
            for (Index t = 0; t < n_.x.length(b); ++t)
                std::copy_n(n_.x.data() + (t * batch_ + b) * query_, query_,
                            n_.y.data() + (t * batch_ + b) * output + memory_);
            if (attends(b))
                attend(b);
        }
    }

    /// From dy to d_state, which holds that of the final one, to dW, dU and dv, which it adds to, and to dx unless `input_gradient` is
    /// false.
    void backward(SequenceView<S> dy, Matrix<S>& dW, Matrix<S>& dU, Matrix<S>& dv, bool input_gradient) {
        zeros(n_.d_queries, keys_, n_.x.columns());
        if (additive_)
            zeros(n_.d_keys, keys_, remembered_ * batch_);
        for (Index b = 0; b < batch_; ++b)
            if (attends(b))
                attend_backward(dy, b, dv);
        const Index columns = n_.x.columns();
        if (!dot_ && columns > 0)
            multiply(dW.data(), keys_, keys_, query_, columns, kernel::operand(n_.d_queries),
                     kernel::operand(n_.x.values()).transposed(), true);
        for (Index b = 0; additive_ && b < batch_; ++b)
            if (attends(b)) {
                const auto d_keys = keys_of(n_.d_keys, b);
                multiply(dU.data(), keys_, keys_, memory_, counted(b), d_keys, memory_of(n_.state, b).transposed(),
                         true);
                multiply(memory_at(n_.d_state, b), memory_, memory_, counted(b), keys_,
                         kernel::operand(U_).transposed(), d_keys, true);
            }
        if (!input_gradient)
            return;
        zeros(n_.dx, query_, columns);
        for (Index b = 0; b < batch_; ++b)
            for (Index t = 0; t < n_.x.length(b); ++t)
                std::copy_n(dy.data() + (t * batch_ + b) * (memory_ + query_) + memory_, query_,
                            n_.dx.data() + (t * batch_ + b) * query_);
        if (dot_)
            n_.dx += n_.d_queries;
        else if (columns > 0)
            multiply(n_.dx.data(), query_, query_, columns, keys_, kernel::operand(W_).transposed(),
                     kernel::operand(n_.d_queries), true);
    }

  private:
    using Operand = kernel::Operand<S>;

    Index counted(Index b) const { return remembered_ == 0 ? 0 : counted(n_.state, b); }
    bool attends(Index b) const { return n_.x.length(b) > 0 && counted(b) > 0; }

    S* memory_at(Matrix<S>& state, Index b) const { return state.data() + b * state.rows() + 1; }
    Operand memory_of(const Matrix<S>& state, Index b) const {
        return {state.data() + b * state.rows() + 1, 1, memory_};
    }
    Operand keys_of(const Matrix<S>& keys, Index b) const { return {keys.data() + b * remembered_ * keys_, 1, keys_}; }
    /// The columns of sequence b, one for each step, of so many features.
    Operand steps_of(const S* data, Index features, Index b) const {
        return {data + b * features, 1, batch_ * features};
    }
    const S* queries() const { return dot_ ? n_.x.data() : n_.queries.data(); }

    void multiply(S* c, Index ldc, Index rows, Index columns, Index depth, Operand a, Operand b, bool add) {
        kernel::array_functions<S>().multiply(c, ldc, rows, columns, depth, a, b, add, n_.scratch);
    }
    static void zeros(Matrix<S>& m, Index rows, Index columns) {
        detail::reshape(m, rows, columns);
        std::fill_n(m.data(), m.size(), S(0));
    }

    /// c of sequence b, from its scores.
    void attend(Index b) {
        const Index asked = n_.x.length(b), count = counted(b), output = memory_ + query_;
        S* const scores = n_.scores.get(count * asked);
        const Operand memory = memory_of(n_.state, b);
        if (additive_) {
            S* const keys = n_.keys.data() + b * remembered_ * keys_;
            multiply(keys, keys_, keys_, count, memory_, kernel::operand(U_), memory, false);
            for (Index t = 0; t < asked; ++t) {
                add_query(b, t);
                multiply(scores + t * count, count, count, 1, keys_, Operand{n_.tanh.data(), keys_, 1},
                         kernel::operand(v_), false);
            }
        } else
            multiply(scores, count, count, asked, memory_, memory.transposed(), steps_of(queries(), keys_, b), false);
        for (Index t = 0; t < asked; ++t)
            kernel::softmax_functions<S>().softmax(scores + t * count,
                                                   n_.weights.data() + (t * batch_ + b) * remembered_, count);
        multiply(n_.y.data() + b * output, batch_ * output, memory_, asked, count, memory,
                 steps_of(n_.weights.data(), remembered_, b), false);
    }

    /// tanh(W·h + U·m) of sequence b's step t: units × steps that count.
    void add_query(Index b, Index t) {
        const Index count = counted(b);
        S* const sums = n_.tanh.get(keys_ * count);
        const S* const query = n_.queries.data() + (t * batch_ + b) * keys_;
        const S* const keys = n_.keys.data() + b * remembered_ * keys_;
        for (Index s = 0; s < count; ++s)
            for (Index k = 0; k < keys_; ++k)
                sums[s * keys_ + k] = query[k] + keys[s * keys_ + k];
        kernel::array_functions<S>().activate(Activation::tanh, sums, sums, keys_ * count);
    }

    void attend_backward(SequenceView<S> dy, Index b, Matrix<S>& dv) {
        const Index asked = n_.x.length(b), count = counted(b), output = memory_ + query_;
        const Operand memory = memory_of(n_.state, b), dc = steps_of(dy.data(), output, b),
                      weights = steps_of(n_.weights.data(), remembered_, b);
        S* const d_memory = memory_at(n_.d_state, b);
        // dα = mᵀ·dc, dm += dc·αᵀ, de = α∘(dα − Σ dα∘α)
        S *const d_weights = n_.scores.get(count * asked), *const d_scores = n_.d_scores.get(count * asked);
        multiply(d_weights, count, count, asked, memory_, memory.transposed(), dc, false);
        multiply(d_memory, memory_, memory_, count, asked, dc, weights.transposed(), true);
        for (Index t = 0; t < asked; ++t)
            kernel::softmax_functions<S>().backward(d_weights + t * count, weights.data + t * weights.column,
                                                    d_scores + t * count, count);
        const Operand de = {d_scores, 1, count};
        if (!additive_) { // e = qᵀ·m
            multiply(n_.d_queries.data() + b * keys_, batch_ * keys_, memory_, asked, count, memory, de, false);
            multiply(d_memory, memory_, memory_, count, asked, steps_of(queries(), keys_, b), de.transposed(), true);
            return;
        }
        S* const d_sums = n_.d_tanh.get(keys_ * count);
        S* const d_keys = n_.d_keys.data() + b * remembered_ * keys_;
        for (Index t = 0; t < asked; ++t) {
            add_query(b, t);
            const S* const d = d_scores + t * count;
            multiply(dv.data(), keys_, keys_, 1, count, Operand{n_.tanh.data(), 1, keys_}, {d, 1, count}, true);
            for (Index s = 0; s < count; ++s)
                for (Index k = 0; k < keys_; ++k)
                    d_sums[s * keys_ + k] = v_.data()[k] * d[s];
            kernel::array_functions<S>().activate_backward(Activation::tanh, d_sums, n_.tanh.data(), d_sums,
                                                           keys_ * count);
            kernel::array_functions<S>().add_columns(d_sums, keys_, count,
                                                     n_.d_queries.data() + (t * batch_ + b) * keys_);
            for (Index k = 0; k < keys_ * count; ++k)
                d_keys[k] += d_sums[k];
        }
    }

    bool additive_, dot_;
    Index query_, memory_, keys_;
    const Matrix<S>&W_, &U_, &v_;
    AttentionNumbers<S>& n_;
    Index batch_, steps_, remembered_;
};

} // namespace carousel::detail
