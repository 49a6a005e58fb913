// The part of a Stream that is a recurrent layer: one step for one column, its weights packed once. Bidirectional has none.
#pragma once

#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/stream/column_product.hpp"
#include "carousel/stream/stream_part.hpp"

#include <algorithm>
#include <type_traits>

namespace carousel {

template <Cell C, Index Input, Index Hidden>
class StreamPart<Recurrent<C, Input, Hidden>, typename C::Scalar> {
    using S = typename C::Scalar;
    using V = simd::Vec<S, stream::lane_bytes<S>(Hidden)>;
    static constexpr Index L = simd::size_of<V>;
    static constexpr int blocks = C::blocks, states = C::states, biased = biased_blocks<C>();

  public:
    /// Throws std::invalid_argument if the layer runs in reverse: its first output needs the last sample.
    explicit StreamPart(const Recurrent<C, Input, Hidden>& layer)
        : cell_(layer.cell()), hidden_{layer.hidden_size()}, vectors_(padded() * C::vectors) {
        require(!layer.options().reverse, "Stream", "the ", layer.name(),
                " layer runs in reverse and can't be streamed");
        const auto W = kernel::operand(layer.W().value), U = kernel::operand(layer.U().value);
        // W's product brings the biases of its blocks; those of the others are added.
        W_ = {W, layer.b().value.data() + C::input.first * hidden_, hidden_, layer.input_size(), group()};
        U_ = {U, nullptr, hidden_, hidden_, group()};
        bias_.setZero(padded() * biased);
        for (int g = 0; g < biased; ++g)
            if (!fed_by_W(g))
                bias_.segment(g * padded(), hidden_) = layer.b().value.col(0).segment(g * hidden_, hidden_);
        if constexpr (TwoProductCell<C>) {
            second_ = {U.from_row(C::recurrent.count * hidden_), nullptr, hidden_, hidden_, group()};
            gates_.setZero(padded() * blocks);
        }
        vectors_.setZero();
        for (int k = 0; k < C::vectors && layer.P().size() > 0; ++k)
            vectors_.segment(k * padded(), hidden_) = layer.P().value.col(k);
        for (auto& slot : state_)
            for (auto& s : slot)
                s.setZero(padded());
        std::ranges::transform(layer.zoneout_rates(), zoneout_, [](double rate) { return static_cast<S>(rate); });
    }

    const S* operator()(const S* x) noexcept {
        over_groups([&](Index u) __attribute__((always_inline)) { pass(u, x); });
        if constexpr (TwoProductCell<C>)
            over_groups([&](Index u) __attribute__((always_inline)) { second_pass(u); });
        now_ = 1 - now_;
        return state_[now_][0].data();
    }

    void reset() noexcept {
        for (auto& s : state_[now_])
            s.setZero();
    }

    void get(Matrix<S>& out) const {
        out.resize(states * hidden_, 1);
        for (int s = 0; s < states; ++s)
            out.middleRows(s * hidden_, hidden_) = state_[now_][s].head(hidden_);
    }

    void set(const Matrix<S>& in) {
        require(in.rows() == states * hidden_ && in.cols() == 1, "Stream::set_state", "the state of ", C::name, " is ",
                in.rows(), " x ", in.cols(), ", expected ", states * hidden_, " x 1");
        for (int s = 0; s < states; ++s)
            state_[now_][s].head(hidden_) = in.middleRows(s * hidden_, hidden_);
    }

  private:
    static constexpr int second_count = recurrent_blocks<C>().count - C::recurrent.count; // 0 but of a TwoProductCell
    static constexpr Index units_a_pass(Index hidden) {
        return stream::units_a_pass<V>(std::max({C::input.count, C::recurrent.count, second_count}),
                                       recurrent_blocks<C>().count * hidden * hidden);
    }
    template <int count>
    using Product = stream::ColumnProduct<V, count, Hidden, Hidden == Dynamic ? Dynamic : units_a_pass(Hidden)>;

    Index group() const { return units_a_pass(hidden_); }
    static constexpr bool fed_by_W(int block) { return block >= C::input.first && block < C::input.end(); }
    Index padded() const { return simd::round_up_to_lanes<S>(hidden_); }

    /// f(first unit) for the groups, to and fro: weights that don't fit L1 are met there again where the last step ended.
    template <class F>
    [[gnu::always_inline]] void over_groups(F&& f) const noexcept {
        const Index last = (hidden_ - 1) / group() * group();
        for (Index u = 0; u < hidden_; u += group())
            f(now_ == 0 ? u : last - u);
    }

    /// f(l, width) for the lanes of the group that begins with unit u, l units after it; of whole lanes the compiler knows the width.
    template <class F>
    [[gnu::always_inline]] void over_lanes(Index u, F&& f) const noexcept {
        const Index units = std::min<Index>(group(), hidden_ - u), whole = units / L * L;
        for (Index l = 0; l < whole; l += L)
            f(l, std::integral_constant<Index, L>());
        if (whole < units)
            f(whole, units - whole);
    }

    /// W·x + U·h₋ + b and the cell (or its gate, if a second product follows) for the group that begins with unit u.
    [[gnu::always_inline]] void pass(Index u, const S* x) noexcept {
        typename Product<C::input.count>::Sums of_W;
        typename Product<C::recurrent.count>::Sums of_U;
        W_(u, x, of_W);
        U_(u, state_[now_][0].data(), of_U);
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
            to[s] = simd::load<V>(state_[now_][s].data() + u);
    }

    [[gnu::always_inline]] void finish(Index u, V (&a)[blocks]) noexcept {
        V p[C::vectors + 1] = {}, before[states], after[states];
        load_states(u, before);
        for (int k = 0; k < C::vectors; ++k)
            p[k] = simd::load<V>(vectors_.data() + k * padded() + u);
        cell_.forward(a, before, after, p);
        for (int s = 0; s < states; ++s) {
            if (zoneout_[s] > 0)
                after[s] = zoneout_[s] * before[s] + (S(1) - zoneout_[s]) * after[s];
            simd::store<V>(state_[1 - now_][s].data() + u, after[s]);
        }
    }

    C cell_;
    stream::Extent<Hidden> hidden_;
    Product<C::input.count> W_;
    Product<C::recurrent.count> U_;
    Product<second_count> second_;     ///< of a TwoProductCell
    Vector<S> bias_, vectors_, gates_; // rows of H numbers, each padded to whole lanes
    Vector<S> state_[2][states];       // each padded to whole lanes
    S zoneout_[states];                // of each state, as inference has it
    int now_ = 0;
};

template <class L>
class StreamPart<Bidirectional<L>, typename L::Scalar> {
    static_assert(sizeof(L) == 0,
                  "Stream: a Bidirectional layer can't be streamed: its first output needs the last sample");
};

} // namespace carousel
