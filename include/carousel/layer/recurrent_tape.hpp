// RecurrentTape: what one pass of a recurrent layer remembers, where its steps find their numbers, and how its batch is
// dealt out to threads and caches.
#pragma once

#include "carousel/kernel/step.hpp"
#include "carousel/layer/layer.hpp"

namespace carousel {

/// A view of x, the blocks of every step (after backward: their gradients) and T + 1 slots of every state:
/// (blocks + states) · H numbers a column, and scratch that doesn't grow with T. An inference keeps one step's blocks, and two
/// slots of every state but h, which is the output.
///
/// Blocks and states are kept as kernel::Panels; h, which is the output too, as a matrix.
template <Cell C>
class RecurrentTape {
  public:
    using Scalar = typename C::Scalar;

    /// The last pass' output.
    SequenceView<Scalar> output() const { return y_view_; }

  private:
    template <Cell, Index, Index>
    friend class Recurrent;

    static constexpr Index least_shard = 8;   // sequences that are worth a thread
    static constexpr Index least_fetched = 8; // sequences whose gates of a step don't fit L1 beside the weights

    /// Takes the memory of a pass and puts the initial state (empty: zero) in its slot.
    void start(SequenceView<Scalar> x, Index hidden, bool reverse, bool record, bool all_gates,
               const Matrix<Scalar>& initial) {
        const Index T = x.steps(), B = x.batch();
        x_ = x;
        hidden_ = hidden;
        reverse_ = reverse;
        recorded_ = record;
        lengths_.assign(x.lengths().begin(), x.lengths().end());
        shards_.resize(static_cast<std::size_t>(std::clamp<Index>(B / least_shard, 1, threads())));
        gate_slots_ = record || all_gates ? std::max<Index>(T, 1) : 1;
        gates_.resize(gate_slots_ * gates_size() + simd::lanes<Scalar>); // a lane larger, as Panels need it
        h_.resize(hidden, (T + 1) * B);
        auto start = h_.middleCols((reverse ? T : 0) * B, B);
        if (initial.size() > 0)
            start = initial.topRows(hidden);
        else
            start.setZero();
        for (int s = 1; s < C::states; ++s) {
            states_[s].resize(state_size(), record ? T + 1 : 2);
            if (initial.size() > 0)
                kernel::to_panels(state(s, reverse ? T : 0), state_layout(), initial.data() + s * hidden,
                                  initial.rows());
            else
                std::fill_n(state(s, reverse ? T : 0), state_size(), Scalar(0));
        }
    }

    using Layout = typename kernel::Step<C>::Layout;

    Layout gate_layout() const { return {C::blocks, x_.batch(), hidden_}; }
    Layout state_layout() const { return {1, x_.batch(), hidden_}; }
    Index gates_size() const { return gate_layout().size(); }
    Index state_size() const { return state_layout().size(); }

    /// Slot `number`, 0 … T, of a state; without a record, all but h take turns in two.
    const Scalar* state(int s, Index number) const {
        if (s == 0)
            return h_.data() + number * x_.batch() * hidden_;
        return states_[s].data() + (states_[s].cols() == 2 ? number % 2 : number) * state_size();
    }
    Scalar* state(int s, Index number) { return const_cast<Scalar*>(std::as_const(*this).state(s, number)); }

    /// The blocks of `steps` steps from t on.
    auto gates(Index t, Index steps) {
        return kernel::StepPanels<Scalar, kernel::Step<C>::units>{gates_.data() + t * gates_size(), gate_layout(),
                                                                  steps, gates_size()};
    }

    /// One of the blocks of those steps as a matrix, H × (steps · B).
    const Scalar* operand(int block, Index t, Index steps) {
        const Index B = x_.batch();
        Scalar* const operand = operand_.get(hidden_ * steps * B);
        for (Index k = 0; k < steps; ++k)
            kernel::from_panels(gates(t + k, 1).data, gate_layout(), block, operand + k * B * hidden_, hidden_);
        return operand;
    }

