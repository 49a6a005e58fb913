#include "support/forecast_nets.hpp"

#include "catch.hpp"

#include <filesystem>
#include <random>
#include <string>

using namespace carousel;
using namespace example;

namespace {

/// A folder that is removed with all in it.
struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("carousel_forecast_test_" + std::to_string(std::random_device{}()));
    Folder() { std::filesystem::create_directory(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path); }
};

/// Of a net that forecasts two steps of one column, the mean and a quantile of each.
ForecastSettings settings() {
    ForecastSettings all;
    all.task.target = "x";
    all.task.steps = 4;
    all.task.horizon = 2;
    all.task.quantiles = {0.9};
    all.inputs = {"x"};
    all.scaler = {Vector<double>::Zero(1), Vector<double>::Ones(1)};
    return all;
}

Model<float> net(Index outputs) {
    return Model<float>{GRU<float>{1, 2}, LastStep{}, Dense<float>{2, outputs}};
}

/// What is said of a net with these settings; empty if they fit.
std::string said(const Model<float>& net, const ForecastSettings& settings) {
    try {
        check_net(net, settings, "file");
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

} // namespace

TEST_CASE("forecast nets: one that doesn't make what its settings say is refused") {
    const std::string why = "file: the net doesn't fit its settings: ";
    CHECK(said(net(4), settings()).empty());
    CHECK(said(net(3), settings()) == why + "it has 3 outputs, expected 4");
    CHECK(said(Model<float>(), settings()) == why + "it has no layers");
    const GRU<float> gru{1, 2};
    CHECK(said(Model<float>{gru, Dense<float>{2, 4}}, settings()) == why + "it doesn't make one step of 4");
    CHECK(said(Model<float>{gru, Conv1D<float>{2, 2, 5, {.padding = Padding::valid}}, LastStep{}, Dense<float>{2, 4}},
               settings()) == why + "it doesn't make one step of 4");
    ForecastSettings other = settings();
    other.inputs.push_back("y");
    CHECK(said(net(4), other).starts_with(why));
    CHECK(said(net(4), other).find("expected") != std::string::npos);
}

TEST_CASE("forecast nets: those that forecast together are read back, and must have been saved together") {
    const Folder folder;
    const auto file = folder.path / "net.safetensors", second = folder.path / "net-2.safetensors";
    ForecastNets nets{settings(), {}};
    for (const std::uint64_t seed : {1U, 2U}) {
        nets.nets.push_back(net(4));
        nets.nets.back().initialize(seed);
    }
    save(nets, file);
    const ForecastNets read = load_forecast(file);
    CHECK(read.nets.size() == 2);
    CHECK(read.task.horizon == 2);
    const Sequence<float> x(Matrix<float>::Ones(1, 4), 1);
    CHECK(outputs_of(read, x) == outputs_of(nets, x));

    ForecastSettings other = settings();
    other.task.steps = 5;
    save_safetensors(second, nets.nets[1], metadata_of(other, 2));
    REQUIRE_THROWS_WITH(load_forecast(file), second.string() + ": its settings aren't those of " + file.string() +
                                                 ", expected a net that was saved with it");
    save_safetensors(second, net(3), metadata_of(settings(), 2));
    REQUIRE_THROWS_WITH(load_forecast(file),
                        second.string() + ": the net doesn't fit its settings: it has 3 outputs, expected 4");
    std::filesystem::remove(second);
    CHECK_THROWS_AS(load_forecast(file), std::runtime_error);
}
