#include "carousel/io/rtneural.hpp"
#include "catch.hpp"
#include "formats/support/loaded_model.hpp"
#include "formats/support/npy.hpp"
#include "formats/trained_on.hpp"
#include "io/folder.hpp"

#include <fstream>

namespace {

using namespace carousel;
using namespace carousel::test;

std::string model_text(const std::string& layers, const std::string& more = "", int inputs = 1) {
    return R"({"in_shape": [null, null, )" + std::to_string(inputs) + R"(], "layers": [)" + layers + "]" + more + "}";
}

/// One layer with its last members.
std::string layer_text(const std::string& type, int size, const std::string& weights, const std::string& more = "") {
    return R"({"type": ")" + type + R"(", "shape": [null, null, )" + std::to_string(size) + R"(], "weights": [)" +
           weights + "]" + more + "}";
}

std::string activation_text(const std::string& name) {
    return R"(, "activation": ")" + name + "\"";
}

const std::string identity = layer_text("dense", 1, "[[1]], [0]");

template <class S = double>
ModelFile<S> load(const std::string& text) {
    return load_rtneural<S>(bytes(text));
}

Matrix<double> row(std::initializer_list<double> numbers) {
    Matrix<double> m(1, static_cast<Index>(numbers.size()));
    std::copy(numbers.begin(), numbers.end(), m.data());
    return m;
}

double sigmoid(double x) {
    return 1 / (1 + std::exp(-x));
}

} // namespace

TEST_CASE("RTNeural: a dense layer has Keras' kernel, a bias or none, and its activation") {
    const Matrix<double> x = (Matrix<double>(2, 1) << 0.5, -2).finished();
    for (const std::string type : {"dense", "time-distributed-dense"}) {
        const auto y = run(load(model_text(layer_text(type, 3, "[[1, 2, 3], [4, 5, 6]], [0.1, 0.2, 0.3]"), "", 2)), x);
        CHECK(difference(y, (Matrix<double>(3, 1) << -7.4, -8.8, -10.2).finished()) < 1e-15);
    }
    CHECK(run(load(model_text(layer_text("dense", 1, "[[1], [4]]"), "", 2)), x)(0, 0) == -7.5);

    const auto f = [&](const std::string& name) {
        return run(load(model_text(layer_text("dense", 1, "[[1]], [0]", activation_text(name)))), row({-0.5, 2}));
    };
    CHECK(f("") == row({-0.5, 2}));
    CHECK(f("linear") == row({-0.5, 2}));
    CHECK(f("relu") == row({0, 2}));
    CHECK(difference(f("tanh"), row({std::tanh(-0.5), std::tanh(2)})) < 1e-14);
    CHECK(difference(f("sigmoid"), row({sigmoid(-0.5), sigmoid(2)})) < 1e-14);
    CHECK(difference(f("elu"), row({std::expm1(-0.5), 2})) < 1e-14);
    CHECK(f("softmax") == row({1, 1}));
}

TEST_CASE("RTNeural: an activation is a layer of its own, too") {
    for (const std::string name : {"tanh", "relu", "sigmoid", "elu", "softmax"}) {
        INFO(name);
        const std::string dense = layer_text("dense", 3, "[[1, -2, 3]], [0, 0, 0]");
        const std::string with = layer_text("dense", 3, "[[1, -2, 3]], [0, 0, 0]", activation_text(name));
        const auto apart = load(model_text(dense + ", " + layer_text("activation", 3, "", activation_text(name))));
        CHECK(apart.model.size() == 2);
        CHECK(run(apart, row({0.3, -1})) == run(load(model_text(with)), row({0.3, -1})));
    }
    CHECK(load(model_text(identity + ", " + layer_text("activation", 1, ""))).model.size() == 1);
}

TEST_CASE("RTNeural: an lstm has Keras' gates i f c o and one bias, and tanh whether the file says so or not") {
    const std::string weights = "[[0.1, 0.2, 0.3, 0.4]], [[0.5, 0.6, 0.7, 0.8]], [-0.1, -0.2, -0.3, -0.4]";
    for (const std::string more :
         {"", R"(, "activation": "")", R"(, "activation": null)", R"(, "activation": "tanh")"}) {
        const auto file = load(model_text(layer_text("lstm", 1, weights, more)));
        double h = 0, c = 0;
        const Matrix<double> x = row({1, -2, 0.5});
        const Matrix<double> y = run(file, x);
        for (Index t = 0; t < 3; ++t) {
            const double i = sigmoid(0.1 * x(t) + 0.5 * h - 0.1), f = sigmoid(0.2 * x(t) + 0.6 * h - 0.2),
                         g = std::tanh(0.3 * x(t) + 0.7 * h - 0.3), o = sigmoid(0.4 * x(t) + 0.8 * h - 0.4);
            c = f * c + i * g;
            h = o * std::tanh(c);
            CHECK(y(0, t) == Catch::Approx(h).epsilon(1e-13));
        }
    }
}

