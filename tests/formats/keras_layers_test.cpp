// What a Keras model's config says of its layers, without any weights.
#include "carousel/io/keras/layers.hpp"

#include "catch.hpp"
#include "io/folder.hpp"

using namespace carousel;
using namespace carousel::test;
using carousel::detail::Input;
using carousel::detail::Json;
using namespace carousel::detail::keras;

namespace {

const std::vector<std::byte> nothing;
const Json null;

Json layer(const std::string& class_name, Json config) {
    if (!config.contains("name"))
        config["name"] = "l";
    return {{"class_name", class_name}, {"config", config}};
}
Json sequential(const std::vector<Json>& layers) {
    return {{"class_name", "Sequential"}, {"config", {{"name", "model"}, {"layers", layers}}}};
}

std::vector<carousel::detail::keras::LayerDescription> read(const Json& model, const KerasOptions& options = {},
                                                            int version = 3) {
    const Input input("load_keras", nothing);
    return LayerReader({version}, options).read(input, chain(input, model));
}
template <class S>
S only(const Json& json, const KerasOptions& options = {}, int version = 3) {
    const auto layers = read(sequential({json}), options, version);
    REQUIRE(layers.size() == 1);
    REQUIRE(std::holds_alternative<S>(layers[0].spec));
    return std::get<S>(layers[0].spec);
}
/// The message, without the function's and the source's names.
std::string refused(const Json& model, const KerasOptions& options = {}, int version = 3) {
    const std::string message = error<std::runtime_error>([&] { read(model, options, version); });
    const std::string begins = "load_keras: memory: ";
    return message.starts_with(begins) ? message.substr(begins.size()) : "unexpected: " + message;
}

using Cell = RecurrentSpec::Cell;

} // namespace

TEST_CASE("Keras: the options of recurrent layers are read") {
    const auto lstm = only<RecurrentSpec>(layer("LSTM", {{"units", 8},
                                                         {"activation", "relu"},
                                                         {"recurrent_activation", "hard_sigmoid"},
                                                         {"use_bias", false},
                                                         {"dropout", 0.1},
                                                         {"recurrent_dropout", 0.2},
                                                         {"return_sequences", true},
                                                         {"implementation", 2},
                                                         {"unit_forget_bias", true},
                                                         {"kernel_initializer", {{"class_name", "Zeros"}}},
                                                         {"stateful", true}}));
    CHECK((lstm.cell == Cell::lstm && lstm.units == 8 && !lstm.bias && lstm.stateful && !lstm.reverse));
    CHECK((lstm.input_dropout == 0.1 && lstm.recurrent_dropout == 0.2 && lstm.outputs == Outputs::all));
    CHECK(lstm.activation == Activation::relu);
    CHECK(lstm.gate == Activation::hard_sigmoid(1.0 / 6, 0.5));

    const auto gru = [](Json config, int version) {
        config["units"] = 3;
        return only<RecurrentSpec>(layer("GRU", config), {}, version);
    };
    CHECK(gru({{"reset_after", true}}, 2).cell == Cell::gru_after);
    CHECK(gru({{"reset_after", false}}, 3).cell == Cell::gru_before);
    CHECK(gru(Json::object(), 2).cell == Cell::gru_before);
    CHECK(gru(Json::object(), 3).cell == Cell::gru_after);
    CHECK(gru({{"recurrent_activation", "hard_sigmoid"}}, 2).gate == Activation::hard_sigmoid(0.2, 0.5));
    CHECK(gru(Json::object(), 3).gate == Activation::sigmoid);
    CHECK(gru(Json::object(), 3).outputs == Outputs::last);

    const auto rnn = only<RecurrentSpec>(layer("SimpleRNN", {{"units", 1}, {"activation", null}}));
    CHECK((rnn.cell == Cell::simple && rnn.activation == Activation::linear));
}

