// RanksTeam: the Team of a call of fit that ranks make together.
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/mpi/facts.hpp"
#include "carousel/mpi/gradient_sum.hpp"
#include "carousel/mpi/meeting.hpp"
#include "carousel/train/learner.hpp"
#include "carousel/train/team.hpp"
#include "carousel/train/totals.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Losses, metrics and gradients of a batch are those of all shares together. A loss that is a sum has the weight 1 on each rank and,
/// as meet() takes the largest, over all.
template <class S>
class RanksTeam final : public Team<S> {
  public:
    /// `trained`: the optimizer's parameters; rule() is the fingerprint of its rule.
    RanksTeam(const Ranks& ranks, const std::vector<NamedParameter<S>>& trained, FunctionRef<Fingerprint()> rule)
        : meeting_(ranks), rank_(ranks.rank()), size_(ranks.size()), whole_(ranks.data() == RankData::whole),
          rule_(rule), sum_(meeting_, trained) {}

    RanksTeam(const Ranks&, std::vector<NamedParameter<S>>&&, FunctionRef<Fingerprint()>) = delete; // they are kept

    void run(FunctionRef<void()> f) override { meeting_.run(f); }

    void compare(const FitCall<S>& call) override {
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
        Index most = 0;
        const Index here = BatchPlan{.samples = own.samples, .batch_size = batch_size(own.batch_size)}.batches();
        for (const Bytes& bytes : meeting_.meet(RankMessage().put(own.samples).put(here))) {
            RankReader reader(bytes);
            all.samples += reader.template get<Index>();
            most = std::max(most, reader.template get<Index>());
        }
        all.samples = std::max(all.samples, (most - 1) * own.batch_size + 1);
        return all;
    }
    Index batch_size(Index all) const override { return whole_ ? all : share_of(all).second; }
    Random& order(Random& all) override { return whole_ ? all : own_order_ = own(all); }
    std::span<const Index> share(std::span<const Index> batch) const override {
        if (!whole_)
            return batch;
        const auto [first, count] = share_of(static_cast<Index>(batch.size()));
        return batch.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    }

    void begin_masks(Learner<S>& learner, const std::vector<Random>& all) override {
        auto random = all.begin();
        learner.each_random([&](Random& mask) {
            Random next = *random++;
            mask = own(next);
        });
    }
    void end_masks(Learner<S>&, std::vector<Random>& all) override {
        for (Random& random : all)
            static_cast<void>(own(random));
    }
    Index most(Index number) override {
        Index most = number;
        for (const Bytes& bytes : meeting_.meet(RankMessage().put(number)))
            most = std::max(most, RankReader(bytes).template get<Index>());
        return most;
    }

    BatchWeight measure(const Evaluated<S>& model, const std::optional<SequenceView<S>>& output,
                        const SequenceView<S>& target, Sequence<S>* dy, Totals& totals) override {
        if (dy) // before the ranks meet: there may not be the memory
            sum_.begin();
        std::vector<MetricSum> sums; // none without a share
        double weight = 0;
        if (output) {
            weight = weight_of(model, *output, target);
            Totals own(totals.of());
            own.add(weight > 0 ? model.loss(*output, target, dy) : 0, weight, *output, target);
            sums = own.sums();
        }
        return {weight, meet(sums, model.is_sum(), totals, dy ? sum_.size() : 0)};
    }
    void sum_gradients(FunctionRef<void(GradientWatch*)> backward) override {
        sum_.sum(caught([&] { backward(&sum_); }));
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

    bool is_first() const override { return rank_ == 0; }
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
    /// A generator of this rank, where `all` is the same on all ranks, also afterwards.
    Random own(Random& all) const { return Random(all() + static_cast<std::uint64_t>(rank_) * 0x9e3779b97f4a7c15U); }

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

    RankMeeting meeting_;
    const Index rank_, size_;
    const bool whole_;
    const FunctionRef<Fingerprint()> rule_;
    bool callbacks_ = false; ///< whether rank 0 has some
    Random own_order_;
    GradientSum<S> sum_;
};

} // namespace carousel::detail
