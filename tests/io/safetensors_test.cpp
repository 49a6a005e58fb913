#include "catch.hpp"

#if __has_include(<nlohmann/json.hpp>)

#    include "carousel/io/safetensors.hpp"
#    include "carousel/io/training_file.hpp"
#    include "carousel/layer/batch_norm.hpp"
#    include "carousel/layer/bidirectional.hpp"
#    include "carousel/layer/dense.hpp"
#    include "carousel/layer/dropout.hpp"
#    include "carousel/layer/embedding.hpp"
#    include "carousel/layer/encoder_decoder.hpp"
#    include "carousel/layer/last_step.hpp"
#    include "carousel/layer/recurrent.hpp"
#    include "carousel/layer/sequential.hpp"
#    include "carousel/loss/mean_squared_error.hpp"
#    include "carousel/optim/adam.hpp"
#    include "carousel/optim/sgd.hpp"
#    include "carousel/train/fit.hpp"
#    include "io/folder.hpp"

#    include <bit>
#    include <chrono>

#    ifndef _WIN32
#        include <csignal>
#        include <sys/resource.h>
#    endif

using namespace carousel;
using namespace carousel::test;

namespace {

using Net = Sequential<LSTM<float>, LastStep, Dense<float>>;

Net make_model(std::uint64_t seed, Index hidden = 3) {
    Net model{LSTM<float>{1, hidden, {.peephole = true}}, LastStep{}, Dense<float>{hidden, 2}};
    model.initialize(seed);
    return model;
}

template <class M>
std::vector<Matrix<typename M::Scalar>> values(M& model) {
    std::vector<Matrix<typename M::Scalar>> list;
    for (const auto& named : parameters(model))
        list.push_back(named.parameter->value);
    return list;
}

/// Without settings.
struct SilentCell {
    using Scalar = float;
    static constexpr const char* name = "OwnRNN";
    static constexpr int states = 1, blocks = 1, vectors = 0;
    static constexpr BlockRange input{0, 1}, recurrent{0, 1};

    float leak = 1;

    template <class V>
    void forward(V (&a)[1], const V (&prev)[1], V (&next)[1], const V*) const {
        next[0] = prev[0] + leak * (a[0] - prev[0]);
    }
    template <class V>
    void backward(V (&a)[1], const V (&)[1], const V (&)[1], V (&d)[1], const V*, V*) const {
        a[0] = leak * d[0];
        d[0] *= 1 - leak;
    }
};
struct OwnCell : SilentCell {
    template <class F>
    void each_setting(F&& f) const {
        f("leak", leak);
    }
};

} // namespace

TEST_CASE("safetensors: every parameter comes back, and the metadata") {
    const Folder folder;
    const Net saved = make_model(1);
    Net loaded = make_model(2);
    const Metadata metadata{{"format", "pt"}, {"vocabulary", "\"\n\t中\x7f"}};
    save_safetensors(folder / "a.safetensors", saved, metadata);
    CHECK(load_safetensors(folder / "a.safetensors", loaded) == metadata);
    Net copy = saved;
    CHECK(values(loaded) == values(copy));
    CHECK(folder.files() == 1);

    save_safetensors(folder / "b.safetensors", parameters(copy));
    Net other = make_model(3);
    CHECK(load_safetensors(folder / "b.safetensors", parameters(other)).empty());
    CHECK(values(other) == values(copy));
}

TEST_CASE("safetensors: parameters that aren't trained are in the file, too, with an optimizer and with a training") {
    const Folder folder;
    const auto make = [](float mean) {
        Sequential model{BatchNorm<float>{2}, Dense<float>{2, 1, {.seed = 1}}};
        model.layer<0>().mean().value.setConstant(mean);
        return model;
    };
    auto saved = make(3), loaded = make(4), third = make(5), fourth = make(6);
    save_safetensors(folder / "a", saved);
    load_safetensors(folder / "a", loaded);
    CHECK(values(loaded) == values(saved));

    Optimizer optimizer{parameters(saved), Adam{}}, other{parameters(third), Adam{}};
    optimizer.step();
    save_safetensors(folder / "b", saved, optimizer);
    load_safetensors(folder / "b", third, other);
    CHECK(values(third) == values(saved));

    Training training{saved, Adam{}}, going_on{fourth, Adam{}};
    save_training(folder / "c", training);
    load_training(folder / "c", going_on);
    CHECK(values(fourth) == values(saved));
}

