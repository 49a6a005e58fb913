// What an RTNeural file is refused for; no layers are compiled here.
#include "carousel/io/rtneural/description.hpp"
#include "catch.hpp"
#include "io/folder.hpp"

#include <limits>

namespace {

using namespace carousel;

std::string refused(const std::string& text) {
    return test::error<std::runtime_error>([&] {
        detail::rtneural::read("load_rtneural", std::as_bytes(std::span(text)), std::numeric_limits<float>::max());
    });
}

std::string model_text(const std::string& layers, const std::string& more = "") {
    return R"({"in_shape": [null, null, 2], "layers": [)" + layers + "]" + more + "}";
}

/// One layer of the type, with 2 inputs, that has these weights and members.
std::string refused_layer(const std::string& type, const std::string& weights, const std::string& more = "",
                          int size = 1) {
    return refused(model_text(R"({"type": ")" + type + R"(", "shape": [null, null, )" + std::to_string(size) +
                              R"(], "weights": [)" + weights + "]" + more + "}"));
}

} // namespace

TEST_CASE("RTNeural file: what isn't one is refused") {
    CHECK(refused("") == "load_rtneural: memory: the file doesn't begin with {");
    CHECK(refused("  []") == "load_rtneural: memory: the file doesn't begin with {");
    CHECK(refused("{\"a\": nan}") == "load_rtneural: memory: the file isn't JSON: byte 8 is wrong");
    CHECK(refused("{\"a\": 1, \"a\": 2}") == "load_rtneural: memory: \"a\" is twice in the file");
    CHECK(refused("{\"a\": " + std::string(16, '[')) == "load_rtneural: memory: the file is nested too deeply");
    CHECK(refused("{}") == "load_rtneural: memory: has no \"in_shape\"");
    CHECK(
        refused(R"({"in_shape": 1})") ==
        "load_rtneural: memory: in_shape is 1, expected an array of at most 3, which ends with the number of features");
    CHECK(refused(R"({"in_shape": [null, 4, 4, 1]})") == "load_rtneural: memory: in_shape is an array of 4, expected "
                                                         "an array of at most 3, which ends with the number of "
                                                         "features");
    CHECK(refused(R"({"in_shape": [null, null, 0.5]})") ==
          "load_rtneural: memory: in_shape's last number is 0.5, expected a whole number from 1 to 1000000");
    CHECK(refused(R"({"in_shape": [null, 1]})") == "load_rtneural: memory: has no \"layers\"");
    CHECK(refused(R"({"in_shape": [null, 1], "layers": {}})") ==
          "load_rtneural: memory: layers is an object, expected an array");
    CHECK(refused(model_text("")) == "load_rtneural: memory: layers is empty, expected at least one layer");
    CHECK(test::error<std::runtime_error>([] { detail::rtneural::read("load_rtneural", "no_such.json", 1); }) ==
          "load_rtneural: no_such.json: can't be opened: No such file or directory");
}

TEST_CASE("RTNeural file: a layer is refused by its number and type") {
    CHECK(refused(model_text("7")) == "load_rtneural: memory: layer 0 is 7, expected an object");
    CHECK(refused(model_text("{}")) == "load_rtneural: memory: layer 0: has no \"type\"");
    CHECK(refused(model_text(R"({"type": 3})")) == "load_rtneural: memory: layer 0: type is 3, expected a text");
    CHECK(
        refused(model_text(R"({"type": "conv2d"})")) ==
        "load_rtneural: memory: layer 0 (conv2d): this type can't be loaded, but dense, lstm, gru, conv1d, batchnorm, "
        "prelu, activation and time-distributed-dense can");
    CHECK(refused(model_text(R"({"type": "dense"})")) == "load_rtneural: memory: layer 0 (dense): has no \"shape\"");
    CHECK(refused(model_text(R"({"type": "dense", "shape": [null, 1]})")) ==
          "load_rtneural: memory: layer 0 (dense): has no \"weights\"");
    CHECK(refused(model_text(R"({"type": "dense", "shape": [null, 1], "weights": [[[1], [2]]]}, {"type": "dense"})")) ==
          "load_rtneural: memory: layer 1 (dense): has no \"shape\"");
    CHECK(refused_layer("dense", "", R"(, "activation": "gelu")") ==
          "load_rtneural: memory: layer 0 (dense): activation \"gelu\" can't be loaded, but tanh, relu, sigmoid, "
          "softmax, elu can");
    CHECK(refused_layer("lstm", "", R"(, "activation": "relu")") ==
          "load_rtneural: memory: layer 0 (lstm): activation is \"relu\", expected \"tanh\" or \"\", which mean the "
          "same: RTNeural knows no other here");
    CHECK(refused_layer("batchnorm", "", R"(, "activation": "relu")") ==
          "load_rtneural: memory: layer 0 (batchnorm): activation is \"relu\", expected \"\": this type has none");
    CHECK(refused_layer("activation", "", R"(, "activation": "tanh")") ==
          "load_rtneural: memory: layer 0 (activation): shape says 1 features, expected 2, as many as it is given");
}