TEST_CASE("RTNeural: a gru has Keras' gates z r h and two biases, and resets after the product") {
    const std::string weights = "[[0.1, 0.2, 0.3]], [[0.5, 0.6, 0.7]], [[-0.1, -0.2, -0.3], [0.4, 0.5, 0.6]]";
    const auto file = load(model_text(layer_text("gru", 1, weights)));
    double h = 0;
    const Matrix<double> x = row({1, -2, 0.5});
    const Matrix<double> y = run(file, x);
    for (Index t = 0; t < 3; ++t) {
        const double z = sigmoid(0.1 * x(t) - 0.1 + 0.5 * h + 0.4), r = sigmoid(0.2 * x(t) - 0.2 + 0.6 * h + 0.5),
                     n = std::tanh(0.3 * x(t) - 0.3 + r * (0.7 * h + 0.6));
        h = (1 - z) * n + z * h;
        CHECK(y(0, t) == Catch::Approx(h).epsilon(1e-13));
    }
}

TEST_CASE("RTNeural: a conv1d sees the past, with zeros before the first step") {
    const std::string sizes = R"(, "kernel_size": [2], "dilation": [2])"; // y = 10 x₋₂ + x + 0.5
    const auto file = load(model_text(layer_text("conv1d", 1, "[[[10]], [[1]]], [0.5]", sizes)));
    const Matrix<double> x = row({1, 2, 3, 4, 5}), expected = row({1.5, 2.5, 13.5, 24.5, 35.5});
    CHECK(run(file, x) == expected);
    CHECK(streamed(file, x) == expected);
    const std::string plain = R"(, "kernel_size": 2, "dilation": 2)";
    CHECK(run(load(model_text(layer_text("conv1d", 1, "[[[10]], [[1]]], [0.5]", plain))), x) == expected);
}

TEST_CASE("RTNeural: the groups of a conv1d see their own features") {
    const std::string sizes = R"(, "kernel_size": [1], "dilation": [1], "groups": 2)";
    const std::string weights =
        "[[[1, 2, 3, 4], [10, 20, 30, 40]]], [0, 0, 0, 0]"; // two features a group, four filters
    const auto y = run(load(model_text(layer_text("conv1d", 4, weights, sizes), "", 4)),
                       (Matrix<double>(4, 1) << 1, 2, 3, 4).finished());
    CHECK(y == (Matrix<double>(4, 1) << 21, 42, 129, 172).finished());
}

TEST_CASE("RTNeural: a batchnorm has gamma, beta, mean and variance, or the last two") {
    const Matrix<double> x = (Matrix<double>(2, 1) << 3, -1).finished();
    const std::string epsilon = R"(, "epsilon": 0.25)";
    const auto whole =
        run(load(model_text(layer_text("batchnorm", 2, "[2, 3], [0.5, 1], [1, -2], [2, 3.75]", epsilon), "", 2)), x);
    CHECK(difference(whole, (Matrix<double>(2, 1) << 2 * 2 / 1.5 + 0.5, 3 * 1 / 2.0 + 1).finished()) < 1e-15);
    const auto plain = run(load(model_text(layer_text("batchnorm", 2, "[1, -2], [2, 3.75]", epsilon), "", 2)), x);
    CHECK(difference(plain, (Matrix<double>(2, 1) << 2 / 1.5, 1 / 2.0).finished()) < 1e-15);
}

TEST_CASE("RTNeural: a prelu has a slope for each feature, of any sign") {
    const Matrix<double> x = (Matrix<double>(2, 2) << 3, -1, -1, 2).finished();
    CHECK(run(load(model_text(layer_text("prelu", 2, "[[0.25, -0.5]]"), "", 2)), x) ==
          (Matrix<double>(2, 2) << 3, -0.25, 0.5, 2).finished());
}

TEST_CASE("RTNeural: a prelu has one slope, however often the file says it") {
    const Matrix<double> x = (Matrix<double>(2, 1) << 3, -1).finished();
    for (const std::string slopes : {"[[0.25, 0.25]]", "[[0.25]]", "[0.25]"})
        CHECK(run(load(model_text(layer_text("prelu", 2, slopes), "", 2)), x) ==
              (Matrix<double>(2, 1) << 3, -0.25).finished());
}

