#include "carousel/io/nam.hpp"
#include "catch.hpp"
#include "formats/support/loaded_model.hpp"
#include "formats/support/npy.hpp"
#include "formats/trained_on.hpp"
#include "io/folder.hpp"

namespace {

using namespace carousel;
using namespace carousel::test;

/// Two layers of one unit, whose weights differ, with this state in the second: W|U by rows, b, h, c of each; head, bias.
std::string model_text(const std::string& h_and_c, const std::string& more = "") {
    return R"({"architecture": "LSTM", "config": {"input_size": 1, "hidden_size": 1, "num_layers": 2}, "weights": [
        0.1, 0.5, 0.2, 0.6, 0.3, 0.7, 0.4, 0.8,  -0.1, -0.2, -0.3, -0.4,  0.25, -0.5,
        0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4,  0.4, 0.3, 0.2, 0.1, )" +
           h_and_c + ", 2, 0.5]" + more + "}";
}

double sigmoid(double x) {
    return 1 / (1 + std::exp(-x));
}

struct Unit {
    double h, c;
    void step(double x, const double (&W)[4], const double (&U)[4], const double (&b)[4]) {
        double a[4];
        for (int k = 0; k < 4; ++k)
            a[k] = W[k] * x + U[k] * h + b[k];
        c = sigmoid(a[1]) * c + sigmoid(a[0]) * std::tanh(a[2]);
        h = sigmoid(a[3]) * std::tanh(c);
    }
};

/// What model_text computes.
struct Expected {
    Unit first{0.25, -0.5}, second{0.75, 121};
    double operator()(double x) {
        first.step(x, {0.1, 0.2, 0.3, 0.4}, {0.5, 0.6, 0.7, 0.8}, {-0.1, -0.2, -0.3, -0.4});
        second.step(first.h, {0.9, 0.8, 0.7, 0.6}, {0.1, 0.2, 0.3, 0.4}, {0.4, 0.3, 0.2, 0.1});
        return 2 * second.h + 0.5;
    }
};

} // namespace

TEST_CASE("NAM: an LSTM has gates i f g o, W beside U and one bias, and begins with the state in the file") {
    const std::string text = model_text("0.75, 121");
    const auto file = load_nam<double>(bytes(text));
    REQUIRE(file.state.size() == 2);
    CHECK(file.state[0] == (Matrix<double>(2, 1) << 0.25, -0.5).finished());
    CHECK(file.state[1] == (Matrix<double>(2, 1) << 0.75, 121).finished());

    const Matrix<double> x = (Matrix<double>(1, 3) << 1, -2, 0.5).finished();
    const auto y = run(file, x), z = streamed(file, x);
    Expected expected;
    for (Index t = 0; t < x.cols(); ++t) {
        const double value = expected(x(t));
        CHECK(y(0, t) == Catch::Approx(value).epsilon(1e-13));
        CHECK(z(0, t) == Catch::Approx(value).epsilon(1e-13));
    }
}

TEST_CASE("NAM: prewarming is half a second of silence in whole blocks, or one block without a sample rate") {
    const auto state_after = [](const std::string& more, Index block) {
        const std::string text = model_text("0.75, 121", more);
        return load_nam<double>(bytes(text), {.prewarm = true, .block = block}).state;
    };
    const auto expected_after = [](int steps) {
        Expected expected;
        for (int t = 0; t < steps; ++t)
            expected(0);
        return typename Model<double>::State{(Matrix<double>(2, 1) << expected.first.h, expected.first.c).finished(),
                                             (Matrix<double>(2, 1) << expected.second.h, expected.second.c).finished()};
    };
    const auto close = [](const auto& a, const auto& b) {
        return a.size() == 2 && difference(a[0], b[0]) < 1e-13 && difference(a[1], b[1]) < 1e-13;
    };
    CHECK(close(state_after(R"(, "sample_rate": 20)", 4), expected_after(12)));
    CHECK(close(state_after(R"(, "sample_rate": 20)", 5), expected_after(10)));
    CHECK(close(state_after(R"(, "sample_rate": 1)", 3), expected_after(3)));
    CHECK(close(state_after("", 7), expected_after(7)));
}

TEST_CASE("NAM: a block has at least one sample and no more than a million") {
    const std::string text = model_text("0, 0");
    for (const auto& [block, number] : {std::pair(Index(0), "0"), std::pair(Index(1) << 21, "2097152")})
        CHECK(error<std::invalid_argument>([&, block = block] {
                  load_nam<double>(bytes(text), {.prewarm = true, .block = block});
              }) == std::string("load_nam: block is ") + number + ", expected 1 <= block <= 1048576");
}

TEST_CASE("NAM: what was loaded is saved, and loaded again to the last bit") {
    const std::string text = model_text("0.75, 121", R"(, "sample_rate": 44100, "version": "0.5.1",
                                   "metadata": {"name": "5150", "loudness": -11.5, "date": {"year":2024}})");
    const Folder folder;
    const auto check = [&]<class S>(S) {
        const auto file = load_nam<S>(bytes(text));
        save_nam(folder / "a.nam", file);
        const auto again = load_nam<S>(folder / "a.nam");
        CHECK(again.metadata == file.metadata);
        CHECK(again.state == file.state);
        const Matrix<S> x = Matrix<S>::Random(1, 20);
        CHECK(run(again, x) == run(file, x));
        save_nam(folder / "b.nam", again);
        CHECK(content(folder / "b.nam") == content(folder / "a.nam"));
    };
    check(float());
    check(double());
}

