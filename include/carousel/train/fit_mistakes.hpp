// Overloads of fit that a call with a common mistake meets, so that the compiler says what is wrong and not why each
// of the right ones doesn't fit.
#pragma once

#include "carousel/loss/loss.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/train/fit_options.hpp"
#include "carousel/train/sample_source.hpp"

#include <concepts>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

template <class T>
inline constexpr bool is_optimizer = OptimizerRule<T>;
template <class Rule, class S>
inline constexpr bool is_optimizer<Optimizer<Rule, S>> = true;

/// Whether these stand in the places of the loss and of the optimizer, and each is what belongs in the other's.
template <class InPlaceOfLoss, class InPlaceOfOptimizer>
concept Swapped = is_optimizer<InPlaceOfLoss> && Loss<InPlaceOfOptimizer>;

/// Whether this has samples, and of another scalar type than the model.
template <class Data, class Model>
inline constexpr bool other_scalar = false;
template <class Data, class Model>
requires std::convertible_to<const Data&, SampleSource<typename Data::Scalar>> && requires {
    typename Model::Scalar;
}
inline constexpr bool other_scalar<Data, Model> = !std::same_as<typename Data::Scalar, typename Model::Scalar>;

/// Doesn't compile, and says why.
template <class Data, class Model, class InPlaceOfLoss, class InPlaceOfOptimizer>
void refuse() {
    static_assert(
        !Swapped<InPlaceOfLoss, InPlaceOfOptimizer>,
        "fit: the loss comes before the optimizer: fit(model, data, MeanSquaredError{}, Adam{}, {.epochs = 10})");
    static_assert(!other_scalar<Data, Model>, "fit: the numbers of the data set and of the model are of "
                                              "different types: both must be float, or both double");
}

} // namespace detail

template <class Model, class Data, class InPlaceOfLoss, class InPlaceOfOptimizer>
requires(detail::Swapped<InPlaceOfLoss, InPlaceOfOptimizer> || detail::other_scalar<Data, Model>) History
    fit(Model&, const Data&, const InPlaceOfLoss&, const InPlaceOfOptimizer&, const FitOptions& = {}) {
    detail::refuse<Data, Model, InPlaceOfLoss, InPlaceOfOptimizer>();
    return {};
}

template <class Model, class Data, class Validation, class InPlaceOfLoss, class InPlaceOfOptimizer>
requires(detail::Swapped<InPlaceOfLoss, InPlaceOfOptimizer> || detail::other_scalar<Data, Model> ||
         detail::other_scalar<Validation, Model>) History
    fit(Model&, const Data&, const Validation&, const InPlaceOfLoss&, const InPlaceOfOptimizer&,
        const FitOptions& = {}) {
    detail::refuse<Data, Model, InPlaceOfLoss, InPlaceOfOptimizer>();
    detail::refuse<Validation, Model, InPlaceOfLoss, InPlaceOfOptimizer>();
    return {};
}

} // namespace carousel
