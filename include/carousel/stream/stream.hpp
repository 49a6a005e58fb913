// Stream: a trained model run sample by sample. After construction nothing allocates and nothing throws.
#pragma once

#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"

#include <cassert>

namespace carousel {

/// How a layer runs sample by sample: specialise it for a layer of your own, with
///
///     explicit StreamPart(const L&);                 // packs the weights; may throw
///     const S* operator()(const S* x) noexcept;      // one sample in, one out; valid until the next call
///     void reset() noexcept;
///     void get(State<S>&) const;                     // the layer's State for a batch of one
///     void set(const State<S>&);                     // throws std::invalid_argument if it doesn't fit
template <class L, class S>
class StreamPart {
    static_assert(sizeof(L) == 0, "Stream: this layer can't be streamed, for there is no StreamPart for it");
};

namespace detail {

/// A size known at compile time, if `fixed` isn't Dynamic.
template <Index fixed>
struct Extent {
    Index value;
    constexpr operator Index() const {
        if constexpr (fixed != Dynamic)
            return fixed;
        else
            return value;
    }
};

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

template <class L>
class StreamPart<Bidirectional<L>, typename L::Scalar> {
    static_assert(sizeof(L) == 0,
                  "Stream: a Bidirectional layer can't be streamed: its first output needs the last sample");
};

template <class S>
class StreamPart<Dropout, S> : public detail::PassThrough<S> {
  public:
    explicit StreamPart(const Dropout&) {}
};

template <class S, Index Input, Index Output>
class StreamPart<Dense<S, Input, Output>, S> : public detail::PassThrough<S> {
  public:
    explicit StreamPart(const Dense<S, Input, Output>& layer)
        : input_{layer.input_size()}, output_{layer.output_size()}, activation_(layer.options().activation),
          panels_(kernel::gate_panels<S>(1, output_, input_)), bias_(padded()), y_(padded()) {
        kernel::pack_gates<simd::lanes<S>>(panels_.data(), kernel::operand(layer.W().value), 1, output_, input_);
        bias_.setZero();
        bias_.head(output_) = layer.b().value.col(0);
        y_.setZero();
    }

    const S* operator()(const S* x) noexcept {
        using V = simd::Lane<S>;
        for (Index u = 0; u < output_; u += simd::lanes<S>) {
            V sums[kernel::column_ways(1)][1] = {{simd::load<V>(bias_.data() + u)}}, sum[1];
            kernel::add_column(
                sums, {input_, panels_.data() + u * input_, std::min<Index>(simd::lanes<S>, output_ - u), x, 1, 0});
            kernel::add_up(sum, sums);
            simd::store<V>(y_.data() + u, activation_(sum[0]));
        }
        return y_.data();
    }

  private:
    Index padded() const { return simd::round_up_to_lanes<S>(output_); }

    detail::Extent<Input> input_;
    detail::Extent<Output> output_;
    Activation activation_;
    Vector<S> panels_, bias_, y_;
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

template <Cell C, Index Input, Index Hidden>
class StreamPart<Recurrent<C, Input, Hidden>, typename C::Scalar> {
    using S = typename C::Scalar;
    using V = simd::Lane<S>;
    static constexpr Index L = simd::lanes<S>;
    static constexpr int blocks = C::blocks, states = C::states, biased = biased_blocks<C>();

  public:
    /// Throws std::invalid_argument if the layer runs in reverse: its first output needs the last sample.
    explicit StreamPart(const Recurrent<C, Input, Hidden>& layer)
        : cell_(layer.cell()), input_{layer.input_size()}, hidden_{layer.hidden_size()}, bias_(padded() * biased),
          vectors_(padded() * C::vectors) {
        require(!layer.options().reverse, "Stream", "the ", layer.name(),
                " layer runs in reverse and can't be streamed");
        const auto W = kernel::operand(layer.W().value), U = kernel::operand(layer.U().value);
        pack(W_, W, C::input.count, input_);
        pack(U_, U, C::recurrent.count, hidden_);
        if constexpr (TwoProductCell<C>) {
            pack(second_, U.from_row(C::recurrent.count * hidden_), C::second.count, hidden_);
            gates_.setZero(padded() * blocks);
        }
        pad(bias_, layer.b().value.data(), biased);
        pad(vectors_, layer.P().size() > 0 ? layer.P().value.data() : nullptr, C::vectors);
        for (auto& slot : state_)
            for (auto& s : slot)
                s.setZero(padded());
        std::ranges::transform(layer.zoneout_rates(), zoneout_, [](double rate) { return static_cast<S>(rate); });
    }