TEST_CASE("Keras: go_backwards is a reverse layer, whose last output is at the first step") {
    const Json backwards = layer("GRU", {{"units", 3}, {"go_backwards", true}});
    Json steps = backwards;
    steps["config"]["return_sequences"] = true;
    const Json forward = layer("LSTM", {{"units", 3}});
    const auto spec = [](const auto& l) { return std::get<RecurrentSpec>(l.spec); };

    const auto one = read(sequential({backwards}));
    CHECK((spec(one[0]).reverse && spec(one[0]).outputs == Outputs::first));

    // After all steps in reversed order a layer that goes backwards goes forward in time, and the reverse.
    const auto two = read(sequential({steps, layer("Dense", {{"units", 1}}), steps}));
    CHECK((spec(two[0]).reverse && spec(two[0]).outputs == Outputs::all));
    CHECK((!spec(two[2]).reverse && spec(two[2]).outputs == Outputs::all));
    const auto last = read(sequential({steps, forward}));
    CHECK((spec(last[1]).reverse && spec(last[1]).outputs == Outputs::first));
    const auto turned = read(sequential({steps, backwards}));
    CHECK((!spec(turned[1]).reverse && spec(turned[1]).outputs == Outputs::last));

    CHECK(refused(sequential({steps, layer("Dense", {{"units", 1}})})) ==
          "layer \"l\" (Dense): it ends the model with the steps in reversed order, as go_backwards with "
          "return_sequences leaves them, which can't be had");
    CHECK(refused(sequential({steps, layer("Conv1D", {{"filters", 1}, {"kernel_size", {2}}})})) ==
          "layer \"l\" (Conv1D): it comes after a layer with go_backwards and return_sequences, which can't be had");
}

TEST_CASE("Keras: functions have the names of Keras, and layers that are nothing else are read") {
    const auto function = [](const std::string& class_name, Json config, int version = 3) {
        return only<Function>(layer(class_name, config), {}, version).elementwise;
    };
    const auto named = [&](const char* name) { return function("Activation", {{"activation", name}}); };
    CHECK(named("linear") == Activation::linear);
    CHECK(named("tanh") == Activation::tanh);
    CHECK(named("sigmoid") == Activation::sigmoid);
    CHECK(named("relu") == Activation::relu);
    CHECK(named("relu6") == Activation::relu.clipped(6));
    CHECK(named("leaky_relu") == Activation::leaky_relu(0.2));
    CHECK(named("elu") == Activation::elu());
    CHECK(named("selu") == Activation::selu);
    CHECK(named("exponential") == Activation::exponential);
    CHECK(named("softsign") == Activation::softsign);
    CHECK(named("softplus") == Activation::softplus);
    CHECK(named("hard_tanh") == Activation::linear.clipped(1));
    CHECK(only<Function>(layer("Activation", {{"activation", "softmax"}})).softmax);
    CHECK(only<Function>(layer("Softmax", {{"axis", -1}})).softmax);
    CHECK(function("ReLU", Json::object()) == Activation::relu);
    CHECK(function("ReLU", {{"max_value", 3.0}, {"threshold", 0.0}}) == Activation::relu.clipped(3));
    CHECK(function("ReLU", {{"negative_slope", 0.1}}) == Activation::leaky_relu(0.1));
    CHECK(function("LeakyReLU", {{"negative_slope", 0.1}}) == Activation::leaky_relu(0.1));
    CHECK(function("LeakyReLU", {{"alpha", 0.1}}, 2) == Activation::leaky_relu(0.1));
    CHECK(function("ELU", {{"alpha", 2.0}}) == Activation::elu(2));
    CHECK(function("ThresholdedReLU", {{"theta", 2.0}}, 2) == Activation::thresholded_relu(2));

    const Json as_layer{{"module", "keras.layers"}, {"class_name", "LeakyReLU"}, {"config", {{"negative_slope", 0.5}}}};
    CHECK(only<DenseSpec>(layer("Dense", {{"units", 1}, {"activation", as_layer}})).function.elementwise ==
          Activation::leaky_relu(0.5));
    const Json by_module{{"module", "keras.activations"}, {"class_name", "function"}, {"config", "relu"}};
    CHECK(only<DenseSpec>(layer("Dense", {{"units", 1}, {"activation", by_module}})).function.elementwise ==
          Activation::relu);
    const Json own{{"module", "builtins"}, {"class_name", "function"}, {"config", "mine"}};
    CHECK(refused(sequential({layer("Dense", {{"units", 1}, {"activation", own}})})) ==
          "layer \"l\" (Dense): option activation is "
          "{\"class_name\":\"function\",\"config\":\"mine\",\"module\":\"builtins\"…, "
          "expected the name of a function of Keras");
    CHECK(refused(sequential({layer("Dense", {{"units", 1}, {"activation", "gelu"}})})) ==
          "layer \"l\" (Dense): option activation is \"gelu\", expected linear, tanh, sigmoid, hard_sigmoid, relu, "
          "relu6, "
          "leaky_relu, elu, selu, exponential, softsign, softplus, hard_tanh or (not in a recurrent layer) softmax");
    CHECK(refused(sequential({layer("LSTM", {{"units", 1}, {"activation", "softmax"}})})) ==
          "layer \"l\" (LSTM): option activation is \"softmax\", expected an elementwise function");
    CHECK(refused(sequential({layer("ReLU", {{"threshold", 1.0}})})) ==
          "layer \"l\" (ReLU): option threshold is 1.0, expected 0");
    CHECK(refused(sequential({layer("Softmax", {{"axis", 1}})})) ==
          "layer \"l\" (Softmax): option axis is 1, expected -1, the features");
}

