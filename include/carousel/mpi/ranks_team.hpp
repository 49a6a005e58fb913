// RanksTeam: the Team of a call of fit that ranks make together.
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/mpi/facts.hpp"
#include "carousel/mpi/gradient_sum.hpp"
#include "carousel/mpi/meeting.hpp"
#include "carousel/train/accumulation.hpp"
#include "carousel/train/evaluate_loop.hpp"
#include "carousel/train/learner.hpp"
#include "carousel/train/order.hpp"
#include "carousel/train/team.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A batch's mean over targets that weigh w₀, w₁ … on the ranks is Σ wᵣ·meanᵣ / Σ wᵣ, and so is its gradient: that of
/// each rank's loss is multiplied by wᵣ / Σ wᵣ before the backward pass, and the sum over all ranks is the batch's. (Σ
/// wᵣ is left out where gradients of several batches are added up; the sum of all is divided by it at the end.) A loss
/// that is a sum has the weight 1 on each rank and, as meet() takes the largest, over all.
template <class S>
class RanksTeam final : public Team<S> {
  public:
    /// rule() is the fingerprint of the optimizer's.
    RanksTeam(const Ranks& ranks, FunctionRef<Fingerprint()> rule)
        : ranks_(ranks), meeting_(ranks), rank_(ranks.rank()), size_(ranks.size()),
          whole_(ranks.data() == RankData::whole), rule_(rule) {}

    void run(FunctionRef<void()> f) override { meeting_.run(f); }

    void compare(const TeamCall<S>& call) override {
        require(whole_ || !call.options.stateful, "fit",
                "stateful needs the whole data on each rank, expected RankData::whole");
        require(whole_ || call.options.batch_size >= size_, "fit", "batch_size is ", call.options.batch_size,
                ", expected at least one sample from the part of each of ", size_, " ranks");
        RankFacts facts;
        facts.say("whether each rank has a part of the data", !whole_);
        say_options(facts, call.options);
        say_data(facts, "", call.data, whole_);
        facts.say("whether there is validation", call.validation != nullptr);
        if (call.validation)
            say_data(facts, " of validation", *call.validation, whole_);
        say_model(facts, call);
        facts.say("settings of the rule", rule_(), "give all ranks the same rule and groups");
        say_training(facts, call);
        if (whole_)
            say_loss(facts, call);
        facts.compare(meeting_);
        callbacks_ = first_of(!call.options.callbacks.empty());
    }

    /// Of parts: as many batches as the part has that makes most of its share.
    BatchPlan plan(const BatchPlan& own) override {
        if (whole_)
            return own;
        BatchPlan all = own;
        all.samples = 0;
        for (const Bytes& bytes : meeting_.meet(RankMessage().put(own.samples)))
            all.samples += RankReader(bytes).template get<Index>();
        all.samples = std::max(all.samples, (batches(own.samples, own.batch_size) - 1) * own.batch_size + 1);
        return all;
    }
    Index batch_size(Index all) const override { return whole_ ? all : share_of(all).second; }
    Random& order(Random& all) override { return whole_ ? all : own_order_ = own(all); }
    std::span<const Index> share(const Order& order, Index k, Index batch_size) const override {
        if (whole_)
            return share(order.batch(k, batch_size));
        return k < static_cast<Index>(order.firsts.size()) ? order.batch(k, this->batch_size(batch_size))
                                                           : std::span<const Index>();
    }

    std::vector<Random> masks(Learner<S>& learner, const std::vector<Random>& all) override {
        std::vector<Random> next = all;
        auto random = next.begin();
        learner.each_random([&](Random& mask) { mask = own(*random++); });
        return next;
    }
    Index most(Index number) override {
        Index most = number;
        for (const Bytes& bytes : meeting_.meet(RankMessage().put(number)))
            most = std::max(most, RankReader(bytes).template get<Index>());
        return most;
    }