TEST_CASE("safetensors: shapes are rows and columns as documented, biases are vectors") {
    const Folder folder;
    Net model = make_model(1);
    auto& W = model.layer<2>().W().value;
    W << 1, 2, 3, 4, 5, 6;
    save_safetensors(folder / "a", model);
    const Safetensors file = read_safetensors(folder / "a");
    const auto shape = [&](const char* name) { return file.find(name)->shape; };
    using Shape = std::vector<Index>;
    CHECK(file.tensors.size() == 6);
    CHECK(shape("0.LSTM.W") == Shape{12, 1});
    CHECK(shape("0.LSTM.U") == Shape{12, 3});
    CHECK(shape("0.LSTM.b") == Shape{12});
    CHECK(shape("0.LSTM.P") == Shape{3, 3});
    CHECK(shape("2.Dense.W") == Shape{2, 3});
    CHECK(shape("2.Dense.b") == Shape{2});
    CHECK(std::get<std::vector<float>>(file.find("2.Dense.W")->numbers) == std::vector<float>{1, 2, 3, 4, 5, 6});
    CHECK(file.find("2.Dense.W")->matrix<float>() == W);
    CHECK(file.find("nothing") == nullptr);
}

TEMPLATE_TEST_CASE("safetensors: every number keeps its bits", "", float, double) {
    using Bits = std::conditional_t<sizeof(TestType) == 4, std::uint32_t, std::uint64_t>;
    using Limits = std::numeric_limits<TestType>;
    const Folder folder;
    Dense<TestType> saved{4, 3}, loaded{4, 3};
    auto& W = saved.W().value;
    const TestType payload = detail::bit_cast<TestType>(detail::bit_cast<Bits>(Limits::quiet_NaN()) | Bits(0x1234));
    W << Limits::infinity(), -Limits::infinity(), TestType(-0.0), TestType(0), Limits::denorm_min(), -Limits::min(),
        Limits::max(), Limits::lowest(), payload, -payload, TestType(0.1), Limits::epsilon();
    save_safetensors(folder / "a", saved);
    load_safetensors(folder / "a", loaded);
    for (Index k = 0; k < W.size(); ++k)
        CHECK(detail::bit_cast<Bits>(loaded.W().value.data()[k]) == detail::bit_cast<Bits>(W.data()[k]));
}

TEST_CASE("safetensors: ten epochs are five, a file, and five more, bit for bit") {
    const Folder folder;
    std::vector<float> wave;
    for (int t = 0; t < 60; ++t)
        wave.push_back(std::sin(0.3F * static_cast<float>(t)));
    const auto data = windows(wave, {.steps = 6, .horizon = 2});
    const Adam rule{.learning_rate = 1e-2};
    const auto train = [&](Net& model, auto& optimizer, Index epochs) {
        fit(model, data, MeanSquaredError{}, optimizer, {.epochs = epochs, .batch_size = 16, .shuffle = false});
    };

    Net whole = make_model(1), first = make_model(1), second = make_model(2);
    Optimizer whole_optimizer{parameters(whole), rule}, first_optimizer{parameters(first), rule},
        second_optimizer{parameters(second), rule};
    train(whole, whole_optimizer, 10);
    train(first, first_optimizer, 5);
    save_safetensors(folder / "checkpoint", first, first_optimizer, {{"epoch", "5"}});
    CHECK(load_safetensors(folder / "checkpoint", second, second_optimizer) == Metadata{{"epoch", "5"}});
    CHECK(second_optimizer.steps() == first_optimizer.steps());
    train(second, second_optimizer, 5);
    CHECK(values(second) == values(whole));
    CHECK(values(second) != values(first));
    CHECK(second_optimizer.state().moments == whole_optimizer.state().moments);

    Net alone = make_model(3);
    load_safetensors(folder / "checkpoint", alone); // without what the optimizer remembers
    CHECK(values(alone) == values(first));
    const Safetensors file = read_safetensors(folder / "checkpoint");
    CHECK(file.find("optimizer.0.LSTM.U.1")->shape == std::vector<Index>{12, 3});
    CHECK(file.find("optimizer.0.LSTM.b.0")->shape == std::vector<Index>{12});
    CHECK(file.find("optimizer.0.LSTM.U.1")->matrix<float>().reshaped() ==
          first_optimizer.state().moments[1].col(1).matrix());
}

