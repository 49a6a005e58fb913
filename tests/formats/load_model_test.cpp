#include "catch.hpp"
#include "io/folder.hpp"
#include "support.hpp"

#include <carousel/decode/beam_search.hpp>
#include <carousel/decode/generate.hpp>
#include <carousel/decode/scheduled_sampling.hpp>
#include <carousel/io/load_model.hpp>
#include <carousel/io/safetensors.hpp>
#include <carousel/model/with_gates.hpp>
#include <carousel/stream/stream.hpp>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

/// A layer of every kind and with every option that files say.
std::vector<Model<float>> every_layer() {
    const ChosenGates gates{Activation::hard_sigmoid(), Activation::softsign, Activation::elu(0.5)};
    std::vector<Model<float>> models;
    models.push_back(Model<float>{Embedding<float>{7, 3, {.padding = 2}}, SimpleRNN<float>{3, 4, {Activation::relu}},
                                  LSTM<float>{4, 3, {.peephole = true}, {.reverse = true, .zoneout = 0.1}},
                                  CoupledLSTM<float>{3, 2, {}, {.recurrent_dropout = 0.2}}, LastStep{},
                                  Dense<float>{2, 1, {.activation = Activation::tanh}}});
    models.push_back(Model<float>{Conv1D<float>{2, 4, 3, {.dilation = 2, .activation = Activation::leaky_relu(0.3)}},
                                  Bidirectional{GRU<float>{4, 3}}, Bidirectional{LSTM<float>{6, 2}, Merge::sum},
                                  BothEnds{}, Dropout{0.25}});
    models.push_back(Model<float>{GRU<float, Dynamic, Dynamic, Reset::before>{2, 4}, Gain{0.5},
                                  Residual{Model<float>{Dense<float>{4, 4}, Activate{Activation::relu.clipped(6)}}},
                                  Residual{Dense<float>{4, 2}}, Softmax{}});
    models.push_back(Model<float>{LSTM<float, Dynamic, Dynamic, ChosenGates>{2, 3, {false, gates}},
                                  CoupledLSTM<float, Dynamic, Dynamic, ChosenGates>{3, 3, {true, gates}},
                                  GRU<float, Dynamic, Dynamic, Reset::after, ChosenGates>{3, 3, {gates}},
                                  GRU<float, Dynamic, Dynamic, Reset::before, ChosenGates>{3, 3, {gates}}});
    models.push_back(Model<float>{LSTM<float, Dynamic, Dynamic, FastGates>{2, 3, {.peephole = true}},
                                  CoupledLSTM<float, Dynamic, Dynamic, FastGates>{3, 3},
                                  Residual{Model<float>{GRU<float, Dynamic, Dynamic, Reset::after, FastGates>{3, 3}}},
                                  Bidirectional{GRU<float, Dynamic, Dynamic, Reset::before, FastGates>{3, 3}}});
    return models;
}

/// A layer of a user's: x times a factor. It has a setting of the name, and the value, that one of LSTM's has.
class Scale {
  public:
    using Scalar = float;
    using State = NoState;
    struct Tape {
        Sequence<float> y;
    };

    explicit Scale(Index times) : times_(times) {}
    SequenceView<float> forward(SequenceView<float> x, Tape& tape, NoState = {}) const {
        tape.y = Sequence<float>(x.values() * static_cast<float>(times_), x.batch());
        return tape.y;
    }
    SequenceView<float> infer(SequenceView<float> x, Tape& tape, NoState = {}) const { return forward(x, tape); }
    void final_state(const Tape&, NoState&) const {}
    SequenceView<float> backward(SequenceView<float>, Tape&, const BackwardOptions<NoState>&) { return {}; }
    void each_parameter(auto&&) const {}
    void each_option(auto&& f) const {
        f("times", times_);
        f("gate", "sigmoid");
    }
    void initialize(Random&) {}
    Index output_size(Index input) const { return input; }
    std::string name() const { return "Scale"; }

  private:
    Index times_;
};

LayerRegistry<float> registry_of_scale() {
    LayerRegistry<float> registry;
    registry.add("Scale", [](const LayerDescription& description, const LayerRegistry<float>&) {
        LayerValues values(description);
        const Scale layer{values.size("times")};
        require(values.get<std::string>("gate", "") == "sigmoid", "Scale", "its gate is another");
        values.finish();
        return AnyLayer<float>(layer);
    });
    return registry;
}

