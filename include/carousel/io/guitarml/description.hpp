// What a file of GuitarML's programs (Proteus, NeuralPi, NeuralSeed, …) says, read and checked, without layers:
// github.com/Alec-Wright/CoreAudioML, networks.py, class SimpleRNN. Needs nlohmann-json.
#pragma once

#include "carousel/io/json_file.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::guitarml {

/// PyTorch's: (G·H) × I, (G·H) × H, (G·H) × 1 twice, with gates i f g o or r z n.
struct Recurrent {
    Matrix<double> W, U, b, b_recurrent;
};

/// Recurrent layers of `hidden` units each and a linear one; y = linear(h), and the first inputs are added if `skip`.
struct Description {
    std::string unit; ///< "LSTM", "GRU" or "RNN", which has tanh
    Index input = 0, hidden = 0, output = 0;
    bool skip = false;
    std::vector<Recurrent> layers = {};
    Matrix<double> W = {}, b = {}; ///< output × hidden, output × 1
    Metadata metadata = {};
};

class Reader {
  public:
    Reader(const char* where, const ByteSource& source, double largest_number) : file_(where, source, largest_number) {}

    /// `skip`: instead of what the file says.
    Description read(std::optional<bool> skip) const {
        const Json& root = file_.root();
        const Json& model = file_.object(file_.get(root, "model_data", ""), "model_data");
        const Json& state = file_.object(file_.get(root, "state_dict", ""), "state_dict");
        const auto size = [&](const char* name, Index most) {
            return file_.whole(file_.get(model, name, "model_data: "), std::string("model_data: ") + name, 1, most);
        };
        if (const Json* const kind = member(model, "model"))
            file_.check(*kind == "SimpleRNN", "model_data: model is ", shown_json(*kind),
                        ", expected \"SimpleRNN\": no other can be loaded");
        Description description;
        description.unit = file_.text(file_.get(model, "unit_type", "model_data: "), "model_data: unit_type");
        file_.check(description.unit == "LSTM" || description.unit == "GRU" || description.unit == "RNN",
                    "model_data: unit_type is \"", description.unit, "\", expected \"LSTM\", \"GRU\" or \"RNN\"");
        description.input = size("input_size", most_units);
        description.hidden = size("hidden_size", most_units);
        description.output = member(model, "output_size") ? size("output_size", most_units) : 1;
        const Index layers = member(model, "num_layers") ? size("num_layers", most_layers) : 1;
        description.skip = skip ? *skip : file_skip(model, description);
        file_.check(!description.skip || description.output <= description.input, "model_data: output_size is ",
                    description.output, " and input_size ", description.input,
                    "; with skip it can't be more, for the input is added to the output");

        std::set<std::string> expected;
        const auto tensor = [&](const std::string& name) -> const Json& {
            expected.insert(name);
            return file_.get(state, name.c_str(), "state_dict: ");
        };
        for (Index k = 0; k < layers; ++k)
            description.layers.push_back(recurrent(k, description, tensor));
        description.W =
            file_.matrix(tensor("lin.weight"), "state_dict: lin.weight", description.output, description.hidden);
        description.b = has_bias(model, state)
                            ? file_.column(tensor("lin.bias"), "state_dict: lin.bias", description.output)
                            : Matrix<double>::Zero(description.output, 1);
        for (const auto& [name, value] : state.items())
            file_.check(expected.contains(name), "state_dict: \"", name,
                        "\" is none of the model's: ", counted(layers, "layer"), " of unit_type ", description.unit,
                        " and lin; correct model_data, or take it out");
        description.metadata = metadata(root);
        return description;
    }

  private:
    static constexpr Index most_units = 1'000'000, most_layers = 1'000;

    template <class Tensor>
    Recurrent recurrent(Index k, const Description& of, Tensor&& tensor) const {
        const Index rows = (of.unit == "LSTM" ? 4 : of.unit == "GRU" ? 3 : 1) * of.hidden;
        const std::string end = "_l" + decimal(k), place = "state_dict: ";
        const auto matrix = [&](const std::string& name, Index columns) {
            return file_.matrix(tensor(name), place + name, rows, columns);
        };
        const auto column = [&](const std::string& name) { return file_.column(tensor(name), place + name, rows); };
        Recurrent layer;
        layer.W = matrix("rec.weight_ih" + end, k == 0 ? of.input : of.hidden);
        layer.U = matrix("rec.weight_hh" + end, of.hidden);
        layer.b = column("rec.bias_ih" + end);
        layer.b_recurrent = column("rec.bias_hh" + end);
        return layer;
    }

    /// How many of the input's features are added to as many of the output's; CoreAudioML knows 0 as none.
    bool file_skip(const Json& model, const Description& of) const {
        const Json* const found = member(model, "skip");
        if (!found)
            return false;
        const Index skip = file_.whole(*found, "model_data: skip", 0, most_units);
        file_.check(skip == 0 || skip == of.output, "model_data: skip is ", skip, ", expected 0 or ", of.output,
                    ", as many as output_size");
        return skip > 0;
    }

    bool has_bias(const Json& model, const Json& state) const {
        const Json* const found = member(model, "bias_fl");
        const bool without = found && (*found == false || *found == 0);
        return !without || member(state, "lin.bias");
    }

    Metadata metadata(const Json& root) const {
        Metadata metadata;
        JsonFile::add_metadata(root, {"model_data", "state_dict", "samplerate", "sample_rate"}, metadata);
        for (const char* const name : {"samplerate", "sample_rate"})
            if (const Json* const rate = member(root, name))
                metadata["sample_rate"] = message_of(file_.sample_rate(*rate, name));
        return metadata;
    }

    JsonFile file_;
};

/// Throws std::runtime_error "where: source: state_dict: rec.weight_ih_l0 is …" if the file isn't one that can be loaded.
inline Description read(const char* where, const ByteSource& source, double largest_number,
                        std::optional<bool> skip = std::nullopt) {
    return Reader(where, source, largest_number).read(skip);
}

} // namespace carousel::detail::guitarml
