// OptimizerOfAnyRule: the parameters of an optimizer, what its rule remembers from step to step, and the loop over both.
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/core/matrix.hpp"
#include "carousel/core/parameter.hpp"
#include "carousel/core/require.hpp"
#include "carousel/optim/clip.hpp"
#include "carousel/optim/parameter_group.hpp"
#include "carousel/optim/rule.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <string>
#include <utility>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include <cmath>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// What an optimizer remembers: save it with the parameters, and training goes on as if it had never stopped.
template <std::floating_point Scalar>
struct OptimizerState {
    /// Steps taken so far.
    Index steps = 0;
    /// For every parameter, its size × Rule::moments(), or 0 × Rule::moments() if it has been frozen so far.
    std::vector<Matrix<Scalar>> moments;
};

/// All of an Optimizer but its rule: fit is compiled once for all rules.
template <std::floating_point Scalar>
class OptimizerOfAnyRule {
  public:
    /// The largest norm of all gradients with which a step is taken: with larger ones what the rule remembers, and then
    /// the parameters, would become infinite or NaN and stay so.
    static constexpr double largest_gradient_norm = RuleRange<Scalar>::largest_gradient_norm;

    /// One step with the gradients as they are; they are not set to zero. Returns whether it was taken: if a gradient is
    /// NaN or infinite, or the norm of all above largest_gradient_norm, nothing is changed, and refused() names the
    /// parameter. Throws std::invalid_argument, before anything is changed, if a parameter or its gradient has not the
    /// shape it had.
    bool step();

    /// The same for a caller that knows the norm of all gradients, or a number that is not below it, and saves the look.
    bool step(double norm);

    /// The name of the parameter whose gradient keeps step() from being taken: the first that is NaN or infinite, else
    /// the one with the largest norm. Empty if step() would be taken.
    std::string refused() const;

    /// Throws std::invalid_argument unless these are parameters of this model, where it is now, in the shapes that they
    /// had when the optimizer was made. Some of the model's will do: the others are not trained.
    template <class Model>
    void require_parameters_of(Model& model, const char* where) const {
        const auto list = carousel::parameters(model);
        require_each(where, [&](const Parameter<Scalar>* own) {
            return std::any_of(list.begin(), list.end(), [&](const auto& p) { return p.parameter == own; });
        });
    }
    /// The same for a model that is_of_model knows the parameters of.
    void require_each(const char* where, detail::FunctionRef<bool(const Parameter<Scalar>*)> is_of_model) const;

    virtual double learning_rate() const = 0;

    /// Throws std::invalid_argument, changing nothing, if the rule refuses it.
    virtual void set_learning_rate(double rate) = 0;

    /// From now on the rule has these settings for the parameters of these names, and its own for all others. FitOptions::groups
    /// does it for one call of fit. Throws std::invalid_argument, changing nothing, if a group has no parameter or a setting is
    /// out of the rule's range.
    virtual void set_groups(const std::vector<ParameterGroup>& groups) = 0;
    /// What set_groups has come to, and how it is put back.
    const detail::ParameterSettings& settings() const { return settings_; }
    detail::ParameterSettings exchange_settings(detail::ParameterSettings settings) noexcept {
        std::swap(settings, settings_);
        return settings;
    }

    /// What it optimizes, and the steps it has taken.
    const std::vector<NamedParameter<Scalar>>& parameters() const { return parameters_; }
    Index steps() const { return state_.steps; }

    /// All that it remembers: to save, or to give to set_state().
    const OptimizerState<Scalar>& state() const { return state_; }

    /// Throws std::invalid_argument, changing nothing, if it is the state of other parameters or of another rule.
    void set_state(OptimizerState<Scalar> state);

  protected:
    /// The update of a rule, at a step.
    using Update =
        detail::FunctionRef<void(ParameterValues<Scalar>, ParameterGradient<Scalar>, ParameterMoments<Scalar>)>;

    OptimizerOfAnyRule(std::vector<NamedParameter<Scalar>> parameters, Index moments);
    OptimizerOfAnyRule(const OptimizerOfAnyRule&) = default;
    OptimizerOfAnyRule(OptimizerOfAnyRule&&) = default;
    OptimizerOfAnyRule& operator=(const OptimizerOfAnyRule&) = default;
    OptimizerOfAnyRule& operator=(OptimizerOfAnyRule&&) = default;
    ~OptimizerOfAnyRule() = default;

    /// update_each() with the rule's update at step t, for each of the settings().
    virtual void update(Index t) = 0;
    /// Of the parameters that have the setting of this number.
    void update_each(std::size_t setting, Update update);

    /// Of these groups; doesn't set them.
    detail::ParameterSettings settings_of(const std::vector<ParameterGroup>& groups, bool decay_biases,
                                          bool has_weight_decay) const;

  private:
    static constexpr Index most_steps =
        detail::power_of_two(53); // more than a machine will take; t is a double in the rules

    void require_shapes(const char* where) const;
    void take_moments(); ///< of parameters that aren't frozen any more

    std::vector<NamedParameter<Scalar>> parameters_;
    std::vector<std::array<Index, 2>> shapes_; ///< of the parameters when the optimizer was made: rows, columns
    detail::ParameterSettings settings_;
    OptimizerState<Scalar> state_;
};

#ifdef CAROUSEL_BODIES

