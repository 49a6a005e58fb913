// stack: n layers that one function makes, one after the other, as many as the program says when it runs.
#pragma once

#include "carousel/layer/stack.hpp"
#include "carousel/model/model.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// A Model of n layers make(0), make(1) …, or make(), each with a Scalar; its type is known, what is in it is not:
///
///     Model<float> model{Dense<float>{8, 32}};
///     model.add(stack(depth, [] { return Residual{GRU<float>{32, 32}}; }));
///     model.add(Dense<float>{32, 1});
///
/// Throws std::invalid_argument unless n >= 1, and as Model::add does if one doesn't take what the one before it gives.
template <class Make>
auto stack(AnyIndex n, Make&& make) {
    require(n >= 1, "stack", "n is ", Index(n), ", expected at least 1");
    using L = decltype(detail::made(make, 0));
    Model<typename L::Scalar> model;
    for (Index k = 0; k < n; ++k)
        model.add(detail::made(make, k));
    return model;
}

} // namespace carousel