    /// The p-th step in processing order, of columns first … last − 1.
    kernel::Step<C> step(const C& cell, const Scalar* b, const Scalar* P, Index p, Index first, Index last) {
        const Index B = x_.batch(), t = reverse_ ? x_.steps() - 1 - p : p;
        Scalar* const gates = gates_.data() + (gate_slots_ > 1 ? t : 0) * gates_size();
        kernel::Step<C> step{&cell, hidden_, B, first, last, b, P, lengths_, t, gates, {}, {}};
        for (int s = 0; s < C::states; ++s) {
            step.prev[s] = state(s, reverse_ ? t + 1 : t);
            step.next[s] = state(s, reverse_ ? t : t + 1);
        }
        if (drops_) {
            step.noise.h_mask = h_mask_.data();
            step.noise.masked_prev = masked_h_.data() + (reverse_ ? t + 1 : t) * B * hidden_;
            step.noise.masked_next = masked_h_.data() + (reverse_ ? t : t + 1) * B * hidden_;
        }
        step.record = draws_; // not recorded_, which backward has cleared by now
        if (p > 0 && B >= least_fetched)
            step.earlier = reverse_ ? 1 : -1;
        step.noise.zoneout = zoneout_;
        for (int s = 0; zoneout_ && s < C::states; ++s) {
            step.noise.rate[s] = zoneout_rate_[s];
            if (draws_) {
                step.noise.keep[s] = keep_[s].data() + t * B * hidden_;
                step.noise.said[s] = said_[s].data() + t * (s == 0 ? B * hidden_ : state_size());
            }
        }
        return step;
    }

    /// Draws the masks of a pass that is recorded; one that isn't has no dropout and the mean of zoneout. A tape's first pass
    /// draws from `seed`, the following ones go on from there.
    void start_noise(double recurrent_dropout, const std::array<double, C::states>& zoneout, std::uint64_t seed) {
        const Index T = x_.steps(), B = x_.batch();
        draws_ = recorded_;
        drops_ = recorded_ && recurrent_dropout > 0;
        zoneout_ = *std::max_element(zoneout.begin(), zoneout.end()) > 0;
        if (draws_ && (drops_ || zoneout_) && !random_)
            random_.emplace(seed);
        if (drops_) {
            h_mask_.resize(hidden_, B);
            const Scalar kept = Scalar(1 / (1 - recurrent_dropout));
            for (Index k = 0; k < h_mask_.size(); ++k)
                h_mask_.data()[k] = random_->uniform() < recurrent_dropout ? Scalar(0) : kept;
            masked_h_.resize(hidden_, (T + 1) * B);
            const Index first = (reverse_ ? T : 0) * B;
            masked_h_.middleCols(first, B) = h_mask_.cwiseProduct(h_.middleCols(first, B));
        }
        for (int s = 0; zoneout_ && s < C::states; ++s) {
            zoneout_rate_[s] = Scalar(zoneout[static_cast<std::size_t>(s)]);
            if (!draws_)
                continue;
            said_[s].resize(s == 0 ? B * hidden_ : state_size(), T);
            keep_[s].resize(hidden_, T * B);
            for (Index k = 0; k < keep_[s].size(); ++k)
                keep_[s].data()[k] = random_->uniform() < zoneout[static_cast<std::size_t>(s)] ? Scalar(1) : Scalar(0);
        }
    }

    /// f(shard, first, last) for all columns. Sequences don't see each other: every thread walks through time with its share of
    /// the batch, and a large share in blocks of columns whose gates of one step stay in L2.
    template <class F>
    void over_column_blocks(F&& f) const {
        constexpr Index cache = 384 * 1024, multiple = 24; // of every tile's width
        const Index fit = cache / (C::blocks * hidden_ * static_cast<Index>(sizeof(Scalar))) / multiple * multiple;
        const Index block = std::max(fit, multiple), batch = x_.batch();
        const auto shards = static_cast<Index>(shards_.size());
        kernel::thread_pool()->run(static_cast<int>(shards), [&](int shard) {
            const Index end = batch * (shard + 1) / shards;
            for (Index first = batch * shard / shards; first < end; first += block)
                f(shard, first, std::min(first + block, end));
        });
    }

