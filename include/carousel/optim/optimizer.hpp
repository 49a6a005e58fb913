// Optimizer: applies a rule to every parameter and keeps what the rule remembers from step to step.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/parameter.hpp"
#include "carousel/core/require.hpp"
#include "carousel/optim/rule.hpp"

#include <concepts>
#include <utility>
#include <vector>

namespace carousel {

/// What an optimizer remembers: save it with the parameters, and training goes on as if it had never stopped.
template <std::floating_point Scalar>
struct OptimizerState {
    Index steps = 0;
    std::vector<Matrix<Scalar>> moments; ///< for every parameter, its size × Rule::moments()
};

/// Changes parameters by their gradients:
///
///     Optimizer optimizer{parameters(model), Adam{.learning_rate = 1e-3}};
///     … zero the gradients, forward, loss, backward …
///     optimizer.step();
///
/// Of a sparse parameter a step changes the columns with a gradient alone, and their moments: those of the others don't
/// decay and momentum doesn't carry them on, nor does a weight decay shrink them. Corrections of bias go by the number
/// of all steps. So do PyTorch's SparseAdam and TensorFlow's LazyAdam; a step costs by the columns used.
///
/// Points to the parameters, so the model has to stay where it is.
template <OptimizerRule Rule, std::floating_point Scalar>
class Optimizer {
  public:
    /// Throws std::invalid_argument if a setting of the rule is out of its range. All memory is taken here.
    explicit Optimizer(std::vector<NamedParameter<Scalar>> parameters, Rule rule = {})
        : parameters_(std::move(parameters)), rule_(std::move(rule)) {
        rule_.check();
        for (const auto& [name, parameter] : parameters_)
            state_.moments.push_back(Matrix<Scalar>::Zero(parameter->size(), rule_.moments()));
    }

    /// One step with the gradients as they are; they are not set to zero. Throws std::invalid_argument, before anything
    /// is changed, if a parameter or its gradient has not the shape it had.
    void step() {
        for (std::size_t i = 0; i < parameters_.size(); ++i) {
            const auto& [name, parameter] = parameters_[i];
            const auto& value = parameter->value;
            const auto& grad = parameter->grad;
            require(value.size() == state_.moments[i].rows(), "Optimizer::step", name, " has ", value.size(),
                    " numbers, expected ", state_.moments[i].rows());
            require(grad.rows() == value.rows() && grad.cols() == value.cols(), "Optimizer::step", "the gradient of ",
                    name, " is ", grad.rows(), " × ", grad.cols(), ", expected ", value.rows(), " × ", value.cols());
        }
        const auto rule = rule_.at(++state_.steps);
        for (std::size_t i = 0; i < parameters_.size(); ++i) {
            auto& parameter = *parameters_[i].parameter;
            auto& moments = state_.moments[i];
            parameter.each_run([&](Index first, Index count) {
                rule.update(ParameterValues<Scalar>(parameter.value.data() + first, count),
                            ParameterGradient<Scalar>(parameter.grad.data() + first, count),
                            ParameterMoments<Scalar>(moments.size() > 0 ? moments.data() + first : nullptr, count,
                                                     moments.cols(), Eigen::OuterStride<>(moments.rows())));
            });
        }
    }

    double learning_rate() const { return rule_.learning_rate; }

    /// Throws std::invalid_argument, changing nothing, if the rule refuses it.
    void set_learning_rate(double rate) {
        Rule changed = rule_;
        changed.learning_rate = rate;
        changed.check();
        rule_ = std::move(changed);
    }

    const Rule& rule() const { return rule_; }
    const std::vector<NamedParameter<Scalar>>& parameters() const { return parameters_; }
    Index steps() const { return state_.steps; }

    const OptimizerState<Scalar>& state() const { return state_; }

    /// Throws std::invalid_argument, changing nothing, if it is the state of other parameters or of another rule.
    void set_state(OptimizerState<Scalar> state) {
        require(state.steps >= 0, "Optimizer::set_state", "steps is ", state.steps, ", expected steps >= 0");
        require(state.moments.size() == parameters_.size(), "Optimizer::set_state", "moments of ", state.moments.size(),
                " parameters, expected ", parameters_.size());
        for (std::size_t i = 0; i < parameters_.size(); ++i) {
            const auto& given = state.moments[i];
            const auto& own = state_.moments[i];
            require(given.rows() == own.rows() && given.cols() == own.cols(), "Optimizer::set_state", "the moments of ",
                    parameters_[i].name, " are ", given.rows(), " × ", given.cols(), ", expected ", own.rows(), " × ",
                    own.cols());
        }
        state_ = std::move(state);
    }

  private:
    std::vector<NamedParameter<Scalar>> parameters_;
    Rule rule_;
    OptimizerState<Scalar> state_;
};

} // namespace carousel