    const S* operator()(const S* x) noexcept {
        auto& prev = state_[now_];
        auto& next = state_[1 - now_];
        over_lanes([&](Index u, auto width) __attribute__((always_inline)) {
            V a[blocks] = {};
            for (int g = 0; g < biased; ++g)
                a[g] = simd::load<V>(bias_.data() + g * padded() + u);
            add_product<C::input>(a, W_, u, width, input_, x);
            add_product<C::recurrent>(a, U_, u, width, hidden_, prev[0].data());
            V before[states];
            for (int s = 0; s < states; ++s)
                before[s] = simd::load<V>(prev[s].data() + u);
            if constexpr (TwoProductCell<C>) {
                cell_.gate(a, before);
                for (int g = 0; g < blocks; ++g)
                    simd::store<V>(gates_.data() + g * padded() + u, a[g]);
            } else
                finish(u, a, before, next);
        });
        if constexpr (TwoProductCell<C>)
            over_lanes([&](Index u, auto width) __attribute__((always_inline)) {
                V a[blocks], before[states];
                for (int g = 0; g < blocks; ++g)
                    a[g] = simd::load<V>(gates_.data() + g * padded() + u);
                for (int s = 0; s < states; ++s)
                    before[s] = simd::load<V>(prev[s].data() + u);
                add_product<C::second>(a, second_, u, width, hidden_, gates_.data() + C::operand * padded());
                finish(u, a, before, next);
            });
        now_ = 1 - now_;
        return next[0].data();
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
    Index padded() const { return simd::round_up_to_lanes<S>(hidden_); }

    void pack(Vector<S>& to, kernel::Operand<S> weights, int rows, Index depth) {
        to.resize(kernel::gate_panels<S>(rows, hidden_, depth));
        kernel::pack_gates<L>(to.data(), weights, rows, hidden_, depth);
    }
    /// Rows of H numbers, each padded to whole lanes; zeros without `from`.
    void pad(Vector<S>& to, const S* from, int rows) {
        to.setZero();
        for (int g = 0; from && g < rows; ++g)
            std::copy_n(from + g * hidden_, Index(hidden_), to.data() + g * padded());
    }

    /// f(u, width) for every lane of units; of whole lanes the compiler knows the width.
    template <class F>
    [[gnu::always_inline]] void over_lanes(F&& f) noexcept {
        const Index whole = hidden_ / L * L;
        for (Index u = 0; u < whole; u += L)
            f(u, std::integral_constant<Index, L>());
        if (whole < hidden_)
            f(whole, hidden_ - whole);
    }

    /// a += weights·x, in the blocks that `which` names, for the lane of units from u on. A narrow lane's blocks stand close together in fewer registers.
    template <Blocks which, class Width>
    [[gnu::always_inline]] static void add_product(V (&a)[blocks], const Vector<S>& weights, Index u, Width width,
                                                   Index depth, const S* x) noexcept {
        const kernel::Factors<S> product{depth, weights.data() + u * which.count * depth, which.count * width, x, 1, 0};
        V sum[which.count + 1];
        kernel::compute_lanes<V, which.count>(sum, static_cast<int>((which.count * width + L - 1) / L), 1, &product, 1);
        for (int g = 0; g < which.count; ++g)
            a[which.first + g] += std::is_same_v<Width, Index>
                                      ? simd::load<V>(reinterpret_cast<const S*>(sum) + g * width, width)
                                      : sum[g];
    }

    [[gnu::always_inline]] void finish(Index u, V (&a)[blocks], const V (&before)[states],
                                       Vector<S> (&next)[states]) noexcept {
        V p[C::vectors + 1] = {}, after[states];
        for (int k = 0; k < C::vectors; ++k)
            p[k] = simd::load<V>(vectors_.data() + k * padded() + u);
        cell_.forward(a, before, after, p);
        for (int s = 0; s < states; ++s) {
            if (zoneout_[s] > 0)
                after[s] = zoneout_[s] * before[s] + (S(1) - zoneout_[s]) * after[s];
            simd::store<V>(next[s].data() + u, after[s]);
        }
    }

    C cell_;
    detail::Extent<Input> input_;
    detail::Extent<Hidden> hidden_;
    Vector<S> W_, U_, second_, bias_, vectors_, gates_;
    Vector<S> state_[2][states]; // each padded to whole lanes
    S zoneout_[states];          // of each state, as inference has it
    int now_ = 0;
};

template <class... Layers>
class StreamPart<Sequential<Layers...>, typename Sequential<Layers...>::Scalar> {
    using Model = Sequential<Layers...>;
    using S = typename Model::Scalar;
    using State = typename Model::template State<S>;