    /// How many steps backward takes before it multiplies for the gradients of the weights: as many as have their gates in L2
    /// then, or, where those are too few for deep products, in L3.
    Index steps_in_cache() const {
        constexpr Index l2 = 512 * 1024, l3 = 8 * 1024 * 1024, shallow = 256, deep = 512;
        const Index bytes = std::max<Index>(gates_size() * static_cast<Index>(sizeof(Scalar)), 1),
                    B = std::max<Index>(x_.batch(), 1);
        return l2 / bytes * B >= shallow ? l2 / bytes : std::max({l3 / bytes, deep / B, Index(1)});
    }

    /// What U multiplied at every step, h before it or its masked copy, in the columns' order: H × (T·B).
    const Scalar* h_before() const { return (drops_ ? masked_h_ : h_).data() + (reverse_ ? x_.batch() * hidden_ : 0); }

    /// h after every step; zero past a sequence's end.
    SequenceView<Scalar> finish() {
        const Index T = x_.steps(), B = x_.batch(), first = reverse_ ? 0 : B;
        const Scalar* data = h_.data() + first * hidden_;
        if (x_.ragged()) {
            y_.resize(hidden_, T, B, lengths_);
            for (Index t = 0; t < T; ++t)
                for (Index b = 0; b < B; ++b)
                    if (x_.real(t, b))
                        y_.values().col(t * B + b) = h_.col(first + t * B + b);
                    else
                        y_.values().col(t * B + b).setZero();
            data = y_.values().data();
        }
        return y_view_ = {data, hidden_, T, B, lengths_};
    }

    void final_state(Matrix<Scalar>& out) const {
        const Index B = x_.batch(), last = reverse_ ? 0 : x_.steps();
        out.resize(C::states * hidden_, B);
        out.topRows(hidden_) = h_.middleCols(last * B, B);
        for (int s = 1; s < C::states; ++s)
            kernel::from_panels(state(s, last), state_layout(), 0, out.data() + s * hidden_, out.rows());
    }

    SequenceView<Scalar> x_, y_view_;
    Index hidden_ = 0;
    bool reverse_ = false, recorded_ = false;
    std::vector<Index> lengths_;
    Vector<Scalar> gates_;             // gates_size() numbers a step …
    Index gate_slots_ = 0;             // … for so many
    Matrix<Scalar> h_;                 // H × (T + 1)·B
    Matrix<Scalar> states_[C::states]; // those after h, a column a slot
    Sequence<Scalar> y_;               // of ragged batches; of others the output is a view of h
    Vector<Scalar> carry_[C::states];  // the gradient of each state on its way into the past
    Matrix<Scalar> dx_;                // I × (T·B)
    Matrix<Scalar> sums_;              // a column for each shard but the first: its share of b's and P's gradients
    // Noise: masks, h under its mask in T + 1 slots, what the cell said of every state. Empty where there is none.
    std::optional<Random> random_;
    Matrix<Scalar> h_mask_, masked_h_, keep_[C::states], said_[C::states];
    Scalar zoneout_rate_[C::states] = {};
    bool drops_ = false, zoneout_ = false, draws_ = false; // in this pass; draws_: from random_, else the means
    kernel::Scratch<Scalar> operand_;                      // a TwoProductCell's, H × (some steps · B)
    kernel::Scratch<Scalar> W_, U_, second_;               // packed weights; some are backward's as forward packed them
    std::vector<kernel::Scratch<Scalar>> shards_;          // one for each thread of the pass
};

} // namespace carousel
