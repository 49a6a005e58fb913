// Clipping: gradients that exploded are cut back before an optimizer uses them.
#pragma once

#include "carousel/core/parameter.hpp"
#include "carousel/core/require.hpp"

#include <string>
#include <vector>

#ifdef CAROUSEL_BODIES
#    include "carousel/core/finite.hpp"
#    include "carousel/kernel/vectors.hpp"

#    include <cmath>
#endif

// Each clip_… returns the norm of all gradients together as it was before. If that is not finite (ask std::isfinite),
// the gradients are left untouched, as there is no direction left to keep, and first_non_finite says where to look.

namespace carousel::inline CAROUSEL_ABI {

/// The Euclidean norm of all gradients as one vector.
template <class Scalar>
double global_norm(const std::vector<NamedParameter<Scalar>>& parameters);

/// Cuts every number of every gradient to ±limit. Returns the global norm before. Throws std::invalid_argument unless
/// limit > 0.
template <class Scalar>
double clip_by_value(const std::vector<NamedParameter<Scalar>>& parameters, double limit);

/// Scales every gradient whose own norm is above limit to that norm. Returns the global norm before. Throws
/// std::invalid_argument unless limit > 0.
template <class Scalar>
double clip_by_norm(const std::vector<NamedParameter<Scalar>>& parameters, double limit);

/// Scales all gradients by limit / norm if their global norm is above limit, which keeps their direction: Pascanu,
/// Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013, algorithm 1. (PyTorch divides
/// by norm + 1e-6.) Returns the global norm before. Throws std::invalid_argument unless limit > 0.
template <class Scalar>
double clip_by_global_norm(const std::vector<NamedParameter<Scalar>>& parameters, double limit);

/// The name of the first parameter whose gradient holds a NaN or an infinity; empty if there is none.
template <class Scalar>
std::string first_non_finite(const std::vector<NamedParameter<Scalar>>& parameters);

namespace detail {

/// Σ g² of a parameter's gradient, in double.
template <class Scalar>
double squared_norm(const Parameter<Scalar>& parameter);

} // namespace detail

#ifdef CAROUSEL_BODIES

namespace detail {

template <class Scalar>
double squared_norm(const Parameter<Scalar>& parameter) {
    double sum = 0;
    parameter.each_run([&](Index first, Index count) {
        sum += kernel::vector_functions<Scalar>().squared_norm(parameter.grad.data() + first, count);
    });
    return sum;
}

template <class Scalar>
void scale(Parameter<Scalar>& parameter, double factor) {
    parameter.each_run([&](Index first, Index count) {
        kernel::vector_functions<Scalar>().scale(static_cast<Scalar>(factor), parameter.grad.data() + first, count);
    });
}

} // namespace detail

template <class Scalar>
double global_norm(const std::vector<NamedParameter<Scalar>>& parameters) {
    double sum = 0;
    for (const auto& named : parameters)
        sum += detail::squared_norm(*named.parameter);
    return std::sqrt(sum);
}

template <class Scalar>
double clip_by_value(const std::vector<NamedParameter<Scalar>>& parameters, double limit) {
    require(limit > 0, "clip_by_value", "limit is ", limit, ", expected limit > 0");
    const double norm = global_norm(parameters);
    if (!std::isfinite(norm))
        return norm;
    for (const auto& named : parameters)
        named.parameter->each_run([&](Index first, Index count) {
            kernel::vector_functions<Scalar>().clip(static_cast<Scalar>(limit), named.parameter->grad.data() + first,
                                                    count);
        });
    return norm;
}

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

template <class Scalar>
std::string first_non_finite(const std::vector<NamedParameter<Scalar>>& parameters) {
    for (const auto& named : parameters) {
        bool finite = true;
        named.parameter->each_run([&](Index first, Index count) {
            finite = finite && detail::non_finite_at(named.parameter->grad.data() + first, count) == count;
        });
        if (!finite)
            return named.name;
    }
    return {};
}

#endif

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_CLIP(S)                                                                        \
    template double carousel::global_norm(const std::vector<carousel::NamedParameter<S>>&);                 \
    template double carousel::clip_by_value(const std::vector<carousel::NamedParameter<S>>&, double);       \
    template double carousel::clip_by_norm(const std::vector<carousel::NamedParameter<S>>&, double);        \
    template double carousel::clip_by_global_norm(const std::vector<carousel::NamedParameter<S>>&, double); \
    template std::string carousel::first_non_finite(const std::vector<carousel::NamedParameter<S>>&);       \
    template double carousel::detail::squared_norm(const carousel::Parameter<S>&)