    double gradients(const TeamBatch<S>& b) override {
        Evaluated<S>& model = b.learner.evaluated();
        GradientSum<S> sum(meeting_, b.parameters, room_); // before the ranks meet: its memory may not be there
        std::vector<MetricSum> sums;                       // none without a share
        double weight = 0;
        if (b.x.real_columns() > 0) {
            const SequenceView<S> output = b.learner.forward(b.x, b.carried);
            weight = measure(model, output, b.y, &b.dy, b.totals, sums);
        }
        const double all = meet(sums, model.is_sum(), b.totals, sum.size());
        if (all == 0)
            return 0;
        const auto error = caught([&] {
            if (!b.added_up || rank_ > 0) // what is added up so far is rank 0's
                zero_gradients(b.parameters);
            if (weight == 0)
                return;
            Accumulation<S>::weigh(b.dy.values(), b.added_up ? weight : weight / all);
            b.learner.backward(b.dy, &sum);
        });
        sum.sum(error);
        return all;
    }

    void join(std::vector<Matrix<S>>& matrices, Index samples) override {
        const Index own = share_of(samples).second;
        RankMessage message;
        for (const Matrix<S>& matrix : matrices) {
            require(matrix.size() == 0 || matrix.cols() == own, "fit", "a state of the model has ", matrix.cols(),
                    " columns, expected one for each of ", own, " samples: it can't be carried on several ranks");
            message.put(matrix.rows()).put(matrix.size());
            message.put(std::span<const S>(matrix.data(), static_cast<std::size_t>(matrix.size())));
        }
        std::vector<RankReader> readers;
        const std::vector<Bytes> all = meeting_.meet(message);
        for (const Bytes& bytes : all)
            readers.emplace_back(bytes);
        for (Matrix<S>& matrix : matrices) {
            Matrix<S> whole;
            for (Index r = 0; r < size_; ++r) {
                RankReader& reader = readers[static_cast<std::size_t>(r)];
                const auto rows = reader.template get<Index>(), count = reader.template get<Index>();
                if (count == 0)
                    continue;
                if (whole.size() == 0)
                    whole = Matrix<S>::Zero(rows, samples);
                const auto [first, own_count] = share_of(samples, r);
                require(rows == whole.rows() && count == rows * own_count, "fit", "a state of the model has ", rows,
                        " rows on rank ", r, " and ", whole.rows(),
                        " on others, expected as many on all: it can't be carried on several ranks");
                reader.get(std::span<S>(whole.data() + rows * first, static_cast<std::size_t>(count)));
            }
            matrix = std::move(whole);
        }
    }
    Matrix<S> part(const Matrix<S>& all) const override {
        const auto [first, count] = share_of(all.cols());
        return all.middleCols(first, count);
    }

    Evaluation evaluate(Evaluated<S>& model, const SampleSource<S>& data, const std::vector<Metric>& metrics,
                        Index batch_size, bool carried) override {
        Sequence<S> x, y;
        std::vector<Index> samples;
        Totals totals(metrics);
        const Index here = this->batch_size(batch_size), count = batches(data.size(), batch_size);
        for (Index k = 0; k < count; ++k) {
            const Index first = std::min(k * here, data.size());
            samples.resize(static_cast<std::size_t>(std::min(here, data.size() - first)));
            std::iota(samples.begin(), samples.end(), first);
            const auto own = whole_ ? share(samples) : std::span<const Index>(samples);
            std::vector<MetricSum> sums;
            if (!own.empty()) {
                batch(model, data, own, x, y);
                const SequenceView<S> output = model.infer(x, carried);
                measure(model, output, y.view(), nullptr, totals, sums);
            }
            meet(sums, model.is_sum(), totals, 0);
        }
        require_target(!totals.empty());
        Evaluation result{totals.loss(), {}};
        totals.metrics(result.metrics);
        return result;
    }

    bool calls_back() const override { return rank_ == 0; }
    bool decided(bool stop) override { return callbacks_ ? first_of(stop) : stop; }

