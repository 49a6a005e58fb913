// Models of Neural Amp Modeler (.nam) that are an LSTM. Needs nlohmann-json, so carousel.hpp doesn't include it; in CMake,
// link carousel::nam.
#pragma once

#include "carousel/io/json_text.hpp"
#include "carousel/io/nam/description.hpp"
#include "carousel/io/recurrent_weights.hpp"
#include "carousel/io/replace_file.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/model/fast_gates.hpp"
#include "carousel/model/model_file.hpp"

#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What load_nam may be told.
struct NamOptions {
    /// Runs the model on silence, from the state in the file, so that it is settled when the signal begins, as NAM Core does
    /// when a host starts: for half a second at the file's sample rate, in whole blocks; for one block if the file says none.
    bool prewarm = false;
    Index block = 512; ///< samples: the host's buffer size
};

namespace detail::nam {

inline constexpr Index most_block = 1 << 20;

template <class S>
Model<S> model_of(const Description& description) {
    Model<S> model;
    Index input = description.input;
    for (const Lstm& from : description.layers) {
        LSTM<S> layer(input, description.hidden, {.initialize = false});
        const auto cast = [](const Matrix<double>& m) -> Matrix<S> { return m.template cast<S>(); };
        set_recurrent_weights(layer, {cast(from.W), cast(from.U), cast(from.b), {}}, pytorch_layout, "load_nam");
        model.add(std::move(layer));
        input = description.hidden;
    }
    Dense<S> head(description.hidden, description.output, {.initialize = false});
    head.W().value = description.W.template cast<S>();
    head.b().value = description.b.template cast<S>();
    model.add(std::move(head));
    return model;
}

/// The state after half a second of silence, in whole blocks of at least one sample.
template <class S>
typename Model<S>::State prewarmed(const Model<S>& model, const typename Model<S>::State& state, double sample_rate,
                                   Index block) {
    const auto half_a_second = std::max(static_cast<Index>(0.5 * sample_rate), Index(1));
    const Index samples = (half_a_second + block - 1) / block * block;
    const std::vector<S> silence(static_cast<std::size_t>(model.input_size()));
    Stream stream{model};
    stream.set_state(state);
    for (Index t = 0; t < samples; ++t)
        stream(std::span<const S>(silence));
    return stream.state();
}

/// The layers of a model as the file's list of weights, and its config.
template <class S>
class Writer {
  public:
    Writer(const Model<S>& model, const typename Model<S>::State& state) {
        require(model.size() >= 2, where, "the model has ", counted(model.size(), "layer"),
                ", expected one LSTM or more and a Dense");
        require(state.empty() || static_cast<Index>(state.size()) == model.size() - 1, where, "the state has ",
                state.size(), " matrices, expected ", model.size() - 1, ", or none for zero");
        model.each_layer([&](std::size_t k, const AnyLayer<S>& layer) {
            const std::string place = message_of(where, ": layer ", k, " (", layer.name(), ")");
            if (static_cast<Index>(k) + 1 < model.size())
                add(place, layer.template target<LSTM<S>>(), state.empty() ? Matrix<S>() : state[k],
                    fast_gates_advice(layer));
            else
                add(place, layer.template target<Dense<S>>());
        });
    }

    std::string text(const Metadata& metadata) const {
        const auto version = metadata.find("version");
        const std::string rate = json_sample_rate(metadata, where);
        return R"({"version": )" +
               json_string(version == metadata.end() ? "0.5.4" : version->second, where, "the version") +
               R"(, "metadata": {)" +
               json_members(metadata, {"version", "sample_rate"},
                            {"loudness", "gain", "input_level_dbu", "output_level_dbu"}, where) +
               R"(}, "architecture": "LSTM", "config": {"input_size": )" + decimal(input_) + R"(, "hidden_size": )" +
               decimal(hidden_) + R"(, "num_layers": )" + decimal(layers_) +
               (output_ > 1 || input_ > 1
                    ? R"(, "in_channels": )" + decimal(input_) + R"(, "out_channels": )" + decimal(output_)
                    : "") +
               R"(}, "weights": [)" + weights_ + "]" + (rate.empty() ? "" : R"(, "sample_rate": )" + rate) + "}\n";
    }

    static constexpr const char* where = "save_nam";

