// A Keras model's layers as ours: the one place where layers are made of what keras/layers.hpp read.
#pragma once

#include "carousel/io/byte_source.hpp"
#include "carousel/io/keras/spec.hpp"
#include "carousel/io/keras/variables.hpp"
#include "carousel/layer/activate.hpp"
#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/layer/softmax.hpp"
#include "carousel/model/model.hpp"

#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

/// f(cell) for the cell that a spec says. The papers' functions are known at compile time, others are chosen.
template <class S, class F>
void with_cell(const RecurrentSpec& spec, F&& f) {
    using Cell = RecurrentSpec::Cell;
    const bool standard = spec.activation == Activation::tanh && spec.gate == Activation::sigmoid;
    const ChosenGates gates{spec.gate, spec.activation, spec.activation};
    switch (spec.cell) {
    case Cell::lstm:
        return standard ? f(LstmCell<S>{}) : f(LstmCell<S, false, ChosenGates>{.gates = gates});
    case Cell::gru_after:
        return standard ? f(GruCell<S, Reset::after>{}) : f(GruCell<S, Reset::after, ChosenGates>{.gates = gates});
    case Cell::gru_before:
        return standard ? f(GruCell<S, Reset::before>{}) : f(GruCell<S, Reset::before, ChosenGates>{.gates = gates});
    case Cell::simple:
        return f(SimpleRnnCell<S>{spec.activation});
    }
}

/// Makes layers and appends them to a model. Nothing is made before the variables have the shapes that the config says.
template <class S>
class LayerMaker {
  public:
    /// `input` must outlive this.
    explicit LayerMaker(const Input& input) : input_(input) {}

    /// `variables` are as many as variable_parts says. Throws std::runtime_error, naming the layer and the variable, if one
    /// doesn't fit the layer or the layer the one before.
    void add(const LayerDescription& layer, const std::vector<NamedTensor>& variables) {
        instead_of<std::invalid_argument>(
            [&] {
                const LayerVariables from(input_, layer.label, variables);
                std::visit([&](const auto& spec) { make(spec, from); }, layer.spec);
            },
            [&](const std::invalid_argument& error) { input_.check(false, layer.label, error.what()); });
    }

    /// The model of all layers, once.
    Model<S> model() { return std::move(models_.front()); }

  private:
    Model<S>& current() { return models_.back(); }

    template <class L>
    void append(L layer, Index output) {
        current().add(std::move(layer));
        features_ = output;
    }

    template <Cell C>
    static Recurrent<C> recurrent(const RecurrentSpec& spec, const C& cell, Index inputs, bool reverse,
                                  const LayerVariables& from) {
        Recurrent<C> layer(inputs, spec.units, cell,
                           {.reverse = reverse, .recurrent_dropout = spec.recurrent_dropout, .initialize = false});
        from.fill(layer);
        return layer;
    }
    void append_input_dropout(const RecurrentSpec& spec) {
        if (spec.input_dropout > 0)
            current().add(Dropout(spec.input_dropout, {.per_sequence = true}));
    }

    void make(const RecurrentSpec& spec, const LayerVariables& from) {
        const Index inputs = from.inputs(spec, features_);
        append_input_dropout(spec);
        with_cell<S>(spec,
                     [&](const auto& cell) { append(recurrent(spec, cell, inputs, spec.reverse, from), spec.units); });
        if (spec.outputs == Outputs::last)
            current().add(LastStep());
        if (spec.outputs == Outputs::first)
            current().add(FirstStep());
    }

    void make(const BidirectionalSpec& spec, const LayerVariables& from) {
        const Index inputs = from.inputs(spec, features_);
        append_input_dropout(spec.forward);
        with_cell<S>(spec.forward, [&](const auto& cell) {
            append(Bidirectional(recurrent(spec.forward, cell, inputs, false, from.forward()),
                                 recurrent(spec.forward, cell, inputs, true, from.backward()), spec.merge),
                   (spec.merge == Merge::concatenate ? 2 : 1) * spec.forward.units);
        });
        if (spec.outputs == Outputs::both)
            current().add(BothEnds());
    }

    void make(const DenseSpec& spec, const LayerVariables& from) {
        Dense<S> dense(from.inputs(spec, features_), spec.units,
                       {.activation = spec.function.elementwise, .initialize = false});
        from.fill(dense);
        append(std::move(dense), spec.units);
        append_softmax(spec.function);
    }

    void make(const Conv1DSpec& spec, const LayerVariables& from) {
        Conv1D<S> conv(from.inputs(spec, features_), spec.filters, spec.kernel,
                       {.dilation = spec.dilation,
                        .stride = spec.stride,
                        .padding = spec.causal ? Padding::causal : Padding::valid,
                        .activation = spec.function.elementwise,
                        .initialize = false});
        from.fill(conv);
        append(std::move(conv), spec.filters);
        append_softmax(spec.function);
    }

    void make(const EmbeddingSpec& spec, const LayerVariables& from) {
        from.inputs(spec, features_);
        Embedding<S> embedding(spec.vocabulary, spec.size, {.initialize = false});
        from.fill(embedding);
        append(std::move(embedding), spec.size);
    }

    void make(const BatchNormSpec& spec, const LayerVariables& from) {
        const Index inputs = from.inputs(spec, features_);
        BatchNorm<S> norm(inputs, {.epsilon = spec.epsilon});
        from.fill(norm, spec);
        append(std::move(norm), inputs);
    }

    void make(const LayerNormSpec& spec, const LayerVariables& from) {
        const Index inputs = from.inputs(spec, features_);
        LayerNorm<S> norm(inputs, {.epsilon = spec.epsilon});
        from.fill(norm, spec);
        append(std::move(norm), inputs);
    }

    void make(const PReluSpec& spec, const LayerVariables& from) {
        const Index inputs = from.inputs(spec, features_);
        PReLU<S> layer(inputs);
        from.fill(layer);
        append(std::move(layer), inputs);
    }

    void make(const NormalizationSpec& spec, const LayerVariables& from) {
        const Index inputs = from.inputs(spec, features_);
        BatchNorm<S> norm(inputs, {.epsilon = 0});
        from.fill_normalization(norm);
        append(std::move(norm), inputs);
    }

    void make(const SkipBeginSpec&, const LayerVariables&) { models_.emplace_back(); }
    void make(const SkipEndSpec&, const LayerVariables&) {
        Model<S> inner = std::move(models_.back());
        models_.pop_back();
        const Index input = inner.input_size();
        require(input == 0 || inner.output_size(input) == input, "Add", "it adds ",
                input == 0 ? 0 : inner.output_size(input), " and ", input, " features, expected equally many");
        current().add(Residual<Model<S>>(std::move(inner)));
    }

    void make(const DropoutSpec& spec, const LayerVariables&) {
        if (spec.rate > 0)
            current().add(Dropout(spec.rate, {.per_sequence = spec.per_sequence}));
    }

    void make(const Function& function, const LayerVariables&) {
        append_softmax(function);
        if (!function.softmax && function.elementwise != Activation::linear)
            current().add(Activate(function.elementwise));
    }

    void append_softmax(const Function& function) {
        if (function.softmax)
            current().add(Softmax());
    }

    const Input& input_;
    std::vector<Model<S>> models_ = std::vector<Model<S>>(1); // the whole, and within it those whose sums haven't ended
    Index features_ = LayerVariables::any;                    // that the layers so far give
};

} // namespace carousel::detail::keras
