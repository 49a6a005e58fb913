// What a GuitarML file is refused for; no layers are compiled here.
#include "carousel/io/guitarml/description.hpp"
#include "catch.hpp"
#include "io/folder.hpp"

#include <limits>

namespace {

using namespace carousel;

detail::guitarml::Description read(const std::string& text, std::optional<bool> skip = std::nullopt) {
    return detail::guitarml::read("load_guitarml", std::as_bytes(std::span(text)), std::numeric_limits<float>::max(),
                                  skip);
}
std::string refused(const std::string& text, std::optional<bool> skip = std::nullopt) {
    return test::error<std::runtime_error>([&] { read(text, skip); });
}

std::string model_text(const std::string& model_data, const std::string& state_dict, const std::string& more = "") {
    return R"({"model_data": {)" + model_data + R"(}, "state_dict": {)" + state_dict + "}" + more + "}";
}

const std::string sizes = R"("unit_type": "RNN", "input_size": 1, "hidden_size": 1)";
const std::string rnn =
    R"("rec.weight_ih_l0": [[1]], "rec.weight_hh_l0": [[2]], "rec.bias_ih_l0": [3], "rec.bias_hh_l0": [4])";
const std::string linear = R"("lin.weight": [[5]], "lin.bias": [6])";

} // namespace

TEST_CASE("GuitarML file: model_data says the layers, with one layer and one output where it doesn't") {
    const auto description = read(model_text(sizes, rnn + ", " + linear));
    CHECK(description.unit == "RNN");
    CHECK(description.layers.size() == 1);
    CHECK(description.output == 1);
    CHECK(!description.skip);
    CHECK(read(model_text(sizes + R"(, "skip": 1)", rnn + ", " + linear)).skip);
    CHECK(!read(model_text(sizes + R"(, "skip": 1)", rnn + ", " + linear), false).skip);
    CHECK(read(model_text(sizes, rnn + ", " + linear), true).skip);
    const std::string without = R"("lin.weight": [[5]])";
    CHECK(read(model_text(sizes + R"(, "bias_fl": false)", rnn + ", " + without)).b(0, 0) == 0);
}

TEST_CASE("GuitarML file: what stands beside model_data is metadata") {
    CHECK(read(model_text(sizes, rnn + ", " + linear, R"(, "name": "TS9", "samplerate": "44100")")).metadata ==
          Metadata{{"name", "TS9"}, {"sample_rate", "44100"}});
}

TEST_CASE("GuitarML file: what can't be loaded is refused by name") {
    const std::string where = "load_guitarml: memory: ", both = rnn + ", " + linear;
    CHECK(refused("{}") == where + "has no \"model_data\"");
    CHECK(refused(R"({"model_data": {}})") == where + "has no \"state_dict\"");
    CHECK(refused(R"({"model_data": 1})") == where + "model_data is 1, expected an object");
    CHECK(refused(model_text(R"("model": "RecNet")", "")) ==
          where + "model_data: model is \"RecNet\", expected \"SimpleRNN\": no other can be loaded");
    CHECK(refused(model_text("", "")) == where + "model_data: has no \"unit_type\"");
    CHECK(refused(model_text(R"("unit_type": "TCN")", "")) ==
          where + "model_data: unit_type is \"TCN\", expected \"LSTM\", \"GRU\" or \"RNN\"");
    CHECK(refused(model_text(R"("unit_type": "GRU", "input_size": 1, "hidden_size": 0)", "")) ==
          where + "model_data: hidden_size is 0, expected a whole number from 1 to 1000000");
    CHECK(refused(model_text(sizes + R"(, "num_layers": 2)", both)) ==
          where + "state_dict: has no \"rec.weight_ih_l1\"");
    CHECK(refused(model_text(sizes + R"(, "skip": 2)", both)) ==
          where + "model_data: skip is 2, expected 0 or 1, as many as output_size");
    CHECK(
        refused(model_text(sizes + R"(, "output_size": 2)", both), true) ==
        where +
            "model_data: output_size is 2 and input_size 1; with skip it can't be more, for the input is added to the "
            "output");
    CHECK(refused(model_text(R"("unit_type": "LSTM", "input_size": 1, "hidden_size": 1)", both)) ==
          where + "state_dict: rec.weight_ih_l0 is 1 x 1, expected 4 x 1");
    CHECK(refused(model_text(sizes, rnn)) == where + "state_dict: has no \"lin.weight\"");
    CHECK(refused(model_text(sizes, rnn + R"(, "lin.weight": [[5]])")) == where + "state_dict: has no \"lin.bias\"");
    CHECK(refused(model_text(sizes, both + R"(, "rec.bias_hh_l1": [1])")) ==
          where + "state_dict: \"rec.bias_hh_l1\" is none of the model's: 1 layer of unit_type RNN and lin; correct "
                  "model_data, or take it out");
}
