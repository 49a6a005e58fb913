// StreamPart: how a layer runs sample by sample. The template to specialise; for the library's layers the files beside
// this one do so.
#pragma once

namespace carousel {

/// How a layer runs sample by sample: specialise it for a layer of your own, with
///
///     explicit StreamPart(const L&);                 // packs the weights; may throw
///     const S* operator()(const S* x) noexcept;      // one sample in, one out; valid until the next call
///     void reset() noexcept;
///     void get(State<S>&) const;                     // the layer's State for a batch of one
///     void set(const State<S>&);                     // throws std::invalid_argument if it doesn't fit
template <class L, class S>
class StreamPart {
    static_assert(sizeof(L) == 0, "Stream: this layer can't be streamed, for there is no StreamPart for it");
};

} // namespace carousel
