// ONNX files as models and back. The files of tests/golden/onnx are PyTorch's; the others are our own.
#include "catch.hpp"

#include "carousel/io/onnx.hpp"
#include "carousel/layer/sequential.hpp"
#include "formats/trained_on.hpp"
#include "golden.hpp"

#if defined(CAROUSEL_CONFORMANCE_DATA) && __has_include(<nlohmann/json.hpp>)
#    include <nlohmann/json.hpp>

#    include <fstream>
#endif

namespace {

using namespace carousel;
using test::Golden;
using M = Model<float>;

std::string golden_path(const std::string& name) {
    return std::string(CAROUSEL_TEST_DATA) + "/onnx/" + name + ".onnx";
}

/// The names of those that are loaded.
std::vector<std::string> golden_nets() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(std::string(CAROUSEL_TEST_DATA) + "/onnx"))
        if (entry.path().extension() == ".onnx" && !entry.path().stem().string().starts_with("refused"))
            names.push_back(entry.path().stem().string());
    return names;
}

std::string refusal(const std::string& name) {
    try {
        load_onnx(golden_path(name));
    } catch (const std::runtime_error& error) {
        std::string text = error.what();
        const std::string path = golden_path(name);
        return text.replace(text.find(path), path.size(), name);
    }
    return "not refused";
}

Sequence<float> sequence(const Eigen::MatrixXd& values, Index batch) {
    Sequence<float> x(values.rows(), values.cols() / batch, batch);
    x.values() = values.cast<float>();
    return x;
}

Matrix<float> output(const M& model, const Sequence<float>& x, const M::State& state = {}) {
    M::Tape tape;
    return model.infer(x.view(), tape, state).values();
}

/// A state of one sequence for all of a batch.
M::State repeated(M::State state, Index batch) {
    for (Matrix<float>& m : state)
        m = m.replicate(1, m.cols() == 1 ? batch : 1).eval();
    return state;
}

/// The largest difference from a golden file's y.
double difference_from(const std::string& name) {
    const Golden golden("onnx/" + name + ".txt");
    const Index batch = golden.shape("x")[1];
    Sequence<float> x = sequence(golden.sequence("x"), batch);
    if (name == "lengths")
        x.set_lengths(std::vector<Index>{5, 3});
    const auto loaded = load_onnx(golden_path(name));
    const Matrix<float> y = output(loaded.model, x, repeated(loaded.state, batch));
    const Eigen::MatrixXd expected = golden.sequence("y");
    REQUIRE(y.rows() == expected.rows());
    REQUIRE(y.cols() == expected.cols());
    return (y.cast<double>() - expected).cwiseAbs().maxCoeff();
}

M random_model(M model) {
    Random random(5);
    model.each_parameter([&](const std::string& name, Parameter<float>& p) {
        for (Index k = 0; k < p.value.size(); ++k)
            p.value.data()[k] =
                static_cast<float>(name.ends_with("variance") ? random.uniform() + 1 : random.normal() * 0.5);
    });
    return model;
}

/// The model after it was written and read.
ModelFile<float> through_onnx(const M& model, const SaveOnnxOptions<float>& options = {}) {
    return load_onnx(onnx_bytes(model, options));
}

void check_round_trip(M layers) {
    const M model = random_model(std::move(layers));
    const M read = through_onnx(model).model;
    Random random(6);
    Sequence<float> x(model.input_size(), 7, 2);
    for (Index k = 0; k < x.values().size(); ++k)
        x.values().data()[k] = model.takes_tokens() ? static_cast<float>(k % 4) : static_cast<float>(random.normal());
    INFO("layers: " << model.size() << ", the first " << model.layer(0).name());
    CHECK(output(read, x) == output(model, x));
    CHECK(onnx_bytes(read) == onnx_bytes(model));
}

template <class F>
std::string message_of(F&& f) {
    try {
        f();
    } catch (const std::exception& error) {
        return error.what();
    }
    return "nothing thrown";
}

} // namespace

TEST_CASE("ONNX: what PyTorch exports gives PyTorch's outputs") {
    const auto names = golden_nets();
    REQUIRE(names.size() > 30);
    for (const std::string& name : names) {
        INFO(name);
        CHECK(difference_from(name) < 2e-6);
    }
}