/// The bytes of a file with these weights, whose metadata says this of the architecture.
std::string file_saying(const std::string& architecture) {
    const Folder folder;
    const auto path = folder / "file.safetensors";
    Metadata metadata;
    if (!architecture.empty())
        metadata["carousel.architecture"] = architecture;
    write_safetensors(path, {NamedTensor("0.Dense.W", Matrix<float>(1, 2)), NamedTensor("0.Dense.b", Vector<float>(1))},
                      metadata);
    return content(path);
}

std::span<const std::byte> in_memory(const std::string& bytes) {
    return std::as_bytes(std::span(bytes));
}

std::string refusal(const std::string& architecture) {
    const std::string bytes = file_saying(architecture);
    return error<std::runtime_error>([&] { load_model<float>(in_memory(bytes)); });
}

} // namespace

TEST_CASE("load_model: a saved model comes back as it was, without code that knows its layers") {
    for (Model<float>& model : every_layer()) {
        const auto bytes = safetensors_bytes(model, {{"sample_rate", "48000"}});
        const auto [loaded, metadata, state] = load_model_file<float>(bytes);
        CHECK(describe(loaded) == describe(model));
        CHECK(safetensors_bytes(loaded, metadata) == bytes);
        CHECK(metadata == Metadata{{"sample_rate", "48000"}});
        CHECK(state.empty());
        const Sequence<float> x(Matrix<float>::Ones(model.input_size(), 6), 2);
        CHECK(loaded(x).values() == model(x).values());
    }
}

TEST_CASE("with_gates: FastGates differ by little and can be changed back; other functions stay") {
    for (const Model<float>& model : every_layer()) {
        const Model<float> fast = with_gates<FastGates>(model), exact = with_gates<StandardGates>(fast);
        const Sequence<float> x(Matrix<float>::Ones(model.input_size(), 6), 2);
        CHECK((exact(x).values() - fast(x).values()).cwiseAbs().maxCoeff() < 2e-5F);
        CHECK(describe(with_gates<FastGates>(exact)) == describe(fast));
        CHECK(safetensors_bytes(with_gates<FastGates>(exact)) == safetensors_bytes(fast));
    }
    const Model<float> exact{LSTM<float>{1, 2}, Dense<float>{2, 1}}, fast = with_gates<FastGates>(exact);
    CHECK(fast.layer(0).target<LSTM<float, Dynamic, Dynamic, FastGates>>());
    Model<float> other = exact;
    CHECK(error<std::runtime_error>([&] { load_safetensors(safetensors_bytes(fast), other); }).find("fast_tanh") !=
          std::string::npos);
}

TEST_CASE("with_gates: a setting of the same name of a layer of the program's own stays") {
    const Model<float> model{Dense<float>{2, 1}, Scale{3}};
    CHECK(describe(with_gates<FastGates>(model, registry_of_scale())) == describe(model));
    CHECK_FALSE(detail::has_fast_gates({"Scale", {{"gate", "fast_sigmoid"}}}));
    CHECK(detail::has_fast_gates({"GRU", {{"gate", "fast_sigmoid"}}}));
}

TEST_CASE("load_model: a Sequential of compile-time sizes and a layer alone come back as models") {
    const Sequential known{LSTM<float, 1, 4>{}, Dense<float, 4, 1>{}};
    const auto model = load_model<float>(safetensors_bytes(known));
    const Sequence<float> x(Matrix<float>::Ones(1, 5));
    CHECK(model(x).values() == known(x).values());
    const Dense<float> dense{3, 2};
    const auto alone = load_model<float>(safetensors_bytes(dense));
    REQUIRE(alone.size() == 1);
    CHECK(alone.layer(0).target<Dense<float>>()->W().value == dense.W().value);
}

