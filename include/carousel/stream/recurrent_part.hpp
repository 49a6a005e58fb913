// The part of a Stream that is a recurrent layer. A Bidirectional layer has none.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/stream/recurrent_column.hpp"
#include "carousel/stream/step_choice.hpp"
#include "carousel/stream/stream_options.hpp"

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI {

inline namespace CAROUSEL_ISA {

/// `Run` is the cell that runs: C, or one that differs in its functions.
template <Cell C, Index Input, Index Hidden, Cell Run = C>
class RecurrentPart {
    using S = typename C::Scalar;
    using Layer = Recurrent<C, Input, Hidden>;
    static constexpr int states = C::states;

  public:
    /// Throws std::invalid_argument if the layer runs in reverse, because its first output needs the last sample, or if a
    /// parameter has another shape than the layer gave it.
    explicit RecurrentPart(const Layer& layer)
        : memory_{detail::run_as<Run>(layer.cell()), layer.input_size(), layer.hidden_size()} {
        require_streamable(layer, "Stream");
        step_(
            memory_, [](auto column) { column.prepare(); }, [&](auto& table) { table.prepare(memory_); });
        set_weights(layer);
    }

    const S* operator()(const S* x) noexcept {
        return step_(
            memory_, [&](auto column) __attribute__((always_inline)) { return column.step(x); },
            [&](auto& table) { return table.step(memory_, x); });
    }

    void reset() noexcept {
        for (int s = 0; s < states; ++s)
            std::fill_n(state(s), memory_.row, S(0));
    }

    bool finite() const noexcept {
        for (int s = 0; s < states; ++s)
            if (detail::non_finite_at(state(s), hidden()) < hidden())
                return false;
        return true;
    }

    void get(Matrix<S>& out) const {
        if (out.rows() != states * hidden() || out.cols() != 1)
            out = Matrix<S>(states * hidden(), 1);
        for (int s = 0; s < states; ++s)
            std::copy_n(state(s), hidden(), out.data() + s * hidden());
    }

    void check(const Matrix<S>& in) const {
        require(in.rows() == states * hidden() && in.cols() == 1, "Stream::set_state", "the state of ", +C::name,
                " is ", in.rows(), " x ", in.cols(), ", expected ", states * hidden(), " x 1");
    }
    void set(const Matrix<S>& in) noexcept {
        reset();
        for (int s = 0; s < states; ++s)
            std::copy_n(in.data() + s * hidden(), hidden(), state(s));
    }

    void check_weights(const Layer& layer) const {
        constexpr const char* where = "Stream::set_weights";
        require_streamable(layer, where);
        require(layer.input_size() == memory_.input && layer.hidden_size() == hidden(), where, "the ", +C::name,
                " layer is ", layer.input_size(), " -> ", layer.hidden_size(), ", the stream's is ", memory_.input,
                " -> ", hidden(), "; make a new Stream of this model");
    }
    void set_weights(const Layer& layer) {
        memory_.cell = detail::run_as<Run>(layer.cell());
        const auto rates = layer.zoneout_rates();
        for (int s = 0; s < states; ++s)
            memory_.zoneout[s] = static_cast<S>(rates[static_cast<std::size_t>(s)]);
        const stream::RecurrentWeights<S> weights{layer.W().value.data(), layer.U().value.data(),
                                                  layer.b().value.data(),
                                                  has_vectors(layer.cell()) ? layer.P().value.data() : nullptr};
        step_(
            memory_, [&](auto column) { column.set_weights(weights); },
            [&](auto& table) { table.set_weights(memory_, weights); });
    }

    Index memory() const {
        Index bytes = 0;
        for (const auto* const buffer :
             {&memory_.W, &memory_.U, &memory_.second, &memory_.bias, &memory_.vectors, &memory_.gates})
            bytes += buffer->bytes();
        for (const auto& slot : memory_.state)
            for (const auto& s : slot)
                bytes += s.bytes();
        return bytes;
    }

    /// Throws std::invalid_argument, naming `where`, as the constructor does.
    static void require_streamable(const Layer& layer, const char* where) {
        require(!layer.options().reverse, where, "the ", +C::name, " layer runs in reverse and can't be streamed");
        const Index I = layer.input_size(), H = layer.hidden_size();
        detail::require_weights(where, C::name, "W", layer.W().value, C::input.count * H, I);
        detail::require_weights(where, C::name, "U", layer.U().value, recurrent_blocks<C>().count * H, H);
        detail::require_weights(where, C::name, "b", layer.b().value, biased_blocks<C>() * H, 1);
        const bool vectors = has_vectors(layer.cell());
        detail::require_weights(where, C::name, "P", layer.P().value, vectors ? H : 0, vectors ? C::vectors : 0);
    }

  private:
    Index hidden() const { return memory_.hidden; }
    /// The present state; padding follows its H numbers.
    S* state(int s) noexcept { return memory_.state[memory_.now()][s].data(); }
    const S* state(int s) const noexcept { return memory_.state[memory_.now()][s].data(); }

    struct Table {
        static const stream::RecurrentFunctions<Run>& find() { return stream::recurrent_functions<Run>(); }
    };

    stream::RecurrentMemory<Run> memory_;
    stream::StepChoice<stream::RecurrentColumn<Run, Hidden>, stream::RecurrentFunctions<Run>, Hidden != Dynamic,
                       kernel::in_library<Run>>
        step_{Table()};
};

} // namespace CAROUSEL_ISA

template <Cell C, Index Input, Index Hidden>
class StreamPart<Recurrent<C, Input, Hidden>, typename C::Scalar> : public RecurrentPart<C, Input, Hidden> {
  public:
    using StreamPart::RecurrentPart::RecurrentPart;
};

template <class L>
class StreamPart<Bidirectional<L>, typename L::Scalar> {
  public:
    static constexpr const char* why_not = "its first output needs the last sample";
    explicit StreamPart(const Bidirectional<L>&) {
        static_assert(sizeof(L) == 0,
                      "Stream: a Bidirectional layer can't be streamed: its first output needs the last sample");
    }
};

} // namespace carousel

#include "carousel/core/quiet_bounds_end.hpp"
