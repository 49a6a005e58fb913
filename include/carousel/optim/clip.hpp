// Clipping: gradients that exploded are cut back before an optimizer uses them.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/parameter.hpp"
#include "carousel/core/require.hpp"

#include <cmath>
#include <string>
#include <vector>

// Each clip_… returns the norm of all gradients together as it was before. If that is not finite (ask std::isfinite),
// the gradients are left untouched, as there is no direction left to keep, and first_non_finite says where to look.

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// Added up in double, in eight sums side by side.
template <class Scalar>
double squared_norm(const Scalar* numbers, Index count) {
    constexpr Index width = 8;
    using Some = Eigen::Map<const Eigen::Array<Scalar, width, 1>>;
    using Rest = Eigen::Map<const Eigen::Array<Scalar, Eigen::Dynamic, 1>>;
    Eigen::Array<double, width, 1> sums = Eigen::Array<double, width, 1>::Zero();
    Index first = 0;
    for (; first + width <= count; first += width)
        sums += Some(numbers + first).template cast<double>().square();
    return sums.sum() + Rest(numbers + first, count - first).template cast<double>().square().sum();
}

template <class Scalar>
double squared_norm(const Parameter<Scalar>& parameter) {
    double sum = 0;
    parameter.each_run([&](Index first, Index count) { sum += squared_norm(parameter.grad.data() + first, count); });
    return sum;
}

template <class Scalar>
void scale(Parameter<Scalar>& parameter, double factor) {
    parameter.each_gradient([by = static_cast<Scalar>(factor)](auto g) { g *= by; });
}

} // namespace detail

/// The Euclidean norm of all gradients as one vector.
template <class Scalar>
double global_norm(const std::vector<NamedParameter<Scalar>>& parameters) {
    double sum = 0;
    for (const auto& named : parameters)
        sum += detail::squared_norm(*named.parameter);
    return std::sqrt(sum);
}

/// Cuts every number of every gradient to ±limit. Returns the global norm before. Throws std::invalid_argument unless
/// limit > 0.
template <class Scalar>
double clip_by_value(const std::vector<NamedParameter<Scalar>>& parameters, double limit) {
    require(limit > 0, "clip_by_value", "limit is ", limit, ", expected limit > 0");
    const double norm = global_norm(parameters);
    if (!std::isfinite(norm))
        return norm;
    const Scalar bound = static_cast<Scalar>(limit);
    for (const auto& named : parameters)
        named.parameter->each_gradient([&](auto g) { g = g.min(bound).max(-bound); });
    return norm;
}

/// Scales every gradient whose own norm is above limit to that norm. Returns the global norm before. Throws
/// std::invalid_argument unless limit > 0.
template <class Scalar>
double clip_by_norm(const std::vector<NamedParameter<Scalar>>& parameters, double limit) {
    require(limit > 0, "clip_by_norm", "limit is ", limit, ", expected limit > 0");
    const double norm = global_norm(parameters);
    if (!std::isfinite(norm) || norm <= limit) // no part is longer than the whole
        return norm;
    for (const auto& named : parameters) {
        const double own = std::sqrt(detail::squared_norm(*named.parameter));
        if (own > limit)
            detail::scale(*named.parameter, limit / own);
    }
    return norm;
}

/// Scales all gradients by limit / norm if their global norm is above limit, which keeps their direction: Pascanu,
/// Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013, algorithm 1. (PyTorch divides
/// by norm + 1e-6.) Returns the global norm before. Throws std::invalid_argument unless limit > 0.
template <class Scalar>
double clip_by_global_norm(const std::vector<NamedParameter<Scalar>>& parameters, double limit) {
    require(limit > 0, "clip_by_global_norm", "limit is ", limit, ", expected limit > 0");
    const double norm = global_norm(parameters);
    if (!std::isfinite(norm) || norm <= limit)
        return norm;
    for (const auto& named : parameters)
        detail::scale(*named.parameter, limit / norm);
    return norm;
}

/// The name of the first parameter whose gradient holds a NaN or an infinity; empty if there is none.
template <class Scalar>
std::string first_non_finite(const std::vector<NamedParameter<Scalar>>& parameters) {
    for (const auto& named : parameters) {
        bool finite = true;
        named.parameter->each_gradient([&](auto g) { finite = finite && g.allFinite(); });
        if (!finite)
            return named.name;
    }
    return {};
}

} // namespace carousel
