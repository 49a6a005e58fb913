// StreamPart: how one layer runs sample by sample. This header has the template; the headers beside it specialise it for the
// library's layers.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <type_traits>

namespace carousel::inline CAROUSEL_ABI {

inline namespace CAROUSEL_ISA {

/// A Stream has a StreamPart for every layer of its model. Specialise the template for a layer L of your own:
///
///     explicit StreamPart(const L&);                 // packs the weights; throws if the layer can't be streamed
///     StreamPart(const L&, Index features);          // instead, if a layer of that type takes any number of features
///     const S* operator()(const S* x) noexcept;      // one sample in, one out; valid until the next call
///     void reset() noexcept;                         // the state in which a sequence begins
///     bool finite() const noexcept;                  // whether no number of the state is NaN or infinite
///     void get(State& out) const;                    // the layer's State for a batch of one; reuses the memory of `out`
///     void check(const State&) const;                // throws std::invalid_argument if the state doesn't fit
///     void set(const State&) noexcept;               // takes a state that `check` has let through
///     void check_weights(const L&) const;            // throws std::invalid_argument if the sizes differ
///     void set_weights(const L&);                    // packs weights that `check_weights` has let through; keeps the state
///     Index memory() const;                          // bytes that it has on the heap; may be left out, then Stream counts none
///
/// Nothing but the constructor and a `get` into a State of another shape may allocate. Checks are functions of their own
/// because a model has several layers: Stream asks every part before it changes the first.
///
/// With options (Stream stream{model, WeightType::int8}) such a layer runs as without, and so does a layer that it holds, as a wrapper's
/// LSTM. To hand them on, a wrapper specialises OptionPart (stream_options.hpp), too: with the same functions, but for the
/// constructor, and with the inner layer's part in place of its StreamPart:
///
///     template <class Inner, bool narrow, bool fast>
///     class carousel::OptionPart<Wrapper<Inner>, float, narrow, fast> {
///         using Parts = carousel::detail::OptionParts<float, narrow, fast>;
///         typename Parts::template Part<Inner> part_;
///
///       public:
///         static constexpr bool as_ever = !carousel::detail::changed_by_options<Inner, float, narrow, fast>;
///         OptionPart(const Wrapper<Inner>& layer, Index features, const carousel::detail::StreamOptions& options)
///             : part_(Parts{options}(layer.inner(), features)) {}
///         …
///
/// A layer that can't be streamed has, as this one, nothing but the reason, for a Model that holds it (null is no reason), and a
/// constructor that doesn't compile.
template <class L, class S>
class StreamPart {
  public:
    /// What the message says.
    static constexpr const char* why_not = "there is no StreamPart for it";
    /// Doesn't compile.
    explicit StreamPart(const L&) {
        static_assert(sizeof(L) == 0, "Stream: this layer can't be streamed, for there is no StreamPart for it");
    }
};

} // namespace CAROUSEL_ISA

namespace detail {

/// Why a layer of this type can never be streamed; null if it can.
template <class L, class S>
constexpr const char* why_not_streamed() {
    if constexpr (requires { StreamPart<L, S>::why_not; })
        return StreamPart<L, S>::why_not;
    else
        return nullptr;
}

/// The part of a layer that is given so many features.
template <class L, class S>
StreamPart<L, S> stream_part(const L& layer, Index features) {
    if constexpr (std::is_constructible_v<StreamPart<L, S>, const L&, Index>)
        return StreamPart<L, S>(layer, features);
    else
        return StreamPart<L, S>(layer);
}

/// Bytes that a part has on the heap.
template <class Part>
Index memory_of(const Part& part) {
    if constexpr (requires { part.memory(); })
        return part.memory();
    else
        return 0;
}
/// Bytes of a matrix' numbers.
template <class Derived>
Index memory_of(const Eigen::PlainObjectBase<Derived>& matrix) {
    return matrix.size() * static_cast<Index>(sizeof(typename Derived::Scalar));
}

/// Throws std::invalid_argument unless the parameter `what` of a layer has the shape that the layer gave it.
template <class S>
void require_weights(const char* where, const char* layer, const char* what, const Matrix<S>& value, Index rows,
                     Index columns) {
    require(value.rows() == rows && value.cols() == columns, where, what, " of the ", layer, " layer is ", value.rows(),
            " x ", value.cols(), ", expected ", rows, " x ", columns, "; give it a value of that shape");
}

} // namespace detail

} // namespace carousel