TEST_CASE("ONNX: graphs that are no chain of layers are refused by their first node") {
    CHECK(refusal("refused_mean") == "load_onnx: refused_mean: node 14 (ReduceMean \"/ReduceMean\"): no layer computes "
                                     "ReduceMean; extract_onnx takes the "
                                     "weights of a recurrent node by its name");
    CHECK(refusal("refused_two_inputs") ==
          "load_onnx: refused_two_inputs: node 0 (Concat \"/Concat\"): it puts a state, or an input of the graph "
          "besides \"x\", "
          "together with what the net computes; extract_onnx takes the weights of a recurrent node by its name");
    CHECK(refusal("refused_two_results") == "load_onnx: refused_two_results: node 17 (Add \"/aux/Add\"): the output "
                                            "\"aux\" is no state of the net that ends in "
                                            "\"y\"; OnnxOptions::output says which of the two to load; extract_onnx "
                                            "takes the weights of a recurrent node by its "
                                            "name");
    CHECK(message_of([] { load_onnx("no/such.onnx"); }) ==
          "load_onnx: no/such.onnx: can't be opened: No such file or directory");
}

TEST_CASE("ONNX: what is saved is loaded with the same bits") {
    constexpr Index D = Dynamic;
    using A = Activation;
    RecurrentOptions reverse;
    reverse.reverse = true;
    check_round_trip(
        M{SimpleRNN<float>{2, 3, {A::leaky_relu(0.25).clipped(2)}}, Dense<float>{3, 2, {.activation = A::relu}}});
    check_round_trip(M{LSTM<float>{2, 3, reverse}, LastStep{}});
    check_round_trip(
        M{Bidirectional<LSTM<float>>(LSTM<float>{2, 3, {.peephole = true}}), BothEnds{}, Dense<float>{6, 1}});
    check_round_trip(M{CoupledLSTM<float>{2, 3, {.peephole = true}}});
    check_round_trip(
        M{LSTM<float, D, D, ChosenGates>{2, 3, {.gates = {A::hard_sigmoid(0.25, 0.5), A::softsign, A::elu(0.5)}}}});
    check_round_trip(M{Bidirectional<GRU<float>>(GRU<float>{2, 3}, Merge::sum)});
    check_round_trip(M{GRU<float, D, D, Reset::before>{2, 3}, Dropout{0.25}, Softmax{}});
    check_round_trip(M{Embedding<float>{4, 2}, GRU<float>{2, 3}, Dense<float>{3, 4}, Softmax{}});
    check_round_trip(M{Conv1D<float>{2, 3, 2, {.dilation = 2, .activation = A::tanh}}, GRU<float>{3, 2}});
    check_round_trip(M{Residual<M>(M{GRU<float>{2, 3}, Dense<float>{3, 1}}), Gain{2.5}});
    check_round_trip(M{LSTM<float>{2, 3, reverse}, FirstStep{}, Dense<float>{3, 1}});
    check_round_trip(M{GRU<float>{2, 3}, BatchNorm<float>{3, {.epsilon = 0.5}}, Dense<float>{3, 1}});
    check_round_trip(M{GRU<float>{2, 3}, LayerNorm<float>{3, {.epsilon = 0.5}}, Dense<float>{3, 1}});
    PReLU<float> prelu(3);
    prelu.slope().value << 0.5F, -2, 0;
    check_round_trip(M{GRU<float>{2, 3}, prelu, Dense<float>{3, 1}});
    check_round_trip(M{Dense<float>{2, 2}, Dropout{0.5}, Activate{A::softplus}});
}

TEST_CASE("ONNX: nets train on, and are saved and loaded again to the last bit") {
    for (const std::string& name : golden_nets()) {
        INFO(name);
        const auto trained = onnx_bytes(test::trained_on(load_onnx(golden_path(name))));
        CHECK(onnx_bytes(load_onnx(trained).model) == trained);
    }
}

