// VoicesPart: how one layer runs for many voices, a column each. This header has the template; voices/layer_parts.hpp and
// voices/recurrent_part.hpp specialise it for the library's layers.
#pragma once

#include "carousel/core/buffer.hpp"
#include "carousel/core/require.hpp"
#include "carousel/layer/layer.hpp"
#include "carousel/stream/stream_part.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// Throws std::invalid_argument with what a StreamPart said, in words of Voices.
[[noreturn]] CAROUSEL_INLINE void refuse_as_voices(std::string what);

#ifdef CAROUSEL_BODIES

CAROUSEL_INLINE void refuse_as_voices(std::string what) {
    constexpr const char* words[][2] = {
        {"a new Stream", "new Voices"}, {"the stream's", "the voices'"}, {"Stream", "Voices"}};
    for (const auto& [from, to] : words)
        for (std::size_t at = 0; (at = what.find(from, at)) != std::string::npos; at += std::strlen(to))
            what.replace(at, std::strlen(from), to);
    fail<std::invalid_argument>(what);
}

#endif

/// f(), of a StreamPart; what it refuses is said in words of Voices.
template <class F>
void as_voices(F&& f) {
    instead_of<std::invalid_argument>(f, [](const std::invalid_argument& error) { refuse_as_voices(error.what()); });
}

} // namespace detail

inline namespace CAROUSEL_ISA {

/// Voices have a VoicesPart for every layer of their model. It has
///
///     VoicesPart(const L&, Index features, Index capacity);        // packs the weights; throws if the layer can't be streamed
///     const S* operator()(const S* x, Index columns) noexcept;     // one sample of the first `columns` columns, features × columns
///     void reset(Index column) noexcept;                           // and the other functions of a StreamPart, of a column:
///     bool finite(Index column) const noexcept;
///     void get(Index column, State& out) const;
///     void check(const State&) const;
///     void set(Index column, const State&) noexcept;
///     void swap(Index a, Index b) noexcept;                        // the states of two columns change places
///     void check_weights(const L&) const;
///     void set_weights(const L&);
///
/// This one runs any layer that has a StreamPart, yours, too: one for all voices if the layer has no state, else one for each,
/// with weights of its own. Specialise it for a layer that can do better.
template <class L, class S>
class VoicesPart {
    using State = StateOf<L, S>;
    static constexpr bool shared = std::is_same_v<State, NoState>;

  public:
    VoicesPart(const L& layer, Index features, Index capacity)
        : features_(features), outputs_(layer.output_size(features)) {
        detail::as_voices([&] {
            const auto count = static_cast<std::size_t>(shared ? 1 : capacity);
            parts_ = std::vector<StreamPart<L, S>>(count, detail::stream_part<L, S>(layer, features));
        });
        for (std::size_t k = 0; k < parts_.size(); ++k)
            places_.push_back(k);
        y_.zeros(outputs_ * capacity);
    }

    const S* operator()(const S* x, Index columns) noexcept {
        for (Index column = 0; column < columns; ++column)
            std::copy_n(part(column)(x + column * features_), outputs_, y_.data() + column * outputs_);
        return y_.data();
    }

    void reset(Index column) noexcept { part(column).reset(); }
    bool finite(Index column) const noexcept { return part(column).finite(); }
    void get(Index column, State& out) const { part(column).get(out); }
    void check(const State& in) const {
        detail::as_voices([&] { parts_[0].check(in); });
    }
    void set(Index column, const State& in) noexcept { part(column).set(in); }
    void swap(Index a, Index b) noexcept {
        if constexpr (!shared)
            std::swap(places_[static_cast<std::size_t>(a)], places_[static_cast<std::size_t>(b)]);
    }
    void check_weights(const L& layer) const {
        detail::as_voices([&] { parts_[0].check_weights(layer); });
    }
    void set_weights(const L& layer) {
        for (auto& part : parts_)
            part.set_weights(layer);
    }

  private:
    std::size_t place(Index column) const { return shared ? 0 : places_[static_cast<std::size_t>(column)]; }
    StreamPart<L, S>& part(Index column) { return parts_[place(column)]; }
    const StreamPart<L, S>& part(Index column) const { return parts_[place(column)]; }

    std::vector<StreamPart<L, S>> parts_;
    std::vector<std::size_t> places_; ///< of each column's part
    Index features_, outputs_;
    Buffer<S> y_;
};

} // namespace CAROUSEL_ISA

namespace detail {

/// The functions of a VoicesPart that has no state.
template <class S>
struct StatelessVoices {
    void reset(Index) noexcept {}
    bool finite(Index) const noexcept { return true; }
    void get(Index, NoState&) const {}
    void check(const NoState&) const {}
    void set(Index, const NoState&) noexcept {}
    void swap(Index, Index) noexcept {}
};

} // namespace detail

} // namespace carousel
