// Optimizer: applies a rule to every parameter and keeps what the rule remembers from step to step.
#pragma once

#include "carousel/core/parameter.hpp"
#include "carousel/optim/any_rule.hpp"
#include "carousel/optim/parameter_group.hpp"
#include "carousel/optim/rule.hpp"

#include <concepts>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

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
/// Points to the parameters, so the model has to stay where it is: a copy of it, or the model it is moved to, needs an
/// optimizer of its own. require_parameters_of() tells.
template <OptimizerRule Rule, std::floating_point Scalar>
class Optimizer final : public OptimizerOfAnyRule<Scalar> {
    using Base = OptimizerOfAnyRule<Scalar>;

  public:
    /// Throws std::invalid_argument if a setting of the rule is out of its range, or too large or small for Scalar. All
    /// memory is taken here, but that of parameters which are frozen now.
    explicit Optimizer(std::vector<NamedParameter<Scalar>> parameters, Rule rule = {})
        : Base(std::move(parameters), checked(rule).moments()), rule_(std::move(rule)) {
        if (!decays_biases(rule_))
            set_groups({});
    }

    double learning_rate() const override { return rule_.learning_rate; }
    /// As OptimizerOfAnyRule says.
    void set_learning_rate(double rate) override {
        Rule changed = rule_;
        changed.learning_rate = rate;
        require_settings(checked(changed), this->settings().distinct);
        rule_ = std::move(changed);
    }

    /// As OptimizerOfAnyRule says.
    void set_groups(const std::vector<ParameterGroup>& groups) override {
        constexpr bool has_weight_decay = requires(Rule rule) {
            rule.weight_decay = 0.0;
        };
        auto settings = this->settings_of(groups, decays_biases(rule_), has_weight_decay);
        require_settings(rule_, settings.distinct);
        this->exchange_settings(std::move(settings));
    }

    /// The rule with its settings as they are now.
    const Rule& rule() const { return rule_; }

  private:
    static Rule& checked(Rule& rule) {
        rule.check();
        if constexpr (requires { rule.template check_for<Scalar>(); })
            rule.template check_for<Scalar>();
        else
            RuleRange<Scalar>::check("Optimizer", "learning_rate", rule.learning_rate);
        return rule;
    }

    static bool decays_biases(const Rule& rule) {
        if constexpr (requires { rule.decay_biases; })
            return rule.decay_biases;
        return true;
    }
    static void require_settings(const Rule& rule, const std::vector<detail::ParameterSetting>& settings) {
        for (const auto& setting : settings) {
            Rule changed = detail::with_setting(rule, setting);
            checked(changed);
        }
    }

    void update(Index t) override {
        for (std::size_t k = 0; k < this->settings().distinct.size(); ++k) {
            const auto rule = detail::with_setting(rule_, this->settings().distinct[k]).at(t);
            Base::update_each(k, [&](ParameterValues<Scalar> w, ParameterGradient<Scalar> g,
                                     ParameterMoments<Scalar> moments) { rule.update(w, g, moments); });
        }
    }

    Rule rule_;
};

} // namespace carousel
