#include "catch.hpp"

#if __has_include(<nlohmann/json.hpp>)

#    include "carousel/io/safetensors.hpp"
#    include "carousel/layer/dense.hpp"
#    include "carousel/layer/embedding.hpp"
#    include "carousel/layer/last_step.hpp"
#    include "carousel/layer/recurrent.hpp"
#    include "carousel/layer/sequential.hpp"
#    include "carousel/loss/mean_squared_error.hpp"
#    include "carousel/optim/adam.hpp"
#    include "carousel/optim/sgd.hpp"
#    include "carousel/train/fit.hpp"
#    include "io/folder.hpp"

#    include <bit>

#    ifndef _WIN32
#        include <csignal>
#        include <sys/resource.h>
#    endif

using namespace carousel;
using namespace carousel::test;

namespace {

using Model = Sequential<LSTM<float>, LastStep, Dense<float>>;

Model make_model(std::uint64_t seed, Index hidden = 3) {
    Model model{LSTM<float>{1, hidden, {.peephole = true}}, LastStep{}, Dense<float>{hidden, 2}};
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

} // namespace

TEST_CASE("safetensors: every parameter comes back, and the metadata") {
    const Folder folder;
    const Model saved = make_model(1);
    Model loaded = make_model(2);
    const Metadata metadata{{"format", "pt"}, {"vocabulary", "\"\n\t中\x7f"}};
    save_safetensors(folder / "a.safetensors", saved, metadata);
    CHECK(load_safetensors(folder / "a.safetensors", loaded) == metadata);
    Model copy = saved;
    CHECK(values(loaded) == values(copy));
    CHECK(folder.files() == 1);

    save_safetensors(folder / "b.safetensors", parameters(copy));
    Model other = make_model(3);
    CHECK(load_safetensors(folder / "b.safetensors", parameters(other)).empty());
    CHECK(values(other) == values(copy));
}

TEST_CASE("safetensors: shapes are rows and columns as documented, biases are vectors") {
    const Folder folder;
    Model model = make_model(1);
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
    const TestType payload = std::bit_cast<TestType>(std::bit_cast<Bits>(Limits::quiet_NaN()) | Bits(0x1234));
    W << Limits::infinity(), -Limits::infinity(), TestType(-0.0), TestType(0), Limits::denorm_min(), -Limits::min(),
        Limits::max(), Limits::lowest(), payload, -payload, TestType(0.1), Limits::epsilon();
    save_safetensors(folder / "a", saved);
    load_safetensors(folder / "a", loaded);
    for (Index k = 0; k < W.size(); ++k)
        CHECK(std::bit_cast<Bits>(loaded.W().value.data()[k]) == std::bit_cast<Bits>(W.data()[k]));
}

TEST_CASE("safetensors: ten epochs are five, a file, and five more, bit for bit") {
    const Folder folder;
    std::vector<float> wave;
    for (int t = 0; t < 60; ++t)
        wave.push_back(std::sin(0.3F * static_cast<float>(t)));
    const auto data = windows(wave, {.steps = 6, .horizon = 2});
    const Adam rule{.learning_rate = 1e-2};
    const auto train = [&](Model& model, auto& optimizer, Index epochs) {
        fit(model, data, MeanSquaredError{}, optimizer, {.epochs = epochs, .batch_size = 16, .shuffle = false});
    };

    Model whole = make_model(1), first = make_model(1), second = make_model(2);
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

    Model alone = make_model(3);
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
    Model model = make_model(1);
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
                      "load_safetensors: " + (folder / "none").string() + ": can't be opened");
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

TEST_CASE("safetensors: no prefix of a file loads, and no changed bit of one does harm") {
    const Folder folder;
    const fs::path path = folder / "m";
    Dense<float> model{2, 1};
    save_safetensors(path, model, {{"a", "b"}});
    const std::string whole = content(path);
    const auto loads = [&](const std::string& bytes) {
        put(path, bytes);
        try {
            load_safetensors(path, model);
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
