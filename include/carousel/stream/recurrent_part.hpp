// The part of a Stream that is a recurrent layer: one step for one column, with weights that are packed once. A Bidirectional
// layer has none.
#pragma once

#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/stream/column_product.hpp"
#include "carousel/stream/stream_part.hpp"

#include <limits>
#include <type_traits>

#include "carousel/core/quiet_bounds_begin.hpp"

namespace carousel::inline CAROUSEL_ABI {

template <Cell C, Index Input, Index Hidden>
class StreamPart<Recurrent<C, Input, Hidden>, typename C::Scalar> {
    using S = typename C::Scalar;
    using Layer = Recurrent<C, Input, Hidden>;
    using V = simd::Vec<S, stream::lane_bytes<S>(Hidden)>;
    static constexpr Index L = simd::size_of<V>;
    static constexpr int blocks = C::blocks, states = C::states, biased = biased_blocks<C>();

  public:
    /// Throws std::invalid_argument if the layer runs in reverse, because its first output needs the last sample, or if a
    /// parameter has another shape than the layer gave it.
    explicit StreamPart(const Layer& layer)
        : cell_(layer.cell()), input_(layer.input_size()), hidden_{layer.hidden_size()}, W_(hidden_, input_, group()),
          U_(hidden_, hidden_, group()) {
        require_streamable(layer, "Stream");
        if constexpr (TwoProductCell<C>) {
            second_ = {hidden_, hidden_, group()};
            gates_.setZero(padded() * blocks);
        }
        bias_.setZero(padded() * biased);
        vectors_.setZero(padded() * C::vectors);
        for (auto& slot : state_)
            for (auto& s : slot)
                s.setZero(padded());
        set_weights(layer);
    }

    const S* operator()(const S* x) noexcept {
        over_groups([&](Index u) __attribute__((always_inline)) { pass(u, x); });
        if constexpr (TwoProductCell<C>)
            over_groups([&](Index u) __attribute__((always_inline)) { second_pass(u); });
        if (++steps_ % steps_between_flushes == 0) [[unlikely]]
            return flushed();
        return state_[now()][0].data();
    }

    void reset() noexcept {
        for (auto& s : state_[now()])
            s.setZero();
    }

    bool finite() const noexcept {
        for (const auto& s : state_[now()])
            if (!s.head(hidden_).allFinite())
                return false;
        return true;
    }

    void get(Matrix<S>& out) const {
        if (out.rows() != states * hidden_ || out.cols() != 1)
            out = Matrix<S>(states * hidden_, 1);
        for (int s = 0; s < states; ++s)
            out.middleRows(s * hidden_, hidden_) = state_[now()][s].head(hidden_);
    }

    void check(const Matrix<S>& in) const {
        require(in.rows() == states * hidden_ && in.cols() == 1, "Stream::set_state", "the state of ", +C::name, " is ",
                in.rows(), " x ", in.cols(), ", expected ", states * hidden_, " x 1");
    }
    void set(const Matrix<S>& in) noexcept {
        for (int s = 0; s < states; ++s) {
            state_[now()][s].setZero();
            state_[now()][s].head(hidden_) = in.middleRows(s * hidden_, hidden_);
        }
    }