TEST_CASE("RTNeural: there is an output for every step where Keras gave the last one alone") {
    const std::string last =
        R"({"type": "lstm", "shape": [null, 1], "weights": [[[1, 1, 1, 1]], [[1, 1, 1, 1]], [0, 0, 0, 0]]})";
    CHECK(run(load(model_text(last)), row({1, 2, 3})).cols() == 3);
}

TEST_CASE("AIDA-X: gains are decibels, and in_skip adds the input after its gain") {
    const double g = std::pow(10, -3.0 / 20), g_out = std::pow(10, 2.5 / 20);
    const std::string twice = layer_text("dense", 1, "[[2]], [0.25]"), gains = R"(, "in_gain": -3, "out_gain": 2.5)";
    const Matrix<double> x = row({0.5, -2});
    const auto f = [&](double v) { return 2 * g * v + 0.25; };
    const auto y = [&](const std::string& more) { return run(load(model_text(twice, more)), x); };
    CHECK(difference(y(gains), row({f(0.5) * g_out, f(-2) * g_out})) < 1e-15);
    CHECK(difference(y(gains + R"(, "in_skip": 1)"), row({(f(0.5) + 0.5 * g) * g_out, (f(-2) - 2 * g) * g_out})) <
          1e-15);
    CHECK(y(R"(, "in_skip": 1)") == row({1.75, -5.75}));
    CHECK(y(R"(, "in_skip": 0, "in_gain": null, "out_gain": 0)") == row({1.25, -3.75}));
}

TEST_CASE("AIDA-X: of a conditioned model only the signal, its first input, has a gain and is added") {
    const std::string sum = layer_text("dense", 1, "[[1], [10]], [0]");
    const double g = std::pow(10, 6.0 / 20);
    const Matrix<double> x = (Matrix<double>(2, 1) << 0.5, 0.25).finished();
    const auto file = load(model_text(sum, R"(, "in_skip": 1, "in_gain": 6)", 2));
    CHECK(run(file, x)(0, 0) == Catch::Approx(2 * g * 0.5 + 2.5).epsilon(1e-14));
    CHECK(streamed(file, x)(0, 0) == Catch::Approx(2 * g * 0.5 + 2.5).epsilon(1e-14));
}

TEST_CASE("RTNeural: the sample rate is a number or a text, in metadata or beside the layers") {
    const auto metadata = [](const std::string& more) { return load(model_text(identity, more)).metadata; };
    CHECK(metadata("").empty());
    CHECK(metadata(R"(, "samplerate": 44100)").at("sample_rate") == "44100");
    CHECK(metadata(R"(, "samplerate": "48000")").at("sample_rate") == "48000");
    CHECK(metadata(R"(, "sample_rate": 48000)").at("sample_rate") == "48000");
    CHECK(metadata(R"(, "samplerate": 1, "metadata": {"samplerate": "96000.5"})").at("sample_rate") == "96000.5");
    CHECK(metadata(R"(, "esr": 0.5, "metadata": {"name": "tw\u00f6", "date": {"year": 2023}, "samplerate": null},
                      "input_batch": [1], "output_batch": [2])") ==
          Metadata{{"esr", "0.5"}, {"name", "twö"}, {"date", R"({"year":2023})"}});
}

TEST_CASE("RTNeural: a byte order mark and white space may stand before the object") {
    CHECK(load("\xEF\xBB\xBF \r\n\t" + model_text(identity)).model.size() == 1);
}

TEST_CASE("RTNeural: a model of double has the file's numbers to the last bit, one of float their nearest") {
    const std::string text = model_text(layer_text("dense", 1, "[[0.1]], [16777217]"));
    CHECK(load<double>(text).model.layer(0).target<Dense<double>>()->W().value(0, 0) == 0.1);
    CHECK(load<float>(text).model.layer(0).target<Dense<float>>()->W().value(0, 0) == 0.1f);
    CHECK(load<float>(text).model.layer(0).target<Dense<float>>()->b().value(0, 0) == 16777216.f);
}

namespace {

/// The file that save_rtneural makes.
template <class M>
std::string saved(const M& model, const Metadata& metadata = {}) {
    const Folder folder;
    save_rtneural(folder / "model.json", model, metadata);
    return content(folder / "model.json");
}

template <class M>
std::string not_saved(const M& model, const Metadata& metadata = {}) {
    return error<std::invalid_argument>([&] { saved(model, metadata); });
}

} // namespace

