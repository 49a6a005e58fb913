// What an RTNeural or AIDA-X file says, read and checked, without layers: github.com/jatinchowdhury18/RTNeural,
// model_loader.h, and github.com/AidaDSP/aidadsp-lv2. Needs nlohmann-json.
#pragma once

#include "carousel/io/json_file.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::rtneural {

/// Weights are Keras': matrices with as many rows as a layer has inputs.
struct Layer {
    std::string type;       ///< one of `types`
    std::string activation; ///< one of `activations` for a dense, a conv1d or an activation, else empty
    Index input = 0, output = 0;
    Index dilation = 1, groups = 1; ///< of a conv1d
    double epsilon = 0;             ///< of a batchnorm
    /// dense: I × O and the bias, O × 1. lstm: I × 4H, H × 4H, 4H × 1 (i, f, c, o). gru: I × 3H, H × 3H, 2 × 3H (z, r, h).
    /// conv1d: a matrix (I / groups) × O for each step of the kernel, the oldest first, and the bias, O × 1. batchnorm: γ, β,
    /// mean and variance, each n × 1. prelu: the slopes, n × 1 or, for all features, 1 × 1.
    std::vector<Matrix<double>> weights = {};
};

struct Description {
    Index input = 0;
    bool skip = false;                      ///< the first input is added to the output
    double input_gain = 0, output_gain = 0; ///< dB; the input's is of its first feature, which is the signal
    std::vector<Layer> layers = {};
    Metadata metadata = {}; ///< with "sample_rate", if the file says it
};

inline constexpr std::array<std::string_view, 7> types{"dense",     "lstm",  "gru",       "conv1d",
                                                       "batchnorm", "prelu", "activation"};
inline constexpr std::array<std::string_view, 6> activations{"", "tanh", "relu", "sigmoid", "softmax", "elu"};

inline constexpr Index most_units = 1'000'000;  // of a layer
inline constexpr Index most_dilation = 1 << 20; // steps
inline constexpr Index most_groups = 64;        // each makes a kernel, which is stored whole, as many times larger
inline constexpr Index most_with_gain = 3;      // inputs, AIDA-X' own limit
inline constexpr double most_gain = 200;        // dB

template <std::size_t n>
bool is_one_of(const std::array<std::string_view, n>& list, std::string_view text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}
template <std::size_t n>
std::string listed(const std::array<std::string_view, n>& list) {
    std::string text;
    for (const std::string_view one : list)
        if (!one.empty())
            text += (text.empty() ? "" : ", ") + std::string(one);
    return text;
}

class Reader {
  public:
    Reader(const char* where, const ByteSource& source, double largest_number) : file_(where, source, largest_number) {}

    Description read() const {
        const Json& root = file_.root();
        Description description;
        description.input = features(file_.get(root, "in_shape", ""), "in_shape");
        Index input = description.input;
        const Json& layers = file_.array(file_.get(root, "layers", ""), "layers");
        file_.check(!layers.empty(), "layers is empty, expected at least one layer");
        for (std::size_t k = 0; k < layers.size(); ++k) {
            description.layers.push_back(layer(layers[k], k, input));
            input = description.layers.back().output;
        }
        description.skip = skip(root, input);
        description.input_gain = gain(root, "in_gain");
        description.output_gain = gain(root, "out_gain");
        file_.check(description.input_gain == 0 || description.input <= most_with_gain, "in_gain is ",
                    description.input_gain, " dB for a model of ", description.input, " inputs, expected at most ",
                    most_with_gain, ": the signal and two knobs");
        description.metadata = metadata(root);
        return description;
    }

  private:
    /// The last number of a Keras shape, [null, null, 1].
    Index features(const Json& shape, const std::string& what) const {
        file_.check(shape.is_array() && !shape.empty() && shape.size() <= 3, what, " is ", shown_json(shape),
                    ", expected an array of at most 3, which ends with the number of features");
        return file_.whole(shape.back(), what + "'s last number", 1, most_units);
    }

