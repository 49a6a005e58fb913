// OptimizerRule: what an optimizer needs of an update rule. A rule is its settings and the arithmetic on one parameter;
// the state and the loop over parameters are the Optimizer's.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <cmath>
#include <concepts>
#include <type_traits>

namespace carousel::inline CAROUSEL_ABI {

/// Rules of the same name differ between libraries; this says whose is meant.
///   pytorch  ε is added to the corrected root: √v̂ + ε; a momentum buffer collects gradients and is multiplied by the
///            learning rate when it is applied. Adam: as algorithm 1 of the paper.
///   keras    RMSprop: √(v + ε); Adam: √v + ε before the bias is corrected ("ε̂" in section 2 of the paper); a momentum
///            buffer collects updates that contain the learning rate of their step.
enum class Formula { pytorch, keras };

/// One parameter as a rule sees it: all its numbers in a row, or those of one column if it is sparse.
template <class Scalar>
using ParameterValues = Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>>;
template <class Scalar>
using ParameterGradient = Eigen::Map<const Eigen::Array<Scalar, Eigen::Dynamic, 1>>;
/// What a rule remembers of these numbers from step to step: a column per moment, zero before the first step.
template <class Scalar>
using ParameterMoments =
    Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, Eigen::Dynamic>, Eigen::Unaligned, Eigen::OuterStride<>>;

/// The range in which the arithmetic of a rule stays finite. Settings are doubles, and all else is as precise as the
/// parameters: a float holds numbers from 1.2e-38 to 3.4e38. So the square of a gradient must stay below 3.4e38, which
/// leaves 1e18 for the gradients' norm; times a learning rate, and 1 / (1 − momentum) for what adds up, also; and
/// epsilon, which Adam multiplies by √(1 − beta2), must not become 0.
template <class Scalar>
struct RuleRange {
    /// Whether Scalar is float.
    static constexpr bool narrow = std::is_same_v<Scalar, float>;
    /// The largest norm whose square is finite.
    static constexpr double largest_gradient_norm = narrow ? 1e18 : 1e150;
    static constexpr double largest_setting = narrow ? 1e12 : 1e100; ///< learning rate, weight decay
    static constexpr double least_epsilon = narrow ? 1e-36 : 1e-300;

    /// Throws std::invalid_argument unless least <= value <= most, and value isn't NaN.
    static void check(const char* where, const char* name, double value, double least = 0,
                      double most = largest_setting) {
        require(value >= least && value <= most, where, name, " is ", value, ", expected ", least, " … ", most,
                " for parameters in ", narrow ? "float" : "double");
    }
    /// Throws std::invalid_argument unless epsilon is above 0 as a Scalar, too.
    static void check_epsilon(const char* where, double value) {
        check(where, "epsilon", value, least_epsilon, largest_gradient_norm);
    }
};

/// A rule of one's own needs
///   learning_rate            a double, which schedules change;
///   check()                  throws std::invalid_argument if a setting is out of its range;
///   moments()                how many numbers it remembers for each number of a parameter;
///   at(t)                    what it does in step t = 1, 2, …, asked for once a step; that has
///     update(w, g, moments)  for one parameter: changes w and its moments, reads the gradient g. Each number by itself,
///                            as it gets a sparse parameter's columns one by one.
/// A rule that is the same in every step may have update itself, and return *this. It may have
///   check_for<Scalar>()      throws std::invalid_argument if parameters of this type are too coarse for a setting;
///   weight_decay             a double, which ParameterGroup changes for some parameters;
///   decay_biases             a bool; if false, biases have no weight_decay;
///   name                     a static constexpr const char*, by which load_training tells it from other rules.
template <class Rule>
concept OptimizerRule = std::copyable<Rule> &&
    requires(Rule changed, const Rule& rule, ParameterValues<float> w, ParameterGradient<float> g,
             ParameterMoments<float> moments, Index t) {
    { changed.learning_rate } -> std::same_as<double&>;
    { rule.check() } -> std::same_as<void>;
    { rule.moments() } -> std::convertible_to<Index>;
    { rule.at(t).update(w, g, moments) } -> std::same_as<void>;
};

/// A rule that says its name.
template <class Rule>
concept NamedRule = OptimizerRule<Rule> && requires {
    { Rule::name } -> std::convertible_to<const char*>;
};

} // namespace carousel
