// PyTorch's models loaded and saved: files of tests/golden/make_pytorch.py, which says what the models compute.
#include "catch.hpp"

#include "carousel/io/pytorch.hpp"
#include "carousel/io/safetensors.hpp"
#include "golden.hpp"

#include <cstring>
#include <filesystem>
#include <span>

namespace {

using namespace carousel;
using Catch::Matchers::Equals;
using namespace std::string_literals;

const std::string folder = CAROUSEL_TEST_DATA "/pytorch/";

std::string path(const std::string& file) {
    return folder + file;
}

template <class F>
std::string error_of(F&& f) {
    try {
        f();
    } catch (const std::exception& error) {
        return error.what();
    }
    return "none";
}

/// The error of loading a file by a line, without the part that all have.
std::string line_error(const std::string& file, const std::string& line, const PyTorchOptions& options = {}) {
    const std::string error = error_of([&] { load_pytorch<float>(path(file), line, options); });
    const std::string start = "load_pytorch: " + path(file) + ": ";
    return error.starts_with(start) ? error.substr(start.size()) : error;
}

/// The largest difference between what a model makes of PyTorch's input and what PyTorch made of it.
template <class M>
double difference(const M& model, const std::string& name) {
    static const test::Golden golden("pytorch/models.txt");
    const Matrix<double> expected = golden.sequence(name + ".y");
    const auto y =
        model(Sequence<float>(Matrix<float>(golden.sequence(name + ".x").cast<float>()), golden.shape(name + ".x")[1]));
    REQUIRE(y.values().cols() == expected.cols());
    return (y.values().template cast<double>() - expected).cwiseAbs().maxCoeff();
}

const std::string tagger_line =
    "Embedding(5, 3, padding_idx=0), GRU(3, 2, num_layers=2, batch_first=True, dropout=0.1, "
    "bidirectional=True), Linear(4, 3), LeakyReLU(0.1), Linear(3, 2, bias=False), Softmax";

auto tagger_model() {
    const RecurrentOptions no_start{.initialize = false};
    return Sequential{Embedding<float>{5, 3, {.padding = 0}},
                      Bidirectional{GRU<float>{3, 2, no_start}},
                      Dropout{0.1},
                      Bidirectional{GRU<float>{4, 2, no_start}},
                      Dense<float>{4, 3, {.activation = Activation::leaky_relu(0.1)}},
                      Dense<float>{3, 2},
                      Softmax{}};
}

} // namespace

TEST_CASE("load_pytorch: a line makes PyTorch's models, which compute what PyTorch's do") {
    const auto check = [](const std::string& file, const std::string& line) {
        CAPTURE(file, line);
        const auto loaded = load_pytorch<float>(path(file), line);
        REQUIRE(difference(loaded.model, file.substr(0, file.find('.'))) < 1e-6);
        REQUIRE(loaded.metadata.at("carousel.pytorch_architecture") == line);
        REQUIRE(loaded.state.empty());
    };
    check("tagger.pt", tagger_line);
    check("tagger.pt", "embedding(padding_idx=0), gru, linear, leakyrelu(0.1), linear, softmax");
    check("amplifier.pt", "residual(LSTM(2, 3), Linear(3, 1))");
    check("amplifier.pt", "residual(rec: nn.LSTM, lin: nn.Linear)");
    check("amplifier.safetensors", "residual(LSTM, Linear)");
    check("cells.pt", "GRU(2, 3), RNN(3, 4, nonlinearity='relu'), last");
    check("convolutions.pt", "Conv1d(2, 3, 3, dilation=2, padding='causal'), Tanh, Conv1d(3, 2, 2, stride=2)");
    check("normalized.pt", "Conv1d(2, 3, 2), BatchNorm1d(3, eps=0.01), GRU(3, 2)");
    check("alone.pt", "LSTM(2, 3, 2)");
}