    Layer layer(const Json& value, std::size_t k, Index input) const {
        const std::string number = "layer " + std::to_string(k);
        file_.object(value, number);
        std::string type = file_.text(file_.get(value, "type", number + ": "), number + ": type");
        const std::string place = number + " (" + type + "): ";
        if (type == "time-distributed-dense")
            type = "dense";
        file_.check(is_one_of(types, type), place, "this type can't be loaded, but ", listed(types),
                    " and time-distributed-dense can");
        Layer layer{type, activation(value, type, place), input, 0};
        layer.output = features(file_.get(value, "shape", place), place + "shape");
        const Json& weights = file_.array(file_.get(value, "weights", place), place + "weights");
        if (type == "dense")
            dense(weights, place, layer);
        else if (type == "lstm" || type == "gru")
            recurrent(weights, place, layer);
        else if (type == "conv1d")
            convolution(value, weights, place, layer);
        else {
            file_.check(layer.output == input, place, "shape says ", layer.output, " features, expected ", input,
                        ", as many as it is given");
            if (type == "batchnorm")
                batch_norm(value, weights, place, layer);
            else if (type == "prelu")
                slopes(weights, place, layer);
        }
        return layer;
    }

    /// RTNeural knows none of an lstm and a gru: they have tanh, whether the file says so or nothing.
    std::string activation(const Json& value, const std::string& type, const std::string& place) const {
        const Json* const found = member(value, "activation");
        std::string name = found ? file_.text(*found, place + "activation") : "";
        if (name == "linear")
            name = "";
        if (type == "lstm" || type == "gru") {
            file_.check(name.empty() || name == "tanh", place, "activation is \"", name,
                        "\", expected \"tanh\" or \"\", which mean the same: RTNeural knows no other here");
            return "";
        }
        if (type == "batchnorm" || type == "prelu")
            file_.check(name.empty(), place, "activation is \"", name, "\", expected \"\": this type has none");
        file_.check(is_one_of(activations, name), place, "activation \"", name, "\" can't be loaded, but ",
                    listed(activations), " can");
        return name;
    }

    void require_weights(const Json& weights, const std::string& place, std::size_t count) const {
        file_.check(weights.size() == count, place, "has ", weights.size(), " arrays of weights, expected ", count);
    }

    void dense(const Json& weights, const std::string& place, Layer& layer) const {
        file_.check(weights.size() == 1 || weights.size() == 2, place, "has ", weights.size(),
                    " arrays of weights, expected 2, or 1 without a bias");
        layer.weights.push_back(file_.matrix(weights[0], place + "the kernel", layer.input, layer.output,
                                             "; correct shape or the weights"));
        layer.weights.push_back(weights.size() == 2 ? file_.column(weights[1], place + "the bias", layer.output)
                                                    : Matrix<double>::Zero(layer.output, 1));
    }

    void recurrent(const Json& weights, const std::string& place, Layer& layer) const {
        const bool gru = layer.type == "gru";
        const Index blocks = (gru ? 3 : 4) * layer.output;
        require_weights(weights, place, 3);
        const std::string sizes = " for " + counted(layer.input, "input") + " and " + counted(layer.output, "unit") +
                                  "; correct shape or the weights";
        layer.weights.push_back(file_.matrix(weights[0], place + "the kernel", layer.input, blocks, sizes));
        layer.weights.push_back(file_.matrix(weights[1], place + "the recurrent kernel", layer.output, blocks, sizes));
        if (!gru)
            layer.weights.push_back(file_.column(weights[2], place + "the bias", blocks));
        else {
            file_.check(
                !weights[2].is_array() || weights[2].empty() || weights[2][0].is_array(), place,
                "the bias has one row, expected 2: it is of Keras' reset_after=False, which RTNeural doesn't know");
            layer.weights.push_back(file_.matrix(weights[2], place + "the bias", 2, blocks));
        }
    }

    /// 3, or [3]
    Index size(const Json& value, const char* name, const std::string& place, Index most) const {
        const Json& found = file_.get(value, name, place);
        const bool list = found.is_array() && found.size() == 1;
        return file_.whole(list ? found[0] : found, place + name, 1, most);
    }

    void convolution(const Json& value, const Json& weights, const std::string& place, Layer& layer) const {
        const Index steps = size(value, "kernel_size", place, most_units);
        layer.dilation = size(value, "dilation", place, most_dilation);
        if (member(value, "groups"))
            layer.groups = size(value, "groups", place, most_groups);
        if (member(value, "strides"))
            file_.check(size(value, "strides", place, most_units) == 1, place,
                        "strides isn't 1, so it gives fewer steps than it is given, which RTNeural doesn't");
        file_.check(layer.input % layer.groups == 0 && layer.output % layer.groups == 0, place, "groups is ",
                    layer.groups, ", which doesn't divide ", layer.input, " input and ", layer.output,
                    " output features");
        require_weights(weights, place, 2);
        file_.check(weights[0].is_array() && static_cast<Index>(weights[0].size()) == steps, place, "the kernel is ",
                    shown_json(weights[0]), ", expected an array of ", steps, ", as kernel_size says");
        for (Index k = 0; k < steps; ++k)
            layer.weights.push_back(file_.matrix(weights[0][static_cast<std::size_t>(k)],
                                                 place + "step " + decimal(k) + " of the kernel",
                                                 layer.input / layer.groups, layer.output));
        layer.weights.push_back(file_.column(weights[1], place + "the bias", layer.output));
    }

