// StateDict: the dictionary of named tensors in a PyTorch file: found, checked and read.
#pragma once

#include "carousel/core/metadata.hpp"
#include "carousel/io/named_tensor.hpp"
#include "carousel/io/pytorch/checkpoint.hpp"
#include "carousel/io/pytorch/tensor_place.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Named tensors, and what else a file says of the modules that they are of.
struct StateDict {
    std::vector<NamedTensor> tensors;
    bool ordered = true;              ///< as their modules were made; a safetensors file has another order
    std::vector<std::string> modules; ///< all of them, also those without weights; empty if the file doesn't say
    Metadata metadata = {};
    std::string wrapper = {}; ///< what was before all names and is taken off: "module."
};

/// The name of the class of an object that is passed over; empty if a value is none.
inline std::string object_text(const PickleValue& value) {
    const auto* const object = std::get_if<PickleObject>(&value);
    return object ? name_text(known_names[object->name]) : "";
}

/// Finds a dictionary with tensors in a checkpoint: nested ones lie at paths of keys, "" being the outermost.
class StateDictSearch {
  public:
    explicit StateDictSearch(const Checkpoint& file) : pickle_(file.pickle()), input_(file.input()) { collect(); }

    /// The one of this path; if it is empty, the one that has tensors. Throws std::runtime_error if there is no or more than
    /// one such.
    PickleDictionary find(const std::string& path) const {
        for (const std::size_t node : found_)
            if (!path.empty() && path_of(node) == path)
                return nodes_[node].dictionary;
        input_.check(path.empty(), "has no dictionary \"", path, "\" with tensors", list());
        input_.check(!found_.empty(), "holds no dictionary of named tensors", passed_over(),
                     "; in Python, save one: torch.save(module.state_dict(), path)");
        for (const std::string_view name : weight_names) { // what else has tensors isn't what it stands for
            const PickleValue* const value = pickle_.find(nodes_[0].dictionary, name);
            input_.check(!value || !std::holds_alternative<PickleObject>(*value), "has no weights that are read: \"",
                         name, "\" is ", value ? object_text(*value) : "", ", which is passed over", list(), advice);
        }
        if (found_.size() == 1)
            return nodes_[found_[0]].dictionary;
        std::size_t best = none;
        for (const std::size_t node : found_)
            for (const std::string_view name : weight_names)
                if (nodes_[node].parent == 0 && nodes_[node].key == name) {
                    input_.check(best == none, "has more than one dictionary with tensors", list(), advice);
                    best = node;
                }
        input_.check(best != none || found_[0] == 0, "has more than one dictionary with tensors", list(), advice);
        return nodes_[best != none ? best : 0].dictionary; // else the outermost
    }

  private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    /// By which training programs call a model's weights.
    static constexpr std::array<std::string_view, 4> weight_names{"model_state_dict", "state_dict", "model", "net"};
    static constexpr const char* advice = "; say which with the option dictionary";

    struct Node {
        std::string_view key;
        std::size_t parent; // of nodes_; none for the outermost
        PickleDictionary dictionary;
        std::uint32_t level;
    };

    /// Breadth first, so that an outer one comes before what is in it. Keys that are no texts, as in what an optimizer
    /// remembers, lead nowhere. A container is looked at once, however many hold it.
    void collect() {
        constexpr std::uint32_t most_levels = 4;
        std::vector<bool> seen(pickle_.containers.size());
        const auto add = [&](const PickleValue& value, std::string_view key, std::size_t parent, std::uint32_t level) {
            const auto* const dictionary = std::get_if<PickleDictionary>(&value);
            if (!dictionary || seen[dictionary->id])
                return;
            seen[dictionary->id] = true;
            nodes_.push_back({key, parent, *dictionary, level});
        };
        add(pickle_.root, "", none, 0);
        for (std::size_t node = 0; node < nodes_.size(); ++node) {
            const auto [name, parent, dictionary, level] = nodes_[node];
            const auto entries = pickle_.of(dictionary);
            bool tensors = false;
            for (std::size_t k = 0; k + 1 < entries.size(); k += 2)
                if (const auto key = pickle_.text(entries[k]); key && key->size() <= most_key_size) {
                    tensors = tensors || std::holds_alternative<PickleTensor>(entries[k + 1]);
                    if (level < most_levels)
                        add(entries[k + 1], *key, node, level + 1);
                }
            if (tensors)
                found_.push_back(node);
        }
    }

    std::string path_of(std::size_t node) const {
        std::string path(nodes_[node].key);
        while (nodes_[node].level > 1) {
            node = nodes_[node].parent;
            path = std::string(nodes_[node].key) + "/" + path;
        }
        return path;
    }

    std::string list() const {
        std::string text;
        for (std::size_t k = 0; k < std::min<std::size_t>(found_.size(), 8); ++k)
            text += std::string(k > 0 ? ", " : ": ") +
                    (found_[k] == 0 ? "the outermost" : "\"" + shown(path_of(found_[k])) + "\"");
        return text + (found_.size() > 8 ? ", ..." : "");
    }

