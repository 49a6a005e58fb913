// LayerRow: what a row of layers can tell and do, whether its types are known at compile time (Sequential) or not (Model).
#pragma once

#include "carousel/core/function_ref.hpp"
#include "carousel/layer/attention_memory.hpp"
#include "carousel/layer/each_parameter.hpp"
#include "carousel/layer/layer.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Throws std::invalid_argument "where: layer k (name): what", without the name of the function that begins `what`.
[[noreturn]] CAROUSEL_INLINE void refuse_in_layer(const char* where, Index k, const std::string& name,
                                                  std::string what);

/// "k.layer.part"
CAROUSEL_INLINE std::string path_in_row(std::size_t k, const std::string& layer, const std::string& part);

/// f(), and what it refuses is said with its place: "Sequential: layer 2 (Dense): x has 8 features, expected 16".
CAROUSEL_INLINE void in_layer(const char* where, Index k, FunctionRef<std::string()> name, FunctionRef<void()> f);
template <class L, class F>
auto in_layer(const char* where, std::size_t k, const L& layer, F&& f) {
    const auto name = [&layer] { return std::string(layer.name()); };
    using Result = std::invoke_result_t<F&>;
    if constexpr (std::is_void_v<Result>) {
        in_layer(where, static_cast<Index>(k), FunctionRef<std::string()>(name), FunctionRef<void()>(f));
    } else {
        Result result{};
        in_layer(where, k, layer, [&] { result = f(); });
        return result;
    }
}

#ifdef CAROUSEL_BODIES

CAROUSEL_INLINE void refuse_in_layer(const char* where, Index k, const std::string& name, std::string what) {
    const std::size_t colon = what.find(": ");
    if (colon < what.find(' '))
        what.erase(0, colon + 2);
    fail<std::invalid_argument>(std::string(where) + ": layer " + decimal(k) + " (" + name + "): " + what);
}

CAROUSEL_INLINE std::string path_in_row(std::size_t k, const std::string& layer, const std::string& part) {
    return decimal(static_cast<Index>(k)) + "." + layer + "." + part;
}

CAROUSEL_INLINE void in_layer(const char* where, Index k, FunctionRef<std::string()> name, FunctionRef<void()> f) {
    instead_of<std::invalid_argument>(
        f, [&](const std::invalid_argument& error) { refuse_in_layer(where, k, name(), error.what()); });
}

#endif

/// The functions of a row of layers that don't depend on how it holds them. `Row` has each_layer(f(k, layer)), infer,
/// and kind, its name in messages.
template <class Row, class S>
class LayerRow : public EachParameter<Row> {
  public:
    static constexpr bool same_input = false; ///< each layer is given what the one before it gives

    /// Also a Model's, whose parameters so have the names of the equal Sequential's.
    std::string name() const { return "Sequential"; }

    /// Of the first layer that knows; 0 if none does.
    Index input_size() const {
        Index features = 0;
        row().each_layer([&](std::size_t, const auto& layer) {
            if (features == 0)
                features = detail::input_size(layer);
        });
        return features;
    }
    Index output_size(Index input) const {
        row().each_layer([&](std::size_t k, const auto& layer) {
            in_layer(Row::kind, k, layer, [&] { input = layer.output_size(input); });
        });
        return input;
    }
    Index output_length(Index length) const {
        row().each_layer([&](std::size_t, const auto& layer) { length = detail::output_length(layer, length); });
        return length;
    }
    /// The fewest steps of x that leave every layer as many as it needs; if none do, as many as all need together.
    Index least_steps() const {
        constexpr Index limit = power_of_two(40); // more than any sequence has
        std::vector<Index> needs;
        Index all = 0;
        row().each_layer([&](std::size_t, const auto& layer) {
            needs.push_back(std::min(detail::least_steps(layer), limit));
            all = std::min(all + needs.back(), limit);
        });
        const auto enough = [&](Index length) {
            bool holds = true;
            row().each_layer([&](std::size_t k, const auto& layer) {
                holds = holds && length >= needs[k];
                length = holds ? detail::output_length(layer, length) : 0;
            });
            return holds;
        };
        if (all == 0 || !enough(limit))
            return all;
        Index few = -1, many = limit; // too few, and enough: a layer makes no fewer steps of more
        while (many - few > 1)
            (enough(few + (many - few) / 2) ? many : few) = few + (many - few) / 2;
        return many;
    }

    /// Names are "k.Layer.setting".
    template <class F>
    void each_setting(F&& f) const {
        row().each_layer([&](std::size_t k, const auto& layer) {
            detail::each_setting(layer, path_in_row(k, layer.name(), ""), f);
        });
    }
    /// f(layer) for every one.
    template <class F>
    void each_inner(F&& f) const {
        row().each_layer([&](std::size_t, const auto& layer) { f(layer); });
    }

    /// f(whether it is what an Attention remembers) for each matrix of the State in turn.
    template <class F>
    void each_memory(F&& f) const {
        row().each_layer([&](std::size_t, const auto& layer) { detail::each_memory<S>(layer, f); });
    }

    void initialize(Random& random) {
        row().each_layer([&](std::size_t, auto& layer) { layer.initialize(random); });
    }
    /// Draws every parameter anew: one seed, one model.
    void initialize(std::uint64_t seed) {
        Random random(seed);
        initialize(random);
    }

    /// Inference, the output copied out: const and without shared state, so threads may share the model.
    Sequence<S> operator()(SequenceView<S> x) const {
        typename Row::Tape tape;
        const auto y = row().infer(x, tape);
        return Sequence<S>(Matrix<S>(y.values()), y.batch(), {y.lengths().begin(), y.lengths().end()});
    }
    Sequence<S> operator()(const Sequence<S>& x) const { return (*this)(x.view()); }

  protected:
    LayerRow() = default;

    /// Throws std::invalid_argument, naming the layer, unless each takes as many features as the one before it gives (any
    /// number fits LastStep, Dropout …) and tokens come first.
    void check_row() const {
        Index features = 0;
        bool tokens = true; // may come
        row().each_layer([&](std::size_t k, const auto& layer) {
            in_layer(Row::kind, k, layer, [&] {
                require(tokens || !takes_tokens(layer), Row::kind,
                        "the layer takes tokens, so it must be the first: no gradient goes through it");
                tokens = tokens && passes_tokens(layer);
                if (features == 0)
                    features = detail::input_size(layer);
                if (features > 0)
                    features = layer.output_size(features);
            });
        });
    }

  private:
    Row& row() { return static_cast<Row&>(*this); }
    const Row& row() const { return static_cast<const Row&>(*this); }

    friend EachParameter<Row>;
    /// f(name, parameter) for every one, const if `self` is. Names are "k.Layer.parameter".
    template <class Self, class F>
    static void visit_parameters(Self& self, F& f) {
        self.each_layer([&](std::size_t k, auto& layer) {
            layer.each_parameter(
                [&](const std::string& name, auto& parameter) { f(path_in_row(k, layer.name(), name), parameter); });
        });
    }
};

} // namespace carousel::detail