TEST_CASE("Keras: hard_sigmoid of a file that doesn't say which Keras wrote it needs the option version") {
    const Json model = sequential({layer("LSTM", {{"units", 1}, {"recurrent_activation", "hard_sigmoid"}})});
    CHECK(
        refused(model, {}, 0) ==
        "layer \"l\" (LSTM): option recurrent_activation is \"hard_sigmoid\", which Keras 2 and 3 compute differently, "
        "and the file doesn't say which of them wrote it; say so in KerasOptions::version");
    const auto gate = [&](int version) {
        return std::get<RecurrentSpec>(read(model, {.version = version}, 0)[0].spec).gate;
    };
    CHECK(gate(2) == Activation::hard_sigmoid(0.2, 0.5));
    CHECK(gate(3) == Activation::hard_sigmoid(1.0 / 6, 0.5));
}

TEST_CASE("Keras: Bidirectional layers are read, and what can't be had is refused") {
    const Json lstm = layer("LSTM", {{"units", 4}, {"return_sequences", true}});
    const auto merged = [&](Json merge) {
        return only<BidirectionalSpec>(layer("Bidirectional", {{"merge_mode", merge}, {"layer", lstm}}));
    };
    CHECK(merged("concat").merge == Merge::concatenate);
    CHECK(merged("sum").merge == Merge::sum);
    CHECK(merged("ave").merge == Merge::average);
    CHECK(merged("concat").outputs == Outputs::all);
    CHECK(merged("concat").forward.units == 4);
    const Json last = layer("GRU", {{"units", 4}});
    CHECK(only<BidirectionalSpec>(layer("Bidirectional", {{"layer", last}})).outputs == Outputs::both);

    const auto refusal = [](Json config) { return refused(sequential({layer("Bidirectional", config)})); };
    CHECK(refusal({{"merge_mode", "mul"}, {"layer", lstm}}) ==
          "layer \"l\" (Bidirectional): option merge_mode is \"mul\", expected concat, sum or ave");
    CHECK(refusal({{"merge_mode", null}, {"layer", lstm}}) ==
          "layer \"l\" (Bidirectional): option merge_mode is null, expected concat, sum or ave");
    CHECK(refusal({{"merge_mode", "sum"}, {"layer", last}}) ==
          "layer \"l\" (Bidirectional): option merge_mode is \"sum\", expected concat where return_sequences is false");
    CHECK(refusal({{"layer", layer("Dense", {{"units", 4}})}}) ==
          "layer \"l\" (Bidirectional): layer \"l\" (Dense): it can't be made bidirectional; expected LSTM, GRU or "
          "SimpleRNN");
    CHECK(refusal(Json::object()) == "layer \"l\" (Bidirectional): option layer is null, expected a layer");
    Json backward = lstm;
    backward["config"]["go_backwards"] = true;
    CHECK(only<BidirectionalSpec>(layer("Bidirectional", {{"layer", lstm}, {"backward_layer", backward}}))
              .forward.units == 4);
    CHECK(refusal({{"layer", backward}}) == "layer \"l\" (Bidirectional): layer \"l\" (LSTM): option go_backwards is "
                                            "true, expected false in the layer that "
                                            "runs forward");
    backward["config"]["units"] = 5;
    CHECK(refusal({{"layer", lstm}, {"backward_layer", backward}}) ==
          "layer \"l\" (Bidirectional): layer \"l\" (LSTM): option units is 5, expected the same as in the layer that "
          "runs forward");
}