  public:
    explicit StreamPart(const Model& model) : StreamPart(model, std::index_sequence_for<Layers...>{}) {}

    const S* operator()(const S* x) noexcept {
        std::apply([&](auto&... part) { ((x = part(x)), ...); }, parts_);
        return x;
    }
    void reset() noexcept {
        std::apply([](auto&... part) { (part.reset(), ...); }, parts_);
    }
    void get(State& out) const {
        each([&](auto k) { std::get<k>(parts_).get(std::get<k>(out)); });
    }
    /// All or nothing: a part that doesn't fit leaves every state as it was.
    void set(const State& in) {
        auto changed = parts_;
        each([&](auto k) { std::get<k>(changed).set(std::get<k>(in)); });
        parts_ = std::move(changed);
    }

  private:
    template <std::size_t... k>
    StreamPart(const Model& model, std::index_sequence<k...>)
        : parts_(StreamPart<Layers, S>(model.template layer<k>())...) {}

    template <class F>
    static void each(F&& f) {
        [&]<std::size_t... k>(std::index_sequence<k...>) {
            (f(std::integral_constant<std::size_t, k>{}), ...);
        }
        (std::index_sequence_for<Layers...>{});
    }

    std::tuple<StreamPart<Layers, S>...> parts_;
};

/// One playhead through a model: the state of every layer, the weights as they were at construction, packed, and the
/// scratch. Copy it to fork the state. The numbers are those of the whole-sequence pass, to rounding.
///
///     Stream stream{model};
///     for (float sample : live) play(stream(sample));
template <class Model>
class Stream {
  public:
    using Scalar = typename Model::Scalar;
    using State = typename Model::template State<Scalar>;

    /// Throws std::invalid_argument if a layer can't be streamed.
    explicit Stream(const Model& model)
        : part_(model), input_(model.input_size()), output_(model.output_size(input_)) {}

    Index input_size() const { return input_; }
    Index output_size() const { return output_; }

    /// One sample of input_size() features; the output_size() numbers returned are valid until the next call.
    std::span<const Scalar> operator()(std::span<const Scalar> x) noexcept {
        assert(static_cast<Index>(x.size()) == input_);
        return {part_(x.data()), static_cast<std::size_t>(output_)};
    }

    /// For models of one feature: one number in, the first of the outputs back.
    Scalar operator()(Scalar x) noexcept {
        assert(input_ == 1);
        sample_ = x; // a member, as GCC 12 takes the address of a parameter for an array of one and warns
        return *part_(&sample_);
    }

    void reset() noexcept { part_.reset(); }

    /// As the layers' final_state gives it, for a batch of one.
    State state() const {
        State state;
        part_.get(state);
        return state;
    }
    /// Throws std::invalid_argument, changing nothing, if the shape is another's.
    void set_state(const State& state) { part_.set(state); }

  private:
    StreamPart<Model, Scalar> part_;
    Scalar sample_ = 0;
    Index input_, output_;
};

} // namespace carousel
