// DenseColumn: f(W·x + b) of one column, for the parts of a Stream that are Dense or Conv1D.
#pragma once

#include "carousel/kernel/compiled.hpp"
#include "carousel/stream/column_memory.hpp"
#include "carousel/stream/column_product.hpp"
#include "carousel/stream/step_choice.hpp"

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

/// W: O × I, b: O. The sizes may be known at compile time, else they are Dynamic. The object stands for its memory.
template <class S, Index Input = Dynamic, Index Output = Dynamic>
class DenseStep {
    using V = simd::Lane<S>;

  public:
    explicit DenseStep(DenseMemory<S>& memory) : m_(memory), input_{memory.input}, output_{memory.output} {}

    /// Takes memory for W and b, which are zero, and y. Throws std::bad_alloc.
    void prepare() {
        m_.packed.zeros(few() ? 0 : product().size());
        m_.rows.zeros(few() ? input_ * output_ : 0);
        m_.bias.zeros(output_);
        m_.y.zeros(simd::round_up_to_lanes<S>(output_));
    }

    void set_weights(const S* W, const S* b) {
        if (!few())
            product().pack(m_.packed.data(), {W, 1, output_}, b);
        for (Index u = 0; few() && u < output_; ++u)
            kernel::copy_strided(m_.rows.data() + u * input_, W + u, output_, Index(input_));
        std::copy_n(b, Index(output_), m_.bias.data());
    }

    /// f(W·x + b): O numbers, valid until the next call.
    [[gnu::always_inline]] const S* step(const S* x) noexcept {
        S* const y = m_.y.data();
        if (few()) {
            for (Index u = 0; u < output_; ++u)
                y[u] = m_.activation(m_.bias.data()[u] + kernel::dot(m_.rows.data() + u * input_, x, Index(input_)));
            return y;
        }
        constexpr Index L = simd::lanes<S>;
        for (Index u = 0; u < output_; u += group()) {
            typename Product::Sums sums;
            product()(u, x, sums);
            for (Index l = 0; l < std::min<Index>(group(), output_ - u); l += L)
                simd::store<V>(y + u + l, m_.activation(sums.at(l, 0, L)));
        }
        return y;
    }

  private:
    static constexpr bool fixed = Input != Dynamic && Output != Dynamic;
    using Product = ColumnProduct<V, 1, Output, fixed ? units_a_group<V>(1, Input* Output) : Dynamic>;

    /// A lane would be three quarters padding or more.
    bool few() const { return output_ * 4 <= simd::lanes<S>; }
    Index group() const { return units_a_group<V>(1, input_ * output_); }
    Product product() const { return {output_, input_, group(), m_.packed.data()}; }

    DenseMemory<S>& m_;
    Extent<Input> input_;
    Extent<Output> output_;
};

/// The functions of a DenseStep whose sizes are known at run time, of the instruction set of this file.
template <class S>
CAROUSEL_OWN inline constexpr DenseFunctions<S> dense_functions_here = {
    [](DenseMemory<S>& memory) { DenseStep<S>(memory).prepare(); },
    [](DenseMemory<S>& memory, const S* W, const S* b) { DenseStep<S>(memory).set_weights(W, b); },
    [](DenseMemory<S>& memory, const S* x) noexcept { return DenseStep<S>(memory).step(x); }};

} // namespace carousel::stream

namespace carousel::inline CAROUSEL_ABI::stream {

/// Those of the instruction set that a Stream runs on.
template <class S>
const DenseFunctions<S>& dense_functions() {
    if constexpr (kernel::in_library<S>)
        return kernel::chosen<DenseFunctions<S>>();
    else
        return dense_functions_here<S>;
}

inline namespace CAROUSEL_ISA {

/// A DenseStep and its memory, a value.
template <class S, Index Input = Dynamic, Index Output = Dynamic>
class DenseColumn {
  public:
    /// W and b are zero until set().
    DenseColumn(Index input, Index output) : memory_{input, output} {
        step_(
            memory_, [](auto column) { column.prepare(); }, [&](auto& table) { table.prepare(memory_); });
    }

    Index input_size() const { return memory_.input; }
    Index output_size() const { return memory_.output; }
    /// Bytes that it has on the heap.
    Index memory() const {
        return memory_.packed.bytes() + memory_.rows.bytes() + memory_.bias.bytes() + memory_.y.bytes();
    }

    /// Takes these from now on, without an allocation. W: O × I, b: O.
    void set(const S* W, const S* b, Activation activation) {
        memory_.activation = activation;
        step_(
            memory_, [&](auto column) { column.set_weights(W, b); },
            [&](auto& table) { table.set_weights(memory_, W, b); });
    }

    /// f(W·x + b): O numbers, valid until the next call.
    const S* operator()(const S* x) noexcept {
        return step_(
            memory_, [&](auto column) __attribute__((always_inline)) { return column.step(x); },
            [&](auto& table) { return table.step(memory_, x); });
    }

  private:
    struct Table {
        static const DenseFunctions<S>& find() { return dense_functions<S>(); }
    };

    DenseMemory<S> memory_;
    StepChoice<DenseStep<S, Input, Output>, DenseFunctions<S>, Input != Dynamic && Output != Dynamic,
               kernel::in_library<S>>
        step_{Table()};
};

} // namespace CAROUSEL_ISA

} // namespace carousel::stream
