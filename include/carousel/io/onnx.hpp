// ONNX files of recurrent nets: read into a Model, or the weights of one node into a layer of yours. Needs libprotobuf
// (no .proto file and no generated code); in CMake, link carousel::onnx.
#pragma once

#include "carousel/io/byte_source.hpp"
#include "carousel/io/onnx/build_model.hpp"
#include "carousel/io/onnx/export.hpp"
#include "carousel/io/onnx/extract.hpp"
#include "carousel/io/onnx/match.hpp"
#include "carousel/io/replace_file.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// What load_onnx may be told.
struct OnnxOptions {
    std::string output = {}; ///< the graph's output to load, for a graph that has several results; empty: its first
};

/// Reads a net from an ONNX file whose graph, from its input to its output, is a chain of this library's layers: RNN, LSTM
/// and GRU nodes with all their attributes, MatMul, Gemm, Conv, activations, Softmax, embeddings, residuals, and what
/// exporters put around them; docs/formats.md has the list. Which of its dimensions are batch, time and features is
/// found out, whatever their order; the model takes sequences as all layers here do. A net for tokens begins with an
/// Embedding.
///
/// Initial states that are inputs of the graph are the model's State, and so are those that are constants of the file:
/// ModelFile::state has these (units × sequences of the constant), and is empty if there are none, or all are zero.
/// sequence_lens that are an input of the graph are the lengths of the batch.
///
/// Throws std::runtime_error with the name, operator and index of the first node that doesn't fit, and std::bad_alloc.
/// Memory and time are bounded by a small multiple of the file's size.
template <std::floating_point S = float>
ModelFile<S> load_onnx(const ByteSource& source, const OnnxOptions& options = {}) {
    using namespace detail::onnx;
    const Source named("load_onnx", source.name());
    const FileBytes bytes(named, source);
    const File file = read_file(named, bytes.get());
    Budget budget(named, bytes.get().size());
    const Chain chain = Matcher(named, file, budget, options.output).match();
    ModelBuilder<S> builder(named, chain);
    ModelFile<S> loaded{builder.build(0, chain.end), file.metadata, {}};
    loaded.state = builder.state();
    return loaded;
}

/// Gives a layer, a Recurrent of any cell or a Bidirectional of one, the weights of the RNN, LSTM or GRU node of that
/// name, wherever it is in the graph, also inside an If or Loop; of a node without a name the name of its first output.
/// The layer must be of the node's sizes, direction, cell and functions. For files that load_onnx refuses.
///
/// Throws std::runtime_error, changing nothing, if there is no such node, its weights aren't constants, or the layer isn't
/// what the node is.
template <class L>
void extract_onnx(const ByteSource& source, const std::string& node_name, L& layer) {
    using namespace detail::onnx;
    const Source named("extract_onnx", source.name());
    const FileBytes bytes(named, source);
    const File file = read_file(named, bytes.get());
    Budget budget(named, bytes.get().size());
    const FoundNode found = find_recurrent_node(named, file, node_name);
    give_weights(named, found.node(), recurrent_directions(named, found, budget), layer);
}

/// What save_onnx may be told.
template <std::floating_point S>
struct SaveOnnxOptions {
    /// The states of recurrent layers are inputs and outputs of the graph: "initial_h_0", "final_h_0" …, by the layer's
    /// place, (directions, batch, units). false: they begin with `state`.
    bool states = false;
    /// Where every sequence begins, if the states are no inputs; of one sequence, as ModelFile::state. Empty: zero.
    typename Model<S>::State state = {};
    Metadata metadata = {};
};

namespace detail::onnx {
/// As onnx_bytes; messages begin with `where`.
template <class S, class Options>
std::vector<std::byte> bytes_of(const char* where, const Model<S>& model, const Options& options) {
    const std::string file = Exporter<S>(where, options.states, options.state).write(model, options.metadata);
    const auto bytes = std::as_bytes(std::span(file));
    return {bytes.begin(), bytes.end()};
}
} // namespace detail::onnx

/// A model as the bytes of an ONNX file, as save_onnx writes it. Throws std::invalid_argument as save_onnx does.
template <std::floating_point S>
std::vector<std::byte> onnx_bytes(const Model<S>& model, const SaveOnnxOptions<S>& options = {}) {
    return detail::onnx::bytes_of("onnx_bytes", model, options);
}

/// Writes a model as an ONNX file (operator set 14, or 17 with a LayerNorm) of any batch and time: from "x", (batch,
/// time, features), or for an Embedding (batch, time) of int64, to "y", (batch, time, features). All sequences of a
/// batch have the same length. Dropout inside a recurrent layer, which acts in training alone, isn't said.
///
/// Throws std::invalid_argument, writing nothing, naming the layer that ONNX can't say: zoneout, a cell or a layer of one's
/// own. Throws std::runtime_error if the file can't be written; the old one is whole then.
template <std::floating_point S>
void save_onnx(const std::filesystem::path& path, const Model<S>& model, const SaveOnnxOptions<S>& options = {}) {
    const std::vector<std::byte> bytes = detail::onnx::bytes_of("save_onnx", model, options);
    replace_file(path, {bytes}, "save_onnx");
}

} // namespace carousel