TEST_CASE("ONNX: a direction without peepholes is saved as one whose peepholes are zero") {
    const M model = random_model(M{Bidirectional<LSTM<float>>(LSTM<float>{2, 3, {.peephole = true}}, [] {
        RecurrentOptions reverse;
        reverse.reverse = true;
        return LSTM<float>{2, 3, reverse};
    }())});
    Sequence<float> x(2, 5, 2);
    x.values() = Matrix<float>::Random(2, 10);
    CHECK(output(through_onnx(model).model, x) == output(model, x));
}

TEST_CASE("ONNX: states and metadata of a file are kept, and states may be inputs") {
    const M model = random_model(M{LSTM<float>{2, 3}, GRU<float>{3, 2}});
    const M::State state{Matrix<float>::Random(6, 1), Matrix<float>::Random(2, 1)};
    const auto read = through_onnx(model, {.state = state, .metadata = {{"sample_rate", "48000"}}});
    REQUIRE(read.state.size() == 2);
    CHECK(read.state[0] == state[0]);
    CHECK(read.state[1] == state[1]);
    CHECK(read.metadata == Metadata{{"sample_rate", "48000"}});

    const auto with_inputs = through_onnx(model, {.states = true});
    CHECK(with_inputs.state.empty());
    CHECK(with_inputs.model.states() == 2);
}

TEST_CASE("ONNX: what it can't say isn't saved") {
    RecurrentOptions zoneout;
    zoneout.zoneout = 0.1;
    CHECK(message_of([&] {
              onnx_bytes(M{GRU<float>{2, 3}, LSTM<float>{3, 3, zoneout}});
          }) == "onnx_bytes: layer 1 (LSTM): its zoneout is 0.1, which ONNX can't say");
    CHECK(message_of([&] {
              onnx_bytes(M{Dense<float>{2, 3}, Sequential{GRU<float>{3, 3}}});
          }) == "onnx_bytes: layer 1 (Sequential): ONNX has no operator for it, or it isn't known here");
    CHECK(
        message_of([&] {
            onnx_bytes(M{GRU<float, Dynamic, Dynamic, Reset::after, FastGates>{2, 3}});
        }) ==
        "onnx_bytes: layer 0 (GRU): ONNX has no operator for it, or it isn't known here"
        "; its FastGates are carousel's own, save with_gates<StandardGates>(model), which differs by 2e-6 a function");
    CHECK(message_of([&] { onnx_bytes(M{}); }) == "onnx_bytes: the model has no layers");
    CHECK(message_of([&] { save_onnx("none.onnx", M{}); }) == "save_onnx: the model has no layers");
}

TEST_CASE("ONNX: one node's weights go into a layer that is what the node is") {
    const std::string path = golden_path("unfolded_opset14");
    Bidirectional<LSTM<float>> layer(LSTM<float>{2, 3});
    extract_onnx(path, "/rnn/LSTM", layer);
    const auto loaded = load_onnx(path);
    const auto* expected = loaded.model.layer(0).target<Bidirectional<LSTM<float>>>();
    REQUIRE(expected);
    CHECK(layer.forward_layer().W().value == expected->forward_layer().W().value);
    CHECK(layer.reverse_layer().U().value == expected->reverse_layer().U().value);

    LSTM<float> one{2, 3};
    const std::string start = "extract_onnx: " + path + ": ";
    CHECK(message_of([&] { extract_onnx(path, "/rnn/LSTM", one); })
              .substr(start.size())
              .ends_with("(LSTM \"/rnn/LSTM\"): it has two directions, expected one for a LSTM; extract it into a "
                         "Bidirectional layer"));
    CHECK(message_of([&] { extract_onnx(path, "rnn", one); }) ==
          start + "it has no RNN, LSTM or GRU node \"rnn\"; it has \"/rnn/LSTM\"");
    Bidirectional<LSTM<float>> wide(LSTM<float>{2, 4});
    CHECK(message_of([&] { extract_onnx(path, "/rnn/LSTM", wide); }).find("the layer is 2 -> 4, expected 2 -> 3") !=
          std::string::npos);
}

#if defined(CAROUSEL_CONFORMANCE_DATA) && __has_include(<nlohmann/json.hpp>)

