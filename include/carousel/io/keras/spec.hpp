// What the layers of a Keras model are, said in numbers, and which variables each has in a file.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/io/keras/activation.hpp"
#include "carousel/layer/merge.hpp"

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

/// A model may have so many layers.
inline constexpr std::size_t most_layers = 1000;

/// Which steps of a recurrent layer's outputs the next layer is given: all, or those of `return_sequences=False`. A layer
/// that runs in reverse ends at the first.
enum class Outputs { all, last, first, both };

struct RecurrentSpec {
    enum class Cell { lstm, gru_after, gru_before, simple } cell;
    Index units;
    Activation activation = Activation::tanh, gate = Activation::sigmoid;
    bool bias = true;
    double input_dropout = 0, recurrent_dropout = 0;
    bool reverse = false;
    bool stateful = false;
    Outputs outputs = Outputs::all;
};
struct BidirectionalSpec {
    Merge merge;
    RecurrentSpec forward;
    Outputs outputs = Outputs::all;
};
struct DenseSpec {
    Index units;
    Function function = {};
    bool bias = true;
};
struct Conv1DSpec {
    Index filters, kernel, stride = 1, dilation = 1;
    bool causal = false;
    Function function = {};
    bool bias = true;
};
struct EmbeddingSpec {
    Index vocabulary, size;
};
struct DropoutSpec {
    double rate;
    bool per_sequence = false;
};
struct BatchNormSpec {
    double epsilon;
    bool scale = true, center = true;
};
struct LayerNormSpec {
    double epsilon;
    bool scale = true, center = true;
};

struct PReluSpec {};         ///< a slope for each feature, or one for all
struct NormalizationSpec {}; ///< y = (x − mean) / deviation
struct SkipBeginSpec {};     ///< what comes next, up to its SkipEndSpec, has its input added to its output
struct SkipEndSpec {};

using Spec =
    std::variant<RecurrentSpec, BidirectionalSpec, DenseSpec, Conv1DSpec, EmbeddingSpec, DropoutSpec, BatchNormSpec,
                 LayerNormSpec, PReluSpec, NormalizationSpec, SkipBeginSpec, SkipEndSpec, Function>;

/// A layer's class, and how many of this class stand before it among the layers of its model.
struct ClassNumber {
    std::string name, class_name;
    Index number = 0;
};

struct LayerDescription {
    std::string name, class_name;
    Index number = 0;     ///< how many layers of this class stand before it
    std::string label;    ///< how messages begin: "layer "lstm" (LSTM): "
    bool wrapped = false; ///< within a TimeDistributed
    Spec spec;
    std::vector<ClassNumber> within = {}; ///< the models inside the model that it is a layer of, the outermost first
    bool trainable = true;
    bool reverse_trainable = true; ///< of a Bidirectional layer the one that runs backward; `trainable` is of the other
    std::vector<std::size_t> places = {}; ///< of such a layer's variables among all of the outermost of these models,
    std::size_t all = 0;                  ///< which are so many
};

/// Whether Keras may have saved its state beside its weights.
inline bool is_stateful(const Spec& spec) {
    if (const auto* const recurrent = std::get_if<RecurrentSpec>(&spec))
        return recurrent->stateful;
    const auto* const both = std::get_if<BidirectionalSpec>(&spec);
    return both && both->forward.stateful;
}

/// How many variables a layer has, the parts that Keras 3 keeps them in, and the number of those of each part.
struct VariableParts {
    std::vector<std::string> parts;
    std::size_t each;
};
inline VariableParts variable_parts(const LayerDescription& layer) {
    struct {
        std::size_t operator()(const RecurrentSpec& r) const { return r.bias ? 3 : 2; }
        std::size_t operator()(const BidirectionalSpec& b) const { return (*this)(b.forward); }
        std::size_t operator()(const DenseSpec& d) const { return d.bias ? 2 : 1; }
        std::size_t operator()(const Conv1DSpec& c) const { return c.bias ? 2 : 1; }
        std::size_t operator()(const EmbeddingSpec&) const { return 1; }
        std::size_t operator()(const DropoutSpec&) const { return 0; }
        std::size_t operator()(const BatchNormSpec& b) const { return 2U + b.scale + b.center; }
        std::size_t operator()(const LayerNormSpec& n) const { return 0U + n.scale + n.center; }
        std::size_t operator()(const PReluSpec&) const { return 1; }
        std::size_t operator()(const NormalizationSpec&) const { return 2; }
        std::size_t operator()(const SkipBeginSpec&) const { return 0; }
        std::size_t operator()(const SkipEndSpec&) const { return 0; }
        std::size_t operator()(const Function&) const { return 0; }
    } count;
    std::vector<std::string> parts{layer.wrapped ? "layer" : ""};
    if (std::holds_alternative<RecurrentSpec>(layer.spec))
        parts = {"cell"};
    if (std::holds_alternative<BidirectionalSpec>(layer.spec))
        parts = {"forward_layer/cell", "backward_layer/cell"};
    return {parts, std::visit(count, layer.spec)};
}
/// How many variables a layer has in a file after those that say what it computes: a Normalization counts steps.
inline std::size_t further_count(const LayerDescription& layer) {
    return std::holds_alternative<NormalizationSpec>(layer.spec) ? 1 : 0;
}

/// How many they are together.
inline std::size_t variable_count(const LayerDescription& layer) {
    const auto [parts, each] = variable_parts(layer);
    return parts.size() * each;
}

/// Whether Keras trains the n-th variable of a layer.
inline bool is_trained(const LayerDescription& layer, std::size_t n) {
    const std::size_t count = variable_count(layer);
    if (std::holds_alternative<BidirectionalSpec>(layer.spec))
        return n < count / 2 ? layer.trainable : layer.reverse_trainable;
    if (std::holds_alternative<NormalizationSpec>(layer.spec))
        return false;
    const bool statistics = std::holds_alternative<BatchNormSpec>(layer.spec) && n + 2 >= count;
    return layer.trainable && !statistics;
}

/// Finds the places of the variables of layers that are in models inside the model: an .h5 file has one list for such a
/// model, of all that is trained in the order of the layers, then of all that isn't.
inline void place_variables(std::vector<LayerDescription>& layers) {
    const auto in_same = [](const LayerDescription& a, const LayerDescription& b) {
        return !a.within.empty() && !b.within.empty() && a.within[0].name == b.within[0].name;
    };
    for (std::size_t first = 0, end = 0; first < layers.size(); first = end) {
        for (end = first + 1; end < layers.size() && in_same(layers[first], layers[end]);)
            ++end;
        if (layers[first].within.empty())
            continue;
        std::size_t all = 0;
        for (const bool trained : {true, false})
            for (std::size_t k = first; k < end; ++k) {
                layers[k].places.resize(variable_count(layers[k]));
                for (std::size_t n = 0; n < layers[k].places.size(); ++n)
                    if (is_trained(layers[k], n) == trained)
                        layers[k].places[n] = all++;
                if (!trained)
                    all += further_count(layers[k]);
            }
        for (std::size_t k = first; k < end; ++k)
            layers[k].all = all;
    }
}

} // namespace carousel::detail::keras
