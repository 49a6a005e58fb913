// How a LayerRegistry makes the library's layers.
#pragma once

#include "carousel/model/layer_registry.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

// Not inline, so that what is compiled ahead isn't compiled again: these functions make every layer there is.

template <std::floating_point S>
LayerRegistry<S>::LayerRegistry() {
    add_recurrent();
    add("Bidirectional",
        [](const LayerDescription& d, const LayerRegistry& registry) { return registry.bidirectional(d); });
    add("Dense", [](const LayerDescription& d, const LayerRegistry& registry) {
        LayerValues values(d);
        const Index input = values.size("input_size"), output = values.size("output_size");
        const Activation f = values.activation("activation", Activation::linear);
        values.finish();
        registry.require_room(d, {output, input});
        return AnyLayer<S>(Dense<S>{input, output, {.activation = f, .initialize = false}});
    });
    add("Embedding", [](const LayerDescription& d, const LayerRegistry& registry) {
        LayerValues values(d);
        const Index vocabulary = values.size("vocabulary"), size = values.size("output_size");
        const Index padding = values.template get<Index>("padding", -1);
        values.finish();
        registry.require_room(d, {size, vocabulary});
        EmbeddingOptions options{.initialize = false};
        if (padding >= 0)
            options.padding = padding;
        return AnyLayer<S>(Embedding<S>{vocabulary, size, options});
    });
    add("Conv1D", [](const LayerDescription& d, const LayerRegistry& registry) {
        LayerValues values(d);
        const Index input = values.size("input_size"), output = values.size("output_size"),
                    kernel = values.size("kernel");
        Conv1DOptions options{.initialize = false};
        options.dilation = values.size("dilation");
        options.stride = values.size("stride");
        options.padding = choice(values, "padding", "causal", "valid") == 0 ? Padding::causal : Padding::valid;
        options.activation = values.activation("activation", Activation::linear);
        values.finish();
        registry.require_room(d, {output, kernel, input});
        // A state, and a stream's memory, of which the file's size says nothing.
        constexpr Index most = Index(1) << 26;
        require(options.dilation <= most / kernel / input, "Conv1D", "kernel ", kernel, ", dilation ", options.dilation,
                " and input size ", input, " make a window of more than ", most, " numbers");
        return AnyLayer<S>(Conv1D<S>{input, output, kernel, options});
    });
    add("Dropout", [](const LayerDescription& d, const LayerRegistry&) {
        LayerValues values(d);
        const auto rate = values.template get<double>("rate");
        const auto per_sequence = values.template get<bool>("per_sequence", false);
        values.finish();
        return AnyLayer<S>(Dropout{rate, {.per_sequence = per_sequence}});
    });
    add("Gain", [](const LayerDescription& d, const LayerRegistry&) {
        LayerValues values(d);
        const auto factor = values.template get<double>("factor");
        values.finish();
        return AnyLayer<S>(Gain{factor});
    });
    add("Activation", [](const LayerDescription& d, const LayerRegistry&) {
        LayerValues values(d);
        const Activation f = values.activation("activation", Activation::linear);
        values.finish();
        return AnyLayer<S>(Activate{f});
    });
    add_said("Softmax", Softmax{}, "over", "features");
    add_said("LastStep", LastStep{}, "steps", "last");
    add_said("BothEnds", BothEnds{}, "steps", "first and last");
    add_said("FirstStep", FirstStep{}, "steps", "first");
    add("BatchNorm", [](const LayerDescription& d, const LayerRegistry& registry) {
        LayerValues values(d);
        const Index features = values.size("features");
        const auto epsilon = values.template get<double>("epsilon");
        values.finish();
        registry.require_room(d, {features});
        return AnyLayer<S>(BatchNorm<S>{features, {.epsilon = epsilon}});
    });
    add("LayerNorm", [](const LayerDescription& d, const LayerRegistry& registry) {
        LayerValues values(d);
        const Index features = values.size("features");
        const auto epsilon = values.template get<double>("epsilon");
        values.finish();
        registry.require_room(d, {features});
        return AnyLayer<S>(LayerNorm<S>{features, {.epsilon = epsilon}});
    });
    add("PReLU", [](const LayerDescription& d, const LayerRegistry& registry) {
        LayerValues values(d);
        const Index features = values.size("features");
        values.finish();
        registry.require_room(d, {features});
        return AnyLayer<S>(PReLU<S>{features});
    });
    add("Attention", [](const LayerDescription& d, const LayerRegistry& registry) {
        LayerValues values(d);
        const Index query = values.size("query_size"), memory = values.size("memory_size");
        AttentionOptions options{.initialize = false};
        options.score = static_cast<AttentionScore>(choice(values, "score", "dot", "general", "additive"));
        const bool additive = options.score == AttentionScore::additive;
        options.units = additive ? values.size("units") : 0;
        // What a stream's memory takes, of which the file's size says nothing.
        constexpr Index most = Index(1) << 26;
        options.stream_steps = values.template get<Index>("stream_steps", 0);
        const Index numbers = std::max(memory, options.units);
        require(options.stream_steps <= most / numbers, "Attention", "stream_steps ", options.stream_steps,
                additive ? " and memory size or units " : " and memory size ", numbers, " make more than ", most,
                " numbers");
        values.finish();
        if (options.score != AttentionScore::dot)
            registry.require_room(d, {additive ? options.units : memory, query});
        if (additive)
            registry.require_room(d, {options.units, memory});
        return AnyLayer<S>(Attention<S>{query, memory, options});
    });
    add("Slice", [](const LayerDescription& d, const LayerRegistry&) {
        LayerValues values(d);
        const Index features = values.size("features"), first = values.template get<Index>("first"),
                    count = values.size("count");
        values.finish();
        return AnyLayer<S>(Slice{features, {.first = first, .count = count}});
    });
    add("Parallel", [](const LayerDescription& d, const LayerRegistry& registry) {
        return AnyLayer<S>(AnyParallel<S>(registry.row(d)));
    });
    add("EncoderDecoder", [](const LayerDescription& d, const LayerRegistry& registry) {
        LayerValues values(d);
        EncoderDecoderOptions options{.encoder_steps = values.size("encoder_steps")};
        constexpr double none = std::numeric_limits<double>::quiet_NaN();
        if (const auto padding = values.template get<double>("padding", none); !std::isnan(padding))
            options.padding = padding;
        values.finish(2);
        AnyLayer<S> encoder = registry.make(d.layers[0]);
        return AnyLayer<S>(AnyEncoderDecoder<S>(std::move(encoder), registry.make(d.layers[1]), options));
    });
    add("Sequential",
        [](const LayerDescription& d, const LayerRegistry& registry) { return AnyLayer<S>(registry.make_model(d)); });
    add("Residual", [](const LayerDescription& d, const LayerRegistry& registry) {
        LayerValues(d).finish(1);
        Model<S> inner;
        if (d.layers[0].type == "Sequential")
            inner = registry.make_model(d.layers[0]);
        else
            return AnyLayer<S>(Residual<AnyLayer<S>>(registry.make(d.layers[0])));
        return AnyLayer<S>(Residual<Model<S>>(std::move(inner)));
    });
}