TEST_CASE("load_pytorch: the line may be missing where one nn.LSTM or nn.GRU is all there is") {
    const auto loaded = load_pytorch(path("alone.pt"));
    REQUIRE(loaded.model.size() == 2);
    REQUIRE(difference(loaded.model, "alone") < 1e-6);
    REQUIRE(loaded.metadata.at("carousel.pytorch_architecture") == "LSTM");
    REQUIRE(
        line_error("tagger.pt", "") ==
        "has the weights of modules, but doesn't say what is done between and after them; give the architecture as a "
        "line like \"LSTM(1, 32), last, Linear(32, 1)\". The modules are: table: Embedding(5, 3), encoder: GRU(3, 2, "
        "num_layers=2, bidirectional=True), head.0: Linear(4, 3), head.1: ?, head.2: Embedding(2, 3), head.3: ?");
}

TEST_CASE("load_pytorch: names that wrappers put before those of a module make no difference") {
    const GRU<float> gru{2, 3};
    const auto wrapped = [&](const std::string& prefix, const char* more = nullptr) {
        auto tensors = read_safetensors(pytorch_safetensors_bytes(gru)).tensors;
        for (NamedTensor& tensor : tensors)
            tensor.name = prefix + tensor.name;
        if (more)
            tensors.push_back({more, {1}, std::vector<float>{3}});
        return safetensors_bytes(tensors);
    };
    const auto expected = safetensors_bytes(Model<float>{gru});
    REQUIRE(safetensors_bytes(load_pytorch(wrapped("module.")).model) == expected);
    REQUIRE(safetensors_bytes(load_pytorch(wrapped("_orig_mod.module.")).model) == expected);
    REQUIRE(safetensors_bytes(load_pytorch(wrapped("module.", "n_averaged")).model) == expected);
    REQUIRE(safetensors_bytes(load_pytorch(wrapped("net.module."), {}, {.prefix = "net."}).model) == expected);
    REQUIRE(pytorch_modules(wrapped("module.rnn.")) == "rnn: GRU(2, 3)");
    REQUIRE(pytorch_modules(wrapped("module.", "scale")) == "module: GRU(2, 3), ?");
    REQUIRE(safetensors_bytes(load_pytorch(wrapped("module.rnn."), {}, {.prefix = "module.rnn."}).model) == expected);
    REQUIRE(error_of([&] {
                load_pytorch(wrapped("module.rnn."), {}, {.prefix = "rnn."});
            }).ends_with("\"rnn.\"; a wrapper's \"module.\" or \"_orig_mod.\" is part of it"));
    for (const char* const line : {"rnn: GRU", "module.rnn: GRU", "GRU"})
        REQUIRE(safetensors_bytes(load_pytorch(wrapped("module.rnn."), line).model) == expected);
    GRU<float> given{2, 3};
    load_pytorch(wrapped("module.rnn."), given, {.modules = {"module.rnn"}});
    REQUIRE(given.W().value == gru.W().value);
    for (const char* const name : {"module", "module.module", "_orig_mod.rnn"})
        REQUIRE(safetensors_bytes(load_pytorch(pytorch_safetensors_bytes(gru, {.modules = {name}})).model) == expected);
    const std::vector<NamedTensor> within{{"module.module.weight", {1, 2}, std::vector<float>{1, 2}},
                                          {"module.module.bias", {1}, std::vector<float>{3}},
                                          {"module.fc.weight", {1, 1}, std::vector<float>{4}},
                                          {"module.fc.bias", {1}, std::vector<float>{5}}};
    for (const char* const line : {"module: Linear, fc: Linear", "module.module: Linear, module.fc: Linear"})
        REQUIRE(load_pytorch(safetensors_bytes(within), line).model.size() == 2);
    REQUIRE(pytorch_modules(path("wrapped.pt")) == "rnn: GRU(1, 1), linear: ?");
}

namespace {

/// A safetensors file of an nn.Linear(2, 1) whose weight is of this type.
std::vector<std::byte> linear_of(const std::string& dtype, const std::string& numbers) {
    const auto offsets = [](std::size_t begin, std::size_t end) {
        return "\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) + "]}";
    };
    const std::size_t size = numbers.size();
    const std::string header = "{\"0.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[]," + offsets(size, size + 8) +
                               ",\"0.weight\":{\"dtype\":\"" + dtype + "\",\"shape\":[1,2]," + offsets(0, size) + "}";
    const std::uint64_t length = header.size();
    std::string file(sizeof length, '\0');
    std::memcpy(file.data(), &length, sizeof length);
    file += header + numbers + std::string(8, '\0');
    const auto bytes = std::as_bytes(std::span(file));
    return {bytes.begin(), bytes.end()};
}

} // namespace

