// KerasFile: a .keras archive, an .h5 file or a .weights.h5 file as its config and the variables of its layers. Needs
// HDF5's C library, libzip and nlohmann-json.
#pragma once

#include "carousel/io/keras/groups.hpp"
#include "carousel/io/keras/hdf5.hpp"
#include "carousel/io/keras/layer_config.hpp"
#include "carousel/io/keras/spec.hpp"
#include "carousel/io/zip_archive.hpp"

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

/// What the parts of a file say, in memory.
struct FileParts {
    std::vector<std::byte> weights; ///< an HDF5 file
    std::string config, metadata;   ///< JSON, of an archive
    bool archive = false;
};

/// JSON may have so many bytes, for it becomes a tree that takes many times as much memory.
inline constexpr std::uint64_t largest_json = std::uint64_t(1) << 26;

/// A file of an archive of so many bytes; none if there is none of this name. Throws std::runtime_error if it can't be
/// read, or is larger than `most` or than largest_expansion times the archive.
inline std::optional<std::vector<std::byte>> read_member(const Input& input, const ZipArchive& archive,
                                                         std::uint64_t bytes, const std::string& name,
                                                         std::uint64_t most) {
    const auto entry = archive.find(name);
    if (!entry)
        return std::nullopt;
    const std::uint64_t size = archive.size(*entry);
    input.check(size / largest_expansion <= bytes, "\"", name, "\" is said to have ", size, " bytes, expected at most ",
                largest_expansion, " times the archive's ", bytes);
    input.check(size <= most, "\"", name, "\" has ", size, " bytes, expected at most ", most);
    return archive.read(*entry);
}

/// Throws std::runtime_error if it is neither an HDF5 file nor a .keras archive.
inline FileParts read_parts(Input& input) {
    std::vector<std::byte> bytes(input.size());
    input.read(0, bytes);
    const auto begins = [&](std::string_view with) {
        return bytes.size() >= with.size() && std::memcmp(bytes.data(), with.data(), with.size()) == 0;
    };
    if (begins("\x89HDF\r\n\x1a\n"))
        return {std::move(bytes), {}, {}};
    input.check(begins("PK"), "it is neither a .keras archive nor an HDF5 file");
    const ZipArchive archive(input, bytes);
    const auto text = [&](const char* name) {
        const auto part = read_member(input, archive, bytes.size(), name, largest_json);
        return part ? std::string(reinterpret_cast<const char*>(part->data()), part->size()) : std::string();
    };
    auto weights =
        read_member(input, archive, bytes.size(), "model.weights.h5", std::numeric_limits<std::uint64_t>::max());
    input.check(weights.has_value(), "the archive has no model.weights.h5; sharded weights can't be loaded");
    return {std::move(*weights), text("config.json"), text("metadata.json"), true};
}