TEST_CASE("ONNX: the nets of the conformance data give their outputs within 1e-5") {
    using Json = nlohmann::json;
    const std::filesystem::path folder(CAROUSEL_CONFORMANCE_DATA "/models/torch_made");
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".onnx")
            continue;
        ++files;
        INFO(entry.path());
        Json json;
        std::ifstream(std::filesystem::path(entry.path()).replace_extension(".json")) >> json;
        const auto data = [&](const char* name) { return json["tensors"][name]["data"].get<std::vector<float>>(); };
        const auto size = [&](const char* name, std::size_t k) {
            const auto shape = json["tensors"][name]["shape"].get<std::vector<Index>>();
            return k < shape.size() ? shape[k] : 1;
        };
        const bool batch_first = json["batch_first"];
        const Index B = size("in_x", batch_first ? 0 : 1), T = size("in_x", batch_first ? 1 : 0), F = size("in_x", 2);
        const auto column = [&](Index steps, Index t, Index b) { return batch_first ? b * steps + t : t * B + b; };
        const auto in = data("in_x"), expected = data("out_y");
        Sequence<float> x(F, T, B);
        for (Index t = 0; t < T; ++t)
            for (Index b = 0; b < B; ++b)
                x.step(t).col(b) = Eigen::Map<const Vector<float>>(in.data() + column(T, t, b) * F, F);
        M::State state;
        if (json["tensors"].contains("in_h0")) {
            const bool cell = json["tensors"].contains("in_c0");
            const auto h = data("in_h0"), c = cell ? data("in_c0") : h;
            const Index H = size("in_h0", 2);
            for (Index layer = 0; layer < size("in_h0", 0); ++layer) {
                Matrix<float> m(cell ? 2 * H : H, B);
                m.topRows(H) = Eigen::Map<const Matrix<float>>(h.data() + layer * H * B, H, B);
                if (cell)
                    m.bottomRows(H) = Eigen::Map<const Matrix<float>>(c.data() + layer * H * B, H, B);
                state.push_back(std::move(m));
            }
        }
        const auto loaded = load_onnx(entry.path());
        M::Tape tape;
        const auto y = loaded.model.infer(x.view(), tape, state);
        REQUIRE(static_cast<std::size_t>(y.features() * y.columns()) == expected.size());
        for (Index t = 0; t < y.steps(); ++t)
            for (Index b = 0; b < B; ++b)
                CHECK((y.step(t).col(b) - Eigen::Map<const Vector<float>>(
                                              expected.data() + column(y.steps(), t, b) * y.features(), y.features()))
                          .cwiseAbs()
                          .maxCoeff() < 1e-5F);
    }
    CHECK(files == 9);
}

TEST_CASE("ONNX: nodes of nets of others are extracted, and a whole one that is a chain is loaded") {
    const std::string folder = CAROUSEL_CONFORMANCE_DATA "/models/onnx/";
    const auto dtln = load_onnx(folder + "dtln_model_1.onnx");
    CHECK(dtln.model.size() == 3);
    LSTM<float> lstm{257, 128};
    extract_onnx(folder + "dtln_model_1.onnx", "lstm_4", lstm);
    CHECK(lstm.U().value == dtln.model.layer(0).target<LSTM<float>>()->U().value);

    const std::string silero = folder + "silero_vad_16k_op15.onnx";
    CHECK(message_of([&] { load_onnx(silero); }).find("node 27 (Pad \"/model/stft/padding/Pad\")") !=
          std::string::npos);
    LSTM<float> cell{128, 128};
    extract_onnx(silero, "/model/decoder/rnn/LSTM", cell);
    // its weights are sliced out of PyTorch's order, which is ours
    using namespace detail::onnx;
    const Source source("test", silero);
    const FileBytes bytes(source, silero);
    Budget budget(source, bytes.get().size());
    for (const Tensor& tensor : read_file(source, bytes.get()).graph.initializers)
        if (tensor.name == "model.decoder.rnn.weight_hh")
            CHECK(cell.U().value ==
                  matrix_of<float>(std::get<Reals>(read_numbers(source, tensor, budget))->data, 512, 128));
}

#endif