    /// What tensors may be in, but is not looked into.
    std::string passed_over() const {
        const auto text = [](const PickleValue& value) {
            const std::string object = object_text(value);
            return object.empty() ? object : object + ", which is passed over";
        };
        if (const std::string root = text(pickle_.root); !root.empty())
            return ", but " + root;
        for (const Node& node : nodes_) {
            const auto entries = pickle_.of(node.dictionary);
            for (std::size_t k = 0; k + 1 < entries.size(); k += 2)
                if (const std::string found = text(entries[k + 1]); !found.empty())
                    return "; \"" + shown(pickle_.text(entries[k]).value_or("")) + "\" is " + found;
        }
        return "";
    }

    const Pickle& pickle_;
    const Input& input_;
    std::vector<Node> nodes_;
    std::vector<std::size_t> found_; // those with tensors
};

/// state_dict() notes the version of every module in an attribute of the dictionary; their names.
inline std::vector<std::string> modules_of(const Pickle& pickle, PickleDictionary dictionary) {
    const auto attributes = std::find_if(pickle.attributes.rbegin(), pickle.attributes.rend(),
                                         [&](const auto& one) { return one.first == dictionary.id; });
    const auto* const state =
        attributes == pickle.attributes.rend() ? nullptr : std::get_if<PickleDictionary>(&attributes->second);
    const auto* const metadata = state ? pickle.find(*state, "_metadata") : nullptr;
    const auto* const versions = metadata ? std::get_if<PickleDictionary>(metadata) : nullptr;
    std::vector<std::string> modules;
    std::set<std::string_view> names;
    if (versions)
        for (std::size_t k = 0; k + 1 < pickle.of(*versions).size(); k += 2)
            if (const auto name = pickle.text(pickle.of(*versions)[k]);
                name && name->size() <= most_key_size && names.insert(*name).second)
                modules.emplace_back(*name);
    return modules;
}

/// Whether a value is a NumPy array, which is passed over.
inline bool is_numpy_array(const PickleValue& value) {
    const auto* const object = std::get_if<PickleObject>(&value);
    const std::string_view name = object ? known_names[object->name].name : "";
    return name == "_reconstruct" || name == "_frombuffer";
}

/// Throws std::runtime_error if an object that is passed over stands where a tensor may have stood. The state of a module that
/// isn't a tensor is called _extra_state.
inline void check_entry(const Input& input, std::string_view key, const PickleValue& value) {
    input.check(
        !is_numpy_array(value), "\"", shown(key),
        "\" is a NumPy array among tensors, which is not read; make a tensor of it with torch.from_numpy, or leave "
        "it out, and save the file again");
    const std::string object = object_text(value);
    input.check(object.empty() || key == "_extra_state" || key.ends_with("._extra_state"), "\"", shown(key), "\" is ",
                object,
                " among tensors, which is not read; make a tensor of it, or leave it out, and save the file again");
}

/// The tensors of one dictionary, in its order; of what else it holds numbers, texts and containers are passed over.
inline StateDict read_state_dict(Checkpoint& file, const std::string& path) {
    const Pickle& pickle = file.pickle();
    const PickleDictionary dictionary = StateDictSearch(file).find(path);
    StateDict result;
    std::vector<TensorPlace> places;
    std::set<std::string_view> names;
    const auto entries = pickle.of(dictionary);
    for (std::size_t k = 0; k + 1 < entries.size(); k += 2) {
        if (const auto key = pickle.text(entries[k]))
            check_entry(file.input(), *key, entries[k + 1]);
        if (const auto* const tensor = std::get_if<PickleTensor>(&entries[k + 1])) {
            const auto name = pickle.text(entries[k]);
            file.input().check(name.has_value(), "the dictionary has a tensor whose name is no text");
            file.input().check(names.insert(*name).second, "\"", shown(*name), "\" is there twice");
            places.push_back(tensor_place(file, std::string(*name), *tensor));
            constexpr std::uint64_t without_numbers = 512; // what a tensor takes besides, at most
            const std::uint64_t size = number_type(places.back().type)->needs_double ? 8 : 4;
            file.take_memory(without_numbers + places.back().count * size, "\"" + shown(*name) + "\"");
        }
    }

    std::vector<std::size_t> order(places.size()); // by storages, so that each is read once
    for (std::size_t k = 0; k < order.size(); ++k)
        order[k] = k;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return std::pair(places[a].storage, a) < std::pair(places[b].storage, b);
    });
    result.tensors.resize(places.size());
    for (std::size_t first = 0, end = 0; first < order.size(); first = end) {
        const TensorPlace& one = places[order[first]];
        while (end < order.size() && places[order[end]].storage == one.storage)
            ++end;
        file.with_storage(one.storage, one.type, one.storage_count, [&](const StorageBytes& storage) {
            for (std::size_t k = first; k < end; ++k) {
                const TensorPlace& place = places[order[k]];
                file.input().check(place.type == one.type && place.storage_count == one.storage_count, "storage \"",
                                   shown(one.storage), "\" is of two types or sizes");
                NamedTensor& tensor = result.tensors[order[k]];
                tensor.name = place.name;
                tensor.shape = place.shape;
                if (number_type(place.type)->needs_double)
                    tensor.numbers = tensor_numbers<double>(place, storage);
                else
                    tensor.numbers = tensor_numbers<float>(place, storage);
            }
        });
    }

    result.modules = modules_of(pickle, dictionary);
    return result;
}

} // namespace carousel::detail
