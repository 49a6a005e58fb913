// OptimizerRule: what an optimizer needs of an update rule. A rule is its settings and the arithmetic on one parameter;
// the state and the loop over parameters are the Optimizer's.
#pragma once

#include "carousel/core/matrix.hpp"

#include <concepts>

namespace carousel {

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

/// A rule of one's own needs
///   learning_rate            a double, which schedules change;
///   check()                  throws std::invalid_argument if a setting is out of its range;
///   moments()                how many numbers it remembers for each number of a parameter;
///   at(t)                    what it does in step t = 1, 2, …, asked for once a step; that has
///     update(w, g, moments)  for one parameter: changes w and its moments, reads the gradient g. Each number by itself,
///                            as it gets a sparse parameter's columns one by one.
/// A rule that is the same in every step may have update itself, and return *this.
template <class Rule>
concept OptimizerRule = std::copyable<Rule> &&
    requires(Rule changed, const Rule& rule, ParameterValues<float> w, ParameterGradient<float> g,
             ParameterMoments<float> moments, Index t) {
    { changed.learning_rate } -> std::same_as<double&>;
    { rule.check() } -> std::same_as<void>;
    { rule.moments() } -> std::convertible_to<Index>;
    { rule.at(t).update(w, g, moments) } -> std::same_as<void>;
};

} // namespace carousel
