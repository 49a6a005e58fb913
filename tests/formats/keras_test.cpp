// Keras' files loaded as models, and what these compute. tests/golden/make_keras.py made those of tests/golden/keras.
#include "carousel/io/keras.hpp"

#include "carousel/stream/stream.hpp"
#include "catch.hpp"
#include "formats/keras_files.hpp"
#include "formats/support/npz.hpp"
#include "formats/trained_on.hpp"
#include "golden.hpp"
#include "io/folder.hpp"
#include "support.hpp"

using namespace carousel;
using namespace carousel::test;
using carousel::detail::Json;

namespace {

const std::string folder = std::string(CAROUSEL_TEST_DATA) + "/keras/";

/// The largest difference of what a file of tests/golden/keras computes from what the script computed.
double difference_of(const std::string& file, const KerasOptions& options = {}) {
    const Golden golden("keras/outputs.txt");
    const std::string name = file.substr(0, file.find('.'));
    const Matrix<float> x = golden.sequence("x_" + name).cast<float>();
    const auto model = load_keras(folder + file, options).model;
    const auto y = model(Sequence<float>(x, golden.shape("x_" + name)[1]));
    return difference(y.values(), golden.sequence("y_" + name));
}

template <class S>
std::vector<std::string> layer_names(const Model<S>& model) {
    std::vector<std::string> names;
    model.each_layer([&](std::size_t, const auto& layer) { names.push_back(layer.name()); });
    return names;
}
using Names = std::vector<std::string>;

} // namespace

TEST_CASE("Keras: convolutions, normalization and a GRU of Keras 3 compute what the equations say") {
    CHECK(difference_of("convolution.keras") < 1e-5);
}

TEST_CASE("Keras: a functional model of Keras 2 with layers that go backwards computes what the equations say") {
    CHECK(difference_of("backwards.h5") < 1e-5);
    CHECK(layer_names(load_keras(folder + "backwards.h5").model) ==
          Names{"LSTM", "SimpleRNN", "Bidirectional", "BothEnds", "Dense", "Softmax"});
}

TEST_CASE("Keras: tokens through two bidirectional layers of Keras 3 compute what the equations say") {
    CHECK(difference_of("reversed_text.keras") < 1e-5);
    const auto file = load_keras<double>(folder + "reversed_text.keras");
    CHECK(layer_names(file.model) ==
          Names{"Embedding", "Bidirectional", "Bidirectional", "GRU", "FirstStep", "Dense", "Activation"});
    CHECK(file.metadata == Metadata{{"keras_version", "3.9.2"}, {"name", "reversed_text"}});
    CHECK(file.state.empty());
}

TEST_CASE("Keras: nets train on, and are saved and loaded again to the last bit") {
    for (const std::string file : {"backwards.h5", "convolution.keras", "reversed_text.keras"}) {
        INFO(file);
        trained_on(load_keras(folder + file));
    }
}

namespace {

Json layer(const std::string& class_name, Json config) {
    return {{"class_name", class_name}, {"config", config}};
}

/// An .h5 file of a Sequential model whose only variables are these, of its layer "l".
Bytes h5_of(const std::vector<Json>& layers,
            const std::vector<std::pair<std::vector<hsize_t>, std::vector<float>>>& variables) {
    Hdf5Writer writer;
    const Json model{{"class_name", "Sequential"}, {"config", {{"layers", layers}}}};
    writer.text("", "model_config", model.dump());
    writer.group("model_weights");
    writer.texts("model_weights", "layer_names", {"l"});
    writer.group("model_weights/l");
    std::vector<std::string> names;
    for (const auto& [shape, numbers] : variables) {
        names.push_back("v" + std::to_string(names.size()));
        writer.numbers("model_weights/l/" + names.back(), shape, numbers);
    }
    writer.texts("model_weights/l", "weight_names", names);
    return writer.bytes();
}

std::string refused(const Bytes& bytes) {
    return error<std::runtime_error>([&] { load_keras(bytes); });
}

} // namespace