TEST_CASE("Keras: convolutions are read, and padding that can't be had is refused") {
    const auto conv = [](Json options, std::vector<Json> before = {}) {
        Json config{{"filters", 3}, {"kernel_size", {4}}, {"groups", 1}, {"data_format", "channels_last"}};
        config.update(options);
        before.push_back(layer("Conv1D", config));
        return sequential(before);
    };
    const auto spec = [](const Json& model) { return std::get<Conv1DSpec>(read(model).back().spec); };
    const Conv1DSpec causal =
        spec(conv({{"padding", "causal"}, {"dilation_rate", {2}}, {"strides", {1}}, {"activation", "relu"}}));
    CHECK((causal.filters == 3 && causal.kernel == 4 && causal.dilation == 2 && causal.stride == 1 && causal.causal));
    CHECK((causal.function.elementwise == Activation::relu && causal.bias));
    CHECK(!spec(conv({{"strides", 2}, {"use_bias", false}})).bias);
    CHECK(spec(conv({{"strides", 2}})).stride == 2);

    // 24 steps in windows of 4 side by side are the same with and without "same".
    const Json input = layer("InputLayer", {{"batch_shape", {null, 24, 1}}});
    CHECK(!spec(conv({{"padding", "same"}, {"strides", {4}}}, {input})).causal);
    CHECK(!spec(conv({{"padding", "same"}, {"kernel_size", {1}}})).causal);
    CHECK(spec(conv({{"padding", "same"}, {"kernel_size", {1}}, {"strides", {2}}})).stride == 2);
    const std::string same =
        "layer \"l\" (Conv1D): option padding is \"same\", expected causal, valid, or same where it pads nothing";
    CHECK(refused(conv({{"padding", "same"}}, {input})) == same);
    CHECK(refused(conv({{"padding", "same"}, {"strides", {4}}})) == same);
    for (const Json& steps :
         {Json(std::numeric_limits<std::int64_t>::max()), Json(~std::uint64_t(0)), Json(-24), Json(0)})
        CHECK(refused(conv({{"padding", "same"}}, {layer("InputLayer", {{"batch_shape", {null, steps, 1}}})})) == same);
    CHECK(refused(conv({{"padding", "reflect"}})) ==
          "layer \"l\" (Conv1D): option padding is \"reflect\", expected causal or valid");
    CHECK(refused(conv({{"groups", 3}})) == "layer \"l\" (Conv1D): option groups is 3, expected 1");
    CHECK(refused(conv({{"data_format", "channels_first"}})) ==
          "layer \"l\" (Conv1D): option data_format is \"channels_first\", expected channels_last");
    CHECK(refused(conv({{"kernel_size", {25}}}, {input})) ==
          "layer \"l\" (Conv1D): it needs 25 steps, the model's input gives it 24");
    CHECK(refused(conv({{"kernel_size", {2, 2}}})) ==
          "layer \"l\" (Conv1D): option kernel_size is [2,2], expected a whole number from 1 to 1000000000");
}