TEST_CASE("RTNeural: what was loaded is saved, and loaded again to the last bit") {
    const std::string all =
        layer_text("dense", 2, "[[0.1, 0.2]], [-0.0, 1e-40]", activation_text("elu")) + ", " +
        layer_text("conv1d", 2, "[[[1, 2], [3, 4]], [[5, 6], [7, 8]]], [0.1, 0.2]",
                   R"(, "kernel_size": [2], "dilation": [3])" + activation_text("relu")) +
        ", " + layer_text("batchnorm", 2, "[2, 3], [0.5, 1], [1, -2], [2, 3.75]", R"(, "epsilon": 0.1)") + ", " +
        layer_text("prelu", 2, "[[0.1, -0.2]]") + ", " +
        layer_text("gru", 1, "[[0.1, 0.2, 0.3], [1, 2, 3]], [[0.5, 0.6, 0.7]], [[-0.1, -0.2, -0.3], [0.4, 0.5, 0.6]]") +
        ", " + layer_text("lstm", 1, "[[0.1, 0.2, 0.3, 0.4]], [[0.5, 0.6, 0.7, 0.8]], [-0.1, -0.2, -0.3, -0.4]") +
        ", " + layer_text("activation", 1, "", activation_text("sigmoid")) + ", " +
        layer_text("dense", 1, "[[3]], [0]", activation_text("softmax"));
    const std::string more = R"(, "in_skip": 1, "in_gain": -3, "out_gain": 2.51, "esr": 0.25,
                               "metadata": {"name": "twö \"x\"", "samplerate": "44100", "date": {"year":2023}})";
    const auto check = [&]<class S>(S, const std::string& text) {
        const auto file = load<S>(text);
        const std::string first = saved(file.model, file.metadata);
        const auto again = load<S>(first);
        CHECK(again.metadata == file.metadata);
        const auto before = parameters(file.model), after = parameters(again.model);
        REQUIRE(after.size() == before.size());
        for (std::size_t k = 0; k < before.size(); ++k) {
            CHECK(after[k].name == before[k].name);
            CHECK(after[k].parameter->value == before[k].parameter->value);
        }
        Random random(1);
        const auto x = random_matrix<S>(file.model.input_size(), 50, random);
        CHECK(run(again, x) == run(file, x));
        CHECK(saved(again.model, again.metadata) == first);
    };
    check(float(), model_text(all, more));
    check(double(), model_text(all, more));
    check(float(),
          model_text(layer_text("dense", 1, "[[1], [10]], [0]"), R"(, "in_skip": 1, "in_gain": 6)", 2)); // a knob
}

TEST_CASE("RTNeural: nets train on, and are saved and loaded again to the last bit") {
    const std::string layers =
        layer_text("gru", 1, "[[0.1, 0.2, 0.3]], [[0.5, 0.6, 0.7]], [[-0.1, -0.2, -0.3], [0.4, 0.5, 0.6]]") + ", " +
        layer_text("lstm", 1, "[[0.1, 0.2, 0.3, 0.4]], [[0.5, 0.6, 0.7, 0.8]], [-0.1, -0.2, -0.3, -0.4]") + ", " +
        layer_text("dense", 1, "[[3]], [0]");
    for (const std::string more : {"", R"(, "in_skip": 1, "in_gain": -3, "out_gain": 2.51)"}) {
        const std::string text = saved(trained_on(load<float>(model_text(layers, more))));
        CHECK(saved(load<float>(text).model) == text);
    }
}

TEST_CASE("RTNeural: metadata that looks like JSON, but isn't what a file would give, stays a text") {
    const Metadata metadata{{"a", "{ }"},       {"b", std::string(20, '[') + std::string(20, ']')},
                            {"c", "{\"x\":1}"}, {"d", "[1, 2]"},
                            {"e", "5150"},      {"esr", "1e2"}};
    CHECK(load<float>(saved(Model<float>{Dense<float>{1, 1}}, metadata)).metadata == metadata);
}

TEST_CASE("RTNeural: a Sequential, sizes known at compile time, is saved without Dropout and LastStep") {
    const Sequential model{LSTM<float, 1, 4>{}, Dropout{0.5}, LastStep{}, Dense<float, 4, 1>{}};
    const std::string text = saved(model, {{"sample_rate", "44100"}});
    const auto file = load<float>(text);
    CHECK(file.metadata == Metadata{{"sample_rate", "44100"}});
    CHECK(file.model.size() == 2);
    const Matrix<float> x = Matrix<float>::Constant(1, 5, 0.3f);
    CHECK(run(file, x).col(4) == model(Sequence<float>(x, 1)).values());
}

