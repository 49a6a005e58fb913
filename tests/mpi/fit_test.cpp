#include "catch.hpp"
#include "limited_new.hpp"
#include "ranks_test.hpp"

#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/loss/weighted.hpp"
#include "carousel/optim/rmsprop.hpp"
#include "carousel/optim/sgd.hpp"
#include "carousel/train/moving_average.hpp"
#include "carousel/train/regression_metrics.hpp"

#include <chrono>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <thread>

using namespace carousel;
using namespace carousel::test;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// All parameters one after the other.
template <class Model>
std::vector<double> weights(const Model& model) {
    std::vector<double> all;
    for (const auto& named : parameters(model))
        all.insert(all.end(), named.parameter->value.data(),
                   named.parameter->value.data() + named.parameter->value.size());
    return all;
}

/// All numbers of a history but the seconds; -1 for NaN.
std::vector<double> numbers(const History& history) {
    std::vector<double> all{static_cast<double>(history.best_epoch), history.stopped ? 1.0 : 0.0};
    for (const EpochReport& r : history.epochs) {
        all.insert(all.end(), {r.loss, r.validation_loss, r.learning_rate, r.gradient_norm});
        all.insert(all.end(), r.metrics.begin(), r.metrics.end());
        all.insert(all.end(), r.validation_metrics.begin(), r.validation_metrics.end());
    }
    std::replace_if(
        all.begin(), all.end(), [](double x) { return std::isnan(x); }, -1.0);
    return all;
}
std::vector<double> seconds(const History& history) {
    std::vector<double> all;
    for (const EpochReport& r : history.epochs)
        all.push_back(r.seconds);
    return all;
}

/// Whether all ranks have these numbers, bit for bit.
bool same_on_all(const Ranks& ranks, const std::vector<double>& own) {
    const auto all = ranks.gather(std::as_bytes(std::span(own)));
    return std::all_of(all.begin(), all.end(), [&](const auto& other) { return other == all.front(); });
}

/// What a call of fit throws.
template <class F>
std::string message(F&& f) {
    try {
        f();
    } catch (const RankFailure& error) {
        return error.what();
    } catch (const std::exception& error) {
        return std::string("no RankFailure: ") + error.what();
    }
    return "nothing";
}

/// Trains a net here alone and with the ranks, and compares.
template <class Loss, class Data = Dataset<double>>
void check_equal(const Communicator& ranks, const Loss& loss, const FitOptions& options, const Data& samples,
                 double tolerance = 1e-6) {
    Net alone = net(), together = net();
    const History expected = fit(alone, samples, loss, Adam{.learning_rate = 0.01}, options);
    const History history = fit(together, samples, loss, Adam{.learning_rate = 0.01}, options, ranks);
    CHECK(difference(weights(together), weights(net())) > 0.02);
    CHECK(difference(weights(together), weights(alone)) <= tolerance);
    CHECK(difference(numbers(history), numbers(expected)) <= tolerance);
    CHECK(same_on_all(ranks, weights(together)));
    CHECK(same_on_all(ranks, numbers(history)));
    CHECK(same_on_all(ranks, seconds(history)));
}

} // namespace

TEST_CASE("mpi: ranks come to the weights and the history of one process") {
    const Communicator ranks(MPI_COMM_WORLD);
    auto samples = data();
    samples.y.values().row(0).segment(11, 3).setConstant(missing);
    std::vector<double> weight;
    for (Index k = 0; k < samples.size(); ++k)
        weight.push_back(k % 4 == 3 ? 0 : 0.3 * static_cast<double>(k));
    samples.y = with_weights(samples.y, weight);
    // 23 samples are 5 batches, the last of 3; 100 steps
    FitOptions options{.epochs = 20, .batch_size = 5, .seed = 3};
    options.metrics = {Weighted{MeanAbsoluteError{}}, Weighted{R2Score{}}};
    options.clip_norm = 0.05;
    options.schedule = CosineAnnealing{};
    options.schedule_steps = true;
    const Weighted loss{MeanSquaredError{.skip_nan = true}};
    check_equal(ranks, loss, options, samples);
    // a validation part, whose batches are shared, too, early stopping, averages, buckets
    options.validation_split = 0.3;
    options.early_stopping = EarlyStopping{.patience = 3};
    options.moving_average = MovingAverage{.decay = 0.5};
    options.bucket = 2;
    options.clip_value = 0.01;
    check_equal(ranks, loss, options, samples);
}