TEST_CASE("Keras: dropouts and last steps are layers of their own, and everything streams") {
    const Json lstm = layer("LSTM", {{"name", "l"}, {"units", 1}, {"dropout", 0.5}, {"recurrent_dropout", 0.25}});
    const Bytes bytes = h5_of({layer("SpatialDropout1D", {{"rate", 0.1}}), lstm, layer("Dropout", {{"rate", 0.0}})},
                              {{{2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}}, {{1, 4}, {1, 2, 3, 4}}, {{4}, {-1, -2, -3, -4}}});
    auto model = load_keras(bytes).model;
    CHECK(layer_names(model) == Names{"Dropout", "Dropout", "LSTM", "LastStep"});
    CHECK(model.layer(1).template target<Dropout>()->rate() == 0.5);
    CHECK(model.layer(1).template target<Dropout>()->options().per_sequence);
    const auto* const layer = model.layer(2).template target<LSTM<float>>();
    REQUIRE(layer);
    CHECK(layer->options().recurrent_dropout == 0.25);
    CHECK(layer->W().value == (Matrix<float>(4, 2) << 1, 5, 2, 6, 3, 7, 4, 8).finished());
    CHECK(layer->b().value == (Matrix<float>(4, 1) << -1, -2, -3, -4).finished());

    const Sequence<float> x((Matrix<float>(2, 3) << 0.1F, -0.2F, 0.3F, 0.4F, 0.5F, -0.6F).finished());
    Stream stream(model);
    float last = 0;
    for (Index t = 0; t < 3; ++t)
        last = stream(std::span(x.data() + 2 * t, 2))[0];
    CHECK(std::abs(last - model(x).values()(0, 0)) < 1e-6F);
}

