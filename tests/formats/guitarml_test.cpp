#include "carousel/io/guitarml.hpp"
#include "catch.hpp"
#include "formats/support/loaded_model.hpp"
#include "formats/support/npy.hpp"
#include "formats/trained_on.hpp"

namespace {

using namespace carousel;
using namespace carousel::test;

/// One unit in each layer, so that a tensor's rows are its gates.
std::string model_text(const std::string& model_data, const std::string& recurrent) {
    return R"({"model_data": {"hidden_size": 1, )" + model_data + R"(}, "state_dict": {)" + recurrent +
           R"(, "lin.weight": [[2]], "lin.bias": [0.5]}})";
}

double sigmoid(double x) {
    return 1 / (1 + std::exp(-x));
}

const Matrix<double> x = (Matrix<double>(1, 3) << 1, -2, 0.5).finished();

} // namespace

TEST_CASE("GuitarML: an LSTM has PyTorch's gates i f g o and two biases") {
    const std::string text = model_text(R"("unit_type": "LSTM", "input_size": 1, "skip": 1)",
                                        R"("rec.weight_ih_l0": [[0.1], [0.2], [0.3], [0.4]],
                                           "rec.weight_hh_l0": [[0.5], [0.6], [0.7], [0.8]],
                                           "rec.bias_ih_l0": [-0.1, -0.2, -0.3, -0.4],
                                           "rec.bias_hh_l0": [1, 2, 3, 4])");
    const auto y = run(load_guitarml<double>(bytes(text)), x);
    double h = 0, c = 0;
    for (Index t = 0; t < x.cols(); ++t) {
        const double i = sigmoid(0.1 * x(t) + 0.5 * h + 0.9), f = sigmoid(0.2 * x(t) + 0.6 * h + 1.8),
                     g = std::tanh(0.3 * x(t) + 0.7 * h + 2.7), o = sigmoid(0.4 * x(t) + 0.8 * h + 3.6);
        c = f * c + i * g;
        h = o * std::tanh(c);
        CHECK(y(0, t) == Catch::Approx(2 * h + 0.5 + x(t)).epsilon(1e-13));
    }
}

TEST_CASE("GuitarML: a GRU has PyTorch's gates r z n, with two biases of the candidate") {
    const std::string text = model_text(R"("unit_type": "GRU", "input_size": 1, "skip": 0)",
                                        R"("rec.weight_ih_l0": [[0.1], [0.2], [0.3]],
                                           "rec.weight_hh_l0": [[0.5], [0.6], [0.7]],
                                           "rec.bias_ih_l0": [-0.1, -0.2, -0.3],
                                           "rec.bias_hh_l0": [1, 2, 3])");
    const auto y = run(load_guitarml<double>(bytes(text)), x),
               with_skip = run(load_guitarml<double>(bytes(text), {.skip = true}), x);
    double h = 0;
    for (Index t = 0; t < x.cols(); ++t) {
        const double r = sigmoid(0.1 * x(t) + 0.5 * h + 0.9), z = sigmoid(0.2 * x(t) + 0.6 * h + 1.8),
                     n = std::tanh(0.3 * x(t) - 0.3 + r * (0.7 * h + 3));
        h = (1 - z) * n + z * h;
        CHECK(y(0, t) == Catch::Approx(2 * h + 0.5).epsilon(1e-13));
        CHECK(with_skip(0, t) == Catch::Approx(2 * h + 0.5 + x(t)).epsilon(1e-13));
    }
}

TEST_CASE("GuitarML: a conditioned model has the signal before its knobs, and adds the signal alone") {
    const std::string text = model_text(R"("unit_type": "RNN", "input_size": 2, "num_layers": 2, "skip": 1)",
                                        R"("rec.weight_ih_l0": [[0.1, 0.2]], "rec.weight_hh_l0": [[0.5]],
                                           "rec.bias_ih_l0": [-0.1], "rec.bias_hh_l0": [0.3],
                                           "rec.weight_ih_l1": [[0.4]], "rec.weight_hh_l1": [[0.6]],
                                           "rec.bias_ih_l1": [0.7], "rec.bias_hh_l1": [0.8])");
    const Matrix<double> with_knob = (Matrix<double>(2, 2) << 1, -2, 0.25, 0.25).finished();
    const auto file = load_guitarml<double>(bytes(text));
    const auto y = run(file, with_knob);
    CHECK(difference(streamed(file, with_knob), y) < 1e-14);
    double h = 0, k = 0;
    for (Index t = 0; t < 2; ++t) {
        h = std::tanh(0.1 * with_knob(0, t) + 0.2 * 0.25 + 0.5 * h + 0.2);
        k = std::tanh(0.4 * h + 0.6 * k + 1.5);
        CHECK(y(0, t) == Catch::Approx(2 * k + 0.5 + with_knob(0, t)).epsilon(1e-13));
    }
}

TEST_CASE("GuitarML: nets train on, and are saved and loaded again to the last bit") {
    const std::string text = model_text(R"("unit_type": "GRU", "input_size": 1, "skip": 1)",
                                        R"("rec.weight_ih_l0": [[0.1], [0.2], [0.3]],
                                           "rec.weight_hh_l0": [[0.5], [0.6], [0.7]],
                                           "rec.bias_ih_l0": [-0.1, -0.2, -0.3],
                                           "rec.bias_hh_l0": [1, 2, 3])");
    trained_on(load_guitarml(bytes(text)));
}

#ifdef CAROUSEL_CONFORMANCE_DATA

TEST_CASE("GuitarML: models give their references, as a sequence and sample by sample") {
    const std::filesystem::path folder = CAROUSEL_CONFORMANCE_DATA "/models";
    int models = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "guitarml")) {
        const auto reference = std::filesystem::path(entry.path()).replace_extension(".ref.npy");
        if (entry.path().extension() != ".json" || !exists(reference))
            continue;
        INFO(entry.path().string());
        const auto file = load_guitarml(entry.path());
        const std::string input = file.model.input_size() == 2 ? "input_4096x2_cond0.5.npy" : "input_4096.npy";
        CHECK(worst_error(file, read_npy(folder / input).sequence<float>(), read_npy(reference).sequence<float>()) <
              1e-5);
        ++models;
    }
    CHECK(models >= 4);
}

#endif
