// RankFacts: what must be the same on all ranks before the first step: options, shapes of the data, the model, the
// rule, the training so far.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/mpi/meeting.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/train/data_checks.hpp"
#include "carousel/train/fit_options.hpp"
#include "carousel/train/team.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A list of facts, which is compared with those of the other ranks.
class RankFacts {
  public:
    /// A fact whose value is told where it differs.
    template <class T>
    void say(const std::string& what, const T& value) {
        facts_.push_back({what, text(value), ""});
    }
    /// Many numbers, of which the message says only that they differ, and what to do.
    void say(const std::string& what, const Fingerprint& numbers, const std::string& advice) {
        facts_.push_back({what, message_of(numbers.value()), advice});
    }

    /// Throws RankFailure, on all ranks, naming the first fact that differs from rank 0's.
    void compare(RankMeeting& meeting) const {
        RankMessage own;
        for (const Fact& fact : facts_)
            for (const std::string* const text : {&fact.what, &fact.value, &fact.advice})
                own.put(*text).put('\0');
        const std::vector<Bytes> all = meeting.meet(own);
        const std::vector<Fact> first = read(all.front());
        for (std::size_t r = 1; r < all.size(); ++r)
            if (all[r] != all.front())
                refuse(meeting, static_cast<Index>(r), read(all[r]), first);
    }

  private:
    struct Fact {
        std::string what, value, advice;
        bool operator==(const Fact&) const = default;
    };

    template <class T>
    static std::string text(const T& value) {
        if constexpr (std::is_same_v<T, bool>)
            return value ? "yes" : "no";
        else
            return message_of(value);
    }

    static std::vector<Fact> read(const Bytes& bytes) {
        const std::string text = RankReader(bytes).text();
        std::vector<Fact> facts;
        auto field = [&, place = std::size_t(0)]() mutable {
            const std::size_t end = std::min(text.find('\0', place), text.size());
            const std::string found = text.substr(place, end - place);
            place = end + 1;
            return found;
        };
        for (auto left = std::count(text.begin(), text.end(), '\0') / 3; left > 0; --left) {
            Fact fact;
            for (std::string* const part : {&fact.what, &fact.value, &fact.advice})
                *part = field();
            facts.push_back(std::move(fact));
        }
        return facts;
    }

    [[noreturn]] static void refuse(RankMeeting& meeting, Index rank, std::vector<Fact> own, std::vector<Fact> first) {
        const std::size_t count = std::max(own.size(), first.size());
        own.resize(count);
        first.resize(count);
        const auto [at, other] = std::mismatch(own.begin(), own.end(), first.begin());
        const auto shown = [](const Fact& fact) {
            return fact.what.empty() ? std::string("nothing more") : fact.what + " " + fact.value;
        };
        if (at->what != other->what)
            meeting.refuse(message_of("fit: rank ", rank, " has ", shown(*at), " where rank 0 has ", shown(*other),
                                      ", expected the same on all ranks"));
        if (!at->advice.empty())
            meeting.refuse(message_of("fit: rank ", rank, " has other ", at->what, " than rank 0: ", at->advice));
        meeting.refuse(message_of("fit: ", at->what, " is ", at->value, " on rank ", rank, " and ", other->value,
                                  " on rank 0, expected the same on all ranks"));
    }

    std::vector<Fact> facts_;
};

inline void say_options(RankFacts& facts, const FitOptions& o) {
    facts.say("epochs", o.epochs);
    facts.say("batch_size", o.batch_size);
    facts.say("accumulate", o.accumulate);
    facts.say("planned_epochs", o.planned_epochs);
    facts.say("validation_split", o.validation_split);
    facts.say("shuffle", o.shuffle);
    facts.say("seed", o.seed);
    facts.say("bucket", o.bucket);
    for (const Metric& metric : o.metrics)
        facts.say("the metric", metric.name());
    for (const ParameterGroup& group : o.groups) {
        facts.say("the group", group.names);
        facts.say("its rate_factor", group.rate_factor.value_or(1));
        facts.say("its weight_decay", group.weight_decay.value_or(-1));
    }
    facts.say("clip_value", o.clip_value);
    facts.say("clip_parameter_norm", o.clip_parameter_norm);
    facts.say("clip_norm", o.clip_norm);
    facts.say("truncate", o.truncate);
    facts.say("stateful", o.stateful);
    facts.say("whether there is a schedule", static_cast<bool>(o.schedule));
    facts.say("schedule_steps", o.schedule_steps);
    facts.say("whether there is a moving average", o.moving_average.has_value());
    if (o.moving_average) {
        facts.say("its decay", o.moving_average->decay);
        facts.say("its assign_at_end", o.moving_average->assign_at_end);
    }
    facts.say("whether there is early stopping", o.early_stopping.has_value());
    if (o.early_stopping) {
        facts.say("its patience", o.early_stopping->patience);
        facts.say("its min_delta", o.early_stopping->min_delta);
        facts.say("its restore_best", o.early_stopping->restore_best);
        facts.say("its metric", o.early_stopping->metric);
        facts.say("its maximize", o.early_stopping->maximize);
    }
}

