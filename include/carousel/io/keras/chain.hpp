// The layers of a Keras model in the order in which they compute, if each has one input and one output, but for sums of what
// a layer is given and what follows it. Needs nlohmann-json.
#pragma once

#include "carousel/io/keras/layer_config.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

/// A layer of a model: {"class_name": …, "config": {…}}, of the model's config.
struct Link {
    const Json* layer;
    std::vector<const Json*> within = {}; ///< the models inside the model that it is a layer of, the outermost first
    std::size_t skips = 0;                ///< how many layers after it add what it gives to what comes later
    bool adds = false;                    ///< it adds up what the layer before gives and what one further back gives

    /// The layer, or else the outermost model that it is a layer of, that has this name; null if none has.
    const Json* called(const std::string& name) const {
        const auto has_name = [&](const Json* one) {
            const Json* const config = member(*one, "config");
            const std::string own = config ? text_member(*config, "name") : std::string();
            return (own.empty() ? text_member(*one, "name") : own) == name;
        };
        if (has_name(layer))
            return layer;
        const auto model = std::find_if(within.begin(), within.end(), has_name);
        return model == within.end() ? nullptr : *model;
    }
    bool is_in(const Json* model) const { return std::find(within.begin(), within.end(), model) != within.end(); }
};

/// A model as a row of layers.
struct Chain {
    std::vector<Link> layers;
    bool masked = false; ///< a layer is given a mask explicitly, as Keras 3 writes it
};

inline bool is_model(const std::string& class_name) {
    return class_name == "Sequential" || class_name == "Functional" || class_name == "Model";
}

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

    /// Throws std::runtime_error if it isn't a chain, with the first layer, from the output on, that has more inputs than one,
    /// or than the two of a sum.
    Chain chain() {
        Chain chain;
        std::string name = only_tensor("output_layers", "outputs");
        std::vector<std::string> skips; // layers that sums add, those of inner sums last
        while (true) {
            const auto found = by_name_.find(name);
            input_.check(found != by_name_.end(), "the model's config has no layer \"", name,
                         "\", which another is connected with");
            input_.check(chain.layers.size() < by_name_.size(), "the model's layers are connected in a circle");
            chain.layers.push_back({found->second});
            for (; !skips.empty() && skips.back() == name; skips.pop_back())
                ++chain.layers.back().skips;
            const std::vector<std::string> sources = inputs(*found->second, name);
            const std::string whose = label(*found->second, name);
            chain.layers.back().adds = sources.size() == 2 && text_member(*found->second, "class_name") == "Add";
            input_.check(sources.size() <= 1 || chain.layers.back().adds, whose, "it has ", sources.size(),
                         " inputs; only models whose layers stand in a row can be loaded");
            if (sources.empty())
                break;
            name = sources.front();
            if (chain.layers.back().adds) {
                const bool first_is_later = depth(sources[0]) >= depth(sources[1]);
                name = sources[first_is_later ? 0 : 1];
                skips.push_back(sources[first_is_later ? 1 : 0]);
            }
        }
        input_.check(skips.empty(), "the model's layers add what \"", skips.empty() ? "" : skips.back(),
                     "\" gives, which isn't in the row of layers before");
        std::reverse(chain.layers.begin(), chain.layers.end());
        input_.check(only_tensor("input_layers", "inputs") == name, label(*chain.layers.front().layer, name),
                     "it has no input, and isn't the model's");
        std::set<const Json*> used;
        for (const Link& link : chain.layers)
            used.insert(link.layer);
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
        const auto found = by_name_.find(name); // a model has a first use when it is made, which may be counted
        const bool model = found != by_name_.end() && is_model(text_member(*found->second, "class_name"));
        input_.check(tensor[1] == 0 || (model && tensor[1] == 1), whose, "\"", name, "\" is used more than once");
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

    /// How many layers are before one, at most. Of layers in a circle it is any number.
    std::size_t depth(const std::string& name) {
        std::vector<std::string> open{name};
        while (!open.empty()) {
            const std::string one = open.back();
            if (depths_.contains(one)) {
                open.pop_back();
                continue;
            }
            const auto found = by_name_.find(one);
            const auto sources = found == by_name_.end() ? std::vector<std::string>{} : inputs(*found->second, one);
            if (visited_.insert(one).second) { // it comes again after its sources
                for (const std::string& source : sources)
                    if (!visited_.contains(source))
                        open.push_back(source);
                continue;
            }
            std::size_t deepest = 0;
            for (const std::string& source : sources)
                if (const auto before = depths_.find(source); before != depths_.end())
                    deepest = std::max(deepest, before->second + 1);
            depths_[one] = deepest;
        }
        return depths_[name];
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
    std::map<std::string, std::size_t> depths_;
    std::set<std::string> visited_; // by depth()
    bool masked_ = false;
};

/// `model` is {"class_name": "Sequential" or "Functional", "config": …}, as Keras writes it, and must outlive the chain, in
/// which the layers of a model that is a layer stand in its place. Throws std::runtime_error if it is of another class or
/// isn't a chain.
inline Chain chain(const Input& input, const Json& model, const std::vector<const Json*>& within = {}) {
    constexpr std::size_t most_levels = 16;
    input.check(within.size() <= most_levels, "the model has models inside models, more than ", most_levels, " deep");
    const std::string class_name = text_member(model, "class_name");
    const Json* const config = member(model, "config");
    input.check(config != nullptr, "the model's config has no config");
    Chain outer;
    if (class_name == "Sequential") {
        const Json* const layers = config->is_array() ? config : member(*config, "layers"); // a list before Keras 2.2.3
        input.check(layers && layers->is_array(), "the model's config has no list of layers");
        for (const Json& layer : *layers)
            outer.layers.push_back({&layer});
    } else {
        input.check(is_model(class_name), "the model is of class \"", class_name,
                    "\", expected Sequential or Functional");
        outer = FunctionalModel(input, *config).chain();
    }
    Chain whole{{}, outer.masked};
    for (Link& link : outer.layers) {
        link.within = within;
        if (!is_model(text_member(*link.layer, "class_name"))) {
            whole.layers.push_back(std::move(link));
            continue;
        }
        std::vector<const Json*> deeper = within;
        deeper.push_back(link.layer);
        const Chain inner = chain(input, *link.layer, deeper);
        input.check(!inner.layers.empty(), "the model has a model without layers inside");
        whole.masked = whole.masked || inner.masked;
        whole.layers.insert(whole.layers.end(), inner.layers.begin(), inner.layers.end());
        whole.layers.back().skips += link.skips;
    }
    return whole;
}

} // namespace carousel::detail::keras
