// greedy and sample: from logits to a class.
#pragma once

#include "carousel/core/random.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <span>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

template <std::floating_point S>
Index largest_logit(const char* where, std::span<const S> logits) {
    require(!logits.empty(), where, "there are no logits");
    std::size_t best = 0;
    for (std::size_t k = 0; k < logits.size(); ++k) {
        require(logits[k] < std::numeric_limits<S>::infinity(), where, "logit ", k, " is ", logits[k],
                ", expected a number below infinity");
        if (logits[k] > logits[best])
            best = k;
    }
    require(std::isfinite(logits[best]), where, "every logit is ", logits[best], ", expected one that is finite");
    return static_cast<Index>(best);
}

} // namespace detail

/// greedy(logits): the class of the largest one, of equals the first. −∞ stands for a class that is never chosen.
/// Throws std::invalid_argument if a logit is NaN or +∞, or none is finite. It is a function object, so that it can be
/// given to generate().
inline constexpr struct Greedy {
    /// The class of the largest logit.
    template <std::floating_point S>
    Index operator()(std::span<const S> logits) const {
        return detail::largest_logit("greedy", logits);
    }
} greedy{}; ///< greedy(logits)

/// Draws a class with the probabilities softmax(logits / temperature), with one number of `random`. The lower the temperature, the
/// likelier is the class of the largest logit; at 0 it is that class, and nothing is drawn. Throws std::invalid_argument as greedy does,
/// or unless temperature is finite and >= 0.
template <std::floating_point S>
Index sample(std::span<const S> logits, double temperature, Random& random) {
    require(temperature >= 0 && std::isfinite(temperature), "sample", "temperature is ", temperature,
            ", expected a finite number >= 0");
    const Index best = detail::largest_logit("sample", logits);
    if (temperature == 0)
        return best;
    const double largest = static_cast<double>(logits[static_cast<std::size_t>(best)]);
    const auto likelihood = [&](S logit) { return std::exp((static_cast<double>(logit) - largest) / temperature); };
    double sum = 0;
    for (const S logit : logits)
        sum += likelihood(logit);
    double rest = sum * random.uniform();
    for (std::size_t k = 0; k < logits.size(); ++k)
        if (const double p = likelihood(logits[k]); rest < p)
            return static_cast<Index>(k);
        else
            rest -= p;
    return best; // reached where rounding leaves the sum of all below the number drawn
}

} // namespace carousel
