// BestEpoch: early stopping. Which epoch is the best, its parameters, and when none has been better for too long.
#pragma once

#include "carousel/core/parameter.hpp"
#include "carousel/train/fit_options.hpp"
#include "carousel/train/training_state.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Early stopping of one call of fit; what it remembers is in the training's state.
template <class S>
class BestEpoch {
  public:
    BestEpoch(const std::optional<EarlyStopping>& stopping, bool validated,
              const std::vector<NamedParameter<S>>& parameters, TrainingState<S>& state)
        : stopping_(stopping), validated_(validated), parameters_(parameters), state_(state) {
        if (restores() && state.best.empty())
            room_ = copies();
    }

    /// The parameters become those of the last epoch again, if the last call has put the best ones back, or averages.
    void go_on() {
        if (!state_.last.empty() &&
            (are_values(state_.best) ||
             are_values(state_.average))) // else someone has changed the parameters, and means it
            assign(state_.last);
        else if (!state_.last.empty())
            state_.average.clear(); // it is of other parameters
        state_.last.clear();
        if (restores() && state_.best.empty()) // the parameters of the best epoch so far weren't kept
            return forget();
        // This call may judge by something else than the last, or validate where that didn't.
        if (const Index best = state_.history.best_epoch; best > 0)
            state_.best_loss = judged(state_.history.epochs[static_cast<std::size_t>(best - 1)]);
        if (std::isnan(state_.best_loss))
            forget();
    }

    /// Judges the epoch that has ended last. Takes no memory, so that what is remembered is never of two epochs.
    void watch() {
        const double monitored = judged(state_.history.epochs.back());
        if (!(monitored < state_.best_loss - (stopping_ ? stopping_->min_delta : 0)))
            return;
        state_.best_loss = monitored;
        state_.history.best_epoch = state_.epochs;
        if (!restores()) {
            state_.best.clear();
            return;
        }
        if (state_.best.empty())
            state_.best.swap(room_);
        for (std::size_t k = 0; k < parameters_.size(); ++k)
            state_.best[k] = parameters_[k].parameter->value;
    }

    /// Whether no epoch has been better for too long.
    bool exhausted() const {
        return stopping_ && state_.epochs > 0 && state_.epochs - state_.history.best_epoch >= stopping_->patience;
    }

    /// Throws std::runtime_error if patience has ended without a best epoch.
    void require_one() const {
        if (state_.history.best_epoch > 0 || !exhausted())
            return;
        const auto finite = [&](const EpochReport& report) { return std::isfinite(judged(report)); };
        const auto& reports = state_.history.epochs;
        const auto without = std::find_if(reports.rbegin(), reports.rend(), finite) - reports.rbegin();
        const EpochReport& last = state_.history.epochs.back();
        const std::string skipped = last.skipped_steps > 0
                                        ? detail::message_of(", and in the last of them ", last.skipped_steps,
                                                             " steps were not taken, as the gradient of ",
                                                             last.non_finite, " was ", detail::gradient_mistake(last))
                                        : std::string();
        detail::fail<std::runtime_error>(detail::message_of(
            "fit: early stopping has no best epoch: the ",
            stopping_->metric.empty() ? "loss" : stopping_->metric.c_str(), " it monitors, that of ",
            validated_ ? "validation" : "training", ", is NaN or infinite in the last ", without, " epochs", skipped,
            ". Lower the learning rate, clip gradients, or look for large numbers in the data"));
    }

    /// The parameters become those of the best epoch; those of the last are kept to go on from.
    void put_back() {
        if (!restores() || state_.best.empty() || are_values(state_.best))
            return;
        state_.last = copies();
        assign(state_.best);
    }

  private:
    /// No epoch is the best.
    void forget() {
        state_.best_loss = std::numeric_limits<double>::infinity();
        state_.history.best_epoch = 0;
        if (!state_.best.empty())
            state_.best.swap(room_);
        state_.best.clear();
    }

    /// What an epoch is judged by: the smaller, the better.
    double judged(const EpochReport& report) const {
        if (!stopping_ || stopping_->metric.empty())
            return validated_ ? report.validation_loss : report.loss;
        const auto& names = state_.history.metrics;
        const auto place =
            static_cast<std::size_t>(std::find(names.begin(), names.end(), stopping_->metric) - names.begin());
        const auto& values = validated_ ? report.validation_metrics : report.metrics;
        if (place >= values.size()) // an earlier call didn't validate
            return std::numeric_limits<double>::quiet_NaN();
        const double value = values[place];
        return stopping_->maximize ? -value : value;
    }

    bool restores() const { return stopping_ && stopping_->restore_best; }

    std::vector<Matrix<S>> copies() const {
        std::vector<Matrix<S>> values;
        for (const auto& named : parameters_)
            values.push_back(named.parameter->value);
        return values;
    }
    void assign(const std::vector<Matrix<S>>& values) const {
        for (std::size_t k = 0; k < values.size(); ++k)
            parameters_[k].parameter->value = values[k];
    }

    /// Whether these are, bit for bit, the values of the parameters.
    bool are_values(const std::vector<Matrix<S>>& values) const {
        if (values.size() != parameters_.size())
            return false;
        for (std::size_t k = 0; k < values.size(); ++k) {
            const auto& own = parameters_[k].parameter->value;
            if (own.size() != values[k].size() ||
                std::memcmp(own.data(), values[k].data(), sizeof(S) * static_cast<std::size_t>(own.size())) != 0)
                return false;
        }
        return true;
    }

    const std::optional<EarlyStopping>& stopping_;
    const bool validated_;
    const std::vector<NamedParameter<S>>& parameters_;
    TrainingState<S>& state_;
    std::vector<Matrix<S>> room_; ///< for the first best epoch's parameters
};

} // namespace carousel::detail