TEST_CASE("load_pytorch: numbers of 16 bits and whole numbers of safetensors files are converted") {
    const auto weights = [](const std::string& dtype, const std::string& numbers) {
        Dense<float> layer{2, 1};
        load_pytorch(linear_of(dtype, numbers), layer);
        REQUIRE(layer.b().value.isZero());
        return std::pair(layer.W().value(0, 0), layer.W().value(0, 1));
    };
    const auto zeros = [](std::size_t count) { return std::string(count, '\0'); };
    REQUIRE(weights("F16", "\x01" + zeros(1) + "\x00\xbe"s) == std::pair(0x1p-24F, -1.5F));
    REQUIRE(weights("BF16", "\xc0\x3f\x80\xc0"s) == std::pair(1.5F, -4.0F));
    REQUIRE(weights("I8", "\xff\x01"s) == std::pair(-1.0F, 1.0F));
    REQUIRE(weights("I64", "\x03" + zeros(15)) == std::pair(3.0F, 0.0F));
    REQUIRE(weights("BOOL", "\x01" + zeros(1)) == std::pair(1.0F, 0.0F));

    const auto error = [](const std::string& dtype, const std::string& numbers) {
        return error_of([&] { load_pytorch<float>(linear_of(dtype, numbers), "Linear"); });
    };
    REQUIRE(error("F16", "abc") == "load_pytorch: memory: \"0.weight\" has 3 bytes of data, expected 2 numbers of 2");
    REQUIRE(error("F8_E5M2", "ab") ==
            "load_pytorch: memory: \"0.weight\" is of type F8_E5M2, which is not read; convert "
            "it, as with .float(), and save the file again");
}

TEST_CASE("pytorch_modules: the modules of a file as a line to complete") {
    REQUIRE(pytorch_modules(path("amplifier.pt")) == "lin: Linear(3, 1), rec: LSTM(2, 3)");
    REQUIRE(pytorch_modules(path("cells.pt")) == "cell: GRU(2, 3), rnn: RNN(3, 4)");
    REQUIRE(pytorch_modules(path("convolutions.pt")) == "causal: Conv1d(2, 3, 3), valid: Conv1d(3, 2, 2)");
    REQUIRE(pytorch_modules(path("tagger.safetensors"), {.prefix = "head."}) == "0: Linear(4, 3), 2: Embedding(2, 3)");
}

TEST_CASE("load_pytorch: a given model gets the weights by the order and the sizes of its layers") {
    auto tagger = tagger_model();
    load_pytorch(path("tagger.pt"), tagger);
    REQUIRE(difference(tagger, "tagger") < 1e-6);

    auto sorted = tagger_model(); // a file that is sorted by names
    REQUIRE(load_pytorch(path("tagger.safetensors"), sorted) == Metadata{{"format", "pt"}});
    REQUIRE(difference(sorted, "tagger") < 1e-6);

    Model<float> amplifier{Residual{Model<float>{LSTM<float>{2, 3}, Dense<float>{3, 1}}}};
    load_pytorch(path("amplifier.pt"), amplifier, {.modules = {"rec", "lin"}});
    REQUIRE(difference(amplifier, "amplifier") < 1e-6);

    Residual fixed{Sequential{LSTM<float, 2, 3>{}, Dense<float, 3, 1>{}}};
    load_pytorch(path("amplifier.pt"), fixed);
    REQUIRE(difference(Sequential{fixed}, "amplifier") < 1e-6);

    GRU<double> layer{2, 3};
    load_pytorch(path("cells.pt"), layer, {.prefix = "cell."});
    GRU<double> same{2, 3};
    load_pytorch(path("cells.pt"), same, {.allow_extra = true});
    REQUIRE(same.W().value == layer.W().value);
}