/// What all ranks' data must have in common, whole data also their samples.
template <class S>
void say_data(RankFacts& facts, const std::string& which, const SampleSource<S>& data, bool whole) {
    const SampleShape shape = data.shape();
    facts.say("the number of features of x" + which, shape.x_features);
    facts.say("the number of features of y" + which, shape.y_features);
    if (!whole)
        return;
    facts.say("the number of samples" + which, data.size());
    facts.say("the number of steps of x" + which, shape.x_steps);
    facts.say("the number of steps of y" + which, shape.y_steps);
    Fingerprint numbers;
    numbers.add(data.x_lengths());
    numbers.add(data.y_lengths());
    if (const Dataset<S>* const set = data.whole_dataset())
        for (const Sequence<S>* const sequence : {&set->x, &set->y}) {
            const SequenceView<S> view = sequence->view();
            for (Index t = 0; t < view.steps(); ++t)
                for (Index b = 0; b < view.batch(); ++b)
                    if (view.real(t, b)) // padding may hold anything
                        numbers.add(std::span<const S>(view.data() + (t * view.batch() + b) * view.features(),
                                                       static_cast<std::size_t>(view.features())));
        }
    facts.say("samples" + which, numbers, "give all ranks the same, or say RankData::part if each has its own");
}

template <class S>
void say_model(RankFacts& facts, const FitCall<S>& call) {
    facts.say("the size of a number in bytes", sizeof(S));
    for (const auto& [name, parameter] : call.parameters) {
        const auto& value = parameter->value;
        facts.say("the size of " + name, message_of(value.rows(), " × ", value.cols()));
        facts.say("whether " + name + " is trained", parameter->is_trained());
        Fingerprint numbers;
        numbers.add(value);
        facts.say("values of " + name, numbers, "give all ranks the same seed, or let all load the same file");
    }
}

/// What a rule and its settings for some of the parameters do in two steps, whose learning rate is 1: to large and to
/// tiny gradients, of which epsilon shows, and then to smaller ones of the other sign, of which momentum does.
template <OptimizerRule Rule, class S>
Fingerprint fingerprint(const Optimizer<Rule, S>& optimizer) {
    constexpr Index size = 7;
    Fingerprint numbers;
    for (const ParameterSetting& setting : optimizer.settings().distinct) {
        Rule rule = optimizer.rule();
        rule.learning_rate = 1;
        rule = with_setting(rule, setting);
        Matrix<S> w = Matrix<S>::Ones(size, 1), g(size, 1), moments = Matrix<S>::Zero(size, rule.moments());
        for (Index k = 0; k < size; ++k)
            g(k) = static_cast<S>(std::pow(10., -2 * k));
        for (Index t = 1; t <= 2; ++t, g *= S(-0.5))
            rule.at(t).update(ParameterValues<S>(w.data(), size), ParameterGradient<S>(g.data(), size),
                              ParameterMoments<S>(moments.data(), size, moments.cols(), Eigen::OuterStride<>(size)));
        numbers.add(w);
        numbers.add(moments);
    }
    numbers.add(std::span<const std::size_t>(optimizer.settings().of));
    return numbers;
}

/// The optimizer and what goes on from call to call.
template <class S>
void say_training(RankFacts& facts, const FitCall<S>& call) {
    const TrainingState<S>& state = call.state;
    facts.say("whether the loss is a sum", call.learner.evaluated().is_sum());
    facts.say("the learning rate", call.optimizer.learning_rate());
    facts.say("the number of optimized parameters", call.optimizer.parameters().size());
    facts.say("the number of the optimizer's steps", call.optimizer.steps());
    facts.say("the number of trained epochs", state.epochs);
    facts.say("the number of batches trained since", state.begun ? state.begun->batches : 0);
    Fingerprint numbers;
    for (const auto& moments : call.optimizer.state().moments)
        numbers.add(moments);
    for (const auto* const values : {&state.best, &state.last, &state.average})
        numbers.add(*values);
    if (state.begun) {
        numbers.add(state.begun->carried);
        numbers.add(state.begun->accumulated.gradients);
    }
    if (state.order)
        numbers.add(state.order->words());
    for (const Random& random : state.masks)
        numbers.add(random.words());
    numbers.add(std::span<const double>(state.monitored));
    numbers.add(state.best_loss);
    facts.say("numbers of the training so far", numbers,
              "give all ranks the same seeds, and let all go on from the same file");
}

/// The loss of the first sample, which tells other losses and other layers from equal ones.
template <class S>
void say_loss(RankFacts& facts, const FitCall<S>& call) {
    Evaluated<S>& model = call.learner.evaluated();
    const Index first = 0;
    Sequence<S> x, y;
    batch(model, call.data, std::span<const Index>(&first, 1), x, y);
    const SequenceView<S> output = model.infer(x, false);
    if (model.weight(output, y.view()) > 0)
        facts.say("the loss of sample 0", model.loss(output, y.view(), nullptr));
}

} // namespace carousel::detail
