// DenseVoices: f(W·x + b) of many columns, a voice each, with weights that are packed once, for the parts of Voices that are Dense or
// Conv1D.
#pragma once

#include "carousel/kernel/compiled.hpp"
#include "carousel/kernel/elementwise.hpp"
#include "carousel/kernel/product.hpp"
#include "carousel/stream/voices/memory.hpp"

#include <algorithm>

namespace carousel::inline CAROUSEL_ABI::stream::inline CAROUSEL_ISA {

/// W: O × I, b: O. The object stands for its memory.
template <class S>
class DenseVoicesStep {
    static constexpr Index L = simd::lanes<S>;

  public:
    explicit DenseVoicesStep(DenseVoicesMemory<S>& memory) : m_(memory) {}

    /// Takes memory for W and b, which are zero, and y. Throws std::bad_alloc.
    void prepare() {
        m_.packed.zeros((few() ? m_.output : simd::round_up_to_lanes<S>(m_.output)) * m_.input);
        m_.bias.zeros(m_.output);
        m_.y.zeros(m_.output * m_.capacity);
    }

    void set_weights(const S* W, const S* b) {
        if (few())
            for (Index u = 0; u < m_.output; ++u)
                kernel::copy_strided(m_.packed.data() + u * m_.input, W + u, m_.output, m_.input);
        else
            kernel::pack_rows(m_.packed.data(), kernel::Operand<S>{W, 1, m_.output}, m_.output, m_.input);
        std::copy_n(b, m_.output, m_.bias.data());
    }

    /// f(W·x + b) of x, I × columns: O × columns, valid until the next call.
    const S* step(const S* x, Index columns) noexcept {
        const Index I = m_.input, O = m_.output;
        const S* const b = m_.bias.data();
        S* const y = m_.y.data();
        if (few()) {
            for (Index n = 0; n < columns; ++n)
                for (Index u = 0; u < O; ++u)
                    y[n * O + u] = b[u] + kernel::dot(m_.packed.data() + u * I, x + n * I, I);
        } else {
            kernel::for_row_tiles<S>(O, [&](Index i, int tile) {
                kernel::Factors<S> f{I, m_.packed.data() + i * I, tile * L, x, 1, I};
                kernel::multiply_sliver(y + i, O, std::min(O - i, tile * L), columns, tile, &f, 1, false);
            });
            for (Index n = 0; n < columns; ++n)
                simd::map_lanes(
                    y + n * O, O, [](auto sum, auto bias) __attribute__((always_inline)) { return sum + bias; },
                    y + n * O, b);
        }
        kernel::activate(m_.activation, y, y, O * columns);
        return y;
    }

  private:
    /// A lane would be three quarters padding or more, so that dot products are faster.
    bool few() const { return m_.output * 4 <= L; }

    DenseVoicesMemory<S>& m_;
};

/// The functions of a DenseVoicesStep, of the instruction set of this file.
template <class S>
CAROUSEL_OWN inline constexpr DenseVoicesFunctions<S> dense_voices_functions_here = {
    [](DenseVoicesMemory<S>& memory) { DenseVoicesStep<S>(memory).prepare(); },
    [](DenseVoicesMemory<S>& memory, const S* W, const S* b) { DenseVoicesStep<S>(memory).set_weights(W, b); },
    [](DenseVoicesMemory<S>& memory, const S* x, Index columns) noexcept {
        return DenseVoicesStep<S>(memory).step(x, columns);
    }};

} // namespace carousel::stream

namespace carousel::inline CAROUSEL_ABI::stream {

/// Those of the instruction set that Voices run on.
template <class S>
const DenseVoicesFunctions<S>& dense_voices_functions() {
    if constexpr (kernel::in_library<S>)
        return kernel::chosen<DenseVoicesFunctions<S>>();
    else
        return dense_voices_functions_here<S>;
}

inline namespace CAROUSEL_ISA {

/// A DenseVoicesStep and its memory, a value.
template <class S>
class DenseVoices {
  public:
    /// W and b are zero until set().
    DenseVoices(Index input, Index output, Index capacity)
        : memory_{input, output, capacity}, functions_(&dense_voices_functions<S>()) {
        functions_->prepare(memory_);
    }

    Index input_size() const { return memory_.input; }
    Index output_size() const { return memory_.output; }

    /// Takes these from now on, without an allocation. W: O × I, b: O.
    void set(const S* W, const S* b, Activation activation) {
        memory_.activation = activation;
        functions_->set_weights(memory_, W, b);
    }

    /// f(W·x + b) of x, I × columns: O × columns, valid until the next call.
    const S* operator()(const S* x, Index columns) noexcept { return functions_->step(memory_, x, columns); }

  private:
    DenseVoicesMemory<S> memory_;
    const DenseVoicesFunctions<S>* functions_;
};

} // namespace CAROUSEL_ISA

} // namespace carousel::stream