TEST_CASE("RTNeural file: weights of another shape are refused before memory is taken for them") {
    const std::string where = "load_rtneural: memory: layer 0 ";
    CHECK(refused_layer("dense", "") == where + "(dense): has 0 arrays of weights, expected 2, or 1 without a bias");
    CHECK(refused_layer("dense", "1, 2") ==
          where +
              "(dense): the kernel is 1, expected an array of arrays of numbers, 2 x 1; correct shape or the weights");
    CHECK(refused_layer("dense", "[[1]], [0]") ==
          where + "(dense): the kernel is 1 x 1, expected 2 x 1; correct shape or the weights");
    CHECK(refused_layer("dense", "[[1], []], [0]") ==
          where + "(dense): the kernel has an array of 0 as row 1, expected an array of 1");
    CHECK(refused_layer("dense", "[[1], [null]], [0]") ==
          where + "(dense): the kernel has null as number 0, expected a number");
    CHECK(refused_layer("dense", "[[1], [1e300]], [0]") ==
          where +
              "(dense): the kernel has 1e+300 as number 0, expected at most 3.4028234663852886e+38, which the model's "
              "numbers can hold");
    CHECK(refused_layer("dense", "[[1], [2]], [0, 0]") ==
          where + "(dense): the bias is an array of 2, expected an array of 1");
    CHECK(refused_layer("lstm", "[], []") == where + "(lstm): has 2 arrays of weights, expected 3");
    CHECK(refused_layer("lstm", "[[1, 2], [1, 2]], [], []") ==
          where + "(lstm): the kernel is 2 x 2, expected 2 x 4 for 2 inputs and 1 unit; correct shape or the weights");
    CHECK(refused_layer("gru", "[[1, 2, 3], [1, 2, 3]], [[1, 2]], []") ==
          where + "(gru): the recurrent kernel is 1 x 2, expected 1 x 3 for 2 inputs and 1 unit; correct shape or the "
                  "weights");
    CHECK(refused_layer("gru", "[[1, 2, 3], [1, 2, 3]], [[1, 2, 3]], [1, 2, 3]") ==
          where + "(gru): the bias has one row, expected 2: it is of Keras' reset_after=False, which RTNeural doesn't "
                  "know");
    CHECK(refused_layer("gru", "[[1, 2, 3], [1, 2, 3]], [[1, 2, 3]], [[1, 2, 3]]") ==
          where + "(gru): the bias is 1 x 3, expected 2 x 3");
    // A million rows and columns, of which one row is there.
    CHECK(refused(
              R"({"in_shape": [1, 1000000], "layers": [{"type": "dense", "shape": [1000000], "weights": [[[1]]]}]})") ==
          where + "(dense): the kernel is 1 x 1, expected 1000000 x 1000000; correct shape or the weights");
}