  private:
    void add(const std::string& place, const LSTM<S>* layer, const Matrix<S>& state, const std::string& advice) {
        const char* const here = place.c_str();
        require(layer, here, "NAM's LSTM has layers LSTM alone before the last, with sigmoid and tanh", advice);
        const Index H = layer->hidden_size(), I = layer->input_size();
        require(layers_ == 0 || H == hidden_, here, "it has ", H, " units, expected ", hidden_, " as the first");
        require(layer->P().size() == 0, here, "it has peepholes, which NAM's LSTM hasn't");
        require(!layer->options().reverse, here, "it runs in reverse, which NAM's LSTM doesn't");
        require(layer->options().zoneout == 0 && layer->options().zoneout_cell == 0, here,
                "it has zoneout, which NAM's LSTM hasn't");
        if (layers_++ == 0)
            input_ = I, hidden_ = H;
        Matrix<S> both(4 * H, I + H);
        both << checked(here, "W", layer->W().value, 4 * H, I), checked(here, "U", layer->U().value, 4 * H, H);
        put(both.transpose()); // row by row
        put(checked(here, "b", layer->b().value, 4 * H, 1));
        put(state.size() == 0 ? Matrix<S>::Zero(2 * H, 1) : checked(here, "the state", state, 2 * H, 1));
    }

    void add(const std::string& place, const Dense<S>* layer) {
        const char* const here = place.c_str();
        require(layer, here, "the last layer of NAM's LSTM is a Dense");
        require(layer->options().activation == Activation::linear, here,
                "NAM's LSTM ends without an activation, not with ", description(layer->options().activation));
        output_ = layer->output_size();
        put(Matrix<S>(checked(here, "W", layer->W().value, output_, hidden_).transpose()));
        put(checked(here, "b", layer->b().value, output_, 1));
    }

    static const Matrix<S>& checked(const char* here, const char* name, const Matrix<S>& value, Index rows,
                                    Index columns) {
        require(value.rows() == rows && value.cols() == columns, here, name, " is ", value.rows(), " x ", value.cols(),
                ", expected ", rows, " x ", columns);
        require(value.allFinite(), here, name, " has a number that isn't finite, which JSON can't say");
        return value;
    }

    void put(const Matrix<S>& numbers) {
        for (Index k = 0; k < numbers.size(); ++k)
            weights_ += (weights_.empty() ? "" : ", ") + json_number(static_cast<double>(numbers.data()[k]));
    }

    Index input_ = 0, hidden_ = 0, output_ = 0, layers_ = 0;
    std::string weights_;
};

} // namespace detail::nam

/// Loads a .nam file of the architecture LSTM (https://github.com/sdatkinson/NeuralAmpModelerCore): LSTM layers and a Dense one.
/// WaveNet, ConvNet and the others are refused. `source` is a path or the file's bytes in memory.
///
/// The state is what the file holds, or after NamOptions::prewarm what came of it: for each layer h over c. NAM runs a model
/// from there, and so does
///
///     const auto file = load_nam("amp.nam", {.prewarm = true});
///     Stream stream{file.model};
///     stream.set_state(file.state);
///
/// Metadata: "version", "sample_rate" in Hz if the file says it, and what is in the file's `metadata`: texts as they are,
/// numbers as text, objects as JSON.
///
/// Throws std::runtime_error "load_nam: path: weights has 69 numbers, expected …", and std::invalid_argument unless
/// 1 <= block <= 1,048,576.
template <std::floating_point S = float>
ModelFile<S> load_nam(const ByteSource& source, const NamOptions& options = {}) {
    require(options.block >= 1 && options.block <= detail::nam::most_block, "load_nam", "block is ", options.block,
            ", expected 1 <= block <= ", detail::nam::most_block);
    auto description = detail::nam::read("load_nam", source, std::numeric_limits<S>::max());
    ModelFile<S> file{detail::nam::model_of<S>(description), std::move(description.metadata)};
    for (const auto& layer : description.layers)
        file.state.push_back(layer.state.template cast<S>());
    if (options.prewarm)
        file.state = detail::nam::prewarmed(file.model, file.state, description.sample_rate, options.block);
    return file;
}

/// Saves a Model of LSTM layers of the same size and a Dense one without an activation as a .nam file of the architecture LSTM,
/// with the state from which it begins; an empty one is zero. What load_nam loads from the file is the same to the last
/// bit. The file is replaced as a whole (replace_file).
///
/// Metadata: "version" (by default 0.5.4) and "sample_rate" stand where NAM looks for them, everything else in the file's
/// `metadata`.
///
/// Throws std::invalid_argument "save_nam: layer 1 (GRU): …" if NAM's LSTM has no such layer, state or number;
/// std::runtime_error if the file can't be written. The old file is whole then.
template <class S>
void save_nam(const std::filesystem::path& path, const Model<S>& model, const Metadata& metadata = {},
              const typename Model<S>::State& state = {}) {
    const std::string text = detail::nam::Writer<S>(model, state).text(metadata);
    replace_file(path, {std::as_bytes(std::span(text))}, "save_nam");
}

/// All that load_nam loaded.
template <class S>
void save_nam(const std::filesystem::path& path, const ModelFile<S>& file) {
    save_nam(path, file.model, file.metadata, file.state);
}

} // namespace carousel