TEST_CASE("Keras: masks are refused unless sequences are to have lengths instead") {
    const Json embedding = layer("Embedding", {{"input_dim", 9}, {"output_dim", 2}, {"mask_zero", true}});
    const std::string advice = "; Keras then leaves steps out by their values, here sequences have lengths: leave such "
                               "steps out of the data or "
                               "say its lengths, and set KerasOptions::lengths_for_masks to load it";
    CHECK(refused(sequential({embedding})) == "layer \"l\" (Embedding): option mask_zero is true" + advice);
    const auto spec = only<EmbeddingSpec>(embedding, {.lengths_for_masks = true});
    CHECK((spec.vocabulary == 9 && spec.size == 2));
    const Json masking = sequential({layer("Masking", {{"mask_value", -1.0}}), layer("LSTM", {{"units", 1}})});
    CHECK(refused(masking) == "layer \"l\" (Masking): it masks steps" + advice);
    CHECK(read(masking, {.lengths_for_masks = true}).size() == 1);
}

TEST_CASE("Keras: dropout, normalization and what stands at every step are read") {
    CHECK(only<DropoutSpec>(layer("Dropout", {{"rate", 0.3}})).rate == 0.3);
    CHECK(!only<DropoutSpec>(layer("Dropout", {{"rate", 0.3}})).per_sequence);
    CHECK(only<DropoutSpec>(layer("Dropout", {{"rate", 0.3}, {"noise_shape", {null, 1, 4}}})).per_sequence);
    for (const Json& shape : {Json{null, 1, 1}, Json{1, 1, 4}, Json{null, 3, 4}})
        CHECK(refused(sequential({layer("Dropout", {{"rate", 0.3}, {"noise_shape", shape}})})) ==
              "layer \"l\" (Dropout): option noise_shape is " + shape.dump() +
                  ", expected null, or (batch, 1, features), of which neither the first nor the last is 1");
    CHECK(only<DropoutSpec>(layer("SpatialDropout1D", {{"rate", 0.3}})).per_sequence);
    const auto norm = only<BatchNormSpec>(
        layer("BatchNormalization", {{"epsilon", 0.01}, {"axis", {2}}, {"momentum", 0.9}, {"scale", false}}));
    CHECK((norm.epsilon == 0.01 && !norm.scale && norm.center));
    const auto layer_norm = only<LayerNormSpec>(layer("LayerNormalization", {{"axis", -1}, {"center", false}}));
    CHECK((layer_norm.epsilon == 1e-3 && layer_norm.scale && !layer_norm.center));
    for (const auto& [option, value, expected] :
         {std::tuple{"axis", Json{1, 2}, "-1, the features"}, std::tuple{"axis", Json(1), "-1, the features"},
          std::tuple{"epsilon", Json(0.0), "0 < epsilon < 1"}, std::tuple{"rms_scaling", Json(true), "false"}})
        CHECK(refused(sequential({layer("LayerNormalization", {{option, value}})})) ==
              std::string("layer \"l\" (LayerNormalization): option ") + option + " is " + value.dump() +
                  ", expected " + expected);
    const Json dense = layer("Dense", {{"units", 2}, {"use_bias", false}});
    const auto wrapped = read(sequential({layer("TimeDistributed", {{"layer", dense}})}));
    CHECK((wrapped[0].wrapped && wrapped[0].class_name == "TimeDistributed"));
    CHECK(!std::get<DenseSpec>(wrapped[0].spec).bias);

    CHECK(refused(sequential({layer("Dropout", {{"rate", 1.0}})})) ==
          "layer \"l\" (Dropout): option rate is 1.0, expected 0 <= rate < 1");
    CHECK(refused(sequential({layer("BatchNormalization", {{"axis", 1}})})) ==
          "layer \"l\" (BatchNormalization): option axis is 1, expected -1, the features");
    CHECK(refused(sequential({layer("TimeDistributed", {{"layer", layer("LSTM", {{"units", 1}})}})}))
              .starts_with("layer \"l\" (TimeDistributed): layer \"l\" (LSTM): layers of this class can't be loaded"));
}