TEST_CASE("RTNeural file: a conv1d says its kernel, dilation and groups") {
    const std::string where = "load_rtneural: memory: layer 0 (conv1d): ";
    CHECK(refused_layer("conv1d", "[], []") == where + "has no \"kernel_size\"");
    CHECK(refused_layer("conv1d", "", R"(, "kernel_size": [2])") == where + "has no \"dilation\"");
    CHECK(refused_layer("conv1d", "", R"(, "kernel_size": [2, 2])") ==
          where + "kernel_size is an array of 2, expected a whole number from 1 to 1000000");
    CHECK(refused_layer("conv1d", "", R"(, "kernel_size": [2], "dilation": 2000000)") ==
          where + "dilation is 2000000, expected a whole number from 1 to 1048576");
    const std::string sizes = R"(, "kernel_size": [2], "dilation": [1])";
    CHECK(refused_layer("conv1d", "", sizes + R"(, "groups": 100)") ==
          where + "groups is 100, expected a whole number from 1 to 64");
    CHECK(refused_layer("conv1d", "", sizes + R"(, "groups": 2)") ==
          where + "groups is 2, which doesn't divide 2 input and 1 output features");
    CHECK(refused_layer("conv1d", "", sizes + R"(, "strides": [2])") ==
          where + "strides isn't 1, so it gives fewer steps than it is given, which RTNeural doesn't");
    CHECK(refused_layer("conv1d", "[[[1], [2]]], [0]", sizes) ==
          where + "the kernel is an array of 1, expected an array of 2, as kernel_size says");
    CHECK(refused_layer("conv1d", "[[[1], [2]], [[1]]], [0]", sizes) ==
          where + "step 1 of the kernel is 1 x 1, expected 2 x 1");
}

TEST_CASE("RTNeural file: a batchnorm and a prelu have as many numbers as features") {
    const std::string where = "load_rtneural: memory: layer 0 ";
    CHECK(refused_layer("batchnorm", "", "", 2) == where + "(batchnorm): has no \"epsilon\"");
    CHECK(refused_layer("batchnorm", "", R"(, "epsilon": -1)", 2) ==
          where + "(batchnorm): epsilon is -1, expected a number from 0 to 1e6");
    CHECK(refused_layer("batchnorm", "[1, 1], [1, 1], [1, 1]", R"(, "epsilon": 1)", 2) ==
          where +
              "(batchnorm): has 3 arrays of weights, expected 4 (gamma, beta, mean, variance) or 2 (mean, variance)");
    CHECK(refused_layer("batchnorm", "[1, 1], [1]", R"(, "epsilon": 1)", 2) ==
          where + "(batchnorm): the variance is an array of 1, expected an array of 2");
    CHECK(refused_layer("batchnorm", "[1, 1], [1, -1]", R"(, "epsilon": 1)", 2) ==
          where + "(batchnorm): variance + epsilon is 0 for a feature, expected more than 0");
    CHECK(refused_layer("prelu", "", "", 2) == where + "(prelu): has 0 arrays of weights, expected 1");
    CHECK(refused_layer("prelu", "[[1, 2, 3]]", "", 2) ==
          where + "(prelu): the array of slopes is an array of 3, expected an array of 2");
    CHECK(refused_layer("prelu", "[[0.5, 0.25], [0.5, 0.25]]", "", 2) ==
          where + "(prelu): the array of slopes has an array of 2 as number 0, expected a number");
}

TEST_CASE("RTNeural file: what AIDA-X reads beside the layers is checked, too") {
    const auto with = [](const std::string& more, int size = 1) {
        return refused(model_text(size == 1 ? R"({"type": "dense", "shape": [null, 1], "weights": [[[1], [2]]]})"
                                            : R"({"type": "activation", "shape": [null, 2], "weights": []})",
                                  more));
    };
    CHECK(with("").empty());
    CHECK(with(R"(, "in_skip": 2)") == "load_rtneural: memory: in_skip is 2, expected a whole number from 0 to 1");
    CHECK(with(R"(, "in_skip": 1)", 2) ==
          "load_rtneural: memory: in_skip is 1 and the last layer gives 2 features, expected 1, to which the signal is "
          "added");
    CHECK(with(R"(, "in_gain": "3")") == "load_rtneural: memory: in_gain is \"3\", expected a number");
    CHECK(with(R"(, "out_gain": 1e9)") ==
          "load_rtneural: memory: out_gain is 1000000000, expected from -200 to 200 dB");
    CHECK(
        with(R"(, "samplerate": "48k")") ==
        "load_rtneural: memory: samplerate is \"48k\", expected a sample rate in Hz, more than 0 and at most 10000000");
    CHECK(with(R"(, "metadata": [])") == "load_rtneural: memory: metadata is an array of 0, expected an object");
    CHECK(refused(R"({"in_shape": [1, 4], "layers": [{"type": "activation", "shape": [1, 4], "weights": []}],
                      "in_gain": 1})") == "load_rtneural: memory: in_gain is 1 dB for a model of 4 inputs, expected at "
                                          "most 3: the signal and two knobs");
}
