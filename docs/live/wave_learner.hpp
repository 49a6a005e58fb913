// WaveLearner: a net that learns a series of numbers epoch by epoch, and FreeRun: the same net going on alone. What the manual's live
// page (docs/live.md) compiles to WebAssembly.
#pragma once

#include <carousel/carousel.hpp>

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace carousel::live {

/// The recurrent layer of the net, in the order of the page's list.
enum class NetKind { simple_rnn, lstm, gru };

/// What a WaveLearner is made of.
struct LearnerOptions {
    NetKind cell = NetKind::lstm;
    double units = 32; ///< a whole number, 1 … WaveLearner::most_units; double, as the page sends what was typed
    double learning_rate = 1e-2; ///< Adam's, above 0 and at most 1
    std::uint64_t seed = 1;      ///< of the weights and of the order of the batches
};

/// A recurrent layer and a Dense layer, trained to say the next value of a series at every step. The series is cut into windows of
/// `steps` values, `stride` apart; an epoch is one pass of fit over all of them.
///
///     WaveLearner learner(series, {.cell = NetKind::gru});
///     while (learner.epoch() > 1e-3) {}
///     FreeRun alone(learner);
///     alone.go_on(next);
class WaveLearner {
  public:
    static constexpr Index most_units = 64, steps = 64, stride = 4, batch_size = 16;
    /// How long a series may be. The shortest has one window, and the value that follows it.
    static constexpr Index shortest = steps + 1, longest = 4096;

    /// Throws std::invalid_argument if an option or the series is out of its range.
    explicit WaveLearner(std::span<const float> series, const LearnerOptions& options = {})
        : seed_(checked(series, options).seed), series_(series.begin(), series.end()), data_(windows_of(series)),
          model_(net(options)), training_(model_, Adam{.learning_rate = options.learning_rate}) {}

    /// Goes on learning with another series. Throws as the constructor; nothing is changed then.
    void set_series(std::span<const float> series) {
        check(series);
        Dataset<float> data = windows_of(series);
        series_.assign(series.begin(), series.end());
        data_ = std::move(data);
    }

    /// The rate from the next epoch on. Throws as the constructor; nothing is changed then.
    void set_learning_rate(double rate) {
        check_rate(rate);
        training_.set_learning_rate(rate);
    }

    /// Trains for one epoch. Returns the mean squared error over it, of all windows and steps, each before the step of its batch.
    double epoch() {
        fit(training_, data_, MeanSquaredError{},
            {.epochs = 1, .batch_size = batch_size, .seed = seed_, .clip_norm = 1.0});
        return training_.history().epochs.back().loss;
    }

    Index epochs() const { return training_.epochs(); }
    /// How many numbers are learned.
    Index weights() const { return parameter_count(model_); }
    const std::vector<float>& series() const { return series_; }
    const Model<float>& model() const { return model_; }

  private:
    static void check(std::span<const float> series) {
        const auto length = static_cast<Index>(series.size());
        require(length >= shortest && length <= longest, "WaveLearner", "the series has ", length, " values, expected ",
                shortest, " … ", longest);
        for (std::size_t t = 0; t < series.size(); ++t)
            require(std::abs(series[t]) <= 10, "WaveLearner", "value ", t, " of the series is ", series[t],
                    ", expected a number between -10 and 10");
    }

    static void check_rate(double rate) {
        require(rate > 0 && rate <= 1, "WaveLearner", "the learning rate is ", rate,
                ", expected a number above 0 and at most 1");
    }

    static const LearnerOptions& checked(std::span<const float> series, const LearnerOptions& options) {
        check(series);
        check_rate(options.learning_rate);
        require(options.units >= 1 && options.units <= static_cast<double>(most_units) &&
                    options.units == std::floor(options.units),
                "WaveLearner", "units is ", options.units, ", expected a whole number from 1 to ", most_units);
        const auto kind = static_cast<int>(options.cell);
        require(kind >= 0 && kind <= 2, "WaveLearner", "the cell is number ", kind,
                ", expected 0 (SimpleRNN), 1 (LSTM) or 2 (GRU)");
        return options;
    }

    static Dataset<float> windows_of(std::span<const float> series) {
        return windows(std::vector<float>(series.begin(), series.end()),
                       {.steps = steps, .stride = stride, .every_step = true});
    }

    static Model<float> net(const LearnerOptions& options) {
        const auto units = static_cast<Index>(options.units);
        Model<float> model;
        if (options.cell == NetKind::simple_rnn)
            model.add(SimpleRNN<float>{1, units, {.seed = options.seed}});
        else if (options.cell == NetKind::lstm)
            model.add(LSTM<float>{1, units, {.seed = options.seed}});
        else
            model.add(GRU<float>{1, units, {.seed = options.seed}});
        model.add(Dense<float>{units, 1, {.seed = options.seed + 1}});
        return model;
    }

    std::uint64_t seed_;
    std::vector<float> series_;
    Dataset<float> data_;
    Model<float> model_;
    Training<Model<float>, Adam> training_; ///< points to model_, so a WaveLearner is neither copied nor moved
};

/// The learner's net sample by sample: it hears the series once, and then its own outputs.
class FreeRun {
  public:
    explicit FreeRun(const WaveLearner& learner) : stream_(learner.model()) {
        heard_.reserve(learner.series().size());
        for (const float value : learner.series()) {
            heard_.push_back(next_);
            next_ = stream_(value);
        }
    }

    /// What the net expected each value of the series to be, from those before it; of the first it knew nothing, and said 0.
    const std::vector<float>& heard() const { return heard_; }

    /// Fills `out` with the values that follow, each of which is the input of the next.
    void go_on(std::span<float> out) {
        for (float& value : out) {
            value = next_;
            next_ = stream_(next_);
        }
    }

    /// Goes on from the same state with what the learner has learned since.
    void set_weights(const WaveLearner& learner) { stream_.set_weights(learner.model()); }

  private:
    Stream<Model<float>> stream_;
    std::vector<float> heard_;
    float next_ = 0;
};

} // namespace carousel::live