TEST_CASE("safetensors: a sparse parameter and its moments go on where they were") {
    const Folder folder;
    Embedding<float> whole{5, 2}, first = whole, second{5, 2};
    const auto step = [](Embedding<float>& layer, auto& optimizer, Index token) {
        zero_gradients(optimizer.parameters());
        layer.table().grad_column(token).setConstant(0.5F);
        optimizer.step();
    };
    Optimizer whole_optimizer{parameters(whole), Adam{}}, first_optimizer{parameters(first), Adam{}},
        second_optimizer{parameters(second), Adam{}};
    for (const Index token : {1, 3, 3})
        step(whole, whole_optimizer, token), step(first, first_optimizer, token);
    step(second, second_optimizer, 4);
    save_safetensors(folder / "a", first, first_optimizer);
    load_safetensors(folder / "a", second, second_optimizer);
    CHECK(read_safetensors(folder / "a").find("table")->shape == std::vector<Index>{2, 5});
    for (const Index token : {3, 0})
        step(whole, whole_optimizer, token), step(second, second_optimizer, token);
    CHECK(values(second) == values(whole));
}

TEST_CASE("safetensors: what differs from the model is named, and nothing is changed") {
    const Folder folder;
    const fs::path path = folder / "m";
    const std::string at = "load_safetensors: " + path.string() + ": ";
    Net model = make_model(1);
    const auto before = values(model);
    const auto refused = [&](const std::string& message) {
        CHECK(error<std::runtime_error>([&] { load_safetensors(path, model); }) == at + message);
        CHECK(values(model) == before);
    };
    const auto write = [&](auto change) {
        save_safetensors(path, make_model(2));
        Safetensors file = read_safetensors(path);
        change(file.tensors);
        write_safetensors(path, file.tensors);
    };
    using Tensors = std::vector<NamedTensor>;
    const auto place = [](Tensors& tensors, const std::string& name) {
        return std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
    };

    save_safetensors(path, make_model(2, 4));
    refused("\"0.LSTM.W\" is 16 × 1, expected 12 × 1");
    write([&](Tensors& t) { t.erase(place(t, "2.Dense.W")); });
    refused("\"2.Dense.W\" is missing");
    write([&](Tensors& t) { t.emplace_back("3.Dense.W", Matrix<float>::Zero(1, 2)); });
    refused("\"3.Dense.W\" is not in the model");
    write([&](Tensors& t) { *place(t, "2.Dense.b") = {"2.Dense.b", Matrix<double>::Zero(2, 1)}; });
    refused("\"2.Dense.b\" is of type F64, expected F32");
    write([&](Tensors& t) { *place(t, "2.Dense.b") = {"2.Dense.b", Matrix<float>::Zero(2, 1)}; });
    refused("\"2.Dense.b\" is 2 × 1, expected 2");
    write([&](Tensors& t) { *place(t, "2.Dense.b") = {"2.Dense.b", {}, std::vector<float>{1}}; });
    refused("\"2.Dense.b\" is a single number, expected 2");
    write([&](Tensors& t) { *place(t, "0.LSTM.U") = {"0.LSTM.U", Matrix<float>::Zero(3, 12)}; });
    refused("\"0.LSTM.U\" is 3 × 12, expected 12 × 3");

    Dense<double> wide{3, 2};
    save_safetensors(path, Dense<float>{3, 2});
    CHECK_THROWS_WITH(load_safetensors(path, wide), at + "\"W\" is of type F32, expected F64");
    CHECK_THROWS_WITH(load_safetensors(folder / "none", wide),
                      "load_safetensors: " + (folder / "none").string() +
                          ": can't be opened: " + std::make_error_code(std::errc::no_such_file_or_directory).message());
}