TEST_CASE("Keras: classes and options that aren't known are refused by name") {
    CHECK(
        refused(sequential({layer("MultiHeadAttention", {{"num_heads", 2}})})) ==
        "layer \"l\" (MultiHeadAttention): layers of this class can't be loaded; expected LSTM, GRU, SimpleRNN, "
        "Bidirectional, TimeDistributed, Dense, Embedding, Conv1D, BatchNormalization, LayerNormalization, "
        "Normalization, Rescaling, "
        "Dropout, SpatialDropout1D, Activation, ReLU, LeakyReLU, PReLU, ELU, ThresholdedReLU, Softmax, Masking, or Add "
        "of a layer's input and output");
    CHECK(refused(sequential({layer("LSTM", {{"units", 2}, {"new_gate", "on"}})})) ==
          "layer \"l\" (LSTM): option new_gate is \"on\", which isn't known here");
    CHECK_NOTHROW(read(sequential({layer("LSTM", {{"units", 2}, {"new_gate", null}, {"newer", false}})})));
    Json own = layer("LSTM", {{"units", 2}});
    own["registered_name"] = "Custom>LSTM";
    CHECK(refused(sequential({own})) ==
          "layer \"l\" (LSTM): it is a class of the file's author, Custom>LSTM; only Keras' own layers can be loaded");
    for (const Json& units : {Json(0), Json(-1), Json(2.5), Json(1e12), Json("2"), null})
        CHECK(refused(sequential({layer("LSTM", {{"units", units}})})) ==
              "layer \"l\" (LSTM): option units is " + units.dump() + ", expected a whole number from 1 to 1000000000");
    CHECK(refused(sequential({layer("LSTM", {{"units", 2}, {"use_bias", "no"}})})) ==
          "layer \"l\" (LSTM): option use_bias is \"no\", expected true or false");
    CHECK(refused(sequential({layer("LSTM", {{"units", 2}, {"recurrent_dropout", 1.5}})})) ==
          "layer \"l\" (LSTM): option recurrent_dropout is 1.5, expected 0 <= recurrent_dropout < 1");
    CHECK(refused(sequential({layer("LSTM", {{"units", 2}, {"time_major", true}})})) ==
          "layer \"l\" (LSTM): option time_major is true, expected false");
    CHECK(refused(sequential({layer("LSTM", {{"units", 2}}), layer("LSTM", {{"units", 2}})})) ==
          "layer \"l\" (LSTM): it is given a vector, expected steps");
    CHECK(refused(sequential(
              {layer("Dense", {{"units", 2}}), layer("Embedding", {{"input_dim", 2}, {"output_dim", 2}})})) ==
          "layer \"l\" (Embedding): it isn't the first layer");
    CHECK(refused(sequential({layer("InputLayer", {{"batch_shape", {null, 8, 8, 3}}})})) ==
          "layer \"l\" (InputLayer): the model's input has the shape [null,8,8,3], expected (batch, steps, features), "
          "(batch, features) or, of tokens, (batch, steps)");
    CHECK(refused(sequential({})) == "the model has no layers");
    CHECK(refused(sequential(std::vector<Json>(1001, layer("ReLU", Json::object())))) ==
          "the model has 1001 layers, expected at most 1000");
    CHECK(refused({{"class_name", "Mine"}, {"config", Json::object()}}) ==
          "the model is of class \"Mine\", expected Sequential or Functional");
    CHECK(refused(Json::object()) == "the model's config has no config");
    CHECK(refused({{"class_name", "Sequential"}, {"config", {{"layers", {1}}}}}) ==
          "the config has a layer without a class_name: 1");
}

TEST_CASE("Keras: Flatten of a vector is nothing, and of steps is refused") {
    const Json last = layer("LSTM", {{"units", 2}}), flatten = layer("Flatten", {{"data_format", "channels_last"}});
    CHECK(read(sequential({last, flatten})).size() == 1);
    CHECK(refused(sequential({layer("LSTM", {{"units", 2}, {"return_sequences", true}}), flatten}))
              .starts_with("layer \"l\" (Flatten): layers of this class can't be loaded"));
}