TEST_CASE("load_model: an EncoderDecoder comes back, and answers as the one that was saved") {
    const auto check = [](const auto& pair) {
        const auto bytes = safetensors_bytes(pair);
        const auto model = load_model<float>(bytes);
        REQUIRE(model.size() == 1);
        CHECK(safetensors_bytes(model.layer(0)) == bytes);
        const auto* const loaded = model.layer(0).template target<AnyEncoderDecoder<float>>();
        REQUIRE(loaded);
        CHECK((loaded->options().encoder_steps == 3 && loaded->options().padding == pair.options().padding));
        Random random(7);
        Sequence<float> questions(1, 3, 4), x(1, 5, 4);
        for (Index k = 0; k < 12; ++k)
            questions.data()[k] = static_cast<float>(random.below(6));
        std::copy_n(questions.data(), 12, x.data());
        typename std::remove_cvref_t<decltype(pair)>::Tape tape;
        CHECK(model(x).values() == pair.infer(x, tape).values());
        const auto answers = generate(loaded->decoder(), loaded->read(questions), 1, 5, greedy);
        CHECK(answers.values() == generate(pair.decoder(), pair.read(questions), 1, 5, greedy).values());
        const BeamSearchOptions search{.steps = 4, .width = 3};
        const auto found = beam_search(loaded->decoder(), loaded->read(questions), 1, search);
        CHECK(found[0][0].tokens == beam_search(pair.decoder(), pair.read(questions), 1, search)[0][0].tokens);
    };
    const Sequential encoder{Embedding<float>{6, 3}, Bidirectional{GRU<float>{3, 2}}, GRU<float>{4, 4}};
    const auto decoder = [](AttentionScore score) {
        return Sequential{Embedding<float>{6, 3}, GRU<float>{3, 4}, Attention<float>{4, 4, {.score = score}},
                          Dense<float>{8, 6}};
    };
    check(EncoderDecoder{encoder, decoder(AttentionScore::additive), {.encoder_steps = 3, .padding = 0}});
    check(EncoderDecoder{encoder, decoder(AttentionScore::general), {.encoder_steps = 3}});
    check(EncoderDecoder{Sequential{Embedding<float>{6, 3}, GRU<float>{3, 4}},
                         Sequential{Embedding<float>{6, 3}, GRU<float>{3, 4}, Dense<float>{4, 6}},
                         {.encoder_steps = 3, .padding = -1}});
    // A ScheduledSampling is saved as the net in whose place it stands.
    const EncoderDecoder taught{encoder, decoder(AttentionScore::dot), {.encoder_steps = 3}};
    const ScheduledSampling hears_itself{taught.decoder(), {.fed = FedBack::greedy_tokens}};
    CHECK(safetensors_bytes(EncoderDecoder{encoder, hears_itself, {.encoder_steps = 3}}) == safetensors_bytes(taught));

    const LayerRegistry<float> registry;
    LayerDescription description = describe(taught);
    description.layers.pop_back();
    REQUIRE_THROWS_WITH(registry.make(description), "EncoderDecoder: there are 1 layers inside, expected 2");
    description = describe(taught);
    description.values[0].second = Index(0);
    REQUIRE_THROWS_WITH(registry.make(description), "EncoderDecoder: \"encoder_steps\" is 0, expected 1 to 2147483648");
}

TEST_CASE("load_model: a layer of the program's own is made as the registry says") {
    Model<float> model{Dense<float>{2, 1}, Scale{3}};
    const auto bytes = safetensors_bytes(model);
    CHECK(error<std::runtime_error>([&] { load_model<float>(bytes); }) ==
          "load_model: memory: LayerRegistry: layer 1 (Scale): no layer has the type \"Scale\"; add() says how it is "
          "made");
    const Sequence<float> x(Matrix<float>::Ones(2, 1));
    CHECK(load_model<float>(bytes, registry_of_scale())(x).values() == model(x).values());
}