    void check_weights(const Layer& layer) const {
        constexpr const char* where = "Stream::set_weights";
        require_streamable(layer, where);
        require(layer.input_size() == input_ && layer.hidden_size() == hidden_, where, "the ", +C::name, " layer is ",
                layer.input_size(), " -> ", layer.hidden_size(), ", the stream's is ", input_, " -> ", Index(hidden_),
                "; make a new Stream of this model");
    }
    void set_weights(const Layer& layer) {
        cell_ = layer.cell();
        const auto W = kernel::operand(layer.W().value), U = kernel::operand(layer.U().value);
        const S* const b = layer.b().value.data();
        // The product with W adds the biases of the blocks it feeds. Those of the other blocks are kept for pass() to add.
        W_.pack(W, b + C::input.first * hidden_);
        U_.pack(U, nullptr);
        for (int g = 0; g < biased; ++g)
            if (!fed_by_W(g))
                std::copy_n(b + g * hidden_, Index(hidden_), bias_.data() + g * padded());
        if constexpr (TwoProductCell<C>)
            second_.pack(U.from_row(C::recurrent.count * hidden_), nullptr);
        vectors_.setZero();
        for (int k = 0; k < layer.P().value.cols(); ++k)
            vectors_.segment(k * padded(), hidden_) = layer.P().value.col(k);
        const auto rates = layer.zoneout_rates();
        for (int s = 0; s < states; ++s)
            zoneout_[s] = static_cast<S>(rates[static_cast<std::size_t>(s)]);
    }

  private:
    static constexpr int second_count = second_blocks<C>();
    /// A step reads U once, so U's size says whether the weights stay in L1.
    static constexpr Index units_a_group(Index hidden) {
        return stream::units_a_group<V>(std::max({C::input.count, C::recurrent.count, second_count}),
                                        recurrent_blocks<C>().count * hidden * hidden);
    }
    template <int count>
    using Product = stream::ColumnProduct<V, count, Hidden, Hidden == Dynamic ? Dynamic : units_a_group(Hidden)>;

    Index group() const { return units_a_group(hidden_); }
    static constexpr bool fed_by_W(int block) { return block >= C::input.first && block < C::input.end(); }
    /// The slot of the present state.
    Index now() const { return static_cast<Index>(steps_ % 2); }
    /// Numbers that a vector of one number a unit takes here: whole registers.
    Index padded() const { return simd::round_up_to_lanes<S>(hidden_); }

    static void require_streamable(const Layer& layer, const char* where) {
        require(!layer.options().reverse, where, "the ", +C::name, " layer runs in reverse and can't be streamed");
        const Index I = layer.input_size(), H = layer.hidden_size();
        detail::require_weights(where, C::name, "W", layer.W().value, C::input.count * H, I);
        detail::require_weights(where, C::name, "U", layer.U().value, recurrent_blocks<C>().count * H, H);
        detail::require_weights(where, C::name, "b", layer.b().value, biased * H, 1);
        const bool vectors = has_vectors(layer.cell());
        detail::require_weights(where, C::name, "P", layer.P().value, vectors ? H : 0, vectors ? C::vectors : 0);
    }

    /// After silence an LSTM's c falls by its forget gate's factor f a step, until it is denormal. Rounding to nearest then keeps
    /// the smallest ones where they are, for any f > 1/2, and a step of a stream takes up to 1.7 times as long for ever. A state
    /// that is set to zero stays there, so it is enough to look now and then. A check a step would cost every step; this one
    /// costs nothing that can be measured.
    static constexpr unsigned steps_between_flushes = 64;

    /// Sets denormal numbers of the state to zero. Returns h.
    [[gnu::noinline]] const S* flushed() noexcept {
        constexpr S smallest = std::numeric_limits<S>::min(); // of the normal numbers
        for (auto& s : state_[now()])
            simd::for_each_lane(s.data(), s.size(), [](auto v) {
                using Lane = decltype(v);
                const Lane above = v < smallest ? Lane{} : v; // NaN compares false and stays
                return v > -smallest ? above : v;
            });
        return state_[now()][0].data();
    }

    /// f(first unit) for every group, in ascending order on one step and in descending order on the next. Where the weights don't
    /// fit L1, a step then begins with the groups that the step before ended with, whose weights are still in L1.
    template <class F>
    [[gnu::always_inline]] void over_groups(F&& f) const noexcept {
        const Index last = (hidden_ - 1) / group() * group();
        for (Index u = 0; u < hidden_; u += group())
            f(now() == 0 ? u : last - u);
    }