TEST_CASE("load_pytorch: a model that doesn't fit is refused and stays as it was") {
    const auto refused = [](auto model, const std::string& file, const std::string& why,
                            const PyTorchOptions& options = {}) {
        const auto before = safetensors_bytes(model);
        REQUIRE(error_of([&] { load_pytorch(path(file), model, options); }) ==
                "load_pytorch: " + path(file) + ": " + why);
        REQUIRE(safetensors_bytes(model) == before);
    };
    refused(Sequential{LSTM<float>{2, 3}, Dense<float>{3, 2}}, "amplifier.pt",
            "layer 1 (Dense 3 -> 2) finds no module of its kind and sizes; not taken yet: \"lin\" Linear(3, 1)");
    refused(LSTM<float>{2, 3}, "amplifier.pt",
            "\"lin\" Linear(3, 1) is not in the model; if it isn't wanted, the option allow_extra passes over it");
    refused(GRU<float>{2, 3}, "amplifier.pt",
            "the GRU 2 -> 3 finds no module of its kind and sizes; not taken yet: \"lin\" Linear(3, 1), \"rec\" "
            "LSTM(2, 3)");
    refused(Sequential{LSTM<float>{2, 3, {.peephole = true}}, Dense<float>{3, 1}}, "amplifier.pt",
            "layer 0 (LSTM 2 -> 3) has peepholes, which no module of PyTorch does");
    refused(Model<float>{CoupledLSTM<float>{2, 3}}, "amplifier.pt",
            "layer 0 (CoupledLSTM 2 -> 3) has coupled gates, which no module of PyTorch does");
    refused(GRU<float, Dynamic, Dynamic, Reset::before>{2, 3}, "cells.pt",
            "the GRU 2 -> 3 resets before the product, which no module of PyTorch does");
    refused(LSTM<float, Dynamic, Dynamic, ChosenGates>{2, 3, {.gates = {.g = Activation::relu}}}, "amplifier.pt",
            "the LSTM 2 -> 3 has chosen functions for its gates, which no module of PyTorch does");
    refused(LSTM<float>{2, 3}, "alone.pt",
            "\"\" LSTM(3, 3) level 1 is not in the model; if it isn't wanted, the option allow_extra passes over it");
    refused(Sequential{LSTM<float>{2, 3}, GRU<float>{3, 3}}, "alone.pt",
            "\"\" LSTM(3, 3) level 1 is next, but layer 1 (GRU 3 -> 3) is of another kind or size");
    refused(LSTM<float>{1, 2}, "projected.pt",
            "\"weight_hr_l0\" belongs to an nn.LSTM with proj_size, which projects h; there is no such layer here");
    refused(Sequential{LastStep{}, LSTM<float>{2, 3}}, "amplifier.pt",
            "layer 1 (LSTM 2 -> 3) asks for \"lin\", but that is \"lin\" Linear(3, 1)", {.modules = {"lin"}});
    refused(LSTM<float>{2, 3}, "amplifier.pt",
            "the LSTM 2 -> 3 asks for \"rnn\", which isn't in the file; not taken yet: "
            "\"lin\" Linear(3, 1), \"rec\" LSTM(2, 3)",
            {.modules = {"rnn"}});
    refused(LSTM<float>{2, 3}, "amplifier.pt", "the option modules has \"lin\", for which there is no layer",
            {.modules = {"rec", "lin"}});
    refused(LSTM<float>{2, 3}, "amplifier.pt",
            "has no tensor whose name begins with the option prefix, \"rnn.\"; a "
            "wrapper's \"module.\" or \"_orig_mod.\" is part of it",
            {.prefix = "rnn."});
    refused(LSTM<float>{2, 3}, "amplifier.safetensors",
            "is a safetensors file, which has no dictionary \"model\"; leave the option out", {.dictionary = "model"});
}

