// stack: n layers that one function makes, one after the other.
#pragma once

#include "carousel/layer/sequential.hpp"

#include <concepts>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// What makes the k-th layer, told k or not.
template <class Make>
auto made(Make& make, Index k) {
    if constexpr (std::invocable<Make&, Index>)
        return make(k);
    else
        return make();
}

} // namespace detail

/// A Sequential of n layers make(0), make(1) …, or make(), which are of one type:
///
///     Sequential model{Dense<float>{8, 32}, stack<6>([] { return Residual{GRU<float>{32, 32}}; }), Dense<float>{32, 1}};
///
/// Each is a row of its own there, with parameters "1.Sequential.0.Residual.…". stack(n, make) (model/stack.hpp) is the same for an n of
/// run time.
template <std::size_t n, class Make>
auto stack(Make&& make) {
    static_assert(n >= 1, "stack: at least one layer");
    return [&]<std::size_t... k>(std::index_sequence<k...>) {
        using Row =
            Sequential<decltype(detail::made(make, static_cast<Index>(k)))...>; // named: Sequential{row} is that row
        return Row(detail::made(make, static_cast<Index>(k))...);
    }
    (std::make_index_sequence<n>{});
}

} // namespace carousel