template <std::floating_point Scalar>
OptimizerOfAnyRule<Scalar>::OptimizerOfAnyRule(std::vector<NamedParameter<Scalar>> parameters, Index moments)
    : parameters_(std::move(parameters)) {
    for (const auto& [name, parameter] : parameters_) {
        const bool frozen = !parameter->is_fixed() && !parameter->is_trained();
        state_.moments.push_back(Matrix<Scalar>(frozen ? 0 : parameter->size(), moments));
        std::fill_n(state_.moments.back().data(), state_.moments.back().size(), Scalar(0));
        shapes_.push_back({parameter->value.rows(), parameter->value.cols()});
    }
}

template <std::floating_point Scalar>
bool OptimizerOfAnyRule<Scalar>::step() {
    require_shapes("Optimizer::step"); // before the gradients are read
    return step(global_norm(parameters_));
}

template <std::floating_point Scalar>
bool OptimizerOfAnyRule<Scalar>::step(double norm) {
    require_shapes("Optimizer::step");
    if (!(norm <= largest_gradient_norm))
        return false;
    take_moments();
    update(++state_.steps);
    return true;
}

template <std::floating_point Scalar>
void OptimizerOfAnyRule<Scalar>::take_moments() {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        const auto& parameter = *parameters_[i].parameter;
        auto& moments = state_.moments[i];
        if (moments.rows() == parameter.size() || !parameter.is_trained())
            continue;
        Matrix<Scalar> zero(parameter.size(), moments.cols());
        std::fill_n(zero.data(), zero.size(), Scalar(0));
        moments.swap(zero);
    }
}

template <std::floating_point Scalar>
detail::ParameterSettings OptimizerOfAnyRule<Scalar>::settings_of(const std::vector<ParameterGroup>& groups,
                                                                  bool decay_biases, bool has_weight_decay) const {
    std::vector<std::string> names;
    for (const auto& named : parameters_)
        names.push_back(named.name);
    return detail::parameter_settings(names, groups, decay_biases, has_weight_decay);
}

template <std::floating_point Scalar>
std::string OptimizerOfAnyRule<Scalar>::refused() const {
    std::string name = first_non_finite(parameters_);
    if (!name.empty())
        return name;
    double sum = 0, largest = -1;
    for (const auto& named : parameters_) {
        const double squared = detail::squared_norm(*named.parameter); // infinite if too large for a double
        sum += squared;
        if (squared > largest) {
            largest = squared;
            name = named.name;
        }
    }
    return std::sqrt(sum) <= largest_gradient_norm ? std::string() : name;
}

template <std::floating_point Scalar>
void OptimizerOfAnyRule<Scalar>::require_each(const char* where,
                                              detail::FunctionRef<bool(const Parameter<Scalar>*)> is_of_model) const {
    require(!parameters_.empty(), where, "the optimizer has no parameters, expected Optimizer{parameters(model), …}");
    for (const auto& own : parameters_)
        require(is_of_model(own.parameter), where, "the optimizer's ", own.name,
                " isn't a parameter of this model: it was made for another, or the model was copied or moved since; "
                "make one of parameters(model)");
    require_shapes(where);
}

template <std::floating_point Scalar>
void OptimizerOfAnyRule<Scalar>::set_state(OptimizerState<Scalar> state) {
    require(state.steps >= 0, "Optimizer::set_state", "steps is ", state.steps, ", expected steps >= 0");
    require(state.steps <= most_steps, "Optimizer::set_state", "steps is ", state.steps,
            ", expected steps <= ", most_steps);
    require(state.moments.size() == parameters_.size(), "Optimizer::set_state", "moments of ", state.moments.size(),
            " parameters, expected ", parameters_.size());
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        const auto& given = state.moments[i];
        const Index size = parameters_[i].parameter->size(), count = state_.moments[i].cols();
        require((given.rows() == size || given.rows() == 0) && given.cols() == count, "Optimizer::set_state",
                "the moments of ", parameters_[i].name, " are ", given.rows(), " × ", given.cols(), ", expected ", size,
                " × ", count);
    }
    state_ = std::move(state);
}

template <std::floating_point Scalar>
void OptimizerOfAnyRule<Scalar>::update_each(std::size_t setting, Update update) {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        if ((settings_.of.empty() ? 0 : settings_.of[i]) != setting)
            continue;
        auto& parameter = *parameters_[i].parameter;
        auto& moments = state_.moments[i];
        parameter.each_run([&](Index first, Index count) {
            update(ParameterValues<Scalar>(parameter.value.data() + first, count),
                   ParameterGradient<Scalar>(parameter.grad.data() + first, count),
                   ParameterMoments<Scalar>(moments.size() > 0 ? moments.data() + first : nullptr, count,
                                            moments.cols(), Eigen::OuterStride<>(moments.rows())));
        });
    }
}

template <std::floating_point Scalar>
void OptimizerOfAnyRule<Scalar>::require_shapes(const char* where) const {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        const auto& [name, parameter] = parameters_[i];
        const auto& value = parameter->value;
        const auto& grad = parameter->grad;
        const auto [rows, columns] = shapes_[i];
        require(value.size() > 0 || rows * columns == 0, where, name,
                " is empty: its model was moved to another place since the optimizer was made; make one there");
        require(value.size() == rows * columns, where, name, " has ", value.size(), " numbers, expected ",
                rows * columns);
        require(value.rows() == rows && value.cols() == columns, where, name, " is ", value.rows(), " × ", value.cols(),
                ", expected ", rows, " × ", columns);
        require(parameter->is_fixed() || (grad.rows() == rows && grad.cols() == columns), where, "the gradient of ",
                name, " is ", grad.rows(), " × ", grad.cols(), ", expected ", rows, " × ", columns);
    }
}

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_OPTIMIZER(S) template class carousel::OptimizerOfAnyRule<S>
