// The part of a Stream that is a recurrent layer with narrow weights.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/stream/narrow/column.hpp"
#include "carousel/stream/recurrent_part.hpp"

#include <utility>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI {

namespace stream::inline CAROUSEL_ISA {

/// W of fewer input features stays in floats: it is small, and its features may be of any magnitude.
inline constexpr Index least_narrow_input = 8;

/// Most columns of int8 weights for the processor's own instruction, which adds up all of a row as whole numbers of 32 bits. They may
/// wrap around on the way; the sum itself fits: it is of products of |w| ≤ 127 and a byte within ±128, and 131072 · 127 · 128 < 2³¹.
inline constexpr Index int8_dot_columns = 131072;

/// Takes the memory for a cell's layer, all zeros; `step`: the one that will run; `vectors`: whether it has a P. Throws std::bad_alloc.
template <Cell C>
void prepare(NarrowMemory& m, WeightType type, const NarrowFunctions& functions, const NarrowStep<C>& step, Index input,
             Index hidden, bool vectors) {
    // A step stores whole registers of new states in place. Past the end of a tile they would replace states that the next tile has yet
    // to read, so a tile has whole registers of the step's and of the products', whichever are wider.
    const Index tile = narrow_tile<C>(std::max(functions.lanes, step.lanes));
    const bool fits = type != WeightType::int8 || std::max(input, hidden) <= int8_dot_columns;
    m.layout = {type, &functions, fits && functions.has_dot(type), hidden, tile};
    m.input = input;
    m.row = (hidden + step.lanes - 1) / step.lanes * step.lanes;
    const auto take = [&](NarrowMatrix& matrix, Index blocks, Index columns) {
        matrix.blocks = blocks, matrix.columns = columns;
        matrix.words.zeros(functions.matrix_words(m.layout, matrix));
        matrix.scales.zeros(functions.scale_words(m.layout, matrix));
    };
    const bool narrow_W = input >= least_narrow_input;
    m.exact.blocks = biased_blocks<C>(), m.exact.columns = narrow_W ? 1 : 1 + input;
    m.exact.words.zeros(functions.short_words(m.layout, m.exact));
    if (narrow_W) {
        take(m.W, C::input.count, input);
        m.x.words.zeros(functions.operand_words(m.layout, input));
    }
    take(m.U, C::recurrent.count, hidden);
    if constexpr (TwoProductCell<C>) {
        take(m.second, C::second.count, hidden);
        m.gates.zeros(C::blocks * m.row);
    }
    m.h.words.zeros(functions.operand_words(m.layout, hidden));
    m.vectors.zeros(vectors ? C::vectors * m.row : 0);
    m.state.zeros(C::states * m.row);
}

/// Takes these weights from now on.
template <Cell C>
void set_weights(NarrowMemory& m, const RecurrentWeights<float>& weights) {
    const NarrowFunctions& f = *m.layout.functions;
    const Index H = m.layout.hidden;
    f.pack_exact(m.layout, m.exact, weights.b, weights.W, C::input.first, C::input.count);
    if (m.W.blocks > 0)
        f.pack(m.layout, m.W, weights.W, C::input.count * H);
    constexpr Index of_U = recurrent_blocks<C>().count;
    f.pack(m.layout, m.U, weights.U, of_U * H);
    if constexpr (TwoProductCell<C>)
        f.pack(m.layout, m.second, weights.U + C::recurrent.count * H, of_U * H);
    for (int k = 0; weights.P && k < C::vectors; ++k)
        std::copy_n(weights.P + k * H, H, m.vectors.data() + k * m.row);
}

} // namespace stream

