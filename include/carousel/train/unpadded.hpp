// unpadded: sequences that come padded in front, or with steps masked out, as ragged ones.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/core/require.hpp"
#include "carousel/core/sequence.hpp"
#include "carousel/train/dataset.hpp"

#include <algorithm>
#include <concepts>
#include <functional>
#include <span>
#include <type_traits>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// The steps for which real(t, b), moved to the front.
template <class S>
Sequence<S> compacted(const SequenceView<S>& x, const std::function<bool(Index t, Index b)>& real);

template <class S>
std::vector<Index> real_lengths(const SequenceView<S>& x, S padding);
inline void require_lengths(std::span<const Index> lengths, Index steps, Index batch);

} // namespace detail

/// Sequences that are padded in front, as Keras' pad_sequences makes them, of which the last lengths[b] steps are real: they move
/// to the front, and the lengths become those of the result (none, if every step is real). A model then makes of each sequence
/// what it makes of it alone. Throws std::invalid_argument unless there is a length, 0 … steps, for each, and x has none itself.
template <std::floating_point S>
Sequence<S> unpadded(SequenceView<S> x, std::type_identity_t<std::span<const Index>> lengths) {
    require(!x.ragged(), "unpadded", "x has lengths already, expected sequences padded in front");
    detail::require_lengths(lengths, x.steps(), x.batch());
    return detail::compacted<S>(
        x, [&](Index t, Index b) { return t >= x.steps() - lengths[static_cast<std::size_t>(b)]; });
}

/// The same where the steps in front whose features are all `padding`, which may be NaN, are none; of those further
/// back each is real.
template <std::floating_point S>
Sequence<S> unpadded(SequenceView<S> x, std::type_identity_t<S> padding) {
    return unpadded(x, detail::real_lengths(x, padding));
}

/// The same by a mask, steps × batch, of which a step is real where it isn't 0: others are left out, also between two that are
/// real, as Keras' layers leave them out. Throws std::invalid_argument if the mask has another shape, or x has lengths.
template <std::floating_point S, class Derived>
Sequence<S> unpadded(SequenceView<S> x, const Eigen::DenseBase<Derived>& mask) {
    require(!x.ragged(), "unpadded", "x has lengths already, expected a mask to say which steps are real");
    require(mask.rows() == x.steps() && mask.cols() == x.batch(), "unpadded", "the mask is ", mask.rows(), " x ",
            mask.cols(), ", expected steps x batch, ", x.steps(), " x ", x.batch());
    const auto& given = mask.derived();
    return detail::compacted<S>(x, [&](Index t, Index b) { return given.coeff(t, b) != typename Derived::Scalar(0); });
}

template <std::floating_point S>
Sequence<S> unpadded(const Sequence<S>& x, std::type_identity_t<std::span<const Index>> lengths) {
    return unpadded(x.view(), lengths);
}
template <std::floating_point S>
Sequence<S> unpadded(const Sequence<S>& x, std::type_identity_t<S> padding) {
    return unpadded(x.view(), padding);
}
template <std::floating_point S, class Derived>
Sequence<S> unpadded(const Sequence<S>& x, const Eigen::DenseBase<Derived>& mask) {
    return unpadded(x.view(), mask);
}

/// A data set whose sequences are padded in front: by their lengths, or, where a number is given, by the padding of x. Targets of as many
/// steps as x are moved as x is; others stay.
template <std::floating_point S>
Dataset<S> unpadded(const Dataset<S>& data, std::type_identity_t<std::span<const Index>> lengths) {
    require(data.y.batch() == data.size(), "unpadded", "x has ", data.size(), " samples and y ", data.y.batch());
    const bool in_step = data.y.steps() == data.x.steps() && data.x.steps() > 1;
    return {unpadded(data.x.view(), lengths), in_step ? unpadded(data.y.view(), lengths) : data.y};
}
template <std::floating_point S>
Dataset<S> unpadded(const Dataset<S>& data, std::type_identity_t<S> padding) {
    return unpadded(data, detail::real_lengths(data.x.view(), padding));
}

namespace detail {

inline void require_lengths(std::span<const Index> lengths, Index steps, Index batch) {
    require(static_cast<Index>(lengths.size()) == batch, "unpadded", lengths.size(),
            " lengths were given for a batch of ", batch);
    for (const Index length : lengths)
        require(length >= 0 && length <= steps, "unpadded", "a length is ", length, ", expected 0 … ", steps);
}

#ifdef CAROUSEL_BODIES

template <class S>
Sequence<S> compacted(const SequenceView<S>& x, const std::function<bool(Index t, Index b)>& real) {
    const Index features = x.features(), batch = x.batch();
    Sequence<S> out(features, x.steps(), batch);
    std::vector<Index> lengths(static_cast<std::size_t>(batch));
    for (Index t = 0; t < x.steps(); ++t)
        for (Index b = 0; b < batch; ++b)
            if (real(t, b)) {
                const Index to = lengths[static_cast<std::size_t>(b)]++;
                std::copy_n(x.data() + (t * batch + b) * features, features, out.data() + (to * batch + b) * features);
            }
    if (std::count(lengths.begin(), lengths.end(), x.steps()) < batch)
        out.set_lengths(lengths);
    return out;
}

template <class S>
std::vector<Index> real_lengths(const SequenceView<S>& x, S padding) {
    std::vector<Index> lengths;
    for (Index b = 0; b < x.batch(); ++b) {
        Index first = 0;
        const auto is_padding = [&] {
            const S* const column = x.data() + (first * x.batch() + b) * x.features();
            return std::all_of(column, column + x.features(),
                               [&](S number) { return number == padding || (is_nan(number) && is_nan(padding)); });
        };
        while (first < x.steps() && is_padding())
            ++first;
        lengths.push_back(x.steps() - first);
    }
    return lengths;
}

#endif

} // namespace detail

} // namespace carousel

/// What carousel::compiled holds of this header.
#define CAROUSEL_INSTANTIATE_UNPADDED(S)                                                                 \
    template carousel::Sequence<S> carousel::detail::compacted(                                          \
        const carousel::SequenceView<S>&, const std::function<bool(carousel::Index, carousel::Index)>&); \
    template std::vector<carousel::Index> carousel::detail::real_lengths(const carousel::SequenceView<S>&, S)