TEST_CASE("mpi: sums, accumulated gradients, truncated and stateful training are those of one process") {
    const Communicator ranks(MPI_COMM_WORLD);
    const auto samples = data();
    check_equal(ranks, MeanSquaredError{.reduction = Reduction::sum},
                {.epochs = 8, .batch_size = 4, .validation_split = 0.2, .clip_norm = 1}, samples);
    check_equal(ranks, MeanSquaredError{}, {.epochs = 12, .batch_size = 3, .accumulate = 3}, samples);
    check_equal(ranks, MeanSquaredError{}, {.epochs = 6, .batch_size = 5, .truncate = 2}, samples);
    check_equal(ranks, MeanSquaredError{}, {.epochs = 20, .batch_size = 1}, samples); // some have no share
    set_threads(2);
    check_equal(ranks, MeanSquaredError{}, {.epochs = 2, .batch_size = 40}, data(100, 30));
    set_threads(1);
    check_equal(ranks, MeanSquaredError{},
                {.epochs = 12, .batch_size = 7, .validation_split = 1.0 / 3, .shuffle = false, .stateful = true},
                data(21));
}

TEST_CASE("mpi: large nets send several messages") {
    const Communicator ranks(MPI_COMM_WORLD);
    // 1 million numbers of the answer's weights are two messages, or one that begins while the LSTM is on its way back.
    const auto large = [] {
        Net model{LSTM<double>{2, 5, {}, {.seed = 1}}, Dense<double>{5, 120'000, {.seed = 2}}};
        return model;
    };
    Dataset<double> samples{Sequence<double>(2, 3, 4), Sequence<double>(120'000, 3, 4)};
    for (Index k = 0; k < samples.x.values().size(); ++k)
        samples.x.data()[k] = std::cos(static_cast<double>(k));
    for (Index k = 0; k < samples.y.values().size(); ++k)
        samples.y.data()[k] = std::sin(static_cast<double>(k));
    Net alone = large(), together = large();
    const FitOptions options{.epochs = 3, .batch_size = 3};
    fit(alone, samples, MeanSquaredError{}, Adam{}, options);
    const Traffic before = ranks.traffic();
    fit(together, samples, MeanSquaredError{}, Adam{}, options, ranks);
    const Traffic after = ranks.traffic();
    CHECK(difference(weights(together), weights(alone)) < 1e-9);
    if (ranks.size() > 1)
        CHECK(after.megabytes - before.megabytes > 6 * 5.7);
}

TEST_CASE("mpi: the same number of ranks comes to the same bits, however slow each of them is") {
    const Communicator ranks(MPI_COMM_WORLD);
    const auto trained = [&](Index slow) {
        const Watched samples{data(), [&](Index call) {
                                  if (slow == ranks.rank() && call % 3 == 0)
                                      std::this_thread::sleep_for(std::chrono::milliseconds(2));
                              }};
        Net model = net();
        const History history =
            fit(model, samples, MeanSquaredError{}, Adam{}, {.epochs = 3, .batch_size = 6, .clip_norm = 0.1}, ranks);
        auto all = weights(model);
        const auto more = numbers(history);
        all.insert(all.end(), more.begin(), more.end());
        return all;
    };
    CHECK(trained(0) == trained(ranks.size() - 1));
}

TEST_CASE("mpi: parts that ranks read for themselves make batches together") {
    const Communicator whole(MPI_COMM_WORLD), parts(MPI_COMM_WORLD, {.data = RankData::part});
    const Index n = whole.size(), each = 8;
    const auto samples = data(n * each);
    // Local batches of 3: of the whole, samples r·each + k·3 … in batch k.
    std::vector<Index> order;
    for (Index first = 0; first < each; first += 3)
        for (Index r = 0; r < n; ++r)
            for (Index k = first; k < std::min(first + 3, each); ++k)
                order.push_back(r * each + k);
    const FitOptions options{.epochs = 5, .batch_size = 3 * n, .shuffle = false, .metrics = {MeanAbsoluteError{}}};
    const SampleSource<double> all(samples);
    const auto own = all.part(whole.rank() * each, each);
    Net alone = net(), together = net();
    const auto expected = fit(alone, all.subset(order), all, MeanSquaredError{}, Adam{}, options);
    const auto history = fit(together, own, own, MeanSquaredError{}, Adam{}, options, parts);
    CHECK(difference(weights(together), weights(alone)) < 1e-9);
    CHECK(difference(numbers(history), numbers(expected)) < 1e-9);
    // Unequal parts, shuffled: all of their samples are trained with.
    const auto unequal = all.part(0, each - whole.rank());
    FitOptions shuffled{.epochs = 2, .batch_size = n, .bucket = 2};
    Index batches = 0;
    shuffled.callbacks = {[&](Progress& p) { batches = p.batches; }};
    const auto other = fit(together, unequal, MeanSquaredError{}, Adam{}, shuffled, parts);
    CHECK(same_on_all(parts, weights(together)));
    CHECK(same_on_all(parts, numbers(other)));
    CHECK(batches == (whole.rank() == 0 ? each : 0));
}

TEST_CASE("mpi: embeddings send the columns that they have used") {
    const Communicator ranks(MPI_COMM_WORLD);
    const auto model = [] {
        Sequential made{Embedding<double>{1000, 3}, LSTM<double>{3, 4}, Dense<double>{4, 1}};
        Random random(5);
        made.initialize(random);
        return made;
    };
    Dataset<double> words{Sequence<double>(1, 5, 13), Sequence<double>(1, 5, 13)};
    for (Index k = 0; k < 65; ++k) {
        words.x.data()[k] = static_cast<double>((k * k) % 29);
        words.y.data()[k] = std::sin(static_cast<double>(k));
    }
    auto alone = model(), together = model();
    const FitOptions options{.epochs = 10, .batch_size = 4, .accumulate = 2, .clip_norm = 0.1};
    fit(alone, words, MeanSquaredError{}, Adam{.learning_rate = 0.01}, options);
    const Traffic before = ranks.traffic();
    fit(together, words, MeanSquaredError{}, Adam{.learning_rate = 0.01}, options, ranks);
    const Traffic after = ranks.traffic();
    CHECK(difference(weights(together), weights(alone)) < 1e-6);
    CHECK(same_on_all(ranks, weights(together)));
    // 1000 × 3 numbers in each of 40 batches would be 1 MB
    CHECK(after.megabytes - before.megabytes < 0.3);
    CHECK((after.messages > before.messages && after.seconds > before.seconds) == (ranks.size() > 1));
}

TEST_CASE("mpi: masks are other ones on each rank, and the same in each run") {
    const Communicator ranks(MPI_COMM_WORLD);
    const auto trained = [&](std::vector<Index> epochs) {
        Sequential model{LSTM<double>{2, 5, {}, {.seed = 1}}, Dropout{0.5, {.seed = 2}},
                         Dense<double>{5, 1, {.seed = 3}}};
        Training training{model, Adam{}};
        for (const Index count : epochs)
            fit(training, data(), MeanSquaredError{}, {.epochs = count, .batch_size = 6}, ranks);
        CHECK(same_on_all(ranks, weights(model)));
        return weights(model);
    };
    CHECK(trained({3}) == trained({1, 2}));
}

TEST_CASE("mpi: callbacks are called on rank 0, and what they decide holds for all") {
    const Communicator ranks(MPI_COMM_WORLD);
    Index calls = 0;
    FitOptions options{.epochs = 3, .batch_size = 6};
    options.callbacks = {[&](Progress& p) { p.stop = ++calls == 6; }};
    Net model = net();
    Training training{model, Adam{}};
    fit(training, data(), MeanSquaredError{}, options, ranks);
    CHECK(calls == (ranks.rank() == 0 ? 6 : 0));
    CHECK((training.history().stopped && training.state().begun->batches == 1)); // 5 calls in the first epoch
    options.callbacks = {[&](Progress&) {
        if (++calls == 8)
            throw std::runtime_error("no space is left");
    }};
    const auto failure = message([&] { fit(training, data(), MeanSquaredError{}, options, ranks); });
    CHECK(failure == (ranks.size() == 1 ? "no RankFailure: no space is left"
                                        : "rank 0 of " + std::to_string(ranks.size()) + ": no space is left"));
    CHECK(training.state().begun->batches == 3);
    options.callbacks.clear();
    fit(training, data(), MeanSquaredError{}, options, ranks);
    Net uninterrupted = net();
    fit(uninterrupted, data(), MeanSquaredError{}, Adam{}, {.epochs = 4, .batch_size = 6}, ranks);
    CHECK(weights(model) == weights(uninterrupted));
}

TEST_CASE("mpi: what one rank throws ends all, with its number and its reason") {
    const Communicator ranks(MPI_COMM_WORLD);
    if (ranks.size() == 1)
        return;
    const Index last = ranks.size() - 1;
    const std::string who = "rank " + std::to_string(last) + " of " + std::to_string(ranks.size()) + ": ";
    Net model = net();
    const auto failing = [&](Index call) {
        const Watched samples{data(), [&](Index k) {
                                  if (ranks.rank() == last && k == call)
                                      throw std::runtime_error("the disk is gone");
                              }};
        Training training{model, Adam{}};
        const auto text =
            message([&] { fit(training, samples, MeanSquaredError{}, {.epochs = 2, .batch_size = 8}, ranks); });
        CHECK(same_on_all(ranks, weights(model)));
        return text;
    };
    for (const Index call : {0, 1, 2, 3, 5}) // in the checks, before the first step, in a batch
        CHECK(failing(call) == who + "the disk is gone");
    // bad data of one rank
    const Communicator parts(MPI_COMM_WORLD, {.data = RankData::part});
    auto bad = data();
    if (ranks.rank() == last)
        bad.x.data()[3] = missing;
    CHECK(message([&] {
              fit(model, bad, MeanSquaredError{}, Adam{}, {}, parts);
          }).starts_with(who + "fit: x is nan in sample 1 at step 0, feature 1"));
    // what all throw alike is nobody's alone
    CHECK(message([&] { fit(model, data(), MeanSquaredError{}, Adam{}, {.batch_size = 0}, ranks); }) ==
          "fit: batch_size is 0, expected batch_size >= 1");
    CHECK(message([&] {
              fit(model, data(), MeanSquaredError{}, Adam{}, {.batch_size = 1}, parts);
          }).starts_with("fit: batch_size is 1, expected at least one sample from the part of each of"));
}

TEST_CASE("mpi: a rank without the memory for its gradients ends all") {
    const Communicator ranks(MPI_COMM_WORLD);
    if (ranks.size() == 1)
        return;
    const Index last = ranks.size() - 1;
    Net model{LSTM<double>{2, 5, {.seed = 1}},
              Dense<double>{5, 20'000, {.seed = 2}}}; // 120 000 numbers, as no other array
    const Dataset<double> samples{Sequence<double>(2, 1, 6), Sequence<double>(20'000, 1, 6)};
    largest_new = ranks.rank() == last ? 900'000 : unlimited;
    const auto text =
        message([&] { fit(model, samples, MeanSquaredError{}, Adam{}, {.epochs = 1, .batch_size = 3}, ranks); });
    largest_new = unlimited;
    INFO(text);
    CHECK(text.starts_with("rank " + std::to_string(last) + " of " + std::to_string(ranks.size()) + ": "));
    CHECK(text.ends_with("bad_alloc"));
}

TEST_CASE("mpi: a callback that changes rank 0's model or optimizer alone is told so") {
    const Communicator ranks(MPI_COMM_WORLD);
    if (ranks.size() == 1)
        return;
    Net model = net();
    Optimizer<Adam, double> optimizer(parameters(model), Adam{});
    const auto told = [&](Callback callback) {
        return message([&] {
            fit(model, data(), MeanSquaredError{}, optimizer, {.batch_size = 8, .callbacks = {callback}}, ranks);
        });
    };
    CHECK(told([&](Progress&) { parameters(model).front().parameter->set_trainable(false); }) ==
          "fit: 166 numbers are trained on rank 1 and 126 on rank 0, expected the same on all ranks: callbacks are "
          "called "
          "on rank 0 alone, so freeze parameters between calls of fit");
    parameters(model).front().parameter->set_trainable(true);
    CHECK(
        told([&](Progress&) { optimizer.set_learning_rate(0.3); }) ==
        "fit: after epoch 1 rank 1 has other parameters than rank 0, expected machines of one kind, the same program, "
        "rule and schedule on all, and callbacks, which rank 0 alone calls, that leave model and optimizer as they "
        "are");
}

TEST_CASE("mpi: ranks that are about to do different things are told before the first step") {
    const Communicator ranks(MPI_COMM_WORLD), parts(MPI_COMM_WORLD, {.data = RankData::part});
    if (ranks.size() == 1)
        return;
    const Index last = ranks.size() - 1;
    const bool other = ranks.rank() == last;
    const std::string number = std::to_string(last);
    Net model = net();
    const auto before = weights(model);
    const auto refused = [&](const FitOptions& options, const Dataset<double>& samples, const Ranks& all) {
        const auto text = message([&] { fit(model, samples, MeanSquaredError{}, Adam{}, options, all); });
        CHECK(weights(model) == before);
        return text;
    };
    CHECK(refused({.batch_size = other ? 16 : 8}, data(), ranks) ==
          "fit: batch_size is 16 on rank " + number + " and 8 on rank 0, expected the same on all ranks");
    FitOptions measured;
    if (other)
        measured.metrics = {MeanAbsoluteError{}};
    CHECK(refused(measured, data(), ranks) ==
          "fit: rank " + number + " has the metric mae where rank 0 has clip_value 0, expected the same on all ranks");
    CHECK(refused({}, data(other ? 22 : 23), ranks) ==
          "fit: the number of samples is 22 on rank " + number + " and 23 on rank 0, expected the same on all ranks");
    auto samples = data();
    samples.y.data()[5] += other ? 1 : 0;
    CHECK(refused({}, samples, ranks) ==
          "fit: rank " + number +
              " has other samples than rank 0: give all ranks the same, or say RankData::part if each has its own");
    CHECK(refused({.shuffle = other}, data(), ranks) ==
          "fit: shuffle is yes on rank " + number + " and no on rank 0, expected the same on all ranks");
    // of one's own part: another number of features, of which each rank's model takes its own
    Net wide{LSTM<double>{other ? 3 : 2, 5}, Dense<double>{5, 1}};
    Dataset<double> features{Sequence<double>(other ? 3 : 2, 4, 6), Sequence<double>(1, 4, 6)};
    CHECK(message([&] { fit(wide, features, MeanSquaredError{}, Adam{}, {}, parts); }) ==
          "fit: the number of features of x is 3 on rank " + number +
              " and 2 on rank 0, expected the same on all ranks");
    Net large{LSTM<double>{2, other ? 6 : 5}, Dense<double>{other ? 6 : 5, 1}};
    CHECK(message([&] { fit(large, data(), MeanSquaredError{}, Adam{}, {}, ranks); }) ==
          "fit: the size of 0.LSTM.W is 24 × 2 on rank " + number +
              " and 20 × 2 on rank 0, expected the same on all ranks");
    Net drawn = net(other ? 7 : 8);
    CHECK(message([&] { fit(drawn, data(), MeanSquaredError{}, Adam{}, {}, ranks); }) ==
          "fit: rank " + number +
              " has other values of 0.LSTM.W than rank 0: give all ranks the same seed, or let all load the same file");
    CHECK(
        message([&] { fit(model, data(), MeanSquaredError{}, Adam{.learning_rate = other ? 0.1 : 0.2}, {}, ranks); }) ==
        "fit: the learning rate is 0.1 on rank " + number + " and 0.2 on rank 0, expected the same on all ranks");
    CHECK(message([&] { fit(model, data(), MeanSquaredError{}, Adam{.epsilon = other ? 1e-8 : 1e-7}, {}, ranks); }) ==
          "fit: rank " + number +
              " has other settings of the rule than rank 0: give all ranks the same rule and groups");
}

namespace {

/// A rule of one's own, which throws when it is asked on one rank.
struct Refusing {
    double learning_rate = 0.1;
    bool throws = false;

    void check() const {}
    Index moments() const { return 0; }
    const Refusing& at(Index) const {
        if (throws)
            throw std::runtime_error("no step of this rule");
        return *this;
    }
    template <class S>
    void update(ParameterValues<S> w, ParameterGradient<S> g, ParameterMoments<S>) const {
        w -= static_cast<S>(learning_rate) * g;
    }
};

} // namespace

TEST_CASE("mpi: a rule that is refused, or throws, on one rank before the first step is told on all") {
    const Communicator ranks(MPI_COMM_WORLD);
    if (ranks.size() == 1)
        return;
    Net model = net();
    const Refusing rule{.throws = ranks.rank() == ranks.size() - 1};
    CHECK(message([&] { fit(model, data(), MeanSquaredError{}, rule, {}, ranks); }) ==
          detail::rank_text(ranks.size() - 1, ranks.size(), "no step of this rule"));
    const Adam adam{.beta1 = ranks.rank() == ranks.size() - 1 ? 2 : 0.9};
    CHECK(message([&] { fit(model, data(), MeanSquaredError{}, adam, {}, ranks); }) ==
          detail::rank_text(ranks.size() - 1, ranks.size(), "Adam: beta1 is 2, expected 0 <= beta1 < 1"));
}

TEST_CASE("mpi: rules with other settings, and optimizers with other groups, have other fingerprints") {
    Net model = net();
    std::set<std::uint64_t> all;
    Index count = 0;
    const auto add = [&](auto rule, const std::vector<ParameterGroup>& groups = {}) {
        Optimizer optimizer{parameters(model), rule};
        optimizer.set_groups(groups);
        all.insert(detail::fingerprint(optimizer).value());
        ++count;
    };
    for (const auto& rule :
         {Adam{}, Adam{.beta1 = 0.91}, Adam{.beta2 = 0.9991}, Adam{.epsilon = 2e-8}, Adam{.epsilon = 1e-12},
          Adam{.weight_decay = 1e-4}, Adam{.formula = Formula::keras}, Adam{.amsgrad = true}})
        add(rule);
    for (const auto& rule : {AdamW{}, AdamW{.weight_decay = 0.011}})
        add(rule);
    for (const auto& rule : {SGD{}, SGD{.momentum = 0.9}, SGD{.momentum = 0.91}, SGD{.momentum = 0.9, .nesterov = true},
                             SGD{.weight_decay = 1e-4}})
        add(rule);
    for (const auto& rule : {RMSprop{}, RMSprop{.rho = 0.91}, RMSprop{.epsilon = 1e-8}, RMSprop{.momentum = 0.9},
                             RMSprop{.centered = true}})
        add(rule);
    add(Adam{}, {{.names = "0.*", .rate_factor = 0.5}});
    add(Adam{}, {{.names = "1.*", .rate_factor = 0.5}});
    add(Adam{}, {{.names = "1.*", .weight_decay = 0.5}});
    CHECK(static_cast<Index>(all.size()) == count);
    add(Adam{.learning_rate = 0.5}); // a fact of its own, which is told
    CHECK(static_cast<Index>(all.size()) == count - 1);
}

TEST_CASE("mpi: states of other rows on each rank are refused") {
    const Communicator ranks(MPI_COMM_WORLD);
    if (ranks.size() == 1)
        return;
    const auto rule = [] { return detail::Fingerprint(); };
    const std::vector<NamedParameter<double>> none;
    detail::RanksTeam<double> team(ranks, none, rule);
    std::vector<Matrix<double>> states{Matrix<double>::Zero(ranks.rank() + 1, 1)};
    CHECK_THROWS_WITH(
        team.join(states, ranks.size()),
        "fit: a state of the model has 2 rows on rank 1 and 1 on others, expected as many on all: it can't "
        "be carried on several ranks");
}

TEST_CASE("mpi: a communicator that is none is refused") {
    CHECK_THROWS_WITH(Communicator(MPI_COMM_NULL), "Communicator: the communicator is MPI_COMM_NULL");
}

TEST_CASE("mpi: long messages and many numbers come whole") {
    const Communicator ranks(MPI_COMM_WORLD);
    std::vector<std::byte> own(static_cast<std::size_t>(1000 * ranks.rank() + 3));
    for (std::size_t k = 0; k < own.size(); ++k)
        own[k] = static_cast<std::byte>((k + static_cast<std::size_t>(ranks.rank())) % 251);
    const auto all = ranks.gather(own);
    for (std::size_t r = 0; r < all.size(); ++r) {
        CHECK(all[r].size() == 1000 * r + 3);
        CHECK(all[r].back() == static_cast<std::byte>((all[r].size() - 1 + r) % 251));
    }
    const std::vector<float> numbers(100'000, static_cast<float>(ranks.rank() + 1));
    std::vector<float> sums(numbers.size());
    ranks.start_sum(std::span(numbers).first(60'000), std::span(sums).first(60'000));
    ranks.start_sum(std::span(numbers).subspan(60'000), std::span(sums).subspan(60'000));
    ranks.progress();
    ranks.finish();
    const auto expected = static_cast<float>(ranks.size() * (ranks.size() + 1) / 2);
    CHECK(std::all_of(sums.begin(), sums.end(), [&](float x) { return x == expected; }));
    CHECK_THROWS_WITH(ranks.start_sum(numbers, std::span(sums).first(2)),
                      "Communicator::start_sum: there is room for 2 sums, expected 100000");
}
