// The layers of a Keras model in the order in which they compute, if each has one input and one output. Needs
// nlohmann-json.
#pragma once

#include "carousel/io/keras/layer_config.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace carousel::detail::keras {

/// A model as a row of layers.
struct Chain {
    std::vector<const Json*> layers; ///< {"class_name": …, "config": {…}}, of the model's config
    bool masked = false;             ///< a layer is given a mask explicitly, as Keras 3 writes it
};

/// A functional model, looked at from its output back to its input.
class FunctionalModel {
  public:
    FunctionalModel(const Input& input, const Json& config) : input_(input), config_(config) {
        const Json* const layers = member(config, "layers");
        input.check(layers && layers->is_array(), "the model's config has no list of layers");
        for (const Json& layer : *layers) {
            input.check(layer.is_object(), "the model's config has a layer that is no object: ", excerpt(layer));
            std::string name = text_member(layer, "name");
            if (const Json* const options = member(layer, "config"); name.empty() && options)
                name = text_member(*options, "name");
            input.check(by_name_.emplace(name, &layer).second, "the model's config has two layers called \"", name,
                        "\"");
        }
    }

    /// Throws std::runtime_error if it isn't a chain, with the first layer, from the output on, that has not one input.
    Chain chain() {
        Chain chain;
        std::string name = only_tensor("output_layers", "outputs");
        while (true) {
            const auto found = by_name_.find(name);
            input_.check(found != by_name_.end(), "the model's config has no layer \"", name,
                         "\", which another is connected with");
            input_.check(chain.layers.size() < by_name_.size(), "the model's layers are connected in a circle");
            chain.layers.push_back(found->second);
            const std::vector<std::string> sources = inputs(*found->second, name);
            input_.check(sources.size() <= 1, label(*found->second, name), "it has ", sources.size(),
                         " inputs; only models whose layers stand in a row can be loaded");
            if (sources.empty())
                break;
            name = sources.front();
        }
        std::reverse(chain.layers.begin(), chain.layers.end());
        input_.check(only_tensor("input_layers", "inputs") == name, label(*chain.layers.front(), name),
                     "it has no input, and isn't the model's");
        const std::set<const Json*> used(chain.layers.begin(), chain.layers.end());
        for (const auto& [other, layer] : by_name_) {
            const bool mask = masked_ && text_member(*layer, "class_name") == "NotEqual";
            input_.check(mask || used.contains(layer), label(*layer, other),
                         "it is not in the row of layers from the model's input to its output");
        }
        chain.masked = masked_;
        return chain;
    }

  private:
    static std::string label(const Json& layer, const std::string& name) {
        return "layer \"" + name + "\" (" + text_member(layer, "class_name") + "): ";
    }

    /// ["name", 0, 0]: the first output of the first use of a layer.
    static bool is_tensor(const Json& value) {
        return value.is_array() && value.size() >= 3 && value[0].is_string() && value[1].is_number() &&
               value[2].is_number();
    }
    std::string source(const Json& tensor, const std::string& whose) const {
        const std::string name = tensor[0].get<std::string>();
        input_.check(tensor[1] == 0, whose, "\"", name, "\" is used more than once");
        input_.check(tensor[2] == 0, whose, "it takes another output of \"", name, "\" than the first");
        return name;
    }

    /// The layer of the model's only input or output, which may stand in lists.
    std::string only_tensor(const char* option, const char* what) const {
        const Json* tensor = member(config_, option);
        input_.check(tensor != nullptr, "the model's config has no ", option);
        while (!is_tensor(*tensor)) {
            const bool one = (tensor->is_array() || tensor->is_object()) && tensor->size() == 1;
            input_.check(one, "the model has ", tensor->size(), " ", what, ", expected 1: ", excerpt(*tensor));
            tensor = &*tensor->begin();
        }
        return source(*tensor, std::string("the model's ") + option + ": ");
    }

    /// The names of the layers whose outputs this one takes.
    std::vector<std::string> inputs(const Json& layer, const std::string& name) {
        const std::string whose = label(layer, name);
        const Json* const nodes = member(layer, "inbound_nodes");
        std::vector<std::string> sources;
        if (!nodes || (nodes->is_array() && nodes->empty()))
            return sources;
        input_.check(nodes->is_array(), whose, "its inbound_nodes can't be understood: ", excerpt(*nodes));
        input_.check(nodes->size() == 1, whose, "it is used ", nodes->size(),
                     " times; only models whose layers stand in a row can be loaded");
        const Json& node = nodes->front();
        if (node.is_object()) { // Keras 3
            if (const Json* const arguments = member(node, "args"))
                collect(*arguments, whose, sources);
            if (const Json* const options = member(node, "kwargs"))
                check_call(*options, whose);
        } else if (is_tensor(node))
            collect_old(node, whose, sources);
        else {
            input_.check(node.is_array(), whose, "its inbound_nodes can't be understood: ", excerpt(node));
            for (const Json& tensor : node) {
                input_.check(is_tensor(tensor), whose, "its inbound_nodes can't be understood: ", excerpt(tensor));
                collect_old(tensor, whose, sources);
            }
        }
        return sources;
    }

    /// ["name", 0, 0, {options of the call}], as Keras 2 has it.
    void collect_old(const Json& tensor, const std::string& whose, std::vector<std::string>& sources) {
        sources.push_back(source(tensor, whose));
        if (tensor.size() > 3)
            check_call(tensor[3], whose);
    }

    /// Arguments of a call in Keras 3: tensors, also in lists.
    void collect(const Json& arguments, const std::string& whose, std::vector<std::string>& sources) const {
        if (arguments.is_array()) {
            for (const Json& argument : arguments)
                collect(argument, whose, sources);
            return;
        }
        const Json* const config = member(arguments, "config");
        const Json* const history = config ? member(*config, "keras_history") : nullptr;
        input_.check(history && is_tensor(*history), whose, "it is called with ", excerpt(arguments),
                     ", which isn't another layer's output");
        sources.push_back(source(*history, whose));
    }

    /// Options of a call: whether it trains, and a mask, which is noted.
    void check_call(const Json& options, const std::string& whose) {
        if (options.is_null())
            return;
        input_.check(options.is_object(), whose,
                     "it is called with options that can't be understood: ", excerpt(options));
        for (const auto& [option, value] : options.items()) {
            const bool mask = option == "mask" && !value.is_null();
            masked_ = masked_ || mask;
            input_.check(mask || option == "training" || value.is_null(), whose, "it is called with the option ",
                         option, ", which can't be had");
        }
    }

    const Input& input_;
    const Json& config_;
    std::map<std::string, const Json*> by_name_;
    bool masked_ = false;
};

/// `model` is {"class_name": "Sequential" or "Functional", "config": …}, as Keras writes it, and must outlive the chain.
/// Throws std::runtime_error if it is of another class or isn't a chain.
inline Chain chain(const Input& input, const Json& model) {
    const std::string class_name = text_member(model, "class_name");
    const Json* const config = member(model, "config");
    input.check(config != nullptr, "the model's config has no config");
    if (class_name == "Sequential") {
        const Json* const layers = config->is_array() ? config : member(*config, "layers"); // a list before Keras 2.2.3
        input.check(layers && layers->is_array(), "the model's config has no list of layers");
        Chain chain;
        for (const Json& layer : *layers)
            chain.layers.push_back(&layer);
        return chain;
    }
    input.check(class_name == "Functional" || class_name == "Model", "the model is of class \"", class_name,
                "\", expected Sequential or Functional");
    return FunctionalModel(input, *config).chain();
}

} // namespace carousel::detail::keras
