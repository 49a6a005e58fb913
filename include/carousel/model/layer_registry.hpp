// LayerRegistry: makes layers from their descriptions, as a file has them.
#pragma once

#include "carousel/model/layer_values.hpp"
#include "carousel/model/library_layers.hpp"

#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Knows how a layer of each type is made: of the library's from the start, of others after add(). The layers have
/// parameters that are zero.
///
///     LayerRegistry<float> registry;
///     registry.add("Echo", [](const LayerDescription& description, const LayerRegistry<float>&) {
///         LayerValues values(description);
///         const Echo echo{values.size("delay")};
///         values.finish();
///         return AnyLayer<float>(echo);
///     });
///
/// A layer is described by its name(), each_option, each_setting and each_inner (describe()).
template <std::floating_point S>
class LayerRegistry {
  public:
    using Make = std::function<AnyLayer<S>(const LayerDescription&, const LayerRegistry&)>;

    LayerRegistry();

    /// Layers of this type are made so from now on.
    void add(std::string type, Make make) { makes_.insert_or_assign(std::move(type), std::move(make)); }

    /// The same registry for layers of at most so many parameters together: those that the file of a model can have.
    LayerRegistry limited_to(Index parameters) const {
        LayerRegistry limited = *this;
        limited.left_ = std::make_shared<Index>(parameters);
        return limited;
    }
    /// For who makes a layer, before memory is taken: it has at least so many parameters as the product of these sizes.
    /// Throws std::invalid_argument if a size is below 1, or if that is more than the layers made so far leave.
    void require_room(const LayerDescription& description, std::initializer_list<Index> sizes) const {
        const Index left = left_ ? *left_ : std::numeric_limits<Index>::max();
        Index parameters = 1;
        for (const Index size : sizes) {
            require(size >= 1, description.type.c_str(), "a size is ", size, ", expected at least 1");
            require(size <= left / parameters, description.type.c_str(),
                    "more parameters were described than the file has numbers");
            parameters *= size;
        }
        if (left_)
            *left_ -= parameters;
    }

    /// Throws std::invalid_argument "LayerRegistry: layer 2 (LSTM): …" if a type is unknown or a value is missing, of a
    /// wrong kind, out of its range or unknown.
    AnyLayer<S> make(const LayerDescription& description) const {
        const auto found = makes_.find(description.type);
        require(found != makes_.end(), "LayerRegistry", "no layer has the type \"", description.type,
                "\"; add() says how it is made");
        return found->second(description, *this);
    }
    /// Of a row of layers, type "Sequential".
    Model<S> make_model(const LayerDescription& description) const {
        require(description.type == "Sequential", "LayerRegistry", "the model is of type \"", description.type,
                "\", expected \"Sequential\"");
        return Model<S>(row(description));
    }

  private:
    /// The layers inside this one, which says nothing else.
    std::vector<AnyLayer<S>> row(const LayerDescription& description) const {
        LayerValues(description).finish(description.layers.size());
        std::vector<AnyLayer<S>> layers;
        for (std::size_t k = 0; k < description.layers.size(); ++k)
            layers.push_back(detail::instead_of<std::invalid_argument>(
                [&] { return make(description.layers[k]); },
                [&](const std::invalid_argument& error) {
                    detail::refuse_in_layer("LayerRegistry", static_cast<Index>(k), description.layers[k].type,
                                            error.what());
                }));
        return layers;
    }

    /// f(layer) with the recurrent layer of this description.
    template <class F>
    AnyLayer<S> with_recurrent(const LayerDescription& d, F&& f) const;
    void add_recurrent();
    AnyLayer<S> bidirectional(const LayerDescription& d) const;

    /// A layer that says one thing of itself, and always the same.
    template <class L>
    void add_said(const char* type, L layer, const char* name, const char* text) {
        add(type, [=](const LayerDescription& d, const LayerRegistry&) {
            LayerValues values(d);
            choice(values, name, text);
            values.finish();
            return AnyLayer<S>(layer);
        });
    }

    /// Which of these texts the value is, from 0.
    template <class... Texts>
    static Index choice(LayerValues& values, const char* name, const Texts*... texts) {
        const auto text = values.template get<std::string>(name);
        Index k = 0, found = -1;
        std::string all;
        ((found = text == texts ? k : found, ++k, all += std::string(all.empty() ? "" : " or ") + "\"" + texts + "\""),
         ...);
        require(found >= 0, values.description().type.c_str(), "\"", name, "\" is \"", text, "\", expected ", all);
        return found;
    }

    std::map<std::string, Make> makes_;
    std::shared_ptr<Index> left_; ///< parameters that layers may still have; null: any number
};

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

#ifdef CAROUSEL_COMPILED
extern template class LayerRegistry<float>;
extern template class LayerRegistry<double>;
#endif

} // namespace carousel
