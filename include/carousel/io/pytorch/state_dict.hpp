// StateDict: the dictionary of named tensors in a PyTorch file: found, checked and read.
#pragma once

#include "carousel/core/metadata.hpp"
#include "carousel/io/named_tensor.hpp"
#include "carousel/io/pytorch/checkpoint.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace carousel::detail {

/// Named tensors, and what else a file says of the modules that they are of.
struct StateDict {
    std::vector<NamedTensor> tensors;
    bool ordered = true;              ///< as their modules were made; a safetensors file has another order
    std::vector<std::string> modules; ///< all of them, also those without weights; empty if the file doesn't say
    Metadata metadata = {};
    std::string wrapper = {}; ///< what was before all names and is taken off: "module."
};

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
        if (found_.size() == 1)
            return nodes_[found_[0]].dictionary;
        std::size_t best = none; // by the names that training programs use
        for (const std::size_t node : found_)
            for (const std::string_view name : {"model_state_dict", "state_dict", "model", "net"})
                if (nodes_[node].parent == 0 && nodes_[node].key == name) {
                    input_.check(best == none, "has more than one dictionary with tensors", list(), advice);
                    best = node;
                }
        input_.check(best != none || found_[0] == 0, "has more than one dictionary with tensors", list(), advice);
        return nodes_[best != none ? best : 0].dictionary; // else the outermost
    }

  private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
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
            const auto* const object = std::get_if<PickleObject>(&value);
            return object ? name_text(known_names[object->name]) + ", which is passed over" : "";
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

/// Where a tensor's numbers are. Throws std::runtime_error unless they all lie in its storage.
inline TensorPlace tensor_place(const Checkpoint& file, const std::string& name, PickleTensor tensor) {
    const Pickle& pickle = file.pickle();
    const auto check = [&](bool holds, const auto&... parts) {
        file.input().check(holds, "\"", shown(name), "\" ", parts...);
    };
    const auto parts = pickle.of(tensor.what);
    const auto storage = pickle.of(std::get_if<PickleStorage>(&parts[0])->what);
    const auto* type = std::get_if<PickleName>(&storage[1]);
    const auto key = pickle.text(storage[2]);
    const auto* const count = std::get_if<std::int64_t>(&storage[4]);
    const bool untyped = type && *type == PickleName::untyped_storage; // its count is of bytes, its type beside it
    if (untyped && parts.size() > 6) {
        const auto* const other = std::get_if<PickleObject>(&parts[6]);
        check(!other, "has numbers of type ", other ? name_text(known_names[other->name]) : "",
              ", which are not read; convert the tensor, as with .float(), and save it again");
        type = std::get_if<PickleName>(&parts[6]);
    }
    check(type && *type != PickleName::untyped_storage && number_type(*type) && key && key->size() <= most_key_size &&
              count && *count >= 0,
          "is of a storage without type, key or count");
    check(storage.size() < 6 || std::holds_alternative<PickleNone>(storage[5]),
          "is of a part of a storage, as PyTorch had it before 0.4; load and save the file in a newer one");

    const std::int64_t bytes = untyped ? static_cast<std::int64_t>(number_type(*type)->size) : 1;
    check(*count % bytes == 0, "is of a storage of ", *count, " bytes, expected a multiple of ", bytes);

    const auto* const offset = std::get_if<std::int64_t>(&parts[1]);
    const auto shape = pickle.whole_numbers(parts[2]), strides = pickle.whole_numbers(parts[3]);
    check(offset && *offset >= 0 && shape && strides && shape->size() == strides->size(),
          "has no offset, shape and strides that fit each other");
    TensorPlace place{name,
                      *key,
                      *type,
                      static_cast<std::uint64_t>(*count / bytes),
                      {shape->begin(), shape->end()},
                      {strides->begin(), strides->end()},
                      static_cast<std::uint64_t>(*offset),
                      1};
    constexpr std::uint64_t most = std::uint64_t(1) << 48; // numbers, so that no product of two sizes overflows
    for (const std::int64_t size : *shape) {
        check(size >= 0, "has a negative size");
        place.count *= size > 0;
    }
    std::uint64_t last = place.offset;
    for (std::size_t d = 0; d < shape->size() && place.count > 0; ++d) {
        const std::int64_t size = (*shape)[d], stride = (*strides)[d];
        check(stride >= 0, "has a negative stride");
        check(static_cast<std::uint64_t>(size) <= most / place.count, "has more numbers than memory can hold");
        place.count *= static_cast<std::uint64_t>(size);
        const auto steps = static_cast<std::uint64_t>(size - 1), step = static_cast<std::uint64_t>(stride);
        check(last <= place.storage_count && (steps == 0 || step <= (place.storage_count - last) / steps),
              "reaches beyond the ", place.storage_count, " numbers of its storage");
        last += steps * step;
    }
    check(place.count == 0 || last < place.storage_count, "reaches beyond the ", place.storage_count,
          " numbers of its storage");
    return place;
}

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

/// The tensors of one dictionary, in its order; what else it holds is passed over, but for NumPy arrays, which may be weights
/// as well.
inline StateDict read_state_dict(Checkpoint& file, const std::string& path) {
    const Pickle& pickle = file.pickle();
    const PickleDictionary dictionary = StateDictSearch(file).find(path);
    StateDict result;
    std::vector<TensorPlace> places;
    std::set<std::string_view> names;
    const auto entries = pickle.of(dictionary);
    for (std::size_t k = 0; k + 1 < entries.size(); k += 2) {
        file.input().check(!is_numpy_array(entries[k + 1]), "\"", shown(pickle.text(entries[k]).value_or("")),
                           "\" is a NumPy array among tensors, which is not read; make a tensor of it with "
                           "torch.from_numpy, or leave it out, and save the file again");
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