    /// f(l, width) for every lane of the group that begins with unit u: the lane has `width` units and begins l units after u.
    /// The width of a whole lane is an integral_constant, so that the compiler knows it.
    template <class F>
    [[gnu::always_inline]] void over_lanes(Index u, F&& f) const noexcept {
        const Index units = std::min<Index>(group(), hidden_ - u), whole = units / L * L;
        for (Index l = 0; l < whole; l += L)
            f(l, std::integral_constant<Index, L>());
        if (whole < units)
            f(whole, units - whole);
    }

    /// W·x + U·h₋ + b for the group that begins with unit u, and the cell's equations; of a TwoProductCell the equations of its
    /// gate, because the others need the second product.
    [[gnu::always_inline]] void pass(Index u, const S* x) noexcept {
        typename Product<C::input.count>::Sums of_W;
        typename Product<C::recurrent.count>::Sums of_U;
        W_(u, x, of_W);
        U_(u, state_[now()][0].data(), of_U);
        over_lanes(
            u, [&](Index l, auto width) __attribute__((always_inline)) {
                V a[blocks] = {};
                for (int g = 0; g < biased; ++g)
                    a[g] = fed_by_W(g) ? of_W.at(l, g - C::input.first, width)
                                       : simd::load<V>(bias_.data() + g * padded() + u + l);
                for (int g = 0; g < C::recurrent.count; ++g)
                    a[C::recurrent.first + g] += of_U.at(l, g, width);
                if constexpr (TwoProductCell<C>) {
                    V before[states];
                    load_states(u + l, before);
                    cell_.gate(a, before);
                    for (int g = 0; g < blocks; ++g)
                        simd::store<V>(gates_.data() + g * padded() + u + l, a[g]);
                } else
                    finish(u + l, a);
            });
    }
    /// The second product of a TwoProductCell for the group that begins with unit u, and the cell's equations.
    [[gnu::always_inline]] void second_pass(Index u) noexcept {
        typename Product<second_count>::Sums sums;
        second_(u, gates_.data() + C::operand * padded(), sums);
        over_lanes(
            u, [&](Index l, auto width) __attribute__((always_inline)) {
                V a[blocks];
                for (int g = 0; g < blocks; ++g)
                    a[g] = simd::load<V>(gates_.data() + g * padded() + u + l);
                for (int g = 0; g < C::second.count; ++g)
                    a[C::second.first + g] += sums.at(l, g, width);
                finish(u + l, a);
            });
    }

    void load_states(Index u, V (&to)[states]) const noexcept {
        for (int s = 0; s < states; ++s)
            to[s] = simd::load<V>(state_[now()][s].data() + u);
    }

    /// The cell's equations for the lane that begins with unit u: reads one slot of the state, writes the other.
    [[gnu::always_inline]] void finish(Index u, V (&a)[blocks]) noexcept {
        V p[C::vectors + 1] = {}, before[states], after[states];
        load_states(u, before);
        for (int k = 0; k < C::vectors; ++k)
            p[k] = simd::load<V>(vectors_.data() + k * padded() + u);
        cell_.forward(a, before, after, p);
        for (int s = 0; s < states; ++s) {
            if (zoneout_[s] > 0)
                after[s] = zoneout_[s] * before[s] + (S(1) - zoneout_[s]) * after[s];
            simd::store<V>(state_[1 - now()][s].data() + u, after[s]);
        }
    }

    C cell_;
    Index input_;
    stream::Extent<Hidden> hidden_;
    Product<C::input.count> W_;
    Product<C::recurrent.count> U_;
    Product<second_count> second_;     ///< of a TwoProductCell
    Vector<S> bias_, vectors_, gates_; ///< rows of one number a unit, each padded to whole registers
    Vector<S> state_[2][states];       ///< two slots: a step reads slot now() and writes the other; padded likewise
    S zoneout_[states];                ///< the share of the old value in each new state, as in the layer's inference
    unsigned steps_ = 0;               ///< since construction; may wrap around
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