TEST_CASE("safetensors: an optimizer's state that is missing or another rule's is refused, and nothing is changed") {
    const Folder folder;
    const fs::path path = folder / "m";
    const std::string at = "load_safetensors: " + path.string() + ": ";
    Dense<float> saved{2, 2}, model{2, 2};
    const auto before = values(model);
    Optimizer adam{parameters(model), Adam{}};
    const auto refused = [&](auto& optimizer, const std::string& message) {
        CHECK(error<std::runtime_error>([&] { load_safetensors(path, model, optimizer); }) == at + message);
        CHECK(values(model) == before);
        CHECK(optimizer.steps() == 0);
    };
    save_safetensors(path, saved);
    refused(adam, "\"optimizer.W.0\" is missing");
    save_safetensors(path, saved, Optimizer{parameters(saved), Adam{}});
    Optimizer momentum{parameters(model), SGD{.momentum = 0.9}};
    refused(momentum, "\"optimizer.W.1\" is not in the model");

    Safetensors file = read_safetensors(path);
    for (const double steps : {-1.0, 0.5, 1e17, std::nan("")}) {
        for (NamedTensor& tensor : file.tensors)
            if (tensor.name == "optimizer.steps")
                tensor.numbers = std::vector<double>{steps};
        write_safetensors(path, file.tensors);
        std::ostringstream message;
        message << "\"optimizer.steps\" is " << steps << ", expected a whole number >= 0";
        refused(adam, message.str());
    }
}

TEST_CASE("safetensors: a file that is many times as large as the model is refused before its numbers are read") {
    const Folder folder;
    const fs::path path = folder / "m";
    Dense<float> model{2, 2};
    std::string text = R"({"W":{"dtype":"F32","shape":[8589934592,2],"data_offsets":[0,68719476736]}})";
    const std::uint64_t length = text.size(), size = 8 + length + 68'719'476'736;
    put(path, length_bytes(length) + text);
    std::error_code error_code;
    fs::resize_file(path, size, error_code); // sparse: no disk holds it
    if (!error_code)
        CHECK(error<std::runtime_error>([&] { load_safetensors(path, model); }) ==
              "load_safetensors: " + path.string() + ": \"W\" is 8589934592 × 2, expected 2 × 2");
}

TEST_CASE("safetensors: 40,000 parameters are loaded in a moment") {
    std::vector<Parameter<float>> saved(40'000, Parameter<float>(1, 1)), loaded = saved;
    std::vector<NamedParameter<float>> from, to;
    for (std::size_t k = 0; k < saved.size(); ++k) {
        saved[k].value(0, 0) = static_cast<float>(k);
        from.push_back({std::to_string(k) + ".W", &saved[k]});
        to.push_back({std::to_string(k) + ".W", &loaded[k]});
    }
    const Folder folder;
    save_safetensors(folder / "m", from);
    const auto start = std::chrono::steady_clock::now();
    load_safetensors(folder / "m", to);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10)); // it would be 18, were it quadratic
    CHECK(loaded[39'999].value(0, 0) == 39'999);
}