class KerasFile {
  public:
    /// Throws std::runtime_error if it can't be read, or is no file of Keras'.
    explicit KerasFile(Input& input) : KerasFile(input, read_parts(input)) {}
    /// The config's text is JSON of Keras'; `version` is used if the file doesn't say which Keras wrote it.
    KerasFile(const Input& input, FileParts parts)
        : input_(input), weights_(input, std::move(parts.weights), parts.archive ? "model.weights.h5: " : "") {
        if (parts.archive) {
            const Json metadata = parse(parts.metadata, "metadata.json");
            keras_version_ = text_member(metadata, "keras_version");
            model_ = parse(parts.config, "config.json");
            input_.check(model_.is_object(), "the archive has no config.json");
        } else {
            model_ = parse(one_text("", "model_config"), "the attribute model_config");
            keras_version_ = one_text("", "keras_version");
        }
        root_ = weights_.has_group("model_weights") ? "model_weights" : "";
        if (keras_version_.empty())
            keras_version_ = one_text(root_, "keras_version");
        for (const char c : keras_version_) // which may become a text in UTF-8
            if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~') {
                keras_version_.clear();
                break;
            }
        by_name_ = has_list(root_, "layer_names");
        if (!by_name_)
            container_ = container_in("");
    }

    /// {"class_name": …, "config": …}; null if the file has weights alone.
    const Json& model() const { return model_; }
    /// As "2.4.0"; empty if the file doesn't say.
    const std::string& keras_version() const { return keras_version_; }
    Version version() const {
        const char digit = keras_version_.empty() ? '0' : keras_version_[0];
        return {digit == '1' || digit == '2' ? 2 : digit == '3' ? 3 : 0};
    }

    /// Whether layers are found by their names, as in .h5, or by their classes and numbers, as in .keras.
    bool by_name() const { return by_name_; }
    /// Where layers have names: those that have variables, in the file's order. Throws std::runtime_error if the file lists
    /// more than most_layers.
    std::vector<std::string> weighted_layers() const {
        if (!by_name_)
            return {};
        auto names = list(root_, "layer_names");
        input_.check(names.size() <= most_layers, "the file lists ", names.size(), " layers, expected at most ",
                     most_layers);
        std::erase_if(names, [&](const auto& name) { return list(root_ + "/" + name, "weight_names").empty(); });
        return names;
    }
    /// Where layers have numbers: how many of a class there are.
    Index count(const std::string& class_name) {
        const Groups& layers = groups(container_);
        const auto found = layers.find(snake_case(class_name));
        return found == layers.end() ? 0 : static_cast<Index>(found->second.size());
    }

    /// Where layers have numbers: the groups of layers of other classes that have variables, models among them. The states of
    /// random numbers aren't counted.
    std::vector<std::string> weighted_groups_except(const std::vector<std::string>& class_names) {
        std::set<std::string> known;
        for (const std::string& name : class_names)
            known.insert(snake_case(name));
        std::vector<std::string> found;
        for (const auto& [class_name, layers] : groups(container_))
            for (const auto& [number, name] : layers) {
                std::size_t left = most_layers;
                const std::string group = container_ + "/" + name;
                if (!known.contains(class_name) && has_variables(group, 0, left))
                    found.push_back(group);
            }
        return found;
    }

    /// How many variables a layer has in the file. Throws std::runtime_error if it has no such layer.
    std::size_t variable_count(const LayerDescription& layer) {
        if (by_name_)
            return list(root_ + "/" + layer.name, "weight_names").size();
        std::size_t count = 0;
        for (const std::string& group : groups_of(layer))
            count += weights_.count(group);
        return count;
    }

    /// All that a layer has learned, in Keras' order; of a Bidirectional layer the forward layer's before the backward
    /// one's. Throws std::runtime_error unless there are as many as the layer must have, and they can be read.
    std::vector<NamedTensor> variables(const LayerDescription& layer) {
        const std::size_t each = variable_parts(layer).each;
        if (each == 0)
            return {};
        return by_name_ ? named_variables(layer, keras::variable_count(layer)) : numbered_variables(layer, each);
    }

  private:
    Json parse(const std::string& text, const char* subject) const {
        constexpr std::size_t levels = 64; // a bidirectional layer's dtype policy is at the tenth
        if (text.empty())
            return nullptr;
        input_.check(text.size() <= largest_json, subject, " has ", text.size(), " bytes, expected at most ",
                     largest_json);
        auto [json, error] = parse_strict_object(text, subject, levels);
        input_.check(error.empty(), error);
        return std::move(json);
    }

    std::string one_text(const std::string& path, const char* attribute) const {
        const auto texts = weights_.texts(path, attribute);
        return texts && !texts->empty() ? texts->front() : std::string();
    }

    /// A list that is too long for one attribute, which has 64 KB at most, is cut into "name0", "name1" ….
    static constexpr int most_pieces = 1000;
    bool has_list(const std::string& path, const std::string& attribute) const {
        return weights_.texts(path, attribute) || weights_.texts(path, attribute + "0");
    }
    std::vector<std::string> list(const std::string& path, const std::string& attribute) const {
        if (auto whole = weights_.texts(path, attribute))
            return std::move(*whole);
        std::vector<std::string> texts;
        for (int k = 0;; ++k) {
            const auto part = weights_.texts(path, attribute + std::to_string(k));
            if (!part)
                return texts;
            weights_.check(k < most_pieces, "the attribute ", attribute, " of ", Hdf5File::label(path),
                           " is cut into more than ", most_pieces, " pieces");
            texts.insert(texts.end(), part->begin(), part->end());
        }
    }

    /// The layout of .h5: a group a layer, called as the layer, which lists its variables. Of a model inside the model there
    /// is one group.
    std::vector<NamedTensor> named_variables(const LayerDescription& layer, std::size_t expected) {
        const bool inside = !layer.within.empty();
        const std::string group = root_ + "/" + (inside ? layer.within[0].name : layer.name);
        if (group != listed_.first)
            listed_ = {group, list(group, "weight_names")};
        const std::vector<std::string>& names = listed_.second;
        if (inside)
            input_.check(names.size() == layer.all, layer.label, "the file has ", names.size(),
                         " variables for the model \"", layer.within[0].name, "\" that it is in, expected ", layer.all);
        else
            check_count(layer, names.size(), expected, is_stateful(layer.spec)); // whose states come last
        std::vector<NamedTensor> tensors;
        for (std::size_t k = 0; k < expected; ++k)
            tensors.push_back(weights_.read(group + "/" + names[inside ? layer.places[k] : k]));
        return tensors;
    }

    /// The layout of .keras and .weights.h5: layers/lstm_1/cell/vars/0, the second LSTM's first variable. A layer's parts
    /// and their numbers are in order.
    std::vector<NamedTensor> numbered_variables(const LayerDescription& layer, std::size_t each) {
        std::vector<NamedTensor> tensors;
        for (const std::string& group : groups_of(layer)) {
            check_count(layer, weights_.count(group), each, false);
            for (std::size_t k = 0; k < each; ++k)
                tensors.push_back(weights_.read(group + "/" + std::to_string(k)));
        }
        return tensors;
    }

    /// The groups of a layer's parts.
    std::vector<std::string> groups_of(const LayerDescription& layer) {
        std::string container = container_;
        for (const ClassNumber& model : layer.within)
            container = container_in(group_of(layer, container, model.class_name, model.number) + "/");
        const std::string group = group_of(layer, container, layer.class_name, layer.number);
        std::vector<std::string> groups;
        for (const std::string& part : variable_parts(layer).parts)
            groups.push_back(group + (part.empty() ? "" : "/" + part) + "/vars");
        return groups;
    }
    /// Keras 2.13 left numbers out, so the second of a class is whatever number comes second.
    std::string group_of(const LayerDescription& layer, const std::string& container, const std::string& class_name,
                         Index number) {
        const std::string name = snake_case(class_name);
        const Groups& layers = groups(container);
        const auto found = layers.find(name);
        const auto k = static_cast<std::size_t>(number);
        input_.check(found != layers.end() && found->second.size() > k, layer.label,
                     "the file has no weights for it: ", container, "/", name, number == 0 ? "" : "_" + decimal(number),
                     " is missing");
        return container + "/" + found->second[k].second;
    }
    /// The group of the layers of the model in this group, "" or with a slash at its end.
    std::string container_in(const std::string& model) const {
        const std::string usual = model + "layers";
        return weights_.has_group(usual) ? usual : model + "_layer_checkpoint_dependencies"; // Keras 2.12 and 2.13
    }
    const Groups& groups(const std::string& container) {
        const auto [found, added] = groups_.try_emplace(container);
        if (added && weights_.has_group(container))
            found->second = numbered(weights_.names(container));
        return found->second;
    }

    /// Whether there are variables in a group or those in it; also if there are more groups than any layer has, or deeper.
    bool has_variables(const std::string& group, int level, std::size_t& left) const {
        constexpr int most_levels = 50; // models inside models, 16 deep, and what their layers consist of
        if (level > most_levels || left == 0)
            return true;
        if (!weights_.has_group(group))
            return level > 0;
        --left;
        for (const std::string& name : weights_.names(group))
            if (name != "seed_generator" && has_variables(group + "/" + name, level + 1, left))
                return true;
        return false;
    }

    void check_count(const LayerDescription& layer, std::size_t count, std::size_t expected, bool more_allowed) const {
        expected += further_count(layer);
        input_.check(count == expected || (more_allowed && count > expected), layer.label, "the file has ", count,
                     " variables for it, expected ", expected);
    }

    const Input& input_;
    Hdf5File weights_;
    Json model_;
    std::string keras_version_;
    std::string root_;                                             // the group of all layers in .h5
    bool by_name_ = false;                                         // whether layers are found by their names
    std::string container_;                                        // else the group that has them
    std::map<std::string, Groups> groups_;                         // of the containers that were looked into
    std::pair<std::string, std::vector<std::string>> listed_ = {}; // a group and its list of variables
};

} // namespace carousel::detail::keras