template <std::floating_point S>
template <class F>
AnyLayer<S> LayerRegistry<S>::with_recurrent(const LayerDescription& d, F&& f) const {
    LayerValues values(d);
    const Index input = values.size("input_size"), hidden = values.size("hidden_size");
    RecurrentOptions options{.initialize = false};
    options.reverse = values.template get<bool>("reverse", false);
    options.recurrent_dropout = values.template get<double>("recurrent_dropout", 0);
    options.zoneout = values.template get<double>("zoneout", 0);
    options.zoneout_cell = values.template get<double>("zoneout_cell", 0);
    const auto cell_name = values.template get<std::string>("cell", d.type);
    const bool coupled = d.type == LstmCell<S, true>::name, lstm = coupled || d.type == LstmCell<S>::name,
               simple = d.type == SimpleRnnCell<S>::name, gru = d.type == GruCell<S, Reset::after>::name;
    require((simple || lstm || gru) && cell_name == d.type, "LayerRegistry", "a recurrent layer of type \"", d.type,
            "\" has the cell \"", cell_name, "\", expected both to be a recurrent layer of the library");
    require_room(d, {hidden, input});
    require_room(d, {hidden, hidden});
    const auto make = [&]<class C>(C cell) {
        values.finish();
        return f(Recurrent<C>{input, hidden, cell, options});
    };
    if (simple)
        return make(SimpleRnnCell<S>{.activation = values.activation("activation", Activation::tanh)});
    const bool peephole = lstm && values.template get<bool>("peephole", false);
    const bool before = !lstm && choice(values, "reset", "after", "before") == 1;
    const auto with_gates = [&]<class Gates>(Gates chosen) {
        if (coupled)
            return make(LstmCell<S, true, Gates>{peephole, chosen});
        if (lstm)
            return make(LstmCell<S, false, Gates>{peephole, chosen});
        return before ? make(GruCell<S, Reset::before, Gates>{chosen}) : make(GruCell<S, Reset::after, Gates>{chosen});
    };
    if (values.template get<std::string>("gate", "") == FastGates::sigmoid_name) {
        choice(values, "candidate", FastGates::tanh_name);
        if (lstm)
            choice(values, "output", FastGates::tanh_name);
        return with_gates(FastGates{});
    }
    ChosenGates gates;
    gates.f = values.activation("gate", gates.f);
    gates.g = values.activation("candidate", gates.g);
    if (lstm)
        gates.h = values.activation("output", gates.h);
    const bool standard = gates.f == StandardGates::f && gates.g == StandardGates::g && gates.h == StandardGates::h;
    return standard ? with_gates(StandardGates{}) : with_gates(gates);
}

template <std::floating_point S>
void LayerRegistry<S>::add_recurrent() {
    for (const char* const type :
         {SimpleRnnCell<S>::name, LstmCell<S>::name, LstmCell<S, true>::name, GruCell<S, Reset::after>::name})
        add(type, [](const LayerDescription& d, const LayerRegistry& registry) {
            return registry.with_recurrent(d, [](auto layer) { return AnyLayer<S>(std::move(layer)); });
        });
}

template <std::floating_point S>
AnyLayer<S> LayerRegistry<S>::bidirectional(const LayerDescription& d) const {
    LayerValues values(d);
    const Index merge = choice(values, "merge", "concatenate", "sum", "average");
    values.finish(2);
    const AnyLayer<S> reverse = make(d.layers[1]);
    return with_recurrent(d.layers[0], [&]<class L>(L forward) {
        const L* const twin = reverse.template target<L>();
        require(twin, "Bidirectional", "the layers inside are of unequal types, expected a layer and its reverse");
        return AnyLayer<S>(Bidirectional<L>(std::move(forward), *twin, static_cast<Merge>(merge)));
    });
}

} // namespace carousel
