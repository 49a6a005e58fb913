// What a Stream may be told beside its model: WeightType::bfloat16, WeightType::int16, WeightType::int8 (weight_type.hpp), and fast_gates. And
// how its parts are made then: a Stream that is told nothing has none of this.
#pragma once

#include "carousel/cell/gru.hpp"
#include "carousel/cell/lstm.hpp"
#include "carousel/stream/narrow/memory.hpp"
#include "carousel/stream/stream_part.hpp"
#include "carousel/stream/weight_type.hpp"

#include <concepts>

namespace carousel::inline CAROUSEL_ABI {

/// Stream stream{model, fast_gates}: LSTM and GRU layers with σ and tanh (StandardGates) run as if they had FastGates. Those with
/// ChosenGates or gates of your own, a SimpleRNN and cells of your own keep their functions. An option that changes nothing of a model
/// is accepted.
struct FastGatesOption {};
/// The option that says so.
inline constexpr FastGatesOption fast_gates = {};

/// What may stand behind the model: a WeightType, or fast_gates.
template <class Option>
concept StreamOption = std::same_as<Option, WeightType> || std::same_as<Option, FastGatesOption>;

namespace detail {

/// All options of a Stream as values.
struct StreamOptions {
    bool narrow = false, fast = false;
    WeightType weights = {};                            ///< if narrow
    const stream::NarrowFunctions* functions = nullptr; ///< if narrow

    void take(WeightType type) { narrow = true, weights = type; }
    void take(FastGatesOption) { fast = true; }
};

/// The cell that runs in place of C with fast_gates.
template <class C>
struct FastCellOf {
    using type = C;
};
template <bool coupled>
struct FastCellOf<LstmCell<float, coupled, StandardGates>> {
    using type = LstmCell<float, coupled, FastGates>;
};
template <Reset reset>
struct FastCellOf<GruCell<float, reset, StandardGates>> {
    using type = GruCell<float, reset, FastGates>;
};
template <class C, bool fast>
using RunCell = std::conditional_t<fast, typename FastCellOf<C>::type, C>;

/// The cell with the functions of `Run`.
template <class Run, class C>
Run run_as(const C& cell) {
    if constexpr (std::same_as<Run, C>)
        return cell;
    else if constexpr (requires { cell.peephole; })
        return Run{cell.peephole};
    else
        return Run{};
}

} // namespace detail

inline namespace CAROUSEL_ISA {

/// How a layer L is streamed with narrow weights or fast gates, or both. Layers that have neither are streamed as ever; the headers
/// beside this one specialise the template for those that have, and for those that hold other layers. So may you, for a layer of your
/// own that holds one of these (StreamPart says how).
template <class L, class S, bool narrow, bool fast>
class OptionPart : public StreamPart<L, S> {
  public:
    static constexpr bool as_ever = true; ///< the options change nothing; others have it as false
    /// Made as the StreamPart is.
    OptionPart(const L& layer, Index features, const detail::StreamOptions&)
        : StreamPart<L, S>(detail::stream_part<L, S>(layer, features)) {}
};

} // namespace CAROUSEL_ISA

namespace detail::inline CAROUSEL_ISA {

/// How the parts of a layer's layers are made: as ever, or with options.
template <class S>
struct PlainParts {
    template <class L>
    using Part = StreamPart<L, S>;
    template <class L>
    Part<L> operator()(const L& layer, Index features) const {
        return stream_part<L, S>(layer, features);
    }
};

template <class L, class S, bool narrow, bool fast>
struct PartWithOptions {
    using type = OptionPart<L, S, narrow, fast>;
};

template <class S, bool narrow, bool fast>
struct OptionParts {
    template <class L>
    using Part = typename PartWithOptions<L, S, narrow, fast>::type;
    template <class L>
    Part<L> operator()(const L& layer, Index features) const {
        return Part<L>(layer, features, options);
    }

    const StreamOptions& options;
};

/// Whether these options change how the layer is streamed.
template <class L, class S, bool narrow, bool fast>
inline constexpr bool changed_by_options = !OptionParts<S, narrow, fast>::template Part<L>::as_ever;

} // namespace detail

} // namespace carousel