TEST_CASE("safetensors: weights don't get into a model in which they mean something else") {
    const auto refused = [](const auto& saved, auto model, const std::string& message) {
        const auto before = values(model);
        const auto bytes = safetensors_bytes(saved);
        CHECK(error<std::runtime_error>([&] { load_safetensors(bytes, model); }) ==
              "load_safetensors: memory: the setting " + message +
                  "; build the model as it was saved, or load it with the option check_settings = false");
        CHECK(values(model) == before);
        load_safetensors(bytes, model, {.check_settings = false});
        auto copy = saved;
        CHECK(values(model) == values(copy));
    };
    using D = Dense<float>;
    using L = LSTM<float>;
    const L lstm{1, 2}, reversed{1, 2, {}, {.reverse = true}};
    refused(reversed, lstm, "\"reverse\" is true, the model's is false");
    refused(Sequential{D{1, 1}, lstm}, Sequential{D{1, 1}, reversed},
            "\"1.LSTM.reverse\" is false, the model's is true");
    refused(lstm, L{1, 2, {}, {.zoneout = 0.1}}, "\"zoneout\" is 0.0, the model's is 0.1");
    refused(Bidirectional{CoupledLSTM<float>{1, 2}}, Bidirectional{Recurrent<GruCell<float, Reset::before>>{1, 2}},
            "\"forward.cell\" is \"CoupledLSTM\", the model's is \"GRU\"");
    refused(Bidirectional{lstm, Merge::sum}, Bidirectional{lstm, Merge::average},
            "\"merge\" is \"sum\", the model's is \"average\"");
    refused(SimpleRNN<float>{1, 2}, SimpleRNN<float>{1, 2, {.activation = Activation::relu.clipped(6)}},
            "\"activation\" is \"tanh\", the model's is \"relu.clipped(6)\"");
    using Chosen = Recurrent<LstmCell<float, false, ChosenGates>>;
    refused(lstm, Chosen{1, 2, {.gates = {.f = Activation::hard_sigmoid()}}},
            "\"gate\" is \"sigmoid\", the model's is \"hard_sigmoid(0.2, 0.5)\"");
    refused(D{1, 2, {.activation = Activation::elu(0.5)}}, D{1, 2, {.activation = Activation::elu(1)}},
            "\"activation\" is \"elu(0.5)\", the model's is \"elu(1)\"");
    const Embedding<float> plain{3, 2}, first{3, 2, {.padding = 0}}, last{3, 2, {.padding = 2}};
    refused(first, last, "\"padding\" is 0, the model's is 2");
    refused(plain, first, "\"padding\" is missing, the model's is 0");
    refused(first, plain, "\"padding\" is 0, the model has none of this name");
    refused(Sequential{D{2, 2}, LastStep{}}, Sequential{D{2, 2}, BothEnds{}},
            "\"1.BothEnds.steps\" is missing, the model's is \"first and last\"");
    const auto seven = [&](Index steps) {
        return EncoderDecoder{Sequential{L{1, 2}}, Sequential{L{1, 2}, D{2, 1}}, {.encoder_steps = steps}};
    };
    refused(seven(7), seven(6), "\"encoder_steps\" is 7, the model's is 6");
}

TEST_CASE("safetensors: where a GRU resets and whether an LSTM has peepholes is said before shapes are compared") {
    const auto message = [](const auto& saved, auto model) {
        const auto bytes = safetensors_bytes(saved);
        const std::string text = error<std::runtime_error>([&] { load_safetensors(bytes, model); });
        return text.substr(0, text.find(';'));
    };
    CHECK(message(GRU<float>{1, 2}, Recurrent<GruCell<float, Reset::before>>{1, 2}) ==
          "load_safetensors: memory: the setting \"reset\" is \"after\", the model's is \"before\"");
    CHECK(message(LSTM<float>{1, 2, {.peephole = true}}, LSTM<float>{1, 2}) ==
          "load_safetensors: memory: the setting \"peephole\" is true, the model's is false");
}

TEST_CASE("safetensors: a file without settings loads, and one with others than the user's metadata says so") {
    const Folder folder;
    const fs::path path = folder / "m";
    LSTM<float> saved{1, 2}, reversed{1, 2, {}, {.reverse = true}};
    save_safetensors(path, saved, {{"a", "b"}});
    const Safetensors file = read_safetensors(path);
    CHECK(file.metadata ==
          Metadata{{"a", "b"},
                   {"carousel.settings", R"({"candidate":"tanh","cell":"LSTM","gate":"sigmoid","output":"tanh",)"
                                         R"("peephole":false,"reverse":false,"zoneout":0.0,"zoneout_cell":0.0})"},
                   {"carousel.architecture",
                    R"({"version":1,"model":{"type":"LSTM","input_size":1,"hidden_size":2,"recurrent_dropout":0.0,)"
                    R"("cell":"LSTM","reverse":false,"zoneout":0.0,"zoneout_cell":0.0,"peephole":false,)"
                    R"("gate":"sigmoid","candidate":"tanh","output":"tanh"}})"}});
    CHECK(load_safetensors(path, saved) == Metadata{{"a", "b"}});
    CHECK_THROWS_WITH(save_safetensors(path, saved, file.metadata),
                      "save_safetensors: the metadata has \"carousel.settings\", where this function says what the "
                      "model is; take it out");

    write_safetensors(path, file.tensors); // as a file of before, or of another program
    load_safetensors(path, reversed);
    CHECK(values(reversed) == values(saved));
    save_safetensors(path, parameters(saved)); // which doesn't know of layers
    load_safetensors(path, reversed);

    const auto refused = [&](const std::string& settings, const std::string& message) {
        write_safetensors(path, file.tensors, {{"carousel.settings", settings}});
        CHECK(error<std::runtime_error>([&] { load_safetensors(path, saved); }) ==
              "load_safetensors: " + path.string() + ": " + message);
    };
    refused("", "carousel.settings doesn't begin with {");
    refused("{\"a\":}", "carousel.settings isn't JSON: byte 6 is wrong");
    refused(R"({"a":1,"a":1})", "\"a\" is twice in carousel.settings");
    refused(R"({"cell":["LSTM"]})", "carousel.settings is nested too deeply");
    refused(R"({"cell":null})",
            "the setting \"cell\" is null, the model's is \"LSTM\"; build the model as it was saved, "
            "or load it with the option check_settings = false");
}