TEST_CASE("load_pytorch: what is wrong with a line is said with its place") {
    const auto error = [](const std::string& line) { return line_error("amplifier.pt", line); };
    const std::string start = "the architecture: character ";
    REQUIRE(error("LSTM(2, 3), ") == start + "13: a step is expected here, as LSTM(1, 32)");
    REQUIRE_THAT(
        error("LSTM, GLU"),
        Catch::Matchers::StartsWith(start + "7: \"GLU\" is no step that is known; these are: lstm, gru, rnn, linear"));
    REQUIRE(error("LSTM(2, 3") == start + "10: \")\" or \",\" is expected here");
    REQUIRE(error("LSTM(2, 3))") == start + "11: \")\" is not expected here");
    REQUIRE(error("LSTM(2, units=3)") == start + "9: lstm has no argument \"units\"");
    REQUIRE(error("LSTM(hidden_size=3, 2)") == start + "21: an argument without a name follows one with a name");
    REQUIRE(error("LSTM(2, input_size=2)") == start + "21: \"input_size\" is given twice");
    REQUIRE(error("Tanh(1)") == start + "6: tanh has no more than 0 arguments");
    REQUIRE(error("Softmax(dim=)") == start + "13: a value is expected here: a number, True, False or a word");
    REQUIRE(error("residual") == start + "9: residual needs steps: residual(LSTM, Linear)");
    REQUIRE(error("LSTM(2.5)") == start + "1: LSTM(2.5) needs a whole number of at least 1 as input_size");
    REQUIRE(error("LSTM(bidirectional=1)") == start + "1: LSTM(bidirectional=1) needs True or False as bidirectional");
    REQUIRE(error("LSTM(2, 4)") == start +
                                       "1: LSTM(2, 4) finds no module of its kind and sizes; not taken yet: \"lin\" "
                                       "Linear(3, 1), \"rec\" LSTM(2, 3)");
    REQUIRE(error("LSTM(num_layers=2)") == start + "1: LSTM(num_layers=2) says num_layers=2, but \"rec\" has 1");
    REQUIRE(error("LSTM(bias=False)") == start + "1: LSTM(bias=False) says bias=False, but \"rec\" LSTM(2, 3) has one");
    REQUIRE(error("LSTM") ==
            "\"lin\" Linear(3, 1) is not in the model; if it isn't wanted, the option allow_extra passes over it");
    REQUIRE(error("LSTM, both_ends, Linear") ==
            start + "7: both_ends doesn't fit the steps before it: Model::add: layer 1 (BothEnds): x has 3 features, "
                    "expected an even number");
    REQUIRE(error("residual(LSTM, last), Linear") ==
            start + "1: residual(LSTM, last) can't be: Residual: the Sequential layer gives 1 steps for 2, expected "
                    "one for each; it can't be added to its input");
    REQUIRE(error("lin: LSTM") == start + "1: LSTM asks for \"lin\", but that is \"lin\" Linear(3, 1)");
    REQUIRE(line_error("tagger.pt", "Embedding(padding_idx=1), GRU, Linear, Linear") ==
            start + "1: Embedding(padding_idx=1) has padding 1, whose vector in \"table.weight\" isn't zero");
    REQUIRE(line_error("convolutions.pt", "Conv1d(padding=1)") ==
            start +
                "1: Conv1d(padding=1) pads both ends, which no layer here does; padding is 'causal' where the steps "
                "before the first are zeros, else 0");
    REQUIRE(
        line_error("alone.pt", "RNN") ==
        start +
            "1: RNN finds no module of its kind and sizes; not taken yet: \"\" LSTM(2, 3), \"\" LSTM(3, 3) level 1");
}

/// The model again, loaded from its file by the line in the file's metadata; the line.
template <class M>
std::string require_same_again(const M& model, const PyTorchSaveOptions& options = {}) {
    const auto bytes = pytorch_safetensors_bytes(model, options);
    const Metadata metadata = read_safetensors(bytes).metadata;
    REQUIRE(metadata.at("format") == "pt");
    const auto again = load_pytorch<float>(bytes);
    REQUIRE(safetensors_bytes(again.model) == safetensors_bytes(Model<float>{model}));
    return metadata.at("carousel.pytorch_architecture");
}