TEST_CASE("RTNeural: what the format can't say isn't saved, and the message names the layer") {
    const LSTM<float> lstm{1, 4};
    const Dense<float> dense{4, 1};
    const std::string where = "save_rtneural: layer 0 ";
    const std::string none_or_fixed =
        "RTNeural's JSON has no such layer, or its sizes are known at compile time; make it "
        "with sizes at run time";
    CHECK(not_saved(Model<float>{Embedding<float>{3, 4}}) == where + "(Embedding): " + none_or_fixed);
    CHECK(not_saved(Model<float>{LSTM<float, 1, 4>{}}) == where + "(LSTM): " + none_or_fixed);
    CHECK(not_saved(Model<float>{LSTM<float, Dynamic, Dynamic, FastGates>{1, 4}}) ==
          where + "(LSTM): " + none_or_fixed +
              "; its FastGates are carousel's own, save with_gates<StandardGates>(model), which differs by 2e-6 a "
              "function");
    CHECK(not_saved(Sequential{Bidirectional{lstm}}) == where + "(Bidirectional): RTNeural's JSON has no such layer");
    CHECK(not_saved(Model<float>{SimpleRNN<float>{1, 4}}) ==
          where +
              "(SimpleRNN): RTNeural has the LSTM and the GRU that resets after the product, with sigmoid and tanh, "
              "alone");
    CHECK(not_saved(Model<float>{LSTM<float>{1, 4, {.peephole = true}}}) ==
          where + "(LSTM): RTNeural's lstm has no peepholes");
    CHECK(not_saved(Model<float>{LSTM<float>{1, 4, {.reverse = true}}}) ==
          where + "(LSTM): it runs in reverse, which RTNeural's layers don't");
    CHECK(not_saved(Model<float>{LSTM<float>{1, 4, {.zoneout = 0.1}}}) ==
          where + "(LSTM): it has zoneout, which RTNeural's layers haven't");
    CHECK(not_saved(Model<float>{Dense<float>{4, 1, {.activation = Activation::softsign}}}) ==
          where + "(Dense): RTNeural hasn't the activation softsign");
    CHECK(not_saved(Model<float>{Conv1D<float>{1, 1, 2, {.padding = Padding::valid}}}) ==
          where + "(Conv1D): RTNeural's conv1d is causal, this one is valid");
    CHECK(not_saved(Model<float>{Conv1D<float>{1, 1, 2, {.stride = 2}}}) ==
          where + "(Conv1D): stride is 2, RTNeural's conv1d has 1 alone");
    CHECK(not_saved(Model<float>{Activate{Activation::tanh}}) ==
          where + "(Activation): RTNeural's JSON needs a layer before it that says how many features there are");
    CHECK(not_saved(Model<float>{}) == "save_rtneural: the model has no layers that a file could have");

    CHECK(
        not_saved(Model<float>{lstm, Gain{2.0}, dense}) ==
        "save_rtneural: layer 2 (Dense): RTNeural's JSON has a gain of the model's input and one of its output alone");
    CHECK(not_saved(Model<float>{Gain{-2.0}, lstm}) ==
          where + "(Gain): the factor is -2, expected what -200 to 200 dB give");
    CHECK(not_saved(Model<float>{Gain{0.5}, LSTM<float>{2, 4}}) ==
          where + "(Gain): it scales all 2 features of the model's input, RTNeural's in_gain the first alone");
    CHECK(not_saved(Model<float>{lstm, LastStep{}, LSTM<float>{4, 2}}) ==
          "save_rtneural: layer 2 (LSTM): it comes after LastStep and is given one step; RTNeural has no LastStep and "
          "gives it all steps");
    CHECK(
        not_saved(Model<float>{lstm, LastStep{}, Conv1D<float>{4, 1, 2}}) ==
        "save_rtneural: layer 2 (Conv1D): it comes after LastStep and is given one step; RTNeural has no LastStep and "
        "gives it all steps");
    CHECK(not_saved(Model<float>{lstm, Residual<Model<float>>(Model<float>{Dense<float>{4, 1}})}) ==
          "save_rtneural: layer 1 (Residual): RTNeural's JSON can add the model's input to its output alone");
    CHECK(not_saved(Model<float>{Residual<Model<float>>(Model<float>{lstm, dense}), Dense<float>{1, 1}}) ==
          "save_rtneural: layer 1 (Dense): RTNeural's JSON can add the model's input to its output alone");
    CHECK(
        not_saved(Model<float>{Residual<Model<float>>(Model<float>{lstm, Gain{2.0}, dense})}) ==
        where +
            "(Residual): layer 1 (Gain): RTNeural's JSON has a gain of the model's input and one of its output alone");

    Dense<float> knob{2, 2}; // 223 dB for the signal, the first feature
    knob.W().value << 0x1p37F, 0, 0, 1;
    knob.b().value.setZero();
    const Residual<Model<float>> around(Model<float>{Dense<float>{2, 1}});
    CHECK(not_saved(Model<float>{knob, around}) ==
          "save_rtneural: layer 1 (Residual): the gain before it is 137438953472, expected what -200 to 200 dB give");
    knob.W().value(0, 0) = 2;
    CHECK(not_saved(Model<float>{Gain{3}, knob, around}) ==
          where + "(Gain): it scales all 2 features of the model's input, RTNeural's in_gain the first alone");

    Model<float> model{lstm, dense};
    parameters(model)[0].parameter->value(2, 0) = std::numeric_limits<float>::infinity();
    CHECK(not_saved(model) == where + "(LSTM): W has a number that isn't finite, which JSON can't say");
    parameters(model)[0].parameter->value.resize(3, 1);
    CHECK(not_saved(model) == where + "(LSTM): W is 3 x 1, expected 16 x 1");
    CHECK(not_saved(Model<float>{dense}, {{"sample_rate", "48k"}}) ==
          "save_rtneural: the metadata has the sample_rate \"48k\", expected a sample rate in Hz, more than 0 and at "
          "most 10000000");
    CHECK(not_saved(Model<float>{dense}, {{"name", "\xFF"}}) == "save_rtneural: the metadata isn't UTF-8");
}