TEST_CASE("safetensors: a model with other positions reads the file by an explicit map of names") {
    const Folder folder;
    const fs::path path = folder / "m";
    Net saved = make_model(1);
    Optimizer saved_optimizer{parameters(saved), Adam{}};
    saved.layer<2>().b().grad.setOnes();
    saved_optimizer.step();
    save_safetensors(path, saved, saved_optimizer, {{"a", "b"}});
    Sequential model{Dropout{0.1}, LSTM<float>{1, 3, {.peephole = true}}, LastStep{}, Dense<float>{3, 2}};
    const LoadOptions renamed{.names = {{"0.LSTM", "1.LSTM"}, {"1.LastStep", "2.LastStep"}, {"2.Dense", "3.Dense"}}};

    CHECK_THROWS_WITH(load_safetensors(path, model),
                      "load_safetensors: " + path.string() + ": \"1.LSTM.W\" is missing");
    CHECK(load_safetensors(path, model, renamed) == Metadata{{"a", "b"}});
    CHECK(values(model) == values(saved));
    model.initialize(2);
    Optimizer optimizer{parameters(model), Adam{}};
    load_safetensors(path, model, optimizer, renamed);
    CHECK(values(model) == values(saved));
    CHECK(optimizer.state().moments == saved_optimizer.state().moments);
    CHECK(optimizer.steps() == 1);

    // the longest name counts
    model.initialize(2);
    auto exact = renamed;
    exact.names.merge(std::map<std::string, std::string>{
        {"2.Dense.b", "b"}, {"2.Dense.W", "3.Dense.W"}, {"0", "zero"}, {"2", "two"}, {"", "all"}});
    exact.allow_missing = exact.allow_extra = true;
    const Vector<float> b = model.layer<3>().b().value;
    CHECK_THROWS_WITH(load_safetensors(path, model, exact),
                      "load_safetensors: " + path.string() +
                          ": the option names has \"\", which names nothing in the file");
    exact.names = {{"2.Dense.b", "b"}, {"2.Dense.W", "3.Dense.W"}, {"0.LSTM", "1.LSTM"}, {"", "all"}};
    load_safetensors(path, model, exact);
    CHECK(model.layer<1>().W().value == saved.layer<0>().W().value);
    CHECK(model.layer<3>().W().value == saved.layer<2>().W().value);
    CHECK(model.layer<3>().b().value == b);
}

TEST_CASE("safetensors: names that fit nothing, or two things at once, are refused") {
    const auto bytes = safetensors_bytes(make_model(1));
    Net model = make_model(2);
    const auto before = values(model);
    const auto refused = [&](LoadOptions options, const std::string& message) {
        CHECK(error<std::runtime_error>([&] { load_safetensors(bytes, model, options); }) ==
              "load_safetensors: memory: " + message);
        CHECK(values(model) == before);
    };
    refused({.names = {{"0.LST", "0.LSTM"}}}, "the option names has \"0.LST\", which names nothing in the file");
    refused({.names = {{"2.Dense", "0.LSTM"}}}, "\"2.Dense.W\" and another are both to be \"0.LSTM.W\" in the model");
    refused({.names = {{"2.Dense", "3.Dense"}}}, "\"2.Dense.W\" is missing");
    refused({.names = {{"2.Dense", "3.Dense"}}, .allow_missing = true},
            "\"2.Dense.W\", in the model \"3.Dense.W\", is not in the model");
    refused({.names = {{"2.Dense.W", "0.LSTM.W"}, {"0.LSTM.W", "2.Dense.W"}}},
            "\"2.Dense.W\", in the model \"0.LSTM.W\", is 2 × 3, expected 12 × 1");
    refused({.names = {{"", "other"}}, .allow_missing = true, .allow_extra = true},
            "none of its tensors is in the model");
}