TEST_CASE("Keras: a part of a model is read from one layer to another") {
    const auto named = [](const char* class_name, const char* name) {
        return layer(class_name, {{"name", name}, {"units", 2}, {"return_sequences", true}});
    };
    const Json model = sequential({layer("Lambda", Json::object()), named("LSTM", "a"), named("LSTM", "b"),
                                   layer("Dense", {{"name", "c"}, {"units", 1}}), layer("Lambda", Json::object())});
    const auto part = read(model, {.first_layer = "b", .last_layer = "c"});
    REQUIRE(part.size() == 2);
    CHECK((part[0].name == "b" && part[0].number == 1 && part[1].name == "c"));
    CHECK(refused(model, {.first_layer = "z"}) == "there is no layer \"z\", which KerasOptions::first_layer says");
    CHECK(refused(model, {.first_layer = "z", .last_layer = "c"}) ==
          "there is no layer \"z\", which KerasOptions::first_layer says");
    CHECK(refused(model, {.first_layer = "b", .last_layer = "a"}) ==
          "layer \"l\" (Lambda): layers of this class can't be loaded; expected LSTM, GRU, SimpleRNN, Bidirectional, "
          "TimeDistributed, Dense, Embedding, Conv1D, BatchNormalization, LayerNormalization, Normalization, "
          "Rescaling, Dropout, "
          "SpatialDropout1D, Activation, ReLU, LeakyReLU, PReLU, ELU, ThresholdedReLU, Softmax, Masking, or Add of a "
          "layer's input and output");
    CHECK(refused(model, {.first_layer = "b", .last_layer = "z"}).starts_with("layer \"l\" (Lambda)"));
    CHECK(refused(sequential({named("LSTM", "a")}), {.last_layer = "z"}) ==
          "there is no layer \"z\", which KerasOptions::last_layer says");
}

TEST_CASE("Keras: a model inside the model stands for all of its layers where a part begins or ends") {
    const auto dense = [](const char* name) { return layer("Dense", {{"name", name}, {"units", 2}}); };
    Json inner = sequential({dense("b"), dense("c")});
    inner["config"]["name"] = "m";
    const Json model = sequential({dense("a"), inner, dense("d")});
    const auto names = [&](const KerasOptions& options) {
        std::string all;
        for (const auto& one : read(model, options))
            all += one.name;
        return all;
    };
    CHECK(names({.first_layer = "m"}) == "bcd");
    CHECK(names({.last_layer = "m"}) == "abc");
    CHECK(names({.first_layer = "m", .last_layer = "m"}) == "bc");
    CHECK(names({.last_layer = "b"}) == "ab");
}

TEST_CASE("Keras: a Rescaling is a function, and a Normalization has an axis") {
    CHECK(only<Function>(layer("Rescaling", {{"scale", 0.5}, {"offset", -1}})).elementwise ==
          Activation::affine(0.5, -1));
    CHECK(refused(sequential({layer("Rescaling", {{"scale", {0.5, 1}}, {"offset", 0}})})) ==
          "layer \"l\" (Rescaling): option scale is [0.5,1], expected a number");
    only<NormalizationSpec>(layer("Normalization", {{"axis", {-1}}, {"invert", false}, {"mean", null}}));
    CHECK(refused(sequential({layer("Normalization", {{"axis", {-1}}, {"mean", {1, 2}}, {"variance", {1, 1}}})})) ==
          "layer \"l\" (Normalization): option mean is [1,2], which isn't known here");
    CHECK(refused(sequential({layer("Normalization", {{"axis", {1}}})})) ==
          "layer \"l\" (Normalization): option axis is [1], expected -1, the features");
}

TEST_CASE("Keras: layers of models inside a model stand in its place, numbered in their own model") {
    const Json inner = sequential({layer("Dense", {{"units", 2}}), layer("Dense", {{"units", 3}})});
    Json model = sequential({layer("Dense", {{"units", 4}}), inner, inner, layer("Dense", {{"units", 1}})});
    model["config"]["layers"][1]["config"]["name"] = "a";
    model["config"]["layers"][2]["config"]["name"] = "b";
    const auto layers = read(model);
    REQUIRE(layers.size() == 6);
    const std::vector<Index> numbers{0, 0, 1, 0, 1, 1};
    for (std::size_t k = 0; k < 6; ++k) {
        CHECK(layers[k].number == numbers[k]);
        CHECK(layers[k].within.size() == (k == 0 || k == 5 ? 0U : 1U));
    }
    CHECK((layers[2].within[0].name == "a" && layers[2].within[0].number == 0));
    CHECK((layers[3].within[0].name == "b" && layers[3].within[0].number == 1));
    CHECK((layers[2].places == std::vector<std::size_t>{2, 3} && layers[2].all == 4));
    CHECK((layers[3].places == std::vector<std::size_t>{0, 1} && layers[3].all == 4));
    CHECK(layers[0].places.empty());
}

