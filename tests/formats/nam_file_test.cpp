// What a .nam file says and is refused for; no layers are compiled here.
#include "carousel/io/nam/description.hpp"
#include "catch.hpp"
#include "io/folder.hpp"

#include <limits>

namespace {

using namespace carousel;

detail::nam::Description read(const std::string& text) {
    return detail::nam::read("load_nam", std::as_bytes(std::span(text)), std::numeric_limits<float>::max());
}
std::string refused(const std::string& text) {
    return test::error<std::runtime_error>([&] { read(text); });
}

std::string model_text(const std::string& config, const std::string& weights, const std::string& more = "") {
    return R"({"architecture": "LSTM", "config": {)" + config + R"(}, "weights": [)" + weights + "]" + more + "}";
}

const std::string sizes = R"("input_size": 1, "hidden_size": 1, "num_layers": 1)";
const std::string weights = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16"; // W|U by rows, b, h, c, head, bias

} // namespace

TEST_CASE("NAM file: weights are W and U row by row, b, h and c of each layer, then the head") {
    const auto description = read(model_text(sizes, weights));
    const auto column = [](std::initializer_list<double> numbers) {
        Matrix<double> m(static_cast<Index>(numbers.size()), 1);
        std::copy(numbers.begin(), numbers.end(), m.data());
        return m;
    };
    CHECK(description.layers[0].W == column({1, 3, 5, 7}));
    CHECK(description.layers[0].U == column({2, 4, 6, 8}));
    CHECK(description.layers[0].b == column({9, 10, 11, 12}));
    CHECK(description.layers[0].state == column({13, 14}));
    CHECK(description.W == column({15}));
    CHECK(description.b == column({16}));
}

TEST_CASE("NAM file: the metadata is kept as text, with the version and the sample rate") {
    const auto metadata = [](const std::string& more) { return read(model_text(sizes, weights, more)).metadata; };
    CHECK(metadata("").empty());
    CHECK(metadata(R"(, "sample_rate": null)").empty());
    CHECK(metadata(R"(, "sample_rate": -1)").empty());
    CHECK(metadata(R"(, "sample_rate": 44100.0, "version": "0.5.4",
                      "metadata": {"name": "5150", "loudness": -11.5, "date": {"year": 2024}, "modeled_by": null})") ==
          Metadata{{"sample_rate", "44100"},
                   {"version", "0.5.4"},
                   {"name", "5150"},
                   {"loudness", "-11.5"},
                   {"date", R"({"year":2024})"}});
    CHECK(read(model_text(sizes, weights, R"(, "sample_rate": 44100)")).sample_rate == 44100);
    const auto least = read(model_text(sizes, weights, R"(, "sample_rate": 1e-310)"));
    CHECK((least.sample_rate == 1e-310 && least.metadata.at("sample_rate") == "1e-310"));
}

TEST_CASE("NAM file: what can't be loaded is refused by name") {
    const std::string where = "load_nam: memory: ";
    CHECK(refused("{}") == where + "has no \"architecture\"");
    CHECK(refused(R"({"architecture": "WaveNet"})") ==
          where + "architecture \"WaveNet\" can't be loaded, expected \"LSTM\", the only one that is recurrent");
    CHECK(refused(R"({"architecture": "LSTM"})") == where + "has no \"config\"");
    CHECK(refused(R"({"architecture": "LSTM", "config": {}})") == where + "config: has no \"num_layers\"");
    CHECK(refused(model_text(R"("num_layers": 0)", "")) ==
          where + "config: num_layers is 0, expected a whole number from 1 to 1000000");
    CHECK(refused(model_text(sizes + R"(, "in_channels": 2)", "")) ==
          where + "config: in_channels is 2, expected 1, as input_size says");
    CHECK(refused(model_text(sizes, "1, 2")) ==
          where + "weights has 2 numbers, expected 16 for 1 layer of 1 unit, 1 input and 1 output");
    CHECK(refused(model_text(sizes + R"(, "out_channels": 2)", weights)) ==
          where + "weights has 16 numbers, expected 18 for 1 layer of 1 unit, 1 input and 2 outputs");
    CHECK(refused(model_text(R"("input_size": 1000000, "hidden_size": 1000000, "num_layers": 1000000)", "1")) ==
          where +
              "weights has 1 numbers, expected 8.000006000001e+18 for 1000000 layers of 1000000 units, 1000000 inputs "
              "and 1 output");
    CHECK(refused(model_text(sizes, R"("1")" + weights.substr(1))) ==
          where + "weights has \"1\" as number 0, expected a number");
    CHECK(refused(model_text(sizes, weights, R"(, "sample_rate": 0)")) ==
          where + "sample_rate is 0, expected a sample rate in Hz, more than 0 and at most 10000000");
}