inline namespace CAROUSEL_ISA {

/// As StreamPart<Recurrent<C, Input, Hidden>, float>, of a layer whose cell may differ in its functions: `Run` is the cell that runs,
/// made by run_as(). Sizes that are known at compile time are taken as those of run time are, as the weights' size decides the time.
template <Cell C, Index Input, Index Hidden, Cell Run>
class NarrowPart {
    using Layer = Recurrent<C, Input, Hidden>;
    using Exact = StreamPart<Layer, float>; // whose checks are these, too
    static constexpr int states = C::states;

  public:
    NarrowPart(const Layer& layer, WeightType type, const stream::NarrowFunctions& functions)
        : NarrowPart(layer, type, functions, stream::narrow_step<Run>()) {}

    const float* operator()(const float* x) noexcept { return step_(r_, x); }

    void reset() noexcept { std::fill_n(r_.memory.state.data(), r_.memory.state.size(), 0.0F); }
    bool finite() const noexcept {
        for (int s = 0; s < states; ++s)
            if (detail::non_finite_at(state(s), hidden()) < hidden())
                return false;
        return true;
    }
    void get(Matrix<float>& out) const {
        if (out.rows() != states * hidden() || out.cols() != 1)
            out = Matrix<float>(states * hidden(), 1);
        for (int s = 0; s < states; ++s)
            std::copy_n(state(s), hidden(), out.data() + s * hidden());
    }
    void check(const Matrix<float>& in) const {
        require(in.rows() == states * hidden() && in.cols() == 1, "Stream::set_state", "the state of ", +C::name,
                " is ", in.rows(), " x ", in.cols(), ", expected ", states * hidden(), " x 1");
    }
    void set(const Matrix<float>& in) noexcept {
        reset();
        for (int s = 0; s < states; ++s)
            std::copy_n(in.data() + s * hidden(), hidden(), r_.memory.state.data() + s * r_.memory.row);
    }

    void check_weights(const Layer& layer) const {
        constexpr const char* where = "Stream::set_weights";
        Exact::require_streamable(layer, where);
        require(layer.input_size() == r_.memory.input && layer.hidden_size() == hidden(), where, "the ", +C::name,
                " layer is ", layer.input_size(), " -> ", layer.hidden_size(), ", the stream's is ", r_.memory.input,
                " -> ", hidden(), "; make a new Stream of this model");
        const bool had = r_.memory.vectors.size() > 0;
        require(has_vectors(layer.cell()) == had, where, "the ", +C::name, " layer has ", had ? "no " : "",
                "peepholes, the stream's has ", had ? "some" : "none", "; make a new Stream of this model");
    }
    void set_weights(const Layer& layer) {
        r_.cell = detail::run_as<Run>(layer.cell());
        const auto rates = layer.zoneout_rates();
        for (int s = 0; s < states; ++s)
            r_.zoneout[s] = static_cast<float>(rates[static_cast<std::size_t>(s)]);
        stream::set_weights<Run>(r_.memory, {layer.W().value.data(), layer.U().value.data(), layer.b().value.data(),
                                             has_vectors(layer.cell()) ? layer.P().value.data() : nullptr});
    }

    Index memory() const { return r_.memory.bytes(); }

  private:
    NarrowPart(const Layer& layer, WeightType type, const stream::NarrowFunctions& functions,
               const stream::NarrowStep<Run>& step)
        : r_{detail::run_as<Run>(layer.cell()), {}, {}}, step_(step.step) {
        Exact::require_streamable(layer, "Stream");
        stream::prepare<Run>(r_.memory, type, functions, step, layer.input_size(), layer.hidden_size(),
                             has_vectors(layer.cell()));
        set_weights(layer);
    }

    Index hidden() const { return r_.memory.layout.hidden; }
    const float* state(int s) const { return r_.memory.state.data() + s * r_.memory.row; }

    stream::NarrowRecurrent<Run> r_;
    const float* (*step_)(stream::NarrowRecurrent<Run>&, const float*) noexcept;
};

template <Cell C, Index Input, Index Hidden, bool fast>
class OptionPart<Recurrent<C, Input, Hidden>, typename C::Scalar, false, fast>
    : public RecurrentPart<C, Input, Hidden, detail::RunCell<C, fast>> {
  public:
    static constexpr bool as_ever = std::same_as<C, detail::RunCell<C, fast>>;
    OptionPart(const Recurrent<C, Input, Hidden>& layer, Index, const detail::StreamOptions&)
        : OptionPart::RecurrentPart(layer) {}
};

template <Cell C, Index Input, Index Hidden, bool fast>
class OptionPart<Recurrent<C, Input, Hidden>, float, true, fast>
    : public NarrowPart<C, Input, Hidden, detail::RunCell<C, fast>> {
  public:
    static constexpr bool as_ever = false;
    OptionPart(const Recurrent<C, Input, Hidden>& layer, Index, const detail::StreamOptions& options)
        : OptionPart::NarrowPart(layer, options.weights, *options.functions) {}
};

} // namespace CAROUSEL_ISA

} // namespace carousel

#include "carousel/core/quiet_bounds_end.hpp"
