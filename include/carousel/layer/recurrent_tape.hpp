// RecurrentTape: what one pass of a recurrent layer remembers, where its steps find their numbers, and how its batch is
// dealt out to threads and caches.
#pragma once

#include "carousel/kernel/step.hpp"
#include "carousel/layer/layer.hpp"

namespace carousel {

/// A view of x, the blocks of every step (after backward: their gradients) and T + 1 slots of every state:
/// (blocks + states) · H numbers a column, and scratch that doesn't grow with T. An inference keeps one step's blocks, and two
/// slots of every state but h, which is the output.
template <Cell C>
class RecurrentTape {
  public:
    using Scalar = typename C::Scalar;

    /// The last pass' output.
    SequenceView<Scalar> output() const { return y_view_; }

  private:
    template <Cell, Index, Index>
    friend class Recurrent;

    static constexpr Index least_shard = 8; // sequences that are worth a thread

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
        gates_.resize(C::blocks * hidden, (record || all_gates ? std::max<Index>(T, 1) : 1) * B);
        for (int s = 0; s < C::states; ++s) {
            states_[s].resize(hidden, (record || s == 0 ? T + 1 : 2) * B);
            auto start = states_[s].middleCols(slot(s, reverse ? T : 0) * B, B);
            if (initial.size() > 0)
                start = initial.middleRows(s * hidden, hidden);
            else
                start.setZero();
        }
    }

    /// Where slot `number`, 0 … T, of a state stands; without a record, all but h take turns in two.
    Index slot(int state, Index number) const {
        return state == 0 || states_[state].cols() == states_[0].cols() ? number : number % 2;
    }

    /// The p-th step in processing order, of columns first … last − 1.
    kernel::Step<C> step(const C& cell, const Scalar* b, const Scalar* P, Index p, Index first, Index last) {
        const Index B = x_.batch(), t = reverse_ ? x_.steps() - 1 - p : p;
        Scalar* const gates = gates_.data() + (gates_.cols() > B ? t * B : 0) * C::blocks * hidden_;
        kernel::Step<C> step{&cell, hidden_, first, last, b, P, lengths_, t, gates, {}, {}};
        for (int s = 0; s < C::states; ++s) {
            step.prev[s] = states_[s].data() + slot(s, reverse_ ? t + 1 : t) * B * hidden_;
            step.next[s] = states_[s].data() + slot(s, reverse_ ? t : t + 1) * B * hidden_;
        }
        if (drops_) {
            step.noise.h_mask = h_mask_.data();
            step.noise.masked_prev = masked_h_.data() + (reverse_ ? t + 1 : t) * B * hidden_;
            step.noise.masked_next = masked_h_.data() + (reverse_ ? t : t + 1) * B * hidden_;
        }
        step.record = draws_;
        step.noise.zoneout = zoneout_;
        for (int s = 0; zoneout_ && s < C::states; ++s) {
            step.noise.rate[s] = zoneout_rate_[s];
            if (draws_) {
                step.noise.keep[s] = keep_[s].data() + t * B * hidden_;
                step.noise.said[s] = said_[s].data() + t * B * hidden_;
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
            masked_h_.middleCols(first, B) = h_mask_.cwiseProduct(states_[0].middleCols(first, B));
        }
        for (int s = 0; zoneout_ && s < C::states; ++s) {
            zoneout_rate_[s] = Scalar(zoneout[static_cast<std::size_t>(s)]);
            if (!draws_)
                continue;
            said_[s].resize(hidden_, T * B);
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

    /// How many steps backward takes before it multiplies for the gradients of the weights: so many that their gates are
    /// still in L2, if the products are deep enough then; else all.
    Index steps_in_cache() const {
        constexpr Index cache = 512 * 1024, depth = 256;
        const Index T = std::max<Index>(x_.steps(), 1), B = x_.batch();
        const Index steps = cache / (C::blocks * hidden_ * B * static_cast<Index>(sizeof(Scalar)));
        return steps * B < depth ? T : std::min(steps, T);
    }

    /// What U multiplied at every step, h before it or its masked copy, in the columns' order: H × (T·B).
    const Scalar* h_before() const {
        return (drops_ ? masked_h_ : states_[0]).data() + (reverse_ ? x_.batch() * hidden_ : 0);
    }

    /// h after every step; zero past a sequence's end.
    SequenceView<Scalar> finish() {
        const Index T = x_.steps(), B = x_.batch(), first = reverse_ ? 0 : B;
        const Scalar* data = states_[0].data() + first * hidden_;
        if (x_.ragged()) {
            y_.resize(hidden_, T, B, lengths_);
            for (Index t = 0; t < T; ++t)
                for (Index b = 0; b < B; ++b)
                    if (x_.real(t, b))
                        y_.values().col(t * B + b) = states_[0].col(first + t * B + b);
                    else
                        y_.values().col(t * B + b).setZero();
            data = y_.values().data();
        }
        return y_view_ = {data, hidden_, T, B, lengths_};
    }

    void final_state(Matrix<Scalar>& out) const {
        const Index B = x_.batch(), last = reverse_ ? 0 : x_.steps();
        out.resize(C::states * hidden_, B);
        for (int s = 0; s < C::states; ++s)
            out.middleRows(s * hidden_, hidden_) = states_[s].middleCols(slot(s, last) * B, B);
    }

    SequenceView<Scalar> x_, y_view_;
    Index hidden_ = 0;
    bool reverse_ = false, recorded_ = false;
    std::vector<Index> lengths_;
    Matrix<Scalar> gates_;             // blocks·H × (T·B)
    Matrix<Scalar> states_[C::states]; // H × (T + 1)·B
    Sequence<Scalar> y_;               // of ragged batches; of others the output is a view of h
    Matrix<Scalar> carry_[C::states];  // H × B: the gradient of each state on its way into the past
    Matrix<Scalar> dx_;
    Matrix<Scalar> sums_; // a column for each shard but the first: its share of b's and P's gradients
    // Noise: masks, h under its mask in T + 1 slots, what the cell said of every state. Empty where there is none.
    std::optional<Random> random_;
    Matrix<Scalar> h_mask_, masked_h_, keep_[C::states], said_[C::states];
    Scalar zoneout_rate_[C::states] = {};
    bool drops_ = false, zoneout_ = false, draws_ = false; // in this pass; draws_: from random_, else the means
    kernel::Scratch<Scalar> W_, U_, second_;               // packed weights
    std::vector<kernel::Scratch<Scalar>> shards_;          // one for each thread of the pass
};

} // namespace carousel