TEST_CASE("safetensors: a part of a model is loaded, from a part of a file") {
    const auto bytes = safetensors_bytes(make_model(1));
    Net saved = make_model(1);
    // a new layer on top
    Sequential model{LSTM<float>{1, 3, {.peephole = true}}, LastStep{}, Dense<float>{3, 5}};
    const Matrix<float> W = model.layer<2>().W().value;
    CHECK_THROWS_WITH(load_safetensors(bytes, model, {.allow_missing = true, .allow_extra = true}),
                      "load_safetensors: memory: \"2.Dense.W\" is 2 × 3, expected 5 × 3");
    load_safetensors(bytes, model, {.names = {{"2.Dense", "left out"}}, .allow_missing = true, .allow_extra = true});
    CHECK(model.layer<0>().P().value == saved.layer<0>().P().value);
    CHECK(model.layer<2>().W().value == W);

    // a layer alone, and what only one of both has isn't compared
    LSTM<float> layer{1, 3, {.peephole = true}};
    load_safetensors(bytes, layer, {.names = {{"0.LSTM", ""}}, .allow_extra = true});
    CHECK(layer.U().value == saved.layer<0>().U().value);
    // but what both have is
    LSTM<float> reversed{1, 3, {.peephole = true}, {.reverse = true}};
    CHECK(error<std::runtime_error>([&] {
              load_safetensors(bytes, reversed, {.names = {{"0.LSTM", ""}}, .allow_extra = true});
          }).starts_with("load_safetensors: memory: the setting \"reverse\" is false, the model's is true"));

    // an encoder out of both, and a model into an encoder
    const auto make_pair = [] {
        return EncoderDecoder{
            Sequential{GRU<float>{1, 3}}, Sequential{GRU<float>{1, 3}, Dense<float>{3, 1}}, {.encoder_steps = 2}};
    };
    auto pair = make_pair(), other = make_pair();
    Sequential encoder{GRU<float>{1, 3}};
    load_safetensors(safetensors_bytes(pair), encoder, {.names = {{"encoder", ""}}, .allow_extra = true});
    CHECK(values(encoder) == values(pair.encoder()));
    load_safetensors(safetensors_bytes(encoder), other, {.names = {{"", "encoder"}}, .allow_missing = true});
    CHECK(values(other.encoder()) == values(pair.encoder()));
}

TEST_CASE("safetensors: tensors of other types are passed over where more than the model is allowed") {
    Dense<float> saved{1, 1}, model{1, 1};
    std::string text = R"({"W":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},)"
                       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
                       R"("half":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]}})";
    const std::string bytes = length_bytes(text.size()) + text + std::string(12, '\0');
    const auto file = std::as_bytes(std::span(bytes));
    CHECK_THROWS_WITH(load_safetensors(file, model), "load_safetensors: memory: \"half\" is not in the model");
    load_safetensors(file, model, {.allow_extra = true});
    CHECK(model.W().value(0, 0) == 0);
    CHECK_THROWS_WITH(read_safetensors(file),
                      "read_safetensors: memory: \"half\" is of type BF16, expected F32 or F64");
}

TEST_CASE("safetensors: a layer and a cell of one's own are saved and loaded, with settings or without") {
    const auto bytes = safetensors_bytes(Recurrent<OwnCell>{1, 2, {{.leak = 0.5F}}});
    Recurrent<OwnCell> same{1, 2, {{.leak = 0.5F}}}, other{1, 2, {{.leak = 0.25F}}};
    load_safetensors(bytes, same);
    CHECK_THROWS_WITH(
        load_safetensors(bytes, other),
        "load_safetensors: memory: the setting \"leak\" is 0.5, the model's is 0.25; build the model as it "
        "was saved, or load it with the option check_settings = false");
    Recurrent<SilentCell> silent{1, 2}, loaded{1, 2};
    load_safetensors(safetensors_bytes(silent), loaded);
    CHECK(values(loaded) == values(silent));
}

