// put_token: a token as the input of a net.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <algorithm>
#include <span>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Writes a token as the input of a net: its number if the net has one input feature (a net that begins with an Embedding), else a 1
/// in the token's place and 0 in all others. `where` begins the message.
template <class S>
void put_token(std::span<S> x, Index token, const char* where) {
    const auto inputs = static_cast<Index>(x.size());
    require(token >= 0 && (inputs == 1 || token < inputs), where, "token is ", token, ", expected ",
            inputs == 1 ? "at least 0" : "0 … " + decimal(inputs - 1));
    std::fill(x.begin(), x.end(), S(0));
    x[inputs == 1 ? 0 : static_cast<std::size_t>(token)] = inputs == 1 ? static_cast<S>(token) : S(1);
}

} // namespace carousel::detail