TEST_CASE("Keras: what isn't trained in a model inside the model is listed after what is") {
    Json fixed = layer("Dense", {{"units", 2}, {"trainable", false}});
    Json outer = sequential({sequential({layer("BatchNormalization", {}), layer("Normalization", {}), fixed,
                                         layer("Dense", {{"units", 1}, {"use_bias", false}})})});
    const auto layers = read(outer);
    using Places = std::vector<std::size_t>;
    CHECK(layers[0].places == Places{0, 1, 3, 4});
    CHECK(layers[1].places == Places{5, 6}); // and 7, a count of steps
    CHECK(layers[2].places == Places{8, 9});
    CHECK(layers[3].places == Places{2});
    CHECK(layers[3].all == 10);
}

TEST_CASE("Keras: what isn't trained within a TimeDistributed or Bidirectional layer is listed after what is") {
    using Places = std::vector<std::size_t>;
    const Json dense = layer("Dense", {{"units", 1}}), fixed = layer("Dense", {{"units", 1}, {"trainable", false}});
    const auto wrapped = read(sequential({sequential({layer("TimeDistributed", {{"layer", fixed}}), dense})}));
    CHECK(wrapped[0].places == Places{2, 3});
    CHECK(wrapped[1].places == Places{0, 1});

    const auto lstm = [](bool trainable, bool backwards) {
        return layer("LSTM", {{"units", 1},
                              {"return_sequences", true},
                              {"trainable", trainable},
                              {"go_backwards", backwards},
                              {"use_bias", false}});
    };
    const auto places = [&](const Json& config) {
        const auto layers = read(sequential({sequential({layer("Bidirectional", config), dense})}));
        CHECK(layers[0].all == 6);
        return layers[0].places;
    };
    const Json trained = lstm(true, false), still = lstm(false, false);
    CHECK(places({{"layer", trained}}) == Places{0, 1, 2, 3});
    CHECK(places({{"layer", still}}) == Places{2, 3, 4, 5}); // the one that runs backward is made of it
    CHECK(places({{"layer", trained}, {"backward_layer", lstm(false, true)}}) == Places{0, 1, 4, 5});
    CHECK(places({{"layer", still}, {"backward_layer", lstm(true, true)}}) == Places{4, 5, 0, 1});
    CHECK(places({{"layer", trained}, {"trainable", false}}) == Places{2, 3, 4, 5});
}

TEST_CASE("Keras: sums within more than 16 others are refused") {
    const auto model = [](int sums) { // of x and dense, of x and that sum …
        const auto connected = [](const std::string& class_name, const std::string& name,
                                  const std::vector<std::string>& sources) {
            Json one = layer(class_name, {{"name", name}});
            one["name"] = name;
            Json node = Json::array();
            for (const std::string& source : sources)
                node.push_back({source, 0, 0, Json::object()});
            one["inbound_nodes"] = sources.empty() ? Json::array() : Json::array({node});
            return one;
        };
        std::vector<Json> layers{connected("InputLayer", "x", {}), connected("Dense", "s0", {"x"})};
        layers[1]["config"]["units"] = 1;
        for (int k = 1; k <= sums; ++k)
            layers.push_back(connected("Add", "s" + std::to_string(k), {"s" + std::to_string(k - 1), "x"}));
        return Json{{"class_name", "Functional"},
                    {"config",
                     {{"layers", layers},
                      {"input_layers", {{"x", 0, 0}}},
                      {"output_layers", {{layers.back()["name"], 0, 0}}}}}};
    };
    CHECK(read(model(16)).size() == 33);
    CHECK(refused(model(17)) ==
          "layer \"x\" (InputLayer): what it gives is added to what comes later, within more than "
          "16 other such sums");
    CHECK(refused(model(900)).starts_with("layer \"x\" (InputLayer): what it gives"));
}