TEST_CASE("save_pytorch_safetensors: the file makes the same model again, bit for bit, without a line") {
    auto tagger = load_pytorch<float>(path("tagger.pt"), tagger_line).model;
    REQUIRE(require_same_again(tagger, {.modules = {"table", "encoder", "encoder", "head.0", "head.2"}}) ==
            "table: Embedding(5, 3, padding_idx=0), encoder: GRU(3, 2, bidirectional=True, dropout=0.1), "
            "head.0: Linear(4, 3), LeakyReLU(0.1), head.2: Linear(3, 2), Softmax");
    REQUIRE(require_same_again(load_pytorch<float>(path("cells.pt"), "GRU, RNN(nonlinearity='relu'), last").model) ==
            "0: GRU(2, 3), 1: RNN(3, 4, nonlinearity='relu'), last");
    REQUIRE(require_same_again(load_pytorch<float>(path("amplifier.pt"), "residual(LSTM, Linear)").model) ==
            "residual(0.0: LSTM(2, 3), 0.1: Linear(3, 1))");
    REQUIRE(require_same_again(load_pytorch<float>(path("convolutions.pt"),
                                                   "Conv1d(padding='causal', dilation=2), Tanh, Conv1d(stride=2)")
                                   .model) == "0: Conv1d(2, 3, 3, stride=1, padding='causal', dilation=2), Tanh, "
                                              "2: Conv1d(3, 2, 2, stride=2, padding=0, dilation=1)");
    REQUIRE(require_same_again(load_pytorch<float>(path("normalized.pt"), "Conv1d, BatchNorm1d(eps=0.5), GRU").model) ==
            "0: Conv1d(2, 3, 2, stride=1, padding=0, dilation=1), 1: BatchNorm1d(3, eps=0.5), 2: GRU(3, 2)");
    REQUIRE(require_same_again(LSTM<float>{2, 3}) == "LSTM(2, 3)");
    for (const char* const step : {"ReLU", "ReLU6", "Sigmoid", "Hardsigmoid", "Hardtanh", "Softsign", "Softplus",
                                   "ELU(0.5)", "Dropout(0.25)", "both_ends", "last"}) {
        const auto model =
            load_pytorch<float>(pytorch_safetensors_bytes(Dense<float>{2, 2}), std::string("Linear, ") + step).model;
        REQUIRE(require_same_again(model) == std::string("0: Linear(2, 2), ") + step);
    }
}

TEST_CASE("load_pytorch: an nn.LayerNorm is a LayerNorm with its epsilon") {
    LayerNorm<float> norm(2, {.epsilon = 0.5});
    norm.gamma().value << 0.5F, -2;
    norm.beta().value << 3, 4;
    const Model<float> model{GRU<float>{3, 2}, norm, Dense<float>{2, 1}};
    REQUIRE(require_same_again(model) == "0: GRU(3, 2), 1: LayerNorm(2, eps=0.5), 2: Linear(2, 1)");
    const auto bytes = pytorch_safetensors_bytes(model);
    REQUIRE(pytorch_modules(bytes) == "0: GRU(3, 2), 1: LayerNorm(2) or GroupNorm(?, 2), 2: Linear(2, 1)");
    const Model<float> loaded = load_pytorch(bytes, "GRU, LayerNorm, Linear").model;
    REQUIRE(loaded.layer(1).target<LayerNorm<float>>()->options().epsilon == 1e-5);
    REQUIRE(loaded.layer(1).target<LayerNorm<float>>()->beta().value == norm.beta().value);
    REQUIRE(error_of([&] { load_pytorch(bytes, "GRU, LayerNorm(2, bias=False), Linear"); }) ==
            "load_pytorch: memory: the architecture: character 6: LayerNorm(2, bias=False) has no weights, or no bias; "
            "only one that has both is known");
}

TEST_CASE("load_pytorch: an nn.PReLU has a slope for each feature, or one for all") {
    PReLU<float> prelu(2);
    prelu.slope().value << 0.5F, -2;
    const Model<float> model{Dense<float>{3, 2}, prelu, Dense<float>{2, 1}};
    REQUIRE(require_same_again(model) == "0: Linear(3, 2), 1: PReLU(2), 2: Linear(2, 1)");
    const auto bytes = pytorch_safetensors_bytes(model);
    REQUIRE(pytorch_modules(bytes) == "0: Linear(3, 2), 1: PReLU(2) or RMSNorm(2), 2: Linear(2, 1)");
    Model<float> given{Dense<float>{3, 2}, PReLU<float>(2), Dense<float>{2, 1}};
    load_pytorch(bytes, given);
    REQUIRE(safetensors_bytes(given) == safetensors_bytes(model));

    const std::vector<NamedTensor> one{{"0.weight", {2, 1}, std::vector<float>{1, 1}},
                                       {"1.weight", {1}, std::vector<float>{0.125F}}};
    const auto shared = safetensors_bytes(one);
    const auto slopes = [](const Model<float>& of) {
        return Matrix<float>(of.layer(1).target<PReLU<float>>()->slope().value);
    };
    for (const char* const line :
         {"Linear, PReLU", "Linear, PReLU()", "Linear, PReLU(1)", "linear, nn.PReLU(init=0.1)"})
        REQUIRE(slopes(load_pytorch(shared, line).model) == Matrix<float>::Constant(2, 1, 0.125F));
    REQUIRE(
        error_of([&] { load_pytorch(shared, "Linear, PReLU(2)"); }) ==
        "load_pytorch: memory: the architecture: character 9: PReLU(2) says num_parameters=2, but \"1\" PReLU(1) has "
        "1");
    REQUIRE(
        error_of([&] { load_pytorch(bytes, "Linear, PReLU(1), Linear"); }) ==
        "load_pytorch: memory: the architecture: character 9: PReLU(1) says num_parameters=1, but \"1\" PReLU(2) or "
        "RMSNorm(2) has 2");
}

