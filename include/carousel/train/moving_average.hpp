// MovingAverage: the parameters' mean over the last steps, which often predicts better than they do.
#pragma once

#include "carousel/core/parameter.hpp"
#include "carousel/train/training_state.hpp"

#include <optional>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992, exponentially weighted: after every step
///
///     average = decay·average + (1 − decay)·w          average = w before the first (Keras: use_ema)
///
/// Validation, and so early stopping and its best epoch, is of the averages; training goes on with w. What the model
/// has when fit ends:
///
///     early stopping, restore_best, an epoch was the best     the averages as they were at the end of that epoch
///     otherwise, assign_at_end                                the averages after the last step
///     otherwise                                               w after the last step
///     fit threw after its first step                          w after the last step
///
/// Callbacks see w. In the first two cases a Training keeps w as well, and the next call goes on from there. A call
/// without a moving average forgets that of the calls before it. With assign_at_end = false it goes on from the
/// averages even if the parameters were changed between the calls: another Training begins anew.
struct MovingAverage {
    double decay = 0.999; ///< 0 <= decay < 1
    bool assign_at_end =
        true; ///< false: the parameters stay w, unless a best epoch is put back; the averages are Training::state().average
};

namespace detail {

/// The moving average of one call of fit; what it remembers is in the training's state.
template <class S>
class AveragedParameters {
  public:
    AveragedParameters(const std::optional<MovingAverage>& average, const std::vector<NamedParameter<S>>& parameters,
                       TrainingState<S>& state)
        : average_(average), parameters_(parameters), state_(state) {}

    void go_on() {
        if (!average_) {
            state_.average.clear();
        } else if (state_.average.empty()) {
            std::vector<Matrix<S>> values;
            for (const auto& named : parameters_)
                values.push_back(named.parameter->value);
            state_.average = std::move(values);
        }
    }

    /// After a step. What isn't trained has no average but itself.
    void watch() {
        if (!average_)
            return;
        const S rest = static_cast<S>(1 - average_->decay);
        for (std::size_t k = 0; k < parameters_.size(); ++k) {
            const auto& parameter = *parameters_[k].parameter;
            auto average = state_.average[k].array();
            if (parameter.is_trained())
                average += rest * (parameter.value.array() - average);
            else
                average = parameter.value.array();
        }
    }

    /// As long as it lives, the parameters are the averages.
    class Shown {
      public:
        explicit Shown(AveragedParameters& of) : of_(of) { of_.exchange(); }
        ~Shown() { of_.exchange(); }
        Shown(const Shown&) = delete;
        Shown& operator=(const Shown&) = delete;

      private:
        AveragedParameters& of_;
    };

    /// The parameters become the averages, and `last` what they were.
    void put_back() {
        if (!average_ || !average_->assign_at_end || !state_.last.empty())
            return;
        std::vector<Matrix<S>> last;
        for (const auto& named : parameters_)
            last.push_back(named.parameter->value);
        for (std::size_t k = 0; k < parameters_.size(); ++k)
            parameters_[k].parameter->value = state_.average[k];
        state_.last = std::move(last);
    }

  private:
    void exchange() noexcept {
        if (average_)
            for (std::size_t k = 0; k < parameters_.size(); ++k)
                parameters_[k].parameter->value.swap(state_.average[k]);
    }

    const std::optional<MovingAverage>& average_;
    const std::vector<NamedParameter<S>>& parameters_;
    TrainingState<S>& state_;
};

} // namespace detail

} // namespace carousel