    void agree(const std::vector<NamedParameter<S>>& parameters, History& history) override {
        Fingerprint numbers;
        for (const auto& named : parameters)
            numbers.add(named.parameter->value);
        const double seconds = history.epochs.empty() ? 0 : history.epochs.back().seconds;
        const std::vector<Bytes> all = meeting_.meet(RankMessage().put(numbers.value()).put(seconds));
        RankReader first(all.front());
        const auto expected = first.template get<std::uint64_t>();
        for (std::size_t r = 1; r < all.size(); ++r)
            if (RankReader(all[r]).template get<std::uint64_t>() != expected)
                meeting_.refuse(
                    message_of("fit: after epoch ", history.epochs.size(), " rank ", r,
                               " has other parameters than rank 0, expected machines of one kind, the same "
                               "program, rule and schedule on all, and callbacks, which rank 0 alone calls, "
                               "that leave model and optimizer as they are"));
        if (!history.epochs.empty())
            history.epochs.back().seconds = first.template get<double>();
    }

  private:
    /// The first and the number of a rank's items, of so many.
    std::pair<Index, Index> share_of(Index count, Index rank) const {
        const Index first = count * rank / size_;
        return {first, count * (rank + 1) / size_ - first};
    }
    std::pair<Index, Index> share_of(Index count) const { return share_of(count, rank_); }
    std::span<const Index> share(std::span<const Index> batch) const {
        const auto [first, count] = share_of(static_cast<Index>(batch.size()));
        return batch.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    }
    /// A generator of this rank, where `all` is the same on all ranks, also afterwards.
    Random own(Random& all) const { return Random(all() + static_cast<std::uint64_t>(rank_) * 0x9e3779b97f4a7c15U); }

    /// In how many batches all ranks go through this data.
    Index batches(Index samples, Index batch_size) {
        const Index count = BatchPlan{.samples = samples, .batch_size = this->batch_size(batch_size)}.batches();
        return whole_ ? count : most(count);
    }

    /// `sums` become what a share comes to, of which the first is the loss; returns what its targets weigh.
    static double measure(const Evaluated<S>& model, const SequenceView<S>& output, const SequenceView<S>& y,
                          Sequence<S>* dy, const Totals& totals, std::vector<MetricSum>& sums) {
        const double weight = model.weight(output, y);
        Totals own(totals.of());
        own.add(weight > 0 ? model.loss(output, y, dy) : 0, weight, output, y);
        sums = own.sums();
        return weight;
    }

    /// Adds what the shares of all come to, if one has a target; returns what these weigh. `trained`: how many numbers
    /// are trained.
    double meet(const std::vector<MetricSum>& sums, bool is_sum, Totals& totals, std::size_t trained) {
        RankMessage own;
        own.put(trained);
        for (const MetricSum& sum : sums)
            own.put(sum.sum).put(sum.weight).put(sum.parts.size()).put(std::span<const double>(sum.parts));
        Totals batch(totals.of());
        double most = 0;
        const std::vector<Bytes> messages = meeting_.meet(own);
        const auto expected = RankReader(messages.front()).template get<std::size_t>();
        for (std::size_t r = 0; r < messages.size(); ++r) {
            RankReader reader(messages[r]);
            if (const auto other = reader.template get<std::size_t>(); other != expected)
                meeting_.refuse(message_of("fit: ", other, " numbers are trained on rank ", r, " and ", expected,
                                           " on rank 0, expected the same on all ranks: callbacks are called on rank 0 "
                                           "alone, so freeze parameters between calls of fit"));
            if (reader.left() == 0)
                continue;
            std::vector<MetricSum> given(batch.sums().size());
            for (MetricSum& sum : given) {
                sum.sum = reader.template get<double>();
                sum.weight = reader.template get<double>();
                sum.parts.resize(reader.template get<std::size_t>());
                reader.get(std::span(sum.parts));
            }
            most = std::max(most, given.front().weight);
            batch.add(given);
        }
        std::vector<MetricSum> all = batch.sums();
        if (is_sum)
            all.front().weight = most;
        const double weight = all.front().weight;
        if (weight > 0)
            totals.add(all);
        return weight;
    }

    /// What rank 0 says.
    bool first_of(bool value) {
        return RankReader(meeting_.meet(RankMessage().put(value)).front()).template get<bool>();
    }

    const Ranks& ranks_;
    RankMeeting meeting_;
    const Index rank_, size_;
    const bool whole_;
    const FunctionRef<Fingerprint()> rule_;
    bool callbacks_ = false; ///< whether rank 0 has some
    Random own_order_;
    GradientRoom<S> room_;
};

} // namespace carousel::detail