TEST_CASE("save_pytorch_safetensors: a line with dropout stands for the same dropout after every level but the last") {
    const AnyLayer<float> level{LSTM<float>{2, 2}}, drop{Dropout{0.25}}, other_drop{Dropout{0.5}};
    const AnyLayer<float> inside{Residual{Model<float>{Dropout{0.25}, LSTM<float>{2, 2}}}};
    const auto line = [](std::vector<AnyLayer<float>> layers,
                         const std::vector<std::string>& modules = {"rnn", "rnn", "rnn"}) {
        const Model<float> model(std::move(layers));
        const Metadata metadata = read_safetensors(pytorch_safetensors_bytes(model, {.modules = modules})).metadata;
        const auto found = metadata.find("carousel.pytorch_architecture");
        return found == metadata.end() ? "none" : found->second;
    };
    REQUIRE(line({level, level, level}) == "rnn: LSTM(2, 2)");
    REQUIRE(line({level, drop, level, drop, level}) == "rnn: LSTM(2, 2, dropout=0.25)");
    REQUIRE(line({level, drop, level, drop, level, drop}) == "rnn: LSTM(2, 2, dropout=0.25), Dropout(0.25)");
    REQUIRE(line({level, drop, level, level}) == "none");
    REQUIRE(line({level, level, drop, level}) == "none");
    REQUIRE(line({level, drop, level, other_drop, level}) == "none");
    REQUIRE(line({level, drop, level, level}, {"a", "a", "b"}) == "a: LSTM(2, 2, dropout=0.25), b: LSTM(2, 2)");
    REQUIRE(line({level, drop, level, level}, {"a", "b", "b"}) == "a: LSTM(2, 2), Dropout(0.25), b: LSTM(2, 2)");
    REQUIRE(line({level, inside}, {"rnn", "rnn"}) == "none");
}

TEST_CASE("save_pytorch_safetensors: names and layouts are those of PyTorch's state_dict") {
    const auto tensors =
        read_safetensors(pytorch_safetensors_bytes(load_pytorch<float>(path("tagger.pt"), tagger_line).model,
                                                   {.modules = {"table", "encoder", "encoder", "head.0", "head.2"}}));
    std::map<std::string, const NamedTensor*> expected;
    const auto original = read_pytorch(path("tagger.pt"));
    for (const NamedTensor& tensor : original) {
        CAPTURE(tensor.name);
        const NamedTensor* const saved = tensors.find(tensor.name);
        REQUIRE(saved);
        REQUIRE(saved->shape == tensor.shape);
        if (tensor.name.find("bias") == std::string::npos) // a sum of biases is kept in the first
            REQUIRE(saved->numbers == tensor.numbers);
    }
    REQUIRE(tensors.tensors.size() == original.size() + 1); // head.2 has a bias, which is zero
}