TEST_CASE("load_model: a file that doesn't say what its layers are, or says it wrongly, is refused") {
    const std::string begin = R"({"version":1,"model":{"type":"Sequential","layers":[)", end = "]}}";
    CHECK(refusal(begin + R"({"type":"Dense","input_size":2,"output_size":1})" + end).empty());
    CHECK(refusal("") ==
          "load_model: memory: the metadata has no \"carousel.architecture\", which says what the layers "
          "are; build the model and call load_safetensors");
    CHECK(refusal(R"({"version":2,"model":{"type":"Sequential"}})") ==
          "load_model: memory: carousel.architecture is of version 2, expected 1; load it with a newer version of this "
          "library");
    CHECK(refusal(R"({"version":1})") == "load_model: memory: carousel.architecture has no \"model\"");
    CHECK(refusal(R"({"version":1,"model":[]})") ==
          "load_model: memory: carousel.architecture: what is called \"model\" can't be read");
    const auto of_layer = [&](const std::string& layer) { return refusal(begin + layer + end); };
    const std::string where = "load_model: memory: LayerRegistry: layer 0 ";
    CHECK(of_layer(R"({"type":"Dense","input_size":2})") == where + "(Dense): \"output_size\" is missing");
    CHECK(of_layer(R"({"type":"Dense","input_size":2,"output_size":"1"})") ==
          where + "(Dense): \"output_size\" is a text, expected a whole number");
    CHECK(of_layer(R"({"type":"Dense","input_size":2,"output_size":0})") ==
          where + "(Dense): \"output_size\" is 0, expected 1 to 2147483648");
    CHECK(of_layer(R"({"type":"Dense","input_size":2,"output_size":1,"bias":false})") ==
          where + "(Dense): \"bias\" is unknown to this version; load it with a newer one");
    CHECK(of_layer(R"({"type":"Dense","input_size":2,"output_size":1,"activation":"soft"})") ==
          where + "(Dense): \"activation\" is \"soft\", expected a function such as \"tanh\"");
    CHECK(of_layer(R"({"type":"LSTM","input_size":2000000,"hidden_size":2000000})") ==
          where + "(LSTM): more parameters were described than the file has numbers");
    CHECK(of_layer(R"({"type":"Dense","input_size":3,"output_size":1})") ==
          "load_model: memory: \"0.Dense.W\" is 1 × 2, expected 1 × 3");
    CHECK(of_layer(R"({"type":"Dense","type":"Dense"})") ==
          "load_model: memory: carousel.architecture: what is called \"type\" can't be read");
    CHECK(of_layer(R"({"type":"Gain","factor":1,"factor":1})") ==
          "load_model: memory: \"factor\" is twice in carousel.architecture");
    CHECK(
        of_layer(R"({"type":"LSTM","input_size":1,"hidden_size":1,"cell":"GRU"})") ==
        where +
            "(LSTM): a recurrent layer of type \"LSTM\" has the cell \"GRU\", expected both to be a recurrent layer of "
            "the library");
    CHECK(
        of_layer(R"({"type":"Bidirectional","merge":"sum","layers":[{"type":"Own","input_size":1,"hidden_size":1},)"
                 R"({"type":"GRU","input_size":1,"hidden_size":1,"reset":"after","reverse":true}]})") ==
        where +
            "(Bidirectional): a recurrent layer of type \"Own\" has the cell \"Own\", expected both to be a recurrent "
            "layer of the library");
    CHECK(of_layer(R"({"type":"Conv1D","input_size":1,"output_size":1,"kernel":2,"dilation":2147483648,"stride":1,)"
                   R"("padding":"causal"})") ==
          where +
              "(Conv1D): kernel 2, dilation 2147483648 and input size 1 make a window of more than 67108864 numbers");
    CHECK(of_layer(R"~({"type":"Activation","activation":"affine(nan, 0)"})~") ==
          where + "(Activation): \"activation\" is \"affine(nan, 0)\", expected a function such as \"tanh\"");
    std::string many; // each fits the file, all together don't
    for (int k = 0; k < 3; ++k)
        many += std::string(k > 0 ? "," : "") + R"({"type":"Dense","input_size":1,"output_size":1})";
    CHECK(
        refusal(begin + many + R"(,{"type":"Dense","input_size":1,"output_size":1})" + end) ==
        "load_model: memory: LayerRegistry: layer 3 (Dense): more parameters were described than the file has numbers");
    CHECK(refusal(R"({"version":2,"model":null})") ==
          "load_model: memory: carousel.architecture is of version 2, expected 1; load it with a newer version of this "
          "library");
    CHECK(refusal(R"({"version":1,"version":1,"model":{"type":"Sequential"}})") ==
          "load_model: memory: carousel.architecture: what is called \"version\" can't be read");
    std::string deep;
    for (int k = 0; k < 30; ++k)
        deep += R"({"type":"Sequential","layers":[)";
    CHECK(of_layer(deep) == "load_model: memory: carousel.architecture is nested too deeply");
}

TEST_CASE("activation_from: reads what description writes, of every function") {
    for (const Activation& f :
         {Activation::linear, Activation::tanh, Activation::sigmoid, Activation::relu, Activation::softsign,
          Activation::softplus, Activation::selu, Activation::exponential, Activation::affine(2, -0.5),
          Activation::leaky_relu(0.1), Activation::thresholded_relu(0.3), Activation::scaled_tanh(1.7159, 0.6667),
          Activation::hard_sigmoid(), Activation::elu(1e-9), Activation::relu.clipped(6),
          Activation::hard_sigmoid(1.0 / 6, 0.5).clipped(1e300)}) {
        INFO(description(f));
        CHECK(activation_from(description(f)) == f);
    }
    for (const char* const text : {"", "tan", "tanh(", "tanh()", "tanh(1)", "elu", "elu(-1)", "elu(1, 2)", "elu(1) ",
                                   "relu.clipped(0)", "relu.clipped(x)", "relu.clipped(6", "hard_sigmoid(0.2,0.5)"}) {
        INFO(text);
        CHECK_FALSE(activation_from(text));
    }
}