TEST_CASE("Keras: variables that don't fit the config or the layer before are refused with their shapes") {
    const Json dense = layer("Dense", {{"name", "l"}, {"units", 2}});
    CHECK(refused(h5_of({dense}, {{{3, 3}, std::vector<float>(9)}, {{2}, {0, 0}}})) ==
          "load_keras: memory: layer \"l\" (Dense): \"model_weights/l/v0\" is 3 x 3, expected any x 2");
    CHECK(refused(h5_of({dense}, {{{3, 2}, std::vector<float>(6)}, {{3}, {0, 0, 0}}})) ==
          "load_keras: memory: layer \"l\" (Dense): \"model_weights/l/v1\" is 3 numbers, expected 2 numbers");
    CHECK(refused(h5_of({dense}, {{{0, 2}, {}}, {{2}, {0, 0}}})) ==
          "load_keras: memory: layer \"l\" (Dense): \"model_weights/l/v0\" is 0 x 2, expected any x 2");
    const Json lstm = layer("LSTM", {{"name", "l"}, {"units", 1'000'000'000}});
    CHECK(refused(h5_of({lstm}, {{{1, 4}, {0, 0, 0, 0}}, {{1, 4}, {0, 0, 0, 0}}, {{4}, {0, 0, 0, 0}}})) ==
          "load_keras: memory: layer \"l\" (LSTM): \"model_weights/l/v0\" is 1 x 4, expected any x 4000000000");
    const Json gru = layer("GRU", {{"name", "l"}, {"units", 1}, {"reset_after", true}});
    CHECK(refused(h5_of({gru}, {{{1, 3}, {0, 0, 0}}, {{1, 3}, {0, 0, 0}}, {{3}, {0, 0, 0}}})) ==
          "load_keras: memory: layer \"l\" (GRU): \"model_weights/l/v2\" is 3 numbers, expected 2 x 3");
    const Json embedding = layer("Embedding", {{"input_dim", 3}, {"output_dim", 2}});
    CHECK(refused(h5_of({dense, embedding}, {})) == "load_keras: memory: layer (Embedding): it isn't the first layer");
    CHECK(refused(h5_of({dense, dense}, {{{3, 2}, std::vector<float>(6)}, {{2}, {0, 0}}})) ==
          "load_keras: memory: layer \"l\" (Dense): \"model_weights/l/v0\" is 3 x 2, expected 2 x 2");
    const Json large = layer("Embedding", {{"name", "l"}, {"input_dim", 20'000'000}, {"output_dim", 1}});
    CHECK(refused(h5_of({large}, {{{2, 1}, {0, 0}}})) ==
          "load_keras: memory: layer \"l\" (Embedding): \"model_weights/l/v0\" is 2 x 1, expected 20000000 x 1");
}

TEST_CASE("Keras: a version that Keras hasn't is refused") {
    REQUIRE_THROWS_AS(load_keras(folder + "backwards.h5", {.version = 4}), std::invalid_argument);
    REQUIRE_THROWS_WITH(load_keras(folder + "backwards.h5", {.version = 4}),
                        "load_keras: KerasOptions::version is 4, expected 2, 3 or 0 for what the file says");
}

TEST_CASE("Keras: weights without a model are refused") {
    Hdf5Writer writer;
    writer.group("layers");
    CHECK(refused(writer.bytes()) ==
          "load_keras: memory: it has weights alone, without the model they are of; load them "
          "into a model with load_keras_weights");
    CHECK(error<std::runtime_error>([] {
              load_keras("nowhere.keras");
          }).starts_with("load_keras: nowhere.keras: can't be opened"));
}

TEST_CASE("Keras: weights alone go into a model that is built as theirs") {
    const auto expect_same = [](const std::string& file, Model<float> model) {
        INFO(file);
        const Golden golden("keras/outputs.txt");
        const std::string x = "x_" + file.substr(0, file.find('.'));
        const Sequence<float> input(Matrix<float>(golden.sequence(x).cast<float>()), golden.shape(x)[1]);
        load_keras_weights(folder + file, model);
        CHECK(model(input).values() == load_keras(folder + file).model(input).values());
    };
    const ChosenGates hard{.f = Activation::hard_sigmoid(1.0 / 6, 0.5)};
    expect_same("convolution.keras",
                Model<float>(Conv1D<float>(2, 4, 3, {.dilation = 2, .activation = Activation::selu}),
                             Conv1D<float>(4, 3, 2, {.stride = 2, .padding = Padding::valid}),
                             BatchNorm<float>(3, {.epsilon = 0.01}), Activate(Activation::leaky_relu(0.2)),
                             GRU<float, Dynamic, Dynamic, Reset::after, ChosenGates>(3, 5, {.gates = hard}),
                             Dense<float>(5, 2, {.activation = hard.f})));
    const ChosenGates hard2{.f = Activation::hard_sigmoid()};
    const ChosenGates soft{.g = Activation::softsign};
    expect_same(
        "backwards.h5",
        Model<float>(LSTM<float, Dynamic, Dynamic, ChosenGates>(3, 4, {.gates = hard2}, {.reverse = true}),
                     SimpleRNN<float>(4, 3, {.activation = Activation::relu}),
                     Bidirectional(GRU<float, Dynamic, Dynamic, Reset::before, ChosenGates>(3, 4, {.gates = soft})),
                     BothEnds(), Dense<float>(8, 3), Softmax()));
}

TEST_CASE("Keras: the states of a stateful layer that stand after its weights are passed over") {
    const Json lstm = layer("LSTM", {{"name", "l"}, {"units", 1}, {"stateful", true}, {"return_sequences", true}});
    const Bytes one = h5_of({lstm}, {{{2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}},
                                     {{1, 4}, {1, 2, 3, 4}},
                                     {{4}, {-1, -2, -3, -4}},
                                     {{1, 1}, {9}},
                                     {{1, 1}, {9}}});
    Model<float> model{LSTM<float>(2, 1)};
    load_keras_weights(one, model);
    const Sequence<float> x(random_sequence<float>(2, 4, 1, *std::make_unique<Random>(1)));
    CHECK(model(x).values() == load_keras(one).model(x).values());

    const Json both = layer("Bidirectional", {{"name", "l"}, {"layer", lstm}});
    const Bytes two = h5_of({both}, {{{2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}},
                                     {{1, 4}, {1, 2, 3, 4}},
                                     {{4}, {-1, -2, -3, -4}},
                                     {{2, 4}, {8, 7, 6, 5, 4, 3, 2, 1}},
                                     {{1, 4}, {4, 3, 2, 1}},
                                     {{4}, {1, 2, 3, 4}},
                                     {{1, 1}, {9}},
                                     {{1, 1}, {9}},
                                     {{1, 1}, {9}},
                                     {{1, 1}, {9}}});
    Model<float> model_of_two{Bidirectional(LSTM<float>(2, 1))};
    load_keras_weights(two, model_of_two);
    CHECK(model_of_two(x).values() == load_keras(two).model(x).values());
}

TEST_CASE("Keras: a normalization without scale and center has a mean and a variance alone") {
    const Json norm = layer("BatchNormalization", {{"name", "l"}, {"scale", false}, {"center", false}});
    const Bytes bytes = h5_of({norm}, {{{2}, {1, 2}}, {{2}, {3, 4}}});
    Model<float> model{BatchNorm<float>(2, {.epsilon = 1e-3})};
    for (const auto& p : parameters(model))
        p.parameter->value.setConstant(7);
    load_keras_weights(bytes, model);
    const Sequence<float> x(random_sequence<float>(2, 4, 1, *std::make_unique<Random>(1)));
    CHECK(model(x).values() == load_keras(bytes).model(x).values());
    const Bytes three = h5_of({norm}, {{{2}, {1, 2}}, {{2}, {3, 4}}, {{2}, {5, 6}}});
    CHECK(error<std::runtime_error>([&] { load_keras_weights(three, model); }) ==
          "load_keras_weights: memory: layer 0 (BatchNorm): the file has 3 variables for it, expected 4");
}

TEST_CASE("Keras: a LayerNormalization computes what TensorFlow.js' does, with a scale and a center or without") {
    // tf.layers.layerNormalization({epsilon: 0.01, scale, center}) of TensorFlow.js 4.22 for these x
    const std::vector<std::pair<std::array<bool, 2>, Matrix<float>>> outputs{
        {{true, true}, Matrix<float>{{3, 3.3912623F}, {6.4474511F, 2.7479606F}, {1.5855883F, -2.3628166F}}},
        {{true, false}, Matrix<float>{{0, 0.39126232F}, {2.4474511F, -1.2520394F}, {1.8355883F, -2.1128166F}}},
        {{false, true}, Matrix<float>{{3, 3.7825246F}, {2.7762744F, 4.62602F}, {0.9737255F, -1.6585444F}}},
        {{false, false}, Matrix<float>{{0, 0.78252465F}, {-1.2237256F, 0.62601972F}, {1.2237256F, -1.4085444F}}}};
    const Json dense = layer("Dense", {{"name", "l"}, {"units", 3}, {"use_bias", false}});
    const Sequence<float> x(Matrix<float>{{1, 0.5F}, {-2, 0.25F}, {4, -3}});
    for (const auto& [options, y] : outputs) {
        const auto [scale, center] = options;
        const bool alone = scale || center; // else a layer before it has to say how many features there are
        const Json norm = layer(
            "LayerNormalization",
            {{"name", alone ? "l" : "n"}, {"axis", {2}}, {"epsilon", 0.01}, {"scale", scale}, {"center", center}});
        std::vector<std::pair<std::vector<hsize_t>, std::vector<float>>> weights;
        if (scale)
            weights.push_back({{3}, {0.5F, -2, 1.5F}});
        if (center)
            weights.push_back({{3}, {3, 4, -0.25F}});
        if (!alone)
            weights.push_back({{3, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1}});
        const Bytes bytes = h5_of(alone ? std::vector{norm} : std::vector{dense, norm}, weights);
        const auto model = load_keras(bytes).model;
        CHECK(layer_names(model) == (alone ? Names{"LayerNorm"} : Names{"Dense", "LayerNorm"}));
        CHECK(difference(model(x).values(), y) < 1e-6);
        Model<float> given{LayerNorm<float>{3, {.epsilon = 0.01}}};
        if (scale && center) {
            load_keras_weights(bytes, given);
            CHECK(given(x).values() == model(x).values());
        } else if (alone)
            CHECK(error<std::runtime_error>([&] { load_keras_weights(bytes, given); }) ==
                  "load_keras_weights: memory: layer 0 (LayerNorm): the file has 1 variables for it, expected 2");
    }
    const Json bare = layer("LayerNormalization", {{"name", "l"}, {"scale", false}, {"center", false}});
    CHECK(refused(h5_of({bare}, {})) ==
          "load_keras: memory: layer \"l\" (LayerNormalization): it has neither scale nor center, and no layer before "
          "it says how many features it is given");
}

TEST_CASE("Keras: a PReLU has a slope for each feature, or one for all") {
    const auto y = [](const std::vector<hsize_t>& shape, const std::vector<float>& slopes, bool steps) {
        const Json input = layer("InputLayer", {{"name", "x"}, {"batch_shape", {nullptr, 2}}});
        const Json prelu = layer("PReLU", {{"name", "l"}, {"shared_axes", {1}}});
        const Bytes bytes = h5_of(steps ? std::vector{prelu} : std::vector{input, prelu}, {{shape, slopes}});
        const auto model = load_keras(bytes).model;
        Model<float> given{PReLU<float>(2)};
        load_keras_weights(bytes, given);
        const Sequence<float> x(Matrix<float>{{1, -2}, {-4, 8}});
        CHECK(given(x).values() == model(x).values());
        return Matrix<float>(model(x).values());
    };
    CHECK(y({1, 2}, {0.5, -1}, true) == Matrix<float>{{1, -1}, {4, 8}});
    CHECK(y({2}, {0.5, -1}, false) == Matrix<float>{{1, -1}, {4, 8}});
    const Json prelu = layer("PReLU", {{"name", "l"}, {"shared_axes", nullptr}});
    CHECK(refused(h5_of({prelu}, {{{2, 2}, {1, 2, 3, 4}}})) ==
          "load_keras: memory: layer \"l\" (PReLU): \"model_weights/l/v0\" is 2 x 2, expected 1 x any");
    const Json dense = layer("Dense", {{"name", "l"}, {"units", 1}, {"use_bias", false}});
    const Json one = layer("PReLU", {{"name", "l"}, {"shared_axes", {1, 2}}});
    CHECK(layer_names(load_keras(h5_of({dense, one}, {{{1, 1}, {2}}})).model) == Names{"Dense", "PReLU"});
}

TEST_CASE("Keras: models inside the model and skips are loaded from both layouts of weights") {
    const auto named = [](const std::string& class_name, const std::string& name, Json config) {
        config["name"] = name;
        return layer(class_name, config);
    };
    const auto connected = [](Json one, const std::vector<std::string>& sources) {
        one["name"] = one["config"]["name"];
        Json node = Json::array();
        for (const std::string& source : sources)
            node.push_back({source, source == "inner" ? 1 : 0, 0, Json::object()});
        one["inbound_nodes"] = sources.empty() ? Json::array() : Json::array({node});
        return one;
    };
    const Json inner = named("Sequential", "inner",
                             {{"layers",
                               {named("Dense", "d0", {{"units", 2}}), named("BatchNormalization", "n", {}),
                                named("Dense", "d1", {{"units", 2}, {"use_bias", false}})}}});
    const Json model{{"class_name", "Functional"},
                     {"config",
                      {{"name", "m"},
                       {"layers",
                        {connected(named("InputLayer", "x", {{"batch_shape", {nullptr, nullptr, 2}}}), {}),
                         connected(inner, {"x"}), connected(named("Add", "sum", {}), {"x", "inner"}),
                         connected(named("Dense", "d2", {{"units", 1}, {"use_bias", false}}), {"sum"})}},
                       {"input_layers", {{"x", 0, 0}}},
                       {"output_layers", {{"d2", 0, 0}}}}}};

    const std::vector<std::pair<std::string, std::vector<float>>> inside{
        {"layers/dense/vars/0", {1, 2, 3, 4}},           {"layers/dense/vars/1", {0.5, -0.5}},
        {"layers/batch_normalization/vars/0", {2, 1}},   {"layers/batch_normalization/vars/1", {1, -1}},
        {"layers/batch_normalization/vars/2", {0.5, 0}}, {"layers/batch_normalization/vars/3", {4, 1}},
        {"layers/dense_1/vars/0", {1, -1, 0, 2}}};
    const auto shape = [](const std::vector<float>& numbers) {
        return numbers.size() == 4 ? std::vector<hsize_t>{2, 2} : std::vector<hsize_t>{2};
    };
    const auto numbered = [&] { // HDF5 writes one file of a name at a time
        Hdf5Writer writer;
        for (const auto& [path, numbers] : inside)
            writer.numbers("layers/sequential/" + path, shape(numbers), numbers);
        writer.numbers("layers/dense/vars/0", {2, 1}, {1, 10});
        return writer.bytes();
    };
    const Bytes keras3 = zip_of({{"metadata.json", bytes_of("{\"keras_version\": \"3.5.0\"}")},
                                 {"config.json", bytes_of(model.dump())},
                                 {"model.weights.h5", numbered()}});

    Hdf5Writer listed;
    listed.text("", "model_config", model.dump());
    listed.group("model_weights");
    listed.texts("model_weights", "layer_names", {"x", "inner", "sum", "d2"});
    listed.group("model_weights/inner");
    std::vector<std::string> names;
    for (const std::size_t k : {0U, 1U, 2U, 3U, 6U, 4U, 5U}) { // statistics are listed last
        names.push_back("v" + std::to_string(k));
        listed.numbers("model_weights/inner/" + names.back(), shape(inside[k].second), inside[k].second);
    }
    listed.texts("model_weights/inner", "weight_names", names);
    listed.group("model_weights/d2");
    listed.numbers("model_weights/d2/w", {2, 1}, {1, 10});
    listed.texts("model_weights/d2", "weight_names", {"w"});

    const Matrix<double> x{{0.5, -1}, {2, 0.25}};
    Matrix<double> h = Matrix<double>{{1, 3}, {2, 4}} * x; // kernels are inputs × outputs
    h.colwise() += Vector<double>{{0.5, -0.5}};
    h.row(0) = (h.row(0).array() - 0.5) / std::sqrt(4 + 1e-3) * 2 + 1;
    h.row(1) = h.row(1).array() / std::sqrt(1 + 1e-3) - 1;
    const Matrix<double> sum = Matrix<double>{{1, 0}, {-1, 2}} * h + x;
    const Matrix<double> expected = Matrix<double>{{1, 10}} * sum;
    for (const Bytes& bytes : {keras3, listed.bytes()}) {
        const auto loaded = load_keras<double>(bytes).model;
        CHECK(layer_names(loaded) == Names{"Residual", "Dense"});
        CHECK(difference(loaded(Sequence<double>(x)).values(), expected) < 1e-12);
    }
}

TEST_CASE("Keras: a Normalization divides by the deviation, and a sum of unequally many features is refused") {
    const Json norm = layer("Normalization", {{"name", "l"}, {"axis", {-1}}});
    const auto model = load_keras<double>(h5_of({norm}, {{{2}, {1, 2}}, {{2}, {4, 0}}, {{}, {7}}})).model;
    const Matrix<double> y = model(Sequence<double>(Matrix<double>{{5}, {2}})).values();
    CHECK((y(0) == 2 && y(1) == 0));
    const Matrix<double> near = model(Sequence<double>(Matrix<double>{{5}, {2 + 1e-7}})).values();
    CHECK(std::abs(near(1) - 1) < 1e-6); // by the least deviation, 1e-7

    const auto connected = [](const std::string& class_name, const std::string& name, Json config, Json nodes) {
        config["name"] = name;
        return Json{{"class_name", class_name}, {"name", name}, {"config", config}, {"inbound_nodes", nodes}};
    };
    const Json from_x = Json::array({Json::array({{"x", 0, 0, Json::object()}})});
    const Json both = Json::array({Json::array({{"x", 0, 0, Json::object()}, {"l", 0, 0, Json::object()}})});
    const Json sum{{"class_name", "Functional"},
                   {"config",
                    {{"layers",
                      {connected("InputLayer", "x", {{"batch_shape", {nullptr, nullptr, 2}}}, Json::array()),
                       connected("Dense", "l", {{"units", 1}, {"use_bias", false}}, from_x),
                       connected("Add", "sum", Json::object(), both)}},
                     {"input_layers", {{"x", 0, 0}}},
                     {"output_layers", {{"sum", 0, 0}}}}}};
    Hdf5Writer writer;
    writer.text("", "model_config", sum.dump());
    writer.group("model_weights/l");
    writer.texts("model_weights", "layer_names", {"l"});
    writer.numbers("model_weights/l/w", {2, 1}, {1, 1});
    writer.texts("model_weights/l", "weight_names", {"w"});
    CHECK(refused(writer.bytes()) ==
          "load_keras: memory: layer \"sum\" (Add): Add: it adds 1 and 2 features, expected equally many");
}

TEST_CASE("Keras: weights that a model can't take are refused, and the model stays as it was") {
    const auto refusal = [](const std::string& file, Model<float> model) {
        const Model<float> before = model;
        const std::string message = error<std::runtime_error>([&] { load_keras_weights(folder + file, model); });
        const Sequence<float> x(random_sequence<float>(model.input_size(), 4, 1, *std::make_unique<Random>(1)));
        CHECK(model(x).values() == before(x).values());
        const std::string begins = "load_keras_weights: " + folder + file + ": ";
        return message.starts_with(begins) ? message.substr(begins.size()) : "unexpected: " + message;
    };
    CHECK(refusal("backwards.h5", Model<float>(LSTM<float>(3, 4), SimpleRNN<float>(4, 2))) ==
          "layer 1 (SimpleRNN): \"model_weights/simple_rnn/simple_rnn/simple_rnn_cell/kernel:0\" is 4 x 3, expected 4 "
          "x 2");
    CHECK(refusal("backwards.h5", Model<float>(LSTM<float>(3, 4), SimpleRNN<float>(4, 3))) ==
          "it has weights for 4 layers, the model has 2 that have any");
    CHECK(refusal("convolution.keras", Model<float>(GRU<float>(3, 5), Dense<float>(5, 2))) ==
          "it has weights for 2 layers of class Conv1D, the model has 0");
    CHECK(refusal("convolution.keras", Model<float>(LSTM<float>(3, 5))) ==
          "layer 0 (LSTM): the file has no weights for it: layers/lstm is missing");
    CHECK(refusal("convolution.keras", Model<float>(LSTM<float>(3, 5, {.peephole = true}))) ==
          "layer 0 (LSTM): Keras has no layer whose weights it could take, or its sizes are known at compile time; "
          "make it with "
          "sizes at run time");
    CHECK(refusal("convolution.keras", Model<float>(LSTM<float, 3, 5>())) ==
          "layer 0 (LSTM): Keras has no layer whose weights it could take, or its sizes are known at compile time; "
          "make it "
          "with sizes at run time");
}

TEST_CASE("Keras: weights of layers that no model here has are refused, states of random numbers passed over") {
    const auto refusal = [](const std::string& group) {
        Hdf5Writer writer;
        writer.numbers("layers/dense/vars/0", {1, 1}, {2});
        writer.group("layers/rescaling/vars");
        writer.numbers("layers/" + group + "/0", {2}, {1, 2});
        const Bytes bytes = writer.bytes();
        Model<float> model{Dense<float>(1, 1)};
        return error<std::runtime_error>([&] { load_keras_weights(bytes, model); });
    };
    for (const std::string name : {"normalization", "sequential", "functional_1"})
        CHECK(refusal(name + (name == "normalization" ? "/vars" : "/layers/dense/vars")) ==
              "load_keras_weights: memory: it has weights in layers/" + name + ", which no layer of the model takes");
    CHECK(refusal("dropout/seed_generator/vars").empty());
}

#ifdef CAROUSEL_CONFORMANCE_DATA

namespace {

struct Case {
    Sequence<float> x;
    Matrix<float> y; // features × (steps · batch)
};

/// Flat, row-major: (batch, steps, features), or (batch, steps) tokens and (batch, features) of one step.
Matrix<float> columns(const Json& tensor, bool tokens) {
    const auto shape = tensor["shape"].get<std::vector<Index>>();
    const auto data = tensor["data"].get<std::vector<float>>();
    const Index B = shape[0], F = shape.size() == 3 || !tokens ? shape.back() : 1;
    const Index T = static_cast<Index>(data.size()) / B / F;
    Matrix<float> to(F, T * B);
    for (Index b = 0, k = 0; b < B; ++b)
        for (Index t = 0; t < T; ++t)
            for (Index f = 0; f < F; ++f, ++k)
                to(f, t * B + b) = data[static_cast<std::size_t>(k)];
    return to;
}

} // namespace

TEST_CASE("Keras: models of TensorFlow.js compute what it computed") {
    const std::string data = std::string(CAROUSEL_CONFORMANCE_DATA) + "/models/keras_made/";
    for (const std::string file :
         {"bidirectional_stack.h5", "bidirectional_stack.keras", "gru_before_steps.h5", "gru_before_steps.keras",
          "hard_sigmoid_keras2.h5", "lstm_last.h5", "lstm_last.keras", "text.h5", "text.keras"}) {
        INFO(file);
        const Json json = Json::parse(content(data + file.substr(0, file.find('.')) + ".json"))["tensors"];
        const Index batch = json["in_x"]["shape"][0].get<Index>();
        const Sequence<float> x(columns(json["in_x"], true), batch);
        CHECK(difference(load_keras(data + file).model(x).values(), columns(json["out_y"], false)) < 1e-5);
    }
}

TEST_CASE("Keras: real models compute what RTNeural and PyTorch computed with their weights") {
    const std::string data = std::string(CAROUSEL_CONFORMANCE_DATA) + "/models/keras/";
    const std::string bach = data + "bach_durs.ref.npz";
    const Matrix<float> x = read_npz(bach, "x").sequence<float>().transpose(); // (batch, steps)
    const Sequence<float> sequences(Matrix<float>(Eigen::Map<const Matrix<float>>(x.data(), 1, x.size())), x.rows());
    const auto model = load_keras(data + "bach_durs.keras").model;
    CHECK(difference(model(sequences).values(), read_npz(bach, "y").sequence<float>()) < 1e-5);

    const std::string guitar = data + "guitarlstm_ts9_model.lstm_dense.ref.npz";
    CHECK(error<std::runtime_error>([&] { load_keras(data + "guitarlstm_ts9_model.h5"); }) ==
          "load_keras: " + data +
              "guitarlstm_ts9_model.h5: layer \"conv1d_1\" (Conv1D): option padding is \"same\", "
              "expected causal, valid, or same where it pads nothing");
    auto part = load_keras(data + "guitarlstm_ts9_model.h5", {.first_layer = "lstm"}).model;
    const Matrix<float> steps = read_npz(guitar, "x").sequence<float>();
    const Matrix<float> expected = read_npz(guitar, "y").sequence<float>();
    Stream stream(part);
    for (Index t = 0; t < steps.cols(); ++t) {
        const float y = stream(std::span(steps.data() + t * steps.rows(), static_cast<std::size_t>(steps.rows())))[0];
        CHECK(std::abs(y - expected(0, t)) < 1e-5F);
    }
}

#endif