#ifdef CAROUSEL_CONFORMANCE_DATA

namespace {

const std::filesystem::path folder = CAROUSEL_CONFORMANCE_DATA;

Matrix<float> read_numbers(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::vector<float> numbers;
    for (double x; file >> x;)
        numbers.push_back(static_cast<float>(x));
    REQUIRE(!numbers.empty());
    return Eigen::Map<const Matrix<float>>(numbers.data(), 1, static_cast<Index>(numbers.size()));
}

} // namespace

TEST_CASE("RTNeural: its models and AIDA-X' give their references, as a sequence and sample by sample") {
    int models = 0;
    for (const std::string kind : {"rtneural", "aidax"})
        for (const auto& entry : std::filesystem::directory_iterator(folder / "models" / kind)) {
            const auto reference = std::filesystem::path(entry.path()).replace_extension(".ref.npy");
            if (entry.path().extension() != ".json" || !exists(reference))
                continue;
            INFO(entry.path().string());
            const auto file = load_rtneural(entry.path());
            const std::string input = file.model.input_size() == 3 ? "input_4096x3.npy" : "input_4096.npy";
            const auto x = read_npy(folder / "models" / input).sequence<float>();
            CHECK(worst_error(file, x, read_npy(reference).sequence<float>()) < 1e-5);
            ++models;
        }
    CHECK(models >= 6);
}

TEST_CASE("RTNeural: its models give Keras' outputs, as a sequence and sample by sample") {
    int models = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "rtneural")) {
        const std::string name = entry.path().stem().string();
        if (entry.path().extension() != ".json" || !exists(folder / "rtneural" / (name + "_x_python.csv")))
            continue;
        INFO(name);
        const Matrix<float> x = read_numbers(folder / "rtneural" / (name + "_x_python.csv"));
        const Matrix<float> y = read_numbers(folder / "rtneural" / (name + "_y_python.csv"));
        CHECK(worst_error(load_rtneural(entry.path()), x, y) < (name.find("gru") != name.npos ? 5e-6 : 1e-6));
        ++models;
    }
    CHECK(models >= 2);
}

TEST_CASE("RTNeural: a file whose weights aren't of the size it declares is refused") {
    const auto path = folder / "rtneural" / "bad_lstm.json";
    CHECK_THROWS_WITH(load_rtneural(path),
                      "load_rtneural: " + path.string() +
                          ": layer 0 (lstm): the kernel is 1 x 80, expected 1 x 64 for 1 input and 16 "
                          "units; correct shape or the weights");
}

#endif