TEST_CASE("save_pytorch_safetensors: what PyTorch doesn't have is refused by name") {
    const auto error = [](const auto& model, const PyTorchSaveOptions& options = {}) {
        return error_of([&] { pytorch_safetensors_bytes(model, options); });
    };
    const auto refused = [&](const auto& model, const std::string& why) {
        REQUIRE(error(model) == "pytorch_safetensors_bytes: " + why + ", which no module of PyTorch does");
    };
    refused(LSTM<float>{1, 2, {.peephole = true}}, "the LSTM 1 -> 2 has peepholes");
    refused(CoupledLSTM<float>{1, 2}, "the CoupledLSTM 1 -> 2 has coupled gates");
    refused(Model<float>{GRU<float, Dynamic, Dynamic, Reset::before>{1, 2}},
            "layer 0 (GRU 1 -> 2) resets before the product");
    const ChosenGates chosen{.f = Activation::hard_sigmoid()};
    const std::string why = " has chosen functions for its gates";
    refused(LSTM<float, Dynamic, Dynamic, ChosenGates>{1, 2, {.gates = chosen}}, "the LSTM 1 -> 2" + why);
    const GRU<float, Dynamic, Dynamic, Reset::after, ChosenGates> gru{1, 2, {.gates = chosen}};
    refused(Model<float>{gru}, "layer 0 (GRU 1 -> 2)" + why);
    refused(Model<float>{Bidirectional{gru}}, "layer 0 (Bidirectional 1 -> 2)" + why);
    refused(Model<float>{Bidirectional{CoupledLSTM<float>{1, 2}}}, "layer 0 (Bidirectional 1 -> 2) has coupled gates");
    REQUIRE(error(Model<float>{LSTM<float, Dynamic, Dynamic, FastGates>{1, 2}}) ==
            "pytorch_safetensors_bytes: layer 0 (LSTM 1 -> 2) has FastGates, which no module of PyTorch does; its "
            "FastGates are carousel's own, save with_gates<StandardGates>(model), which differs by 2e-6 a function");
    refused(SimpleRNN<float>{1, 2, {.activation = Activation::softsign}},
            "the SimpleRNN 1 -> 2 has another activation than tanh and relu");
    refused(LSTM<float>{1, 2, {.zoneout = 0.1}}, "the LSTM 1 -> 2 has zoneout");
    refused(LSTM<float>{1, 2, {.reverse = true}}, "the LSTM 1 -> 2 runs in reverse alone");
    refused(Bidirectional{LSTM<float>{1, 2}, Merge::sum}, "the Bidirectional 1 -> 2 adds its two directions up");
    refused(Bidirectional{LSTM<float>{1, 2}, Merge::average}, "the Bidirectional 1 -> 2 averages its two directions");
    const SimpleRNN<float> tanh{1, 2};
    const SimpleRNN<float> reverse_relu{1, 2, {.activation = Activation::relu}, {.reverse = true}};
    refused(Bidirectional{tanh, reverse_relu},
            "the Bidirectional 1 -> 2 has different activations in its two directions");
    const SimpleRNN<float> relu{2, 2, {.activation = Activation::relu}};
    REQUIRE(error(Model<float>{tanh, relu}, {.modules = {"rnn", "rnn"}}) ==
            "pytorch_safetensors_bytes: layer 1 (SimpleRNN 2 -> 2) can't be a level of the module \"rnn\", whose first "
            "level has another activation; give it another name");
    REQUIRE(error(Model<float>{tanh, relu}, {.modules = {"first", "second"}}) == "none");
    REQUIRE(error(Sequential{LSTM<float>{1, 2}, Dense<float>{2, 1}}, {.modules = {"rnn"}}) ==
            "pytorch_safetensors_bytes: layer 1 (Dense 2 -> 1) has no name among the 1 of the option modules");
    REQUIRE(error(LSTM<float>{1, 2}, {.modules = {"rnn", "linear"}}) ==
            "pytorch_safetensors_bytes: there are 2 names of modules for 1 layers with weights");
    REQUIRE(error(Sequential{LSTM<float>{1, 2}, LSTM<float>{2, 3}}, {.modules = {"rnn", "rnn"}}) ==
            "pytorch_safetensors_bytes: layer 1 (LSTM 2 -> 3) can't be a level of the module \"rnn\", whose first "
            "level is of "
            "another kind or size; give it another name");
    REQUIRE(error(Sequential{Dense<float>{1, 2}, Dense<float>{2, 2}}, {.modules = {"fc", "fc"}}) ==
            "pytorch_safetensors_bytes: \"fc.bias\" is there twice");
}
