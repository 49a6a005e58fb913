// The States of a row of layers that is decided at run time, as one list of matrices.
#pragma once

#include "carousel/model/any_layer.hpp"

#include <span>

namespace carousel::inline CAROUSEL_ABI::detail {

/// The matrices of a State, if there is one.
template <class List>
auto all_matrices(List* state) {
    return state ? std::span(*state) : decltype(std::span(*state))();
}
/// The matrices of one layer, taken from the front of the rest; of an empty list none.
template <class M, class S>
std::span<M> taken(std::span<M>& rest, const AnyLayer<S>& layer) {
    const std::size_t count = rest.empty() ? 0 : static_cast<std::size_t>(layer.states());
    const auto own = rest.first(count);
    rest = rest.subspan(count);
    return own;
}
/// The same from the end of the rest.
template <class M, class S>
std::span<M> taken_last(std::span<M>& rest, const AnyLayer<S>& layer) {
    const auto own = rest.last(rest.empty() ? 0 : static_cast<std::size_t>(layer.states()));
    rest = rest.first(rest.size() - own.size());
    return own;
}

} // namespace carousel::detail