    void batch_norm(const Json& value, const Json& weights, const std::string& place, Layer& layer) const {
        layer.epsilon = file_.number(file_.get(value, "epsilon", place), place + "epsilon");
        file_.check(layer.epsilon >= 0 && layer.epsilon <= 1e6, place, "epsilon is ", layer.epsilon,
                    ", expected a number from 0 to 1e6");
        file_.check(weights.size() == 2 || weights.size() == 4, place, "has ", weights.size(),
                    " arrays of weights, expected 4 (gamma, beta, mean, variance) or 2 (mean, variance)");
        std::size_t k = 0;
        const auto next = [&](const char* what) { return file_.column(weights[k++], place + what, layer.input); };
        const bool scaled = weights.size() == 4;
        layer.weights.push_back(scaled ? next("gamma") : Matrix<double>::Ones(layer.input, 1));
        layer.weights.push_back(scaled ? next("beta") : Matrix<double>::Zero(layer.input, 1));
        layer.weights.push_back(next("the mean"));
        layer.weights.push_back(next("the variance"));
        const double least = layer.weights.back().minCoeff() + layer.epsilon;
        file_.check(least > 0, place, "variance + epsilon is ", least, " for a feature, expected more than 0");
    }

    /// One array of slopes, or an array of one array as Keras' PReLU has it, of which each step has the same. A single number,
    /// or as many as features.
    void slopes(const Json& weights, const std::string& place, Layer& layer) const {
        require_weights(weights, place, 1);
        const bool nested = weights[0].is_array() && weights[0].size() == 1 && weights[0][0].is_array();
        const Json& slopes = nested ? weights[0][0] : weights[0];
        const bool one = slopes.is_array() && slopes.size() == 1;
        layer.weights.push_back(file_.column(slopes, place + "the array of slopes", one ? 1 : layer.input));
    }

    bool skip(const Json& root, Index output) const {
        const Json* const found = member(root, "in_skip");
        const bool skip = found && file_.whole(*found, "in_skip", 0, 1) == 1;
        file_.check(!skip || output == 1, "in_skip is 1 and the last layer gives ", output,
                    " features, expected 1, to which the signal is added");
        return skip;
    }

    double gain(const Json& root, const char* name) const {
        const Json* const found = member(root, name);
        const double decibels = found ? file_.number(*found, name) : 0;
        file_.check(std::abs(decibels) <= most_gain, name, " is ", decibels, ", expected from ", -most_gain, " to ",
                    most_gain, " dB");
        return decibels;
    }

    /// AIDA-X' trainer writes them in "metadata", others beside the layers.
    Metadata metadata(const Json& root) const {
        Metadata metadata;
        JsonFile::add_metadata(root,
                               {"in_shape", "layers", "in_skip", "in_gain", "out_gain", "input_batch", "output_batch",
                                "metadata", "samplerate", "sample_rate"},
                               metadata);
        const auto rate_of = [](const Json& object) {
            const Json* const rate = member(object, "samplerate");
            return rate ? rate : member(object, "sample_rate");
        };
        const Json* rate = rate_of(root);
        if (const Json* const object = member(root, "metadata")) {
            JsonFile::add_metadata(file_.object(*object, "metadata"), {"samplerate", "sample_rate"}, metadata);
            if (const Json* const inner = rate_of(*object))
                rate = inner;
        }
        if (rate)
            metadata["sample_rate"] = message_of(file_.sample_rate(*rate, "samplerate"));
        return metadata;
    }

    JsonFile file_;
};

/// Throws std::runtime_error "where: source: layer 0 (lstm): …" if the file isn't one that can be loaded.
inline Description read(const char* where, const ByteSource& source, double largest_number) {
    return Reader(where, source, largest_number).read();
}

} // namespace carousel::detail::rtneural