TEST_CASE("safetensors: an optimizer of a model that was moved or copied is neither saved nor loaded") {
    const Folder folder;
    const auto path = folder / "model.safetensors";
    auto model = Sequential{Dense<float>{1, 2}};
    Optimizer optimizer{parameters(model), Adam{}};
    save_safetensors(path, model, optimizer);
    const std::string bytes = content(path);
    auto moved = std::move(model);
    const std::string why =
        "the optimizer's 0.Dense.W isn't a parameter of this model: it was made for another, or the "
        "model was copied or moved since; make one of parameters(model)";
    REQUIRE_THROWS_WITH(save_safetensors(path, moved, optimizer), "save_safetensors: " + why);
    REQUIRE_THROWS_WITH(load_safetensors(path, moved, optimizer), "load_safetensors: " + why);
    REQUIRE_THROWS_WITH(
        save_safetensors(path, model, optimizer),
        "save_safetensors: 0.Dense.W is empty: its model was moved to another place since the optimizer "
        "was made; make one there");
    CHECK(content(path) == bytes);
}

TEST_CASE("safetensors: no prefix of a file loads, and no changed bit of one does harm") {
    Dense<float> model{2, 1};
    const auto file = safetensors_bytes(model, {{"a", "b"}});
    const std::string whole(reinterpret_cast<const char*>(file.data()), file.size());
    const auto loads = [&](const std::string& bytes) {
        try {
            load_safetensors(std::as_bytes(std::span(bytes)), model);
        } catch (const std::runtime_error&) {
            return false;
        }
        return true;
    };
    for (std::size_t size = 0; size < whole.size(); ++size)
        REQUIRE(!loads(whole.substr(0, size)));
    REQUIRE(loads(whole));
    int loaded = 0;
    for (std::size_t k = 0; k < whole.size(); ++k)
        for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
            std::string changed = whole;
            changed[k] = static_cast<char>(changed[k] ^ flip);
            loaded += loads(changed);
        }
    CHECK(loaded >= 9 * 12); // the three numbers' bytes at least
}

TEST_CASE("safetensors: where nothing can be written is refused, and the old file stays") {
    const Folder folder;
    const Dense<float> model{10, 10};
    const auto refused = [&](const fs::path& path, const std::string& why) {
        const std::size_t files = folder.files();
        CHECK(error<std::runtime_error>([&] { save_safetensors(path, model); }) ==
              "save_safetensors: " + path.string() + ": can't be written: " + why);
        CHECK(folder.files() == files);
    };
    const auto reason = [](std::errc code) { return std::make_error_code(code).message(); };
    refused(folder / "none" / "m", reason(std::errc::no_such_file_or_directory));
    fs::create_directory(folder / "inner");
    refused(folder / "inner", "it is no regular file");

    put(folder / "m", "old");
#    ifndef _WIN32
    refused("/dev/null", "it is no regular file");
    refused(folder / "m" / "n", reason(std::errc::not_a_directory));

    // as if the disk were full
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{100, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const std::string message = error<std::runtime_error>([&] { save_safetensors(folder / "m", model); });
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK(message ==
          "save_safetensors: " + (folder / "m").string() + ": can't be written: " + reason(std::errc::file_too_large));
    CHECK(content(folder / "m") == "old");
    CHECK(folder.files() == 2);

    // a link stays one
    fs::create_symlink(folder / "m", folder / "link");
    save_safetensors(folder / "link", model);
    CHECK(fs::is_symlink(folder / "link"));
    CHECK(read_safetensors(folder / "m").tensors.size() == 2);
#    endif
}

#else

#    include <iostream>

TEST_CASE("safetensors: the tests need nlohmann-json, and are left out") {
    std::cout << "safetensors: left out: nlohmann-json isn't installed\n";
}

#endif