TEST_CASE("NAM: nets train on, and are saved and loaded again to the last bit") {
    const std::string text = model_text("0.75, 1.5", R"(, "sample_rate": 44100)");
    auto file = load_nam(bytes(text));
    file.model = trained_on(file);
    const Folder folder;
    save_nam(folder / "a.nam", file);
    const auto again = load_nam(folder / "a.nam");
    CHECK(again.state == file.state);
    save_nam(folder / "b.nam", again);
    CHECK(content(folder / "b.nam") == content(folder / "a.nam"));
}

TEST_CASE("NAM: a model of its own is saved with a zero state, and with channels if it has several") {
    const Folder folder;
    const Model<float> model{LSTM<float>{2, 3}, LSTM<float>{3, 3}, Dense<float>{3, 2}};
    save_nam(folder / "a.nam", model);
    const auto file = load_nam(folder / "a.nam");
    CHECK(file.metadata == Metadata{{"version", "0.5.4"}});
    CHECK(file.state == typename Model<float>::State{Matrix<float>::Zero(6, 1), Matrix<float>::Zero(6, 1)});
    const Matrix<float> x = Matrix<float>::Random(2, 20);
    CHECK(run(file, x) == run(ModelFile<float>{model}, x));
}

TEST_CASE("NAM: what its LSTM can't be isn't saved, and the message names the layer") {
    const Folder folder;
    const auto not_saved = [&](const Model<float>& model, const typename Model<float>::State& state = {},
                               const Metadata& metadata = {}) {
        return error<std::invalid_argument>([&] { save_nam(folder / "a.nam", model, metadata, state); });
    };
    const LSTM<float> lstm{1, 3};
    const Dense<float> dense{3, 1};
    CHECK(not_saved({}) == "save_nam: the model has 0 layers, expected one LSTM or more and a Dense");
    CHECK(not_saved(Model<float>{GRU<float>{1, 3}, dense}) ==
          "save_nam: layer 0 (GRU): NAM's LSTM has layers LSTM alone before the last, with sigmoid and tanh");
    CHECK(
        not_saved(Model<float>{LSTM<float, Dynamic, Dynamic, FastGates>{1, 3}, dense}) ==
        "save_nam: layer 0 (LSTM): NAM's LSTM has layers LSTM alone before the last, with sigmoid and tanh"
        "; its FastGates are carousel's own, save with_gates<StandardGates>(model), which differs by 2e-6 a function");
    CHECK(not_saved(Model<float>{lstm, LSTM<float>{3, 2}, Dense<float>{2, 1}}) ==
          "save_nam: layer 1 (LSTM): it has 2 units, expected 3 as the first");
    CHECK(not_saved(Model<float>{LSTM<float>{1, 3, {.peephole = true}}, dense}) ==
          "save_nam: layer 0 (LSTM): it has peepholes, which NAM's LSTM hasn't");
    CHECK(not_saved(Model<float>{LSTM<float>{1, 3, {.reverse = true}}, dense}) ==
          "save_nam: layer 0 (LSTM): it runs in reverse, which NAM's LSTM doesn't");
    CHECK(not_saved(Model<float>{LSTM<float>{1, 3, {.zoneout_cell = 0.1}}, dense}) ==
          "save_nam: layer 0 (LSTM): it has zoneout, which NAM's LSTM hasn't");
    CHECK(not_saved(Model<float>{lstm, LSTM<float>{3, 3}}) ==
          "save_nam: layer 1 (LSTM): the last layer of NAM's LSTM is a Dense");
    CHECK(not_saved(Model<float>{lstm, Dense<float>{3, 1, {.activation = Activation::tanh}}}) ==
          "save_nam: layer 1 (Dense): NAM's LSTM ends without an activation, not with tanh");
    CHECK(not_saved(Model<float>{lstm, dense}, {Matrix<float>::Zero(5, 1)}) ==
          "save_nam: layer 0 (LSTM): the state is 5 x 1, expected 6 x 1");
    CHECK(not_saved(Model<float>{lstm, dense}, {Matrix<float>(), Matrix<float>()}) ==
          "save_nam: the state has 2 matrices, expected 1, or none for zero");
    CHECK(not_saved(Model<float>{lstm, dense}, {}, {{"sample_rate", "unknown"}}) ==
          "save_nam: the metadata has the sample_rate \"unknown\", expected a sample rate in Hz, more than 0 and at "
          "most 10000000");
    CHECK(not_saved(Model<float>{lstm, dense}, {}, {{"sample_rate", "1e8"}}) ==
          "save_nam: the metadata has the sample_rate \"1e8\", expected a sample rate in Hz, more than 0 and at most "
          "10000000");
    CHECK(folder.files() == 0);
}

#ifdef CAROUSEL_CONFORMANCE_DATA

TEST_CASE(
    "NAM: models give NAM Core's outputs from the file's state and prewarmed, as a sequence and sample by sample") {
    const std::filesystem::path folder = CAROUSEL_CONFORMANCE_DATA "/models";
    const auto x = read_npy(folder / "input_4096.npy").sequence<float>();
    int models = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "nam")) {
        if (entry.path().extension() != ".nam")
            continue;
        INFO(entry.path().string());
        const auto reference = [&](const char* end) {
            return read_npy(std::filesystem::path(entry.path()).replace_extension(end)).sequence<float>();
        };
        CHECK(worst_error(load_nam(entry.path()), x, reference(".ref_file_state.npy")) < 1e-5);
        CHECK(worst_error(load_nam(entry.path(), {.prewarm = true}), x, reference(".ref_prewarmed.npy")) < 1e-5);
        ++models;
    }
    CHECK(models >= 2);
}

#endif
